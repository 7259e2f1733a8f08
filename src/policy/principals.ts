// The Principal and NotPrincipal elements, and how strongly they name a caller: the table
// "Resource-based policies and implicit denies" of the IAM user guide's evaluation logic turns on it.
import type { Principal } from './types.ts';

/** The element as the document has it; `*` is `{ AWS: ['*'] }`. */
export interface PrincipalSource {
  readonly AWS: readonly string[];
  readonly Service: readonly string[];
  readonly Federated: readonly string[];
  readonly CanonicalUser: readonly string[];
}

/** Ordered by strength. */
export const Named = {
  /** Not named. */
  not: 0,
  /** Its account is named: the account's identity policies decide. */
  account: 1,
  /** The role of a session, or the user behind a federated session: boundary and session policies still limit. */
  behind: 2,
  /** The caller itself, or everyone. */
  caller: 3,
} as const;
export type NamedStrength = (typeof Named)[keyof typeof Named];

/** `arn:aws:iam::111111111111:root`, `111111111111` and the same in other partitions give the account id. */
export function accountOf(name: string): string | undefined {
  return /^(?:arn:aws[a-z-]*:iam::(\d{12}):root|(\d{12}))$/.exec(name)?.slice(1).find(Boolean);
}

/** A short name for whoever asks: its ARN where it has one. */
export function callerName(principal: Principal): string {
  switch (principal.type) {
    case 'Service':
      return principal.service;
    case 'Federated':
      return principal.provider;
    case 'Anonymous':
      return 'anonymous';
    default:
      return principal.arn;
  }
}

export class PrincipalMatcher {
  readonly source: PrincipalSource;
  readonly #everyone: boolean;
  readonly #accounts: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;
  readonly #services: ReadonlySet<string>;
  readonly #federated: ReadonlySet<string>;
  readonly #canonical: ReadonlySet<string>;

  constructor(source: PrincipalSource) {
    this.source = source;
    this.#everyone = source.AWS.includes('*');
    this.#accounts = new Set(source.AWS.map(accountOf).filter((account) => account !== undefined));
    this.#names = new Set(source.AWS);
    this.#services = new Set(source.Service);
    this.#federated = new Set(source.Federated);
    this.#canonical = new Set(source.CanonicalUser);
  }

  /** How strongly the element names the caller. `canonicalUser` is the S3 id of the caller's account, where known. */
  names(caller: Principal, canonicalUser: string | undefined): NamedStrength {
    if (this.#everyone) return Named.caller;
    switch (caller.type) {
      case 'Anonymous':
        return Named.not;
      case 'Service':
        return this.#services.has(caller.service) ? Named.caller : Named.not;
      case 'Federated':
        return this.#federated.has(caller.provider) ? Named.caller : Named.not;
      default:
        return Math.max(
          this.#identity(caller),
          this.#namesAccount(caller.account, canonicalUser) ? Named.account : Named.not,
        ) as NamedStrength;
    }
  }

  /**
   * NotPrincipal with Deny: true when the caller is spared. Its account must be named too, and for a session its role;
   * otherwise the denial of the account reaches it (IAM user guide, "NotPrincipal with Deny").
   */
  spares(caller: Principal, canonicalUser: string | undefined): boolean {
    const strength = this.names(caller, canonicalUser);
    if (strength === Named.not) return false;
    if (this.#everyone || !('account' in caller)) return true;
    if (!this.#namesAccount(caller.account, canonicalUser)) return false;
    if (caller.type === 'Root') return true;
    if (caller.type !== 'AssumedRole') return strength === Named.caller;
    return this.#names.has(caller.arn) && (this.#names.has(caller.roleArn) || this.#names.has(caller.roleId));
  }

  #namesAccount(account: string, canonicalUser: string | undefined): boolean {
    return this.#accounts.has(account) || (canonicalUser !== undefined && this.#canonical.has(canonicalUser));
  }

  #identity(caller: Extract<Principal, { account: string }>): NamedStrength {
    if (caller.type === 'Root') return Named.not;
    if (this.#names.has(caller.arn)) return Named.caller;
    if (caller.type === 'User') return this.#names.has(caller.userId) ? Named.caller : Named.not;
    if (caller.type === 'AssumedRole') return this.#namesOne(caller.roleArn, caller.roleId);
    return this.#namesOne(caller.issuerArn, caller.issuerId);
  }

  #namesOne(arn: string, id: string | undefined): NamedStrength {
    return this.#names.has(arn) || (id !== undefined && this.#names.has(id)) ? Named.behind : Named.not;
  }
}
