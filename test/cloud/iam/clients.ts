// Real clients of a running embedded AWS, and how tests read its refusals.
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { OrganizationsClient } from '@aws-sdk/client-organizations';
import { STSClient, type Credentials } from '@aws-sdk/client-sts';
import assert from 'node:assert/strict';
import type { Cloud } from '../../../src/cloud/index.ts';
import { central, configOf, dev, type Keys } from '../support.ts';

export { central, dev };

/** Keys as IAM or STS answers them. */
export function keysOf(
  made: { AccessKeyId?: string | undefined; SecretAccessKey?: string | undefined } & Partial<Credentials>,
): Keys {
  return { accessKeyId: made.AccessKeyId!, secretAccessKey: made.SecretAccessKey!, sessionToken: made.SessionToken };
}

export interface Clients {
  readonly iam: IAMClient;
  readonly sts: STSClient;
  readonly organizations: OrganizationsClient;
}

/** Clients that sign with `keys`, or as the `admin` of an account. */
export function clientsOf(cloud: Cloud, keys: Keys | string): Clients {
  const options = configOf(cloud, typeof keys === 'string' ? cloud.credentials.accounts[keys]! : keys);
  return { iam: new IAMClient(options), sts: new STSClient(options), organizations: new OrganizationsClient(options) };
}

export function rootKeys(cloud: Cloud, account: string): Keys {
  return cloud.credentials.accounts[account]!.root;
}

export type Statement = Readonly<Record<string, unknown>>;

export function document(...statements: Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

export function allow(action: string | readonly string[], resource = '*', more: Statement = {}): Statement {
  return { Effect: 'Allow', Action: action, Resource: resource, ...more };
}

export function trust(principal: unknown, more: Statement = {}): string {
  return document({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole', ...more });
}

/** Makes a user with an access key, and with the statements as its inline policy when there are any. */
export async function makeUser({ iam }: Clients, UserName: string, ...statements: Statement[]): Promise<Keys> {
  await iam.send(new CreateUserCommand({ UserName }));
  if (statements.length > 0) {
    const PolicyDocument = document(...statements);
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'own', PolicyDocument }));
  }
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return keysOf(AccessKey!);
}

/** Expects AWS's refusal: code (without `Exception`), and a part of the message. */
export async function refused(call: Promise<unknown>, code: string, message: string | RegExp = ''): Promise<void> {
  await assert.rejects(call, (error: Error & { Code?: string }) => {
    assert.equal((error.Code ?? error.name).replace(/Exception$/, ''), code, error.message);
    if (typeof message === 'string') assert.ok(error.message.includes(message), error.message);
    else assert.match(error.message, message);
    return true;
  });
}
