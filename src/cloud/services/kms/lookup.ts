// Finding a key by what a request calls it: id, ARN, alias name or alias ARN.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
import type { Millis } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import type { World } from '../../world.ts';
import { hiddenKey, invalidArn, notFound, validation } from './failures.ts';
import { isAwsAlias, managedKey, managedKeyById } from './managed-keys.ts';
import { aliases, kmsArn, keys, rowOf, type Alias, type Key } from './model.ts';

export interface Found {
  readonly key: Key;
  /** The alias that the request used. */
  readonly alias?: string | undefined;
}

const keyId = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/i;
const arnForm = /^arn:[\w-]+:kms:([\w-]+):(\d{12}):(key|alias)\/(.+)$/;

/** The key while it exists: not after the end of its waiting period. */
export function liveKey(world: World, account: string, region: string, id: string, now: Millis): Key | undefined {
  const key = world.table(keys).get(account, rowOf({ region, id })) ?? managedKeyById(world, account, region, id, now);
  return key?.deletionAt !== undefined && key.deletionAt <= now ? undefined : key;
}

/** The alias while its key exists. */
export function liveAlias(call: Call, account: string, region: string, name: string): Found | undefined {
  const { world, clock } = call;
  if (isAwsAlias(name)) {
    const key = managedKey(world, account, region, name, clock.now());
    return key && { key, alias: name };
  }
  const alias = world.table(aliases).get(account, `${region}/${name}`);
  const key = alias && liveKey(world, account, region, alias.keyId, clock.now());
  return key && { key, alias: name };
}

/** The row of an alias of the caller's whose key exists. @throws NotFoundException */
export function needAlias(call: Call, name: string): { readonly alias: Alias; readonly key: Key } {
  const alias = call.world.table(aliases).get(call.account, `${call.region}/${name}`);
  const key = alias && liveKey(call.world, call.account, call.region, alias.keyId, call.clock.now());
  if (alias === undefined || key === undefined) throw unknownAlias(call, call.account, name);
  return { alias, key };
}

function unknownAlias(call: Call, account: string, name: string): Error {
  return notFound(`Alias ${kmsArn(call.world, { region: call.region, account }, name)} is not found.`);
}

/**
 * The key that `text` names. `aliases`: whether the operation takes an alias.
 * @throws NotFoundException, InvalidArnException; AccessDeniedException for an unknown key of another account
 */
export function needKey(call: Call, text: string, takes: { readonly aliases: boolean }): Found {
  const { account, region, kind, rest } = readName(call, text);
  if (kind === 'alias') {
    if (!takes.aliases) throw notFound(`Invalid keyId '${text}'`);
    const found = liveAlias(call, account, region, `alias/${rest}`);
    if (found === undefined) throw unknownAlias(call, account, `alias/${rest}`);
    return found;
  }
  if (!keyId.test(rest)) throw notFound(`Invalid keyId '${rest}'`);
  const key = liveKey(call.world, account, region, rest.toLowerCase(), call.clock.now());
  if (key !== undefined) return { key };
  if (account !== call.account) throw hiddenKey(call, `kms:${call.operation}`, 'key');
  throw notFound(`Key '${kmsArn(call.world, { region, account }, `key/${rest}`)}' does not exist`);
}

/** As `needKey`, for the key that an alias is to stand for. @throws ValidationException for an alias */
export function needTarget(call: Call, text: string): Key {
  if (text.startsWith('alias/') || /^arn:[^/]*:alias\//.test(text)) {
    throw validation('Aliases must refer to keys. Not aliases');
  }
  return needKey(call, text, { aliases: false }).key;
}

interface KeyName {
  readonly account: string;
  readonly region: string;
  readonly kind: 'key' | 'alias';
  readonly rest: string;
}

function readName(call: Call, text: string): KeyName {
  const own = { account: call.account, region: call.region };
  if (text.startsWith('alias/')) return { ...own, kind: 'alias', rest: text.slice('alias/'.length) };
  if (!text.startsWith('arn:')) return { ...own, kind: 'key', rest: text };
  const [, region, account, kind, rest] = arnForm.exec(text) ?? [];
  if (region === undefined || account === undefined || rest === undefined) throw invalidArn(text);
  if (region !== call.region) throw notFound(`Invalid arn ${region}`);
  return { account, region, kind: kind as 'key' | 'alias', rest };
}
