// Lends an IAM user: makes it with its lease's id in the creating call, gives it what the role says,
// and one access key.
import type { CreateAccessKeyCommandOutput, IAMClient } from '@aws-sdk/client-iam';
import { iamSdk } from '../../aws-sdk.ts';
import { NothingMade, type Made } from '../engine.ts';
import type { Lease } from '../../model.ts';
import { awsCode, awsFailure, didNothing, told } from './aws-errors.ts';
import { leaseTagKey, mountTagKey } from './names.ts';
import type { AwsRole } from './aws-role.ts';
import { giftsOf, writeGifts } from './user-gifts.ts';
import { carriesLease } from './user-removal.ts';

type Iam = typeof import('@aws-sdk/client-iam');

/** @throws NothingMade when AWS refused to make the user; a Failure when a later call failed. */
export async function makeUser(iam: IAMClient, role: AwsRole, lease: Lease): Promise<Made> {
  const sdk: Iam = await iamSdk();
  const userName = lease.facts['userName'] ?? '';
  await createUser(sdk, iam, role, lease, userName);
  await givePermissions(sdk, iam, role, lease.role, userName);
  const made = await told(
    'Error creating access keys: ',
    iam.send(new sdk.CreateAccessKeyCommand({ UserName: userName })),
  );
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = made.AccessKey ?? {};
  await dropKeyOfLostAnswer(sdk, iam, userName, accessKeyId, made);
  return {
    data: { access_key: accessKeyId, secret_key: secretAccessKey, security_token: null, session_token: null },
    facts: { ...lease.facts, accessKeyId, gifts: writeGifts(giftsOf(role, lease.role)) },
    secret: { accessKeyId, secretAccessKey },
  };
}

async function createUser(sdk: Iam, iam: IAMClient, role: AwsRole, lease: Lease, userName: string): Promise<void> {
  const tags = Object.entries(role.iamTags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  try {
    await iam.send(
      new sdk.CreateUserCommand({
        UserName: userName,
        Path: role.userPath || '/',
        ...(role.boundaryArn === '' ? {} : { PermissionsBoundary: role.boundaryArn }),
        Tags: [...tags, { Key: leaseTagKey, Value: lease.id }, { Key: mountTagKey, Value: lease.mountId }],
      }),
    );
  } catch (error) {
    // A repeated call whose first answer was lost finds the user it made itself.
    if (awsCode(error) === 'EntityAlreadyExists' && (await carriesLease(iam, userName, lease.id))) return;
    const failure = awsFailure('Error creating IAM user: ', error);
    throw didNothing(error) ? new NothingMade(failure) : failure;
  }
}

async function givePermissions(
  sdk: Iam,
  iam: IAMClient,
  role: AwsRole,
  roleName: string,
  UserName: string,
): Promise<void> {
  for (const PolicyArn of role.policyArns ?? []) {
    await told('Error attaching user policy: ', iam.send(new sdk.AttachUserPolicyCommand({ UserName, PolicyArn })));
  }
  if (role.policyDocument !== '') {
    const input = { UserName, PolicyName: roleName, PolicyDocument: role.policyDocument };
    await told('Error putting user policy: ', iam.send(new sdk.PutUserPolicyCommand(input)));
  }
  for (const GroupName of role.iamGroups ?? []) {
    await told('Error adding user to group: ', iam.send(new sdk.AddUserToGroupCommand({ UserName, GroupName })));
  }
}

// When the SDK had to repeat the call, an earlier one may have made a key that nobody knows.
async function dropKeyOfLostAnswer(
  sdk: Iam,
  iam: IAMClient,
  UserName: string,
  kept: string,
  made: CreateAccessKeyCommandOutput,
): Promise<void> {
  if ((made.$metadata.attempts ?? 1) <= 1) return;
  const prefix = 'Error creating access keys: ';
  const listed = await told(prefix, iam.send(new sdk.ListAccessKeysCommand({ UserName })));
  for (const { AccessKeyId } of listed.AccessKeyMetadata ?? []) {
    if (AccessKeyId === kept) continue;
    await told(prefix, iam.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId })));
  }
}
