// Console passwords of users, and of the root user when it asks for its own.
import type * as Sdk from '@aws-sdk/client-iam';
import { compilePolicy } from '../../../policy/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { need, permissionOn, rowId, userNoun } from './entities.ts';
import { accessDenied, alreadyExists, noSuchEntity } from './failures.ts';
import { loginProfiles, passwordPolicies, type LoginProfile, type User } from './model.ts';
import { ownerOf, permissionOnOwner } from './owners.ts';
import { checkPassword, hashPassword, isPassword, policyViolation } from './passwords.ts';
import type { Parsed } from './shapes.ts';

/** AWS remembers 24 passwords at most. */
const rememberedPasswords = 24;

function profileShape(owner: User | undefined, profile: LoginProfile): Sdk.LoginProfile {
  return {
    UserName: owner?.name,
    CreateDate: new Date(profile.createdAt),
    PasswordResetRequired: profile.passwordResetRequired,
  };
}

/** The row of a user's profile; of the root user's without one. */
function rowOf(owner: User | undefined): string {
  return owner === undefined ? '' : rowId(owner.name);
}

/** @throws NoSuchEntity */
function needProfile(call: Call, owner: User | undefined): LoginProfile {
  const profile = call.world.table(loginProfiles).get(call.account, rowOf(owner));
  if (profile === undefined) throw noSuchEntity(`Login Profile for User ${owner?.name ?? null} cannot be found.`);
  return profile;
}

function saveProfile(call: Call, owner: User | undefined, profile: LoginProfile): void {
  call.world.table(loginProfiles).put(call.account, rowOf(owner), profile);
}

/** The profile with a new password. @throws PasswordPolicyViolation */
function withPassword(call: Call, profile: LoginProfile, password: string): LoginProfile {
  const policy = call.world.table(passwordPolicies).get(call.account, call.account);
  checkPassword(password, policy);
  const forbidden = profile.hashes.slice(0, policy?.PasswordReusePrevention ?? 0);
  if (forbidden.some((hash) => isPassword(password, hash))) {
    throw policyViolation('Password must not be one of the passwords that were used before');
  }
  const hashes = [hashPassword(password, call.random), ...profile.hashes].slice(0, rememberedPasswords);
  return { ...profile, changedAt: call.clock.now(), hashes };
}

const createLoginProfile = operation<Parsed<Sdk.CreateLoginProfileRequest>, Sdk.CreateLoginProfileResponse>({
  permissions: (input, call) => permissionOnOwner(input, call, 'CreateLoginProfile'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    if (call.world.table(loginProfiles).get(call.account, rowOf(owner)) !== undefined) {
      const whose = owner === undefined ? `account ${call.account}` : `user ${owner.name}`;
      throw alreadyExists(`Login Profile for ${whose} already exists.`);
    }
    const empty: LoginProfile = {
      createdAt: call.clock.now(),
      passwordResetRequired: input.PasswordResetRequired ?? false,
      hashes: [],
    };
    const profile = input.Password === undefined ? empty : withPassword(call, empty, input.Password);
    saveProfile(call, owner, profile);
    return { LoginProfile: profileShape(owner, profile) };
  },
});

const getLoginProfile = operation<Parsed<Sdk.GetLoginProfileRequest>, Sdk.GetLoginProfileResponse>({
  permissions: (input, call) => permissionOnOwner(input, call, 'GetLoginProfile'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    return { LoginProfile: profileShape(owner, needProfile(call, owner)) };
  },
});

const updateLoginProfile = operation<Parsed<Sdk.UpdateLoginProfileRequest>, void>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'UpdateLoginProfile', input.UserName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const before = needProfile(call, user);
    const profile = input.Password === undefined ? before : withPassword(call, before, input.Password);
    saveProfile(call, user, {
      ...profile,
      passwordResetRequired: input.PasswordResetRequired ?? profile.passwordResetRequired,
    });
  },
});

const deleteLoginProfile = operation<Parsed<Sdk.DeleteLoginProfileRequest>, void>({
  permissions: (input, call) => permissionOnOwner(input, call, 'DeleteLoginProfile'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    needProfile(call, owner);
    call.world.table(loginProfiles).delete(call.account, rowOf(owner));
  },
});

/** The caller as a user. @throws InvalidUserType */
function callingUser(call: Call): string {
  if (call.principal.type === 'User') return call.principal.userName;
  throw awsFailure('InvalidUserType', 'Only IAM Users can change their own password.', { status: 400 });
}

/**
 * An account's password policy may let every user change their own password: that counts like an Allow
 * on the user's side, and an explicit Deny still stops it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
 */
function permissionToChangeOwn(call: Call): Permission {
  const permission = permissionOn(userNoun, call, 'ChangePassword', callingUser(call));
  const policy = call.world.table(passwordPolicies).get(call.account, call.account);
  if (policy?.AllowUsersToChangePassword !== true) return permission;
  const document = {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { AWS: permission.resource },
      Action: 'iam:ChangePassword',
      Resource: permission.resource,
    },
  };
  const attached = { policy: compilePolicy(JSON.stringify(document), 'resource'), name: 'account password policy' };
  return { ...permission, resourcePolicy: { kind: 'resource', attached } };
}

const changePassword = operation<Parsed<Sdk.ChangePasswordRequest>, void>({
  permissions: (_input, call) => [permissionToChangeOwn(call)],
  handle: (input, call) => {
    const user = need(userNoun, call, callingUser(call));
    const profile = needProfile(call, user);
    const [current] = profile.hashes;
    if (current === undefined || !isPassword(input.OldPassword, current)) {
      throw accessDenied('The old password was incorrect.');
    }
    saveProfile(call, user, {
      ...withPassword(call, profile, input.NewPassword),
      passwordResetRequired: false,
    });
  },
});

export const loginProfileOperations = {
  CreateLoginProfile: createLoginProfile,
  GetLoginProfile: getLoginProfile,
  UpdateLoginProfile: updateLoginProfile,
  DeleteLoginProfile: deleteLoginProfile,
  ChangePassword: changePassword,
};
