// Which kept sessions stand behind which targets of a list. A session belongs to the targets whose own request, without
// options, would be answered with it: a role that two sources assume has two sessions, and one of the sources may have none.
import { isFailure, isObject, type Millis } from '../base/index.ts';
import type { KeptEntry } from './cache.ts';
import type { SessionRequest, Source } from './model.ts';
import type { ProfileChain } from './profile-chain.ts';
import { keptIdentity } from './session.ts';
import { sourceIdentity } from './sources/index.ts';
import { requestOfDefined, requestOfProfile, type DefinedTarget, type TargetContext } from './targets.ts';

/** True when both are the same as canonical JSON, in which a member that is undefined is none. */
function isSame(one: unknown, other: unknown): boolean {
  if (!isObject(one) || !isObject(other)) return one === other;
  for (const key in one) if (!isSame(one[key], other[key])) return false;
  for (const key in other) if (other[key] !== undefined && one[key] === undefined) return false;
  return true;
}

/** The source in the identity of a request. */
function sourceIn(identity: string): unknown {
  try {
    return (JSON.parse(identity) as { from?: unknown }).from;
  } catch {
    // Not of this Stint: it answers no request.
    return undefined;
  }
}

/**
 * Marks of the sessions that live at `now`. Asking for the request of each of 10,000 targets takes as long as all the rest of
 * their list, so it is done for those only whose role, or without one whose source, has a session at all.
 */
export class KeptMarks {
  readonly #context: TargetContext;
  /** Ends by identity of the request. */
  readonly #ends = new Map<string, Millis>();
  readonly #roles = new Set<string>();
  /** Sources of the sessions that have no role. */
  readonly #sources: unknown[] = [];

  constructor(kept: readonly KeptEntry[], context: TargetContext, now: Millis) {
    this.#context = context;
    for (const { request, roleArn, credentials } of kept) {
      if (credentials.expiration <= now) continue;
      this.#ends.set(request, credentials.expiration);
      if (roleArn === '') this.#sources.push(sourceIn(request));
      else this.#roles.add(roleArn);
    }
  }

  /** When the session of a profile ends; undefined when it has none. */
  ofProfile(name: string, chain: ProfileChain): Millis | undefined {
    if (this.#ends.size === 0 || !this.#may(chain.roles.at(-1)?.roleArn ?? '', chain.source)) return undefined;
    return this.#endOf(() => requestOfProfile(name, chain, this.#context));
  }

  /** When the session of another target ends; undefined when it has none. */
  ofDefined(target: DefinedTarget): Millis | undefined {
    const may = target.lent === undefined ? this.#roles.has(target.roleArn) : this.#sources.length > 0;
    return may ? this.#endOf(() => requestOfDefined(target, this.#context)) : undefined;
  }

  #may(roleArn: string, source: Source): boolean {
    if (roleArn !== '') return this.#roles.has(roleArn);
    if (this.#sources.length === 0) return false;
    const own = sourceIdentity(source);
    return this.#sources.some((each) => isSame(own, each));
  }

  #endOf(request: () => SessionRequest): Millis | undefined {
    try {
      const identity = keptIdentity(request());
      return identity === undefined ? undefined : this.#ends.get(identity);
    } catch (error) {
      // What is wrong with it is told when it is used; until then nothing answers for it.
      if (!isFailure(error)) throw error;
      return undefined;
    }
  }
}
