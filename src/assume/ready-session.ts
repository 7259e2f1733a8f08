// From a session that is kept to the ready entry that shells read.
import { isoSeconds, type Clock, type Secret } from '../base/index.ts';
import { refreshMargin, type SessionCache } from './cache.ts';
import { readOrigin } from './environment.ts';
import { processJson, sessionChange } from './exporters.ts';
import type { SessionRequest } from './model.ts';
import type { TargetSource } from './targets.ts';
import { keptSession } from './session.ts';
import type { Watch } from './watch.ts';

const plain = (value: string | Secret): string => (typeof value === 'string' ? value : value.reveal());

/** `source`, watched: what it found was decided by the files it tells, or by nothing that can be told. */
export function watchedSource(source: TargetSource, watch: Watch): TargetSource {
  const watched = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    const found = await answer;
    const decided = source.decidedBy?.();
    if (decided === undefined) watch.lose();
    else if (decided.cwd !== undefined) watch.folder(decided.cwd);
    for (const file of decided?.files ?? []) watch.file(file);
    if (decided?.until !== undefined) watch.until(decided.until);
    return found;
  };
  return {
    ...source,
    list: () => watched(source.list()),
    find: (name) => watched(source.find(name)),
  };
}

/** Lets shells complete the names of targets, as they were looked up under `watch`. */
export function keepNames(names: readonly string[], watch: Watch, cache: SessionCache, clock: Clock): void {
  const now = clock.now();
  const sighting = watch.sighting(now);
  if (sighting === undefined || !cache.folder.startsWith('/')) return;
  try {
    cache.prepare();
  } catch {
    // Nothing can be kept.
    return;
  }
  cache.ready.writeNames(names, sighting, now);
}

/**
 * Lets shells use the kept session of `request`, which a target alone, without options, led to. `watch` saw how the
 * request was made, in the environment without an earlier session of Stint.
 */
export function keepReady(request: SessionRequest, watch: Watch, cache: SessionCache, clock: Clock): void {
  // Where a session has replaced the keys that the shell began with, the next one begins from that session.
  if (readOrigin(watch.env) !== undefined || !cache.folder.startsWith('/')) return;
  // Homes are shared, and a shell has no way to see on which machine it is, or for whom the token there is.
  if (['instance', 'container', 'web-identity'].includes(request.source.kind)) return;
  // SECURITY: what is sealed at rest is not written beside in clear, and what was before goes.
  if (cache.keyring !== undefined) return cache.ready.forgetAll();
  const now = clock.now();
  const kept = keptSession(request, cache);
  if (kept === undefined) return;
  const { credentials, issuedAt, file } = kept;
  // What the variables were before is part of the change, so they decide as well.
  const change = sessionChange(watch.env, request, credentials);
  const sighting = watch.sighting(now);
  if (sighting === undefined) return;
  const name = file.slice(file.lastIndexOf('/') + 1);
  const fresh = credentials.expiration - refreshMargin(credentials.expiration - issuedAt);
  // What led to the session may end before it: a role of the definition does.
  const until = Math.min(fresh, sighting.until ?? fresh);
  cache.ready.write(
    {
      target: request.target,
      until: Math.floor(until / 1000),
      stamp: sighting.stamp,
      kept: name,
      decisive: sighting.decisive,
      // SECURITY: secrets as in the kept session, in a file as private as that one.
      json: processJson(request, credentials),
      note: `${request.target}: until ${isoSeconds(credentials.expiration)}`,
      unset: change.unset,
      set: [...change.set].map(([name, value]) => [name, plain(value)] as const),
    },
    now,
  );
  // Replaced meanwhile by another process, which had no entry to remove yet.
  const latest = keptSession(request, cache)?.credentials.accessKeyId;
  if (latest !== credentials.accessKeyId) cache.ready.forget(new Set([name]));
}
