// Throttling on order, judged by the SDK's clients: each service's own code and status, a bucket for each account.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient, ListRolesCommand, ListUsersCommand } from '@aws-sdk/client-iam';
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { ListAccountsCommand, OrganizationsClient } from '@aws-sdk/client-organizations';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { serviceIds, Services } from '../../src/cloud/services/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { throttled } from '../../src/cloud/throttle.ts';
import { central, configOf, control, dev } from './support.ts';

interface Client {
  send(command: never): Promise<unknown>;
}

const asked: readonly (readonly [string, new (config: never) => Client, object, code: string, status: number])[] = [
  ['iam', IAMClient, new ListUsersCommand({}), 'Throttling', 400],
  ['sts', STSClient, new GetCallerIdentityCommand({}), 'Throttling', 400],
  ['organizations', OrganizationsClient, new ListAccountsCommand({}), 'TooManyRequestsException', 400],
  ['s3', S3Client, new ListBucketsCommand({}), 'SlowDown', 503],
  ['ec2', EC2Client, new DescribeInstancesCommand({}), 'RequestLimitExceeded', 503],
  ['kms', KMSClient, new ListKeysCommand({}), 'ThrottlingException', 400],
  ['dynamodb', DynamoDBClient, new ListTablesCommand({}), 'ThrottlingException', 400],
  ['cloudtrail', CloudTrailClient, new LookupEventsCommand({}), 'ThrottlingException', 400],
];

const clientOf = (cloud: Cloud, Client: new (config: never) => Client, account = central): Client =>
  new Client(configOf(cloud, cloud.credentials.accounts[account]!) as never);

async function order(cloud: Cloud, service: string, operation: string, throttle: object, account?: string) {
  const { status, body } = await control(cloud, 'POST', 'faults', { service, operation, throttle, account });
  assert.equal(status, 200, JSON.stringify(body));
  return body['id'];
}

test('each service throttles with its own code and status', async () => {
  await using cloud = await startCloud();
  const services = new Services();
  for (const [service, Client, command, code, status] of asked) {
    // Offered or not, the words are there.
    assert.deepEqual([throttled(service).code, throttled(service).status], [code, status]);
    const offered = (await services.get(service))?.operations ?? {};
    if (!Object.hasOwn(offered, command.constructor.name.replace(/Command$/, ''))) continue;
    const id = await order(cloud, service, '*', { rate: 0, burst: 0 });
    await assert.rejects(clientOf(cloud, Client).send(command as never), (error: never) => {
      const { name, $metadata } = error as { name: string; $metadata: { httpStatusCode: number } };
      assert.deepEqual([name, $metadata.httpStatusCode], [code, status]);
      return true;
    });
    const { body } = await control(cloud, 'GET', 'events');
    const event = (body['events'] as Record<string, unknown>[]).at(-1)!;
    assert.deepEqual([event['errorCode'], event['faultId'], event['decision']], [code, id, null]);
  }
  assert.deepEqual(asked.map(([service]) => service).toSorted(), [...serviceIds].toSorted());
});

test('a burst passes, then as many as the rate lets, by the emulated clock and for each account', async () => {
  await using cloud = await startCloud();
  cloud.clock.freeze(true);
  await order(cloud, 'iam', 'ListUsers', { rate: 2, burst: 3 });
  const passed = async (account: string, calls: number) => {
    let count = 0;
    const iam = clientOf(cloud, IAMClient, account);
    for (let call = 0; call < calls; call++) {
      await iam.send(new ListUsersCommand({}) as never).then(
        () => (count += 1),
        (error: unknown) => assert.equal((error as Error).name, 'Throttling'),
      );
    }
    return count;
  };
  assert.equal(await passed(dev, 5), 3);
  assert.equal(await passed(central, 2), 2, 'another account has a bucket of its own');
  cloud.clock.advance(1000);
  assert.equal(await passed(dev, 5), 2);
  cloud.clock.advance(3_600_000);
  assert.equal(await passed(dev, 5), 3, 'no more than the burst is saved up');
  await clientOf(cloud, IAMClient, dev).send(new ListRolesCommand({}) as never);
});

test('a throttle of one account or one service leaves the others alone, and is listed and removed', async () => {
  await using cloud = await startCloud();
  await order(cloud, 'sts', '*', { rate: 0.1, burst: 0 }, dev);
  const sts = (account: string) => clientOf(cloud, STSClient, account).send(new GetCallerIdentityCommand({}) as never);
  await assert.rejects(sts(dev), { name: 'Throttling' });
  await sts(central);
  const { body } = await control(cloud, 'GET', 'faults');
  const [listed] = body['faults'] as Record<string, unknown>[];
  assert.deepEqual([listed!['throttle'], listed!['seen'], listed!['account']], [{ rate: 0.1, burst: 0 }, 1, dev]);
  await control(cloud, 'DELETE', 'faults');
  await sts(dev);
});
