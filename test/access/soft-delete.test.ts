import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { chooseRun, compileDefinition, planUndo, undoScope, type Plan, type Wanted } from '../../src/access/index.ts';
import { definitionSchema } from '../../src/access/model.ts';
import { central, definition, dev, prod, startWorld, type World } from './apply-support.ts';

const day = 86_400_000;
const without = { roles: {}, people: { Administrator: { groups: ['Administrators'] } } };

let world: World;

before(async () => {
  world = await startWorld();
});
after(() => world.stop());
beforeEach(() => world.reset());

/** The definition with a week of grace, as it is planned so many days from now. */
function graceful(over: object = {}, days = 0): Wanted {
  const parsed = definitionSchema.parse({ ...definition, defaults: { grace: '7d' }, ...over });
  return compileDefinition(parsed, Date.now() + days * day);
}

const pending = (plan: Pick<Plan, 'findings'>): string[] =>
  plan.findings
    .filter(({ code }) => code === 'pending-deletion')
    .map(({ account, resource }) => `${account} ${resource}`);

test('what goes can do nothing and lets nobody in for the time of grace, then it is removed, with what hangs on it', async () => {
  await world.apply({ wanted: graceful() });
  const { plan } = await world.apply({ wanted: graceful(without) });
  assert.deepEqual([plan.summary.destroy, plan.summary.change > 0], [0, true]);
  const soft = pending(plan);
  for (const it of ['central user/alice', 'dev role/app', 'dev instance-profile/test_profile', 'dev policy/reader']) {
    assert.ok(soft.includes(it), `${it} of ${soft.join(', ')}`);
  }
  const { iam } = await world.accountsAs().account(dev);
  const { Role } = await iam.getRole({ RoleName: 'app' });
  assert.match(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ''), /user\/stint\/nobody/);
  const { iam: centralIam } = await world.accountsAs().account(central);
  const { AccessKey } = await centralIam.createAccessKey({ UserName: 'alice' });
  const alice = await world.openAs(AccessKey!.AccessKeyId!, AccessKey!.SecretAccessKey!).account(central);
  await assert.rejects(alice.iam.listRoles({}), { name: 'AccessDenied' });

  const waiting = await world.planNow({ wanted: graceful(without, 6) });
  assert.deepEqual([waiting.changes, pending(waiting)], [[], soft]);
  await world.apply({ wanted: graceful(without, 8) });
  assert.deepEqual(pending(await world.planNow({ wanted: graceful(without, 8) })), []);
  const held = [...(await world.holdings(dev)), ...(await world.holdings(central))];
  assert.ok(!held.some((text) => /app|test_profile|alice/.test(text)), held.join());
});

test('what is put back is as before, with the id that it had; so is what an undo brings back', async () => {
  await world.apply({ wanted: graceful() });
  const { iam } = await world.accountsAs().account(dev);
  const { Role: before } = await iam.getRole({ RoleName: 'app' });
  const { run } = await world.apply({ wanted: graceful(without) });
  const gone = chooseRun(world.folder, run);
  await world.apply({ mode: 'undo', wanted: undoScope(gone), planFrom: (seen) => planUndo(gone, seen) });
  assert.deepEqual((await world.planNow({ wanted: graceful() })).changes, []);
  await world.apply({ wanted: graceful(without) });
  await world.apply({ wanted: graceful() });
  assert.deepEqual((await world.planNow({ wanted: graceful() })).changes, []);
  assert.equal((await iam.getRole({ RoleName: 'app' })).Role?.RoleId, before?.RoleId);
});

test('a renamed role takes what hung on it along at once, with and without a time of grace', async () => {
  const { roles, policies } = definition;
  const app = { ...roles.app, policies: ['reader'] };
  const renamed = (over: object): object => ({
    roles: { web: { ...app, policies: [], instanceProfile: 'web_profile', was: 'app' } },
    ...over,
  });
  for (const grace of ['7d', { off: true, reason: 'nothing here is worth keeping' }]) {
    const defaults = { grace };
    await world.apply({ wanted: graceful({ policies, roles: { app }, defaults }) });
    const { plan } = await world.apply({ wanted: graceful(renamed({ policies, defaults })) });
    assert.deepEqual(pending(plan), []);
    const held = (await world.holdings(dev)).join();
    assert.ok(held.includes('web_profile') && !/test_profile|app|reader/.test(held), held);
    await world.reset();
  }
});

test('a destroy keeps to the time of grace, and takes everything at once when it is told so', async () => {
  const before = await world.holdings(dev);
  await world.apply({ wanted: graceful() });
  const { plan } = await world.apply({ mode: 'destroy', wanted: graceful() });
  assert.ok(pending(plan).includes('dev role/app'));
  await world.apply({ mode: 'destroy', wanted: { ...graceful(), grace: undefined } });
  assert.deepEqual(await world.holdings(dev), before);
});

/** The definition as its author wrote it, without a word about grace, so many days from now. */
function usual(over: object = {}, days = 0): Wanted {
  return compileDefinition(definitionSchema.parse({ ...definition, ...over }), Date.now() + days * day);
}

const nameless = (names: readonly string[]): string[] => names.filter((text) => /test_role|back|chained/.test(text));

test('without a word about it, what goes from production is kept for a week and then purged; elsewhere it goes at once', async () => {
  await world.apply({ wanted: usual() });
  const { plan } = await world.apply({ wanted: usual({ roles: {} }) });
  assert.deepEqual(pending(plan).toSorted(), ['prod role/back', 'prod role/test_role']);
  assert.deepEqual(nameless(await world.holdings(dev)), []);
  assert.deepEqual(nameless(await world.holdings(prod)), ['role back', 'role test_role']);
  const state = plan.defaults.find(({ name }) => name === 'grace');
  assert.deepEqual(
    [state?.on, state?.text],
    [true, 'roles and users that go from production are kept for 7d, able to do nothing'],
  );
  assert.deepEqual((await world.planNow({ wanted: usual({ roles: {} }, 6) })).changes, []);
  await world.apply({ wanted: usual({ roles: {} }, 8) });
  assert.deepEqual(nameless(await world.holdings(prod)), []);
});

test('switched off with a reason, which every plan tells, it goes from production at once', async () => {
  await world.apply({ wanted: usual() });
  const over = { roles: {}, defaults: { grace: { off: true, reason: 'a rehearsal' } } };
  const { plan } = await world.apply({ wanted: usual(over) });
  assert.deepEqual(nameless(await world.holdings(prod)), []);
  assert.ok(plan.findings.some(({ code, message }) => code === 'default-off-grace' && message.endsWith('a rehearsal')));
});

test('a destroy is at once where nobody chose a grace, takes what waits with it, and purges by itself once the time is over', async () => {
  const before = await world.holdings(prod);
  await world.apply({ wanted: usual() });
  await world.apply({ wanted: usual({ roles: {} }) });
  await world.apply({ mode: 'destroy', wanted: usual() });
  assert.deepEqual(await world.holdings(prod), before);
  await world.apply({ wanted: graceful() });
  await world.apply({ mode: 'destroy', wanted: graceful() });
  const soft = await world.apply({ mode: 'destroy', wanted: graceful({}, 6) });
  assert.equal(soft.outcome, undefined);
  await world.apply({ mode: 'destroy', wanted: graceful({}, 8) });
  assert.deepEqual(await world.holdings(prod), before);
});
