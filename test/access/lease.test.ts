import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { AdjustableClock, systemClock } from '../../src/base/index.ts';
import { leaseOf, pathOf, type SeenLease } from '../../src/access/lease-marker.ts';
import type { ApplyContext } from '../../src/access/apply.ts';
import { failureOf } from '../base/support.ts';
import { central, dev, prod, startWorld, wantedOf, type World } from './apply-support.ts';

let world: World;

before(async () => {
  world = await startWorld();
});
after(() => world.stop());
beforeEach(() => world.reset());

const other = { host: 'elsewhere', pid: 7 };
const caller = 'arn:aws:iam::111111111111:user/bob';

/** What a run elsewhere left in an account. */
async function marker(account: string, number: number, minutes: number): Promise<void> {
  const { iam } = await world.accountsAs().account(account);
  const lease: SeenLease = { number, run: 'theirs', holder: other, caller, expires: Date.now() + minutes * 60_000 };
  await iam.createInstanceProfile({ InstanceProfileName: `stint-lease-${number}`, Path: pathOf(lease) });
}

async function markers(account: string): Promise<string[]> {
  return (await world.holdings(account)).filter((text) => text.startsWith('profile stint-lease'));
}

/** Calls of IAM in an account since a place in the event log. */
async function callsSince(after: number, account: string): Promise<string[]> {
  const { events } = (await world.control('GET', `events?after=${after}&limit=1000`)) as {
    events: { account: string; service: string; operation: string }[];
  };
  return events.filter((it) => it.account === account && it.service === 'iam').map(({ operation }) => operation);
}

test('a lease is told whole by its path', () => {
  const lease: SeenLease = {
    number: 3,
    run: '20261128T191500Z-aB3dE6',
    holder: { host: 'laptop of alice/ü:4026531836', pid: 4711 },
    caller,
    expires: Date.UTC(2026, 10, 28, 19, 15, 1),
  };
  const path = pathOf(lease);
  assert.match(path, /^\/stint\/lease\/20261128T191501Z\/[!-~]+\/$/);
  assert.deepEqual(leaseOf('stint-lease-3', path), lease);
  assert.equal(leaseOf('theirs', path), undefined);
  assert.ok(pathOf({ ...lease, caller: 'é'.repeat(2000), holder: { host: 'x'.repeat(500), pid: 1 } }).length <= 512);
});

test('of two applies at once one is refused with who holds the lease, until when, and the cure', async () => {
  const key = world.cloud.credentials.accounts[central]!;
  const running = Promise.withResolvers<void>();
  const [, refused] = await Promise.all([
    world.apply({ onEvent: ({ type }) => void (type === 'wave' && running.resolve()) }),
    // Planned at the same moment; the yes comes while the first one writes.
    failureOf(
      world.apply({ accounts: world.openAs(key.accessKeyId, key.secretAccessKey), confirm: () => running.promise }),
    ),
  ]);
  assert.equal(refused.code, 'lease-held');
  assert.match(refused.message, /^arn:aws:iam::111111111111:user\/admin is applying .* its lease holds until/);
  assert.deepEqual([await markers(central), (await world.planNow()).changes], [[], []]);
});

test('a lease that another run holds refuses before the first write, and `--break-lease` takes its place', async () => {
  await marker(prod, 4, 10);
  const failure = await failureOf(world.apply());
  assert.equal(failure.code, 'lease-held');
  assert.match(
    failure.message,
    /^arn:aws:iam::111111111111:user\/bob is applying to account `prod` \(run theirs on elsewhere, process 7\); its lease holds until \d{4}-\d\d-\d\dT/,
  );
  assert.match(failure.hint!, /--break-lease/);
  assert.deepEqual(await markers(central), [], 'what was taken elsewhere is given back');
  assert.ok(!(await world.holdings(central)).includes('group developers'));
  await world.apply({ breakLease: true });
  assert.deepEqual([await markers(prod), (await world.planNow()).changes], [[], []]);
});

test('a lease ends by its time, and with the process of this machine that held it', async () => {
  await marker(dev, 1, -1);
  await marker(prod, 9, 10);
  await world.apply({ hasEnded: (run, { host }) => run === 'theirs' && host === 'elsewhere' });
  assert.deepEqual([await markers(dev), await markers(prod)], [[], []]);
  await marker(dev, 1, -1);
  assert.equal((await world.apply()).outcome, undefined);
  assert.deepEqual(await markers(dev), [], 'an apply without changes removes what has ended');
});

test('a plan writes nothing, and a lease costs two calls an account', async () => {
  const { next } = (await world.control('GET', 'events?after=0&limit=1000')) as { next: number };
  await world.planNow();
  const planned = await callsSince(next, dev);
  assert.ok(
    planned.every((operation) => /^(?:Get|List)/.test(operation)),
    planned.join(),
  );
  const { plan } = await world.apply();
  const writes = (await callsSince(next, dev)).filter((operation) => !/^(?:Get|List)/.test(operation));
  assert.equal(writes.length, plan.steps.filter(({ account }) => account === dev).length + 2);
  assert.deepEqual([writes[0], writes.at(-1)], ['CreateInstanceProfile', 'DeleteInstanceProfile']);
});

test('a long run renews its lease; one whose lease was taken stops before its next call', async () => {
  const clock = new AdjustableClock(systemClock);
  const advancing = (every: () => void): Partial<ApplyContext> => ({
    clock,
    onEvent: ({ type }) => void (type === 'step' && every()),
  });
  await world.apply(advancing(() => clock.advance(10 * 60_000)));
  assert.deepEqual(await Promise.all([central, dev, prod].map(markers)), [[], [], []]);

  let [writing, broken] = [false, false];
  const accounts = world.accountsAs();
  const failure = await failureOf(
    world.apply({
      clock,
      wanted: wantedOf({ roles: {} }),
      only: ['prod'],
      onEvent: ({ type }) => {
        if (type === 'wave') writing = true;
        if (type === 'step') clock.advance(10 * 60_000);
      },
      accounts: Object.assign(Object.create(accounts) as typeof accounts, {
        account: async (id: string) => {
          const account = await accounts.account(id);
          // Somebody breaks the lease between two calls of ours.
          if (writing && !broken) {
            broken = true;
            await account.iam.deleteInstanceProfile({ InstanceProfileName: 'stint-lease-1' });
            await marker(prod, 2, 60);
          }
          return account;
        },
        caller: () => accounts.caller(),
        organizations: () => accounts.organizations(),
      }),
    }),
  );
  assert.match(failure.message, /lease-lost: another run has taken the lease on account `prod`/);
  assert.deepEqual(await markers(prod), ['profile stint-lease-2'], 'the lease of the other one is left alone');
});

test('a lease whose making was answered with an error is known as ours', async () => {
  await world.fault('CreateInstanceProfile', {
    account: prod,
    when: 'after',
    nth: 1,
    count: 1,
    error: { code: 'ServiceFailure', status: 500 },
  });
  await world.apply();
  assert.deepEqual([await markers(prod), (await world.planNow()).changes], [[], []]);
});

test('a marker that is there for one call and not for the next is made again, and counts as held in the end', async () => {
  const exists = {
    account: prod,
    when: 'before',
    nth: 1,
    error: { code: 'EntityAlreadyExists', status: 409 },
  } as const;
  await world.fault('CreateInstanceProfile', { ...exists, count: 1000 });
  const failure = await failureOf(world.apply());
  assert.equal(failure.code, 'lease-held');
  await world.reset();
  await world.fault('CreateInstanceProfile', { ...exists, count: 4 });
  await world.apply();
  assert.deepEqual([await markers(prod), (await world.planNow()).changes], [[], []]);
});

test('what changes between the plan and the yes refuses the plan', async () => {
  const failure = await failureOf(
    world.apply({
      confirm: async () => {
        const { iam } = await world.accountsAs().account(dev);
        await iam.createRole({
          RoleName: 'test_role',
          AssumeRolePolicyDocument: JSON.stringify({
            Version: '2012-10-17',
            Statement: { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
          }),
        });
      },
    }),
  );
  assert.equal(failure.code, 'plan-moved');
  assert.match(failure.message, /`dev\/role\/test_role`/);
  assert.deepEqual(await markers(dev), []);
});
