// The words of authorization: who asks, for what, under which policies, and what comes out.
// Everything here is data; `evaluate.ts` decides over it.
import type { CompiledPolicy } from './document.ts';
import type { Candidates } from './prepare.ts';

/** Who signed the request. ARNs are full; ids are AWS's unique ids (`AIDA…`, `AROA…`). */
export type Principal =
  | { readonly type: 'Root'; readonly account: string; readonly arn: string }
  | {
      readonly type: 'User';
      readonly account: string;
      readonly arn: string;
      readonly userId: string;
      readonly userName: string;
    }
  | {
      readonly type: 'AssumedRole';
      readonly account: string;
      /** `arn:aws:sts::…:assumed-role/NAME/SESSION`. */
      readonly arn: string;
      /** The role's own ARN, with its path: what `aws:PrincipalArn` holds. */
      readonly roleArn: string;
      readonly roleId: string;
      readonly sessionName: string;
      /** True for roles under `/aws-service-role/`: SCPs and RCPs do not bind them. */
      readonly serviceLinked: boolean;
    }
  | {
      readonly type: 'FederatedUser';
      readonly account: string;
      /** `arn:aws:sts::…:federated-user/NAME`. */
      readonly arn: string;
      readonly name: string;
      /** The user (or root) that called GetFederationToken; identity policies are this one's. */
      readonly issuerArn: string;
      /** The issuer's unique id (`AIDA…`), for resource policies that name it. */
      readonly issuerId?: string | undefined;
    }
  /** The unsigned caller of AssumeRoleWithWebIdentity and AssumeRoleWithSAML: provider ARN or built-in host. */
  | { readonly type: 'Federated'; readonly provider: string }
  | { readonly type: 'Service'; readonly service: string }
  | { readonly type: 'Anonymous' };

/** Values of condition keys. Keys are lower-case (`aws:principalarn`); a multivalued key holds a list. */
export type Context = ReadonlyMap<string, string | readonly string[]>;

/** The kinds of policy that take part in a decision, in the words of AWS's messages. */
export type PolicyType = 'identity' | 'boundary' | 'session' | 'resource' | 'trust' | 'scp' | 'rcp' | 'endpoint';

/** A compiled document and where it comes from, for messages and traces. */
export interface AttachedPolicy {
  readonly policy: CompiledPolicy;
  /** ARN of a managed policy, SCP or RCP; absent for inline and resource policies. */
  readonly arn?: string | undefined;
  /** Name of an inline policy, or of what carries the resource policy. */
  readonly name?: string | undefined;
  /** ARN of the user, group, role, account, unit or resource that carries it. */
  readonly attachedTo?: string | undefined;
}

/**
 * Policies that count for one principal, prepared once and used for many decisions (`preparePrincipal`).
 * `undefined` means "none of that type applies"; an empty list means "the type applies and allows nothing".
 */
export interface PrincipalPolicies {
  /** Of the user and its groups, or of the role; for a federated user those of its issuer. */
  readonly identity: readonly AttachedPolicy[];
  readonly boundary?: AttachedPolicy | undefined;
  /** Session policies passed when the session was made. */
  readonly session?: readonly AttachedPolicy[] | undefined;
  /** SCPs per level of the principal's account: root, each unit, the account. Empty: SCPs do not bind it. */
  readonly scps: readonly (readonly AttachedPolicy[])[];
}

/** How a resource policy counts beside identity policies. */
export type ResourcePolicyKind =
  /** S3 and most others: in one account, an Allow on either side is enough. */
  | 'resource'
  /** A role's trust policy: must itself allow the principal, or its account which then delegates. */
  | 'trust'
  /** A KMS key policy: identity policies count only when it allows the account. */
  | 'key';

export interface ResourcePolicies {
  readonly kind: ResourcePolicyKind;
  readonly attached: AttachedPolicy;
  /**
   * Grants of a KMS key that count for this request, each as a policy with one Allow. Unlike the key policy they let
   * their grantee in without an identity policy, also across accounts (KMS developer guide, "Grants").
   */
  readonly grants?: readonly AttachedPolicy[] | undefined;
}

export interface ResourceSide {
  /** ARN, or `*` for an action that names no resource. */
  readonly arn: string;
  /** The account that owns it; absent for `*` and for AWS's own resources: then the caller's account counts. */
  readonly account?: string | undefined;
  readonly policy?: ResourcePolicies | undefined;
  /** RCPs per level of the resource's account. Empty: RCPs do not bind it. */
  readonly rcps: readonly (readonly AttachedPolicy[])[];
}

export interface AuthorizationRequest {
  readonly principal: Principal;
  readonly policies: PreparedPrincipal;
  /** `service:Operation`, as IAM names it; compared without case. */
  readonly action: string;
  readonly resource: ResourceSide;
  readonly context: Context;
  /** Policy (kind `resource`) of the VPC endpoint through which the request came; absent: it came through none. */
  readonly endpoint?: AttachedPolicy | undefined;
  /** The S3 canonical user id of the caller's account, for resource policies that name a `CanonicalUser`. */
  readonly canonicalUser?: string | undefined;
}

/** The principal's policies indexed by action. Made by `preparePrincipal`, valid as long as the policies are. */
export interface PreparedPrincipal {
  readonly source: PrincipalPolicies;
  /** For the evaluator: the statements that `action` can reach. */
  candidatesFor(action: string): Candidates;
}

/** One statement of one policy, as a decision or trace points at it. */
export interface StatementRef {
  readonly policyType: PolicyType;
  readonly attached: AttachedPolicy;
  /** Index in the document's Statement list. */
  readonly index: number;
  readonly sid?: string | undefined;
}

export type Decision =
  | {
      readonly decision: 'allow';
      /** The statement that allowed, or why none was needed (root user, permissionless action). */
      readonly by: StatementRef | { readonly rule: 'root' | 'permissionless' };
    }
  | {
      readonly decision: 'deny';
      readonly explicit: true;
      readonly by: StatementRef;
    }
  | {
      readonly decision: 'deny';
      readonly explicit: false;
      /** The first policy type that had to allow and did not. */
      readonly missing: PolicyType;
    };
