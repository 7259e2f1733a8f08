// Keys: made, described, listed, switched on and off, deleted after their waiting period.
import type * as Sdk from '@aws-sdk/client-kms';
import { uuid } from '../../../base/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { idsUnder } from '../iam/entities.ts';
import type { Parsed } from '../iam/shapes.ts';
import { accountPermission, keyPermission } from './access.ts';
import { specContext } from './conditions.ts';
import { awsFailure } from '../../failures.ts';
import { invalidState, limitExceeded, unsupported, validation } from './failures.ts';
import { removeGrantsOf } from './grant-rows.ts';
import { needKey } from './lookup.ts';
import { madeKey } from './managed-keys.ts';
import { materialFor } from './material.ts';
import {
  aliases,
  importTokens,
  keyAliases,
  keyArn,
  keys,
  kmsArn,
  pendingDeletions,
  rowOf,
  saveKey,
  type Key,
  type KeyMaterial,
} from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import { checkedPolicy, checkLockout, defaultPolicy } from './policy-document.ts';
import { metadataOf } from './shapes.ts';
import { specInfo, type KeySpecName, type KeyUsageName } from './specs.ts';
import { currentKey, dayMillis, refusePendingDeletion, refusePendingImport } from './state.ts';
import { checkTags, requestTags } from './tags.ts';

type Kind = Pick<Key, 'spec' | 'usage' | 'origin'>;

/** What the request asks for, before it is known to exist. @throws ValidationException */
function wantedKind(input: Sdk.CreateKeyRequest): Kind {
  if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined) {
    throw validation(
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    );
  }
  const spec = (input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT') as KeySpecName;
  if (input.KeyUsage === undefined && spec !== 'SYMMETRIC_DEFAULT') {
    throw validation('You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.');
  }
  const usage = (input.KeyUsage ?? 'ENCRYPT_DECRYPT') as KeyUsageName;
  return { spec, usage, origin: (input.Origin ?? 'AWS_KMS') as Key['origin'] };
}

/** @throws ValidationException, UnsupportedOperationException */
function checkKind({ spec, usage, origin }: Kind, input: Sdk.CreateKeyRequest): void {
  const info = specInfo(spec);
  if (info === undefined) throw unsupported(`KeySpec ${spec} is not supported in this Region.`);
  if (!info.usages.includes(usage)) throw validation(`KeyUsage ${usage} is not compatible with KeySpec ${spec}`);
  if (input.CustomKeyStoreId !== undefined) {
    throw awsFailure('CustomKeyStoreNotFoundException', `Custom key store ${input.CustomKeyStoreId} does not exist.`, {
      status: 400,
    });
  }
  if (origin !== 'AWS_KMS' && origin !== 'EXTERNAL') {
    throw validation(`Origin ${String(origin)} requires a CustomKeyStoreId.`);
  }
}

/** Making a private key takes up to seconds, so it is done before the call's turn. */
async function prepareMaterial(input: Sdk.CreateKeyRequest, { random }: Call): Promise<KeyMaterial | undefined> {
  const { spec, usage, origin } = wantedKind(input);
  return origin === 'AWS_KMS' && specInfo(spec)?.usages.includes(usage) === true
    ? materialFor(spec, random)
    : undefined;
}

const createKey = operation<Parsed<Sdk.CreateKeyRequest>, Sdk.CreateKeyResponse, KeyMaterial | undefined>({
  depth: 'Custom key stores are not there; private keys are made by OpenSSL, not by the seeded randomness.',
  prepare: prepareMaterial,
  permissions: (input, call) => {
    const kind = wantedKind(input);
    const multiRegion = input.MultiRegion === true ? { primary: call.region, replicas: [] } : undefined;
    const context = {
      ...specContext({ ...kind, multiRegion, region: call.region }),
      'kms:BypassPolicyLockoutSafetyCheck': String(input.BypassPolicyLockoutSafetyCheck ?? false),
      ...requestTags(input.Tags),
    };
    return [accountPermission(call, 'kms:CreateKey', context), ...tagPermission(call, input.Tags)];
  },
  handle: (input, call, material) => {
    const kind = wantedKind(input);
    checkKind(kind, input);
    const tags = checkTags(input.Tags, call.world.quotas.TagsPerResource);
    removeDeleted(call);
    if (call.world.table(keys).count(call.account) >= call.world.quotas.KMSKeysPerAccount) {
      throw limitExceeded(`You have reached the limit of ${call.world.quotas.KMSKeysPerAccount} KMS keys.`);
    }
    const multiRegion = input.MultiRegion === true ? { primary: call.region, replicas: [] } : undefined;
    const plain = uuid(call.random);
    const key: Key = {
      account: call.account,
      region: call.region,
      id: multiRegion === undefined ? plain : `mrk-${plain.replaceAll('-', '')}`,
      description: input.Description ?? '',
      ...kind,
      multiRegion,
      createdAt: call.clock.now(),
      enabled: true,
      policy:
        input.Policy === undefined ? defaultPolicy(call.world, call.account) : checkedPolicy(input.Policy, call.world),
      tags,
      materials: material === undefined ? [] : [material],
    };
    if (input.Policy !== undefined && input.BypassPolicyLockoutSafetyCheck !== true) checkLockout(call, key);
    saveKey(call.world, key);
    return { KeyMetadata: metadataOf(call, key) };
  },
});

/** "To use the Tags parameter, kms:TagResource (IAM policy)": on keys to come, so on all of the account. */
function tagPermission(call: Call, tags: readonly Sdk.Tag[] | undefined): readonly Permission[] {
  if (tags === undefined || tags.length === 0) return [];
  const context = { 'kms:CallerAccount': call.account, ...requestTags(tags) };
  return [{ action: 'kms:TagResource', resource: kmsArn(call.world, call, 'key/*'), context }];
}

const describeKey = operation<Parsed<Sdk.DescribeKeyRequest>, Sdk.DescribeKeyResponse>({
  permissions: (input, call) => [keyPermission(call, 'kms:DescribeKey', needKey(call, input.KeyId, { aliases: true }))],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: true });
    return { KeyMetadata: metadataOf(call, currentKey(call, key)) };
  },
});

const listKeys = operation<Parsed<Sdk.ListKeysRequest>, Sdk.ListKeysResponse>({
  permissions: (_input, call) => [accountPermission(call, 'kms:ListKeys')],
  handle: (input, call) => {
    removeDeleted(call);
    const place = { world: call.world, account: call.account };
    const rows = idsUnder(place, keys, `${call.region}/`, afterMarker(input.Marker));
    const { items, page } = pageOf(rows, input, { usual: 100, most: 1000 }, (key) => ({
      KeyId: key.id,
      KeyArn: keyArn(call.world, key),
    }));
    return { Keys: items, ...page };
  },
});

/** Takes away what is left of keys whose waiting period is over; looks at no other key. */
function removeDeleted(call: Call): void {
  const { world, account, region } = call;
  const now = call.clock.now();
  const due: string[] = [];
  for (const [row] of idsUnder({ world, account }, pendingDeletions, `${region}/`)) {
    if (Number(row.slice(0, 15)) > now) break;
    due.push(row);
  }
  for (const row of due) {
    const key = world.table(keys).get(account, rowOf({ region, id: row.slice(16) }));
    if (key?.deletionAt !== undefined) removeKey(call, key);
  }
}

function deletionRow({ region, id, deletionAt }: Key): string {
  return `${region}/${String(deletionAt).padStart(15, '0')}/${id}`;
}

function removeKey({ world }: Call, key: Key): void {
  const place = { world, account: key.account };
  const row = rowOf(key);
  for (const [name] of Array.from(idsUnder(place, keyAliases, `${row}/`))) {
    // The name may meanwhile stand for another key.
    const aliasRow = `${key.region}/${name}`;
    if (world.table(aliases).get(key.account, aliasRow)?.keyId === key.id)
      world.table(aliases).delete(key.account, aliasRow);
    world.table(keyAliases).delete(key.account, `${row}/${name}`);
  }
  for (const [token] of Array.from(idsUnder(place, importTokens, `${row}/`))) {
    world.table(importTokens).delete(key.account, `${row}/${token}`);
  }
  removeGrantsOf(world, key);
  world.table(pendingDeletions).delete(key.account, deletionRow(key));
  world.table(keys).delete(key.account, row);
}

/** A permission on the one key that the operation is about; aliases are not taken. */
function onKey(action: string) {
  return (input: { readonly KeyId: string }, call: Call): readonly Permission[] => [
    keyPermission(call, action, needKey(call, input.KeyId, { aliases: false })),
  ];
}

const enableKey = operation<Parsed<Sdk.EnableKeyRequest>, void>({
  permissions: onKey('kms:EnableKey'),
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    refusePendingDeletion(call, key);
    refusePendingImport(call, key);
    // A rotation that came due meanwhile is made now.
    const rotation = key.rotation && { ...key.rotation, nextAt: Math.max(key.rotation.nextAt, call.clock.now()) };
    if (!key.enabled) saveKey(call.world, { ...key, enabled: true, rotation });
  },
});

const disableKey = operation<Parsed<Sdk.DisableKeyRequest>, void>({
  permissions: onKey('kms:DisableKey'),
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    refusePendingDeletion(call, key);
    refusePendingImport(call, key);
    saveKey(call.world, { ...currentKey(call, key), enabled: false });
  },
});

const updateKeyDescription = operation<Parsed<Sdk.UpdateKeyDescriptionRequest>, void>({
  permissions: onKey('kms:UpdateKeyDescription'),
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    refusePendingDeletion(call, key);
    saveKey(call.world, { ...madeKey(call, key), description: input.Description });
  },
});

const usualWindowDays = 30;

const scheduleKeyDeletion = operation<Parsed<Sdk.ScheduleKeyDeletionRequest>, Sdk.ScheduleKeyDeletionResponse>({
  permissions: (input, call) => {
    const days = input.PendingWindowInDays;
    const context = { 'kms:ScheduleKeyDeletionPendingWindowInDays': days === undefined ? undefined : String(days) };
    return [
      keyPermission(call, 'kms:ScheduleKeyDeletion', needKey(call, input.KeyId, { aliases: false }), { context }),
    ];
  },
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    const days = input.PendingWindowInDays ?? usualWindowDays;
    if (days < 7 || days > 30) throw validation('PendingWindowInDays must be between 7 and 30 days, inclusive.');
    refusePendingDeletion(call, key);
    const deletionAt = call.clock.now() + days * dayMillis;
    const pending = { ...currentKey(call, key), deletionAt };
    saveKey(call.world, pending);
    call.world.table(pendingDeletions).put(key.account, deletionRow(pending), true);
    return {
      KeyId: keyArn(call.world, key),
      DeletionDate: new Date(deletionAt),
      KeyState: 'PendingDeletion',
      PendingWindowInDays: days,
    };
  },
});

const cancelKeyDeletion = operation<Parsed<Sdk.CancelKeyDeletionRequest>, Sdk.CancelKeyDeletionResponse>({
  permissions: onKey('kms:CancelKeyDeletion'),
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    const arn = keyArn(call.world, key);
    if (key.deletionAt === undefined) throw invalidState(`${arn} is not pending deletion.`);
    // "If this operation succeeds, the key state of the KMS key is Disabled."
    call.world.table(pendingDeletions).delete(key.account, deletionRow(key));
    saveKey(call.world, { ...key, deletionAt: undefined, enabled: false });
    return { KeyId: arn };
  },
});

export const keyOperations = {
  CreateKey: createKey,
  DescribeKey: describeKey,
  ListKeys: listKeys,
  EnableKey: enableKey,
  DisableKey: disableKey,
  UpdateKeyDescription: updateKeyDescription,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  CancelKeyDeletion: cancelKeyDeletion,
};
