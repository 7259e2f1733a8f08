// The replacing of an access key as pure transitions, for the key in config/root and for static roles. The
// record says before each call to AWS what the call is for, so that whoever finds it after a crash, also
// another node, knows what may have happened and goes on.
//
// creating   AWS may have made a key that nobody knows
// trying     the new key is stored; it serves as soon as AWS accepts it
// retiring   the new key serves; the old one is to be deleted
// undoing    the creating call broke off: a key that it may have left is looked for and deleted
import type { Millis } from '../../../base/index.ts';
import type { KeyPair } from './clients.ts';

export interface KeyRotation {
  /** Of this rotation and no other: a step that comes late changes nothing. */
  readonly id: string;
  readonly stage: 'creating' | 'trying' | 'retiring' | 'undoing';
  readonly userName: string;
  /** The key that the rotation replaces, or empty; deleted at its end. */
  readonly oldKeyId: string;
  /** Ids of the keys that the user had before: none of them is ours to look for. */
  readonly known: readonly string[];
  /** The key that acts until the new one serves, where the holder itself is the actor. */
  readonly actor: KeyPair | null;
  /** Set in `trying`. */
  readonly next: KeyPair | null;
  /** Creating calls that broke off, each of which may have left one key. */
  readonly lost: number;
  /** Until then AWS may be late in showing a key of a creating call that broke off. */
  readonly lostUntil: Millis;
}

/** What holds a key: a configuration or a static role. */
export interface KeyHolder {
  /** The key that serves. */
  readonly key: KeyPair | null;
  readonly rotation: KeyRotation | null;
}

export interface RotationStart {
  readonly id: string;
  readonly userName: string;
  readonly oldKeyId: string;
  readonly known: readonly string[];
  readonly actor: KeyPair | null;
}

/** How long AWS may be late in showing a key that was made. */
const lateMillis = 5 * 60_000;

/** True when no new rotation may begin before this one has gone on. */
export function isUnderWay({ rotation }: KeyHolder): boolean {
  return rotation !== null && rotation.stage !== 'undoing';
}

/**
 * The intent, to be durable before the creating call. A search for lost keys goes on within it: what was
 * known then is known now, and nothing that appeared since.
 */
export function begun(holder: KeyHolder, start: RotationStart): KeyRotation | null {
  if (isUnderWay(holder)) return holder.rotation;
  const searched = holder.rotation;
  const served = holder.key === null ? [] : [holder.key.accessKeyId];
  return {
    ...start,
    stage: 'creating',
    next: null,
    known: searched === null ? start.known : [...new Set([...searched.known, ...served])],
    lost: searched?.lost ?? 0,
    lostUntil: searched?.lostUntil ?? 0,
  };
}

/** The creating call was answered: from here on the new key is not lost. */
export function created(rotation: KeyRotation, next: KeyPair): KeyRotation {
  return rotation.stage === 'creating' ? { ...rotation, stage: 'trying', next } : rotation;
}

/** AWS certainly made nothing. */
export function notCreated(rotation: KeyRotation): KeyRotation | null {
  if (rotation.stage !== 'creating') return rotation;
  return rotation.lost === 0 ? null : { ...rotation, stage: 'undoing' };
}

/** The creating call broke off, or its node died. */
export function lostTrack(rotation: KeyRotation, now: Millis): KeyRotation {
  if (rotation.stage !== 'creating') return rotation;
  return { ...rotation, stage: 'undoing', lost: rotation.lost + 1, lostUntil: now + lateMillis };
}

/**
 * AWS accepts the new key: it serves from now on. When the served key was changed by hand meanwhile, the
 * hand is right, and the new key is undone as if nobody knew it.
 */
export function accepted(holder: KeyHolder, now: Millis): KeyHolder {
  const { rotation, key } = holder;
  if (rotation?.stage !== 'trying' || rotation.next === null) return holder;
  if ((key?.accessKeyId ?? '') === rotation.oldKeyId) {
    return { key: rotation.next, rotation: { ...rotation, stage: 'retiring', next: null, actor: null } };
  }
  const undoing = {
    ...rotation,
    stage: 'undoing',
    next: null,
    lost: rotation.lost + 1,
    lostUntil: now + lateMillis,
  } as const;
  return { key, rotation: undoing };
}

/** Keys of the user that are nobody's: neither known from before nor serving. */
export function strayKeys({ key, rotation }: KeyHolder, listed: readonly string[]): readonly string[] {
  const mine = new Set([...(rotation?.known ?? []), key?.accessKeyId, rotation?.next?.accessKeyId]);
  return listed.filter((id) => !mine.has(id));
}

/** The old key and `strays` stray ones were deleted. */
export function retired(rotation: KeyRotation, strays: number, now: Millis): KeyRotation | null {
  if (rotation.stage !== 'retiring') return rotation;
  return searched(
    { ...rotation, stage: 'undoing', known: rotation.known.filter((id) => id !== rotation.oldKeyId) },
    strays,
    now,
  );
}

/** A search for lost keys deleted `strays`. Lost ones are looked for until AWS can no longer be late. */
export function searched(rotation: KeyRotation, strays: number, now: Millis): KeyRotation | null {
  if (rotation.stage !== 'undoing') return rotation;
  const lost = Math.max(0, rotation.lost - strays);
  return lost === 0 || now >= rotation.lostUntil ? null : { ...rotation, lost };
}
