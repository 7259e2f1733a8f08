// Changes `~/.aws/credentials` on disk: one writer at a time, a backup, and a rename, so that whoever reads it, and
// whoever is killed in between, finds the old file or the new one.
import type { Millis } from '../base/index.ts';
import {
  checkCredentialsText,
  checkSectionName,
  longestFile,
  withoutExpired,
  withSection,
  type SectionContent,
} from './credentials-file-text.ts';
import { failure } from './failures.ts';
import { replaceFile } from './own-files.ts';
import { settingOf, type ProfileSet } from './profiles.ts';

export interface CredentialsFileTools {
  /** As AWS_SHARED_CREDENTIALS_FILE says. */
  readonly file: string;
  /** Takes the lock that other writers of Stint take; returns the way to give it back. */
  readonly lock: () => Promise<() => void>;
  readonly note: (line: string) => void;
}

/** What is read: the file that links lead to, its bytes as `latin1`, and what tells that it changed. */
interface Read {
  readonly path: string;
  readonly bytes: string;
  readonly mode: number | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly stamp: string;
}

const fs = (): typeof import('node:fs') => process.getBuiltinModule('node:fs');

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

function unwritable(file: string, cause: unknown): Error {
  return failure('credentials-file-unwritable', `\`${file}\` cannot be written (${codeOf(cause)})`, {
    hint: 'the file is as it was; check its folder, its permissions and the room on the disk',
    cause,
  });
}

/** Where links lead, also to a file that is yet to be made. */
function resolveLinks(file: string): string {
  let path = file;
  for (let depth = 0; depth < 40; depth++) {
    const target = linkTarget(path);
    if (target === undefined) return path;
    path = process.getBuiltinModule('node:path').resolve(path, '..', target);
  }
  throw failure('credentials-file-unwritable', `\`${file}\` is a link that leads to itself`, {
    hint: 'remove the link',
  });
}

function linkTarget(path: string): string | undefined {
  try {
    return fs().readlinkSync(path);
  } catch {
    return undefined;
  }
}

function refuseUnsafe(file: string, stats: import('node:fs').Stats): void {
  const user = process.getuid?.();
  const foreign = user !== undefined && user !== 0 && stats.uid !== user;
  const why = !stats.isFile()
    ? 'this is no ordinary file'
    : stats.size > longestFile
      ? `${stats.size} bytes are more than credentials have`
      : foreign
        ? 'the file belongs to another user'
        : (stats.mode & 0o200) === 0
          ? 'the file is read-only'
          : undefined;
  if (why === undefined) return;
  throw failure('credentials-file-unsafe', `${file}:1: ${why}`, {
    hint: 'check AWS_SHARED_CREDENTIALS_FILE, and the file that it names',
  });
}

function readCredentials(file: string): Read {
  const path = resolveLinks(file);
  const stats = fs().statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { path, bytes: '', mode: undefined, owner: undefined, stamp: 'none' };
  refuseUnsafe(file, stats);
  const { size, mtimeMs, ino, mode, uid, gid } = stats;
  const bytes = fs().readFileSync(path, 'latin1');
  return { path, bytes, mode: mode & 0o777, owner: { uid, gid }, stamp: `${size} ${mtimeMs} ${ino}` };
}

/** Durable; with `sudo` the file goes on belonging to the person. */
function replace(path: string, bytes: string, mode: number, owner: Read['owner']): void {
  replaceFile(path, Buffer.from(bytes, 'latin1'), { mode, owner, durable: true });
}

/** Writes the file, and before it the backup of what is there, whose path it returns. */
function store(read: Read, bytes: string, { file, note }: CredentialsFileTools): string | undefined {
  const { path, mode, owner } = read;
  const own = (mode ?? 0o600) & 0o700;
  if (mode !== undefined && mode !== own) {
    note(`\`${path}\` was open to others (mode ${mode.toString(8)}): it holds secrets, so it is yours alone now`);
  }
  try {
    fs().mkdirSync(process.getBuiltinModule('node:path').dirname(path), { recursive: true, mode: 0o700 });
    const backup = mode === undefined ? undefined : `${path}.stint-backup`;
    if (backup !== undefined) replace(backup, read.bytes, 0o600, owner);
    replace(path, bytes, own | 0o600, owner);
    return backup;
  } catch (error) {
    throw unwritable(file, error);
  }
}

const tries = 5;

/**
 * Changes the file as `change` says; nothing is written when nothing changes. Another tool that writes meanwhile, which
 * no lock of ours stops, makes it begin anew. Returns where the file as it was before lies.
 */
async function changeFile(tools: CredentialsFileTools, change: (bytes: string) => string): Promise<string | undefined> {
  const release = await tools.lock();
  try {
    for (let attempt = 1; ; attempt++) {
      const read = readFile(tools.file);
      checkCredentialsText(read.bytes, tools.file);
      const bytes = change(read.bytes);
      if (bytes === read.bytes) return undefined;
      if (readFile(tools.file).stamp === read.stamp || attempt === tries) return store(read, bytes, tools);
    }
  } finally {
    release();
  }
}

function readFile(file: string): Read {
  try {
    return readCredentials(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw failure('config-unreadable', `\`${file}\` cannot be read (${code})`, {
      hint: 'check its permissions, and AWS_SHARED_CREDENTIALS_FILE',
      cause: error,
    });
  }
}

/** Settings that SDKs follow before, or instead of, keys in the credentials file. */
const competing = [
  'role_arn',
  'source_profile',
  'credential_source',
  'credential_process',
  'web_identity_token_file',
  'sso_session',
  'sso_start_url',
  'sso_account_id',
  'login_session',
];

/**
 * @throws Failure `section-foreign` when the config file gives the profile of that name another way to credentials,
 * which some SDKs would take and others not.
 */
export function checkProfileFree(name: string, { profiles, files }: ProfileSet): void {
  const profile = profiles.get(name);
  const key = competing.find((each) => settingOf(profile, each) !== undefined);
  if (key === undefined) return;
  const place = profile?.settings.get(key)?.place ?? files.config;
  throw failure('section-foreign', `${place}: the profile \`${name}\` has \`${key}\`, which SDKs follow instead`, {
    hint: 'choose a name that no profile has',
  });
}

/**
 * Writes the session as a section of its own; returns the path of the backup, undefined when there was no file.
 * @throws Failure `section-foreign`, `credentials-file-unsafe`, `credentials-file-unwritable`, `config-syntax`,
 * `config-unreadable`, `invalid-option`; the file is as it was then.
 */
export async function writeSection(content: SectionContent, tools: CredentialsFileTools): Promise<string | undefined> {
  checkSectionName(content.name);
  return changeFile(tools, (bytes) => withSection(bytes, content, tools.file));
}

/** Removes the sections of Stint that have ended, and returns their names. @throws as `writeSection`. */
export async function cleanSections(now: Millis, tools: CredentialsFileTools): Promise<readonly string[]> {
  let removed: readonly string[] = [];
  await changeFile(tools, (bytes) => {
    const cleaned = withoutExpired(bytes, now);
    removed = cleaned.removed;
    return cleaned.text;
  });
  return removed;
}
