// Rotation of key material, by schedule and on demand.
// https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
import type * as Sdk from '@aws-sdk/client-kms';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { keyPermission } from './access.ts';
import { invalidState, limitExceeded, unsupported } from './failures.ts';
import { needKey } from './lookup.ts';
import { newMaterial } from './material.ts';
import { keyArn, saveKey, type Key, type KeyMaterial } from './model.ts';
import { pageOfList } from './page.ts';
import { currentKey, dayMillis, isGone, refusePendingDeletion, refuseUnusable } from './state.ts';

const usualPeriodDays = 365;

/** @throws UnsupportedOperationException for what never rotates on a schedule */
function refuseUnrotatable(call: Call, key: Key): void {
  if (key.spec !== 'SYMMETRIC_DEFAULT') throw unsupported();
  refuseImported(call, key);
}

function refuseImported(call: Call, key: Key): void {
  if (key.origin !== 'EXTERNAL') return;
  throw unsupported(`${keyArn(call.world, key)} origin is EXTERNAL which is not valid for this operation.`);
}

const enableKeyRotation = operation<Parsed<Sdk.EnableKeyRotationRequest>, void>({
  permissions: (input, call) => {
    const days = input.RotationPeriodInDays;
    const context = { 'kms:RotationPeriodInDays': days === undefined ? undefined : String(days) };
    return [keyPermission(call, 'kms:EnableKeyRotation', needKey(call, input.KeyId, { aliases: false }), { context })];
  },
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    refuseUnrotatable(call, key);
    refuseUnusable(call, key);
    const current = currentKey(call, key);
    const periodDays = input.RotationPeriodInDays ?? usualPeriodDays;
    if (current.rotation?.periodDays === periodDays) return;
    const rotation = { periodDays, nextAt: call.clock.now() + periodDays * dayMillis };
    saveKey(call.world, { ...current, rotation });
  },
});

const disableKeyRotation = operation<Parsed<Sdk.DisableKeyRotationRequest>, void>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:DisableKeyRotation', needKey(call, input.KeyId, { aliases: false })),
  ],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    refuseUnrotatable(call, key);
    refuseUnusable(call, key);
    saveKey(call.world, { ...currentKey(call, key), rotation: undefined });
  },
});

const getKeyRotationStatus = operation<Parsed<Sdk.GetKeyRotationStatusRequest>, Sdk.GetKeyRotationStatusResponse>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:GetKeyRotationStatus', needKey(call, input.KeyId, { aliases: false })),
  ],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    // Terraform asks it of every key: for one that cannot rotate the answer is "no", for an imported one a refusal.
    refuseImported(call, key);
    const { rotation, deletionAt } = currentKey(call, key);
    const KeyId = keyArn(call.world, key);
    // "While a KMS key is pending deletion, its key rotation status is false."
    if (rotation === undefined || deletionAt !== undefined) return { KeyId, KeyRotationEnabled: false };
    return {
      KeyId,
      KeyRotationEnabled: true,
      RotationPeriodInDays: rotation.periodDays,
      NextRotationDate: new Date(rotation.nextAt),
    };
  },
});

const rotateKeyOnDemand = operation<Parsed<Sdk.RotateKeyOnDemandRequest>, Sdk.RotateKeyOnDemandResponse>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:RotateKeyOnDemand', needKey(call, input.KeyId, { aliases: false })),
  ],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    refuseUnusable(call, key);
    if (key.spec !== 'SYMMETRIC_DEFAULT') throw unsupported();
    const arn = keyArn(call.world, key);
    const current = currentKey(call, key);
    const done = current.materials.filter(({ rotation }) => rotation?.type === 'ON_DEMAND').length;
    if (done >= call.world.quotas.KMSOnDemandRotationsPerKey) {
      throw limitExceeded(
        `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${arn}`,
      );
    }
    const next = nextMaterial(call, current, arn);
    const rotated = { ...next, rotation: { at: call.clock.now(), type: 'ON_DEMAND' as const } };
    saveKey(call.world, { ...current, pending: undefined, materials: [...current.materials, rotated] });
    return { KeyId: arn };
  },
});

/** New random bytes, or the imported ones that wait. */
function nextMaterial(call: Call, key: Key, arn: string): KeyMaterial {
  if (key.origin === 'AWS_KMS') return newMaterial(call.random, 32);
  if (key.pending === undefined || isGone(key.pending, call.clock.now())) {
    throw invalidState(`No available key material pending rotation for the key: ${arn}.`);
  }
  return key.pending;
}

const listKeyRotations = operation<Parsed<Sdk.ListKeyRotationsRequest>, Sdk.ListKeyRotationsResponse>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:ListKeyRotations', needKey(call, input.KeyId, { aliases: false })),
  ],
  handle: (input, call) => {
    const found = needKey(call, input.KeyId, { aliases: false });
    if (found.key.spec !== 'SYMMETRIC_DEFAULT') throw unsupported();
    refusePendingDeletion(call, found.key);
    const key = currentKey(call, found.key);
    const all = input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL';
    const entries = key.materials
      .map((material, index) =>
        entryOf(call, key, material, index === key.materials.length - 1 ? 'CURRENT' : 'NON_CURRENT'),
      )
      .filter(({ RotationDate }) => all || RotationDate !== undefined);
    const waiting = all && key.pending !== undefined ? [entryOf(call, key, key.pending, 'PENDING_ROTATION')] : [];
    const { items, page } = pageOfList([...entries, ...waiting], input, { usual: 100, most: 1000 });
    return { Rotations: items, ...page };
  },
});

function entryOf(call: Call, key: Key, material: KeyMaterial, state: Sdk.KeyMaterialState): Sdk.RotationsListEntry {
  const { imported, rotation } = material;
  return {
    KeyId: key.id,
    KeyMaterialId: material.id,
    KeyMaterialState: state,
    ...(imported === undefined
      ? {}
      : {
          KeyMaterialDescription: imported.description,
          ImportState: isGone(material, call.clock.now()) ? 'PENDING_IMPORT' : 'IMPORTED',
          ExpirationModel: imported.validTo === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES',
          ValidTo: imported.validTo === undefined ? undefined : new Date(imported.validTo),
        }),
    ...(rotation === undefined ? {} : { RotationDate: new Date(rotation.at), RotationType: rotation.type }),
  };
}

export const rotationOperations = {
  EnableKeyRotation: enableKeyRotation,
  DisableKeyRotation: disableKeyRotation,
  GetKeyRotationStatus: getKeyRotationStatus,
  RotateKeyOnDemand: rotateKeyOnDemand,
  ListKeyRotations: listKeyRotations,
};
