// What the process environment says: the keys in it, the folders of Stint, the person, and what an earlier
// `stint assume` in the same shell put there.
import { Secret } from '../base/index.ts';
import { failure } from './failures.ts';
import type { Credentials, Environment } from './model.ts';

/**
 * Written by `stint assume` beside the keys, so that the next one in the same shell starts from the person's own
 * environment and not from the session. Holds no secret.
 */
export interface Origin {
  /** Access key id of the exported session; another one in the environment makes the origin void. */
  readonly key: string;
  /** Where credentials came from before: a profile, or keys in the environment, which are overwritten now. */
  readonly base: { readonly profile: string } | 'keys' | 'default';
  /** Variables that were exported for the target only. */
  readonly exported: readonly string[];
  /** Variables that said where credentials come from, and had to go: a token file, a container. */
  readonly places?: Readonly<Record<string, string>> | undefined;
}

/** Variables that name a place of credentials. None is a secret. */
const placeVariables: readonly string[] = [
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
];

/** Those of the environment; undefined when there are none. */
export function placesOf(env: Environment): Readonly<Record<string, string>> | undefined {
  const found = placeVariables.flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  return found.length === 0 ? undefined : (Object.fromEntries(found) as Record<string, string>);
}

/** Where credentials came from before, as variables again. */
export function originVariables({ base, places }: Origin): Readonly<Record<string, string>> {
  return { ...places, ...(typeof base === 'object' ? { AWS_PROFILE: base.profile } : {}) };
}

export const originVariable = 'STINT_ORIGIN';

/** The origin an earlier `stint assume` left, unless other keys were set since. */
export function readOrigin(env: Environment): Origin | undefined {
  const text = env[originVariable];
  if (text === undefined || text === '') return undefined;
  try {
    const origin = JSON.parse(text) as Partial<Origin>;
    const sound = typeof origin.key === 'string' && Array.isArray(origin.exported) && origin.base !== undefined;
    return sound && origin.key === env['AWS_ACCESS_KEY_ID'] ? (origin as Origin) : undefined;
  } catch {
    return undefined;
  }
}

const keyVariables = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION'];

/** The environment as it was before an earlier `stint assume` in this shell, as far as that can be told. */
export function baseEnvironment(env: Environment): Environment {
  const origin = readOrigin(env);
  if (origin === undefined) return env;
  const base: Record<string, string | undefined> = { ...env };
  for (const name of origin.exported) delete base[name];
  if (origin.base === 'keys') return base;
  for (const name of keyVariables) delete base[name];
  const { AWS_PROFILE: profile, ...places } = originVariables(origin);
  // What was set since ranks before what was there before.
  return { ...places, ...base, ...(profile === undefined ? {} : { AWS_PROFILE: profile }) };
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
  const token = env['AWS_SESSION_TOKEN'];
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

/** A role session name that names the person in CloudTrail: the user's name, in the letters STS allows. */
export function personName(env: Environment): string {
  const name = env['USER'] || env['LOGNAME'] || env['USERNAME'] || 'stint';
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
