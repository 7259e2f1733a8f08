// The auth method `aws` in front of the embedded AWS, with users of IAM to log in as.
import assert from 'node:assert/strict';
import { CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { account, rootConfig, testCloud, type TestCloud } from './aws-support.ts';
import type { Keys } from './signed-identity.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

export type After = Parameters<typeof testCloud>[0];

export interface AwsAuth extends TestCloud {
  readonly broker: TestBroker;
  readonly config: (body: Record<string, unknown>) => Promise<Reply>;
  readonly role: (name: string, body: Record<string, unknown>) => Promise<Reply>;
  readonly login: (body: unknown) => Promise<Reply>;
  /** An IAM user with a path, and its keys. */
  readonly user: (name: string) => Promise<Keys>;
}

/** A mount that is configured with the keys of the account's administrator. */
export async function awsAuth(after: After): Promise<AwsAuth> {
  const cloud = await testCloud(after);
  const broker = await testBroker((end) => after(async () => end()));
  const { call } = broker;
  const config: AwsAuth['config'] = (body) => call('POST', '/v1/auth/aws/config/client', { body });
  await call('POST', '/v1/sys/auth/aws', { body: { type: 'aws' } });
  const { region: _, ...settings } = rootConfig(cloud.cloud);
  const { accessKeyId: access_key, secretAccessKey: secret_key } = cloud.cloud.credentials.accounts[account]!;
  await config({ ...settings, access_key, secret_key });
  return {
    ...cloud,
    broker,
    config,
    role: (name, body) => call('POST', `/v1/auth/aws/role/${name}`, { body }),
    login: (body) => call('POST', '/v1/auth/aws/login', { token: null, body }),
    user: async (UserName) => {
      await cloud.admin.send(new CreateUserCommand({ UserName, Path: '/people/' }));
      const { AccessKey: key } = await cloud.admin.send(new CreateAccessKeyCommand({ UserName }));
      return { accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! };
    },
  };
}

/** Status and first error of an answer. */
export function told(reply: Reply): readonly [number, string | undefined] {
  return [reply.status, reply.body?.errors?.[0]];
}

/** What a login that must go well answered. */
export function authOf(reply: Reply): Readonly<Record<string, unknown>> {
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['auth'] as Readonly<Record<string, unknown>>;
}

/** The user `ann`, as `user('ann')` makes her. */
export const userArn = `arn:aws:iam::${account}:user/people/ann`;
