// What identity/… does to logins and their tokens. Statuses, texts and shapes as OpenBao 2.7 answers them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder, type Reply } from './support.ts';
import { errors, make, world, type Data } from './identity-support.ts';

describe('a login', () => {
  async function withAlice(after: (end: () => Promise<void> | void) => void) {
    const all = await world(after);
    const { call } = all;
    await call('POST', '/v1/sys/auth/userpass', { body: { type: 'userpass' } });
    await call('POST', '/v1/auth/userpass/users/alice', { body: { password: 'pw', token_policies: 'team' } });
    const login = async (): Promise<Reply> =>
      call('POST', '/v1/auth/userpass/login/alice', { token: null, body: { password: 'pw' } });
    return { ...all, login };
  }

  const authOf = ({ body }: Reply) => body['auth'] as { client_token: string; entity_id: string } & Data;

  test('makes an entity, whose policies the token has from then on', async (t) => {
    const { call, post, get, login } = await withAlice((end) => t.after(end));
    const { client_token: token, entity_id: entity, ...first } = authOf(await login());
    assert.equal('identity_policies' in first, false);
    const [alias] = (await get(`entity/id/${entity}`))['aliases'] as Data[];
    assert.deepEqual([alias!['name'], alias!['mount_path']], ['alice', 'auth/userpass/']);
    const text = 'path "sys/mounts" { capabilities = ["read"] }';
    await call('PUT', '/v1/sys/policies/acl/idp', { body: { policy: text } });
    assert.equal((await call('GET', '/v1/sys/mounts', { token })).status, 403);
    await post(`entity/id/${entity}`, { policies: ['idp'] });
    assert.equal((await call('GET', '/v1/sys/mounts', { token })).status, 200);
    const shown = (await call('GET', '/v1/auth/token/lookup-self', { token })).body.data;
    assert.deepEqual(
      [shown['policies'], shown['identity_policies'], shown['external_namespace_policies'], shown['entity_id']],
      [['default', 'team'], ['idp'], {}, entity],
    );
    const { policies, token_policies: own, identity_policies: identity } = authOf(await login());
    assert.deepEqual([policies, own, identity], [['default', 'idp', 'team'], ['default', 'team'], ['idp']]);
    const child = authOf(await call('POST', '/v1/auth/token/create', { token: 'root', body: {} }));
    assert.equal(child.entity_id, '');
  });

  test('of a disabled entity is refused, and so are its tokens', async (t) => {
    const { call, post, login } = await withAlice((end) => t.after(end));
    const { client_token: token, entity_id: entity } = authOf(await login());
    await post(`entity/id/${entity}`, { disabled: true });
    assert.deepEqual(errors(await login()), [403, 'permission denied']);
    assert.deepEqual(errors(await call('GET', '/v1/auth/token/lookup-self', { token })), [403, 'permission denied']);
    assert.deepEqual(errors(await call('POST', '/v1/sys/capabilities', { body: { token, paths: ['a'] } })), [
      400,
      '1 error occurred:\n\t* invalid token\n\n',
    ]);
    assert.equal((await call('POST', '/v1/auth/token/lookup', { body: { token } })).status, 200);
    await post(`entity/id/${entity}`, { disabled: false });
    assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 200);
  });

  test('lets the caller read its own entity, and no other', async (t) => {
    const { call, login } = await withAlice((end) => t.after(end));
    const { client_token: token, entity_id: entity } = authOf(await login());
    const other = await make(call, 'entity', { name: 'other' });
    const read = async (id: string): Promise<number> =>
      (await call('GET', `/v1/identity/entity/id/${id}`, { token })).status;
    assert.deepEqual([await read(entity), await read(other)], [200, 403]);
  });

  test('is told to audit: whose entity it was and which policy gave the right', async (t) => {
    const { call, post, login } = await withAlice((end) => t.after(end));
    const file = join(
      temporaryFolder((remove) => t.after(remove)),
      'audit.log',
    );
    const { client_token: token, entity_id: entity } = authOf(await login());
    const policy = 'path "sys/mounts" { capabilities = ["read"] }';
    await call('PUT', '/v1/sys/policies/acl/idp', { body: { policy } });
    await post(`entity/id/${entity}`, { policies: ['idp'] });
    const device = { type: 'file', options: { file_path: file } };
    assert.equal((await call('PUT', '/v1/sys/audit/file', { body: device })).status, 204);
    await call('GET', '/v1/sys/mounts', { token });
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const entry = lines
      .map((line) => JSON.parse(line) as { auth: Data; request: Data })
      .find(({ request }) => request['path'] === 'sys/mounts')!;
    const { auth } = entry;
    assert.deepEqual(
      [auth['entity_id'], auth['policies'], auth['token_policies'], auth['identity_policies'], auth['policy_results']],
      [
        entity,
        ['default', 'idp', 'team'],
        ['default', 'team'],
        ['idp'],
        { allowed: true, granting_policies: [{ name: 'idp', namespace_id: 'root', type: 'acl' }] },
      ],
    );
  });

  test('a token role may name the entity instead', async (t) => {
    const { call, post, get } = await world((end) => t.after(end));
    await call('POST', '/v1/auth/token/roles/r', { body: { allowed_entity_aliases: ['ci-*'] } });
    const made = await call('POST', '/v1/auth/token/create/r', { body: { entity_alias: 'ci-7' } });
    const { entity_id: entity } = authOf(made);
    const [alias] = (await get(`entity/id/${entity}`))['aliases'] as Data[];
    assert.deepEqual([alias!['name'], alias!['mount_type']], ['ci-7', 'token']);
    const again = await call('POST', '/v1/auth/token/create/r', { body: { entity_alias: 'ci-7' } });
    assert.equal(authOf(again).entity_id, entity);
    await post(`entity/id/${entity}`, { disabled: true });
    const refused = await call('POST', '/v1/auth/token/create/r', { body: { entity_alias: 'ci-7' } });
    assert.equal(refused.status, 403);
  });
});
