// Secret ids of `approle`: made, looked up, used and ended. A secret id is stored nowhere: its record is
// found by an HMAC of it under the role's own key, or by its accessor, which logs nobody in.
import { createHmac } from 'node:crypto';
import { type Clock, uuid, type Json, type Millis, type Random } from '../../../base/index.ts';
import type { Folder } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import { areWithin } from '../../addresses.ts';
import { methodFailed } from '../logins.ts';
import { checkCidrs, claimMillis, type Role } from './role.ts';

interface SecretId {
  readonly version: 1;
  readonly accessor: string;
  readonly hash: string;
  /** Logins left; 0: without limit. */
  readonly uses: number;
  /** Seconds, as asked for; 0: for ever. */
  readonly ttl: number;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  readonly expiresAt: Millis | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly cidrs: readonly string[];
  readonly tokenCidrs: readonly string[];
}

/** By whose accessor a secret id is found. */
interface Claim {
  readonly accessor: string;
  readonly at: Millis;
}

/** What a login learns of the secret id it was made with. */
export type UsedSecretId = Pick<SecretId, 'metadata' | 'cidrs' | 'tokenCidrs'>;

export const secretIdFields = {
  role_name: 'string',
  metadata: 'string',
  cidr_list: 'list',
  token_bound_cidrs: 'list',
  num_uses: 'int',
  ttl: 'seconds',
} as const;

type SecretIdValues = FieldValues<typeof secretIdFields>;

/** As Vault limits what it takes for an HMAC. */
const maxSecretIdLength = 4096;

function recordKey(role: Pick<Role, 'uid'>, accessor: string): string {
  return `secret/${role.uid}/${accessor}`;
}

function hashKey(role: Pick<Role, 'uid'>, hash: string): string {
  return `secret-hash/${role.uid}/${hash}`;
}

/** The name under which `due` is asked to forget the secret id at its end. */
function expiryName(role: Role, accessor: string): string {
  return `secret/${role.uid}/${accessor}`;
}

/** Accessors are UUIDs; nothing else is ever part of a key. */
function isAccessor(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text);
}

export class SecretIds {
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Makes a secret id for the role; `custom` is one that the caller chose.
   * @throws Failure `bad-request`, `method-failed` with Vault's text.
   */
  async make(
    folder: Folder,
    role: Role,
    given: SecretIdValues,
    maxTtlSeconds: number,
    custom?: string,
  ): Promise<Readonly<Record<string, Json>>> {
    const secretId = custom ?? uuid(this.#random);
    const limits = checkedLimits(role, given);
    const accessor = uuid(this.#random);
    const now = this.#clock.now();
    const lived = Math.min(limits.ttl, maxTtlSeconds);
    const record: SecretId = {
      version: 1,
      accessor,
      hash: hashOf(role, secretId),
      ...limits,
      createdAt: now,
      updatedAt: now,
      expiresAt: lived === 0 ? null : now + lived * 1000,
    };
    await this.#register(folder, role, record);
    return { secret_id: secretId, secret_id_accessor: accessor, secret_id_ttl: lived, secret_id_num_uses: limits.uses };
  }

  // The hash is claimed first, so that one secret id is never two records. A young claim is that of a
  // call under way; an old one without a record was left behind by one that broke off.
  async #register(folder: Folder, role: Role, record: SecretId): Promise<void> {
    const key = hashKey(role, record.hash);
    const claimed = (await folder.get<Claim>(key))?.value;
    const held = claimed !== undefined && (await this.#isHeld(folder, role, claimed));
    await folder.change<Claim>(key, (now) => {
      if (held || now?.accessor !== claimed?.accessor) {
        throw methodFailed('failed to store secret_id: SecretID is already registered');
      }
      return { accessor: record.accessor, at: record.createdAt };
    });
    if (record.expiresAt !== null) await folder.schedule(expiryName(role, record.accessor), record.expiresAt);
    await folder.change<SecretId>(recordKey(role, record.accessor), () => record);
  }

  async #isHeld(folder: Folder, role: Role, claim: Claim): Promise<boolean> {
    const isYoung = this.#clock.now() < claim.at + claimMillis;
    return isYoung || (await this.#load(folder, role, claim.accessor)) !== undefined;
  }

  async byAccessor(folder: Folder, role: Role, accessor: string): Promise<SecretId | undefined> {
    return isAccessor(accessor) ? this.#load(folder, role, accessor) : undefined;
  }

  async bySecretId(folder: Folder, role: Role, secretId: string): Promise<SecretId | undefined> {
    const claim = await folder.get<Claim>(hashKey(role, hashOf(role, secretId)));
    return claim === undefined ? undefined : this.#load(folder, role, claim.value.accessor);
  }

  accessors(folder: Folder, role: Role): Promise<readonly string[]> {
    return folder.list(`secret/${role.uid}/`);
  }

  /** Takes one use of the secret id; undefined when there is none to take. */
  async use(folder: Folder, role: Role, secretId: string): Promise<UsedSecretId | undefined> {
    const found = await this.bySecretId(folder, role, secretId);
    if (found === undefined || found.uses === 0) return found;
    let taken: SecretId | undefined;
    await folder.change<SecretId>(recordKey(role, found.accessor), (now) => {
      taken = now !== undefined && this.#lives(now) ? now : undefined;
      if (taken === undefined || taken.uses === 1) return undefined;
      return { ...taken, uses: taken.uses - 1, updatedAt: this.#clock.now() };
    });
    if (taken?.uses === 1) await this.end(folder, role, taken);
    return taken;
  }

  /** Forgets the secret id: the record first, so that it ends even if this breaks off. */
  async end(folder: Folder, role: Role, { accessor, hash, expiresAt }: SecretId): Promise<void> {
    await folder.change(recordKey(role, accessor), () => undefined);
    await dropClaim(folder, role, hash, accessor);
    if (expiresAt !== null) await folder.schedule(expiryName(role, accessor), undefined);
  }

  async #load(folder: Folder, role: Role, accessor: string): Promise<SecretId | undefined> {
    const found = await folder.get<SecretId>(recordKey(role, accessor));
    return found !== undefined && this.#lives(found.value) ? found.value : undefined;
  }

  #lives({ expiresAt }: SecretId): boolean {
    return expiresAt === null || expiresAt > this.#clock.now();
  }
}

/** Forgets the secret id for which `due` was asked by `name`. */
export async function forgetExpired(folder: Folder, name: string): Promise<void> {
  const [, uid = '', accessor = ''] = name.split('/');
  const found = await folder.get<SecretId>(recordKey({ uid }, accessor));
  if (found === undefined) return;
  await folder.change(recordKey({ uid }, accessor), () => undefined);
  const { hash } = found.value;
  await dropClaim(folder, { uid }, hash, accessor);
}

async function dropClaim(folder: Folder, role: Pick<Role, 'uid'>, hash: string, accessor: string): Promise<void> {
  await folder.change<Claim>(hashKey(role, hash), (now) => (now?.accessor === accessor ? undefined : now));
}

/** Forgets all secret ids of a role that is gone. */
export async function forgetAll(folder: Folder, uid: string): Promise<void> {
  for (const prefix of [`secret/${uid}/`, `secret-hash/${uid}/`]) {
    const names = await folder.list(prefix);
    // In groups, for concurrent changes share a commit of the store.
    for (let at = 0; at < names.length; at += 200) {
      const group = names.slice(at, at + 200);
      await Promise.all(group.map((name) => folder.change(`${prefix}${name}`, () => undefined)));
    }
  }
}

function hashOf(role: Role, secretId: string): string {
  if (Buffer.byteLength(secretId) > maxSecretIdLength) {
    throw methodFailed(
      `failed to create HMAC of secret_id: value is longer than maximum of ${maxSecretIdLength} bytes`,
    );
  }
  return createHmac('sha256', Buffer.from(role.hmacKey, 'base64')).update(secretId).digest('hex');
}

type Limits = Pick<SecretId, 'uses' | 'ttl' | 'metadata' | 'cidrs' | 'tokenCidrs'>;

// In Vault's order, which decides what a call that breaks two rules is told.
function checkedLimits(role: Role, given: SecretIdValues): Limits {
  if (!role.bindSecretId) throw brokerFailure('bad-request', 'bind_secret_id is not set on the role');
  const { cidr_list: cidrs = [], token_bound_cidrs: tokenCidrs = [] } = given;
  checkCidrs(cidrs, methodFailed);
  checkWithin(cidrs, role.secretIdBoundCidrs);
  checkCidrs(tokenCidrs, methodFailed, 'token CIDR blocks');
  checkWithin(tokenCidrs, role.token.boundCidrs);
  const uses = given.num_uses ?? role.secretIdUses;
  if (uses < 0) throw brokerFailure('bad-request', 'num_uses cannot be negative');
  if (isMore(uses, role.secretIdUses)) {
    throw brokerFailure('bad-request', "num_uses cannot be higher than the role's secret_id_num_uses");
  }
  const ttl = given.ttl ?? role.secretIdTtl;
  if (isMore(ttl, role.secretIdTtl)) {
    throw brokerFailure('bad-request', "ttl cannot be longer than the role's secret_id_ttl");
  }
  return { uses, ttl, metadata: readMetadata(given.metadata ?? ''), cidrs, tokenCidrs };
}

/** 0 stands for "without limit" on both sides. */
function isMore(asked: number, allowed: number): boolean {
  return allowed > 0 && (asked === 0 || asked > allowed);
}

/** @throws Failure `method-failed` when the blocks reach beyond those of the role. */
export function checkWithin(cidrs: readonly string[], ofRole: readonly string[]): void {
  if (cidrs.length === 0 || ofRole.length === 0 || areWithin(cidrs, ofRole)) return;
  const quoted = (list: readonly string[]): string => `[${list.map((block) => JSON.stringify(block)).join(' ')}]`;
  throw methodFailed(
    `failed to verify subset relationship between CIDR blocks on the role ${quoted(ofRole)} and CIDR blocks on the secret ID ${quoted(cidrs)}`,
  );
}

/** JSON, also in base64, or `k=v` with commas between (`strutil.ParseArbitraryKeyValues`). */
function readMetadata(text: string): Readonly<Record<string, string>> {
  const trimmed = text.trim();
  if (trimmed === '') return {};
  const pairs = jsonPairs(trimmed) ?? jsonPairs(Buffer.from(trimmed, 'base64').toString()) ?? textPairs(trimmed);
  const empty = pairs.find(([key, value]) => key !== '' && value === '');
  if (empty !== undefined) {
    throw brokerFailure('bad-request', `failed to parse metadata: invalid value for key "${empty[0]}"`);
  }
  return Object.fromEntries(pairs);
}

type Pairs = readonly (readonly [string, string])[];

function jsonPairs(text: string): Pairs | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const pairs = isMap ? Object.entries(value as object) : [];
  return isMap && pairs.every(([, member]) => typeof member === 'string') ? (pairs as Pairs) : undefined;
}

function textPairs(text: string): Pairs {
  return text.split(',').map((item) => {
    const at = item.indexOf('=');
    if (at < 0) {
      throw brokerFailure(
        'bad-request',
        'failed to parse metadata: failed to parse the input: invalid <key,value> format',
        { hint: 'give a JSON object of strings, or `key=value` with commas between' },
      );
    }
    return [item.slice(0, at).trim(), item.slice(at + 1).trim()] as const;
  });
}

/** A secret id as a look-up shows it. */
export function shownSecretId(record: SecretId): Readonly<Record<string, Json>> {
  return {
    secret_id_accessor: record.accessor,
    secret_id_num_uses: record.uses,
    secret_id_ttl: record.ttl,
    creation_time: new Date(record.createdAt).toISOString(),
    // Go's zero time, which says "never".
    expiration_time: record.expiresAt === null ? '0001-01-01T00:00:00Z' : new Date(record.expiresAt).toISOString(),
    last_updated_time: new Date(record.updatedAt).toISOString(),
    metadata: record.metadata,
    cidr_list: record.cidrs,
    token_bound_cidrs: record.tokenCidrs,
  };
}
