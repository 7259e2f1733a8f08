// How a mount is configured: `config` of a new one and the tuning of one that is there, read and checked as Vault does.
import { tunedLockout } from '../auth/lockout-tuning.ts';
import { isBuiltIn } from '../built-in-mounts.ts';
import type { Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { readFields, type FieldValues } from '../fields.ts';
import type { Mount, MountConfig } from '../model.ts';

/** Fields of a tuning, and of `config` of a new mount. */
export const tuneFields = {
  path: 'string',
  default_lease_ttl: 'string',
  max_lease_ttl: 'string',
  force_no_cache: 'boolean',
  listing_visibility: 'string',
  description: 'string',
  token_type: 'string',
  options: 'map',
  audit_non_hmac_request_keys: 'list',
  audit_non_hmac_response_keys: 'list',
  passthrough_request_headers: 'list',
  allowed_response_headers: 'list',
  plugin_version: 'string',
  user_lockout_config: 'map',
} as const;

export type TuneFields = FieldValues<typeof tuneFields>;

/** As in Vault: those that are given are put beside the others, and an empty one goes. */
export function tunedOptions(
  before: Mount['options'] = {},
  given: Mount['options'] = {},
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries({ ...before, ...given }).filter(([name, text]) => given[name] !== '' && text !== undefined),
  );
}

const tunableOfBuiltIns = ['path', 'audit_non_hmac_request_keys', 'audit_non_hmac_response_keys'];

/** @throws Failure `mount-invalid` for what the mounts that are always there do not let be tuned. */
export function checkTunable(path: string, body: Call['body']): void {
  if (path === 'auth/token' && body['token_type'] !== undefined) {
    throw brokerFailure('mount-invalid', "'token_type' cannot be set for 'token' or 'ns_token' auth mounts");
  }
  if (!isBuiltIn(path) || path === 'auth/token') return;
  const refused = Object.keys(body).find(
    (name) => Object.hasOwn(tuneFields, name) && !tunableOfBuiltIns.includes(name),
  );
  if (refused !== undefined) throw brokerFailure('mount-invalid', `cannot tune parameter ${refused} of ${path}/`);
}

/** `unparsed` begins the refusal of a duration, given which one it is. */
export function configOf(fields: TuneFields, unparsed: (which: string) => string = () => ''): Partial<MountConfig> {
  const config: { [Name in keyof MountConfig]?: MountConfig[Name] | undefined } = {
    defaultTtlSeconds: leaseSeconds(fields.default_lease_ttl, unparsed('default')),
    maxTtlSeconds: leaseSeconds(fields.max_lease_ttl, unparsed('max')),
    forceNoCache: fields.force_no_cache,
    listingVisibility: visibility(fields.listing_visibility),
    tokenType: tokenType(fields.token_type),
    auditNonHmacRequestKeys: fields.audit_non_hmac_request_keys,
    auditNonHmacResponseKeys: fields.audit_non_hmac_response_keys,
    passthroughRequestHeaders: fields.passthrough_request_headers,
    allowedResponseHeaders: fields.allowed_response_headers,
  };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/** The rule for wrong passwords, where one is given. @throws Failure `bad-request`. */
export function lockoutOf(
  type: string,
  { userLockout }: Pick<MountConfig, 'userLockout'>,
  { user_lockout_config: given = {} }: TuneFields,
): Pick<MountConfig, 'userLockout'> {
  return Object.keys(given).length === 0 ? {} : { userLockout: tunedLockout(type, userLockout, given) };
}

/** `system` stands for the system's own; an empty text, which Vault's clients send for what they do not set, for no change. */
function leaseSeconds(text: string | undefined, unparsed: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'system') return 0;
  try {
    return readFields({ ttl: 'seconds' }, { ttl: text }).ttl ?? 0;
  } catch (error) {
    throw brokerFailure('mount-invalid', `${unparsed}time: invalid duration "${text}"`, { cause: error });
  }
}

function visibility(text: string | undefined): string | undefined {
  if (text === undefined || ['', 'hidden', 'unauth'].includes(text)) return text;
  throw brokerFailure('mount-invalid', `invalid listing_visibility ${text}`);
}

function tokenType(text: string | undefined): string | undefined {
  if (text === undefined || ['', 'default', 'default-service', 'default-batch', 'service', 'batch'].includes(text)) {
    return text === '' || text === 'default' ? undefined : text;
  }
  throw brokerFailure('mount-invalid', `invalid value for 'token_type'`);
}

/** Of a new mount. @throws Failure `mount-invalid`. */
export function checkTtls({ defaultTtlSeconds = 0, maxTtlSeconds = 0 }: Partial<MountConfig>): void {
  if (maxTtlSeconds === 0 || defaultTtlSeconds <= maxTtlSeconds) return;
  throw brokerFailure('mount-invalid', 'given default lease TTL greater than given max lease TTL');
}

/** Of a tuned mount. @throws Failure `mount-invalid`. */
export function checkTunedTtls({ defaultTtlSeconds, maxTtlSeconds }: MountConfig): void {
  if (maxTtlSeconds === 0 || defaultTtlSeconds <= maxTtlSeconds) return;
  throw brokerFailure(
    'mount-invalid',
    `backend max lease TTL of ${maxTtlSeconds} would be less than backend default lease TTL of ${defaultTtlSeconds}`,
  );
}
