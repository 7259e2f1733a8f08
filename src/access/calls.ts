// What the calls of a plan are made of: one call, its place in the order, and what it needs to know of its account.
import type { Json } from '../base/index.ts';
import type { ResolvePrincipal } from './documents.ts';
import type { Resource, RoleResource, SeenOrganization, SeenResource, Tags } from './resources.ts';

/** One IAM call: the operation as the AWS SDK names its method, and its input. Never holds a secret. */
export interface Call {
  readonly operation: string;
  readonly input: Readonly<Record<string, Json>>;
}

/**
 * Order within an account. What creates comes before what refers to it; removals come last, so that nobody
 * is without access in between.
 */
export const ranks = {
  setting: 0,
  policy: 1,
  provider: 1.5,
  group: 2,
  user: 3,
  role: 4,
  trust: 5,
  grant: 6,
  member: 7,
  profile: 8,
  lateTrust: 9,
  tag: 10,
  revoke: 20,
  openTrust: 21,
  removeProfile: 22,
  removeRole: 23,
  removeUser: 24,
  removeGroup: 25,
  removePolicy: 26,
  removeProvider: 27,
  // Guard rails bind everybody: they go on when everything else is in its place, and come off before anything goes.
  guardrail: 40,
  attachGuardrail: 41,
  detachGuardrail: 42,
  removeGuardrail: 43,
} as const;

/** Tags as IAM and Organizations take them. */
export const tagList = (tags: Tags): Json => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

export interface StepDraft extends Call {
  readonly rank: number;
  /** What undoes the call, first things first; empty when nothing can. */
  readonly inverse: readonly Call[];
  /** What must exist before the call: ARNs, and `group/NAME` for groups of the central account. */
  readonly needs?: readonly string[];
  /** What exists after it, in the same words. */
  readonly provides?: string;
}

export interface StepScope {
  /** ARN of a resource of this account. */
  arnOf(resource: Resource): string;
  readonly accountRoot: string;
  readonly resolve: ResolvePrincipal;
  /** Whether a role's trust has to wait until principals exist that are created after the role. */
  trustIsLate(role: RoleResource): boolean;
  /** Everything the account shows, for what hangs on a resource that goes. */
  readonly seen: readonly SeenResource[];
  /** Of the management account: ids that guard rails need. */
  readonly organization?: SeenOrganization | undefined;
  /** Users in a group of ours whom neither the definition nor a lease put there. */
  strangersIn(group: string): readonly string[];
}
