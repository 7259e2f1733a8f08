// Sessions of roles end before their time: the revoked one is refused by AWS, others of the same role go on.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import * as Iam from '@aws-sdk/client-iam';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { account, configureAws, leasesOf, testCloud, until, type SeenLease, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

interface Lent {
  readonly leaseId: string;
  readonly reply: Reply;
  /** Whether AWS lets the session do its work. */
  readonly works: () => Promise<boolean>;
}

interface World {
  readonly cloud: TestCloud;
  readonly broker: TestBroker;
  readonly lend: (ask?: object) => Promise<Lent>;
  readonly revoke: (leaseId: string) => Promise<Reply>;
  readonly lease: (leaseId: string) => Promise<SeenLease | undefined>;
  /** The deny policies of the role, by name. */
  readonly policies: () => Promise<Readonly<Record<string, string>>>;
  /** Calls of that name that AWS got from the broker so far. */
  readonly calls: (operation: string) => Promise<number>;
}

const may = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
});

async function denyingWorld(
  t: TestContext,
  { trusted = 'sts:AssumeRole sts:SetSourceIdentity', role = {} } = {},
): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  const statement = { Effect: 'Allow', Action: trusted.split(' '), Principal: { AWS: `arn:aws:iam::${account}:root` } };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await cloud.admin.send(new Iam.CreateRoleCommand({ RoleName: 'target', Path: '/lent/', AssumeRolePolicyDocument }));
  await cloud.admin.send(new Iam.PutRolePolicyCommand({ RoleName: 'target', PolicyName: 'may', PolicyDocument: may }));
  const written = await broker.call('POST', '/v1/aws/roles/target', {
    body: {
      credential_type: 'assumed_role',
      role_arns: `arn:aws:iam::${account}:role/lent/target`,
      revoke_strength: 'denies',
      ...role,
    },
  });
  assert.equal(written.status, 204, JSON.stringify(written.body));
  return {
    cloud,
    broker,
    lend: async (ask = {}) => {
      const reply = await broker.call('POST', '/v1/aws/creds/target', { body: ask });
      assert.equal(reply.status, 200, JSON.stringify(reply.body));
      return { leaseId: String(reply.body['lease_id']), reply, works: sessionOf(t, cloud, reply) };
    },
    revoke: (lease_id) => broker.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } }),
    lease: async (leaseId) => (await leasesOf(broker)).find(({ id }) => id === leaseId),
    policies: () => denyPolicies(cloud),
    calls: async (operation) => {
      const { events } = (await cloud.control('GET', 'events')) as { events: readonly { operation: string }[] };
      return events.filter((event) => event.operation === operation).length;
    },
  };
}

function sessionOf(t: TestContext, { cloud }: TestCloud, { body: { data } }: Reply): () => Promise<boolean> {
  const s3 = new S3Client({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: data['access_key'] as string,
      secretAccessKey: data['secret_key'] as string,
      sessionToken: data['session_token'] as string,
    },
  });
  t.after(() => s3.destroy());
  return async () => {
    try {
      await s3.send(new ListBucketsCommand({}));
      return true;
    } catch (error) {
      assert.equal((error as Error).name, 'AccessDenied');
      return false;
    }
  };
}

async function denyPolicies({ admin }: TestCloud): Promise<Readonly<Record<string, string>>> {
  const { PolicyNames = [] } = await admin.send(new Iam.ListRolePoliciesCommand({ RoleName: 'target' }));
  const texts: Record<string, string> = {};
  for (const PolicyName of PolicyNames) {
    if (!PolicyName.startsWith('StintRevoke-')) continue;
    const { PolicyDocument } = await admin.send(new Iam.GetRolePolicyCommand({ RoleName: 'target', PolicyName }));
    texts[PolicyName] = decodeURIComponent(PolicyDocument!);
  }
  return texts;
}

const ways: readonly {
  readonly name: string;
  readonly trusted?: string;
  readonly role?: object;
  readonly ask?: object;
}[] = [
  { name: 'told by its source identity' },
  { name: 'told by its source identity though its name is the caller’s', ask: { role_session_name: 'alice' } },
  { name: 'told by its name where the trust allows no source identity', trusted: 'sts:AssumeRole' },
  { name: 'told by its name where no source identity is wanted', role: { source_identity: false } },
];

describe('a session of a role that is revoked', () => {
  for (const { name, ask = {}, ...world } of ways) {
    test(`is refused by AWS and dead, and another session of the role goes on: ${name}`, async (t) => {
      const { lend, revoke, lease } = await denyingWorld(t, world);
      const [one, other] = [await lend(ask), await lend(ask)];
      assert.deepEqual([await one.works(), await other.works()], [true, true]);
      assert.equal((await lease(one.leaseId))?.strength, 'denies');
      assert.equal((await revoke(one.leaseId)).status, 204);
      assert.deepEqual([await one.works(), await other.works()], [false, true]);
      assert.equal((await lease(one.leaseId))?.state, 'dead');
      assert.equal((await lease(other.leaseId))?.state, 'active');
      const later = await lend(ask);
      assert.deepEqual([await later.works(), await one.works()], [true, false]);
    });
  }

  test('with a name of the caller’s is told by its name and the time of its issue', async (t) => {
    const world = await denyingWorld(t, { trusted: 'sts:AssumeRole' });
    const ask = { role_session_name: 'alice' };
    const one = await world.lend(ask);
    await world.cloud.control('POST', 'clock', { advance: '1m' });
    const other = await world.lend(ask);
    assert.equal((await world.revoke(one.leaseId)).status, 204);
    assert.deepEqual([await one.works(), await other.works()], [false, true]);
    assert.equal((await world.revoke(other.leaseId)).status, 204);
    assert.deepEqual([await one.works(), await other.works()], [false, false]);
  });

  test('is not dead while AWS has not heard of it everywhere', async (t) => {
    const world = await denyingWorld(t);
    const one = await world.lend();
    await world.cloud.control('POST', 'propagation', { iam: '20s' });
    assert.equal((await world.revoke(one.leaseId)).status, 204);
    assert.deepEqual([await one.works(), (await world.lease(one.leaseId))?.state], [true, 'unverified']);
    await world.cloud.control('POST', 'clock', { advance: '20s' });
    assert.equal(await one.works(), false);
    await world.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '20s' } });
    await until('it is dead', async () => (await world.lease(one.leaseId))?.state === 'dead');
  });

  test('beside 49 others at once is one of few writes, and one policy', async (t) => {
    const world = await denyingWorld(t);
    const lent = await Promise.all(Array.from({ length: 50 }, () => world.lend()));
    const before = await world.calls('PutRolePolicy');
    const replies = await Promise.all(lent.map(({ leaseId }) => world.revoke(leaseId)));
    assert.deepEqual([...new Set(replies.map(({ status }) => status))], [204]);
    const writes = (await world.calls('PutRolePolicy')) - before;
    assert.ok(writes <= 10, `${writes} writes`);
    assert.equal(Object.keys(await world.policies()).length, 1);
    assert.deepEqual([...new Set(await Promise.all(lent.map(({ works }) => works())))], [false]);
    assert.deepEqual([...new Set((await leasesOf(world.broker)).map(({ state }) => state))], ['dead']);
  });
});
