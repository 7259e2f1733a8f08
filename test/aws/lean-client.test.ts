// The lean client beside the SDK it stands in for, both against the embedded AWS: same results, same errors.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as iamSdk from '@aws-sdk/client-iam';
import * as stsSdk from '@aws-sdk/client-sts';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { leanClient, leanClientAs, QueryTransport } from '../../src/aws/index.ts';
import { queryOperation, UnknownSchema } from '../../src/aws/query-schema.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';

const account = '222222222222';
const { IAMClient } = iamSdk;

interface Sent {
  readonly $metadata: { readonly httpStatusCode?: number; readonly requestId?: string };
}

// The SDK's types know each command by itself and have none for any of them.
function sent(client: iamSdk.IAMClient, command: object): Promise<Sent> {
  return client.send(command as iamSdk.GetUserCommand);
}

describe('a lean client', () => {
  let cloud: Cloud;
  let sdk: iamSdk.IAMClient;
  let lean: iamSdk.IAMClient;
  const transport = new QueryTransport({ connectMillis: 20_000, requestMillis: 20_000 });
  const parts = { transport, random: systemRandom, clock: systemClock };
  const options = () => {
    const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[account]!;
    return { endpoint: cloud.endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } };
  };
  const fault = async (body: object): Promise<void> => {
    const headers = { 'x-stint-control': cloud.credentials.controlToken, 'content-type': 'application/json' };
    const url = `${cloud.endpoint}/_stint/faults`;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, connection: 'close' },
      body: JSON.stringify({ when: 'before', count: 1, ...body }),
    });
    assert.equal(answer.status, 200, await answer.text());
  };

  before(async () => {
    cloud = await startCloud();
    sdk = new IAMClient(options());
    lean = leanClient(new IAMClient(options()), parts);
    // The first call goes the SDK's way, and shows where AWS is.
    await lean.send(new iamSdk.ListUsersCommand({}));
  });
  after(async () => {
    for (const client of [sdk, lean, transport]) client.destroy();
    await cloud.stop();
  });

  const same = async (command: object): Promise<unknown> => {
    const [{ $metadata: one, ...left }, { $metadata: other, ...right }] = await Promise.all([
      sent(sdk, command),
      sent(lean, command),
    ]);
    assert.deepEqual(right, left);
    assert.equal(other.httpStatusCode, one.httpStatusCode);
    assert.match(String(other.requestId), /^[\w-]{20,}$/);
    return right;
  };
  const sameRefusal = async (command: object): Promise<void> => {
    const refused = async (client: iamSdk.IAMClient): Promise<object> => {
      const error = await sent(client, command).then(
        () => assert.fail('was answered'),
        (thrown: unknown) => thrown as Error & { $metadata: { httpStatusCode: number; attempts: number } },
      );
      const { httpStatusCode, attempts } = error.$metadata;
      return { name: error.name.replace(/Exception$/, ''), message: error.message, httpStatusCode, attempts };
    };
    assert.deepEqual(await refused(lean), await refused(sdk));
  };

  test('answers as the SDK does: lists, times, numbers, flags, and texts of any characters', async () => {
    const odd = 'a+b=c é ñ 日本 @_./:-';
    const UserName = 'odd+=,.@-_user';
    await lean.send(
      new iamSdk.CreateUserCommand({
        UserName,
        Path: '/a/b/',
        Tags: [
          { Key: 'odd', Value: odd },
          { Key: 'empty', Value: '' },
        ],
      }),
    );
    const found = (await same(new iamSdk.GetUserCommand({ UserName }))) as iamSdk.GetUserCommandOutput;
    assert.equal(found.User?.Tags?.[0]?.Value, odd);
    assert.ok(found.User?.CreateDate instanceof Date);
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: "arn:aws:s3:::a'b(c)*!&<>" }],
    });
    await lean.send(new iamSdk.PutUserPolicyCommand({ UserName, PolicyName: 'inline', PolicyDocument }));
    await lean.send(new iamSdk.CreateAccessKeyCommand({ UserName }));
    await same(new iamSdk.GetUserPolicyCommand({ UserName, PolicyName: 'inline' }));
    await same(new iamSdk.ListAccessKeysCommand({ UserName }));
    await same(new iamSdk.ListUserPoliciesCommand({ UserName }));
    await same(new iamSdk.ListAttachedUserPoliciesCommand({ UserName }));
    await same(new iamSdk.ListUsersCommand({ MaxItems: 1, PathPrefix: '/' }));
    await same(new iamSdk.ListPoliciesCommand({ Scope: 'AWS', OnlyAttached: false, MaxItems: 3 }));
    await same(new iamSdk.ListGroupsForUserCommand({ UserName }));
    await same(new iamSdk.GetAccountSummaryCommand({}));
  });

  test('knows every operation of IAM and STS but those with maps and binary data', () => {
    const unknown: string[] = [];
    for (const [name, made] of Object.entries({ ...iamSdk, ...stsSdk })) {
      if (!name.endsWith('Command') || !/^[A-Z]/.test(name)) continue;
      const command = new (made as new (input: object) => { readonly schema?: unknown })({});
      if (command.schema === undefined) continue;
      try {
        queryOperation(command.schema);
      } catch (error) {
        assert.ok(error instanceof UnknownSchema, String(error));
        unknown.push(name.replace(/Command$/, ''));
      }
    }
    assert.ok(unknown.includes('CreateVirtualMFADevice'), unknown.join());
    assert.ok(unknown.length < 15, unknown.join());
  });

  test('pages as the SDK does', async () => {
    for (const UserName of ['page-1', 'page-2', 'page-3']) await lean.send(new iamSdk.CreateUserCommand({ UserName }));
    const names: string[] = [];
    for await (const page of iamSdk.paginateListUsers({ client: lean, pageSize: 1 }, {})) {
      names.push(...(page.Users ?? []).map(({ UserName = '' }) => UserName));
    }
    assert.deepEqual(
      names.filter((name) => name.startsWith('page-')),
      ['page-1', 'page-2', 'page-3'],
    );
  });

  test('is refused as the SDK is', async () => {
    await sameRefusal(new iamSdk.GetUserCommand({ UserName: 'nobody' }));
    await sameRefusal(new iamSdk.CreateUserCommand({ UserName: 'not a name' }));
    await sameRefusal(new iamSdk.PutUserPolicyCommand({ UserName: 'nobody', PolicyName: 'p', PolicyDocument: '{' }));
    await sameRefusal(
      new iamSdk.AttachUserPolicyCommand({ UserName: 'nobody', PolicyArn: 'arn:aws:iam::aws:policy/None' }),
    );
  });

  test('tries again what is throttled or broken, says how often, and no more often than it may', async () => {
    const order = { service: 'iam', operation: 'ListGroups', error: { code: 'Throttling', status: 400 } };
    await fault({ ...order, count: 1 });
    assert.equal((await lean.send(new iamSdk.ListGroupsCommand({}))).$metadata.attempts, 2);
    await fault({ ...order, error: { code: 'ServiceFailure', status: 500 }, count: 9 });
    await assert.rejects(
      lean.send(new iamSdk.ListGroupsCommand({})),
      (error: Error & { $metadata: { attempts: number } }) => {
        assert.deepEqual([error.name, error.$metadata.attempts], ['ServiceFailure', 3]);
        return true;
      },
    );
  });

  test('gives up an AWS that does not answer', async () => {
    const impatient = new QueryTransport({ connectMillis: 20_000, requestMillis: 200 });
    const once = leanClient(new IAMClient({ ...options(), maxAttempts: 1 }), { ...parts, transport: impatient });
    // The SDK's own way, so that the next one is the transport's.
    await once.send(new iamSdk.ListRolesCommand({}));
    await fault({ service: 'iam', operation: 'ListRoles', hang: true });
    await assert.rejects(once.send(new iamSdk.ListRolesCommand({})), { name: 'TimeoutError' });
    for (const client of [once, impatient]) client.destroy();
  });

  test('signs with other keys when told to, also with those of a session', async () => {
    const UserName = 'other';
    await lean.send(new iamSdk.CreateUserCommand({ UserName }));
    const { AccessKey } = await lean.send(new iamSdk.CreateAccessKeyCommand({ UserName }));
    const keys = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
    const other = leanClientAs(lean, keys, () => assert.fail('not needed'));
    await assert.rejects(other.send(new iamSdk.ListUsersCommand({})), /user\/other is not authorized/);
    await lean.send(new iamSdk.ListUsersCommand({}));
    const sts = leanClient(new STSClient(options()), parts);
    const trust = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' }],
    };
    await lean.send(new iamSdk.CreateRoleCommand({ RoleName: 'r', AssumeRolePolicyDocument: JSON.stringify(trust) }));
    await sts.send(new GetCallerIdentityCommand({}));
    const assume = new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${account}:role/r`,
      RoleSessionName: 'me',
      Tags: [],
    });
    const { Credentials } = await sts.send(assume);
    assert.ok(Credentials?.Expiration instanceof Date);
    const session = {
      accessKeyId: Credentials.AccessKeyId!,
      secretAccessKey: Credentials.SecretAccessKey!,
      sessionToken: Credentials.SessionToken!,
    };
    const as = leanClientAs(sts, session, () => assert.fail('not needed'));
    assert.match(String((await as.send(new GetCallerIdentityCommand({}))).Arn), /assumed-role\/r\/me$/);
    sts.destroy();
  });
});
