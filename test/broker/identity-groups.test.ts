// identity/group… over HTTP. Statuses, texts and shapes as OpenBao 2.7 answers them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessorOf, errors, make, world, type Data } from './identity-support.ts';

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
