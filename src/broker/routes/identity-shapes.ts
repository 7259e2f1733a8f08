// Entities, aliases and groups as Vault shows them.
import type { WireValue } from '../http/wire.ts';
import type { Alias, Entity, Group } from '../identity/model.ts';
import type { Mount } from '../model.ts';

type Shape = Readonly<Record<string, WireValue>>;

/** Mounts by their accessors; an alias whose mount is gone shows none. */
export type MountsByAccessor = ReadonlyMap<string, Mount>;

function timesOf({ createdAt, updatedAt }: Pick<Alias, 'createdAt' | 'updatedAt'>): Shape {
  return {
    creation_time: new Date(createdAt).toISOString(),
    last_update_time: new Date(updatedAt).toISOString(),
  };
}

function mountOf(mounts: MountsByAccessor, { mountAccessor }: Alias): Shape {
  const mount = mounts.get(mountAccessor);
  return mount === undefined ? {} : { mount_path: `${mount.path}/`, mount_type: mount.type };
}

function listOrNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}

function groupAliasShape(alias: Alias, mounts: MountsByAccessor): Shape {
  return {
    id: alias.id,
    canonical_id: alias.canonicalId,
    mount_accessor: alias.mountAccessor,
    metadata: alias.metadata,
    name: alias.name,
    merged_from_canonical_ids: listOrNull(alias.mergedFrom),
    ...timesOf(alias),
    ...mountOf(mounts, alias),
  };
}

export function aliasShape(alias: Alias, mounts: MountsByAccessor): Shape {
  return {
    ...groupAliasShape(alias, mounts),
    custom_metadata: alias.customMetadata,
    local: alias.local,
    namespace_id: 'root',
  };
}

/** An alias in a list of aliases. */
export function aliasInfo(alias: Alias, mounts: MountsByAccessor): Shape {
  return {
    name: alias.name,
    canonical_id: alias.canonicalId,
    mount_accessor: alias.mountAccessor,
    metadata: alias.metadata,
    custom_metadata: alias.customMetadata,
    local: alias.local,
    ...mountOf(mounts, alias),
  };
}

export function entityShape(
  entity: Entity,
  mounts: MountsByAccessor,
  groups: { readonly direct: readonly string[]; readonly inherited: readonly string[] },
): Shape {
  const aliases = entity.aliases.map((alias) => {
    const { namespace_id: _, ...shape } = aliasShape(alias, mounts);
    return shape;
  });
  return {
    id: entity.id,
    name: entity.name,
    metadata: entity.metadata,
    policies: entity.policies,
    disabled: entity.disabled,
    merged_entity_ids: listOrNull(entity.mergedIds),
    namespace_id: 'root',
    aliases,
    direct_group_ids: groups.direct,
    inherited_group_ids: groups.inherited,
    group_ids: [...groups.direct, ...groups.inherited],
    ...timesOf(entity),
  };
}

/** An entity in a list of entities. */
export function entityInfo(entity: Entity, mounts: MountsByAccessor): Shape {
  const aliases = entity.aliases.map((alias) => ({ id: alias.id, ...shortAlias(alias, mounts) }));
  return { name: entity.name, ...(aliases.length === 0 ? {} : { aliases }) };
}

function shortAlias(alias: Alias, mounts: MountsByAccessor): Shape {
  return { name: alias.name, mount_accessor: alias.mountAccessor, ...mountOf(mounts, alias) };
}

export function groupShape(
  group: Group,
  mounts: MountsByAccessor,
  members: { readonly entities: readonly string[]; readonly groups: readonly string[] },
): Shape {
  return {
    id: group.id,
    name: group.name,
    type: group.type,
    metadata: group.metadata,
    policies: group.policies,
    member_entity_ids: listOrNull(members.entities),
    member_group_ids: listOrNull(members.groups),
    parent_group_ids: listOrNull(group.parentIds),
    alias: group.alias === null ? {} : groupAliasShape(group.alias, mounts),
    modify_index: group.modifyIndex,
    namespace_id: 'root',
    ...timesOf(group),
  };
}

/** A group in a list of groups. */
export function groupInfo(group: Group, mounts: MountsByAccessor, memberCount: number): Shape {
  return {
    name: group.name,
    num_member_entities: memberCount,
    num_parent_groups: group.parentIds.length,
    ...(group.alias === null ? {} : { alias: { id: group.alias.id, ...shortAlias(group.alias, mounts) } }),
  };
}
