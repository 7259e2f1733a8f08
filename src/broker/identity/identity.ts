// Who a caller is: what a login leads to, and what a token's entity may do and is called. A login reads a
// few records by their keys and writes only when something changed.
import { brokerFailure } from '../failures.ts';
import type { TemplateIdentity } from '../policy-template.ts';
import { absent, type Version } from '../storage/store.ts';
import { Entities, type IdentityParts } from './entities.ts';
import { Groups, type GroupsOf } from './groups.ts';
import { Memberships } from './memberships.ts';
import type { Alias, Entity, Metadata } from './model.ts';
import { keptMetadata } from './rules.ts';

/** What an auth method proved. */
export interface ProvenLogin {
  readonly mountAccessor: string;
  readonly local: boolean;
  /** The alias's name: unique within the mount. */
  readonly name: string;
  readonly metadata: Metadata;
  /** Names of groups as the method knows them; members of their external groups come and go by it. */
  readonly groups?: readonly string[];
}

/** The entity that a token acts for, as it is now. */
export interface Caller {
  /** Moves with every change of what `template` holds. */
  readonly key: string;
  readonly disabled: boolean;
  /** Of the entity and of its groups. */
  readonly policies: readonly string[];
  readonly template: TemplateIdentity;
}

interface KeptCaller {
  readonly version: Version;
  readonly epoch: Version;
  readonly caller: Caller | undefined;
}

/** Some 1 KB each. */
const callersKept = 10_000;

export class Identity {
  readonly entities: Entities;
  readonly groups: Groups;
  readonly #memberships: Memberships;
  readonly #callers = new Map<string, KeptCaller>();

  constructor(parts: IdentityParts) {
    this.#memberships = new Memberships(parts.barrier);
    this.entities = new Entities(parts, this.#memberships);
    this.groups = new Groups(parts, this.#memberships, async (id) => (await this.entities.get(id)) !== undefined);
  }

  /**
   * The entity of a login and the policies it gives, made when this is the first login of that name.
   * @throws Failure `permission-denied` when the entity is disabled.
   */
  async onLogin(login: ProvenLogin): Promise<{ readonly entityId: string; readonly policies: readonly string[] }> {
    const metadata = keptMetadata(login.metadata);
    const { mountAccessor, name, local } = login;
    const { value: entity } = await this.entities.ofLogin({
      mountAccessor,
      name,
      local,
      metadata,
      customMetadata: null,
    });
    if (entity.disabled) {
      throw brokerFailure('permission-denied', 'permission denied', {
        hint: `the entity \`${entity.id}\` of this login is disabled`,
      });
    }
    const groups = await this.#refreshed(entity.id, login);
    return { entityId: entity.id, policies: policiesOf(entity, groups) };
  }

  /** The entity of this id, or of the one it was merged into; undefined when it is gone. */
  async caller(entityId: string): Promise<Caller | undefined> {
    if (entityId === '') return undefined;
    // Read before what they stand for: a change meanwhile makes the next request look again.
    const [version, epoch] = await Promise.all([this.entities.version(entityId), this.#memberships.epoch()]);
    const kept = this.#callers.get(entityId);
    if (kept !== undefined && kept.version === version && kept.epoch === epoch) return kept.caller;
    const caller = await this.#caller(entityId);
    if (this.#callers.size >= callersKept) this.#callers.clear();
    // One that was merged changes with another record.
    if (version !== absent) this.#callers.set(entityId, { version, epoch, caller });
    return caller;
  }

  async #caller(entityId: string): Promise<Caller | undefined> {
    const found = await this.entities.current(entityId);
    if (found === undefined) return undefined;
    const entity = found.value;
    const groups = await this.groups.ofEntity(entity.id);
    const all = [...groups.direct, ...groups.inherited];
    return {
      key: [found.version, ...all.map(({ value, version }) => `${value.id}@${version}`)].join(' '),
      disabled: entity.disabled,
      policies: policiesOf(entity, groups),
      template: templateOf(entity, groups),
    };
  }

  async #refreshed(entityId: string, { mountAccessor, groups: names = [] }: ProvenLogin): Promise<GroupsOf> {
    const groups = await this.groups.ofEntity(entityId);
    const named = await Promise.all(names.map(async (name) => this.groups.byAlias(mountAccessor, name)));
    const wanted = new Set(named.flatMap((group) => (group === undefined ? [] : [group.id])));
    const present = new Set(groups.direct.map(({ value }) => value.id));
    const joins = [...wanted].filter((id) => !present.has(id));
    const leaves = groups.direct
      .filter(({ value }) => value.type === 'external' && value.alias?.mountAccessor === mountAccessor)
      .filter(({ value }) => !wanted.has(value.id));
    if (joins.length + leaves.length === 0) return groups;
    await this.#memberships.commit([
      ...joins.flatMap((id) => this.#memberships.join(entityId, id)),
      ...leaves.flatMap(({ value }) => this.#memberships.leave(entityId, value.id)),
    ]);
    return this.groups.ofEntity(entityId);
  }
}

function policiesOf(entity: Entity, { direct, inherited }: GroupsOf): readonly string[] {
  const groups = [...direct, ...inherited].flatMap(({ value }) => value.policies ?? []);
  return [...new Set([...entity.policies, ...groups])].sort();
}

function templateOf(entity: Entity, { direct, inherited }: GroupsOf): TemplateIdentity {
  return {
    id: entity.id,
    name: entity.name,
    metadata: entity.metadata ?? {},
    aliases: entity.aliases.map((alias: Alias) => ({
      id: alias.id,
      name: alias.name,
      mountAccessor: alias.mountAccessor,
      metadata: alias.metadata ?? {},
      customMetadata: alias.customMetadata ?? {},
    })),
    groups: [...direct, ...inherited].map(({ value }) => ({
      id: value.id,
      name: value.name,
      metadata: value.metadata ?? {},
    })),
  };
}
