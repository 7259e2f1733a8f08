// `auth/aws/config/rotate-root`: the keys that the method asks AWS with are replaced, also where AWS fails in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListAccessKeysCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { awsAuth, told, type After, type AwsAuth } from './aws-auth-mount.ts';
import { until } from './aws-support.ts';
import type { Reply } from './support.ts';

interface Rotating extends AwsAuth {
  readonly first: string;
  readonly rotate: () => Promise<Reply>;
  /** Keys of the user in IAM. */
  readonly keys: () => Promise<readonly string[]>;
  readonly configured: () => Promise<unknown>;
}

/** A mount with the keys of a user who may change them. */
async function rotating(after: After): Promise<Rotating> {
  const auth = await awsAuth(after);
  const keys = await auth.user('root');
  const Action = ['iam:GetUser', 'iam:*AccessKey*'];
  const allow = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] };
  const PolicyDocument = JSON.stringify(allow);
  await auth.admin.send(new PutUserPolicyCommand({ UserName: 'root', PolicyName: 'keys', PolicyDocument }));
  await auth.config({ access_key: keys.accessKeyId, secret_key: keys.secretAccessKey });
  return {
    ...auth,
    first: keys.accessKeyId,
    rotate: () => auth.broker.call('POST', '/v1/auth/aws/config/rotate-root'),
    keys: async () => {
      const { AccessKeyMetadata = [] } = await auth.admin.send(new ListAccessKeysCommand({ UserName: 'root' }));
      return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!);
    },
    configured: async () => (await auth.broker.call('GET', '/v1/auth/aws/config/client')).body.data['access_key'],
  };
}

test('the keys of the configuration are rotated, and the former ones are gone', async (t) => {
  const auth = await rotating((end) => t.after(end));
  const rotated = await auth.rotate();
  assert.equal(rotated.status, 200);
  const [key] = await auth.keys();
  assert.deepEqual([rotated.body.data['access_key'], await auth.configured(), await auth.keys()], [key, key, [key]]);
  assert.notEqual(key, auth.first);
  assert.equal((await auth.rotate()).status, 200, 'with the new keys');
});

test('who is refused because a rotation broke off does not put off the look at that one', async (t) => {
  const auth = await rotating((end) => t.after(end));
  const error = { code: 'ServiceFailure', status: 500 };
  const lost = { service: 'iam', operation: 'CreateAccessKey', when: 'after', error, count: 1 };
  await auth.control('POST', 'faults', lost);
  assert.equal((await auth.rotate()).status, 500);
  assert.equal((await auth.keys()).length, 2);
  await auth.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '61s' } });
  assert.deepEqual(told(await auth.rotate()), [400, 'a rotation is under way']);
  await auth.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '61s' } });
  await until('the lost key is gone', async () => (await auth.keys()).length === 1);
  assert.deepEqual(await auth.keys(), [auth.first]);
});

test('a rotation that breaks off leaves no key behind that nobody knows', async (t) => {
  const auth = await rotating((end) => t.after(end));
  for (const [operation, when, text, isFormer] of [
    ['CreateAccessKey', 'after', /error calling CreateAccessKey: /, true],
    ['CreateAccessKey', 'before', /error calling CreateAccessKey: /, true],
    ['DeleteAccessKey', 'before', /error deleting old access key ID /, false],
    ['DeleteAccessKey', 'after', /error deleting old access key ID /, false],
  ] as const) {
    const before = await auth.configured();
    const error = { code: 'ServiceFailure', status: 500 };
    await auth.control('POST', 'faults', { service: 'iam', operation, when, error, count: 1 });
    // Its key is gone before the rotation before is forgotten; until then the next one is refused, and calls nothing.
    let reply = await auth.rotate();
    await until('the one before is done with', async () => {
      if (reply.status === 400) reply = await auth.rotate();
      return reply.status !== 400;
    });
    const [status, told500] = told(reply);
    assert.equal(status, 500);
    assert.match(String(told500), text);
    await auth.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '121s' } });
    await until('one key is left', async () => (await auth.keys()).length === 1);
    const [left] = await auth.keys();
    assert.equal(left, await auth.configured());
    assert.equal(left === before, isFormer, `${operation} ${when}`);
  }
  await until('the last one is done with', async () => (await auth.rotate()).status === 200);
});
