import * as Iam from '@aws-sdk/client-iam';
import {
  AssumeRoleCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
} from '@aws-sdk/client-sts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { codeAt, stepOf } from '../../../src/cloud/services/iam/totp.ts';
import {
  allow,
  clientsOf,
  dev,
  document,
  keysOf,
  makeUser,
  refused,
  rootKeys,
  trust,
  type Clients,
} from './clients.ts';

let cloud: Cloud;
let admin: Clients;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, dev);
});
after(() => cloud.stop());

test('a user has two access keys at most; an inactive one signs nothing, a deleted one is unknown', async () => {
  const keys = await makeUser(admin, 'two');
  const { iam } = admin;
  await iam.send(new Iam.CreateAccessKeyCommand({ UserName: 'two' }));
  await refused(
    iam.send(new Iam.CreateAccessKeyCommand({ UserName: 'two' })),
    'LimitExceeded',
    'Cannot exceed quota for AccessKeysPerUser: 2',
  );
  const whoAmI = () => clientsOf(cloud, keys).sts.send(new GetCallerIdentityCommand({}));
  const AccessKeyId = keys.accessKeyId;
  await whoAmI();
  await iam.send(new Iam.UpdateAccessKeyCommand({ UserName: 'two', AccessKeyId, Status: 'Inactive' }));
  await refused(whoAmI(), 'InvalidClientTokenId', 'The security token included in the request is invalid');
  await iam.send(new Iam.UpdateAccessKeyCommand({ UserName: 'two', AccessKeyId, Status: 'Active' }));
  await whoAmI();
  await iam.send(new Iam.DeleteAccessKeyCommand({ UserName: 'two', AccessKeyId }));
  await refused(whoAmI(), 'InvalidClientTokenId');
});

test('an access key id tells its account, and when and where it was used last', async () => {
  const { accessKeyId: AccessKeyId, ...keys } = await makeUser(admin, 'used');
  const { Account } = await admin.sts.send(new GetAccessKeyInfoCommand({ AccessKeyId }));
  assert.equal(Account, dev);
  const lastUsed = async () =>
    (await admin.iam.send(new Iam.GetAccessKeyLastUsedCommand({ AccessKeyId }))).AccessKeyLastUsed;
  assert.deepEqual(await lastUsed(), { ServiceName: 'N/A', Region: 'N/A' });
  await clientsOf(cloud, { accessKeyId: AccessKeyId, ...keys }).sts.send(new GetCallerIdentityCommand({}));
  const { LastUsedDate, ...place } = (await lastUsed())!;
  assert.deepEqual(place, { ServiceName: 'sts', Region: 'us-east-1' });
  assert.ok(Math.abs(LastUsedDate!.getTime() - Date.now()) < 120_000);
});

test("without a user name, keys are the caller's own: of a user, or of the root user", async () => {
  const keys = await makeUser(admin, 'own', allow('iam:*AccessKey*', `arn:aws:iam::${dev}:user/\${aws:username}`));
  const { AccessKeyMetadata } = await clientsOf(cloud, keys).iam.send(new Iam.ListAccessKeysCommand({}));
  assert.deepEqual(
    AccessKeyMetadata?.map((key) => [key.UserName, key.AccessKeyId]),
    [['own', keys.accessKeyId]],
  );
  const root = clientsOf(cloud, rootKeys(cloud, dev)).iam;
  const { AccessKey } = await root.send(new Iam.CreateAccessKeyCommand({}));
  const { Arn } = await clientsOf(cloud, keysOf(AccessKey!)).sts.send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, `arn:aws:iam::${dev}:root`);
});

test('passwords follow the policy of the account, and users change their own when it lets them', async () => {
  const { iam } = admin;
  const keys = await makeUser(admin, 'typist');
  const own = clientsOf(cloud, keys).iam;
  const policy = {
    MinimumPasswordLength: 10,
    RequireSymbols: true,
    RequireNumbers: true,
    RequireUppercaseCharacters: true,
    RequireLowercaseCharacters: true,
    MaxPasswordAge: 90,
    PasswordReusePrevention: 3,
  };
  await iam.send(new Iam.UpdateAccountPasswordPolicyCommand(policy));
  const { PasswordPolicy } = await iam.send(new Iam.GetAccountPasswordPolicyCommand({}));
  assert.deepEqual(PasswordPolicy, { ...policy, AllowUsersToChangePassword: false, ExpirePasswords: true });
  const create = (Password: string) =>
    iam.send(new Iam.CreateLoginProfileCommand({ UserName: 'typist', Password, PasswordResetRequired: true }));
  for (const weak of ['Ab1!', 'abcdefgh1!', 'ABCDEFGH1!', 'Abcdefghi!', 'Abcdefgh12']) {
    await refused(create(weak), 'PasswordPolicyViolation', 'Password should have');
  }
  await create('Abcdefgh1!');
  await refused(create('Abcdefgh1!'), 'EntityAlreadyExists', 'Login Profile for user typist already exists.');
  const change = (OldPassword: string, NewPassword: string) =>
    own.send(new Iam.ChangePasswordCommand({ OldPassword, NewPassword }));
  await refused(change('Abcdefgh1!', 'Abcdefgh2!'), 'AccessDenied', 'iam:ChangePassword');
  await iam.send(new Iam.UpdateAccountPasswordPolicyCommand({ ...policy, AllowUsersToChangePassword: true }));
  await refused(change('wrong', 'Abcdefgh2!'), 'AccessDenied', 'The old password was incorrect.');
  await change('Abcdefgh1!', 'Abcdefgh2!');
  await refused(change('Abcdefgh2!', 'Abcdefgh1!'), 'PasswordPolicyViolation', 'used before');
  const { LoginProfile } = await iam.send(new Iam.GetLoginProfileCommand({ UserName: 'typist' }));
  assert.equal(LoginProfile?.PasswordResetRequired, false);
  const deny = document({ Effect: 'Deny', Action: 'iam:ChangePassword', Resource: '*' });
  await iam.send(new Iam.PutUserPolicyCommand({ UserName: 'typist', PolicyName: 'locked', PolicyDocument: deny }));
  await refused(change('Abcdefgh2!', 'Abcdefgh3!'), 'AccessDenied', 'explicit deny in an identity-based policy');
});

test('codes of an assigned MFA device count once, for sessions and for roles that demand them', async () => {
  const { iam } = admin;
  const keys = await makeUser(admin, 'careful', allow(['sts:AssumeRole', 'iam:ListUsers']));
  const made = await iam.send(new Iam.CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: 'careful' }));
  const SerialNumber = made.VirtualMFADevice!.SerialNumber!;
  const seed = Buffer.from(made.VirtualMFADevice!.Base32StringSeed!).toString();
  cloud.clock.freeze(true);
  const step = stepOf(cloud.clock.now());
  const enable = (AuthenticationCode1: string, AuthenticationCode2: string) =>
    iam.send(
      new Iam.EnableMFADeviceCommand({ UserName: 'careful', SerialNumber, AuthenticationCode1, AuthenticationCode2 }),
    );
  await refused(enable(codeAt(seed, step - 1), codeAt(seed, step - 1)), 'InvalidAuthenticationCode');
  await enable(codeAt(seed, step - 2), codeAt(seed, step - 1));
  const { sts } = clientsOf(cloud, keys);
  const condition = { Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } };
  await iam.send(
    new Iam.CreateRoleCommand({ RoleName: 'guarded', AssumeRolePolicyDocument: trust({ AWS: dev }, condition) }),
  );
  const role = { RoleArn: `arn:aws:iam::${dev}:role/guarded`, RoleSessionName: 'careful' };
  await refused(sts.send(new AssumeRoleCommand(role)), 'AccessDenied', 'sts:AssumeRole');
  const withCode = { SerialNumber, TokenCode: codeAt(seed, step) };
  await refused(
    sts.send(new AssumeRoleCommand({ ...role, SerialNumber, TokenCode: '000000' })),
    'AccessDenied',
    'MultiFactorAuthentication failed',
  );
  await sts.send(new AssumeRoleCommand({ ...role, ...withCode }));
  await refused(
    sts.send(new AssumeRoleCommand({ ...role, ...withCode })),
    'AccessDenied',
    'invalid MFA one time pass code',
  );
  const plain = await sts.send(new GetSessionTokenCommand({}));
  const inPlain = clientsOf(cloud, keysOf(plain.Credentials!));
  await refused(inPlain.iam.send(new Iam.ListUsersCommand({})), 'InvalidClientTokenId');
  const mfa = await sts.send(new GetSessionTokenCommand({ SerialNumber, TokenCode: codeAt(seed, step + 1) }));
  const inMfa = clientsOf(cloud, keysOf(mfa.Credentials!));
  await inMfa.iam.send(new Iam.ListUsersCommand({}));
  await inMfa.sts.send(new AssumeRoleCommand(role));
  await refused(
    iam.send(new Iam.DeleteVirtualMFADeviceCommand({ SerialNumber })),
    'DeleteConflict',
    'Must deactivate first',
  );
  cloud.clock.freeze(false);
});

test('an alias belongs to one account', async () => {
  const create = new Iam.CreateAccountAliasCommand({ AccountAlias: 'stint-dev' });
  await admin.iam.send(create);
  await refused(
    clientsOf(cloud, '111111111111').iam.send(create),
    'EntityAlreadyExists',
    'The account alias stint-dev already exists.',
  );
  const { AccountAliases } = await admin.iam.send(new Iam.ListAccountAliasesCommand({}));
  assert.deepEqual(AccountAliases, ['stint-dev']);
});

test('the summary counts what there is', async () => {
  const { SummaryMap } = await admin.iam.send(new Iam.GetAccountSummaryCommand({}));
  const { Users } = await admin.iam.send(new Iam.ListUsersCommand({}));
  assert.equal(SummaryMap?.['Users'], Users?.length);
  assert.deepEqual(
    [SummaryMap?.['UsersQuota'], SummaryMap?.['AccountAccessKeysPresent'], SummaryMap?.['MFADevicesInUse']],
    [5000, 1, 1],
  );
});
