// Uses a ready entry in Node, by the rules of the shells.
import { baseEnvironment, exportedBefore, readOrigin, sessionFolder } from './environment.ts';
import type { EnvironmentChange } from './exporters.ts';
import type { Environment } from './model.ts';
import type { ReadyEntry } from './ready-entry.ts';
import { ReadyStore } from './ready.ts';

/** The entry for the target alone, without options, when it holds in this environment and folder. */
export function readyFor(target: string, env: Environment, cwd: string, now: number): ReadyEntry | undefined {
  const base = baseEnvironment(env);
  const folder = sessionFolder(base);
  // Where a session has replaced the keys that the shell began with, the next one begins from that session.
  if (readOrigin(base) !== undefined || folder === undefined) return undefined;
  return new ReadyStore(folder).read(target, base, cwd, now);
}

/** The change that puts the session of an entry into an environment, an earlier session's variables taken out. */
export function readyChange({ unset, set }: ReadyEntry, env: Environment): EnvironmentChange {
  const kept = new Map(set);
  return { unset: [...unset, ...exportedBefore(env).filter((name) => !kept.has(name))], set: kept };
}
