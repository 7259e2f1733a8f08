// Credentials in the forms that programs read: variables for a child, lines for a shell, JSON for
// `credential_process`. All times are UTC with `Z` and without fraction, the one form every SDK parses.
import { isoSeconds, type Secret } from '../base/index.ts';
import { sessionAccount } from './account.ts';
import {
  baseEnvironment,
  exportedBefore,
  keyVariables,
  originVariable,
  readOrigin,
  type Origin,
} from './environment.ts';
import type { Credentials, Environment, SessionRequest } from './model.ts';

export type Shell = 'sh' | 'fish' | 'pwsh';

/** Variables that would compete with the exported keys, or that belong to a session before them. */
const competing: readonly string[] = [
  ...keyVariables,
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ACCOUNT_ID',
  'AWS_SECURITY_TOKEN',
  'AWS_SESSION_EXPIRATION',
  // Never a profile beside keys: JavaScript's SDK would take the profile, Python's the keys.
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_CREDENTIAL_FILE',
  'AWS_SDK_LOAD_CONFIG',
  'AWS_CREDENTIAL_SCOPE',
];

const ownVariables: readonly string[] = ['STINT_TARGET', originVariable];

/** What changes in an environment: `unset` first, then `set`. */
export interface EnvironmentChange {
  readonly unset: readonly string[];
  readonly set: ReadonlyMap<string, string | Secret>;
}

/** What may be written into an origin: every variable that a session takes the place of, but for secrets. */
const restored = competing.filter((name) => !keyVariables.includes(name) && name !== 'AWS_SECURITY_TOKEN');

function originOf(env: Environment, set: ReadonlyMap<string, string | Secret>, request: SessionRequest): Origin {
  const base = baseEnvironment(env);
  const settings = [...Object.keys(request.settings), 'AWS_REGION', 'AWS_DEFAULT_REGION'];
  const own = (name: string): string | undefined => base[name] || undefined;
  const exported = settings.filter((name) => set.has(name) && set.get(name) !== own(name));
  const before = restored.filter((name) => own(name) !== undefined && own(name) !== set.get(name));
  const until = set.get('AWS_CREDENTIAL_EXPIRATION') as string | undefined;
  // In this order: shells read it.
  return {
    key: set.get('AWS_ACCESS_KEY_ID') as string,
    base: base['AWS_ACCESS_KEY_ID'] ? 'keys' : 'named',
    exported: Object.fromEntries(exported.map((name) => [name, set.get(name) as string])),
    before: Object.fromEntries(before.map((name) => [name, own(name)!])),
    ...(until === undefined ? {} : { until }),
  };
}

/** The change that puts a session into an environment. `env` is the one to be changed. */
export function sessionChange(env: Environment, request: SessionRequest, session: Credentials): EnvironmentChange {
  const set = new Map<string, string | Secret>([
    ['AWS_ACCESS_KEY_ID', session.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', session.secretAccessKey],
  ]);
  if (session.sessionToken !== undefined) set.set('AWS_SESSION_TOKEN', session.sessionToken);
  if (session.expiration !== undefined) set.set('AWS_CREDENTIAL_EXPIRATION', isoSeconds(session.expiration));
  if (request.region !== undefined) {
    // botocore reads only the second, the other SDKs only the first.
    set.set('AWS_REGION', request.region);
    set.set('AWS_DEFAULT_REGION', request.region);
  }
  for (const [name, value] of Object.entries(request.settings)) set.set(name, value);
  set.set('STINT_TARGET', request.target);
  set.set(originVariable, JSON.stringify(originOf(env, set, request)));
  return { unset: staleVariables(env).filter((name) => !set.has(name)), set };
}

/**
 * The change that takes a session out again: everything that Stint has set and nobody has changed since goes, and what
 * was there before it comes back, but for keys, which are kept nowhere. Without a session nothing of the person's changes.
 */
export function clearingChange(env: Environment): EnvironmentChange {
  const session = readOrigin(env) === undefined ? [] : keyVariables;
  const base = Object.fromEntries(
    Object.entries(baseEnvironment(env)).filter(([name]) => ![...session, ...ownVariables].includes(name)),
  );
  return {
    unset: Object.keys(env).filter((name) => env[name] !== undefined && base[name] === undefined),
    set: new Map(Object.entries(base).filter((entry): entry is [string, string] => entry[1] !== env[entry[0]])),
  };
}

/** Variables that would compete with a session, or that belong to one before it. */
export function staleVariables(env: Environment): readonly string[] {
  return [...competing, ...ownVariables, ...exportedBefore(env)];
}

function plain(value: string | Secret): string {
  // SECURITY: the way out of every secret of this file: to the child or the shell the person asked for.
  return typeof value === 'string' ? value : value.reveal();
}

/** `env` after the change, for a child process. */
export function changedEnvironment(env: Environment, change: EnvironmentChange): Record<string, string> {
  const result = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) if (value !== undefined) result.set(name, value);
  for (const name of change.unset) result.delete(name);
  // SECURITY: a shell keeps it for the next target; a child has keys, and no use for the secret of a container.
  if (change.set.has('AWS_ACCESS_KEY_ID')) result.delete('AWS_CONTAINER_AUTHORIZATION_TOKEN');
  for (const [name, value] of change.set) result.set(name, plain(value));
  return Object.fromEntries(result);
}

interface ShellWords {
  readonly quote: (text: string) => string;
  readonly set: (name: string, quoted: string) => string;
  readonly unset: (names: readonly string[]) => string;
}

/**
 * A universal variable of fish is that of every shell, now and later, and one shell cannot hide it from its commands: it
 * is not erased, but told.
 */
function fishWarning(names: readonly string[]): string {
  const profile = 'AWS_PROFILE';
  if (!names.includes(profile)) return '';
  const note = `note: ${profile} is a universal variable, which commands still see; \`set -eU ${profile}\` removes it from all shells`;
  return ` set -qUx ${profile}; and echo '${note}' >&2;`;
}

const shellWords: Readonly<Record<Shell, ShellWords>> = {
  sh: {
    quote: (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`,
    set: (name, quoted) => `export ${name}=${quoted}`,
    unset: (names) => `unset ${names.join(' ')}`,
  },
  fish: {
    quote: (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`,
    set: (name, quoted) => `set -gx ${name} ${quoted};`,
    unset: (names) => `set -e -g ${names.join(' ')};${fishWarning(names)}`,
  },
  pwsh: {
    // PowerShell takes the typographic single quotes for quotes as well.
    quote: (text) => `'${text.replaceAll(/['\u2018-\u201B]/g, '$&$&')}'`,
    set: (name, quoted) => `$env:${name} = ${quoted}`,
    unset: (names) => `Remove-Item -ErrorAction SilentlyContinue ${names.map((name) => `'Env:${name}'`).join(',')}`,
  },
};

/** Quotes `text` as one word of the shell. */
export function quoteFor(shell: Shell, text: string): string {
  return shellWords[shell].quote(text);
}

/** Lines for `eval` (`Invoke-Expression` in PowerShell), the unsetting one first. */
export function shellLines(shell: Shell, change: EnvironmentChange): readonly string[] {
  const words = shellWords[shell];
  const lines = change.unset.length === 0 ? [] : [words.unset(change.unset)];
  for (const [name, value] of change.set) lines.push(words.set(name, words.quote(plain(value))));
  return lines;
}

/**
 * The JSON text that a `credential_process` prints. Version is a number; the text "1" fails in every SDK. The account
 * is there for SDKs that choose endpoints by it. https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 */
export function processJson(request: Pick<SessionRequest, 'roles' | 'source'>, session: Credentials): string {
  return JSON.stringify({
    Version: 1,
    AccessKeyId: session.accessKeyId,
    SecretAccessKey: session.secretAccessKey.reveal(),
    SessionToken: session.sessionToken?.reveal(),
    Expiration: session.expiration === undefined ? undefined : isoSeconds(session.expiration),
    AccountId: sessionAccount(request),
  });
}
