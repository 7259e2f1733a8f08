// Aliases. Whoever changes one needs permission on the alias and on every key that is touched.
// https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
import type * as Sdk from '@aws-sdk/client-kms';
import { operation, type Call, type Permission } from '../../call.ts';
import { idsUnder } from '../iam/entities.ts';
import type { Parsed } from '../iam/shapes.ts';
import { accountPermission, keyPermission } from './access.ts';
import { alreadyExists, invalidAliasName, limitExceeded, reservedAlias, validation } from './failures.ts';
import { liveAlias, liveKey, needAlias, needKey, needTarget } from './lookup.ts';
import { isAwsAlias, managedAliases, managedKey } from './managed-keys.ts';
import { aliases, keyAliases, kmsArn, rowOf, type Alias, type Key } from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import { refusePendingDeletion } from './state.ts';

/** @throws ValidationException, InvalidAliasNameException, NotAuthorizedException */
function checkName(name: string): void {
  if (!name.startsWith('alias/')) {
    throw validation(
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
  }
  if (isAwsAlias(name)) throw reservedAlias();
  if (name.includes(':')) throw validation(`${name} contains invalid characters for an alias`);
  if (name === 'alias/') throw invalidAliasName('The alias name must not be empty.');
}

/** Only identity policies speak of aliases. */
function aliasPermission(call: Call, action: string, name: string): Permission {
  return { action, resource: kmsArn(call.world, call, name), context: { 'kms:CallerAccount': call.account } };
}

function put({ world, account, region }: Call, alias: Alias, key: Key): void {
  world.table(aliases).put(account, `${region}/${alias.name}`, alias);
  world.table(keyAliases).put(account, `${rowOf(key)}/${alias.name}`, true);
}

function checkRoom(call: Call, key: Key): void {
  const limit = call.world.quotas.KMSAliasesPerKey;
  let count = 0;
  for (const _ of idsUnder({ world: call.world, account: call.account }, keyAliases, `${rowOf(key)}/`)) count++;
  if (count >= limit) throw limitExceeded(`You have reached the limit of ${limit} aliases per KMS key.`);
}

const createAlias = operation<Parsed<Sdk.CreateAliasRequest>, void>({
  permissions: (input, call) => {
    checkName(input.AliasName);
    const key = needTarget(call, input.TargetKeyId);
    return [aliasPermission(call, 'kms:CreateAlias', input.AliasName), keyPermission(call, 'kms:CreateAlias', { key })];
  },
  handle: (input, call) => {
    const key = needTarget(call, input.TargetKeyId);
    if (liveAlias(call, call.account, call.region, input.AliasName) !== undefined) {
      const arn = kmsArn(call.world, call, input.AliasName);
      throw alreadyExists(`An alias with the name ${arn} already exists`);
    }
    refusePendingDeletion(call, key);
    checkRoom(call, key);
    const now = call.clock.now();
    put(call, { name: input.AliasName, keyId: key.id, createdAt: now, updatedAt: now }, key);
  },
});

const updateAlias = operation<Parsed<Sdk.UpdateAliasRequest>, void>({
  permissions: (input, call) => {
    checkName(input.AliasName);
    const { key } = needAlias(call, input.AliasName);
    const target = needTarget(call, input.TargetKeyId);
    return [
      aliasPermission(call, 'kms:UpdateAlias', input.AliasName),
      keyPermission(call, 'kms:UpdateAlias', { key }),
      keyPermission(call, 'kms:UpdateAlias', { key: target }),
    ];
  },
  handle: (input, call) => {
    const { alias, key } = needAlias(call, input.AliasName);
    const target = needTarget(call, input.TargetKeyId);
    refusePendingDeletion(call, target);
    if (typeOf(target) !== typeOf(key) || target.usage !== key.usage) {
      throw validation(
        'The current and new KMS key must be the same type (symmetric, asymmetric or HMAC) and have the same key usage.',
      );
    }
    call.world.table(keyAliases).delete(call.account, `${rowOf(key)}/${alias.name}`);
    if (target.id !== key.id) checkRoom(call, target);
    put(call, { ...alias, keyId: target.id, updatedAt: call.clock.now() }, target);
  },
});

function typeOf({ spec }: Key): string {
  if (spec === 'SYMMETRIC_DEFAULT') return 'symmetric';
  return spec.startsWith('HMAC') ? 'hmac' : 'asymmetric';
}

const deleteAlias = operation<Parsed<Sdk.DeleteAliasRequest>, void>({
  permissions: (input, call) => {
    checkName(input.AliasName);
    const { key } = needAlias(call, input.AliasName);
    return [aliasPermission(call, 'kms:DeleteAlias', input.AliasName), keyPermission(call, 'kms:DeleteAlias', { key })];
  },
  handle: (input, call) => {
    const { alias, key } = needAlias(call, input.AliasName);
    call.world.table(aliases).delete(call.account, `${call.region}/${alias.name}`);
    call.world.table(keyAliases).delete(call.account, `${rowOf(key)}/${alias.name}`);
  },
});

type ListedAlias = Pick<Alias, 'name'> & Partial<Alias>;

const listAliases = operation<Parsed<Sdk.ListAliasesRequest>, Sdk.ListAliasesResponse>({
  permissions: (_input, call) => [accountPermission(call, 'kms:ListAliases')],
  handle: (input, call) => {
    const key = input.KeyId === undefined ? undefined : needKey(call, input.KeyId, { aliases: false }).key;
    const after = afterMarker(input.Marker) ?? '';
    const rows = key === undefined ? everyAlias(call, after) : aliasesOfKey(call, key, after);
    const { items, page } = pageOf(rows, input, { usual: 50, most: 100 }, (alias) => shapeOf(call, alias));
    return { Aliases: items, ...page };
  },
});

function shapeOf(call: Call, { name, keyId, createdAt, updatedAt }: ListedAlias): Sdk.AliasListEntry {
  return {
    AliasName: name,
    AliasArn: kmsArn(call.world, call, name),
    TargetKeyId: keyId,
    CreationDate: createdAt === undefined ? undefined : new Date(createdAt),
    LastUpdatedDate: updatedAt === undefined ? undefined : new Date(updatedAt),
  };
}

/** Those of AWS among the account's own, in order of name, without those whose key is gone. */
function* everyAlias(call: Call, after: string): Generator<readonly [name: string, alias: ListedAlias]> {
  const { world, account, region, clock } = call;
  const predefined = managedAliases().filter((name) => name > after);
  for (const [name, alias] of idsUnder({ world, account }, aliases, `${region}/`, after)) {
    while (predefined.length > 0 && predefined[0]! < name) yield predefinedAlias(call, predefined.shift()!);
    if (liveKey(world, account, region, alias.keyId, clock.now()) !== undefined) yield [name, alias];
  }
  for (const name of predefined) yield predefinedAlias(call, name);
}

function predefinedAlias(call: Call, name: string): readonly [name: string, alias: ListedAlias] {
  const key = managedKey(call.world, call.account, call.region, name, call.clock.now())!;
  // "aliases that have no TargetKeyId": AWS has not made the key yet.
  if (key.materials.length === 0) return [name, { name }];
  return [name, { name, keyId: key.id, createdAt: key.createdAt, updatedAt: key.createdAt }];
}

function* aliasesOfKey(call: Call, key: Key, after: string): Generator<readonly [name: string, alias: ListedAlias]> {
  if (key.managedAlias !== undefined) {
    if (key.managedAlias > after) yield predefinedAlias(call, key.managedAlias);
    return;
  }
  // "ListAliases does not return aliases in other Amazon Web Services accounts."
  if (key.account !== call.account) return;
  const place = { world: call.world, account: call.account };
  for (const [name] of idsUnder(place, keyAliases, `${rowOf(key)}/`, after)) {
    const alias = call.world.table(aliases).get(call.account, `${call.region}/${name}`);
    if (alias !== undefined) yield [name, alias];
  }
}

export const aliasOperations = {
  CreateAlias: createAlias,
  UpdateAlias: updateAlias,
  DeleteAlias: deleteAlias,
  ListAliases: listAliases,
};
