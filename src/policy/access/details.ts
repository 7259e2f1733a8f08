// What accounts hold that decides who may do what: the one shape that every question about access is asked of,
// whether it came from a definition, from live accounts or from plain policy files. Plain, immutable JSON.

/** A policy document as JSON has it. */
export interface PolicyJson {
  readonly Version?: string | undefined;
  readonly Id?: string | undefined;
  readonly Statement: object | readonly object[];
}

interface PolicyLabel {
  /** Of an inline policy, or the last part of a managed policy's ARN. */
  readonly name?: string | undefined;
  readonly arn?: string | undefined;
  /** Where in the organisation it hangs, of an organisation policy: `root`, `ou/Workloads`, `account/111111111111`. */
  readonly attachedTo?: string | undefined;
}

/**
 * A policy with its name. One whose document nobody could read is `unknown`: every answer that it could change
 * is then `depends`, never silently allowed or denied.
 */
export type NamedDocument =
  | (PolicyLabel & { readonly document: PolicyJson; readonly unknown?: undefined })
  | (PolicyLabel & { readonly unknown: true; readonly document?: undefined });

export type TagMap = Readonly<Record<string, string>>;

export interface UserDetails {
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  /** AWS's unique id (`AIDA…`), where known: trust policies may name it. */
  readonly id?: string | undefined;
  /** Names of groups of the same account. */
  readonly groups: readonly string[];
  /** Attached and inline, without those of groups. */
  readonly policies: readonly NamedDocument[];
  readonly boundary?: NamedDocument | undefined;
  readonly tags: TagMap;
}

export interface GroupDetails {
  readonly arn: string;
  readonly name: string;
  readonly policies: readonly NamedDocument[];
}

export interface RoleDetails {
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  /** AWS's unique id (`AROA…`), where known. */
  readonly id?: string | undefined;
  readonly trust: PolicyJson;
  readonly policies: readonly NamedDocument[];
  readonly boundary?: NamedDocument | undefined;
  readonly tags: TagMap;
  /** Longest session in seconds. */
  readonly sessionSeconds?: number | undefined;
  /** Names of the instance profiles that hold the role. */
  readonly instanceProfiles?: readonly string[] | undefined;
}

/** The policy of a resource, as far as somebody gave it or AWS showed it. A resource without an entry was not looked at. */
export type ResourcePolicyDetails = {
  /** ARN of the resource that carries the policy. */
  readonly arn: string;
  /** Of a KMS key: its grants, each as a policy; an `unknown` one stands for those that AWS did not show. Absent: not looked for. */
  readonly grants?: readonly NamedDocument[] | undefined;
} & (
  | {
      readonly document: PolicyJson;
      /** It lets in nobody of other accounts, whatever it says: what S3 does with a public policy that it restricts. */
      readonly ownOnly?: boolean | undefined;
      readonly state?: undefined;
    }
  | {
      /** `absent`: it was looked for, and there is none. `unread`: AWS did not show it. */
      readonly state: 'absent' | 'unread';
      readonly document?: undefined;
    }
);

export interface AccountDetails {
  readonly id: string;
  readonly name?: string | undefined;
  readonly partition: string;
  readonly users: readonly UserDetails[];
  readonly groups: readonly GroupDetails[];
  readonly roles: readonly RoleDetails[];
  /** Per level: root, each unit, the account. Empty: SCPs do not bind the account (as the management account). */
  readonly scps: readonly (readonly NamedDocument[])[];
  /** Likewise. */
  readonly rcps: readonly (readonly NamedDocument[])[];
  readonly resourcePolicies?: readonly ResourcePolicyDetails[] | undefined;
  /** Whether it is of the organisation of the details; it is taken for so unless this is false. */
  readonly inOrganization?: boolean | undefined;
  /** Where it lies there, as `aws:PrincipalOrgPaths` names it: `o-…/r-…/ou-…/`. */
  readonly organizationPath?: string | undefined;
}

export interface AuthorizationDetails {
  /** Id of the organisation of all the accounts (`o-…`), where known. */
  readonly organization?: string | undefined;
  readonly accounts: readonly AccountDetails[];
}
