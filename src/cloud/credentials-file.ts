// The credentials file: the only way into an embedded AWS. Other programs read it, so its shape is fixed.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { cloudFailure } from './failures.ts';

const credentialsVersion = 1;

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The keys of one account: its user `admin`, and its root user. */
export interface AccountCredentials extends KeyPair {
  readonly name: string;
  readonly stage: string;
  /** Of the user `admin`. */
  readonly arn: string;
  readonly root: KeyPair;
}

/** The file's content. SECURITY: secrets in clear, as programs need them; keep it out of logs. */
export interface CloudCredentials {
  readonly version: 1;
  readonly endpoint: string;
  readonly region: string;
  readonly controlToken: string;
  readonly managementAccount: string;
  readonly accounts: Readonly<Record<string, AccountCredentials>>;
}

/** Where the file lies unless a flag says otherwise: in the state directory, else under `STINT_HOME` or the XDG state folder. */
export function defaultCredentialsFile(
  env: Readonly<Record<string, string | undefined>>,
  stateDirectory?: string,
): string {
  if (stateDirectory !== undefined) return join(resolve(stateDirectory), 'credentials.json');
  const state = env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state');
  return join(resolve(env['STINT_HOME'] || join(state, 'stint')), 'cloud', 'credentials.json');
}

/**
 * Writes the file for its owner only, by rename: a reader sees the old file or the new one, whole.
 * @throws Failure `credentials-unwritable`.
 */
export function writeCredentialsFile(file: string, credentials: CloudCredentials): void {
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(fresh, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(fresh, file);
  } catch (error) {
    if (existsSync(fresh)) rmSync(fresh);
    throw cloudFailure(
      'credentials-unwritable',
      `the credentials file \`${file}\` cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      {
        hint: 'name a file in a folder where you may write with `--credentials-file`',
        cause: error,
      },
    );
  }
}

/**
 * Reads the file of a running (or ended) embedded AWS.
 * @throws Failure `credentials-missing`, `credentials-unreadable` or `credentials-newer`.
 */
export function readCredentialsFile(file: string): CloudCredentials {
  const text = readText(file);
  let value: Partial<CloudCredentials> | null;
  try {
    value = JSON.parse(text) as Partial<CloudCredentials> | null;
  } catch (error) {
    throw unreadable(file, error);
  }
  if (typeof value !== 'object' || value === null || typeof value.version !== 'number') throw unreadable(file);
  if (value.version > credentialsVersion) {
    throw cloudFailure('credentials-newer', `\`${file}\` has version ${String(value.version)}`, {
      hint: `this stint reads version ${credentialsVersion}; use the one that wrote it`,
    });
  }
  const texts = [value.endpoint, value.region, value.controlToken, value.managementAccount];
  const isComplete = texts.every((text) => typeof text === 'string') && typeof value.accounts === 'object';
  if (!isComplete || value.accounts === null) throw unreadable(file);
  return value as CloudCredentials;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(file, error);
    throw cloudFailure('credentials-missing', `there is no credentials file \`${file}\``, {
      hint: 'start the embedded AWS with `stint cloud start`, or name its file with `--credentials-file`',
    });
  }
}

function unreadable(file: string, cause?: unknown): Error {
  return cloudFailure('credentials-unreadable', `\`${file}\` is not a credentials file of \`stint cloud start\``, {
    hint: 'name the right one with `--credentials-file`, or start the embedded AWS again',
    cause,
  });
}
