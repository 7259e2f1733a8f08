// Decides what policies allow: finds the one rule for a path and judges the request by it. `root` may
// do everything; no matching rule, or a rule that cannot be judged here, allows nothing.
// Source: OpenBao internal/vault/policy/acl.go.
import { isDeepStrictEqual } from 'node:util';
import { ruleFor, type Acl, type Capability, type Compiled, type Permissions } from './acl-index.ts';

export type AclOperation = Exclude<Capability, 'sudo' | 'deny'> | 'help' | 'renew' | 'revoke';

export interface AclRequest {
  readonly operation: AclOperation;
  /** Of a list with its closing slash, as Vault sees it. */
  readonly path: string;
  /** Whether the path is one of those that only `sudo` opens. */
  readonly sudo: boolean;
  /** Body or query. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** How long the answer is to be wrapped; 0 when it is not. */
  readonly wrapSeconds?: number;
}

export interface AclDecision {
  readonly allowed: boolean;
  /** The pattern that decided, or undefined when none matched. */
  readonly decidedBy: string | undefined;
  /** Why not, for the hint. */
  readonly reason?: string;
  readonly grantedBy: readonly string[];
  /** `limit` of a list, as the rule sets it. */
  readonly limit?: string;
  /** Of a list: shows only keys whose path, by this template, the caller may read. */
  readonly keysFilterPath?: string;
}

/** Whether the policies allow the request, by which rule, and what the rule makes of it. */
export function decide(acl: Acl, request: AclRequest): AclDecision {
  if (acl.root) return { allowed: true, decidedBy: 'root', grantedBy: ['root'] };
  const { operation, sudo } = request;
  if (operation === 'help') return { allowed: true, decidedBy: undefined, grantedBy: [] };
  const path = request.path.replace(/^\/+/, '');
  const rule = ruleFor(acl, path, operation === 'list' || operation === 'scan');
  if (rule === undefined) return { allowed: false, decidedBy: undefined, grantedBy: [] };
  const capability = operation === 'renew' || operation === 'revoke' ? 'update' : operation;
  const grantedBy = rule.givenBy.get(capability) ?? [];
  const refusal = refusalOf(rule, request, grantedBy.length > 0 && (!sudo || rule.capabilities.includes('sudo')));
  if (refusal !== undefined) return { allowed: false, decidedBy: rule.path, reason: refusal, grantedBy: [] };
  const limit = operation === 'list' ? pageLimit(rule, request.data ?? {}) : {};
  if (limit === undefined) {
    return {
      allowed: false,
      decidedBy: rule.path,
      reason: `lists more than ${rule.paginationLimit} at once`,
      grantedBy: [],
    };
  }
  return { allowed: true, decidedBy: rule.path, grantedBy, ...limit, ...filterOf(rule, operation) };
}

/** Below these, names that differ only in case, or in blanks around them, are the same. */
const foldedPaths = /^(?:sys\/polic(?:y|ies)\/|identity\/|auth\/(?!token\/))/;

/**
 * As `decide`; a name that is written in another way is judged by the rules for its plain form, too, unless the rule
 * that allows it is written in such a way itself. Vault judges the text alone: there a rule for `admin` does not hold
 * for `ADMIN`.
 */
export function decideAnySpelling(acl: Acl, request: AclRequest): AclDecision {
  const decision = decide(acl, request);
  const { path } = request;
  if (!decision.allowed || !foldedPaths.test(path)) return decision;
  const plain = plainSpelling(path);
  const { decidedBy = '' } = decision;
  if (plain === path || plainSpelling(decidedBy) !== decidedBy) return decision;
  const other = decide(acl, { ...request, path: plain });
  return other.decidedBy === undefined || other.allowed ? decision : other;
}

function plainSpelling(path: string): string {
  const segments = path.split('/').map((segment) => segment.trim());
  return segments.join('/').toLowerCase();
}

function filterOf({ keysFilterPath = '' }: Permissions, operation: AclOperation): Pick<AclDecision, 'keysFilterPath'> {
  return operation === 'list' && keysFilterPath !== '' ? { keysFilterPath } : {};
}

function refusalOf(rule: Compiled, request: AclRequest, capable: boolean): string | undefined {
  if (!capable) return 'does not give the capability';
  // SECURITY: these ask for a second proof that this server cannot take; without it the rule gives nothing.
  if (rule.controlGroup === true) return 'has a `control_group`, which this server does not have';
  if ((rule.mfaMethods?.length ?? 0) > 0) return 'has `mfa_methods`, which this server does not have';
  return wrappingRefusal(rule, request.wrapSeconds ?? 0) ?? parameterRefusal(rule, request);
}

function wrappingRefusal(
  { minWrappingSeconds: min = 0, maxWrappingSeconds: max = 0 }: Permissions,
  seconds: number,
): string | undefined {
  if (max > 0 && (seconds === 0 || seconds > max)) return `asks for an answer wrapped for at most ${max} seconds`;
  if (min > 0 && (seconds === 0 || seconds < min)) return `asks for an answer wrapped for at least ${min} seconds`;
  // Merged from several policies the limits may exclude each other.
  return min > 0 && max > 0 && max < min ? 'has a `max_wrapping_ttl` below its `min_wrapping_ttl`' : undefined;
}

const withParameters: readonly AclOperation[] = ['read', 'update', 'create', 'patch'];

function parameterRefusal(rule: Permissions, { operation, data = {} }: AclRequest): string | undefined {
  if (!withParameters.includes(operation)) return undefined;
  const missing = rule.requiredParameters?.find((name) => !Object.hasOwn(data, name.toLowerCase()));
  if (missing !== undefined) return `asks for the parameter \`${missing}\``;
  const given = Object.entries(data);
  const [denied, allowed] = [rule.deniedParameters, rule.allowedParameters];
  if (given.length > 0 && denied?.has('*') === true) return 'denies every parameter';
  for (const [name, value] of given) {
    const key = name.toLowerCase();
    const not = denied?.get(key);
    if (not !== undefined && isAmong(value, not)) return `denies this value of the parameter \`${name}\``;
    if (allowed === undefined || allowed.size === 0 || (allowed.size === 1 && allowed.has('*'))) continue;
    const only = allowed.get(key);
    if (only === undefined && !allowed.has('*')) return `does not allow the parameter \`${name}\``;
    if (only !== undefined && !isAmong(value, only)) return `does not allow this value of the parameter \`${name}\``;
  }
  return undefined;
}

function isAmong(value: unknown, values: readonly unknown[]): boolean {
  if (values.length === 0) return true;
  return values.some((one) =>
    typeof one === 'string' && typeof value === 'string' ? globMatches(one, value) : isDeepStrictEqual(one, value),
  );
}

// A `*` at the start, at the end or at both stands for any text; anywhere else for itself.
function globMatches(pattern: string, value: string): boolean {
  if (pattern.length < 2) return pattern === value;
  const [open, closed] = [pattern.startsWith('*'), pattern.endsWith('*')];
  if (open && closed) return value.includes(pattern.slice(1, -1));
  if (open) return value.endsWith(pattern.slice(1));
  return closed ? value.startsWith(pattern.slice(0, -1)) : pattern === value;
}

// The page of a list: the rule's limit stands in for `max`, 0 and none at all, and refuses what is above it.
function pageLimit(
  rule: Permissions,
  data: Readonly<Record<string, unknown>>,
): { readonly limit?: string } | undefined {
  const most = rule.paginationLimit ?? 0;
  const given = Object.hasOwn(data, 'limit') ? data['limit'] : undefined;
  if (most <= 0) return given === 'max' ? { limit: '0' } : {};
  if (given === undefined) {
    const required = rule.requiredParameters?.some((name) => name.toLowerCase() === 'limit') ?? false;
    return required ? undefined : { limit: String(most) };
  }
  const asked = given === 'max' ? 0 : Number(given);
  if (!Number.isSafeInteger(asked) || asked < 0 || asked > most) return undefined;
  return asked === 0 ? { limit: String(most) } : {};
}

/** The capabilities on `path`, as `sys/capabilities` lists them. */
export function capabilitiesOn(acl: Acl, path: string): readonly string[] {
  if (acl.root) return ['root'];
  return shownCapabilities(ruleFor(acl, path.replace(/^\/+/, ''), true)?.capabilities ?? []).sort();
}

/** What a rule gives, or `deny` when that is nothing. */
export function shownCapabilities(capabilities: readonly Capability[]): Capability[] {
  return capabilities.includes('deny') || capabilities.length === 0 ? ['deny'] : [...capabilities];
}

/** True when something is allowed on the mount's path (with its closing slash) or below it. */
export function reaches(acl: Acl, mountPath: string): boolean {
  if (acl.root || !capabilitiesOn(acl, mountPath).includes('deny')) return true;
  const below = (plain: string, rule: Compiled): boolean => plain.startsWith(mountPath) && allowsSomething(rule);
  for (const [path, rule] of acl.exact) if (below(path, rule)) return true;
  for (const [plain, rule] of acl.prefixes) if (below(plain, rule)) return true;
  const mount = mountPath.replace(/\/$/, '').split('/');
  for (const bucket of acl.wildcards.values()) {
    if (bucket.some(({ segments, compiled }) => allowsSomething(compiled) && mayPass(segments, mount))) return true;
  }
  return false;
}

function allowsSomething({ capabilities }: Permissions): boolean {
  return shownCapabilities(capabilities)[0] !== 'deny';
}

function mayPass(pattern: readonly string[], mount: readonly string[]): boolean {
  return pattern.length > mount.length && mount.every((part, at) => pattern[at] === '+' || pattern[at] === part);
}

/**
 * The keys of a list whose own path the caller may read, or list when it is a folder. `template` makes
 * that path of the list's (`{{ .path }}`) and the key (`{{ .key }}`).
 */
export function readableKeys(acl: Acl, template: string, path: string, keys: readonly string[]): readonly string[] {
  return keys.filter((key) => {
    const values: Readonly<Record<string, string>> = { key, path };
    const own = template.replaceAll(/\{\{-?\s*\.(key|path)\s*-?\}\}/g, (_, name: string) => values[name]!);
    return decide(acl, { operation: key.endsWith('/') ? 'list' : 'read', path: own, sudo: false }).allowed;
  });
}
