// A role of `approle`: who may log in with a role id, by which secret ids, and what the token may do.
// Texts and order of the checks: OpenBao `builtin/credential/approle/path_role.go`.
import { createHash } from 'node:crypto';
import { formatGoDuration, uuid, type Clock, type Json, type Millis, type Random } from '../../../base/index.ts';
import type { Folder } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import { cidrOf } from '../../addresses.ts';
import { methodFailed } from '../logins.ts';
import {
  noTokenParameters,
  oldFields,
  shownParameters,
  tokenFields,
  writtenParameters,
  type TokenParameters,
} from '../token-parameters.ts';

export interface Role {
  readonly version: 1;
  /** In lower case. */
  readonly name: string;
  /** Tells this role from another of the same name, before or after it. */
  readonly uid: string;
  readonly roleId: string;
  /** Secret ids are kept as HMACs under this key. */
  readonly hmacKey: string;
  readonly bindSecretId: boolean;
  readonly secretIdBoundCidrs: readonly string[];
  /** 0: without limit. */
  readonly secretIdUses: number;
  /** Seconds; 0: for ever. */
  readonly secretIdTtl: number;
  readonly localSecretIds: boolean;
  readonly token: TokenParameters;
}

export const roleFields = {
  role_name: 'string',
  role_id: 'string',
  bind_secret_id: 'boolean',
  bound_cidr_list: 'list',
  secret_id_bound_cidrs: 'list',
  secret_id_num_uses: 'int',
  secret_id_ttl: 'seconds',
  local_secret_ids: 'boolean',
  ...tokenFields,
  ...oldFields('policies', 'period'),
} as const;

type RoleValues = FieldValues<typeof roleFields>;

export function roleKey(name: string): string {
  return `role/${name.toLowerCase()}`;
}

export async function loadRole(folder: Folder, name: string): Promise<Role | undefined> {
  return (await folder.get<Role>(roleKey(name)))?.value;
}

/** A new role that nothing was said about yet. */
export function newRole(name: string, random: Random): Role {
  return {
    version: 1,
    name: name.toLowerCase(),
    uid: uuid(random),
    roleId: uuid(random),
    hmacKey: Buffer.from(random.bytes(32)).toString('base64'),
    bindSecretId: true,
    secretIdBoundCidrs: [],
    secretIdUses: 0,
    secretIdTtl: 0,
    localSecretIds: false,
    token: noTokenParameters,
  };
}

/**
 * What a write makes of a role. `isNew`: nobody has it yet.
 * @throws Failure `bad-request` or `method-failed` with Vault's text.
 */
export function writtenRole(before: Role, given: RoleValues, isNew: boolean, maxTtlSeconds: number): Role {
  const token = writtenParameters(before.token, { ...given, ...plainType(given.token_type) });
  if (given.local_secret_ids !== undefined && !isNew) {
    throw brokerFailure('bad-request', 'local_secret_ids can only be modified during role creation');
  }
  const role = {
    ...before,
    token,
    roleId: given.role_id ?? before.roleId,
    bindSecretId: given.bind_secret_id ?? before.bindSecretId,
    secretIdBoundCidrs: given.secret_id_bound_cidrs ?? given.bound_cidr_list ?? before.secretIdBoundCidrs,
    secretIdUses: given.secret_id_num_uses ?? before.secretIdUses,
    secretIdTtl: given.secret_id_ttl ?? before.secretIdTtl,
    localSecretIds: given.local_secret_ids ?? before.localSecretIds,
  };
  if (role.roleId === '') {
    throw brokerFailure('bad-request', 'invalid role_id supplied, or failed to generate a role_id');
  }
  checkCidrs(role.secretIdBoundCidrs, (problem) => methodFailed(problem));
  checkUses(role);
  if (given.period !== undefined) checkPeriod(token, maxTtlSeconds);
  return checkConstraints(role);
}

/** `default-service` means `service` and no more, and is answered with a warning (`typeWarnings`). */
function plainType(type: string | undefined): { token_type?: string } {
  return type === 'default-service' || type === 'default-batch' ? { token_type: type.slice('default-'.length) } : {};
}

export function roleWarnings(given: RoleValues, role: Role, maxTtlSeconds: number): readonly string[] {
  const { token_type: type } = given;
  const plain = plainType(type).token_type;
  const long = role.token.maxTtl > maxTtlSeconds;
  return [
    ...(plain === undefined ? [] : [`${type} has no useful meaning; adjusting to ${plain}`]),
    ...(long
      ? [
          "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be truncated",
        ]
      : []),
  ];
}

/** @throws what `refusal` makes of Vault's text for the first block that cannot be read. */
export function checkCidrs(cidrs: readonly string[], refusal: (text: string) => Error, of = 'CIDR blocks'): void {
  const bad = cidrs.find((block) => !block.includes('/') || cidrOf(block) === undefined);
  if (bad !== undefined) throw refusal(`failed to validate ${of}: invalid CIDR address: ${bad}`);
}

export function checkUses({ secretIdUses }: Pick<Role, 'secretIdUses'>): void {
  if (secretIdUses < 0) throw brokerFailure('bad-request', 'secret_id_num_uses cannot be negative');
}

/** @throws Failure `bad-request` for tokens that could not be renewed in time. */
export function checkPeriod({ period }: TokenParameters, maxTtlSeconds: number): void {
  if (period <= maxTtlSeconds) return;
  throw brokerFailure(
    'bad-request',
    `period of "${formatGoDuration(period)}" is greater than the backend's maximum lease TTL of "${formatGoDuration(maxTtlSeconds)}"`,
  );
}

/** @throws Failure `method-failed` for a role with which everybody could log in. */
export function checkConstraints(role: Role): Role {
  if (role.bindSecretId || role.secretIdBoundCidrs.length > 0 || role.token.boundCidrs.length > 0) return role;
  throw methodFailed('at least one constraint should be enabled on the role');
}

export function shownRole(role: Role): Readonly<Record<string, Json>> {
  return {
    bind_secret_id: role.bindSecretId,
    secret_id_bound_cidrs: orNull(role.secretIdBoundCidrs),
    secret_id_num_uses: role.secretIdUses,
    secret_id_ttl: role.secretIdTtl,
    local_secret_ids: role.localSecretIds,
    ...shownParameters(role.token),
  };
}

/** Some of Vault's lists are null when they are empty. */
export function orNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}

interface RoleIndex {
  readonly name: string;
  readonly at: Millis;
}

/** Longer than a write takes; after that, a claim that no record bears out is nobody's. */
export const claimMillis = 60_000;

function indexKey(roleId: string): string {
  return `role-id/${createHash('sha256').update(roleId).digest('hex')}`;
}

/** The role with this role id. An index that a broken-off write left behind leads nowhere. */
export async function roleOfId(folder: Folder, roleId: string): Promise<Role | undefined> {
  const index = await folder.get<RoleIndex>(indexKey(roleId));
  const role = index === undefined ? undefined : await loadRole(folder, index.value.name);
  return role?.roleId === roleId ? role : undefined;
}

/**
 * Stores what `edit` makes of the role; its role id leads to it from then on. The index is written
 * before the role, so that a role is never without one. `edit` may be called more than once.
 * @throws Failure `method-failed` when another role has the id, and what `edit` throws.
 */
export async function changeRole(
  folder: Folder,
  name: string,
  clock: Clock,
  edit: (before: Role | undefined) => Role,
): Promise<Role> {
  const before = await loadRole(folder, name);
  const wanted = edit(before);
  await claimId(folder, wanted, clock);
  let written = wanted;
  await folder.change<Role>(roleKey(name), (now) => {
    written = edit(now);
    return written;
  });
  // Somebody else changed the id meanwhile: the one that stands needs its index too.
  if (written.roleId !== wanted.roleId) await claimId(folder, written, clock);
  if (before !== undefined && before.roleId !== written.roleId) await dropIndex(folder, before);
  return written;
}

/** @throws Failure `method-failed` when another role has the id, or is about to get it. */
async function claimId(folder: Folder, { roleId, name }: Role, clock: Clock): Promise<void> {
  const claimed = await folder.get<RoleIndex>(indexKey(roleId));
  const held =
    claimed !== undefined && claimed.value.name !== name && (await isHeld(folder, claimed.value, roleId, clock));
  await folder.change<RoleIndex>(indexKey(roleId), (now) => {
    const changed = now !== undefined && now.name !== name && now.at !== claimed?.value.at;
    if (held || changed) throw methodFailed('role_id already in use');
    return { name, at: clock.now() };
  });
}

/** A young claim is that of a write under way; an old one without its role was left behind by one that broke off. */
async function isHeld(folder: Folder, claim: RoleIndex, roleId: string, clock: Clock): Promise<boolean> {
  return clock.now() < claim.at + claimMillis || (await loadRole(folder, claim.name))?.roleId === roleId;
}

export async function dropIndex(folder: Folder, { roleId, name }: Role): Promise<void> {
  await folder.change<RoleIndex>(indexKey(roleId), (now) => (now?.name === name ? undefined : now));
}
