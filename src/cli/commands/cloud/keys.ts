// `stint cloud env` and `stint cloud profiles`: the keys of the embedded AWS, where other tools look for them.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Secret } from '../../../base/index.ts';
import type { Shell } from '../../../assume/index.ts';
import { callerEnvironment, type AccountCredentials, type CloudCredentials } from '../../../cloud/index.ts';
import type { Io } from '../../command.ts';
import { printData, say } from '../../output.ts';
import { credentialsOf, type Values } from './control-client.ts';
import { cloudVerbFailure } from './failures.ts';

/** Variables that would send a client elsewhere, or give it other keys, than those printed. */
const competing = ['AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN', 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE'];

export async function env(io: Io, account: string, values: Values): Promise<void> {
  const variables = callerEnvironment(credentialsOf(io, values), account, { root: values['root'] === true });
  const { shellLines } = await import('../../../assume/index.ts');
  const lines = shellLines(values['shell'] as Shell, {
    unset: competing,
    set: new Map<string, string | Secret>([
      ...Object.entries(variables),
      ['AWS_SECRET_ACCESS_KEY', new Secret(variables['AWS_SECRET_ACCESS_KEY']!)],
    ]),
  });
  for (const line of lines) printData(io, line);
}

/** Writes `[profile stint-NAME]` for every account; sections of other names stay as they are, byte for byte. */
export function profiles(io: Io, values: Values): void {
  const credentials = credentialsOf(io, values);
  const sections = Object.values(credentials.accounts).map((account) => profileSection(credentials, account));
  const { configFile } = values;
  if (typeof configFile !== 'string') return printData(io, sections.join('\n'));
  const file = resolve(io.cwd, configFile);
  writeConfig(file, withSections(readConfig(file), sections));
  say(
    io,
    `${sections.length} profiles are in ${file}: use one with AWS_PROFILE=stint-${Object.values(credentials.accounts)[0]!.name}`,
  );
}

function profileSection({ endpoint, region }: CloudCredentials, account: AccountCredentials): string {
  return [
    `[profile stint-${account.name}]`,
    `region = ${region}`,
    `endpoint_url = ${endpoint}`,
    `aws_access_key_id = ${account.accessKeyId}`,
    `aws_secret_access_key = ${account.secretAccessKey}`,
    '',
  ].join('\n');
}

/** `text` without the sections that stint wrote before, and with the new ones at its end. */
function withSections(text: string, sections: readonly string[]): string {
  const kept = text
    .split(/^(?=[ \t]*\[)/m)
    .filter((section) => !/^[ \t]*\[profile\s+["']?stint-[^\]]*\]/.test(section));
  const before = kept.join('');
  const gap = before === '' || before.endsWith('\n\n') ? '' : before.endsWith('\n') ? '\n' : '\n\n';
  return before + gap + sections.join('\n');
}

function readConfig(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw configFailure(file, error);
  }
}

/** By rename, through a link to what it points at, with the mode it had; 0600 when it is new, for it holds keys. */
function writeConfig(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const known = statSync(file, { throwIfNoEntry: false });
    const target = known === undefined ? file : realpathSync(file);
    const fresh = `${target}.${randomBytes(6).toString('hex')}`;
    writeFileSync(fresh, text, { mode: 0o600, flag: 'wx', flush: true });
    if (known !== undefined) chmodSync(fresh, known.mode & 0o777);
    renameSync(fresh, target);
  } catch (error) {
    throw configFailure(file, error);
  }
}

function configFailure(file: string, cause: unknown): Error {
  return cloudVerbFailure(
    'config-file',
    `the configuration file \`${file}\` cannot be read or written: ${String(cause)}`,
    {
      hint: 'name a file that you may write with `--config-file`',
      cause,
    },
  );
}
