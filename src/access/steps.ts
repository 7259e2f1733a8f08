// The calls that bring one resource from what AWS shows to what is wanted, in the order that is safe:
// principals before trust, denies and boundaries before grants, grants before removals. Pure data.
import { ranks, tagList, type Call, type StepDraft, type StepScope } from './calls.ts';
import { boundarySteps, carrierSteps } from './carriers.ts';
import { canonicalDocument, closedTrust, sameMeaning } from './documents.ts';
import type {
  Document,
  GroupResource,
  InstanceProfileResource,
  OidcProviderResource,
  OrganizationPolicyResource,
  PasswordPolicyResource,
  PolicyResource,
  Resource,
  RoleResource,
  SamlProviderResource,
  SeenResource,
  Statement,
  Tags,
  UserResource,
} from './resources.ts';
import { guardrailSteps } from './organization-steps.ts';
import { oidcSteps, samlSteps } from './provider-steps.ts';
import { tagSteps } from './tag-steps.ts';

const text = (document: Document): string => JSON.stringify(document);

function tagsOf(
  noun: 'Role' | 'User' | 'InstanceProfile',
  want: { readonly name: string; readonly tags: Tags },
  seen: { readonly tags: Tags } | undefined,
): StepDraft[] {
  return seen === undefined ? [] : tagSteps(noun, { [`${noun}Name`]: want.name }, want.tags, seen.tags);
}

/** ARNs among the AWS principals of a trust policy. */
export function trustPrincipals(document: Document): string[] {
  return document.Statement.flatMap(({ Principal }) =>
    Principal === undefined || Principal === '*' ? [] : [Principal['AWS'] ?? []].flat(),
  ).filter((principal) => /:(?:role|user)\//.test(principal));
}

function trustCall({ name }: RoleResource, document: Document): Call {
  return { operation: 'updateAssumeRolePolicy', input: { RoleName: name, PolicyDocument: text(document) } };
}

/** What both trust policies say. Denies of either stay: less trust is the safe side. */
function commonTrust(want: RoleResource, seen: RoleResource, scope: StepScope): Document {
  const keyOf = (statement: Statement): string =>
    canonicalDocument({ Version: '2012-10-17', Statement: [statement] }, scope.resolve);
  const had = new Set(seen.trust.Statement.map(keyOf));
  const kept = want.trust.Statement.filter((it) => it.Effect === 'Deny' || had.has(keyOf(it)));
  return kept.some(({ Effect }) => Effect === 'Allow')
    ? { Version: '2012-10-17', Statement: kept }
    : closedTrust(scope.accountRoot);
}

/**
 * The calls for a changed trust. Where the role's permissions change too, nobody may meanwhile have what neither the
 * old role nor the new one gives: those who go leave before anything is granted, those who come enter after all
 * that goes is gone.
 */
function trustSteps(want: RoleResource, seen: RoleResource, scope: StepScope, late: boolean): StepDraft[] {
  if (sameMeaning(want.trust, seen.trust, scope.resolve)) return [];
  const needs = trustPrincipals(want.trust);
  const final = { ...trustCall(want, want.trust), inverse: [trustCall(want, seen.trust)], needs };
  const permissions = [...carrierSteps(want, seen), ...boundarySteps(want, seen)];
  if (permissions.length === 0) return [{ ...final, rank: late ? ranks.lateTrust : ranks.trust }];
  const common = commonTrust(want, seen, scope);
  const narrowed = canonicalDocument(common);
  const had = canonicalDocument(seen.trust, scope.resolve);
  const inverse = [trustCall(want, seen.trust)];
  return [
    ...(narrowed === had ? [] : [{ ...trustCall(want, common), rank: ranks.trust, inverse }]),
    ...(narrowed === canonicalDocument(want.trust)
      ? []
      : [{ ...final, rank: ranks.openTrust, inverse: [trustCall(want, common)] }]),
  ];
}

function roleSteps(want: RoleResource, seen: RoleResource | undefined, scope: StepScope): StepDraft[] {
  const name = { RoleName: want.name };
  const needs = trustPrincipals(want.trust);
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
        ...trustCall(want, want.trust),
        rank: ranks.lateTrust,
        inverse: [trustCall(want, closedTrust(scope.accountRoot))],
        needs,
      });
  } else {
    steps.push(...trustSteps(want, seen, scope, late));
    const update = (role: RoleResource): Call => ({
      operation: 'updateRole',
      input: { ...name, Description: role.description, MaxSessionDuration: role.sessionSeconds },
    });
    if (want.sessionSeconds !== seen.sessionSeconds || want.description !== seen.description) {
      steps.push({ ...update(want), rank: ranks.trust, inverse: [update(seen)] });
    }
  }
  return [...steps, ...carrierSteps(want, seen), ...boundarySteps(want, seen), ...tagsOf('Role', want, seen)];
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
    ...tagsOf('User', want, seen),
  ];
}

/** A group keeps its members and policies when it is renamed, or moved to where protected ones lie. */
function groupMoveSteps(want: GroupResource, seen: GroupResource | undefined): StepDraft[] {
  if (seen === undefined || (want.path === seen.path && want.name === seen.name)) return [];
  const move = (from: GroupResource, to: GroupResource): Call => ({
    operation: 'updateGroup',
    input: {
      GroupName: from.name,
      ...(from.path === to.path ? {} : { NewPath: to.path }),
      ...(from.name === to.name ? {} : { NewGroupName: to.name }),
    },
  });
  const provides = `group/${want.name}`;
  return [{ ...move(seen, want), rank: ranks.group, inverse: [move(want, seen)], provides }];
}

function groupSteps(want: GroupResource, seen: GroupResource | undefined, scope: StepScope): StepDraft[] {
  const name = { GroupName: want.name };
  const leaving = seen === undefined || want.mode === 'additive' ? [] : scope.strangersIn(want.name);
  const strangers = leaving.map((UserName) => ({
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
  return [...create, ...groupMoveSteps(want, seen), ...carrierSteps(want, seen), ...strangers];
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
  if (sameMeaning(want.document, seen.document)) return [];
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
  // Not the old version's number: by the time of an undo that version may have made room for others.
  const back = {
    operation: 'createPolicyVersion',
    input: { PolicyArn, PolicyDocument: text(seen.document), SetAsDefault: true },
  };
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
  return [...steps, ...tagsOf('InstanceProfile', want, seen)];
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
    case 'oidc-provider':
      return oidcSteps(want, seen as OidcProviderResource | undefined, scope);
    case 'saml-provider':
      return samlSteps(want, seen as SamlProviderResource | undefined, scope);
    case 'organization-policy':
      return guardrailSteps(want, seen as OrganizationPolicyResource | undefined, scope);
  }
  return passwordSteps(want, seen as PasswordPolicyResource | undefined);
}
