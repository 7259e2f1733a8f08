// Sessions kept in files between commands: folder 0700, files 0600, versioned, replaced by rename.
// On the path of every `credentials` call, so it is synchronous and loads nothing but node:fs.
import { canonicalJson, type Clock, type Millis } from '../base/index.ts';
import type { Sealing } from './keeping/index.ts';
import type { SessionRequest } from './model.ts';
import {
  factsOf,
  readSessionFile,
  sessionFileText,
  type KeptEntry,
  type KeptSession,
  type SessionFile,
} from './session-file.ts';
import { makeOwnFolder, replaceFile } from './own-files.ts';
import { ReadyStore } from './ready.ts';
import { sourceIdentity } from './sources/index.ts';

// Not imported: the facade of an imported node:fs evaluates every export of it, node:fs/promises too (3 ms).
const fs = process.getBuiltinModule('node:fs');

export type { KeptEntry, KeptSession } from './session-file.ts';

/** Files that no one has touched for so long hold sessions that ended: none lives longer than 36 hours. */
const sweepAfter: Millis = 48 * 3_600_000;
/** A clock that was set back makes old sessions look younger than they are; so much is tolerated. */
const clockTolerance: Millis = 60_000;
/** Bytes; a session has a few thousand. */
const longestFile = 1_000_000;

/** Everything that makes two sessions different, in one canonical text. Holds no secret: keys are named by their id. */
export function requestIdentity({ source, mfaSerial, roles, durationSeconds, sts }: SessionRequest): string {
  return canonicalJson({
    from: sourceIdentity(source),
    mfaSerial,
    roles,
    durationSeconds,
    url: sts.url,
    region: sts.signingRegion,
  });
}

/**
 * A file name for the identity: four FNV-1a hashes. It only has to spread: the file holds the whole identity and is
 * compared with it, so no collision can hand out another request's session. (node:crypto would cost 4 ms here.)
 */
function fileName(identity: string): string {
  const lanes = [0x811c9dc5, 0x01234567, 0x9e3779b9, 0xdeadbeef];
  for (let index = 0; index < identity.length; index++) {
    const code = identity.charCodeAt(index);
    for (let lane = 0; lane < lanes.length; lane++) lanes[lane] = Math.imul((lanes[lane]! ^ code) + lane, 0x01000193);
  }
  return lanes.map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/** How long before its end a session is replaced: a quarter of its life, 15 minutes at most, since SDKs ask again from then on. */
export function refreshMargin(lifetime: Millis): Millis {
  return Math.min(15 * 60_000, lifetime / 4);
}

/** Reads a file of our own; undefined when it is missing or, for a reader that raced a writer, gone. */
function readOwn(file: string): string | undefined {
  let handle: number;
  try {
    // Not waiting for whoever might write into a pipe of that name.
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
    handle = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    // SECURITY: keys from a file that someone else wrote, or may write, would be someone else's keys.
    const { uid, mode, size } = fs.fstatSync(handle);
    const own = process.getuid === undefined || uid === process.getuid();
    const sound = own && (mode & 0o077) === 0 && (mode & fs.constants.S_IFMT) === fs.constants.S_IFREG;
    return sound && size <= longestFile ? fs.readFileSync(handle, 'utf8') : undefined;
  } finally {
    fs.closeSync(handle);
  }
}

/** The kept sessions of one folder. */
export class SessionCache {
  readonly folder: string;
  /** What shells read of these sessions. */
  readonly ready: ReadyStore;
  readonly #clock: Clock;
  readonly #sealing: Sealing | undefined;
  /** File names of the identities asked for, which are long. */
  readonly #names = new Map<string, string>();

  /** With `sealing` no secret is written but sealed. */
  constructor(folder: string, clock: Clock, sealing?: Sealing) {
    this.folder = folder;
    this.ready = new ReadyStore(folder);
    this.#clock = clock;
    this.#sealing = sealing;
  }

  /** The keyring with whose key secrets are sealed here; no other file may hold them then. Undefined for plain files. */
  get keyring(): string | undefined {
    return this.#sealing?.name;
  }

  /** Path of the lock that guards fetching the session of that identity. */
  lockFile(identity: string): string {
    return this.#file(identity, 'lock');
  }

  #file(identity: string, extension: 'json' | 'lock'): string {
    const name = this.#names.get(identity) ?? fileName(identity);
    this.#names.set(identity, name);
    return `${this.folder}/${name}.${extension}`;
  }

  /**
   * A session of that identity which still lives long enough, else undefined. A damaged file counts as none.
   * @throws Failure `cache-version` for a file of a newer Stint.
   */
  read(identity: string): KeptSession | undefined {
    const file = this.#file(identity, 'json');
    const text = readOwn(file);
    const found = text === undefined ? undefined : readSessionFile(text, file);
    if (found === undefined || found.facts.request !== identity || !this.#isFresh(found.entry)) return undefined;
    const kept = found.open(this.#sealing);
    if (kept !== undefined && kept.sealedBy !== this.#sealing?.name) this.#seal(found, kept);
    return kept;
  }

  /** Seals what was kept plain before sealing was asked for. */
  #seal({ facts, entry: { file } }: SessionFile, { credentials }: KeptSession): void {
    const text = sessionFileText(facts, credentials, this.#sealing);
    this.ready.forgetAll();
    try {
      if (text === undefined) fs.unlinkSync(file);
      else replaceFile(file, text);
    } catch {
      // A folder that cannot be written: the session is good all the same, and ends in its time.
    }
  }

  #isFresh({ credentials: { expiration }, issuedAt }: KeptEntry): boolean {
    const now = this.#clock.now();
    return now >= issuedAt - clockTolerance && now < expiration - refreshMargin(expiration - issuedAt);
  }

  /**
   * Keeps a session, whole under its name or not at all.
   * @throws what the file system throws, and Failure `cache-unsafe`.
   */
  write(identity: string, request: SessionRequest, session: KeptSession['credentials']): void {
    this.prepare();
    const roleArn = request.roles.at(-1)?.roleArn ?? '';
    const facts = factsOf(identity, { target: request.target, roleArn }, session, this.#clock.now());
    const text = sessionFileText(facts, session, this.#sealing);
    const file = this.#file(identity, 'json');
    if (text === undefined) fs.rmSync(file, { force: true });
    else replaceFile(file, text);
    // A session is replaced because it ends, or because somebody wanted another one. An entry holds it plain.
    if (this.#sealing === undefined) this.ready.forget(new Set([baseName(file)]));
    else this.ready.forgetAll();
    this.#sweep();
  }

  /** Makes the folder, private. @throws what the file system throws, and Failure `cache-unsafe`. */
  prepare(): void {
    makeOwnFolder(this.folder);
    fs.accessSync(this.folder, fs.constants.W_OK);
  }

  #files(): string[] {
    try {
      return fs.readdirSync(this.folder).filter((name) => /^[0-9a-f]{32}\./.test(name));
    } catch {
      return [];
    }
  }

  #sweep(): void {
    for (const name of this.#files()) {
      const file = `${this.folder}/${name}`;
      try {
        if (fs.statSync(file).mtimeMs < Date.now() - sweepAfter) fs.unlinkSync(file);
      } catch {
        // Another process swept it first.
      }
    }
  }

  /** Every readable kept session without its secrets, also ended ones; no keyring is asked. Damaged and newer files are left out. */
  list(): readonly KeptEntry[] {
    const kept: KeptEntry[] = [];
    for (const name of this.#files()) {
      if (!name.endsWith('.json')) continue;
      const file = `${this.folder}/${name}`;
      try {
        const found = readSessionFile(readOwn(file) ?? '', file);
        if (found !== undefined) kept.push(found.entry);
      } catch {
        // Of a newer Stint, which lists it itself.
      }
    }
    return kept;
  }

  /** Removes the files of those sessions; returns how many there were. */
  remove(sessions: readonly KeptEntry[]): number {
    let count = 0;
    this.ready.forget(new Set(sessions.map(({ file }) => baseName(file))));
    for (const { file } of sessions) {
      try {
        fs.unlinkSync(file);
        count++;
      } catch {
        // Another process removed it first.
      }
    }
    return count;
  }

  /** Removes everything kept here, damaged files and locks included; returns how many sessions there were. */
  removeAll(): number {
    const files = this.#files();
    this.ready.clear();
    for (const name of files) {
      try {
        fs.unlinkSync(`${this.folder}/${name}`);
      } catch {
        // Another process removed it first.
      }
    }
    return files.filter((name) => name.endsWith('.json')).length;
  }
}
