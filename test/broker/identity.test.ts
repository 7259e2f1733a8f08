// identity/… over HTTP. Statuses, texts and shapes as OpenBao 2.7 answers them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder, testBroker, type Reply, type TestBroker } from './support.ts';

type Caller = TestBroker['call'];
type Data = Readonly<Record<string, unknown>>;

const errors = ({ status, body }: Reply): unknown => [status, body.errors[0]];

async function accessorOf(call: Caller, method: string): Promise<string> {
  const { data } = (await call('GET', '/v1/sys/auth')).body;
  return (data[method] as { accessor: string }).accessor;
}

async function make(call: Caller, path: string, body: object): Promise<string> {
  const reply = await call('POST', `/v1/identity/${path}`, { body });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return String(reply.body.data['id']);
}

async function world(after: (end: () => Promise<void> | void) => void) {
  const { call } = await testBroker(after);
  const post = (path: string, body: object): Promise<Reply> => call('POST', `/v1/identity/${path}`, { body });
  const get = async (path: string): Promise<Data> => (await call('GET', `/v1/identity/${path}`)).body.data;
  const list = async (path: string): Promise<unknown> =>
    (await call('LIST', `/v1/identity/${path}`)).body.data?.['keys'];
  return { call, post, get, list };
}

describe('an entity', () => {
  test('is made, read by id and by name, renamed, listed and deleted', async (t) => {
    const { call, post, get, list } = await world((end) => t.after(end));
    assert.equal((await call('LIST', '/v1/identity/entity/id')).status, 404);
    const made = await post('entity', { name: 'Bob', policies: ['Team', 'team', 'p2'], metadata: { a: 'b' } });
    assert.deepEqual([made.body.data['name'], made.body.data['aliases']], ['Bob', null]);
    const id = String(made.body.data['id']);
    const { creation_time: created, last_update_time: updated, ...rest } = await get('entity/name/BOB');
    assert.match(String(created), /^\d{4}-.*Z$/);
    assert.equal(typeof updated, 'string');
    assert.deepEqual(rest, {
      id,
      name: 'Bob',
      metadata: { a: 'b' },
      policies: ['p2', 'team'],
      disabled: false,
      merged_entity_ids: null,
      namespace_id: 'root',
      aliases: [],
      direct_group_ids: [],
      inherited_group_ids: [],
      group_ids: [],
    });
    assert.equal((await post(`entity/id/${id}`, { name: 'bobby' })).status, 204);
    assert.deepEqual(await list('entity/name'), ['bobby']);
    const { data } = (await call('LIST', '/v1/identity/entity/id')).body;
    assert.deepEqual(data, { keys: [id], key_info: { [id]: { name: 'bobby' } } });
    assert.equal((await call('GET', '/v1/identity/entity/name/bob')).status, 404);
    assert.equal((await call('DELETE', '/v1/identity/entity/name/bobby')).status, 204);
    assert.equal((await call('GET', `/v1/identity/entity/id/${id}`)).status, 404);
    assert.equal((await call('DELETE', `/v1/identity/entity/id/${id}`)).status, 204);
  });

  test('of a known name is changed, not made again, and keeps what is left out', async (t) => {
    const { post, get } = await world((end) => t.after(end));
    await post('entity', { name: 'bob', policies: 'a,b', metadata: 'k=v' });
    assert.equal((await post('entity', { name: 'bob', disabled: true })).status, 204);
    const { policies, metadata, disabled } = await get('entity/name/bob');
    assert.deepEqual([policies, metadata, disabled], [['a', 'b'], { k: 'v' }, true]);
    assert.equal((await post('entity/name/ann', {})).body.data['name'], 'ann');
  });

  test('without a name gets one', async (t) => {
    const { post } = await world((end) => t.after(end));
    assert.match(String((await post('entity', {})).body.data['name']), /^entity_[0-9a-f]{8}$/);
  });

  test("is refused with Vault's texts", async (t) => {
    const { call, post } = await world((end) => t.after(end));
    const id = await make(call, 'entity', { name: 'a' });
    await make(call, 'entity', { name: 'b' });
    assert.deepEqual(errors(await post('entity', { id, name: 'b' })), [400, 'entity name is already in use']);
    assert.deepEqual(errors(await post('entity/id/nope', {})), [400, 'entity not found from id']);
    assert.deepEqual(errors(await post('entity', { policies: ['root'] })), [400, 'policies cannot contain root']);
    const pair = 'invalid entity metadata: failed to load metadata pair';
    assert.deepEqual(errors(await post('entity', { metadata: { 'vault-x': '1' } })), [
      500,
      `1 error occurred:\n\t* ${pair} ("vault-x", "1"): key prefix "vault-" is reserved for internal use\n\n`,
    ]);
    assert.deepEqual(errors(await post('entity', { metadata: { 'a b': '1' } })), [
      500,
      `1 error occurred:\n\t* ${pair} ("a b", "1"): key contains invalid characters\n\n`,
    ]);
    assert.equal((await call('GET', '/v1/identity/entity/id')).status, 405);
  });

  test('many made at once under one name are one', async (t) => {
    const { call, list, post } = await world((end) => t.after(end));
    await Promise.all(Array.from({ length: 8 }, (_, at) => post('entity', { name: 'one', metadata: { at: `${at}` } })));
    assert.deepEqual(await list('entity/name'), ['one']);
    const several = await Promise.all([1, 2, 3].map((at) => make(call, 'entity', { name: `e${at}` })));
    assert.equal((await post('entity/batch-delete', { entity_ids: several })).status, 204);
    assert.deepEqual(await list('entity/name'), ['one']);
    assert.deepEqual(errors(await post('entity/batch-delete', {})), [400, 'missing entity ids to delete']);
  });
});

describe('an alias', () => {
  test('belongs to an entity, which is found by it', async (t) => {
    const { call, post, get } = await world((end) => t.after(end));
    const accessor = await accessorOf(call, 'token/');
    const id = await make(call, 'entity', { name: 'bob' });
    const body = { name: 'Bob', mount_accessor: accessor, canonical_id: id, custom_metadata: { k: 'v' } };
    const aliasId = await make(call, 'entity-alias', body);
    assert.equal((await post('entity-alias', body)).status, 204);
    const [alias] = (await get(`entity/id/${id}`))['aliases'] as Data[];
    const { creation_time: _, last_update_time: __, ...rest } = alias!;
    assert.deepEqual(rest, {
      id: aliasId,
      canonical_id: id,
      mount_accessor: accessor,
      metadata: null,
      name: 'Bob',
      merged_from_canonical_ids: null,
      mount_path: 'auth/token/',
      mount_type: 'token',
      custom_metadata: { k: 'v' },
      local: false,
    });
    const byAlias = await post('lookup/entity', { alias_name: 'bob', alias_mount_accessor: accessor });
    assert.equal(byAlias.body.data['id'], id);
    assert.equal((await post('lookup/entity', { alias_id: aliasId })).body.data['id'], id);
    assert.equal((await get(`entity-alias/id/${aliasId}`))['namespace_id'], 'root');
    const { data } = (await call('LIST', '/v1/identity/entity-alias/id')).body;
    assert.deepEqual(data['keys'], [aliasId]);
    assert.equal((await call('DELETE', `/v1/identity/entity-alias/id/${aliasId}`)).status, 204);
    assert.equal((await post('lookup/entity', { alias_id: aliasId })).status, 204);
  });

  test('is renamed and moved, but not onto another', async (t) => {
    const { call, post, get } = await world((end) => t.after(end));
    const accessor = await accessorOf(call, 'token/');
    const [a, b] = await Promise.all(['a', 'b'].map((name) => make(call, 'entity', { name })));
    const own = await make(call, 'entity-alias', { name: 'x', mount_accessor: accessor, canonical_id: a });
    const other = await make(call, 'entity-alias', { name: 'y', mount_accessor: accessor });
    assert.equal((await post(`entity-alias/id/${own}`, {})).status, 204);
    assert.deepEqual((await post(`entity-alias/id/${own}`, { name: 'z' })).body.data, { id: own, canonical_id: a });
    assert.deepEqual(errors(await post(`entity-alias/id/${own}`, { name: 'y' })), [
      400,
      'alias with combination of mount accessor and name already exists',
    ]);
    assert.deepEqual(errors(await post(`entity-alias/id/${other}`, { canonical_id: a })), [
      400,
      'Alias cannot be updated as the given entity already has an alias for this mount ',
    ]);
    assert.equal((await post(`entity-alias/id/${own}`, { canonical_id: b })).status, 200);
    assert.deepEqual((await get(`entity/id/${a}`))['aliases'], []);
    assert.equal((await post('lookup/entity', { alias_name: 'z', alias_mount_accessor: accessor })).body.data['id'], b);
  });

  test("is refused with Vault's texts", async (t) => {
    const { call, post } = await world((end) => t.after(end));
    const accessor = await accessorOf(call, 'token/');
    const id = await make(call, 'entity', { name: 'a' });
    const alias = await make(call, 'entity-alias', { name: 'x', mount_accessor: accessor, canonical_id: id });
    const refused = async (path: string, body: object): Promise<unknown> => errors(await post(path, body));
    const both = "'id' or 'mount_accessor' and 'name' must be provided";
    assert.deepEqual(await refused('entity-alias', {}), [400, both]);
    assert.deepEqual(await refused('entity-alias', { name: 'x' }), [400, both]);
    assert.deepEqual(await refused('entity-alias', { name: 'x', mount_accessor: 'nope' }), [
      400,
      'invalid mount accessor "nope"',
    ]);
    const named = { name: 'other', mount_accessor: accessor };
    assert.deepEqual(await refused('entity-alias', { ...named, canonical_id: 'nope' }), [400, 'invalid canonical ID']);
    assert.deepEqual(await refused('entity-alias', { ...named, canonical_id: id }), [
      400,
      'Alias already exists for requested entity and mount accessor',
    ]);
    assert.deepEqual(await refused('entity-alias/id/nope', {}), [400, 'invalid alias ID provided']);
    assert.deepEqual(await refused(`entity-alias/id/${alias}`, { canonical_id: 'nope' }), [
      400,
      "given 'canonical_id' is not associated with an entity",
    ]);
    assert.equal((await call('GET', '/v1/identity/entity-alias/id/nope')).status, 404);
    assert.equal((await call('DELETE', '/v1/identity/entity-alias/id/nope')).status, 204);
  });
});

describe('entities that are merged', () => {
  test('are one, with the aliases and groups of all', async (t) => {
    const { call, post, get } = await world((end) => t.after(end));
    const accessor = await accessorOf(call, 'token/');
    const [to, from] = await Promise.all(['to', 'from'].map((name) => make(call, 'entity', { name, policies: name })));
    const alias = await make(call, 'entity-alias', { name: 'x', mount_accessor: accessor, canonical_id: from });
    const group = await make(call, 'group', { name: 'g', member_entity_ids: [from] });
    assert.equal((await post('entity/merge', { to_entity_id: to, from_entity_ids: [from] })).status, 204);
    const entity = await get(`entity/id/${to}`);
    assert.deepEqual([entity['merged_entity_ids'], entity['policies'], entity['group_ids']], [[from], ['to'], [group]]);
    const [moved] = entity['aliases'] as Data[];
    assert.deepEqual([moved!['id'], moved!['merged_from_canonical_ids']], [alias, [from]]);
    assert.equal((await call('GET', `/v1/identity/entity/id/${from}`)).status, 404);
    assert.deepEqual((await get(`group/id/${group}`))['member_entity_ids'], [to]);
  });

  test('with two aliases of one mount need to be told which stays', async (t) => {
    const { call, post, get } = await world((end) => t.after(end));
    const accessor = await accessorOf(call, 'token/');
    const [to, from] = await Promise.all(['to', 'from'].map((name) => make(call, 'entity', { name })));
    const add = (name: string, canonical: string | undefined): Promise<string> =>
      make(call, 'entity-alias', { name, mount_accessor: accessor, canonical_id: canonical });
    const [, second] = [await add('one', to), await add('two', from)];
    const merge = { to_entity_id: to, from_entity_ids: [from] };
    const refused = await post('entity/merge', merge);
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors[0]!, /^2 errors occurred:\n\t\* toEntity and at least one fromEntity/);
    assert.equal((await post('entity/merge', { ...merge, conflicting_alias_ids_to_keep: [second] })).status, 204);
    const aliases = (await get(`entity/id/${to}`))['aliases'] as Data[];
    assert.deepEqual(
      aliases.map(({ name }) => name),
      ['two'],
    );
  });

  test('are refused when they are not there', async (t) => {
    const { call, post } = await world((end) => t.after(end));
    const id = await make(call, 'entity', { name: 'a' });
    const refused = async (body: object): Promise<unknown> => errors(await post('entity/merge', body));
    assert.deepEqual(await refused({}), [400, 'missing entity id to merge to']);
    assert.deepEqual(await refused({ to_entity_id: id }), [400, 'missing entity ids to merge from']);
    assert.deepEqual(await refused({ to_entity_id: id, from_entity_ids: ['nope'] }), [
      400,
      'entity id to merge from is invalid',
    ]);
    assert.deepEqual(await refused({ to_entity_id: id, from_entity_ids: [id] }), [
      400,
      'to_entity_id should not be present in from_entity_ids',
    ]);
    assert.deepEqual(await refused({ to_entity_id: 'nope', from_entity_ids: [id] }), [
      400,
      'entity id to merge to is invalid',
    ]);
  });
});

describe('a group', () => {
  test('is made, read, changed, listed and deleted', async (t) => {
    const { call, post, get, list } = await world((end) => t.after(end));
    const entity = await make(call, 'entity', { name: 'e' });
    const group = { name: 'g', policies: ['Team'], metadata: { x: 'y' }, member_entity_ids: [entity] };
    const id = await make(call, 'group', group);
    const { creation_time: _, last_update_time: __, ...rest } = await get('group/name/G');
    assert.deepEqual(rest, {
      id,
      name: 'g',
      type: 'internal',
      metadata: { x: 'y' },
      policies: ['team'],
      member_entity_ids: [entity],
      member_group_ids: null,
      parent_group_ids: null,
      alias: {},
      modify_index: 1,
      namespace_id: 'root',
    });
    assert.equal((await post('group', { name: 'g', policies: ['t2'] })).status, 204);
    assert.deepEqual(await list('group/name'), ['g']);
    const { data } = (await call('LIST', '/v1/identity/group/id')).body;
    assert.deepEqual(data['key_info'], { [id]: { name: 'g', num_member_entities: 1, num_parent_groups: 0 } });
    assert.equal((await post(`group/id/${id}`, { member_entity_ids: [] })).status, 204);
    assert.equal((await get(`group/id/${id}`))['member_entity_ids'], null);
    assert.equal((await call('DELETE', '/v1/identity/group/name/g')).status, 204);
    assert.equal((await call('GET', `/v1/identity/group/id/${id}`)).status, 404);
  });

  test("gives its members' entity what its parents have, and a deleted entity leaves it", async (t) => {
    const { call, get } = await world((end) => t.after(end));
    const entity = await make(call, 'entity', { name: 'e' });
    const child = await make(call, 'group', { name: 'child', member_entity_ids: [entity] });
    const parent = await make(call, 'group', { name: 'parent', member_group_ids: [child] });
    const { direct_group_ids: direct, inherited_group_ids: inherited } = await get(`entity/id/${entity}`);
    assert.deepEqual([direct, inherited], [[child], [parent]]);
    assert.deepEqual((await get(`group/id/${parent}`))['member_group_ids'], [child]);
    assert.deepEqual((await get(`group/id/${child}`))['parent_group_ids'], [parent]);
    await call('DELETE', `/v1/identity/entity/id/${entity}`);
    assert.equal((await get(`group/id/${child}`))['member_entity_ids'], null);
    await call('DELETE', `/v1/identity/group/id/${child}`);
    assert.equal((await get(`group/id/${parent}`))['member_group_ids'], null);
  });

  test('is no member of itself, however far round', async (t) => {
    const { call, post } = await world((end) => t.after(end));
    const a = await make(call, 'group', { name: 'a' });
    const b = await make(call, 'group', { name: 'b', member_group_ids: [a] });
    const c = await make(call, 'group', { name: 'c', member_group_ids: [b] });
    assert.deepEqual(errors(await post(`group/id/${a}`, { member_group_ids: [c] })), [
      400,
      `cyclic relationship detected for member group ID "${c}"`,
    ]);
    assert.deepEqual(errors(await post(`group/id/${a}`, { member_group_ids: [a] })), [
      500,
      `1 error occurred:\n\t* member group ID "${a}" is same as the ID of the group\n\n`,
    ]);
  });

  test("is refused with Vault's texts", async (t) => {
    const { call, post } = await world((end) => t.after(end));
    const entity = await make(call, 'entity', { name: 'e' });
    const refused = async (body: object, path = 'group'): Promise<unknown> => errors(await post(path, body));
    assert.deepEqual(await refused({ type: 'foo' }), [400, 'invalid group type "foo"']);
    assert.deepEqual(await refused({ policies: 'root' }), [400, 'policies cannot contain root']);
    assert.deepEqual(await refused({}, 'group/id/nope'), [400, 'invalid group ID']);
    assert.deepEqual(await refused({ id: '' }), [400, 'empty group ID']);
    assert.deepEqual(await refused({ name: '' }), [400, 'empty group name']);
    assert.deepEqual(await refused({ id: '' }, 'group-alias'), [400, 'empty group alias ID']);
    assert.deepEqual(await refused({ member_entity_ids: ['nope'] }), [
      500,
      '1 error occurred:\n\t* invalid entity ID "nope"\n\n',
    ]);
    assert.deepEqual(await refused({ member_group_ids: ['nope'] }), [
      500,
      '1 error occurred:\n\t* invalid member group ID "nope"\n\n',
    ]);
    await make(call, 'group', { name: 'e', type: 'external' });
    assert.deepEqual(await refused({ name: 'e', type: 'internal' }), [400, 'group type cannot be changed']);
    assert.deepEqual(await refused({ name: 'e', member_entity_ids: [entity] }), [
      400,
      "member entities can't be set manually for external groups",
    ]);
    assert.deepEqual(await refused({ name: 'e', member_group_ids: [] }), [
      400,
      "member groups can't be set for external groups",
    ]);
  });

  test('has an alias when it is external', async (t) => {
    const { call, post, get, list } = await world((end) => t.after(end));
    const accessor = await accessorOf(call, 'token/');
    const external = await make(call, 'group', { name: 'e', type: 'external' });
    const internal = await make(call, 'group', { name: 'i' });
    const named = { name: 'x', mount_accessor: accessor };
    const refused = async (body: object): Promise<unknown> => errors(await post('group-alias', body));
    assert.deepEqual(await refused({}), [400, 'missing alias name']);
    assert.deepEqual(await refused({ name: 'x' }), [400, 'missing mount_accessor']);
    assert.deepEqual(await refused({ ...named, canonical_id: internal }), [
      400,
      "alias can't be set on an internal group",
    ]);
    assert.deepEqual(await refused({ ...named, canonical_id: 'nope' }), [
      400,
      "invalid group ID given in 'canonical_id'",
    ]);
    const alias = await make(call, 'group-alias', { ...named, canonical_id: external });
    assert.deepEqual(await refused({ ...named, canonical_id: external }), [
      400,
      'combination of mount and group alias name is already in use',
    ]);
    assert.equal(((await get(`group/id/${external}`))['alias'] as Data)['id'], alias);
    assert.equal((await post('lookup/group', { alias_id: alias })).body.data['id'], external);
    assert.deepEqual(await list('group-alias/id'), [alias]);
    assert.equal((await post(`group-alias/id/${alias}`, named)).status, 204);
    assert.equal((await call('DELETE', `/v1/identity/group-alias/id/${alias}`)).status, 204);
    assert.deepEqual((await get(`group/id/${external}`))['alias'], {});
    const made = await post('group-alias', { name: 'new', mount_accessor: accessor });
    assert.equal((await get(`group/id/${String(made.body.data['canonical_id'])}`))['type'], 'external');
  });
});

test('a look-up takes one way to find something', async (t) => {
  const { call, post } = await world((end) => t.after(end));
  const id = await make(call, 'entity', { name: 'a' });
  for (const kind of ['entity', 'group']) {
    const refused = async (body: object): Promise<unknown> => errors(await post(`lookup/${kind}`, body));
    assert.deepEqual(await refused({}), [400, 'query parameter not supplied']);
    assert.deepEqual(await refused({ id, name: 'x' }), [
      400,
      'query parameter conflict; please supply distinct set of query parameters',
    ]);
    assert.deepEqual(await refused({ alias_name: 'x' }), [
      400,
      "both 'alias_name' and 'alias_mount_accessor' needs to be set",
    ]);
    assert.equal((await post(`lookup/${kind}`, { name: 'nope' })).status, 204);
  }
  assert.equal((await post('lookup/entity', { name: 'A' })).body.data['id'], id);
});

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
