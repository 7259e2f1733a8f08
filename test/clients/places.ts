// A role that programs have wherever they run: on an instance, in a task, or by a token of an identity provider.
import { EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { join } from 'node:path';
import { root, run, type Environment, type Finished, type RunningCloud } from './support.ts';

export const dev = '222222222222';
export const issuer = 'https://token.actions.githubusercontent.com';

export const policy = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

/** The clients of the admin of an account, `dev` unless told, in this process. */
export function clientsOf({ endpoint, accounts }: RunningCloud, account = dev) {
  const { accessKeyId, secretAccessKey } = accounts[account]!;
  const options = { endpoint, region: 'us-east-1', maxAttempts: 1, credentials: { accessKeyId, secretAccessKey } };
  return {
    iam: new IAMClient(options),
    ec2: new EC2Client(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
  };
}

/** Who may become the role: EC2, ECS, and the workflows of one repository. */
const trust = policy(
  {
    Effect: 'Allow',
    Principal: { Service: ['ec2.amazonaws.com', 'ecs-tasks.amazonaws.com'] },
    Action: 'sts:AssumeRole',
  },
  {
    Effect: 'Allow',
    Principal: { Federated: `arn:aws:iam::${dev}:oidc-provider/token.actions.githubusercontent.com` },
    Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: {
      StringEquals: { 'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com' },
      StringLike: { 'token.actions.githubusercontent.com:sub': 'repo:acme/app:*' },
    },
  },
);

export interface Places {
  readonly roleArn: string;
  readonly instanceId: string;
}

/** The role `app`, which may list buckets and no more, an instance with it, and the bucket `dev-artifacts`. */
export async function makePlaces(cloud: RunningCloud): Promise<Places> {
  const { iam, ec2, s3 } = clientsOf(cloud);
  await iam.send(new CreateOpenIDConnectProviderCommand({ Url: issuer, ClientIDList: ['sts.amazonaws.com'] }));
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'app', AssumeRolePolicyDocument: trust }));
  const PolicyDocument = policy({ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' });
  await iam.send(new PutRolePolicyCommand({ RoleName: 'app', PolicyName: 'list', PolicyDocument }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'app' }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: 'app', RoleName: 'app' }));
  const launch = { ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1, IamInstanceProfile: { Name: 'app' } };
  const { Instances } = await ec2.send(new RunInstancesCommand(launch));
  await s3.send(new CreateBucketCommand({ Bucket: 'dev-artifacts' }));
  return { roleArn: Role!.Arn!, instanceId: Instances![0]!.InstanceId! };
}

/** Runs a command by `stint cloud exec`, with keys of somebody in the environment that it shall not see. */
export function execIn(cloud: RunningCloud, place: string, command: readonly string[]): Promise<Finished> {
  const exec = ['cloud', 'exec', '--credentials-file', cloud.credentialsFile, place, '--', ...command];
  return run(process.execPath, [join(root, 'src/cli/main.ts'), ...exec], cloud.admin('central'));
}

/** A token for `subject`, as `stint cloud token` prints it. */
export async function webToken(cloud: RunningCloud, subject: string): Promise<string> {
  const options = ['--issuer', issuer, '--subject', subject, '--audience', 'sts.amazonaws.com'];
  const args = ['cloud', 'token', '--credentials-file', cloud.credentialsFile, ...options];
  const { stdout } = await run(process.execPath, [join(root, 'src/cli/main.ts'), ...args], cloud.admin('dev'));
  return stdout.trim();
}

/** The environment without keys. */
export function keyless(env: Environment): Environment {
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...rest } = env;
  return rest;
}

/** The environment of a program that has a token in a file instead of keys. */
export function webEnvironment(cloud: RunningCloud, roleArn: string, tokenFile: string): Environment {
  const token = { AWS_ROLE_ARN: roleArn, AWS_ROLE_SESSION_NAME: 'run-7', AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile };
  return { ...keyless(cloud.admin('dev')), ...token };
}
