// What a key may be used for in its present state, and the rotations that its schedule asks for.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
import type { Millis } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import { disabled, invalidState, invalidUsage } from './failures.ts';
import { madeKey } from './managed-keys.ts';
import { newMaterial } from './material.ts';
import { keyArn, saveKey, type Key, type KeyMaterial } from './model.ts';
import type { KeyUsageName } from './specs.ts';

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingImport';

export const dayMillis = 86_400_000;

/** Imported material may have expired. */
export function isPendingImport(key: Key, now: Millis): boolean {
  if (key.origin !== 'EXTERNAL') return false;
  return key.materials.length === 0 || key.materials.some((material) => isGone(material, now));
}

/** Deleted, or past its end: AWS has no such bytes any more. */
export function isGone({ imported }: KeyMaterial, now: Millis): boolean {
  if (imported === undefined) return false;
  return imported.deleted === true || (imported.validTo !== undefined && imported.validTo <= now);
}

export function stateOf(key: Key, now: Millis): KeyState {
  if (key.deletionAt !== undefined) return 'PendingDeletion';
  if (isPendingImport(key, now)) return 'PendingImport';
  return key.enabled ? 'Enabled' : 'Disabled';
}

/** @throws KMSInvalidStateException for a key that waits for its deletion */
export function refusePendingDeletion(call: Call, key: Key): void {
  if (key.deletionAt !== undefined) throw invalidState(`${keyArn(call.world, key)} is pending deletion.`);
}

/** @throws KMSInvalidStateException for a key that waits for its material */
export function refusePendingImport(call: Call, key: Key): void {
  if (isPendingImport(key, call.clock.now())) throw invalidState(`${keyArn(call.world, key)} is pending import.`);
}

/** Only enabled keys encrypt, sign or take grants. @throws KMSInvalidStateException, DisabledException */
export function refuseUnusable(call: Call, key: Key): void {
  refusePendingDeletion(call, key);
  refusePendingImport(call, key);
  if (!key.enabled) throw disabled(keyArn(call.world, key));
}

/** @throws InvalidKeyUsageException */
export function checkUsage(call: Call, key: Key, usage: KeyUsageName, operation: string = call.operation): void {
  if (key.usage === usage) return;
  throw invalidUsage(`${keyArn(call.world, key)} key usage is ${key.usage} which is not valid for ${operation}.`);
}

/** @throws InvalidKeyUsageException */
export function checkAlgorithm(algorithm: string, known: readonly string[] | undefined, spec: string): void {
  if (known?.includes(algorithm) === true) return;
  throw invalidUsage(`Algorithm ${algorithm} is incompatible with key spec ${spec}.`);
}

/**
 * The key with its material: a managed key is made when first used, and rotations that have come due since the last
 * look are done, each at its own time.
 */
export function currentKey(call: Call, given: Key): Key {
  const key = madeKey(call, given);
  const { rotation } = key;
  const now = call.clock.now();
  if (rotation === undefined || rotation.nextAt > now || key.deletionAt !== undefined || !key.enabled) return key;
  const materials = [...key.materials];
  let { nextAt } = rotation;
  for (; nextAt <= now; nextAt += rotation.periodDays * dayMillis) {
    materials.push({ ...newMaterial(call.random, 32), rotation: { at: nextAt, type: 'AUTOMATIC' } });
  }
  const rotated: Key = { ...key, materials, rotation: { ...rotation, nextAt } };
  saveKey(call.world, rotated);
  return rotated;
}
