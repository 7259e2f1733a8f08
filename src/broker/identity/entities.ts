// Entities and their aliases, in the store. Every change is a compare-and-set of the entity with
// everything that finds it.
import { randomText, uuid, type Clock, type Random } from '../../base/index.ts';
import type { Barrier, Change, Stored } from '../barrier.ts';
import { brokerFailure } from '../failures.ts';
import { severalErrors } from '../go-errors.ts';
import { movesEpoch, type Memberships } from './memberships.ts';
import type { Alias, Entity, Metadata } from './model.ts';
import type { Version } from '../storage/store.ts';
import { isId, Records } from './records.ts';
import { checkMetadata, keptMetadata } from './rules.ts';

export interface EntityChange {
  readonly name?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly disabled?: boolean | undefined;
}

/** What an alias is to be. */
export interface AliasPlan {
  readonly mountAccessor: string;
  readonly name: string;
  readonly local: boolean;
  readonly metadata: Metadata | null;
  readonly customMetadata: Metadata | null;
}

export interface IdentityParts {
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
}

type StoredEntity = Stored<Entity>;

export class Entities {
  readonly #parts: IdentityParts;
  readonly #records: Records<'entity'>;
  readonly #memberships: Memberships;

  constructor(parts: IdentityParts, memberships: Memberships) {
    this.#parts = parts;
    this.#records = new Records(parts.barrier, 'entity');
    this.#memberships = memberships;
  }

  async get(id: string): Promise<Entity | undefined> {
    return (await this.#records.get(id))?.value;
  }

  /** The entity of this id, or the one it was merged into. */
  async current(id: string): Promise<StoredEntity | undefined> {
    const found = await this.#records.get(id);
    if (found !== undefined || !isId(id)) return found;
    const merged = await this.#parts.barrier.get<string>(mergedKey(id));
    return merged === undefined ? undefined : this.current(merged.value);
  }

  /** Moves with every change of the entity of this id. */
  version(id: string): Promise<Version> {
    return this.#records.version(id);
  }

  async byName(name: string): Promise<Entity | undefined> {
    return (await this.#records.byName(name))?.value;
  }

  async byAlias(mountAccessor: string, name: string): Promise<Entity | undefined> {
    return (await this.#records.byAlias(mountAccessor, name))?.value;
  }

  async byAliasId(aliasId: string): Promise<Entity | undefined> {
    return (await this.#records.byAliasId(aliasId))?.value;
  }

  all(): Promise<readonly Entity[]> {
    return this.#records.all();
  }

  /**
   * Makes an entity, or changes the one of this id or else of this name.
   * @throws Failure `bad-request`, `identity-invalid`; nothing was changed then.
   */
  async write(id: string, change: EntityChange): Promise<{ readonly entity: Entity; readonly made: boolean }> {
    if (change.metadata !== undefined) checkMetadata('entity', change.metadata);
    for (;;) {
      const named = (change.name ?? '') === '' ? undefined : await this.#records.byName(change.name!);
      const found = id === '' ? named : await this.#records.get(id);
      if (id !== '' && found === undefined) throw brokerFailure('bad-request', 'entity not found from id');
      if (named !== undefined && named.value.id !== found?.value.id) {
        throw brokerFailure('bad-request', 'entity name is already in use');
      }
      const entity = this.#changed(found?.value ?? this.#fresh(), change);
      if (await this.#records.replace(found === undefined ? [] : [found], [entity])) {
        return { entity, made: found === undefined };
      }
    }
  }

  #changed(before: Entity, { name = '', metadata, policies, disabled }: EntityChange): Entity {
    return {
      ...before,
      name: name === '' ? before.name : name,
      metadata: metadata === undefined ? before.metadata : keptMetadata(metadata),
      policies: policies ?? before.policies,
      disabled: disabled ?? before.disabled,
      updatedAt: this.#parts.clock.now(),
    };
  }

  #fresh(): Entity {
    const { clock, random } = this.#parts;
    const now = clock.now();
    return {
      version: 1,
      id: uuid(random),
      name: `entity_${randomText(random, 8, '0123456789abcdef')}`,
      metadata: null,
      policies: [],
      disabled: false,
      aliases: [],
      mergedIds: [],
      createdAt: now,
      updatedAt: now,
    };
  }

  /** Forgets the entity of this id, its aliases and its memberships; its tokens are refused from then on. */
  async delete(id: string): Promise<void> {
    for (;;) {
      const found = await this.#records.get(id);
      if (found === undefined) return;
      const gone = await this.#memberships.leaveAll(id);
      if (await this.#records.replace([found], [], [...gone, movesEpoch])) return;
    }
  }

  /** The entity that an alias belongs to, made with it when there is none. Takes over new metadata of the alias. */
  async ofLogin(plan: AliasPlan): Promise<StoredEntity> {
    for (;;) {
      const found = await this.#records.byAlias(plan.mountAccessor, plan.name);
      const alias = found === undefined ? undefined : aliasOf(found.value, plan.mountAccessor, plan.name);
      if (found !== undefined && alias !== undefined) {
        if (sameMetadata(alias.metadata, plan.metadata)) return found;
        const next = { ...alias, metadata: plan.metadata, updatedAt: this.#parts.clock.now() };
        if (!(await this.#records.replace([found], [withAlias(found.value, next)]))) continue;
      } else {
        const entity = this.#fresh();
        if (!(await this.#records.replace([], [withAlias(entity, this.#alias(entity.id, plan))]))) continue;
      }
      const stored = await this.#records.byAlias(plan.mountAccessor, plan.name);
      if (stored !== undefined) return stored;
    }
  }

  #alias(canonicalId: string, plan: AliasPlan): Alias {
    const now = this.#parts.clock.now();
    return { id: uuid(this.#parts.random), canonicalId, mergedFrom: [], createdAt: now, updatedAt: now, ...plan };
  }

  /**
   * Adds an alias to the entity of this id, or to a new one.
   * @throws Failure `bad-request` when the entity is unknown or already has an alias of that mount.
   */
  async addAlias(canonicalId: string, plan: AliasPlan): Promise<Alias> {
    for (;;) {
      const found = canonicalId === '' ? undefined : await this.#records.get(canonicalId);
      if (canonicalId !== '' && found === undefined) throw brokerFailure('bad-request', 'invalid canonical ID');
      const entity = found?.value ?? this.#fresh();
      if (entity.aliases.some(({ mountAccessor }) => mountAccessor === plan.mountAccessor)) {
        throw brokerFailure('bad-request', 'Alias already exists for requested entity and mount accessor');
      }
      const alias = this.#alias(entity.id, plan);
      if (await this.#records.replace(found === undefined ? [] : [found], [withAlias(entity, alias)])) return alias;
      await this.#checkAliasFree(plan, alias.id);
    }
  }

  /**
   * Changes the alias of this id and perhaps whom it stands for; undefined when nothing was to change.
   * @throws Failure `bad-request`.
   */
  async changeAlias(
    aliasId: string,
    canonicalId: string,
    next: Pick<Alias, 'mountAccessor' | 'name' | 'customMetadata'>,
  ): Promise<Alias | undefined> {
    for (;;) {
      const found = await this.#records.byAliasId(aliasId);
      const alias = found?.value.aliases.find(({ id }) => id === aliasId);
      if (found === undefined || alias === undefined) throw brokerFailure('bad-request', 'invalid alias ID provided');
      const target =
        canonicalId === '' || canonicalId === found.value.id ? found : await this.#records.get(canonicalId);
      if (sameAlias(alias, next) && target === found) return undefined;
      await this.#checkAliasFree(next, aliasId);
      const taken = takenBy(target?.value, next.mountAccessor, aliasId);
      if (target === undefined || taken) throw cannotMove(target === undefined, target === found);
      const moved: Alias = { ...alias, ...next, canonicalId: target.value.id, updatedAt: this.#parts.clock.now() };
      const [before, after] =
        target === found
          ? [[found], [withAlias(found.value, moved)]]
          : [
              [found, target],
              [withoutAlias(found.value, aliasId), withAlias(target.value, moved)],
            ];
      if (await this.#records.replace(before, after)) return moved;
    }
  }

  async #checkAliasFree(wanted: Pick<Alias, 'mountAccessor' | 'name'>, aliasId: string): Promise<void> {
    const other = await this.#records.byAlias(wanted.mountAccessor, wanted.name);
    const taken = other === undefined ? undefined : aliasOf(other.value, wanted.mountAccessor, wanted.name);
    if (taken === undefined || taken.id === aliasId) return;
    throw brokerFailure('bad-request', 'alias with combination of mount accessor and name already exists');
  }

  async deleteAlias(aliasId: string): Promise<void> {
    for (;;) {
      const found = await this.#records.byAliasId(aliasId);
      if (found === undefined) return;
      if (await this.#records.replace([found], [withoutAlias(found.value, aliasId)])) return;
    }
  }

  /**
   * Makes one entity of several: aliases and memberships go over to `toId`, policies do not.
   * `keep` names which of two aliases of one mount stays.
   * @throws Failure `bad-request`; nothing was changed then.
   */
  async merge(toId: string, fromIds: readonly string[], keep: readonly string[]): Promise<void> {
    if (fromIds.length > 1 && keep.length > 1) {
      throw brokerFailure(
        'bad-request',
        'aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time',
      );
    }
    for (;;) {
      const to = await this.#records.get(toId);
      if (to === undefined) throw brokerFailure('bad-request', 'entity id to merge to is invalid');
      const from = await Promise.all([...new Set(fromIds)].map(async (id) => this.#mergeable(id, toId)));
      const now = this.#parts.clock.now();
      const entity = from.reduce((into, { value }) => mergeInto(into, value, keep), { ...to.value, updatedAt: now });
      const moved = await Promise.all(from.map(async ({ value }) => this.#memberships.moveAll(value.id, toId)));
      const pointers = from.map(({ value }): Change => ({ key: mergedKey(value.id), value: toId }));
      if (await this.#records.replace([to, ...from], [entity], [...onePerKey(moved.flat()), ...pointers, movesEpoch]))
        return;
    }
  }

  async #mergeable(id: string, toId: string): Promise<StoredEntity> {
    if (id === toId) throw brokerFailure('bad-request', 'to_entity_id should not be present in from_entity_ids');
    const found = await this.#records.get(id);
    if (found === undefined) throw brokerFailure('bad-request', 'entity id to merge from is invalid');
    return found;
  }
}

function mergedKey(id: string): string {
  return `identity/merged/${id}`;
}

// Two entities may be members of one group.
function onePerKey(changes: readonly Change[]): readonly Change[] {
  return [...new Map(changes.map((change) => [change.key, change])).values()];
}

function mergeInto(to: Entity, from: Entity, keep: readonly string[]): Entity {
  let aliases = to.aliases;
  for (const alias of from.aliases) {
    const other = aliases.find(({ mountAccessor }) => mountAccessor === alias.mountAccessor);
    if (other !== undefined && keep.length === 0) throw clash(to, from, other, alias);
    if (other !== undefined && keep.includes(other.id)) continue;
    if (other !== undefined && !keep.includes(alias.id)) {
      throw brokerFailure(
        'bad-request',
        `conflicting mount accessors in following alias IDs and neither were present in conflicting_alias_ids_to_keep: ${alias.id}, ${other.id}`,
      );
    }
    const moved = { ...alias, canonicalId: to.id, mergedFrom: [...alias.mergedFrom, from.id] };
    aliases = [...aliases.filter((one) => one !== other), moved];
  }
  return { ...to, aliases, mergedIds: [...to.mergedIds, ...from.mergedIds, from.id] };
}

function clash(to: Entity, from: Entity, toAlias: Alias, fromAlias: Alias): Error {
  const several = severalErrors(
    'toEntity and at least one fromEntity have aliases with the same mount accessor, repeat the merge request specifying exactly one fromEntity, clashes: ',
    `mountAccessor: ${toAlias.mountAccessor}, toEntity ID: ${to.id}, fromEntity ID: ${from.id}, conflicting toEntity alias ID: ${toAlias.id}, conflicting fromEntity alias ID: ${fromAlias.id}`,
  );
  return brokerFailure('bad-request', several, {
    hint: 'name the alias that is to stay in `conflicting_alias_ids_to_keep`',
  });
}

export function aliasOf(entity: Entity, mountAccessor: string, name: string): Alias | undefined {
  return entity.aliases.find(
    (alias) => alias.mountAccessor === mountAccessor && alias.name.toLowerCase() === name.toLowerCase(),
  );
}

function withAlias(entity: Entity, alias: Alias): Entity {
  const known = entity.aliases.some(({ id }) => id === alias.id);
  const aliases = known ? entity.aliases.map((one) => (one.id === alias.id ? alias : one)) : [...entity.aliases, alias];
  return { ...entity, aliases };
}

function withoutAlias(entity: Entity, aliasId: string): Entity {
  return { ...entity, aliases: entity.aliases.filter(({ id }) => id !== aliasId) };
}

function takenBy(entity: Entity | undefined, mountAccessor: string, aliasId: string): boolean {
  return entity?.aliases.some((alias) => alias.mountAccessor === mountAccessor && alias.id !== aliasId) ?? false;
}

function cannotMove(unknown: boolean, same: boolean): Error {
  if (unknown) return brokerFailure('bad-request', "given 'canonical_id' is not associated with an entity");
  return brokerFailure(
    'bad-request',
    same
      ? "Alias cannot be updated as the entity already has an alias for the given 'mount_accessor' "
      : 'Alias cannot be updated as the given entity already has an alias for this mount ',
  );
}

function sameAlias(alias: Alias, next: Pick<Alias, 'mountAccessor' | 'name' | 'customMetadata'>): boolean {
  return (
    alias.name === next.name &&
    alias.mountAccessor === next.mountAccessor &&
    sameMetadata(alias.customMetadata, next.customMetadata)
  );
}

function sameMetadata(a: Metadata | null, b: Metadata | null): boolean {
  const [one, other] = [a ?? {}, b ?? {}];
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
