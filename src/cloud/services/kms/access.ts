// Permissions on keys: the key policy, the grants that count, and the condition keys of KMS.
// https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
import type { Call, Permission } from '../../call.ts';
import { idsUnder } from '../iam/entities.ts';
import { encryptionContextKeys, resourceTags, specContext, type Keys, type KeyUse } from './conditions.ts';
import { grantsInForce } from './grants-in-force.ts';
import type { Found } from './lookup.ts';
import { keyAliases, keyArn, keys, rowOf, type Key } from './model.ts';
import { policyInForce } from './policy-document.ts';

/** What people of another account may do with a key at all, whatever its policy says. */
const crossAccount: ReadonlySet<string> = new Set(
  [
    'CreateGrant',
    'Decrypt',
    'DeriveSharedSecret',
    'DescribeKey',
    'Encrypt',
    'GenerateDataKey',
    'GenerateDataKeyPair',
    'GenerateDataKeyPairWithoutPlaintext',
    'GenerateDataKeyWithoutPlaintext',
    'GenerateMac',
    'GetKeyRotationStatus',
    'GetPublicKey',
    'ListGrants',
    'ReEncryptFrom',
    'ReEncryptTo',
    'RevokeGrant',
    'Sign',
    'Verify',
    'VerifyMac',
  ].map((name) => `kms:${name}`),
);

/** `action`: `kms:Decrypt`. The resource is the key, also when the request named an alias. */
export function keyPermission(call: Call, action: string, { key, alias }: Found, use: KeyUse = {}): Permission {
  const permission: Permission = {
    action,
    resource: keyArn(call.world, key),
    context: {
      ...keyContext(call, key),
      'kms:RequestAlias': alias,
      ...encryptionContextKeys(use.encryptionContext),
      ...use.context,
    },
    rcpExempt: key.managedAlias !== undefined,
  };
  // Without a policy of its own the key lets nobody of another account in.
  if (key.account !== call.account && !crossAccount.has(action)) return permission;
  // A key that was made a moment ago has no older policy that could still count.
  const seen = call.world.seen.table(keys).get(key.account, rowOf(key)) ?? key;
  const attached = { policy: policyInForce(seen), name: 'default', attachedTo: permission.resource };
  return { ...permission, resourcePolicy: { kind: 'key', attached, grants: grantsInForce(call, key, action, use) } };
}

function keyContext(call: Call, key: Key): Keys {
  return {
    'kms:CallerAccount': call.account,
    ...specContext(key),
    'kms:ResourceAliases': key.managedAlias === undefined ? aliasesOf(call, key) : [key.managedAlias],
    ...resourceTags(key.tags),
  };
}

/** Names of the aliases of a key; undefined when it has none. */
function aliasesOf(call: Call, key: Key): readonly string[] | undefined {
  const place = { world: call.world, account: key.account };
  const names = Array.from(idsUnder(place, keyAliases, `${rowOf(key)}/`), ([name]) => name);
  return names.length === 0 ? undefined : names;
}

/**
 * Permission for what concerns no key. AWS prints `*` in a refusal, and takes `arn:aws:kms:REGION:ACCOUNT:*` in a
 * policy as well ("AWS KMS permissions", column Resources).
 */
export function accountPermission(call: Call, action: string, context: Keys = {}): Permission {
  const whole = { 'kms:CallerAccount': call.account, ...context };
  const inAccount: Permission = {
    action,
    resource: `arn:${call.partition}:kms:${call.region}:${call.account}:*`,
    context: whole,
  };
  return call.refusal(inAccount) === undefined ? inAccount : { action, resource: '*', context: whole };
}
