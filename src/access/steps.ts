// The calls that bring one resource from what AWS shows to what is wanted, in the order that is safe:
// principals before trust, denies and boundaries before grants, grants before removals. Pure data.
import type { Json } from '../base/index.ts';
import { policyLimits } from '../policy/index.ts';
import { canonicalDocument, documentSize, type ResolvePrincipal } from './documents.ts';
import type {
  Document,
  GroupResource,
  InstanceProfileResource,
  PasswordPolicyResource,
  PolicyResource,
  Resource,
  RoleResource,
  SeenResource,
  Tags,
  UserResource,
} from './resources.ts';

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
  removeProfile: 21,
  removeRole: 22,
  removeUser: 23,
  removeGroup: 24,
  removePolicy: 25,
} as const;

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
  /** Users in a group of ours whom neither the definition nor a lease put there. */
  strangersIn(group: string): readonly string[];
}

type Carrier = RoleResource | UserResource | GroupResource;

const carrierWords = {
  role: { key: 'RoleName', noun: 'Role' },
  user: { key: 'UserName', noun: 'User' },
  group: { key: 'GroupName', noun: 'Group' },
} as const;

const text = (document: Document): string => JSON.stringify(document);
const tagList = (tags: Tags): Json => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** A trust that nobody satisfies, for a role whose principals do not exist yet. */
function closedTrust(accountRoot: string): Document {
  const nobody = accountRoot.replace(/:root$/, ':user/stint/nobody');
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: accountRoot },
        Action: 'sts:AssumeRole',
        Condition: { ArnEquals: { 'aws:PrincipalArn': nobody } },
      },
    ],
  };
}

/** Policies an identity may carry by default (IAM quotas); where an account has more, room is made a little early. */
const attachmentLimit = 10;

interface CarrierSteps {
  readonly grants: StepDraft[];
  readonly removals: StepDraft[];
}

function attachmentSteps(want: Carrier, had: readonly string[]): CarrierSteps {
  const { key, noun } = carrierWords[want.kind];
  const call = (verb: 'attach' | 'detach', PolicyArn: string): Call => ({
    operation: `${verb}${noun}Policy`,
    input: { [key]: want.name, PolicyArn },
  });
  const grants = want.attached
    .filter((arn) => !had.includes(arn))
    .map((arn) => ({ ...call('attach', arn), rank: ranks.grant, inverse: [call('detach', arn)], needs: [arn] }));
  const removals = had
    .filter((arn) => !want.attached.includes(arn))
    .map((arn) => ({ ...call('detach', arn), rank: ranks.revoke, inverse: [call('attach', arn)] }));
  const tooMany = grants.length === 0 ? 0 : Math.max(0, had.length + grants.length - attachmentLimit);
  return makeRoom({ grants, removals }, tooMany);
}

/** Lets the first removals go before the grants: where both do not fit, AWS would refuse the grants for ever. */
function makeRoom({ grants, removals }: CarrierSteps, count: number): CarrierSteps {
  const early = removals.slice(0, count).map((step) => ({ ...step, rank: ranks.grant }));
  return { grants: [...early, ...grants], removals: removals.slice(count) };
}

function inlineSteps(want: Carrier, had: Readonly<Record<string, Document>>): CarrierSteps {
  const { key, noun } = carrierWords[want.kind];
  const put = (PolicyName: string, document: Document): Call => ({
    operation: `put${noun}Policy`,
    input: { [key]: want.name, PolicyName, PolicyDocument: text(document) },
  });
  const remove = (PolicyName: string): Call => ({
    operation: `delete${noun}Policy`,
    input: { [key]: want.name, PolicyName },
  });
  const grants = Object.entries(want.inline)
    .filter(([name, document]) => !had[name] || canonicalDocument(had[name]) !== canonicalDocument(document))
    .map(([name, document]) => ({
      ...put(name, document),
      rank: ranks.grant,
      inverse: [had[name] === undefined ? remove(name) : put(name, had[name])],
    }));
  const removals = Object.entries(had)
    .filter(([name]) => !Object.hasOwn(want.inline, name))
    .map(([name, document]) => ({ ...remove(name), rank: ranks.revoke, inverse: [put(name, document)] }));
  const both = Object.values({ ...had, ...want.inline }).reduce((sum, document) => sum + documentSize(document), 0);
  const fits = grants.length === 0 || both <= policyLimits[`${want.kind}Inline`];
  return makeRoom({ grants, removals }, fits ? 0 : removals.length);
}

/** Inline policies hold the denies: they are put before anything is attached, and go after everything is detached. */
function carrierSteps(want: Carrier, seen: Carrier | undefined): StepDraft[] {
  const attached = attachmentSteps(want, seen?.attached ?? []);
  const inline = inlineSteps(want, seen?.inline ?? {});
  return [...inline.grants, ...attached.grants, ...attached.removals, ...inline.removals];
}

function boundarySteps(want: RoleResource | UserResource, seen: RoleResource | UserResource | undefined): StepDraft[] {
  if (seen === undefined || want.boundary === seen.boundary) return [];
  const { key, noun } = carrierWords[want.kind];
  const put = (arn: string): Call => ({
    operation: `put${noun}PermissionsBoundary`,
    input: { [key]: want.name, PermissionsBoundary: arn },
  });
  const remove: Call = { operation: `delete${noun}PermissionsBoundary`, input: { [key]: want.name } };
  const inverse = [seen.boundary === undefined ? remove : put(seen.boundary)];
  if (want.boundary === undefined) return [{ ...remove, rank: ranks.revoke, inverse }];
  return [{ ...put(want.boundary), rank: ranks.trust, inverse, needs: [want.boundary] }];
}

/** Tags that must be set. Tags of others stay; of ours, those that no longer hold go. */
export function tagChanges(want: Tags, seen: Tags): { readonly set: Tags; readonly stale: string[] } {
  const set = Object.fromEntries(Object.entries(want).filter(([key, value]) => seen[key] !== value));
  const stale = Object.keys(seen).filter((key) => key.startsWith('stint:') && want[key] === undefined);
  return { set, stale };
}

function tagSteps(
  noun: 'Role' | 'User' | 'InstanceProfile',
  want: { readonly name: string; readonly tags: Tags },
  seen: { readonly tags: Tags } | undefined,
): StepDraft[] {
  if (seen === undefined) return [];
  const { set, stale } = tagChanges(want.tags, seen.tags);
  const name = { [`${noun}Name`]: want.name };
  const had = Object.fromEntries(Object.entries(seen.tags).filter(([key]) => key in set || stale.includes(key)));
  const steps: StepDraft[] = [];
  if (Object.keys(set).length > 0) {
    const inverse = [{ operation: `tag${noun}`, input: { ...name, Tags: tagList(had) } }];
    steps.push({ operation: `tag${noun}`, input: { ...name, Tags: tagList(set) }, rank: ranks.tag, inverse });
  }
  if (stale.length > 0) {
    const inverse = [{ operation: `tag${noun}`, input: { ...name, Tags: tagList(had) } }];
    steps.push({ operation: `untag${noun}`, input: { ...name, TagKeys: stale }, rank: ranks.tag, inverse });
  }
  return steps;
}

/** ARNs among the AWS principals of a trust policy. */
export function trustPrincipals(document: Document): string[] {
  return document.Statement.flatMap(({ Principal }) =>
    Principal === undefined || Principal === '*' ? [] : [Principal['AWS'] ?? []].flat(),
  ).filter((principal) => /:(?:role|user)\//.test(principal));
}

function roleSteps(want: RoleResource, seen: RoleResource | undefined, scope: StepScope): StepDraft[] {
  const name = { RoleName: want.name };
  const needs = trustPrincipals(want.trust);
  const trust = (document: Document): Call => ({
    operation: 'updateAssumeRolePolicy',
    input: { ...name, PolicyDocument: text(document) },
  });
  const late = scope.trustIsLate(want);
  const steps: StepDraft[] = [];
  if (seen === undefined) {
    steps.push({
      operation: 'createRole',
      input: {
        ...name,
        Path: want.path,
        AssumeRolePolicyDocument: text(late ? closedTrust(scope.accountRoot) : want.trust),
        MaxSessionDuration: want.sessionSeconds,
        ...(want.description === '' ? {} : { Description: want.description }),
        ...(want.boundary === undefined ? {} : { PermissionsBoundary: want.boundary }),
        Tags: tagList(want.tags),
      },
      rank: ranks.role,
      inverse: [{ operation: 'deleteRole', input: name }],
      needs: [...(late ? [] : needs), ...(want.boundary === undefined ? [] : [want.boundary])],
      provides: scope.arnOf(want),
    });
    if (late)
      steps.push({
        ...trust(want.trust),
        rank: ranks.lateTrust,
        inverse: [trust(closedTrust(scope.accountRoot))],
        needs,
      });
  } else {
    if (canonicalDocument(want.trust) !== canonicalDocument(seen.trust, scope.resolve)) {
      const rank = late ? ranks.lateTrust : ranks.trust;
      steps.push({ ...trust(want.trust), rank, inverse: [trust(seen.trust)], needs });
    }
    const update = (role: RoleResource): Call => ({
      operation: 'updateRole',
      input: { ...name, Description: role.description, MaxSessionDuration: role.sessionSeconds },
    });
    if (want.sessionSeconds !== seen.sessionSeconds || want.description !== seen.description) {
      steps.push({ ...update(want), rank: ranks.trust, inverse: [update(seen)] });
    }
  }
  // A boundary goes only when what it held back has gone.
  return [...steps, ...carrierSteps(want, seen), ...boundarySteps(want, seen), ...tagSteps('Role', want, seen)];
}

function memberSteps(want: UserResource, had: readonly string[]): StepDraft[] {
  const call = (operation: string, GroupName: string): Call => ({
    operation,
    input: { UserName: want.name, GroupName },
  });
  return [
    ...want.groups
      .filter((group) => !had.includes(group))
      .map((group) => ({
        ...call('addUserToGroup', group),
        rank: ranks.member,
        inverse: [call('removeUserFromGroup', group)],
        needs: [`group/${group}`],
      })),
    ...had
      .filter((group) => !want.groups.includes(group))
      .map((group) => ({
        ...call('removeUserFromGroup', group),
        rank: ranks.revoke,
        inverse: [call('addUserToGroup', group)],
      })),
  ];
}

/** Puts a user moved by hand back: trust policies name people by their ARN, which holds path and spelling. */
function moveSteps(want: UserResource, seen: UserResource | undefined, scope: StepScope): StepDraft[] {
  if (seen === undefined || (want.path === seen.path && want.name === seen.name)) return [];
  const move = (from: UserResource, to: UserResource): Call => ({
    operation: 'updateUser',
    input: {
      UserName: from.name,
      NewPath: to.path,
      ...(from.name === to.name ? {} : { NewUserName: to.name }),
    },
  });
  return [{ ...move(seen, want), rank: ranks.user, inverse: [move(want, seen)], provides: scope.arnOf(want) }];
}

function userSteps(want: UserResource, seen: UserResource | undefined, scope: StepScope): StepDraft[] {
  const name = { UserName: want.name };
  const create: StepDraft[] =
    seen !== undefined
      ? []
      : [
          {
            operation: 'createUser',
            input: {
              ...name,
              Path: want.path,
              ...(want.boundary === undefined ? {} : { PermissionsBoundary: want.boundary }),
              Tags: tagList(want.tags),
            },
            rank: ranks.user,
            inverse: [{ operation: 'deleteUser', input: name }],
            needs: want.boundary === undefined ? [] : [want.boundary],
            provides: scope.arnOf(want),
          },
        ];
  return [
    ...create,
    ...moveSteps(want, seen, scope),
    ...carrierSteps(want, seen),
    ...memberSteps(want, seen?.groups ?? []),
    ...boundarySteps(want, seen),
    ...tagSteps('User', want, seen),
  ];
}

function groupSteps(want: GroupResource, seen: GroupResource | undefined, scope: StepScope): StepDraft[] {
  const name = { GroupName: want.name };
  const strangers = (seen === undefined ? [] : scope.strangersIn(seen.name)).map((UserName) => ({
    operation: 'removeUserFromGroup',
    input: { ...name, UserName },
    rank: ranks.revoke,
    inverse: [{ operation: 'addUserToGroup', input: { ...name, UserName } }],
  }));
  const create: StepDraft[] =
    seen !== undefined
      ? []
      : [
          {
            operation: 'createGroup',
            input: { ...name, Path: want.path },
            rank: ranks.group,
            inverse: [{ operation: 'deleteGroup', input: name }],
            provides: `group/${want.name}`,
          },
        ];
  return [...create, ...carrierSteps(want, seen), ...strangers];
}

// IAM keeps five versions of a customer policy (IAM quotas); a sixth is refused.
const versionLimit = 5;

function policySteps(
  want: PolicyResource,
  seen: Extract<SeenResource, PolicyResource> | undefined,
  scope: StepScope,
): StepDraft[] {
  const PolicyArn = scope.arnOf(want);
  if (seen === undefined) {
    return [
      {
        operation: 'createPolicy',
        input: {
          PolicyName: want.name,
          Path: want.path,
          PolicyDocument: text(want.document),
          ...(want.description === undefined ? {} : { Description: want.description }),
          Tags: tagList(want.tags),
        },
        rank: ranks.policy,
        inverse: [{ operation: 'deletePolicy', input: { PolicyArn } }],
        provides: PolicyArn,
      },
    ];
  }
  if (canonicalDocument(want.document) === canonicalDocument(seen.document)) return [];
  const oldest = (seen.oldVersions ?? []).length >= versionLimit - 1 ? seen.oldVersions![0] : undefined;
  const room: StepDraft[] =
    oldest === undefined
      ? []
      : [
          {
            operation: 'deletePolicyVersion',
            input: { PolicyArn, VersionId: oldest },
            rank: ranks.policy,
            inverse: [],
          },
        ];
  const back = { operation: 'setDefaultPolicyVersion', input: { PolicyArn, VersionId: seen.defaultVersion ?? 'v1' } };
  return [
    ...room,
    {
      operation: 'createPolicyVersion',
      input: { PolicyArn, PolicyDocument: text(want.document), SetAsDefault: true },
      rank: ranks.policy,
      inverse: [back],
    },
  ];
}

function profileSteps(
  want: InstanceProfileResource,
  seen: InstanceProfileResource | undefined,
  scope: StepScope,
): StepDraft[] {
  const name = { InstanceProfileName: want.name };
  const hold = (operation: string, RoleName: string): Call => ({ operation, input: { ...name, RoleName } });
  const steps: StepDraft[] = [];
  if (seen === undefined) {
    steps.push({
      operation: 'createInstanceProfile',
      input: { ...name, Path: want.path, Tags: tagList(want.tags) },
      rank: ranks.profile,
      inverse: [{ operation: 'deleteInstanceProfile', input: name }],
      provides: scope.arnOf(want),
    });
  }
  if (want.role !== seen?.role) {
    // A profile holds one role: the old one has to go first.
    if (seen?.role !== undefined) {
      const inverse = [hold('addRoleToInstanceProfile', seen.role)];
      steps.push({ ...hold('removeRoleFromInstanceProfile', seen.role), rank: ranks.profile, inverse });
    }
    if (want.role !== undefined) {
      const inverse = [hold('removeRoleFromInstanceProfile', want.role)];
      steps.push({ ...hold('addRoleToInstanceProfile', want.role), rank: ranks.profile, inverse });
    }
  }
  return [...steps, ...tagSteps('InstanceProfile', want, seen)];
}

function passwordSteps(want: PasswordPolicyResource, seen: PasswordPolicyResource | undefined): StepDraft[] {
  const call = ({ settings }: PasswordPolicyResource): Call => ({
    operation: 'updateAccountPasswordPolicy',
    input: { ...settings } as Call['input'],
  });
  const inverse = [seen === undefined ? { operation: 'deleteAccountPasswordPolicy', input: {} } : call(seen)];
  return [{ ...call(want), rank: ranks.setting, inverse }];
}

/** The calls that make or change a resource. `seen` is of the same kind and name; `undefined` when there is none. */
export function wantedSteps(want: Resource, seen: SeenResource | undefined, scope: StepScope): StepDraft[] {
  switch (want.kind) {
    case 'role':
      return roleSteps(want, seen as RoleResource | undefined, scope);
    case 'user':
      return userSteps(want, seen as UserResource | undefined, scope);
    case 'group':
      return groupSteps(want, seen as GroupResource | undefined, scope);
    case 'policy':
      return policySteps(want, seen as Extract<SeenResource, PolicyResource> | undefined, scope);
    case 'instance-profile':
      return profileSteps(want, seen as InstanceProfileResource | undefined, scope);
  }
  return passwordSteps(want, seen as PasswordPolicyResource | undefined);
}
