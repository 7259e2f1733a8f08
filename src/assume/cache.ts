// Sessions kept in files between commands: folder 0700, files 0600, versioned, replaced by rename.
// On the path of every `credentials` call, so it is synchronous and loads nothing but node:fs.
import { canonicalJson, isoSeconds, Secret, type Clock, type Millis } from '../base/index.ts';
import { failure } from './failures.ts';
import type { Credentials, SessionRequest } from './model.ts';
import { sourceIdentity } from './sources/index.ts';

// Not imported: the facade of an imported node:fs evaluates every export of it, node:fs/promises too (3 ms).
const fs = process.getBuiltinModule('node:fs');

const version = 1;
/** Files that no one has touched for so long hold sessions that ended: none lives longer than 36 hours. */
const sweepAfter: Millis = 48 * 3_600_000;
/** A clock that was set back makes old sessions look younger than they are; so much is tolerated. */
const clockTolerance: Millis = 60_000;

export interface KeptSession {
  readonly credentials: Credentials & { readonly expiration: Millis };
  readonly issuedAt: Millis;
  /** What the person typed when it was fetched first. */
  readonly target: string;
  /** Empty for a session without a role. */
  readonly roleArn: string;
  readonly file: string;
  /** Identity of the request it answers. */
  readonly request: string;
}

interface FileForm {
  readonly version: number;
  readonly request: string;
  readonly target: string;
  readonly roleArn: string;
  readonly issuedAt: string;
  readonly expiration: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Empty for the keys of a lent user, which have none. */
  readonly sessionToken: string;
  readonly lease?: { readonly id: string; readonly server: string };
}

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

/** How long before its end a session is replaced: a quarter of its life, 15 minutes at most, since SDKs ask again from then on. */
export function refreshMargin(lifetime: Millis): Millis {
  return Math.min(15 * 60_000, lifetime / 4);
}

function isFileForm(value: unknown): value is FileForm {
  const texts = [
    'request',
    'target',
    'roleArn',
    'issuedAt',
    'expiration',
    'accessKeyId',
    'secretAccessKey',
    'sessionToken',
  ];
  return (
    typeof value === 'object' &&
    value !== null &&
    texts.every((name) => typeof (value as Record<string, unknown>)[name] === 'string')
  );
}

function isLease(value: unknown): value is { readonly id: string; readonly server: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { id, server } = value as { id?: unknown; server?: unknown };
  return typeof id === 'string' && typeof server === 'string';
}

/** Reads a file of our own; undefined when it is missing or, for a reader that raced a writer, gone. */
function readOwn(file: string): string | undefined {
  let handle: number;
  try {
    handle = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    // SECURITY: keys from a file that someone else wrote would be someone else's keys.
    const owner = process.getuid?.();
    return owner === undefined || fs.fstatSync(handle).uid === owner ? fs.readFileSync(handle, 'utf8') : undefined;
  } finally {
    fs.closeSync(handle);
  }
}

function parseFile(text: string, file: string): KeptSession | undefined {
  let form: unknown;
  try {
    form = JSON.parse(text);
  } catch {
    return undefined;
  }
  const found = (form as { version?: unknown } | null)?.version;
  if (typeof found === 'number' && found > version) {
    throw failure('cache-version', `\`${file}\` was written by a newer Stint (version ${found})`, {
      hint: 'use the newer Stint, or remove the file',
    });
  }
  if (!isFileForm(form) || found !== version) return undefined;
  const [expiration, issuedAt] = [Date.parse(form.expiration), Date.parse(form.issuedAt)];
  if (Number.isNaN(expiration) || Number.isNaN(issuedAt)) return undefined;
  const { accessKeyId, secretAccessKey, sessionToken } = form;
  return {
    credentials: {
      accessKeyId,
      secretAccessKey: new Secret(secretAccessKey),
      ...(sessionToken === '' ? {} : { sessionToken: new Secret(sessionToken) }),
      expiration,
      ...(isLease(form.lease) ? { lease: form.lease } : {}),
    },
    issuedAt,
    target: form.target,
    roleArn: form.roleArn,
    request: form.request,
    file,
  };
}

/** The kept sessions of one folder. */
export class SessionCache {
  readonly folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
  }

  /** Path of the lock that guards fetching the session of that identity. */
  lockFile(identity: string): string {
    return `${this.folder}/${fileName(identity)}.lock`;
  }

  /**
   * A session of that identity which still lives long enough, else undefined. A damaged file counts as none.
   * @throws Failure `cache-version` for a file of a newer Stint.
   */
  read(identity: string): KeptSession | undefined {
    const file = `${this.folder}/${fileName(identity)}.json`;
    const text = readOwn(file);
    const kept = text === undefined ? undefined : parseFile(text, file);
    return kept !== undefined && kept.request === identity && this.#isFresh(kept) ? kept : undefined;
  }

  #isFresh({ credentials: { expiration }, issuedAt }: KeptSession): boolean {
    const now = this.#clock.now();
    return now >= issuedAt - clockTolerance && now < expiration - refreshMargin(expiration - issuedAt);
  }

  /**
   * Keeps a session, durable under its name or not at all.
   * @throws what the file system throws, and Failure `cache-unsafe`.
   */
  write(identity: string, request: SessionRequest, session: Credentials & { readonly expiration: Millis }): void {
    this.prepare();
    const form: FileForm = {
      version,
      request: identity,
      target: request.target,
      roleArn: request.roles.at(-1)?.roleArn ?? '',
      issuedAt: new Date(this.#clock.now()).toISOString(),
      expiration: isoSeconds(session.expiration),
      accessKeyId: session.accessKeyId,
      // SECURITY: the one place where secrets of a session are written: a 0600 file in a 0700 folder.
      secretAccessKey: session.secretAccessKey.reveal(),
      sessionToken: session.sessionToken?.reveal() ?? '',
      ...(session.lease === undefined ? {} : { lease: session.lease }),
    };
    const file = `${this.folder}/${fileName(identity)}.json`;
    const draft = `${file}.${process.pid}.tmp`;
    fs.writeFileSync(draft, `${JSON.stringify(form)}\n`, { mode: 0o600 });
    fs.renameSync(draft, file);
    this.#sweep();
  }

  /** Makes the folder, private. @throws what the file system throws, and Failure `cache-unsafe`. */
  prepare(): void {
    fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = fs.statSync(this.folder);
    const owner = process.getuid?.();
    if (owner !== undefined && uid !== owner) {
      throw failure('cache-unsafe', `\`${this.folder}\` belongs to another user`, {
        hint: 'set STINT_HOME to a folder of your own',
      });
    }
    if ((mode & 0o077) !== 0) fs.chmodSync(this.folder, 0o700);
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

  /** Every readable kept session, also ended ones. Damaged and newer files are left out. */
  list(): readonly KeptSession[] {
    const kept: KeptSession[] = [];
    for (const name of this.#files()) {
      if (!name.endsWith('.json')) continue;
      const file = `${this.folder}/${name}`;
      try {
        const session = parseFile(readOwn(file) ?? '', file);
        if (session !== undefined) kept.push(session);
      } catch {
        // Of a newer Stint, which lists it itself.
      }
    }
    return kept;
  }

  /** Removes the files of those sessions; returns how many there were. */
  remove(sessions: readonly KeptSession[]): number {
    let count = 0;
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
