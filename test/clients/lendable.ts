// An account as the tests of the lending server want it: a role, a user and a group that can be lent.
import { CreateGroupCommand, CreateRoleCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import type { RunningCloud } from './support.ts';

export interface LendableAccount {
  readonly id: string;
  /** A role that the whole account may assume. */
  readonly role: string;
  /** A user without a key. */
  readonly user: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Makes them in the account dev, whose admin's key comes back with them. */
export async function lendableAccount(cloud: RunningCloud): Promise<LendableAccount> {
  const id = '222222222222';
  const { accessKeyId, secretAccessKey } = cloud.accounts[id]!;
  const made = { id, role: 'target', user: 'robot', accessKeyId, secretAccessKey };
  const iam = new IAMClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
  });
  const Statement = [
    {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${id}:root` },
      Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
    },
  ];
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new CreateRoleCommand({ RoleName: made.role, AssumeRolePolicyDocument }));
  await iam.send(new CreateUserCommand({ UserName: made.user }));
  await iam.send(new CreateGroupCommand({ GroupName: 'readers' }));
  iam.destroy();
  return made;
}
