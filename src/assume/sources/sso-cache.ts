// The tokens and clients of IAM Identity Center in ~/.aws/sso/cache, in the form of the AWS CLI and the SDKs: whoever
// signs in with one of them is signed in with all.
import { isoSeconds, Secret, type Millis } from '../../base/index.ts';
import type { Environment, SsoSession } from '../model.ts';
import { awsFolder, digest, readObject, textOf, timeOf, writeObject, type JsonObject } from './aws-cache.ts';
import type { IssuedToken, Registration } from './sso-oidc.ts';

/** A token as it is kept. */
export interface KeptToken {
  readonly accessToken: Secret;
  readonly expiresAt: Millis;
  /** What a new token is had with; undefined when it takes a new sign-in. */
  readonly renewal?: { readonly client: Registration; readonly refreshToken: Secret } | undefined;
  /** Everything in the file. */
  readonly all: JsonObject;
}

/** How long before its end a token is renewed; the SDKs have five minutes. */
const renewBefore: Millis = 5 * 60_000;

/** Path of the token: named by the session, or by the start URL where a profile has no session. */
export function tokenFile(session: SsoSession, env: Environment): string {
  return `${awsFolder(env, 'sso/cache')}/${digest('sha1', session.name ?? session.startUrl)}.json`;
}

/** An address of a portal, without what makes no difference to it. */
function plain(startUrl: string): string {
  return startUrl.replace(/\/?(?:#\/?)?$/, '');
}

function renewalOf(file: JsonObject): KeptToken['renewal'] {
  const [clientId, clientSecret] = [textOf(file, 'clientId'), textOf(file, 'clientSecret')];
  const refreshToken = textOf(file, 'refreshToken');
  const expiresAt = timeOf(file['registrationExpiresAt']);
  if (clientId === undefined || clientSecret === undefined || refreshToken === undefined || Number.isNaN(expiresAt))
    return undefined;
  const client = { clientId, clientSecret: new Secret(clientSecret), expiresAt };
  return { client, refreshToken: new Secret(refreshToken) };
}

/** The kept token; undefined when there is none, it is damaged, or it is of another portal than the session's. */
export function readToken(session: SsoSession, env: Environment): KeptToken | undefined {
  const all = readObject(tokenFile(session, env));
  if (all === undefined) return undefined;
  const accessToken = textOf(all, 'accessToken');
  const expiresAt = timeOf(all['expiresAt']);
  if (accessToken === undefined || Number.isNaN(expiresAt)) return undefined;
  // SECURITY: files are named by the session, so another address under the same name is another portal's token.
  const [startUrl, region] = [textOf(all, 'startUrl'), textOf(all, 'region')];
  if (startUrl !== undefined && plain(startUrl) !== plain(session.startUrl)) return undefined;
  if (region !== undefined && region !== session.region) return undefined;
  return { accessToken: new Secret(accessToken), expiresAt, renewal: renewalOf(all), all };
}

/** What a kept token is good for. Pure. */
export function judgeToken(token: KeptToken | undefined, now: Millis): 'none' | 'ended' | 'ending' | 'good' {
  if (token === undefined) return 'none';
  if (token.expiresAt <= now) return 'ended';
  return token.expiresAt - now > renewBefore ? 'good' : 'ending';
}

/** True while the client that the token was given to may ask for a new one. Pure. */
export function mayRenew(token: KeptToken | undefined, now: Millis): boolean {
  return token?.renewal !== undefined && token.renewal.client.expiresAt > now;
}

/**
 * Keeps a token. What other tools put into the file before stays, if it is of the same client.
 * @throws Failure `sso-unwritable`.
 */
export function writeToken(
  session: SsoSession,
  env: Environment,
  issued: IssuedToken,
  {
    client,
    before,
    now,
  }: { readonly client: Registration; readonly before?: KeptToken | undefined; readonly now: Millis },
): KeptToken {
  const expiresAt = now + issued.expiresIn * 1000;
  // A renewal that brings no new refresh token leaves the old one good.
  const refreshToken = issued.refreshToken ?? before?.renewal?.refreshToken;
  const all: JsonObject = {
    ...before?.all,
    startUrl: session.startUrl,
    region: session.region,
    // SECURITY: the one place where tokens are written: a 0600 file, as the AWS CLI's.
    accessToken: issued.accessToken.reveal(),
    expiresAt: isoSeconds(expiresAt),
    clientId: client.clientId,
    clientSecret: client.clientSecret.reveal(),
    registrationExpiresAt: isoSeconds(client.expiresAt),
    ...(refreshToken === undefined ? {} : { refreshToken: refreshToken.reveal() }),
  };
  writeObject(tokenFile(session, env), all);
  const renewal = refreshToken === undefined ? undefined : { client, refreshToken };
  return { accessToken: issued.accessToken, expiresAt, renewal, all };
}

/** Python's `json.dumps(…, sort_keys=True)` of the texts, lists of texts and nulls that the AWS CLI hashes. */
function pythonJson(value: Readonly<Record<string, string | null | readonly string[]>>): string {
  const text = (item: string): string =>
    JSON.stringify(item).replace(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  const one = (item: string | null | readonly string[]): string =>
    item === null ? 'null' : typeof item === 'string' ? text(item) : `[${item.map(text).join(', ')}]`;
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${text(key)}: ${one(value[key]!)}`)
    .join(', ')}}`;
}

/** Path of the registered client: the AWS CLI's, so that the two share their registrations. */
function clientFile(session: SsoSession, env: Environment): string {
  const key = {
    tool: 'botocore',
    startUrl: session.startUrl,
    region: session.region,
    scopes: session.scopes.length === 0 ? null : session.scopes,
    session_name: session.name ?? null,
  };
  return `${awsFolder(env, 'sso/cache')}/${digest('sha1', pythonJson(key))}.json`;
}

/** Kinds of client: the AWS CLI names no grant types for those that sign in with a code. */
export type ClientKind = 'authorization_code' | 'device_code';

/** A client is not begun with that would end during the life of what it gets. */
const clientMargin: Millis = 15 * 60_000;

/** A registered client of that kind with those scopes that lives on for a while. */
export function readClient(
  session: SsoSession,
  env: Environment,
  wanted: { readonly kind: ClientKind; readonly scopes: readonly string[]; readonly now: Millis },
): Registration | undefined {
  const file = readObject(clientFile(session, env));
  const [clientId, clientSecret] = [textOf(file ?? {}, 'clientId'), textOf(file ?? {}, 'clientSecret')];
  const expiresAt = timeOf(file?.['expiresAt']);
  if (clientId === undefined || clientSecret === undefined || !(expiresAt - wanted.now > clientMargin))
    return undefined;
  const [grants, scopes] = [file!['grantTypes'], file!['scopes']];
  const kind = Array.isArray(grants) && grants.includes('authorization_code') ? 'authorization_code' : 'device_code';
  const enough = Array.isArray(scopes) && wanted.scopes.every((scope) => scopes.includes(scope));
  return kind === wanted.kind && enough ? { clientId, clientSecret: new Secret(clientSecret), expiresAt } : undefined;
}

/** Keeps a registered client. @throws Failure `sso-unwritable`. */
export function writeClient(
  session: SsoSession,
  env: Environment,
  client: Registration,
  { scopes, grantTypes }: { readonly scopes: readonly string[]; readonly grantTypes?: readonly string[] | undefined },
): void {
  writeObject(clientFile(session, env), {
    clientId: client.clientId,
    // SECURITY: as the token, a 0600 file.
    clientSecret: client.clientSecret.reveal(),
    expiresAt: isoSeconds(client.expiresAt),
    scopes,
    ...(grantTypes === undefined ? {} : { grantTypes }),
  });
}
