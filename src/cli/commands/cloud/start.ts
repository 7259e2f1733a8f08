// `stint cloud start`: the embedded AWS in the foreground, until a signal or `stint cloud stop` ends it.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultCredentialsFile, startCloud, type Cloud, type Enforcement } from '../../../cloud/index.ts';
import type { Io } from '../../command.ts';
import { printData, printFailure, say } from '../../output.ts';
import { cloudVerbFailure } from './failures.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * The process is the embedded AWS and nothing else, so its heap may be tidied more often: measured 186 MiB resident
 * instead of 345 after 20,000 roles were made, and no difference of processor time a call.
 */
const frugal = ['--max-semi-space-size=8', '--heap-growing-percent=50'] as const;

/** Resolves when it has ended: exit code 0 after a signal, 1 when it could not start. */
export async function start(io: Io, values: Values): Promise<void> {
  const { port, host, region, enforce } = values as {
    port: number;
    host: string;
    region: string;
    enforce: Enforcement;
  };
  for (const flag of frugal) process.getBuiltinModule('node:v8').setFlagsFromString(flag);
  // Asked for before anybody can know that it runs: a signal right after the ready line ends it cleanly.
  const { signal } = io;
  checkRegion(region);
  const state = pathOf(io, values['state']);
  const credentialsFile = pathOf(io, values['credentialsFile']) ?? defaultCredentialsFile(io.env, state);
  const organization = await organizationOf(io, values['org']);
  const onDefect = (error: unknown) => printFailure(io, error);
  const outsideIssuers = values['outsideIssuers'] === true;
  const options = { port, host, state, organization, credentialsFile, enforce, region, outsideIssuers, onDefect };
  await using cloud = await startCloud(options);
  if (values['json'] === true) {
    printData(io, JSON.stringify({ ready: true, endpoint: cloud.endpoint, credentialsFile }));
  }
  if (values['quiet'] !== true) banner(io, cloud, enforce, state);
  await Promise.race([cloud.stopped, aborted(signal)]);
}

function pathOf(io: Io, value: unknown): string | undefined {
  return typeof value === 'string' ? resolve(io.cwd, value) : undefined;
}

function checkRegion(region: string): void {
  if (/^[a-z]{2}(-[a-z]+)+-\d{1,2}$/.test(region)) return;
  throw cloudVerbFailure('invalid-region', `\`${region}\` is not the name of a region`, {
    hint: 'write one like `us-east-1`, `eu-central-1`, `us-gov-west-1` or `cn-north-1`',
  });
}

async function organizationOf(io: Io, file: unknown) {
  if (typeof file !== 'string') return undefined;
  let text: string;
  try {
    text = readFileSync(resolve(io.cwd, file), 'utf8');
  } catch (error) {
    throw cloudVerbFailure('organization-unreadable', `the organisation file \`${file}\` cannot be read`, {
      hint: 'name a file that exists and that you may read',
      cause: error,
    });
  }
  // The library's `stint/cloud` does without a YAML parser, so this file is not in its index.
  // oxlint-disable-next-line typescript/no-restricted-imports
  const { parseOrganization } = await import('../../../cloud/organization-file.ts');
  return parseOrganization(text, file);
}

function banner(io: Io, cloud: Cloud, enforce: Enforcement, state: string | undefined): void {
  const words: Readonly<Record<Enforcement, string>> = {
    on: 'enforcement is ON: what IAM does not allow is refused',
    report: 'enforcement is REPORT: what IAM does not allow is recorded, and happens all the same',
    off: 'enforcement is OFF: every signed call is allowed',
  };
  const accounts = Object.entries(cloud.credentials.accounts);
  const shown = accounts.slice(0, 8).map(([id, { name }]) => `${name} ${id}`);
  const rest = accounts.length > shown.length ? ` and ${accounts.length - shown.length} more` : '';
  say(io, `embedded AWS ready at ${cloud.endpoint}`);
  say(io, words[enforce]);
  say(io, `accounts: ${shown.join(', ')}${rest}`);
  say(io, `credentials: ${cloud.credentialsFile}`);
  say(io, state === undefined ? 'state: in memory, gone at the end' : `state: ${state}`);
  say(io, `use it: eval "$(stint cloud env ${accounts[0]![1].name})"`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((leave) => {
    if (signal.aborted) leave();
    else signal.addEventListener('abort', () => leave(), { once: true });
  });
}
