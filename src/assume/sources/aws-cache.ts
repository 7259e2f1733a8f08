// Files of sign-ins in ~/.aws, which the AWS CLI, every SDK and Stint read and write alike: one JSON object a file.
// Ours are 0600 in a 0700 folder, replaced by rename, and what other tools put beside our fields stays.
import type { Failure, Millis } from '../../base/index.ts';
import { failure } from '../failures.ts';
import { replaceFile } from '../own-files.ts';
import type { Environment } from '../model.ts';

const fs = process.getBuiltinModule('node:fs');

export type JsonObject = Readonly<Record<string, unknown>>;

/** `~/.aws/NAME`. @throws Failure `sso-unwritable` without a home. */
export function awsFolder(env: Environment, name: string): string {
  if (env['HOME']) return `${env['HOME']}/.aws/${name}`;
  throw failure('sso-unwritable', `there is no home, so the sign-ins in \`~/.aws/${name}\` cannot be found`, {
    hint: 'set HOME',
  });
}

/** The object in a file; undefined when there is none, when it is damaged, or when it is not the person's own. */
export function readObject(file: string): JsonObject | undefined {
  try {
    const handle = fs.openSync(file, 'r');
    try {
      // SECURITY: a token that someone else wrote would sign the person in as someone else. Root reads everybody's: a
      // container often has the home of its host's user mounted.
      const owner = process.getuid?.();
      if (owner !== undefined && owner !== 0 && fs.fstatSync(handle).uid !== owner) return undefined;
      const value: unknown = JSON.parse(fs.readFileSync(handle, 'utf8'));
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
    } finally {
      fs.closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

/** Writes the object, all of it or nothing. @throws Failure `sso-unwritable`. */
export function writeObject(file: string, value: JsonObject): void {
  try {
    fs.mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true, mode: 0o700 });
    // AWS has taken back what was there before.
    replaceFile(file, JSON.stringify(value), { durable: true });
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/** Removes the file; true when there was one. @throws Failure `sso-unwritable`. */
export function removeObject(file: string): boolean {
  try {
    fs.unlinkSync(file);
    return true;
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw unwritable(file, cause);
  }
}

/** The failure for a file, or its lock, that cannot be written. */
export function unwritable(file: string, cause: unknown): Failure {
  const why = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return failure('sso-unwritable', `\`${file}\` cannot be written (${why}), so a sign-in could not be kept`, {
    hint: 'make its folder writable for you, or sign in where it is',
    cause,
  });
}

/** Makes the folder of a file, private if it was not there. @throws Failure `sso-unwritable`. */
export function prepareFolder(file: string): void {
  try {
    const folder = file.slice(0, file.lastIndexOf('/'));
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    fs.accessSync(folder, fs.constants.W_OK);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/** Lower-case hexadecimal digest of a text. */
export function digest(algorithm: 'sha1' | 'sha256', text: string): string {
  return process.getBuiltinModule('node:crypto').createHash(algorithm).update(text).digest('hex');
}

/** A time as tools of AWS have written it: ISO 8601, older ones with `UTC` for `Z`. NaN when it is none. */
export function timeOf(value: unknown): Millis {
  return typeof value === 'string' ? Date.parse(value.replace(/UTC$/, 'Z')) : NaN;
}

/** A field's text; undefined when it is absent, empty or something else. */
export function textOf(object: JsonObject, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
