// Keeps one session good for as long as somebody may ask for it: answers from memory, renews ahead of the end, one
// renewal at a time, and asks nobody. What it cannot do it says once, with what a person can do about it.
import { formatDuration, isFailure, isoSeconds, type Clock, type Millis, type Secret } from '../../base/index.ts';
import type { Credentials } from '../model.ts';

/** A session in the form that servers hand out: SDKs want a token and an end of all of them. */
export interface ServedSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  readonly expiration: Millis;
  readonly updated: Millis;
}

/** Why there is no session, in words for the program that asked. */
export interface NoSession {
  readonly code: string;
  readonly message: string;
  /** True when another try may help without anybody doing anything. */
  readonly temporary: boolean;
}

export interface KeeperTools {
  readonly clock: Clock;
  /** Runs `work` once after so many milliseconds, without holding the process; returns the way to call it off. */
  readonly later: (millis: Millis, work: () => void) => () => void;
  /** Fetches a new session. Asks nobody: rejects with a coded Failure instead. */
  readonly renew: () => Promise<Credentials>;
  /** A session that another process has kept meanwhile, at no cost. */
  readonly kept: () => Credentials | undefined;
  /** A line for people. */
  readonly tell: (line: string) => void;
  /** What the person can do when the session cannot be renewed without one. */
  readonly cure: string;
}

const minute: Millis = 60_000;
/** botocore goes on using a session whose end is 12 to 20 minutes away as if it lasted longer; so it never gets one. */
const renewAhead: Millis = 20 * minute;
/** For a session whose end nobody knows: it is looked at again after half of that. */
const presumedLife: Millis = 15 * minute;
/** Timers stand still while the machine sleeps, so the wall clock is looked at that often. */
const tick: Millis = 30_000;
const firstPause: Millis = 15_000;
const longestPause: Millis = 5 * minute;
const slowly: Millis = minute;
/** SDKs give up after 1 s and try again; an answer within that is worth waiting for. */
const patience: Millis = 800;

function served(session: Credentials, token: Secret, now: Millis): ServedSession {
  const { accessKeyId, secretAccessKey } = session;
  const expiration = session.expiration ?? now + presumedLife;
  return { accessKeyId, secretAccessKey, sessionToken: token, expiration, updated: now };
}

/** When to renew: 20 minutes ahead of the end, or half a life ahead where that is less. */
function dueAt({ expiration, updated }: ServedSession): Millis {
  return expiration - Math.min(renewAhead, (expiration - updated) / 2);
}

function reasonOf(error: unknown): NoSession {
  if (!isFailure(error)) return { code: 'internal', message: 'the session could not be renewed', temporary: true };
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  return { code: error.code, message: `${error.message}${hint}`, temporary: error.status >= 500 };
}

/** One session, kept good until `stop`. */
export class SessionKeeper {
  readonly #tools: KeeperTools;
  #session: ServedSession;
  #due: Millis;
  #renewing: Promise<void> | undefined;
  #failed: { readonly reason: NoSession; readonly times: number; readonly at: Millis } | undefined;
  #lookedAt: Millis = 0;
  #callOff: () => void = () => undefined;
  #stopped = false;

  /** `first` has a session token; `issuedAt` is when AWS gave it. */
  constructor(first: Credentials & { readonly sessionToken: Secret }, issuedAt: Millis, tools: KeeperTools) {
    this.#tools = tools;
    this.#session = served(first, first.sessionToken, tools.clock.now());
    this.#due = dueAt({ ...this.#session, updated: Math.min(issuedAt, this.#session.updated) });
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  /** The session, as long as there is one that lives. Answers within a second, whatever AWS does. */
  async current(): Promise<ServedSession | NoSession> {
    this.#renewWhenDue();
    if (this.#lives()) return this.#session;
    if (this.#renewing === undefined) this.#takeKept();
    else await this.#atMost(patience, this.#renewing);
    return this.#lives() ? this.#session : (this.#failed?.reason ?? stillRenewing);
  }

  #lives(): boolean {
    return this.#tools.clock.now() < this.#session.expiration;
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#callOff = this.#tools.later(tick, () => {
      this.#arm();
      // Also before the time: who replaced a revoked session by hand replaces it here too.
      if (!this.#takeKept()) this.#renewWhenDue();
    });
  }

  #renewWhenDue(): void {
    const now = this.#tools.clock.now();
    if (this.#renewing !== undefined || now < this.#due || this.#stopped) return;
    if (this.#failed !== undefined && this.#isPause(this.#failed, now)) return void this.#takeKept();
    // What hangs is not started a second time, but it is said.
    const notSlow = this.#tools.later(slowly, () => this.#fail(tooSlow));
    this.#renewing = this.#renew().finally(() => {
      notSlow();
      this.#renewing = undefined;
    });
  }

  /** After each failure a longer pause: nothing is asked in a circle, neither AWS nor this machine. */
  #isPause({ times, at }: { readonly times: number; readonly at: Millis }, now: Millis): boolean {
    const pause = Math.min(longestPause, firstPause * 2 ** (times - 1));
    // A clock that was set back does not make the pause longer.
    return now >= at && now < at + pause;
  }

  /** Takes what a person, or another process, has fetched meanwhile; looks once a second at most. */
  #takeKept(): boolean {
    const now = this.#tools.clock.now();
    if (Math.abs(now - this.#lookedAt) < 1000) return false;
    this.#lookedAt = now;
    const kept = this.#tools.kept();
    return kept !== undefined && this.#take(kept);
  }

  /** True when `session` is better than what there is. */
  #take(session: Credentials): boolean {
    if (session.sessionToken === undefined) return false;
    const next = served(session, session.sessionToken, this.#tools.clock.now());
    if (next.expiration <= this.#session.expiration || next.expiration <= next.updated) return false;
    this.#session = next;
    this.#due = dueAt(next);
    if (this.#failed !== undefined)
      this.#tools.tell(`note: the session is renewed, until ${isoSeconds(next.expiration)}`);
    this.#failed = undefined;
    return true;
  }

  async #renew(): Promise<void> {
    try {
      if (this.#takeKept()) return;
      const session = await this.#tools.renew();
      if (!this.#take(session)) this.#fail(sameAgain);
    } catch (error) {
      this.#fail(reasonOf(error));
    }
  }

  #fail(reason: NoSession): void {
    const { clock, tell, cure } = this.#tools;
    const now = clock.now();
    if (this.#failed === undefined && !this.#stopped) {
      const left = this.#session.expiration - now;
      const until =
        left > 0
          ? `the present one serves for ${formatDuration(Math.ceil(left / 1000))} more`
          : 'the last one has ended';
      tell(`warning[${reason.code}]: the session cannot be renewed, ${until}: ${reason.message}`);
      tell(`hint: ${reason.temporary ? 'it is tried again by itself' : cure}`);
    }
    this.#failed = { reason, times: (this.#failed?.times ?? 0) + 1, at: now };
  }

  async #atMost(millis: Millis, work: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = this.#tools.later(millis, resolve);
    await Promise.race([work, promise]);
    callOff();
  }
}

const stillRenewing: NoSession = {
  code: 'session-renewing',
  message: 'the session has ended and a new one is being fetched',
  temporary: true,
};

const tooSlow: NoSession = {
  code: 'session-renewing',
  message: 'fetching the next one has not come to an end within a minute',
  temporary: true,
};

const sameAgain: NoSession = {
  code: 'credentials-expired',
  message: 'the source gave the same session again',
  temporary: false,
};
