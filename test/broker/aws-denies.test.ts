// Sessions of roles end before their time: the revoked one is refused by AWS, others of the same role go on.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
    // One that was deleted since it was listed is none.
    const { PolicyDocument } = await admin
      .send(new Iam.GetRolePolicyCommand({ RoleName: 'target', PolicyName }))
      .catch((error: Error) => {
        if (error.name.startsWith('NoSuchEntity')) return { PolicyDocument: undefined };
        throw error;
      });
    if (PolicyDocument !== undefined) texts[PolicyName] = decodeURIComponent(PolicyDocument);
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

describe('the deny policy of a role', () => {
  test('loses a session when that has run out, and goes with the last one', async (t) => {
    const world = await denyingWorld(t);
    const [short, long] = [await world.lend({ ttl: '15m' }), await world.lend({ ttl: '1h' })];
    await world.revoke(short.leaseId);
    await world.revoke(long.leaseId);
    const [before] = Object.values(await world.policies());
    await world.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '21m' } });
    await until('one mark is left', async () => {
      const [text] = Object.values(await world.policies());
      return text !== undefined && text.length < before!.length;
    });
    assert.equal(await long.works(), false);
    await world.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '45m' } });
    await until('no policy is left', async () => Object.keys(await world.policies()).length === 0);
    assert.deepEqual([...new Set((await leasesOf(world.broker)).map(({ state }) => state))], ['dead']);
  });

  test('goes too when the mount was disabled meanwhile', async (t) => {
    const world = await denyingWorld(t);
    const one = await world.lend({ ttl: '15m' });
    assert.equal((await world.broker.call('DELETE', '/v1/sys/mounts/aws')).status, 204);
    assert.equal(await one.works(), false);
    assert.equal((await world.lease(one.leaseId))?.state, 'dead');
    assert.equal(Object.keys(await world.policies()).length, 1);
    await world.broker.restart();
    await world.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '21m' } });
    await until('no policy is left', async () => Object.keys(await world.policies()).length === 0);
  });

  test('that somebody took away is written again, and the session is refused again', async (t) => {
    const world = await denyingWorld(t);
    const one = await world.lend();
    await world.cloud.control('POST', 'propagation', { iam: '30s' });
    await world.revoke(one.leaseId);
    const [PolicyName] = Object.keys(await world.policies());
    await world.cloud.admin.send(new Iam.DeleteRolePolicyCommand({ RoleName: 'target', PolicyName: PolicyName! }));
    await world.cloud.control('POST', 'propagation', { iam: '0s' });
    assert.equal(await one.works(), true);
    await until('it is dead', async () => {
      await world.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '10s' } });
      return (await world.lease(one.leaseId))?.state === 'dead';
    });
    assert.equal(await one.works(), false);
  });

  test('that AWS refuses to write leaves the lease visible and tried again, until the session is over', async (t) => {
    const world = await denyingWorld(t);
    const one = await world.lend({ ttl: '15m' });
    const error = { code: 'AccessDenied', status: 403, message: 'no longer' };
    await world.cloud.control('POST', 'faults', {
      service: 'iam',
      operation: 'PutRolePolicy',
      when: 'before',
      error,
      count: 1000,
    });
    const refused = await world.revoke(one.leaseId);
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors[0]!, /Error writing the deny policy: AccessDenied/);
    assert.equal((await world.lease(one.leaseId))?.state, 'revoking');
    await world.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '16m' } });
    await until('it is over', async () => (await world.lease(one.leaseId))?.state === 'expired');
  });

  test('is not asked for where the key may not write it: the session ends by time, and the caller is told', async (t) => {
    const world = await denyingWorld(t);
    const error = { code: 'AccessDenied', status: 403, message: 'may not' };
    await world.cloud.control('POST', 'faults', {
      service: 'iam',
      operation: 'DeleteRolePolicy',
      when: 'before',
      error,
      count: 1,
    });
    const one = await world.lend();
    assert.match(String(one.reply.body['warnings']), /ends by time only: .*: the server’s key may not write/);
    assert.equal((await world.lease(one.leaseId))?.strength, 'expires');
    assert.equal((await world.revoke(one.leaseId)).status, 204);
    assert.deepEqual([await one.works(), await world.policies()], [true, {}]);
  });
});

test('the keys kept for the probe are in no answer and no file in clear, and gone when the lease is dead', async (t) => {
  const world = await denyingWorld(t);
  const one = await world.lend();
  const { secret_key: secret, session_token: token } = one.reply.body.data as Record<string, string>;
  const leaked = (text: string): boolean => [secret!, token!, token!.slice(0, 40)].some((part) => text.includes(part));
  for (const path of ['stint/leases', 'sys/leases/lookup/aws/creds/target?list=true', 'aws/stint/roles/target']) {
    assert.equal(leaked(JSON.stringify((await world.broker.call('GET', `/v1/${path}`)).body)), false, path);
  }
  const lookup = await world.broker.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: one.leaseId } });
  assert.equal(leaked(JSON.stringify(lookup.body)), false);
  await world.revoke(one.leaseId);
  assert.equal((await world.lease(one.leaseId))?.state, 'dead');
  assert.equal(leaked(JSON.stringify(world.broker.log)), false);
  const files = readdirSync(world.broker.folder).map((name) => readFileSync(join(world.broker.folder, name), 'latin1'));
  assert.equal(files.some(leaked), false);
});

test('a session whose grant broke off unheard is refused too', async (t) => {
  const world = await denyingWorld(t);
  const error = { code: 'ServiceFailure', status: 500 };
  await world.cloud.control('POST', 'faults', {
    service: 'sts',
    operation: 'AssumeRole',
    when: 'after',
    error,
    count: 1,
  });
  const refused = await world.broker.call('GET', '/v1/aws/creds/target');
  assert.notEqual(refused.status, 200);
  const [lease] = await leasesOf(world.broker);
  assert.deepEqual([lease?.state, lease?.end_reason], ['unverified', 'abandoned']);
  const [text] = Object.values(await world.policies());
  assert.match(text!, /aws:SourceIdentity.*aws:userid/);
});
