// The signed GetCallerIdentity that a caller hands over: read and checked before a byte of it goes to
// STS. The caller proves who he is by what STS says of the signature; nothing else of the request may
// have a meaning. Pure. Texts and order of the checks: OpenBao plugins `auth/aws/path_login.go`.
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import { isStsHost, stsEndpointOf } from './principal.ts';

export const loginFields = {
  role: 'string',
  iam_http_request_method: 'string',
  iam_request_url: 'string',
  iam_request_body: 'string',
  iam_request_headers: 'headers',
  identity: 'string',
  signature: 'string',
  pkcs7: 'string',
  nonce: 'string',
} as const;

export type LoginValues = FieldValues<typeof loginFields>;

type Headers = Readonly<Record<string, readonly string[]>>;

export interface SignedRequest {
  /** As signed; where it goes to, the server decides. */
  readonly host: string;
  readonly body: string;
  readonly headers: Headers;
}

/** What the mount asks of signed requests. */
export interface RequestRule {
  /** Value of `X-Vault-AWS-IAM-Server-ID`, or empty when none is asked for. */
  readonly serverId: string;
  /** Further `X-Amz-…` headers that may be in a request, in lower case. */
  readonly allowedHeaders: readonly string[];
}

const serverIdHeader = 'X-Vault-AWS-IAM-Server-ID';

/** Headers of AWS that have no meaning beyond the signature. */
const signingHeaders = [
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
];

/** Who speaks HTTP decides on these: the server to STS, not the caller. */
const hopHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @throws Failure `login-refused` with Vault's text. */
export function readSignedRequest(values: LoginValues, rule: RequestRule): SignedRequest {
  const method = given(values.iam_http_request_method, 'iam_http_request_method');
  if (method !== 'POST') throw refused("invalid iam_http_request_method; currently only 'POST' is supported");
  const url = readUrl(given(values.iam_request_url, 'iam_request_url'));
  const body = decode(given(values.iam_request_body, 'iam_request_body'), 'iam_request_body');
  checkBody(body);
  const headers = values.iam_request_headers ?? {};
  if (Object.keys(headers).length === 0) throw refused('missing iam_request_headers');
  if (rule.serverId !== '') checkServerId(headers, rule.serverId);
  checkHeaders(headers, rule.allowedHeaders);
  return { host: url.host, body, headers: forwarded(headers) };
}

function given(value: string | undefined, field: string): string {
  if (value === undefined || value === '') throw refused(`missing ${field}`);
  return value;
}

export function refused(text: string, hint?: string): Error {
  return brokerFailure('login-refused', text, { hint });
}

function decode(text: string, field: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw refused(`failed to base64 decode ${field}`);
  }
  return Buffer.from(text, 'base64').toString('latin1');
}

function readUrl(encoded: string): URL {
  const url = URL.parse(decode(encoded, 'iam_request_url'));
  if (url === null) throw refused('error parsing iam_request_url');
  // A query could name another action than the body does.
  const plain = url.search === '' && url.hash === '' && url.pathname === '/' && url.username === '';
  if (!plain || !/^https?:$/.test(url.protocol)) {
    throw refused('invalid request', 'sign `POST https://sts.amazonaws.com/`, with the action in the body');
  }
  return url;
}

/** Nothing but the action, which must be the harmless one, and a version. */
function checkBody(body: string): void {
  // Some take a semicolon for an ampersand; Go, and so Vault, refuses it.
  if (body.includes(';')) throw refused('invalid semicolon separator in query');
  const values = new URLSearchParams(body);
  const names = [...values.keys()];
  const isPlain = names.every((name) => name === 'Action' || name === 'Version');
  const actions = values.getAll('Action');
  if (isPlain && actions.length === 1 && actions[0] === 'GetCallerIdentity' && values.getAll('Version').length <= 1)
    return;
  throw refused('iam request body is invalid', 'the body is `Action=GetCallerIdentity&Version=2011-06-15`');
}

// SECURITY: a request that was signed for another server would log its sender in here: the header, being
// signed, ties it to one.
function checkServerId(headers: Headers, wanted: string): void {
  const problem = serverIdProblem(headers, wanted);
  if (problem !== undefined) throw refused(`error validating ${serverIdHeader} header: ${problem}`);
}

function serverIdProblem(headers: Headers, wanted: string): string | undefined {
  const value = (headers[serverIdHeader.toLowerCase()] ?? []).join(',');
  if (value === '') return `missing header "${serverIdHeader}"`;
  if (value !== wanted) return `expected "${wanted}" but got "${value}"`;
  const authorization = headers['authorization'];
  if (authorization === undefined) return 'missing Authorization header';
  return signedHeaders(authorization).includes(serverIdHeader.toLowerCase()) ? undefined : "vault header wasn't signed";
}

/** Names that the signature covers; none when that cannot be told without doubt. */
function signedHeaders(authorization: readonly string[]): readonly string[] {
  const found = [...authorization.join(',').matchAll(/SignedHeaders=([^,\s]+)/g)];
  return found.length === 1 ? found[0]![1]!.split(';') : [];
}

function checkHeaders(headers: Headers, allowed: readonly string[]): void {
  for (const [name, values] of Object.entries(headers)) {
    const known = !name.startsWith('x-amz-') || signingHeaders.includes(name) || allowed.includes(name);
    if (!known) throw refused(`invalid request header: ${canonicalName(name)}`);
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || values.some((value) => /[^\t\x20-\x7e]/.test(value))) {
      throw refused(`invalid request header: ${JSON.stringify(name.slice(0, 64))}`);
    }
  }
}

/** What goes on to STS: what is signed or signs, and the type of the body. */
function forwarded(headers: Headers): Headers {
  const signed = signedHeaders(headers['authorization'] ?? []);
  const names = new Set([...signed, ...signingHeaders, 'authorization', 'content-type', serverIdHeader.toLowerCase()]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.has(name) && !hopHeaders.has(name)));
}

/** `x-amz-date` becomes `X-Amz-Date`, as Go and so Vault writes names of headers. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

export interface StsRule {
  /** As configured; empty: the global one. */
  readonly endpoint: string;
  /** The caller's own region decides, among those of AWS. */
  readonly useClientRegion: boolean;
}

/**
 * Where the request goes.
 * @throws Failure `login-refused` for a region that is none, and for a host that is no STS.
 */
export function stsFor({ host, headers }: SignedRequest, rule: StsRule): string {
  const endpoint = rule.useClientRegion ? clientEndpoint(headers) : rule.endpoint || 'https://sts.amazonaws.com';
  // SECURITY: the name in `Host` decides which service of AWS reads the request, wherever it was sent.
  if (host === new URL(endpoint).host || isStsHost(host)) return endpoint;
  throw refused(
    `error making upstream request: \`${host}\` is not an address of STS`,
    'sign for the STS that the server uses',
  );
}

function clientEndpoint(headers: Headers): string {
  const scope = /Credential=[^/\s]+\/\d+\/([^/\s,]+)\//.exec((headers['authorization'] ?? []).join(','));
  if (scope === null) throw refused('region missing from Authorization header');
  const endpoint = stsEndpointOf(scope[1]!);
  if (endpoint === undefined) throw refused(`unable to get regional STS endpoint for region: ${scope[1]!}`);
  return endpoint;
}
