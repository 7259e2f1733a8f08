// The targets that a person put into a shell lately, last one first in what `read` gives. Kept in the folder of ready
// entries, since the shell adds a line without starting Node; the file is made here, private, and only ever appended to there.
import type { Environment } from './model.ts';
import { replaceFile } from './own-files.ts';

const fs = process.getBuiltinModule('node:fs');

/** More lines than this are made fewer. */
const longest = 400;
const shortest = 100;

/** True when nobody asked for no memory of what was used: the target that is nearest to the hand may be the wrong one. */
function remembers(env: Environment): boolean {
  return !env['STINT_NO_RECENT'];
}

function lines(file: string): readonly string[] {
  try {
    return fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

/** Names in the order of their last use, the latest first. `sessions` is the folder of kept sessions. */
export function recentTargets(sessions: string, env: Environment): readonly string[] {
  return remembers(env) ? [...new Set(lines(`${sessions}/ready/recent`).toReversed())] : [];
}

/** Notes that the target was put into a shell. What cannot be written is left. */
export function noteRecent(target: string, sessions: string, env: Environment): void {
  if (!remembers(env) || /[\n\r\0]/.test(target)) return;
  const file = `${sessions}/ready/recent`;
  try {
    fs.mkdirSync(`${sessions}/ready`, { recursive: true, mode: 0o700 });
    fs.appendFileSync(file, `${target}\n`, { mode: 0o600 });
    const kept = lines(file);
    if (kept.length <= longest) return;
    replaceFile(file, `${kept.slice(-shortest).join('\n')}\n`);
  } catch {
    // A folder that is full, read-only, or somebody else's.
  }
}
