// cubbyhole/: each token's own, with Vault's shapes, and gone with the token.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../aws-support.ts';
import { testBroker } from '../support.ts';
import { make, storedKeys, tokenWith } from './support.ts';

describe('a cubbyhole', () => {
  test('keeps, lists and forgets what its token wrote', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    assert.equal((await call('GET', '/v1/cubbyhole/a')).status, 404);
    assert.equal((await call('LINK', '/v1/cubbyhole')).status, 404);
    const body = { text: 'x', list: [1, 2.5, null], deep: { a: true }, path: 'own' };
    assert.equal((await call('POST', '/v1/cubbyhole/a', { body })).status, 204);
    assert.equal((await call('PUT', '/v1/cubbyhole/b/c', { body: { k: 'v' } })).status, 204);
    const read = await call('GET', '/v1/cubbyhole/a');
    assert.deepEqual([read.body.data, read.body['warnings'], read.body['mount_type']], [body, null, 'cubbyhole']);
    assert.deepEqual((await call('GET', '/v1/cubbyhole/?list=true')).body.data, { keys: ['a', 'b/'] });
    assert.deepEqual((await call('LINK', '/v1/cubbyhole/b')).body.data, { keys: ['c'] });
    assert.equal((await call('DELETE', '/v1/cubbyhole/a')).status, 204);
    assert.equal((await call('GET', '/v1/cubbyhole/a')).status, 404);
    const empty = await call('POST', '/v1/cubbyhole/a', { body: {} });
    assert.deepEqual([empty.status, empty.body.errors[0]], [400, 'missing data fields']);
  });

  test('is seen by its own token only, and by no batch token', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const policy = 'path "cubbyhole/*" { capabilities = ["create", "read", "update", "delete", "list"] }';
    const token = await tokenWith(world, 'own', policy);
    await world.call('POST', '/v1/cubbyhole/a', { token, body: { k: 'v' } });
    assert.equal((await world.call('GET', '/v1/cubbyhole/a')).status, 404);
    assert.deepEqual((await world.call('GET', '/v1/cubbyhole/a', { token })).body.data, { k: 'v' });
    const batch = (await make(world, { type: 'batch', policies: ['own'] })).client_token;
    const refused = await world.call('GET', '/v1/cubbyhole/a', { token: batch });
    assert.deepEqual(
      [refused.status, refused.body.errors[0]],
      [400, "cubbyhole operations are only supported by 'service' type tokens"],
    );
  });

  test('needs `create` for what is new and `update` for what is not', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const policy = 'path "cubbyhole/*" { capabilities = ["create"] }';
    const token = await tokenWith(world, 'own', policy, { no_default_policy: true });
    assert.equal((await world.call('POST', '/v1/cubbyhole/a', { token, body: { k: 1 } })).status, 204);
    assert.equal((await world.call('POST', '/v1/cubbyhole/a', { token, body: { k: 2 } })).status, 403);
  });

  test('is erased with its token, whether that is revoked or its time is over', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const accessors: string[] = [];
    for (const ttl of ['1h', '1m']) {
      const { client_token: token, accessor } = await make(world, { ttl, policies: ['root'] });
      accessors.push(accessor);
      for (const path of ['a', 'b/c']) await world.call('POST', `/v1/cubbyhole/${path}`, { token, body: { k: 'v' } });
      if (ttl === '1h') await world.call('POST', '/v1/auth/token/revoke', { body: { token } });
    }
    world.clock.advance(61_000);
    // Their accessors go with them, after their cubbyholes.
    await until('both tokens are forgotten', async () => {
      const { keys } = (await world.call('LIST', '/v1/auth/token/accessors')).body.data as { keys: string[] };
      return !accessors.some((accessor) => keys.includes(accessor));
    });
    await world.broker.stop();
    assert.deepEqual(storedKeys(world, 'cubbyhole/'), []);
  });

  test('is listed among the mounts as Vault lists it', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const mounts = (await call('GET', '/v1/sys/mounts')).body.data;
    const { type, description, local } = mounts['cubbyhole/'] as Record<string, unknown>;
    assert.deepEqual([type, description, local], ['cubbyhole', 'per-token private secret storage', true]);
  });
});
