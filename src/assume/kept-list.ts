// Lists that took long to make, kept beside the ready entries for Node alone: a JSON value, what decided it, and how the
// files that decided looked then. Holds no secret.
import type { Millis } from '../base/index.ts';
import type { Environment } from './model.ts';
import { makeOwnFolder, replaceFile } from './own-files.ts';
import { isOurs, stillHolds } from './ready.ts';
import type { Sighting } from './watch.ts';

// Not imported: see cache.ts.
const fs = process.getBuiltinModule('node:fs');

const heading = 'stint-list 1\n';
const ending = '\nend\n';
/** Longest name that every file system takes, less what a draft adds. */
const longestName = 200;

/** How a file looks: two numbers of its content, two of its place. The second time also tells of a change that was dated back. */
type Look = readonly [changed: Millis, touched: Millis, size: number, inode: number];

interface Decided extends Sighting {
  /** Of `decisive.files`, in their order. */
  readonly looks: readonly Look[];
}

function lookAt(path: string): Look {
  const { mtimeMs, ctimeMs, size, ino } = fs.statSync(path);
  return [mtimeMs, ctimeMs, size, ino];
}

function isSameLook(path: string, look: Look): boolean {
  return lookAt(path).every((value, index) => value === look[index]);
}

export class KeptList {
  readonly #sessions: string;
  readonly #folder: string;
  readonly #file: string;

  /** `sessions` is the folder of the kept sessions, `cwd` the one that the list is made in, where that decides. */
  constructor(sessions: string, name: string, cwd: string | undefined) {
    this.#sessions = sessions;
    this.#folder = `${sessions}/ready`;
    this.#file = `${this.#folder}/${(cwd === undefined ? name : `${name}.${cwd}`).replaceAll('/', '%')}`;
  }

  /** The list, as long as it holds in that environment and folder (`cwd`, without links); undefined for anything else. */
  read(env: Environment, cwd: string, now: Millis): unknown {
    try {
      if (![this.#sessions, this.#folder, this.#file].every(isOurs)) return undefined;
      const text = fs.readFileSync(this.#file, 'utf8');
      if (!text.startsWith(heading) || !text.endsWith(ending)) return undefined;
      const cut = text.indexOf('\n', heading.length);
      const decided = JSON.parse(text.slice(heading.length, cut)) as Decided;
      const { decisive, looks, until } = decided;
      const holds =
        (until === undefined || now < until) &&
        stillHolds(decided, env, cwd) &&
        decisive.files.every((path, index) => isSameLook(path, looks[index]!));
      return holds ? JSON.parse(text.slice(cut + 1, -ending.length)) : undefined;
    } catch {
      // Something that must be there is not, or this is no list of ours.
      return undefined;
    }
  }

  /** Removes the list, if there is one. */
  remove(): void {
    fs.rmSync(this.#file, { force: true });
  }

  /**
   * Keeps the list, whole and private, or not at all. `began` is when making it did: what was changed after that may not be
   * in it.
   */
  write(list: unknown, sighting: Sighting, began: Millis): void {
    const name = this.#file.slice(this.#folder.length + 1);
    if (!this.#sessions.startsWith('/') || Buffer.byteLength(name) > longestName) return;
    try {
      const looks = sighting.decisive.files.map(lookAt);
      if (looks.some(([changed, touched]) => changed >= began || touched >= began)) return;
      makeOwnFolder(this.#sessions);
      makeOwnFolder(this.#folder);
      const decided: Decided = { ...sighting, looks };
      replaceFile(this.#file, `${heading}${JSON.stringify(decided)}\n${JSON.stringify(list)}${ending}`);
    } catch {
      // A folder that is full, read-only, or somebody else's: the list is made anew every time.
    }
  }
}
