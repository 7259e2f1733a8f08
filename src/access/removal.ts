// The calls that remove one resource completely: first everything that hangs on it, or AWS answers
// DeleteConflict. Only for what we own; the caller has made sure of that.
import { ranks, tagList, type Call, type StepDraft, type StepScope } from './calls.ts';
import { guardrailRemoval } from './organization-steps.ts';
import { oidcRemoval, samlRemoval } from './provider-steps.ts';
import { wantedSteps } from './steps.ts';
import type { PasswordPolicyResource, PolicyResource, SeenResource } from './resources.ts';

/** Everything attached to a carrier is taken off, in the rank of its removal. */
function emptyCarrier(
  seen: Extract<SeenResource, { attached: readonly string[] }>,
  rank: number,
  scope: StepScope,
): StepDraft[] {
  const empty = { ...seen, attached: [], inline: {}, ...(seen.kind === 'user' ? { groups: [] } : {}) };
  const bare = 'boundary' in empty ? { ...empty, boundary: undefined } : empty;
  return wantedSteps(bare, seen, scope).map((step) => ({ ...step, rank }));
}

function roleRemoval(seen: Extract<SeenResource, { kind: 'role' }>, scope: StepScope): StepDraft[] {
  const name = { RoleName: seen.name };
  const profiles = scope.seen.filter((it) => it.kind === 'instance-profile' && it.role === seen.name);
  const create: Call = {
    operation: 'createRole',
    input: {
      ...name,
      Path: seen.path,
      AssumeRolePolicyDocument: JSON.stringify(seen.trust),
      MaxSessionDuration: seen.sessionSeconds,
      ...(seen.description === '' ? {} : { Description: seen.description }),
      Tags: tagList(seen.tags),
    },
  };
  return [
    ...profiles.map(({ name: InstanceProfileName }) => ({
      operation: 'removeRoleFromInstanceProfile',
      input: { InstanceProfileName, ...name },
      rank: ranks.removeProfile,
      inverse: [{ operation: 'addRoleToInstanceProfile', input: { InstanceProfileName, ...name } }],
    })),
    ...emptyCarrier(seen, ranks.removeRole, scope),
    { operation: 'deleteRole', input: name, rank: ranks.removeRole, inverse: [create] },
  ];
}

function userRemoval(seen: Extract<SeenResource, { kind: 'user' }>, scope: StepScope): StepDraft[] {
  const name = { UserName: seen.name };
  const create: Call = { operation: 'createUser', input: { ...name, Path: seen.path, Tags: tagList(seen.tags) } };
  return [
    // Password, keys, certificates and MFA devices are listed only when the user goes: they cannot be brought back.
    { operation: 'purgeUserCredentials', input: name, rank: ranks.removeUser, inverse: [] },
    ...emptyCarrier(seen, ranks.removeUser, scope),
    { operation: 'deleteUser', input: name, rank: ranks.removeUser, inverse: [create] },
  ];
}

function groupRemoval(seen: Extract<SeenResource, { kind: 'group' }>, scope: StepScope): StepDraft[] {
  const name = { GroupName: seen.name };
  const members = scope.seen.filter((it) => it.kind === 'user' && it.groups.includes(seen.name));
  return [
    ...members.map(({ name: UserName }) => ({
      operation: 'removeUserFromGroup',
      input: { ...name, UserName },
      rank: ranks.removeGroup,
      inverse: [{ operation: 'addUserToGroup', input: { ...name, UserName } }],
    })),
    ...emptyCarrier(seen, ranks.removeGroup, scope),
    {
      operation: 'deleteGroup',
      input: name,
      rank: ranks.removeGroup,
      inverse: [{ operation: 'createGroup', input: { ...name, Path: seen.path } }],
    },
  ];
}

function policyRemoval(seen: Extract<SeenResource, PolicyResource>, scope: StepScope): StepDraft[] {
  const PolicyArn = scope.arnOf(seen);
  const create: Call = {
    operation: 'createPolicy',
    input: { PolicyName: seen.name, Path: seen.path, PolicyDocument: JSON.stringify(seen.document) },
  };
  return [
    ...(seen.oldVersions ?? []).map((VersionId) => ({
      operation: 'deletePolicyVersion',
      input: { PolicyArn, VersionId },
      rank: ranks.removePolicy,
      inverse: [],
    })),
    { operation: 'deletePolicy', input: { PolicyArn }, rank: ranks.removePolicy, inverse: [create] },
  ];
}

function profileRemoval(seen: Extract<SeenResource, { kind: 'instance-profile' }>): StepDraft[] {
  const name = { InstanceProfileName: seen.name };
  const held = seen.role;
  return [
    ...(held === undefined
      ? []
      : [
          {
            operation: 'removeRoleFromInstanceProfile',
            input: { ...name, RoleName: held },
            rank: ranks.removeProfile,
            inverse: [{ operation: 'addRoleToInstanceProfile', input: { ...name, RoleName: held } }],
          },
        ]),
    {
      operation: 'deleteInstanceProfile',
      input: name,
      rank: ranks.removeProfile,
      inverse: [{ operation: 'createInstanceProfile', input: { ...name, Path: seen.path, Tags: tagList(seen.tags) } }],
    },
  ];
}

function passwordRemoval(seen: PasswordPolicyResource): StepDraft[] {
  const inverse = [{ operation: 'updateAccountPasswordPolicy', input: { ...seen.settings } as Call['input'] }];
  return [{ operation: 'deleteAccountPasswordPolicy', input: {}, rank: ranks.removePolicy, inverse }];
}

/** The calls that remove a resource. A role that lies in a profile which goes too is taken out of it once. */
export function removalSteps(seen: SeenResource, scope: StepScope): StepDraft[] {
  switch (seen.kind) {
    case 'role':
      return roleRemoval(seen, scope);
    case 'user':
      return userRemoval(seen, scope);
    case 'group':
      return groupRemoval(seen, scope);
    case 'policy':
      return policyRemoval(seen, scope);
    case 'instance-profile':
      return profileRemoval(seen);
    case 'oidc-provider':
      return oidcRemoval(seen, scope);
    case 'saml-provider':
      return samlRemoval(seen, scope);
    case 'organization-policy':
      return guardrailRemoval(seen, scope);
  }
  return passwordRemoval(seen);
}
