// Ready entries on disk: the folder `ready` in that of the kept sessions, for shells to read without starting Node.
// `t.NAME` is an entry. `at.SECONDS` is an empty file of that modification time, since `[ FILE -ot at.SECONDS ]` is
// how a shell compares times without starting a program; `names` lists all targets; what Node alone reads stands in kept-list.ts; `now` is what a shell writes to, to compare the present.
import type { Millis } from '../base/index.ts';
import {
  entryName,
  readEntry,
  sameVariables,
  writeEntry,
  writeNames,
  type Decisive,
  type ReadyEntry,
} from './ready-entry.ts';
import type { Environment } from './model.ts';
import { replaceFile } from './own-files.ts';
import type { Sighting } from './watch.ts';

// Not imported: see cache.ts.
const fs = process.getBuiltinModule('node:fs');

/** How often what has ended is looked for: it means reading every entry. */
const sweepEvery: Millis = 3_600_000;
/** Longest name that every file system takes, less what a draft adds. */
const longestName = 200;

/** True for what is this person's alone. Throws what the system throws, also for what is not there. */
export function isOurs(file: string): boolean {
  const { uid, mode } = fs.lstatSync(file);
  // SECURITY: another user's entry would hand out another user's session; one that others read is no secret any more.
  return (process.getuid === undefined || uid === process.getuid()) && (mode & 0o077) === 0;
}

/** True when the file holds: it is there, and was last changed before `stamp`. */
function isOlder(file: string, stamp: number): boolean {
  return fs.statSync(file).mtimeMs < stamp * 1000;
}

/**
 * True when everything that decided is in this environment and this folder (`cwd`, without links) as it was then. Throws what
 * the system throws where something is gone.
 */
export function stillHolds(
  { decisive, stamp }: { readonly decisive: Decisive; readonly stamp: number },
  env: Environment,
  cwd: string,
): boolean {
  return (
    sameVariables(decisive, env) &&
    (decisive.cwd === undefined || fs.realpathSync.native(decisive.cwd) === cwd) &&
    decisive.files.every((path) => isOlder(path, stamp)) &&
    decisive.absent.every((path) => !fs.existsSync(path)) &&
    decisive.links.every(([path, real]) => fs.realpathSync.native(path) === real)
  );
}

export class ReadyStore {
  readonly #sessions: string;
  readonly #folder: string;

  /** `sessions` is the folder of the kept sessions. */
  constructor(sessions: string) {
    this.#sessions = sessions;
    this.#folder = `${sessions}/ready`;
  }

  /**
   * The entry of the target, when it holds here and now: written by this person, for these variables and this folder (`cwd`, without links),
   * its session kept and not to be replaced yet, no deciding file changed.
   */
  read(target: string, env: Environment, cwd: string, now: Millis): ReadyEntry | undefined {
    try {
      const file = `${this.#folder}/${entryName(target)}`;
      if (![this.#sessions, this.#folder, file].every(isOurs)) return undefined;
      const entry = readEntry(fs.readFileSync(file, 'utf8'));
      if (entry === undefined || entry.target !== target || now >= entry.until * 1000) return undefined;
      // In whole milliseconds, as the clock tells them.
      const kept = Math.floor(fs.statSync(`${this.#sessions}/${entry.kept}`).mtimeMs);
      return kept <= now && stillHolds(entry, env, cwd) ? entry : undefined;
    } catch {
      // Something that must be there is not.
      return undefined;
    }
  }

  /** Writes the entry, by rename. What cannot be written is left: without an entry everything works, only slower. */
  write(entry: ReadyEntry, now: Millis): void {
    this.#keep(entryName(entry.target), writeEntry(entry), [entry.until, entry.stamp], now);
  }

  /** Writes the names of all targets that there are, in `cwd` when that decides. */
  writeNames(names: readonly string[], sighting: Sighting, now: Millis): void {
    const { decisive, stamp } = sighting;
    const file = `names${decisive.cwd === undefined ? '' : `.${decisive.cwd}`}`;
    const until = sighting.until === undefined ? undefined : Math.floor(sighting.until / 1000);
    const text = writeNames(file, names, { decisive, stamp, until });
    this.#keep(file.replaceAll('/', '%'), text, until === undefined ? [stamp] : [until, stamp], now);
  }

  #keep(name: string, text: string | undefined, times: readonly number[], now: Millis): void {
    if (text === undefined || Buffer.byteLength(name) > longestName) return;
    try {
      if (this.#text(name) === text) return;
      fs.mkdirSync(this.#folder, { mode: 0o700, recursive: true });
      fs.chmodSync(this.#folder, 0o700);
      for (const time of times) this.#time(time);
      replaceFile(`${this.#folder}/${name}`, text);
      this.#sweep(now);
    } catch {
      // A folder that is full, read-only, or somebody else's.
    }
  }

  #text(name: string): string | undefined {
    try {
      return fs.readFileSync(`${this.#folder}/${name}`, 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Makes the file whose modification time is that second. */
  #time(seconds: number): void {
    const file = `${this.#folder}/at.${seconds}`;
    if (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs !== seconds * 1000)
      replaceFile(file, '', { changed: seconds * 1000 });
  }

  #names(): readonly string[] {
    try {
      return fs.readdirSync(this.#folder);
    } catch {
      return [];
    }
  }

  #remove(names: Iterable<string>): void {
    for (const name of names) fs.rmSync(`${this.#folder}/${name}`, { force: true });
  }

  /** Removes what has ended, and the times that no entry names. */
  #sweep(now: Millis): void {
    const marker = `${this.#folder}/swept`;
    const swept = fs.statSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Math.abs(now - swept) < sweepEvery) return;
    replaceFile(marker, '');
    const named = new Set<string>();
    const names = this.#names();
    for (const name of names.filter((each) => each.startsWith('names'))) {
      const [head = ''] = (this.#text(name) ?? '').split('\nready\n');
      for (const [, time] of head.matchAll(/^(?:until|stamp)=(\d+)$/gm)) named.add(`at.${time}`);
    }
    for (const name of names.filter((each) => each.startsWith('t.'))) {
      const entry = readEntry(this.#text(name) ?? '');
      if (entry === undefined || entry.until * 1000 < now) this.#remove([name]);
      else named.add(`at.${entry.until}`).add(`at.${entry.stamp}`);
    }
    this.#remove(names.filter((name) => name.startsWith('at.') && !named.has(name)));
  }

  /** Removes the entries of those kept sessions, named by the base names of their files. */
  forget(kept: ReadonlySet<string>): void {
    for (const name of this.#names()) {
      if (!name.startsWith('t.')) continue;
      const session = /^kept=(.*)$/m.exec(this.#text(name) ?? '')?.[1];
      if (session === undefined || kept.has(session)) this.#remove([name]);
    }
  }

  /** Removes the entries of all sessions, and leaves the names of targets. */
  forgetAll(): void {
    this.#remove(this.#names().filter((name) => name.startsWith('t.')));
  }

  /** Removes every entry. */
  clear(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
