// Groups of entities and of groups, in the store. Whose policies a member has goes upwards: from a group
// to its parents. Every change is a compare-and-set of the group and of the groups it takes in.
import { randomText, uuid } from '../../base/index.ts';
import type { Change, Stored } from '../barrier.ts';
import { brokerFailure } from '../failures.ts';
import { severalErrors } from '../go-errors.ts';
import type { IdentityParts } from './entities.ts';
import { movesEpoch, type Memberships } from './memberships.ts';
import type { Alias, Group, Metadata } from './model.ts';
import { Records } from './records.ts';
import { checkMetadata, keptMetadata } from './rules.ts';

export interface GroupChange {
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly memberEntityIds?: readonly string[] | undefined;
  readonly memberGroupIds?: readonly string[] | undefined;
}

/** Groups of an entity, each once. */
export interface GroupsOf {
  readonly direct: readonly Stored<Group>[];
  /** By way of other groups. */
  readonly inherited: readonly Stored<Group>[];
}

type StoredGroup = Stored<Group>;

export class Groups {
  readonly #parts: IdentityParts;
  readonly #records: Records<'group'>;
  readonly #memberships: Memberships;
  readonly #entityExists: (id: string) => Promise<boolean>;

  constructor(parts: IdentityParts, memberships: Memberships, entityExists: (id: string) => Promise<boolean>) {
    this.#parts = parts;
    this.#records = new Records(parts.barrier, 'group');
    this.#memberships = memberships;
    this.#entityExists = entityExists;
  }

  async get(id: string): Promise<Group | undefined> {
    return (await this.#records.get(id))?.value;
  }

  async byName(name: string): Promise<Group | undefined> {
    return (await this.#records.byName(name))?.value;
  }

  async byAlias(mountAccessor: string, name: string): Promise<Group | undefined> {
    return (await this.#records.byAlias(mountAccessor, name))?.value;
  }

  async byAliasId(aliasId: string): Promise<Group | undefined> {
    return (await this.#records.byAliasId(aliasId))?.value;
  }

  all(): Promise<readonly Group[]> {
    return this.#records.all();
  }

  membersOf(groupId: string): Promise<readonly string[]> {
    return this.#memberships.membersOf(groupId);
  }

  /** The groups that are members of the group. */
  async subgroupsOf(groupId: string): Promise<readonly string[]> {
    const prefix = subgroupKey(groupId, '');
    const keys = await this.#parts.barrier.keys(prefix, 10_000);
    return keys.map((key) => key.slice(prefix.length));
  }

  async ofEntity(entityId: string): Promise<GroupsOf> {
    const ids = await this.#memberships.groupsOf(entityId);
    const direct = await this.#existing(ids);
    const seen = new Set(direct.map(({ value }) => value.id));
    const inherited: StoredGroup[] = [];
    for (let level = direct; level.length > 0;) {
      const parents = [...new Set(level.flatMap(({ value }) => value.parentIds))].filter((id) => !seen.has(id));
      level = await this.#existing(parents);
      for (const group of level) seen.add(group.value.id);
      inherited.push(...level);
    }
    return { direct, inherited };
  }

  async #existing(ids: readonly string[]): Promise<readonly StoredGroup[]> {
    const found = await Promise.all(ids.map(async (id) => this.#records.get(id)));
    return found.filter((group) => group !== undefined);
  }

  /**
   * Makes a group, or changes the one of this id or else of this name.
   * @throws Failure `bad-request`, `identity-invalid`; nothing was changed then.
   */
  async write(id: string, change: GroupChange): Promise<{ readonly group: Group; readonly made: boolean }> {
    if (change.metadata !== undefined) checkMetadata('group', change.metadata);
    for (;;) {
      const named = (change.name ?? '') === '' ? undefined : await this.#records.byName(change.name!);
      const found = id === '' ? named : await this.#records.get(id);
      if (id !== '' && found === undefined) throw brokerFailure('bad-request', 'invalid group ID');
      if (named !== undefined && named.value.id !== found?.value.id) {
        throw brokerFailure('bad-request', 'group name is already in use');
      }
      const group = this.#changed(found?.value, change);
      const members = await this.#memberChanges(group, change.memberEntityIds);
      const subgroups = await this.#subgroupChanges(group, change.memberGroupIds);
      const before = [...(found === undefined ? [] : [found]), ...subgroups.before];
      const more = [...members, ...subgroups.keys, movesEpoch];
      if (await this.#records.replace(before, [group, ...subgroups.after], more)) {
        return { group, made: found === undefined };
      }
    }
  }

  #changed(found: Group | undefined, change: GroupChange): Group {
    const before = found ?? this.#fresh(change.type ?? 'internal');
    if (found !== undefined && change.type !== undefined && change.type !== found.type) {
      throw brokerFailure('bad-request', 'group type cannot be changed');
    }
    const external = before.type === 'external';
    if (external && change.memberEntityIds !== undefined) {
      throw brokerFailure('bad-request', "member entities can't be set manually for external groups");
    }
    if (external && change.memberGroupIds !== undefined) {
      throw brokerFailure('bad-request', "member groups can't be set for external groups");
    }
    return {
      ...before,
      name: (change.name ?? '') === '' ? before.name : change.name!,
      metadata: change.metadata === undefined ? before.metadata : keptMetadata(change.metadata),
      policies: change.policies?.length === 0 ? null : (change.policies ?? before.policies),
      modifyIndex: before.modifyIndex + 1,
      updatedAt: this.#parts.clock.now(),
    };
  }

  #fresh(type: string): Group {
    if (type !== 'internal' && type !== 'external') {
      throw brokerFailure('bad-request', `invalid group type ${JSON.stringify(type)}`);
    }
    const { clock, random } = this.#parts;
    const now = clock.now();
    return {
      version: 1,
      id: uuid(random),
      name: `group_${randomText(random, 8, '0123456789abcdef')}`,
      type,
      metadata: null,
      policies: null,
      parentIds: [],
      alias: null,
      modifyIndex: 0,
      createdAt: now,
      updatedAt: now,
    };
  }

  async #memberChanges({ id }: Group, wanted: readonly string[] | undefined): Promise<readonly Change[]> {
    if (wanted === undefined) return [];
    const next = new Set(wanted);
    for (const entityId of next) {
      if (!(await this.#entityExists(entityId))) throw invalid(`invalid entity ID ${JSON.stringify(entityId)}`);
    }
    const present = await this.#memberships.membersOf(id);
    return [
      ...present.filter((entityId) => !next.has(entityId)).flatMap((entityId) => this.#memberships.leave(entityId, id)),
      ...[...next].flatMap((entityId) => this.#memberships.join(entityId, id)),
    ];
  }

  async #subgroupChanges(
    { id }: Group,
    wanted: readonly string[] | undefined,
  ): Promise<{
    readonly before: readonly StoredGroup[];
    readonly after: readonly Group[];
    readonly keys: readonly Change[];
  }> {
    if (wanted === undefined) return { before: [], after: [], keys: [] };
    const next = new Set(wanted);
    const present = await this.subgroupsOf(id);
    const added = await Promise.all([...next].map(async (memberId) => this.#takeable(id, memberId)));
    const removed = await this.#existing(present.filter((memberId) => !next.has(memberId)));
    return {
      before: [...added, ...removed],
      after: [
        ...added.map(({ value }) => withParents(value, [...new Set([...value.parentIds, id])])),
        ...removed.map(({ value }) =>
          withParents(
            value,
            value.parentIds.filter((parent) => parent !== id),
          ),
        ),
      ],
      keys: [
        ...present
          .filter((memberId) => !next.has(memberId))
          .map((one) => ({ key: subgroupKey(id, one), value: undefined })),
        ...[...next].map((memberId) => ({ key: subgroupKey(id, memberId), value: null })),
      ],
    };
  }

  async #takeable(groupId: string, memberId: string): Promise<StoredGroup> {
    const member = await this.#records.get(memberId);
    const quoted = JSON.stringify(memberId);
    if (memberId === groupId) throw invalid(`member group ID ${quoted} is same as the ID of the group`);
    if (member === undefined) throw invalid(`invalid member group ID ${quoted}`);
    if (await this.#reaches(memberId, groupId, new Set())) {
      throw brokerFailure('bad-request', `cyclic relationship detected for member group ID ${quoted}`);
    }
    return member;
  }

  /** True when `targetId` is among the members of the group, their members and so on. */
  async #reaches(groupId: string, targetId: string, seen: Set<string>): Promise<boolean> {
    if (groupId === targetId) return true;
    if (seen.has(groupId)) return false;
    seen.add(groupId);
    for (const memberId of await this.subgroupsOf(groupId)) {
      if (await this.#reaches(memberId, targetId, seen)) return true;
    }
    return false;
  }

  async delete(id: string): Promise<void> {
    for (;;) {
      const found = await this.#records.get(id);
      if (found === undefined) return;
      const members = await this.#memberships.membersOf(id);
      const subgroups = await this.subgroupsOf(id);
      const gone: readonly Change[] = [
        ...members.flatMap((entityId) => this.#memberships.leave(entityId, id)),
        ...found.value.parentIds.map((parent) => ({ key: subgroupKey(parent, id), value: undefined })),
        ...subgroups.map((memberId) => ({ key: subgroupKey(id, memberId), value: undefined })),
        movesEpoch,
      ];
      if (await this.#records.replace([found], [], gone)) return;
    }
  }

  /**
   * Gives an external group its alias: a new one, or the one of `aliasId`, which may move from another
   * group; without `canonicalId` a group is made for it. Undefined when nothing was to change.
   * @throws Failure `bad-request`.
   */
  async writeAlias(
    aliasId: string,
    canonicalId: string,
    { mountAccessor, name }: Pick<Alias, 'mountAccessor' | 'name'>,
  ): Promise<Alias | undefined> {
    for (;;) {
      const from = aliasId === '' ? undefined : await this.#records.byAliasId(aliasId);
      if (aliasId !== '' && from === undefined) throw brokerFailure('bad-request', 'invalid group alias ID');
      const before = from?.value.alias ?? undefined;
      const stays = canonicalId === '' || canonicalId === from?.value.id;
      if (before?.name === name && before.mountAccessor === mountAccessor && stays) return undefined;
      const target = stays ? from : await this.#records.get(canonicalId);
      if (!stays) checkAliasTarget(target?.value);
      const other = await this.#records.byAlias(mountAccessor, name);
      if (other !== undefined && other.value.alias?.id !== before?.id) {
        throw brokerFailure('bad-request', 'combination of mount and group alias name is already in use');
      }
      const group = target?.value ?? this.#fresh('external');
      const alias = this.#alias(before, group.id, mountAccessor, name);
      const after = [{ ...this.#changed(group, {}), alias }];
      const left = from !== undefined && from !== target ? [{ ...this.#changed(from.value, {}), alias: null }] : [];
      const replaced = [target, from].filter((one, at, all) => one !== undefined && all.indexOf(one) === at);
      if (await this.#records.replace(replaced as StoredGroup[], [...after, ...left])) return alias;
    }
  }

  #alias(before: Alias | undefined, canonicalId: string, mountAccessor: string, name: string): Alias {
    const { clock, random } = this.#parts;
    const now = clock.now();
    return {
      id: before?.id ?? uuid(random),
      canonicalId,
      mountAccessor,
      name,
      metadata: null,
      customMetadata: null,
      mergedFrom: [],
      local: false,
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
    };
  }

  async deleteAlias(aliasId: string): Promise<void> {
    for (;;) {
      const found = await this.#records.byAliasId(aliasId);
      if (found === undefined) return;
      const { updatedAt } = found.value;
      const group = { ...this.#changed(found.value, {}), updatedAt, alias: null };
      if (await this.#records.replace([found], [group])) return;
    }
  }
}

function checkAliasTarget(group: Group | undefined): void {
  if (group === undefined) throw brokerFailure('bad-request', "invalid group ID given in 'canonical_id'");
  if (group.type !== 'external') throw brokerFailure('bad-request', "alias can't be set on an internal group");
}

function withParents(group: Group, parentIds: readonly string[]): Group {
  return { ...group, parentIds, modifyIndex: group.modifyIndex + 1 };
}

function subgroupKey(groupId: string, memberId: string): string {
  return `identity/subgroup/${groupId}/${memberId}`;
}

function invalid(message: string): Error {
  return brokerFailure('identity-invalid', severalErrors(message));
}
