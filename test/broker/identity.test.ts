// identity/… over HTTP. Statuses, texts and shapes as OpenBao 2.7 answers them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessorOf, errors, make, world, type Data } from './identity-support.ts';

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
