// What a policy says of a path holds for all that the path can be made to do, whatever stands beside it
// in the body, and rights are those of the token's own policies.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemRandom } from '../../src/base/index.ts';
import type { Barrier } from '../../src/broker/barrier.ts';
import type { Engine } from '../../src/broker/engines/engine.ts';
import { Mounts } from '../../src/broker/mounts.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

async function tokenWith({ call }: TestBroker, name: string, rules: string): Promise<string> {
  await call('PUT', `/v1/sys/policies/acl/${name}`, { body: { policy: rules } });
  return tokenOf(await call('POST', '/v1/auth/token/create', { body: { policies: [name] } }));
}

function tokenOf({ body }: Reply): string {
  return (body['auth'] as { client_token: string }).client_token;
}

describe('the authority of a path', () => {
  it('auth methods are made and removed only where sudo is asked for', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const token = await tokenWith(
      world,
      'mounter',
      'path "sys/mounts/*" { capabilities = ["create", "update", "delete", "read"] }',
    );
    const made = await world.call('POST', '/v1/sys/mounts/auth/door', { token, body: { type: 'userpass' } });
    assert.deepEqual([made.status, made.body.errors], [400, ['cannot mount "auth/door/"']]);
    assert.equal((await world.call('POST', '/v1/sys/auth/people', { body: { type: 'userpass' } })).status, 204);
    const removed = await world.call('DELETE', '/v1/sys/mounts/auth/people', { token });
    assert.deepEqual([removed.status, removed.body.errors], [400, ['cannot unmount "auth/people/"']]);
    assert.equal((await world.call('DELETE', '/v1/sys/mounts/auth/nobody', { token })).status, 204);
    assert.equal((await world.call('GET', '/v1/sys/auth/people')).status, 200);
  });

  it('a mount is not moved to where none can be made', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    await call('POST', '/v1/sys/mounts/cloud', { body: { type: 'aws' } });
    for (const to of ['stint/leases', 'sys/more', 'identity/more', 'auth', 'cubbyhole/more']) {
      const { status } = await call('POST', '/v1/sys/remount', { body: { from: 'cloud', to } });
      assert.equal(status, 400, to);
    }
    assert.equal((await call('GET', '/v1/sys/mounts/cloud')).status, 200);
  });

  it('a token whose policy is named like two others has the rights of neither', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { call } = world;
    await call('PUT', '/v1/sys/policies/acl/zone', {
      body: { policy: 'path "sys/mounts" { capabilities = ["read"] }' },
    });
    await call('POST', '/v1/auth/token/roles/team', {
      body: { allowed_policies_glob: ['team-*'], allowed_policies: [] },
    });
    const member = await tokenWith(world, 'member', 'path "auth/token/create/team" { capabilities = ["update"] }');
    const both = tokenOf(await call('POST', '/v1/auth/token/create', { body: { policies: ['team-a', 'zone'] } }));
    assert.equal((await call('GET', '/v1/sys/mounts', { token: both })).status, 200);
    const made = await call('POST', '/v1/auth/token/create/team', {
      token: member,
      body: { policies: ['team-a\nzone'] },
    });
    if (made.status === 200) assert.equal((await call('GET', '/v1/sys/mounts', { token: tokenOf(made) })).status, 403);
  });

  it('a rule for a name holds however that is spelt, where the server does not tell spellings apart', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { call } = world;
    await call('POST', '/v1/sys/auth/people', { body: { type: 'userpass' } });
    const token = await tokenWith(
      world,
      'deputy',
      `path "sys/policies/acl/*" { capabilities = ["create", "read", "update", "delete", "list"] }
       path "sys/policies/acl/admin" { capabilities = ["read"] }
       path "sys/policy/*" { capabilities = ["create", "update"] }
       path "sys/policy/admin" { capabilities = ["deny"] }
       path "auth/people/users/*" { capabilities = ["create", "update", "delete"] }
       path "auth/people/users/root*" { capabilities = ["deny"] }
       path "identity/entity/name/*" { capabilities = ["create", "update"] }
       path "identity/entity/name/admin" { capabilities = ["deny"] }`,
    );
    const policy = { policy: 'path "*" { capabilities = ["sudo"] }', policies: ['admin'], password: 'x' };
    const written = async (path: string): Promise<number> =>
      (await call('POST', `/v1/${path}`, { token, body: policy })).status;
    for (const name of ['admin', 'ADMIN', 'Admin', 'admin%20', '%20admin']) {
      assert.equal(await written(`sys/policies/acl/${name}`), 403, name);
      assert.equal(await written(`sys/policy/${name}`), 403, name);
    }
    assert.equal((await call('GET', '/v1/sys/policies/acl/ADMIN', { token })).status, 404);
    assert.equal(await written('auth/people/users/Root-of-all'), 403);
    const own = await tokenWith(
      world,
      'own-spelling',
      'path "sys/policies/acl/Mine*" { capabilities = ["read"] }\npath "sys/policies/acl/*" { capabilities = ["deny"] }',
    );
    assert.equal((await call('GET', '/v1/sys/policies/acl/Mine-1', { token: own })).status, 404);
    assert.equal(await written('identity/entity/name/Admin'), 403);
    for (const path of ['sys/policies/acl/Other', 'auth/people/users/Other', 'identity/entity/name/Other']) {
      assert.ok([200, 204].includes(await written(path)), path);
    }
  });

  it('the body names no other lease than the path', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { call } = world;
    const token = await tokenWith(world, 'own', 'path "sys/leases/revoke/mine/*" { capabilities = ["update"] }');
    const other = await call('POST', '/v1/auth/token/create', { body: {} });
    const accessor = (other.body['auth'] as { accessor: string }).accessor;
    const listed = await call('LIST', '/v1/sys/leases/lookup/auth/token/create');
    for (const name of listed.body.data['keys'] as string[]) {
      const body = { lease_id: `auth/token/create/${name}` };
      const { status } = await call('PUT', '/v1/sys/leases/revoke/mine/a', { token, body });
      assert.equal(status, 400);
    }
    assert.equal((await call('POST', '/v1/auth/token/lookup-accessor', { body: { accessor } })).status, 200);
  });

  it('the body names no other entity than the path', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { call } = world;
    const token = await tokenWith(
      world,
      'own',
      'path "identity/entity/name/mine" { capabilities = ["create", "update"] }',
    );
    const { body } = await call('POST', '/v1/identity/entity', { body: { name: 'admin' } });
    const { id } = body.data;
    const taken = await call('POST', '/v1/identity/entity/name/mine', { token, body: { id, policies: ['member'] } });
    assert.equal(taken.status, 400);
    const after = await call('GET', `/v1/identity/entity/id/${String(id)}`);
    assert.deepEqual([after.body.data['name'], after.body.data['policies']], ['admin', []]);
    const own = await call('POST', '/v1/identity/entity/name/mine', { token, body: {} });
    const again = { id: own.body.data['id'], policies: ['member'] };
    assert.equal((await call('POST', '/v1/identity/entity/name/mine', { token, body: again })).status, 204);
  });
});

it('a path of very many segments is looked up no oftener than a mount has characters', async () => {
  let looked = 0;
  const mount = { id: 'x', type: 'aws', path: 'm/m' };
  const get = async (key: string): Promise<unknown> => {
    looked++;
    return key === 'mount/m/m' ? { key, value: mount, version: '1' } : undefined;
  };
  const engine = { type: 'aws' } as unknown as Engine;
  const mounts = new Mounts({ get } as unknown as Barrier, systemRandom, { engines: [engine], methods: [] }, () => {});
  assert.equal(await mounts.locate(`n${'/n'.repeat(400)}`), undefined);
  assert.ok(looked <= 60, String(looked));
  const rests = await Promise.all(
    ['m/m', 'm/m/a', `m/m${'/m'.repeat(400)}`].map(async (path) => (await mounts.locate(path))?.rest),
  );
  assert.deepEqual(rests, ['', 'a', `m${'/m'.repeat(399)}`]);
  assert.equal(await mounts.locate('m'), undefined);
});
