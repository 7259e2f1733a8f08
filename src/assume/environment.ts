// What the process environment says: the keys in it, the folders of Stint, the person, and what an earlier
// `stint assume` in the same shell put there.
import { Secret } from '../base/index.ts';
import { failure } from './failures.ts';
import type { Credentials, Environment } from './model.ts';

/**
 * Written by `stint assume` beside the keys, so that the next one in the same shell starts from the person's own
 * environment and not from the session, and so that all of it can be put back. Holds no secret. Shells read it as well
 * (cli/shell), by the order of its fields.
 */
export interface Origin {
  /** Access key id of the exported session; with another one in the environment the keys are the person's again. */
  readonly key: string;
  /** Where credentials came from before: keys in the environment, which are overwritten now, or what `before` says. */
  readonly base: 'keys' | 'named';
  /** Variables that were exported for the target only, and their values: one with another value is the person's. */
  readonly exported: Variables;
  /** What the person's variables were, that had to go or were replaced. */
  readonly before: Variables;
  /** AWS_CREDENTIAL_EXPIRATION of the session. */
  readonly until?: string | undefined;
}

type Variables = Readonly<Record<string, string>>;

export const originVariable = 'STINT_ORIGIN';

const isVariables = (value: unknown): value is Variables =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([name, text]) => /^AWS_[A-Z0-9_]+$/.test(name) && typeof text === 'string');

/** What the last `stint assume` here left, whether its keys are still there or not. */
function lastOrigin(env: Environment): Origin | undefined {
  const text = env[originVariable];
  if (text === undefined || text === '') return undefined;
  try {
    const origin = JSON.parse(text) as Partial<Origin>;
    const sound = typeof origin.key === 'string' && isVariables(origin.exported) && isVariables(origin.before);
    return sound ? (origin as Origin) : undefined;
  } catch {
    return undefined;
  }
}

/** The origin an earlier `stint assume` left, unless other keys were set since. */
export function readOrigin(env: Environment): Origin | undefined {
  const origin = lastOrigin(env);
  return origin !== undefined && origin.key === env['AWS_ACCESS_KEY_ID'] ? origin : undefined;
}

/** The variables of a session. */
export const keyVariables: readonly string[] = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
];

function exportedBy({ exported }: Origin, env: Environment): readonly string[] {
  return Object.keys(exported).filter((name) => env[name] === exported[name]);
}

/** The variables that an earlier `stint assume` exported for its target, and nobody has changed since. */
export function exportedBefore(env: Environment): readonly string[] {
  const origin = lastOrigin(env);
  return origin === undefined ? [] : exportedBy(origin, env);
}

/** The environment as it was before an earlier `stint assume` in this shell, as far as that can be told. */
export function baseEnvironment(env: Environment): Environment {
  const origin = lastOrigin(env);
  if (origin === undefined) return env;
  const { key, base: from, exported, before, until } = origin;
  const base: Record<string, string | undefined> = { ...env };
  const [ours, replaced] = [key === env['AWS_ACCESS_KEY_ID'], from === 'keys'];
  for (const name of exportedBy(origin, env)) delete base[name];
  if (!ours || !replaced) delete base[originVariable];
  if (ours && !replaced) for (const name of keyVariables) delete base[name];
  if (!ours && base['AWS_CREDENTIAL_EXPIRATION'] === until) delete base['AWS_CREDENTIAL_EXPIRATION'];
  for (const [name, value] of Object.entries(before)) {
    // What was set since ranks before what was there before; keys that were set since, before any place of others.
    if (!base[name] && (ours || !env['AWS_ACCESS_KEY_ID'] || name in exported)) base[name] = value;
  }
  return base;
}

/** The profile that SDKs would use: AWS_PROFILE, else `default`. */
export function currentProfile(env: Environment): string {
  return env['AWS_PROFILE'] || env['AWS_DEFAULT_PROFILE'] || 'default';
}

/**
 * Keys in the environment, undefined when there are none.
 * @throws Failure `no-credentials` for an access key without its secret.
 */
export function environmentCredentials(env: Environment): Credentials | undefined {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secret = env['AWS_SECRET_ACCESS_KEY'];
  if (!accessKeyId) return undefined;
  if (!secret) {
    throw failure('no-credentials', 'AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not', {
      hint: 'set both, or unset both',
    });
  }
  const token = env['AWS_SESSION_TOKEN'] || env['AWS_SECURITY_TOKEN'];
  const expiration = Date.parse(env['AWS_CREDENTIAL_EXPIRATION'] ?? '');
  return {
    accessKeyId,
    secretAccessKey: new Secret(secret),
    ...(token ? { sessionToken: new Secret(token) } : {}),
    ...(token && !Number.isNaN(expiration) ? { expiration } : {}),
  };
}

/** `$STINT_HOME`, else `stint` in the XDG cache folder; undefined without a home. */
function stateFolder(env: Environment): string | undefined {
  if (env['STINT_HOME']) return env['STINT_HOME'];
  // The XDG specification tells to ignore relative paths.
  if (env['XDG_CACHE_HOME']?.startsWith('/')) return `${env['XDG_CACHE_HOME']}/stint`;
  return env['HOME'] ? `${env['HOME']}/.cache/stint` : undefined;
}

/** Folder of kept sessions: `$STINT_HOME/sessions`, else `stint/sessions` in the XDG cache folder; undefined without a home. */
export function sessionFolder(env: Environment): string | undefined {
  const folder = stateFolder(env);
  return folder === undefined ? undefined : `${folder}/sessions`;
}

/** Folder in which spent MFA codes are remembered, beside the sessions. */
export function mfaFolder(env: Environment): string | undefined {
  const folder = stateFolder(env);
  return folder === undefined ? undefined : `${folder}/mfa`;
}

/** What the system knows, where a container or a cron job has no USER. Costs 20 µs. */
export function systemUser(): string {
  try {
    return process.getBuiltinModule('node:os').userInfo().username;
  } catch {
    // A container whose user has no entry.
    return 'stint';
  }
}

/** A role session name that names the person in CloudTrail: the user's name, in the letters STS allows. */
export function personName(env: Environment, user: () => string = systemUser): string {
  const name = env['USER'] || env['LOGNAME'] || env['USERNAME'] || user();
  const allowed = name.replace(/[^\w+=,.@-]/g, '-').slice(0, 64);
  return allowed.length < 2 ? `${allowed}-stint` : allowed;
}

const secretVariables =
  /^(?:AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|CONTAINER_AUTHORIZATION_TOKEN)|STINT_TOKEN|STINT_ORIGIN|VAULT_TOKEN)$/;

/** `env` for a child that has no use for keys: without any. */
export function withoutSecrets(env: Environment): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !secretVariables.test(entry[0]),
  );
  return Object.fromEntries(kept);
}
