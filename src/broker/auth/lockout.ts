// Who gave too many wrong credentials in a row is refused for a while, whatever he gives (Vault's user
// lockout). A name that exists is counted in the store, so that a restart forgives nothing; one that
// does not is counted in memory, alike, so that being locked out tells nobody which names exist.
import { createHash } from 'node:crypto';
import type { Clock, Millis } from '../../base/index.ts';
import type { Folder } from '../engines/engine.ts';
import { brokerFailure } from '../failures.ts';
import type { Mount } from '../model.ts';

interface LockoutRule {
  readonly threshold: number;
  readonly durationMillis: Millis;
  readonly counterResetMillis: Millis;
  readonly disabled: boolean;
}

/** The mount's rule; where it says nothing Vault's: five failures within fifteen minutes lock for fifteen. */
export function lockoutRule({ config }: Mount): LockoutRule {
  const { threshold = 0, durationSeconds = 0, counterResetSeconds = 0, disabled = false } = config.userLockout ?? {};
  return {
    threshold: threshold || 5,
    durationMillis: (durationSeconds || 900) * 1000,
    counterResetMillis: (counterResetSeconds || 900) * 1000,
    disabled,
  };
}

interface Failures {
  /** Absent where nobody may read it again. */
  readonly alias?: string;
  readonly count: number;
  readonly lastAt: Millis;
}

/** More would let somebody who makes up names fill the memory; the oldest is forgotten. */
const strangersKept = 10_000;

/** What one more failure makes of the count. */
function countFailure(before: Failures | undefined, rule: LockoutRule, now: Millis): Failures {
  const goesOn = before !== undefined && now <= before.lastAt + rule.counterResetMillis;
  return { ...before, count: goesOn ? before.count + 1 : 1, lastAt: now };
}

function isLocked(failures: Failures | undefined, rule: LockoutRule, now: Millis): boolean {
  if (failures === undefined || rule.disabled) return false;
  return failures.count >= rule.threshold && now < failures.lastAt + rule.durationMillis;
}

/** Whose login it is: the mount's folder, and the name under which the method knows him. */
export interface Caller {
  readonly folder: Folder;
  readonly mountId: string;
  readonly alias: string;
  readonly rule: LockoutRule;
}

export class Lockout {
  readonly #clock: Clock;
  readonly #strangers = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws Failure `login-locked`. */
  async check(caller: Caller): Promise<void> {
    const known = (await caller.folder.get<Failures>(failuresKey(caller)))?.value;
    const failures = known ?? this.#strangers.get(strangerKey(caller));
    if (!isLocked(failures, caller.rule, this.#clock.now())) return;
    throw brokerFailure('login-locked', 'permission denied', {
      hint: 'too many failed logins: wait, or ask an operator to unlock the user',
    });
  }

  /** Counts a failure. `exists`: the name is one that may log in. */
  async failed(caller: Caller, exists: boolean): Promise<void> {
    if (caller.rule.disabled) return;
    const now = this.#clock.now();
    if (exists) {
      const { alias, rule } = caller;
      await caller.folder.change<Failures>(failuresKey(caller), (before) => ({
        ...countFailure(before, rule, now),
        alias,
      }));
      return;
    }
    const key = strangerKey(caller);
    const failures = countFailure(this.#strangers.get(key), caller.rule, now);
    this.#strangers.delete(key);
    this.#strangers.set(key, failures);
    if (this.#strangers.size > strangersKept) this.#strangers.delete(this.#strangers.keys().next().value!);
  }

  /** Forgets the failures: who logs in begins anew. */
  async forget(caller: Caller): Promise<void> {
    this.#strangers.delete(strangerKey(caller));
    if ((await caller.folder.get(failuresKey(caller))) === undefined) return;
    await caller.folder.change<Failures>(failuresKey(caller), () => undefined);
  }
}

/** Names under which callers of the mount are locked out now. */
export async function lockedAliases(folder: Folder, rule: LockoutRule, now: Millis): Promise<readonly string[]> {
  const aliases: string[] = [];
  for (const name of await folder.list('failures/')) {
    const failures = (await folder.get<Failures>(`failures/${name}`))?.value;
    if (failures?.alias !== undefined && isLocked(failures, rule, now)) aliases.push(failures.alias);
  }
  return aliases.sort();
}

/** Lets the caller of this name try again; nothing happens when none is locked out. */
export async function unlock(folder: Folder, alias: string): Promise<void> {
  await folder.change<Failures>(failuresKey({ alias }), () => undefined);
}

// A hash: an alias may hold what no key may, or be half a secret, like a role id.
function failuresKey({ alias }: Pick<Caller, 'alias'>): string {
  return `failures/${createHash('sha256').update(alias).digest('hex')}`;
}

function strangerKey({ mountId, alias }: Caller): string {
  return `${mountId}/${alias.slice(0, 256)}`;
}
