// What `aws login` left: keys of fifteen minutes, and what renews them for up to twelve hours. The file is the AWS
// CLI's and the SDKs', and is written back in their form.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-login-credentials.html
import { isFailure, isoSeconds, Secret, systemRandom, uuid, type Millis } from '../../base/index.ts';
import { hostSuffixes, isRegion } from '../endpoints.ts';
import { failure } from '../failures.ts';
import { takeLock } from '../lock.ts';
import type { Credentials } from '../model.ts';
import {
  awsFolder,
  digest,
  prepareFolder,
  readObject,
  textOf,
  timeOf,
  unwritable,
  writeObject,
  type JsonObject,
} from './aws-cache.ts';
import { callJson, type JsonAnswer } from './json-call.ts';
import type { SourceOf, SourceTools } from './source.ts';
import { callTools } from './sso-token.ts';

type LoginSource = SourceOf<'login'>;

interface KeptLogin {
  readonly credentials: Credentials & { readonly expiration: Millis };
  readonly clientId: string;
  readonly refreshToken: Secret;
  /** PEM of the key that the sign-in is bound to. */
  readonly dpopKey: Secret;
  readonly signInRegion: string | undefined;
  /** Everything in the file. */
  readonly all: JsonObject;
}

/** How long before their end keys are renewed, as in the SDKs. */
const renewBefore: Millis = 5 * 60_000;
/** Where AWS signs in when nothing names a region. */
const usualRegion = 'us-east-1';

function loginFile({ loginSession }: LoginSource, { env }: SourceTools): string {
  const folder = env['AWS_LOGIN_CACHE_DIRECTORY'] || awsFolder(env, 'login/cache');
  return `${folder}/${digest('sha256', loginSession)}.json`;
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}

function keysOf(access: JsonObject, expiration: Millis): KeptLogin['credentials'] | undefined {
  const [accessKeyId, secret] = [textOf(access, 'accessKeyId'), textOf(access, 'secretAccessKey')];
  const token = textOf(access, 'sessionToken');
  if (accessKeyId === undefined || secret === undefined || token === undefined || Number.isNaN(expiration))
    return undefined;
  return { accessKeyId, secretAccessKey: new Secret(secret), sessionToken: new Secret(token), expiration };
}

function readLogin(file: string): KeptLogin | undefined {
  const all = readObject(file) ?? {};
  const access = objectOf(all['accessToken']);
  const credentials = keysOf(access, timeOf(access['expiresAt']));
  const [clientId, refreshToken] = [textOf(all, 'clientId'), textOf(all, 'refreshToken')];
  const dpopKey = textOf(all, 'dpopKey');
  if (credentials === undefined || clientId === undefined || refreshToken === undefined || dpopKey === undefined)
    return undefined;
  const secrets = { refreshToken: new Secret(refreshToken), dpopKey: new Secret(dpopKey) };
  return { credentials, clientId, ...secrets, signInRegion: textOf(all, 'signInRegion'), all };
}

function needed({ place, profile }: LoginSource, why: string, cause?: unknown): Error {
  const name = /^[\w./@-]+$/.test(profile) ? profile : `'${profile}'`;
  return failure('login-needed', `${place}: profile \`${profile}\` needs a new sign-in: ${why}`, {
    hint: `run \`aws login --profile ${name}\``,
    cause,
  });
}

function endpointOf(source: LoginSource, kept: KeptLogin): string {
  if (source.url !== undefined) return source.url;
  const region = kept.signInRegion ?? source.region ?? usualRegion;
  // SECURITY: the region becomes part of a host name that a refresh token is sent to.
  if (!isRegion(region)) throw needed(source, 'its file names a region that is none');
  const suffix = { 'aws-cn': 'amazonaws.cn', 'aws-us-gov': 'amazonaws-us-gov.com' }[hostSuffixes(region).name];
  return `https://${region}.signin.${suffix ?? 'aws.amazon.com'}`;
}

/**
 * A proof of possession of the key, for one POST to `url` (RFC 9449, section 4.2).
 * @throws what Node throws for a key that is none.
 */
export function dpopProof(
  key: Secret,
  { url, now, id }: { readonly url: string; readonly now: Millis; readonly id: string },
): string {
  const { createPrivateKey, createPublicKey, sign } = process.getBuiltinModule('node:crypto');
  const privateKey = createPrivateKey(key.reveal());
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = part({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } });
  const text = `${head}.${part({ jti: id, htm: 'POST', htu: url, iat: Math.floor(now / 1000) })}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** What AWS says when it will not renew, by its word. */
const endings: Readonly<Record<string, string>> = {
  TOKEN_EXPIRED: 'the last one has ended',
  USER_CREDENTIALS_CHANGED: 'the password has changed since the last one',
  INSUFFICIENT_PERMISSIONS: 'the identity may not call signin:CreateOAuth2Token',
};

async function ask(source: LoginSource, kept: KeptLogin, tools: SourceTools): Promise<JsonAnswer> {
  const url = `${endpointOf(source, kept)}/v1/token`;
  const proof = (): string => dpopProof(kept.dpopKey, { url, now: tools.clock.now(), id: uuid(systemRandom) });
  try {
    proof();
  } catch (cause) {
    // SECURITY: what the parser says of a key is not repeated.
    throw needed(source, 'its file holds no usable key', cause);
  }
  const body = { clientId: kept.clientId, refreshToken: kept.refreshToken.reveal(), grantType: 'refresh_token' };
  const call = { method: 'POST', url, body, headers: () => ({ DPoP: proof() }), caBundle: source.caBundle } as const;
  return callJson({ ...call, service: 'the sign-in service of AWS' }, callTools(tools));
}

async function renew(source: LoginSource, kept: KeptLogin, file: string, tools: SourceTools): Promise<Credentials> {
  const { status, body } = await ask(source, kept, tools);
  const now = tools.clock.now();
  const access = objectOf(body['accessToken']);
  const seconds = typeof body['expiresIn'] === 'number' ? body['expiresIn'] : 900;
  const expiration = now + seconds * 1000;
  const credentials = keysOf(access, expiration);
  const refreshToken = textOf(body, 'refreshToken');
  if (status !== 200 || credentials === undefined || refreshToken === undefined) {
    const word = textOf(body, 'error') ?? `HTTP ${status}`;
    const said = (textOf(body, 'message') ?? 'no reason given').slice(0, 300);
    throw needed(source, endings[word] ?? `${said} (${word})`);
  }
  const { accessKeyId, secretAccessKey, sessionToken } = access;
  const fresh = { accessKeyId, secretAccessKey, sessionToken, expiresAt: isoSeconds(expiration) };
  writeObject(file, { ...kept.all, accessToken: { ...objectOf(kept.all['accessToken']), ...fresh }, refreshToken });
  tools.explain(`the keys of \`${source.loginSession}\` were renewed`);
  return credentials;
}

async function lockedLogin(source: LoginSource, file: string, tools: SourceTools): Promise<Credentials> {
  const kept = readLogin(file);
  if (kept === undefined) throw needed(source, 'what the last one left is gone');
  const { credentials } = kept;
  const left = credentials.expiration - tools.clock.now();
  if (left > renewBefore) return credentials;
  try {
    return await renew(source, kept, file, tools);
  } catch (error) {
    if (!isFailure(error) || error.code === 'sso-unwritable') throw error;
    // Another tool, which takes no lock, may have renewed meanwhile: that ends our refresh token.
    const meanwhile = readLogin(file)?.credentials ?? credentials;
    if (meanwhile.expiration <= tools.clock.now()) throw error;
    tools.explain(`the keys could not be renewed (${error.message}): used until they end`);
    return meanwhile;
  }
}

/**
 * The keys, renewed when they end soon; one process at a time does that.
 * @throws Failure `login-needed`, `sso-failed`, `sso-unreachable`, `sso-unwritable`, `lock-busy`.
 */
export async function readLoginSession(source: LoginSource, tools: SourceTools): Promise<Credentials> {
  const file = loginFile(source, tools);
  const kept = readLogin(file);
  if (kept === undefined) throw needed(source, 'nobody has signed in, or what that left is damaged');
  const left = kept.credentials.expiration - tools.clock.now();
  if (left > renewBefore) return kept.credentials;
  try {
    prepareFolder(file);
    const onBusy = (): void => tools.explain('another stint is renewing the same keys: waiting for it');
    const release = await takeLock(file.replace(/\.json$/, '.lock'), { wait: tools.wait, onBusy });
    try {
      return await lockedLogin(source, file, tools);
    } finally {
      release();
    }
  } catch (error) {
    const why = isFailure(error) ? error : unwritable(file, error);
    if (why.code !== 'sso-unwritable' || left <= 0) throw why;
    tools.note(`${why.message}; the keys that are there end soon`);
    return kept.credentials;
  }
}
