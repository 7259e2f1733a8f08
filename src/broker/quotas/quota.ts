// Quotas: which rule holds for a request. Pure; Vault's order (vault/quotas): a rule for a role of a
// login before one for a path, that before one with `*`, that before the mount's, that before the global one.

export type QuotaKind = 'rate-limit' | 'lease-count';

/** Where a rule holds. */
export interface QuotaPlace {
  /** With the closing slash; empty: everywhere. */
  readonly mountPath: string;
  /** Below the mount; may end with `*`. */
  readonly pathSuffix: string;
  /** Of a login; empty: of all. */
  readonly role: string;
}

interface QuotaBase extends QuotaPlace {
  readonly version: 1;
  /** Freshly made with each new rule, so that what a former one of the same name counted is not its. */
  readonly id: string;
  readonly name: string;
  readonly inheritable: boolean;
}

export interface RateQuota extends QuotaBase {
  readonly kind: 'rate-limit';
  /** Requests of one address in `intervalSeconds`. */
  readonly rate: number;
  readonly intervalSeconds: number;
  /** So long an address that asked too often is refused; 0: until the interval is over. */
  readonly blockSeconds: number;
}

export interface LeaseQuota extends QuotaBase {
  readonly kind: 'lease-count';
  readonly maxLeases: number;
}

export type Quota = RateQuota | LeaseQuota;

export interface QuotaRequest {
  readonly path: string;
  /** Of a login, where it is known. */
  readonly role: string;
}

/** The one rule that holds for the request; undefined when none does. */
export function applicable<Q extends QuotaPlace>(quotas: readonly Q[], request: QuotaRequest): Q | undefined {
  let best: Q | undefined;
  let held = -1;
  for (const quota of quotas) {
    const rank = rankOf(quota, request);
    if (rank > held) [best, held] = [quota, rank];
  }
  return best;
}

const exactRank = 1e6;

/** How specific the rule is for the request; -1 when it does not hold. */
function rankOf({ mountPath, pathSuffix, role }: QuotaPlace, request: QuotaRequest): number {
  if (mountPath === '') return 0;
  if (!`${request.path}/`.startsWith(mountPath)) return -1;
  // No method tells roles and users apart by case.
  if (role !== '') return role.toLowerCase() === request.role.toLowerCase() ? exactRank + 1 : -1;
  if (pathSuffix === '') return 1;
  const rest = request.path.slice(mountPath.length).replace(/\/$/, '');
  if (pathSuffix === rest) return exactRank;
  if (!pathSuffix.endsWith('*') || !rest.startsWith(pathSuffix.slice(0, -1))) return -1;
  return 1 + pathSuffix.length;
}

/** The path as it is shown: the mount's, and what follows it. */
export function shownPath({ mountPath, pathSuffix }: QuotaPlace): string {
  return `${mountPath}${pathSuffix}`;
}

/**
 * Whether the longest matching entry says that the path is exempt: an entry is a beginning of paths,
 * with or without a closing `*`; one that begins with `!` takes paths out again.
 */
export function isExempt(entries: readonly string[], path: string): boolean {
  let longest = -1;
  let exempt = false;
  for (const entry of entries) {
    const taken = entry.startsWith('!');
    const beginning = entry.replace(/^!/, '').replace(/\*$/, '');
    if (entry === '' || beginning.length <= longest || !path.startsWith(beginning)) continue;
    [longest, exempt] = [beginning.length, !taken];
  }
  return exempt;
}
