// identity/group and identity/group-alias: Vault's groups, with its shapes.
import { done, param, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import type { WireValue } from '../http/wire.ts';
import type { Group } from '../identity/model.ts';
import { policyNames } from '../identity/rules.ts';
import type { Handlers } from '../pipeline.ts';
import { aliasInfo, aliasShape, groupInfo, groupShape } from './identity-shapes.ts';
import {
  aliasAnswer,
  byAccessor,
  checkLookup,
  identityAnswer,
  listAnswer,
  lookupFields,
  mountOf,
  type IdentityRouteParts,
} from './identity.ts';

type GroupNames = 'groupWrite' | 'groupById' | 'groupByName' | 'groupIds' | 'groupNames';
type AliasNames = 'groupAliasWrite' | 'groupAliasById' | 'groupAliasIds';

export function groupHandlers(parts: IdentityRouteParts): Pick<Handlers, GroupNames | AliasNames | 'groupLookup'> {
  return { ...memberHandlers(parts), ...listHandlers(parts), ...aliasHandlers(parts), ...lookupHandlers(parts) };
}

const groupFields = {
  id: 'string',
  name: 'string',
  type: 'string',
  metadata: 'map',
  policies: 'list',
  member_entity_ids: 'list',
  member_group_ids: 'list',
} as const;

function memberHandlers(parts: IdentityRouteParts): Pick<Handlers, 'groupWrite' | 'groupById' | 'groupByName'> {
  const { groups } = parts.identity;
  return {
    groupWrite: served('Make a group, or change the one of an id or name.', groupFields, (call, fields) =>
      writeGroup(parts, call, fields),
    ),
    groupById: served('The group of an id.', groupFields, async (call, fields) => {
      const id = param(call, 'id');
      if (call.operation === 'update') return writeGroup(parts, call, fields);
      if (call.operation === 'read') return readGroup(parts, call, await groups.get(id));
      await groups.delete(id);
      return done();
    }),
    groupByName: served('The group of a name.', groupFields, async (call, fields) => {
      const { id: _, ...named } = fields;
      if (call.operation === 'update') return writeGroup(parts, call, named);
      const group = await groups.byName(param(call, 'name'));
      if (call.operation === 'read') return readGroup(parts, call, group);
      if (group !== undefined) await groups.delete(group.id);
      return done();
    }),
  };
}

async function writeGroup(
  { identity }: IdentityRouteParts,
  call: Call,
  fields: FieldValues<typeof groupFields>,
): Promise<Answer> {
  // An id or name that is given and empty is a mistake, not a wish for a new group.
  if (fields.id === '') throw brokerFailure('bad-request', 'empty group ID');
  if (fields.id === undefined && fields.name === '') throw brokerFailure('bad-request', 'empty group name');
  const { group, made } = await identity.groups.write(fields.id ?? '', {
    name: fields.name,
    type: fields.type,
    metadata: fields.metadata,
    policies: fields.policies === undefined ? undefined : policyNames(fields.policies),
    memberEntityIds: fields.member_entity_ids,
    memberGroupIds: fields.member_group_ids,
  });
  return made ? identityAnswer(call, { id: group.id, name: group.name }) : done();
}

async function readGroup(parts: IdentityRouteParts, call: Call, group: Group | undefined): Promise<Answer> {
  if (group === undefined) throw brokerFailure('not-found', '');
  return identityAnswer(call, await shownGroup(parts, group));
}

async function shownGroup(
  { identity, mounts }: IdentityRouteParts,
  group: Group,
): Promise<Readonly<Record<string, WireValue>>> {
  const { groups } = identity;
  const [entities, members] = await Promise.all([groups.membersOf(group.id), groups.subgroupsOf(group.id)]);
  return groupShape(group, await byAccessor(mounts), { entities, groups: members });
}

function listHandlers({ identity, mounts }: IdentityRouteParts): Pick<Handlers, 'groupIds' | 'groupNames'> {
  const { groups } = identity;
  return {
    groupIds: served('List the ids of groups.', {}, async (call) => {
      const [all, known] = await Promise.all([groups.all(), byAccessor(mounts)]);
      const info = await Promise.all(
        all.map(async (group) => {
          const members = await groups.membersOf(group.id);
          return [group.id, groupInfo(group, known, members.length)] as const;
        }),
      );
      return listAnswer(
        call,
        all.map(({ id }) => id),
        Object.fromEntries(info),
      );
    }),
    groupNames: served('List the names of groups.', {}, async (call) =>
      listAnswer(
        call,
        (await groups.all()).map(({ name }) => name),
      ),
    ),
  };
}

const aliasFields = { id: 'string', name: 'string', mount_accessor: 'string', canonical_id: 'string' } as const;

function aliasHandlers(parts: IdentityRouteParts): Pick<Handlers, AliasNames> {
  const { identity, mounts } = parts;
  const { groups } = identity;
  return {
    groupAliasWrite: served('Give an external group its alias.', aliasFields, (call, fields) =>
      writeAlias(parts, call, fields),
    ),
    groupAliasById: served('The group alias of an id.', aliasFields, async (call, fields) => {
      const id = param(call, 'id');
      if (call.operation === 'update') return writeAlias(parts, call, fields);
      if (call.operation === 'delete') {
        await groups.deleteAlias(id);
        return done();
      }
      const alias = (await groups.byAliasId(id))?.alias ?? undefined;
      if (alias === undefined) throw brokerFailure('not-found', '');
      return identityAnswer(call, aliasShape(alias, await byAccessor(mounts)));
    }),
    groupAliasIds: served('List the ids of group aliases.', {}, async (call) => {
      const [all, known] = await Promise.all([groups.all(), byAccessor(mounts)]);
      const aliases = all.flatMap(({ alias }) => (alias === null ? [] : [alias]));
      const sorted = aliases.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const info = Object.fromEntries(sorted.map((alias) => [alias.id, aliasInfo(alias, known)]));
      return listAnswer(
        call,
        sorted.map(({ id }) => id),
        info,
      );
    }),
  };
}

async function writeAlias(
  { identity, mounts }: IdentityRouteParts,
  call: Call,
  { id, name = '', mount_accessor: accessor = '', canonical_id: canonicalId = '' }: FieldValues<typeof aliasFields>,
): Promise<Answer> {
  const { groups } = identity;
  if (id === '') throw brokerFailure('bad-request', 'empty group alias ID');
  if (id !== undefined && (await groups.byAliasId(id)) === undefined) {
    throw brokerFailure('bad-request', 'invalid group alias ID');
  }
  if (name === '') throw brokerFailure('bad-request', 'missing alias name');
  if (accessor === '') throw brokerFailure('bad-request', 'missing mount_accessor');
  const mount = await mountOf(mounts, accessor);
  if (mount.local === true) {
    throw brokerFailure('bad-request', `mount accessor ${JSON.stringify(accessor)} is a local mount`);
  }
  const alias = await groups.writeAlias(id ?? '', canonicalId, { mountAccessor: accessor, name });
  return alias === undefined ? done() : aliasAnswer(call, alias);
}

function lookupHandlers(parts: IdentityRouteParts): Pick<Handlers, 'groupLookup'> {
  const { groups } = parts.identity;
  return {
    groupLookup: served('Find a group.', lookupFields, async (call, fields) => {
      checkLookup(fields);
      const { id, name, alias_id: aliasId, alias_name: alias = '', alias_mount_accessor: accessor = '' } = fields;
      const found = await (id
        ? groups.get(id)
        : name
          ? groups.byName(name)
          : aliasId
            ? groups.byAliasId(aliasId)
            : groups.byAlias(accessor, alias));
      return found === undefined ? done() : identityAnswer(call, await shownGroup(parts, found));
    }),
  };
}
