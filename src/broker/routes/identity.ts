// identity/entity, identity/entity-alias and the look-ups: Vault's identities, with its shapes.
import { done, enveloped, param, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import type { WireValue } from '../http/wire.ts';
import type { EntityChange } from '../identity/entities.ts';
import type { Identity } from '../identity/identity.ts';
import type { Alias, Entity, Group } from '../identity/model.ts';
import { checkCustomMetadata, policyNames } from '../identity/rules.ts';
import type { Mount } from '../model.ts';
import type { Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';
import { aliasInfo, aliasShape, entityInfo, entityShape, type MountsByAccessor } from './identity-shapes.ts';

export interface IdentityRouteParts {
  readonly identity: Identity;
  readonly mounts: Mounts;
}

type EntityNames =
  | 'entityWrite'
  | 'entityById'
  | 'entityByName'
  | 'entityIds'
  | 'entityNames'
  | 'entityMerge'
  | 'entityDelete';
type AliasNames = 'aliasWrite' | 'aliasById' | 'aliasIds';

export function identityHandlers(parts: IdentityRouteParts): Pick<Handlers, EntityNames | AliasNames | 'entityLookup'> {
  return { ...entityHandlers(parts), ...entityListHandlers(parts), ...aliasHandlers(parts), ...lookupHandlers(parts) };
}

const entityFields = {
  id: 'string',
  name: 'string',
  metadata: 'map',
  policies: 'list',
  disabled: 'boolean',
} as const;

function entityHandlers(parts: IdentityRouteParts): Pick<Handlers, 'entityWrite' | 'entityById' | 'entityByName'> {
  const { entities } = parts.identity;
  return {
    entityWrite: served('Make an entity, or change the one of an id or name.', entityFields, (call, fields) =>
      writeEntity(parts, call, fields),
    ),
    entityById: served('The entity of an id.', entityFields, async (call, fields) => {
      const id = param(call, 'id');
      if (call.operation === 'update') return writeEntity(parts, call, fields);
      if (call.operation === 'read') return readEntity(parts, call, await entities.get(id));
      await entities.delete(id);
      return done();
    }),
    entityByName: served('The entity of a name.', entityFields, async (call, fields) => {
      const entity = await entities.byName(param(call, 'name'));
      if (call.operation === 'update') {
        // SECURITY: policies judge the path: the body may not lead to the entity of another name.
        if (fields.id && fields.id !== entity?.id) throw brokerFailure('bad-request', 'entity not found from id');
        return writeEntity(parts, call, fields);
      }
      if (call.operation === 'read') return readEntity(parts, call, entity);
      if (entity !== undefined) await entities.delete(entity.id);
      return done();
    }),
  };
}

async function writeEntity(
  { identity }: IdentityRouteParts,
  call: Call,
  { id = '', name, metadata, policies, disabled }: FieldValues<typeof entityFields>,
): Promise<Answer> {
  const names = policies === undefined ? undefined : policyNames(policies);
  const change: EntityChange = { name, metadata, policies: names, disabled };
  const { entity, made } = await identity.entities.write(id, change);
  if (!made) return done();
  return identityAnswer(call, { id: entity.id, name: entity.name, aliases: null });
}

async function readEntity(parts: IdentityRouteParts, call: Call, entity: Entity | undefined): Promise<Answer> {
  if (entity === undefined) throw brokerFailure('not-found', '');
  return identityAnswer(call, await shownEntity(parts, entity));
}

async function shownEntity(
  { identity, mounts }: IdentityRouteParts,
  entity: Entity,
): Promise<Readonly<Record<string, WireValue>>> {
  const { direct, inherited } = await identity.groups.ofEntity(entity.id);
  const ids = (groups: readonly { readonly value: Group }[]): readonly string[] => groups.map(({ value }) => value.id);
  return entityShape(entity, await byAccessor(mounts), { direct: ids(direct), inherited: ids(inherited) });
}

/** Mounts by accessor, for showing aliases. */
export async function byAccessor(mounts: Mounts): Promise<MountsByAccessor> {
  return new Map((await mounts.list()).map((mount) => [mount.accessor, mount]));
}

/** @throws Failure `bad-request` when no mount has this accessor. */
export async function mountOf(mounts: Mounts, accessor: string): Promise<Mount> {
  const mount = (await byAccessor(mounts)).get(accessor);
  if (mount === undefined) throw brokerFailure('bad-request', `invalid mount accessor ${JSON.stringify(accessor)}`);
  return mount;
}

export function identityAnswer(call: Call, data: Readonly<Record<string, WireValue>>): Answer {
  return enveloped(call, { data, mountType: 'identity' });
}

/** Ids with what is known of each, or names alone; 404 when there are none, as all of Vault's lists. */
export function listAnswer(call: Call, keys: readonly string[], info?: Readonly<Record<string, WireValue>>): Answer {
  if (keys.length === 0) throw brokerFailure('not-found', '');
  return identityAnswer(call, info === undefined ? { keys } : { keys, key_info: info });
}

function entityListHandlers({
  identity,
  mounts,
}: IdentityRouteParts): Pick<Handlers, 'entityIds' | 'entityNames' | 'entityMerge' | 'entityDelete'> {
  const { entities } = identity;
  return {
    entityIds: served('List the ids of entities.', {}, async (call) => {
      const [all, known] = await Promise.all([entities.all(), byAccessor(mounts)]);
      const info = Object.fromEntries(all.map((entity) => [entity.id, entityInfo(entity, known)]));
      return listAnswer(
        call,
        all.map(({ id }) => id),
        info,
      );
    }),
    entityNames: served('List the names of entities.', {}, async (call) =>
      listAnswer(
        call,
        (await entities.all()).map(({ name }) => name),
      ),
    ),
    entityMerge: served(
      'Make one entity of several.',
      { from_entity_ids: 'list', to_entity_id: 'string', conflicting_alias_ids_to_keep: 'list', force: 'boolean' },
      async (_call, fields) => {
        const { to_entity_id: to = '', from_entity_ids: from = [], conflicting_alias_ids_to_keep: keep = [] } = fields;
        if (to === '') throw brokerFailure('bad-request', 'missing entity id to merge to');
        if (from.length === 0) throw brokerFailure('bad-request', 'missing entity ids to merge from');
        await entities.merge(to, from, keep);
        return done();
      },
    ),
    entityDelete: served(
      'Delete several entities.',
      { entity_ids: 'list' },
      async (_call, { entity_ids: ids = [] }) => {
        if (ids.length === 0) throw brokerFailure('bad-request', 'missing entity ids to delete');
        for (const id of new Set(ids)) await entities.delete(id);
        return done();
      },
    ),
  };
}

const aliasFields = {
  id: 'string',
  canonical_id: 'string',
  entity_id: 'string',
  mount_accessor: 'string',
  name: 'string',
  custom_metadata: 'map',
} as const;

function aliasHandlers(parts: IdentityRouteParts): Pick<Handlers, AliasNames> {
  const { identity, mounts } = parts;
  const { entities } = identity;
  return {
    aliasWrite: served('Add an alias to an entity, or change it.', aliasFields, (call, fields) =>
      writeAlias(parts, call, fields),
    ),
    aliasById: served('The alias of an id.', aliasFields, async (call, fields) => {
      const id = param(call, 'id');
      if (call.operation === 'update') return writeAlias(parts, call, fields);
      if (call.operation === 'delete') {
        await entities.deleteAlias(id);
        return done();
      }
      const alias = (await entities.byAliasId(id))?.aliases.find((one) => one.id === id);
      if (alias === undefined) throw brokerFailure('not-found', '');
      return identityAnswer(call, aliasShape(alias, await byAccessor(mounts)));
    }),
    aliasIds: served('List the ids of aliases.', {}, async (call) => {
      const [all, known] = await Promise.all([entities.all(), byAccessor(mounts)]);
      const aliases = all.flatMap((entity) => entity.aliases).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const info = Object.fromEntries(aliases.map((alias) => [alias.id, aliasInfo(alias, known)]));
      return listAnswer(
        call,
        aliases.map(({ id }) => id),
        info,
      );
    }),
  };
}

async function writeAlias(
  parts: IdentityRouteParts,
  call: Call,
  fields: FieldValues<typeof aliasFields>,
): Promise<Answer> {
  const { id = '', mount_accessor: accessor = '', name = '', custom_metadata: custom } = fields;
  const canonicalId = fields.canonical_id || fields.entity_id || '';
  if (custom !== undefined) checkCustomMetadata(custom);
  if (id !== '') return changeAlias(parts, call, id, canonicalId, { accessor, name, custom });
  if (accessor === '' || name === '') {
    throw brokerFailure('bad-request', "'id' or 'mount_accessor' and 'name' must be provided");
  }
  const { local = false } = await mountOf(parts.mounts, accessor);
  const { entities } = parts.identity;
  const owner = await entities.byAlias(accessor, name);
  const known = owner?.aliases.find((one) => one.mountAccessor === accessor);
  if (known !== undefined) {
    return changeAlias(parts, call, known.id, canonicalId, { accessor, name, custom: custom ?? {} });
  }
  const plan = { mountAccessor: accessor, name, local, metadata: null, customMetadata: custom ?? {} };
  return aliasAnswer(call, await entities.addAlias(canonicalId, plan));
}

interface AliasAsk {
  readonly accessor: string;
  readonly name: string;
  readonly custom: Readonly<Record<string, string>> | undefined;
}

async function changeAlias(
  { identity, mounts }: IdentityRouteParts,
  call: Call,
  id: string,
  canonicalId: string,
  { accessor, name, custom }: AliasAsk,
): Promise<Answer> {
  const alias = (await identity.entities.byAliasId(id))?.aliases.find((one) => one.id === id);
  if (alias === undefined) throw brokerFailure('bad-request', 'invalid alias ID provided');
  const next = {
    mountAccessor: accessor || alias.mountAccessor,
    name: name || alias.name,
    customMetadata: custom ?? alias.customMetadata,
  };
  if (next.mountAccessor !== alias.mountAccessor) await mountOf(mounts, next.mountAccessor);
  const changed = await identity.entities.changeAlias(id, canonicalId, next);
  return changed === undefined ? done() : aliasAnswer(call, changed);
}

/** What a written alias is answered with. */
export function aliasAnswer(call: Call, { id, canonicalId }: Alias): Answer {
  return identityAnswer(call, { id, canonical_id: canonicalId });
}

export const lookupFields = {
  id: 'string',
  name: 'string',
  alias_id: 'string',
  alias_name: 'string',
  alias_mount_accessor: 'string',
} as const;

/** @throws Failure `bad-request` unless exactly one way to find something is given. */
export function checkLookup(fields: FieldValues<typeof lookupFields>): void {
  const given = Object.keys(lookupFields).filter((name) => fields[name as keyof typeof lookupFields] !== undefined);
  if (given.length === 0) throw brokerFailure('bad-request', 'query parameter not supplied');
  const byAlias = Boolean(fields.alias_name) && Boolean(fields.alias_mount_accessor);
  if (given.length === 1 && (Boolean(fields.alias_name) || Boolean(fields.alias_mount_accessor))) {
    throw brokerFailure('bad-request', "both 'alias_name' and 'alias_mount_accessor' needs to be set");
  }
  if (given.length === 1 || (given.length === 2 && byAlias)) return;
  throw brokerFailure('bad-request', 'query parameter conflict; please supply distinct set of query parameters');
}

function lookupHandlers(parts: IdentityRouteParts): Pick<Handlers, 'entityLookup'> {
  const { entities } = parts.identity;
  return {
    entityLookup: served('Find an entity.', lookupFields, async (call, fields) => {
      checkLookup(fields);
      const { id, name, alias_id: aliasId, alias_name: alias = '', alias_mount_accessor: accessor = '' } = fields;
      const found = await (id
        ? entities.get(id)
        : name
          ? entities.byName(name)
          : aliasId
            ? entities.byAliasId(aliasId)
            : entities.byAlias(accessor, alias));
      return found === undefined ? done() : identityAnswer(call, await shownEntity(parts, found));
    }),
  };
}
