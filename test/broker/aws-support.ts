// What tests of the AWS engine share: an embedded AWS, its control routes, and a look into its IAM.
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  GetUserCommand,
  IAMClient,
  ListUsersCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { featureNames, keyPolicy, widestScope } from '../../src/broker/engines/aws/rights.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { settled } from '../cloud/support.ts';
import type { TestBroker } from './support.ts';

export const account = '222222222222';

export interface TestCloud {
  readonly cloud: Cloud;
  readonly admin: IAMClient;
  /** An IAM client that acts with these keys. */
  readonly as: (accessKeyId: string, secretAccessKey: string) => IAMClient;
  /** Names of the users that the broker made in this account. */
  readonly lentUsers: (id?: string) => Promise<readonly string[]>;
  readonly control: (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;
}

/** Name of the user whose key the server acts with, and of its policy. */
export const serverUser = 'stint-server';

interface ServerKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The keys of the server's users, by account. */
const serverKeys = new WeakMap<Cloud, ReadonlyMap<string, ServerKey>>();

// The server is no administrator: its key has exactly the policy that `stint doctor --aws-policy` prints, and
// the rights that its federation and session tokens pass on.
async function makeServerKey(admin: IAMClient): Promise<ServerKey> {
  const UserName = serverUser;
  const PolicyDocument = JSON.stringify(keyPolicy(featureNames, widestScope));
  await admin.send(new CreateUserCommand({ UserName }));
  const { Policy } = await admin.send(new CreatePolicyCommand({ PolicyName: UserName, PolicyDocument }));
  await admin.send(new AttachUserPolicyCommand({ UserName, PolicyArn: Policy!.Arn! }));
  await admin.send(new PutUserPolicyCommand({ UserName, PolicyName: 'passed-on', PolicyDocument: passedOn }));
  const { AccessKey } = await admin.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

const passedOn = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['s3:ListAllMyBuckets', 's3:CreateBucket'], Resource: '*' }],
});

/** An embedded AWS that ends with the test. The server has a key of its own in these accounts. */
export async function testCloud(
  after: (end: () => Promise<void>) => void,
  accounts: readonly string[] | 'all' = [account],
): Promise<TestCloud> {
  const cloud = await startCloud();
  const { endpoint, credentials } = cloud;
  const clients: IAMClient[] = [];
  const as = (accessKeyId: string, secretAccessKey: string): IAMClient => {
    const client = new IAMClient({
      ...settled,
      maxAttempts: 3,
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
    });
    clients.push(client);
    return client;
  };
  const adminOf = (id: string): IAMClient => {
    const { accessKeyId, secretAccessKey } = credentials.accounts[id]!;
    return as(accessKeyId, secretAccessKey);
  };
  const admin = adminOf(account);
  const ids = accounts === 'all' ? Object.keys(credentials.accounts) : accounts;
  const made = await Promise.all(ids.map(async (id) => [id, await makeServerKey(adminOf(id))] as const));
  serverKeys.set(cloud, new Map(made));
  after(async () => {
    for (const client of clients) client.destroy();
    await cloud.stop();
  });
  return {
    cloud,
    admin,
    as,
    lentUsers: async (id = account) => {
      const { Users = [] } = await (id === account ? admin : adminOf(id)).send(new ListUsersCommand({}));
      return Users.map(({ UserName = '' }) => UserName).filter((name) => name.startsWith('vault-'));
    },
    control: async (method, path, body) => {
      const response = await fetch(`${endpoint}/_stint/${path}`, {
        method,
        headers: {
          'x-stint-control': credentials.controlToken,
          'content-type': 'application/json',
          connection: 'close',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as Record<string, unknown>;
    },
  };
}

/** The body for `config/root` that points a mount at an account of the embedded AWS. */
export function rootConfig(cloud: Cloud, id = account): Record<string, string | number> {
  const { endpoint } = cloud;
  const { accessKeyId, secretAccessKey } = serverKeys.get(cloud)!.get(id)!;
  return {
    access_key: accessKeyId,
    secret_key: secretAccessKey,
    region: 'us-east-1',
    iam_endpoint: endpoint,
    sts_endpoint: endpoint,
    max_retries: 0,
  };
}

const listUsers = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iam:ListUsers', Resource: '*' }],
});

/** Enables and configures `aws/`, or another mount, with leases of 30 minutes and the role `deploy` of kind iam_user. */
export async function configureAws(
  { call }: Pick<TestBroker, 'call'>,
  cloud: Cloud,
  { mount = 'aws', id = account } = {},
): Promise<void> {
  await call('POST', `/v1/sys/mounts/${mount}`, { body: { type: 'aws' } });
  await call('POST', `/v1/${mount}/config/root`, { body: rootConfig(cloud, id) });
  await call('POST', `/v1/${mount}/config/lease`, { body: { lease: '30m', lease_max: '1h' } });
  await call('POST', `/v1/${mount}/roles/deploy`, {
    body: {
      credential_type: 'iam_user',
      policy_document: listUsers,
      policy_arns: ['arn:aws:iam::aws:policy/AmazonS3FullAccess'],
    },
  });
}

/** True when IAM accepts the key, false when it does not know it. */
export async function keyLives(client: IAMClient): Promise<boolean> {
  try {
    await client.send(new GetUserCommand({}));
    return true;
  } catch (error) {
    if ((error as Error).name === 'InvalidClientTokenId') return false;
    if ((error as Error).name.startsWith('AccessDenied')) return true;
    throw error;
  }
}

/** Repeats `look` until it holds; fails after many looks, each of which is a real call and so takes its time. */
export async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const givenUp = performance.now() + 30_000;
  while (performance.now() < givenUp) {
    if (await look()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`never came true: ${what}`);
}

export interface SeenLease {
  readonly id: string;
  readonly state: string;
  readonly strength: string;
  readonly end_reason: string | null;
  readonly last_error: string | null;
}

/** Every lease the server knows of, with its true state. */
export async function leasesOf({ call }: Pick<TestBroker, 'call'>): Promise<readonly SeenLease[]> {
  return (await call('GET', '/v1/stint/leases')).body.data['leases'] as readonly SeenLease[];
}
