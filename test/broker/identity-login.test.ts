// What a login leads to, and what policies say to its entity: over a store of its own.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AdjustableClock, systemRandom } from '../../src/base/index.ts';
import { Access } from '../../src/broker/access.ts';
import { Identity, type ProvenLogin } from '../../src/broker/identity/identity.ts';
import type { Token } from '../../src/broker/model.ts';
import { Policies } from '../../src/broker/policies.ts';
import { openSqliteStore } from '../../src/broker/storage/sqlite.ts';
import { Tokens } from '../../src/broker/tokens.ts';
import { temporaryFolder, testBarrier } from './support.ts';

const alice: ProvenLogin = { mountAccessor: 'auth_userpass_1', local: false, name: 'alice', metadata: { team: 'red' } };

async function world(t: TestContext) {
  const store = openSqliteStore(
    join(
      temporaryFolder((remove) => t.after(remove)),
      'stint.db',
    ),
  );
  const barrier = await testBarrier(store);
  t.after(() => store.close());
  const clock = new AdjustableClock();
  const identity = new Identity({ barrier, clock, random: systemRandom });
  const policies = new Policies(barrier, clock);
  const tokens = new Tokens(barrier, clock, systemRandom, () => {});
  const access = new Access({ tokens, policies, clock, caller: (id) => identity.caller(id) });
  const made = await tokens.create({
    policies: ['p'],
    displayName: 'x',
    path: 'auth/token/create',
    meta: {},
    parent: null,
    ttlSeconds: 600,
    explicitMaxTtlSeconds: 0,
    periodSeconds: 0,
    renewable: true,
    uses: 0,
  });
  const tokenOf = (entityId: string): Token => ({ ...made.token, entityId });
  const may = async (entityId: string, path: string): Promise<readonly string[]> =>
    access.capabilities(tokenOf(entityId), path);
  return { barrier, identity, policies, access, tokenOf, may };
}

test('the first login of a name makes its entity, the next ones find it', async (t) => {
  const { identity } = await world(t);
  const logins = await Promise.all(Array.from({ length: 6 }, () => identity.onLogin(alice)));
  const ids = new Set(logins.map(({ entityId }) => entityId));
  assert.equal(ids.size, 1);
  const entity = await identity.entities.get([...ids][0]!);
  assert.deepEqual(
    entity!.aliases.map(({ name, metadata }) => [name, metadata]),
    [['alice', { team: 'red' }]],
  );
  const other = await identity.onLogin({ ...alice, mountAccessor: 'auth_userpass_2' });
  assert.equal(ids.has(other.entityId), false);
  assert.equal(ids.has((await identity.onLogin({ ...alice, name: 'ALICE' })).entityId), true);
});

test('a login takes over what the method says of the caller now', async (t) => {
  const { identity } = await world(t);
  const { entityId } = await identity.onLogin(alice);
  await identity.onLogin({ ...alice, metadata: { team: 'blue' } });
  assert.deepEqual((await identity.entities.get(entityId))!.aliases[0]!.metadata, { team: 'blue' });
});

test('a login that changes nothing writes nothing', async (t) => {
  const { identity, barrier } = await world(t);
  const { entityId } = await identity.onLogin(alice);
  const version = async (): Promise<unknown> => (await barrier.get(`identity/entity/${entityId}`))?.version;
  const before = await version();
  await identity.onLogin(alice);
  assert.equal(await version(), before);
});

test('an entity has its own policies and those of its groups, at the next request', async (t) => {
  const { identity, policies, may } = await world(t);
  const { entityId, policies: none } = await identity.onLogin(alice);
  assert.deepEqual(none, []);
  await policies.write('reader', { text: 'path "a" { capabilities = ["read"] }' });
  await policies.write('writer', { text: 'path "a" { capabilities = ["update"] }' });
  assert.deepEqual(await may(entityId, 'a'), ['deny']);
  await identity.entities.write(entityId, { policies: ['reader'] });
  assert.deepEqual(await may(entityId, 'a'), ['read']);
  const { group: child } = await identity.groups.write('', { name: 'child', memberEntityIds: [entityId] });
  await identity.groups.write('', { name: 'parent', policies: ['writer'], memberGroupIds: [child.id] });
  assert.deepEqual(await may(entityId, 'a'), ['read', 'update']);
  assert.deepEqual((await identity.onLogin(alice)).policies, ['reader', 'writer']);
  await identity.groups.delete(child.id);
  assert.deepEqual(await may(entityId, 'a'), ['read']);
});

test('names of policies that cannot be written allow nothing and break nothing', async (t) => {
  const { identity, policies, may } = await world(t);
  const { entityId } = await identity.onLogin(alice);
  await policies.write('größe/ü', { text: 'path "a" { capabilities = ["read"] }' });
  await identity.entities.write(entityId, { policies: ['größe/ü', '\ud800', 'x'.repeat(5000), '%zz', ''] });
  assert.deepEqual(await may(entityId, 'a'), ['read']);
  assert.deepEqual(await policies.names(), ['größe/ü', 'root']);
});

test('a disabled or deleted entity is refused, at the next request and at login', async (t) => {
  const { identity, access, tokenOf, may } = await world(t);
  const { entityId } = await identity.onLogin(alice);
  await identity.entities.write(entityId, { disabled: true });
  await assert.rejects(() => may(entityId, 'a'), { code: 'permission-denied' });
  await assert.rejects(() => identity.onLogin(alice), { code: 'permission-denied' });
  await identity.entities.write(entityId, { disabled: false });
  assert.deepEqual(await may(entityId, 'a'), ['deny']);
  await identity.entities.delete(entityId);
  await assert.rejects(() => access.acl(tokenOf(entityId)), { code: 'permission-denied' });
});

test('a token of an entity that was merged acts for the one it was merged into', async (t) => {
  const { identity, policies, may } = await world(t);
  await policies.write('reader', { text: 'path "a" { capabilities = ["read"] }' });
  const { entityId: from } = await identity.onLogin(alice);
  const { entityId: to } = await identity.onLogin({ ...alice, mountAccessor: 'auth_approle_1' });
  await identity.entities.write(to, { policies: ['reader'] });
  await identity.entities.merge(to, [from], []);
  assert.deepEqual(await may(from, 'a'), ['read']);
  assert.equal((await identity.onLogin(alice)).entityId, to);
});

test('external groups gain and lose the caller by what the method says', async (t) => {
  const { identity } = await world(t);
  const { group } = await identity.groups.write('', { name: 'ops', type: 'external', policies: ['ops'] });
  const { mountAccessor } = alice;
  await identity.groups.writeAlias('', group.id, { mountAccessor, name: 'cn=ops' });
  const { group: elsewhere } = await identity.groups.write('', { name: 'else', type: 'external', policies: ['else'] });
  await identity.groups.writeAlias('', elsewhere.id, { mountAccessor: 'auth_oidc_9', name: 'cn=ops' });
  const login = async (groups: readonly string[]): Promise<readonly string[]> =>
    (await identity.onLogin({ ...alice, groups })).policies;
  assert.deepEqual(await login(['cn=ops', 'cn=unknown']), ['ops']);
  assert.deepEqual(await login(['cn=ops']), ['ops']);
  assert.deepEqual(await login([]), []);
});

test('templates are filled with the caller, and a rule that cannot be filled says nothing', async (t) => {
  const { identity, policies, may } = await world(t);
  const { entityId } = await identity.onLogin(alice);
  const { group } = await identity.groups.write('', {
    name: 'crew',
    metadata: { m: 'gm' },
    memberEntityIds: [entityId],
  });
  await identity.entities.write(entityId, { name: 'al', metadata: { k: 'em', wild: 'x*', slash: 'x/y' } });
  const aliasId = (await identity.entities.get(entityId))!.aliases[0]!.id;
  await identity.entities.changeAlias(aliasId, '', {
    mountAccessor: alice.mountAccessor,
    name: 'alice',
    customMetadata: { c: 'cm' },
  });
  const template = (path: string): string => `path "${path}" { capabilities = ["read"] }`;
  const alias = `identity.entity.aliases.${alice.mountAccessor}`;
  const filled: readonly [string, string][] = [
    ['1/{{identity.entity.id}}', `1/${entityId}`],
    ['2/{{ identity.entity.name }}/*', '2/al/x'],
    ['3/{{identity.entity.metadata.k}}', '3/em'],
    [`4/{{${alias}.id}}`, `4/${aliasId}`],
    [`5/{{${alias}.name}}`, '5/alice'],
    [`6/{{${alias}.metadata.team}}`, '6/red'],
    [`7/{{${alias}.custom_metadata.c}}`, '7/cm'],
    [`8/{{identity.groups.ids.${group.id}.name}}`, '8/crew'],
    ['9/{{identity.groups.names.crew.id}}', `9/${group.id}`],
    ['10/{{identity.groups.names.crew.metadata.m}}', '10/gm'],
    ['11/{{identity.entity.name}}-{{identity.entity.metadata.k}}', '11/al-em'],
  ];
  const dropped = [
    '20/{{identity.entity.metadata.none}}',
    '20/{{identity.entity.metadata.wild}}',
    '20/{{identity.entity.metadata.slash}}',
    '20/{{identity.entity.aliases.auth_other.name}}',
    '20/{{identity.groups.names.other.id}}',
    '20/{{identity.entity.metadata}}',
    '20/{{something.else}}',
    '20/{{}}',
  ];
  await policies.write('p', { text: [...filled.map(([path]) => path), ...dropped, '21'].map(template).join('\n') });
  for (const [rule, path] of filled) assert.deepEqual(await may(entityId, path), ['read'], rule);
  for (const path of ['20/x*', '20/x/y', '20/', '20/undefined', ...dropped]) {
    assert.deepEqual(await may(entityId, path), ['deny'], path);
  }
  assert.deepEqual(await may(entityId, '21'), ['read']);
  await identity.entities.write(entityId, { name: 'renamed' });
  assert.deepEqual([await may(entityId, '2/al/x'), await may(entityId, '2/renamed/x')], [['deny'], ['read']]);
  const nobody = '';
  assert.deepEqual([await may(nobody, '2/al/x'), await may(nobody, '21')], [['deny'], ['read']]);
});

test('a policy may allow slashes and wildcards in what templates are filled with', async (t) => {
  const { identity, policies, may } = await world(t);
  const { entityId } = await identity.onLogin(alice);
  await identity.entities.write(entityId, { metadata: { team: 'a/b', wild: 'x*' } });
  const text = `path "t/{{identity.entity.metadata.team}}" { capabilities = ["read"] }
    path "w/{{identity.entity.metadata.wild}}" { capabilities = ["read"] }`;
  await policies.write('p', { text });
  assert.deepEqual([await may(entityId, 't/a/b'), await may(entityId, 'w/xyz')], [['deny'], ['deny']]);
  await policies.write('p', { text, allowSlashes: true });
  assert.deepEqual([await may(entityId, 't/a/b'), await may(entityId, 'w/xyz')], [['read'], ['deny']]);
  await policies.write('p', { text, allowSlashes: true, allowWildcards: true });
  assert.deepEqual(await may(entityId, 'w/xyz'), ['read']);
});

test('another node sees every change at its next request', async (t) => {
  const { barrier, identity, policies, access, tokenOf } = await world(t);
  const clock = new AdjustableClock();
  const [there, theirs] = [new Identity({ barrier, clock, random: systemRandom }), new Policies(barrier, clock)];
  const { entityId } = await there.onLogin(alice);
  const may = async (): Promise<readonly string[]> => access.capabilities(tokenOf(entityId), 'a');
  assert.deepEqual(await may(), ['deny']);
  await theirs.write('q', { text: 'path "a" { capabilities = ["read"] }' });
  await there.entities.write(entityId, { policies: ['q'] });
  assert.deepEqual(await may(), ['read']);
  await theirs.write('q', { text: 'path "a" { capabilities = ["list"] }' });
  assert.deepEqual(await may(), ['list']);
  const { group } = await there.groups.write('', { name: 'g', policies: ['r'], memberEntityIds: [entityId] });
  await policies.write('r', { text: 'path "a" { capabilities = ["patch"] }' });
  assert.deepEqual(await may(), ['list', 'patch']);
  await there.groups.write(group.id, { memberEntityIds: [] });
  assert.deepEqual(await may(), ['list']);
  await there.entities.delete(entityId);
  await assert.rejects(may, { code: 'permission-denied' });
  assert.equal(await identity.caller(entityId), undefined);
});

test('one entity never gets the rules that were filled for another', async (t) => {
  const { identity, policies, may } = await world(t);
  await policies.write('p', { text: 'path "own/{{identity.entity.id}}" { capabilities = ["read"] }' });
  const ids = await Promise.all(
    Array.from({ length: 20 }, async (_, at) => (await identity.onLogin({ ...alice, name: `user${at}` })).entityId),
  );
  for (const id of [...ids, ...ids]) {
    const other = ids[(ids.indexOf(id) + 1) % ids.length]!;
    assert.deepEqual([await may(id, `own/${id}`), await may(id, `own/${other}`)], [['read'], ['deny']]);
  }
});
