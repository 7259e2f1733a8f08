// SDK clients that speak to an embedded AWS, for tests.
import { EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import type { Cloud } from '../../src/cloud/index.ts';
import { central, configOf, dev, type Keys } from './support.ts';

export { central, dev };

/** Clients of one caller. */
export function clientsFor(cloud: Cloud, keys: Keys) {
  const options = configOf(cloud, keys);
  return {
    iam: new IAMClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
    ec2: new EC2Client(options),
  };
}

/** Clients of the user `admin` of an account. */
export function adminOf(cloud: Cloud, account: string) {
  return clientsFor(cloud, cloud.credentials.accounts[account]!);
}

export interface StatementText {
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: unknown;
}

export function policyText(...statements: readonly StatementText[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

/** Clients of a new user of the account, with one inline policy. */
export async function userWith(cloud: Cloud, account: string, name: string, ...statements: readonly StatementText[]) {
  const { iam } = adminOf(cloud, account);
  await iam.send(new CreateUserCommand({ UserName: name }));
  if (statements.length > 0) {
    await iam.send(
      new PutUserPolicyCommand({ UserName: name, PolicyName: 'own', PolicyDocument: policyText(...statements) }),
    );
  }
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  return clientsFor(cloud, { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! });
}
