// The shape of an audit record, Vault's in names, order and what is left out when empty; and the way
// from clear text to keyed hashes. Pure.
// Source: OpenBao internal/audit/format.go and hashstructure.go (facts of the wire).
import { isObject, Secret } from '../../base/index.ts';

export interface AuditAuth {
  readonly clientToken?: Secret | undefined;
  readonly accessor?: string | undefined;
  readonly displayName?: string | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly tokenPolicies?: readonly string[] | undefined;
  readonly identityPolicies?: readonly string[] | undefined;
  readonly noDefaultPolicy?: boolean | undefined;
  /** Undefined where no policy was asked, as on logins. */
  readonly policyResults?: { readonly allowed: boolean; readonly grantingPolicies: readonly string[] } | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly numUses?: number | undefined;
  readonly remainingUses?: number | undefined;
  readonly entityId?: string | undefined;
  readonly tokenType?: string | undefined;
  readonly tokenTtlSeconds?: number | undefined;
  readonly tokenIssueTime?: string | undefined;
}

export interface AuditMount {
  /** With the closing slash. */
  readonly point: string;
  readonly type: string;
  readonly accessor: string;
  readonly class: 'secret' | 'auth';
}

export interface AuditRequest {
  readonly id: string;
  readonly clientId?: string | undefined;
  readonly operation: string;
  readonly mount?: AuditMount | undefined;
  readonly clientToken?: Secret | undefined;
  readonly clientTokenAccessor?: string | undefined;
  readonly path: string;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly remoteAddress: string;
  readonly remotePort?: number | undefined;
  readonly wrapTtlSeconds?: number | undefined;
  /** All headers of the request by lower-case name; the configuration chooses which are recorded. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly clientCertificateSerialNumber?: string | undefined;
}

export interface AuditResponse {
  readonly auth?: AuditAuth | undefined;
  readonly leaseId?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly warnings?: readonly string[] | undefined;
  readonly wrapInfo?: AuditWrapInfo | undefined;
}

interface AuditWrapInfo {
  readonly ttlSeconds: number;
  readonly token: Secret;
  readonly accessor: string;
  readonly creationTime: string;
  readonly creationPath: string;
  readonly wrappedAccessor?: string | undefined;
}

/** A record before hashing. SECURITY: it may hold secrets; only `formatEntry` may make text of it. */
export interface AuditEntry {
  readonly type: 'request' | 'response';
  /** ISO 8601 in UTC. */
  readonly time: string;
  readonly auth?: AuditAuth | undefined;
  readonly request: AuditRequest;
  readonly response?: AuditResponse | undefined;
  readonly error?: string | undefined;
  /** Keys of `data` whose values the mount wants in clear. */
  readonly clearRequestKeys?: readonly string[] | undefined;
  readonly clearResponseKeys?: readonly string[] | undefined;
}

/** How one device wants its records. */
export interface FormatOptions {
  /** Vault's `log_raw`: everything in clear. */
  readonly raw: boolean;
  readonly hmacAccessor: boolean;
  readonly elideListResponses: boolean;
  /** Recorded request headers by lower-case name; true: hashed. */
  readonly headers: Readonly<Record<string, boolean>>;
  /** The device's keyed hash, `hmac-sha256:…`. */
  readonly hash: (text: string) => string;
}

type Json = Readonly<Record<string, unknown>>;

/** Strings of a request that are hashed one by one: about 20 ms of work. */
const maxStrings = 4096;

/** The record as a device gets it: members in Vault's order, empty ones left out. */
export function formatEntry(entry: AuditEntry, options: FormatOptions): Json {
  const { request, response } = entry;
  return filled({
    time: entry.time,
    type: entry.type,
    auth: authMembers(entry.auth ?? {}, options),
    request: requestMembers(entry, options),
    response: response === undefined ? undefined : responseMembers(entry, response, request, options),
    error: entry.error,
  });
}

function authMembers(auth: AuditAuth, options: FormatOptions): Json {
  const results = auth.policyResults;
  return {
    ...filled({
      client_token: tokenOf(auth.clientToken, options),
      accessor: accessorOf(auth.accessor, options),
      display_name: auth.displayName,
      policies: auth.policies,
      token_policies: auth.tokenPolicies,
      identity_policies: auth.identityPolicies,
      no_default_policy: auth.noDefaultPolicy,
    }),
    ...(results === undefined ? {} : { policy_results: resultMembers(results) }),
    ...filled({
      metadata: auth.metadata,
      num_uses: auth.numUses,
      remaining_uses: auth.remainingUses,
      entity_id: auth.entityId,
      token_type: auth.tokenType ?? 'default',
      token_ttl: auth.tokenTtlSeconds,
      token_issue_time: auth.tokenIssueTime,
    }),
  };
}

function resultMembers(results: NonNullable<AuditAuth['policyResults']>): Json {
  const granting = results.grantingPolicies.map((name) => ({ name, namespace_id: 'root', type: 'acl' }));
  return { allowed: results.allowed, ...filled({ granting_policies: granting }) };
}

function mountMembers(mount: AuditMount | undefined): Json {
  return {
    mount_point: mount?.point,
    mount_type: mount?.type,
    mount_accessor: mount?.accessor,
    mount_class: mount?.class,
  };
}

function requestMembers({ request, clearRequestKeys }: AuditEntry, options: FormatOptions): Json {
  return filled({
    id: request.id,
    client_id: request.clientId,
    operation: request.operation,
    ...mountMembers(request.mount),
    client_token: tokenOf(request.clientToken, options),
    client_token_accessor: accessorOf(request.clientTokenAccessor, options),
    namespace: { id: 'root' },
    path: request.path,
    data: hashed(bounded(request.data, options), options, clearRequestKeys),
    remote_address: request.remoteAddress,
    remote_port: request.remotePort,
    wrap_ttl: request.wrapTtlSeconds,
    headers: headerMembers(request, options),
    client_certificate_serial_number: request.clientCertificateSerialNumber,
  });
}

function responseMembers(
  { clearResponseKeys }: AuditEntry,
  response: AuditResponse,
  request: AuditRequest,
  options: FormatOptions,
): Json {
  const elided = options.elideListResponses && request.operation === 'list' ? elide(response.data) : response.data;
  return filled({
    auth: response.auth === undefined ? undefined : authMembers(response.auth, options),
    ...mountMembers(request.mount),
    secret: response.leaseId ? { lease_id: response.leaseId } : undefined,
    data: hashed(elided, options, clearResponseKeys),
    warnings: response.warnings,
    wrap_info: response.wrapInfo === undefined ? undefined : wrapMembers(response.wrapInfo, options),
  });
}

function wrapMembers(info: AuditWrapInfo, options: FormatOptions): Json {
  return filled({
    ttl: info.ttlSeconds,
    token: tokenOf(info.token, options),
    accessor: accessorOf(info.accessor, options),
    creation_time: info.creationTime,
    creation_path: info.creationPath,
    wrapped_accessor: accessorOf(info.wrappedAccessor, options),
  });
}

function headerMembers({ headers = {} }: AuditRequest, options: FormatOptions): Json {
  return Object.fromEntries(
    Object.entries(options.headers).flatMap(([name, hashedValue]) => {
      const given = headers[name];
      if (given === undefined) return [];
      const values = typeof given === 'string' ? [given] : given;
      return [[name, hashedValue && !options.raw ? values.map(options.hash) : values]];
    }),
  );
}

function tokenOf(token: Secret | undefined, { raw, hash }: FormatOptions): string | undefined {
  // SECURITY: in clear only where the operator asked for raw records.
  const text = token?.reveal() ?? '';
  return raw || text === '' ? text : hash(text);
}

function accessorOf(accessor: string | undefined, { raw, hmacAccessor, hash }: FormatOptions): string | undefined {
  return raw || !hmacAccessor || accessor === undefined || accessor === '' ? accessor : hash(accessor);
}

/** Lists may be huge and say little: their length instead. */
function elide(data: AuditResponse['data']): AuditResponse['data'] {
  if (data === undefined) return undefined;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, elidedMember(key, value)]));
}

function elidedMember(key: string, value: unknown): unknown {
  if (key === 'keys' && Array.isArray(value)) return value.length;
  return key === 'key_info' && isObject(value) ? Object.keys(value).length : value;
}

/**
 * What a caller sent, with at most so many hashes to make: where it holds more strings, each list and object in it
 * becomes one text, its JSON. Without this a body of a megabyte, from anybody, costs half a second.
 */
function bounded(data: Json | undefined, { raw }: FormatOptions): Json | undefined {
  if (data === undefined || raw || stringsIn(data, maxStrings) <= maxStrings) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      Array.isArray(value) || (isObject(value) && !(value instanceof Secret)) ? JSON.stringify(value) : value,
    ]),
  );
}

/** How many strings `value` holds; counts no further than just above `most`. */
function stringsIn(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? 1 : 0;
  let count = 0;
  for (const member of Object.values(value)) {
    count += stringsIn(member, most);
    if (count > most) break;
  }
  return count;
}

function hashed(data: Json | undefined, options: FormatOptions, clearKeys: readonly string[] = []): unknown {
  return data === undefined ? undefined : hashedMember(data, options, clearKeys, '');
}

// Only values are hashed, never keys, numbers, booleans or times; `key` is the innermost key above the value.
function hashedMember(value: unknown, options: FormatOptions, clearKeys: readonly string[], key: string): unknown {
  const text = value instanceof Secret ? value.reveal() : value;
  if (typeof text === 'string') {
    return options.raw || clearKeys.includes(key) || isTime(text) ? text : options.hash(text);
  }
  if (Array.isArray(text)) return text.map((item) => hashedMember(item, options, clearKeys, key));
  if (!isObject(text)) return text;
  return Object.fromEntries(
    Object.entries(text).map(([name, member]) => [name, hashedMember(member, options, clearKeys, name)]),
  );
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** Without what Go's `omitempty` leaves out: nothing, "", 0, false, and what has no member. */
function filled(members: Json): Json {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return !value;
}
