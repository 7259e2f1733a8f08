// Killed with SIGKILL around any AWS call of ending a session, the server restarts and finishes: the session is
// refused and its lease dead, and the other session of the same role goes on.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { CreateRoleCommand, ListRolePoliciesCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { configureAws, leasesOf, testCloud, until, type TestCloud } from '../broker/aws-support.ts';
import { startServerProcess, type ServerProcess } from '../broker/server-process.ts';
import { temporaryFolder, type Reply } from '../broker/support.ts';

interface Gap {
  readonly service: 'iam' | 'sts';
  readonly when: 'before' | 'after';
  readonly nth: number;
}

const ends: readonly Gap[] = [
  // Before the first and the last try of the session, which AWS refuses either way; around the writing of
  // the policy and its reading back.
  { service: 'sts', when: 'before', nth: 1 },
  { service: 'iam', when: 'before', nth: 1 },
  { service: 'iam', when: 'after', nth: 1 },
  { service: 'iam', when: 'before', nth: 2 },
  { service: 'iam', when: 'after', nth: 2 },
  { service: 'sts', when: 'before', nth: 2 },
];

interface Lane {
  readonly mount: string;
  readonly account: string;
}

interface World extends TestCloud {
  server: ServerProcess;
  readonly folder: string;
  readonly lanes: readonly Lane[];
}

const may = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
});

async function prepare(cloud: TestCloud, server: ServerProcess, { mount, account }: Lane): Promise<void> {
  await configureAws(server, cloud.cloud, { mount, id: account });
  const admin = adminOf(cloud, account);
  const trust = { Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:SetSourceIdentity'], Principal: { AWS: account } };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  await admin.send(new CreateRoleCommand({ RoleName: 'target', AssumeRolePolicyDocument, MaxSessionDuration: 43_200 }));
  await admin.send(new PutRolePolicyCommand({ RoleName: 'target', PolicyName: 'may', PolicyDocument: may }));
  const role_arns = `arn:aws:iam::${account}:role/target`;
  const body = { credential_type: 'assumed_role', role_arns, revoke_strength: 'denies', default_sts_ttl: '12h' };
  assert.equal((await server.call('POST', `/v1/${mount}/roles/target`, { body })).status, 204);
}

function adminOf({ as, cloud }: TestCloud, account: string): ReturnType<TestCloud['as']> {
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[account]!;
  return as(accessKeyId, secretAccessKey);
}

async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end), 'all');
  const folder = temporaryFolder((remove) => t.after(remove));
  const server = await startServerProcess(folder);
  const lanes = Object.keys(cloud.cloud.credentials.accounts).map((account) => ({ mount: `aws-${account}`, account }));
  for (const lane of lanes) await prepare(cloud, server, lane);
  const made: World = { ...cloud, server, folder, lanes };
  t.after(() => made.server.kill());
  return made;
}

async function works(t: TestContext, { cloud }: TestCloud, { body: { data } }: Reply): Promise<boolean> {
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
  return s3.send(new ListBucketsCommand({})).then(
    () => true,
    (error: unknown) => {
      assert.equal((error as Error).name, 'AccessDenied');
      return false;
    },
  );
}

/** Does the work of every lane at once and kills the server when each hangs in its gap. */
async function killIn(
  here: World,
  gaps: readonly Gap[],
  work: (lane: Lane, at: number) => Promise<unknown>,
): Promise<void> {
  const lanes = here.lanes.slice(0, gaps.length);
  for (const [at, { account }] of lanes.entries()) {
    await here.control('POST', 'faults', { operation: '*', hang: true, count: 1, account, ...gaps[at] });
  }
  let answered = 0;
  const working = lanes.map((lane, at) =>
    work(lane, at).then(
      () => void answered++,
      () => undefined,
    ),
  );
  await until('every call hangs', async () => {
    const { faults } = (await here.control('GET', 'faults')) as { faults: { seen: number }[] };
    return faults.every(({ seen }, at) => seen >= gaps[at]!.nth);
  });
  await here.server.kill();
  await Promise.all(working);
  assert.equal(answered, 0, 'every gap was there');
  await here.control('DELETE', 'faults');
  here.server = await startServerProcess(here.folder);
}

async function settled(here: World): Promise<void> {
  await here.server.call('POST', '/v1/stint/dev/clock', { body: { advance: '6m' } });
  await until('nothing is half-done', async () =>
    (await leasesOf(here.server)).every(({ state }) => ['active', 'dead', 'expired'].includes(state)),
  );
}

for (const gaps of [ends.slice(0, 4), ends.slice(4)]) {
  test(`killed ${gaps.map(({ service, when, nth }) => `${when} call ${nth} of ${service}`).join(', ')}, a revoke is finished`, async (t) => {
    const here = await world(t);
    const lend = ({ mount }: Lane): Promise<Reply> => here.server.call('GET', `/v1/${mount}/creds/target`);
    const ended = await Promise.all(here.lanes.map(lend));
    const others = await Promise.all(here.lanes.map(lend));
    await killIn(here, gaps, async (_, at) =>
      here.server.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: ended[at]!.body['lease_id'] } }),
    );
    await settled(here);
    const leases = await leasesOf(here.server);
    for (const [at] of gaps.entries()) {
      assert.equal(await works(t, here, ended[at]!), false, `revoked ${at}`);
      assert.equal(await works(t, here, others[at]!), true, `other ${at}`);
      assert.equal(leases.find(({ id }) => id === ended[at]!.body['lease_id'])?.state, 'dead');
    }
  });
}

test('killed after AWS issued a session and before its lease was recorded, the session is refused', async (t) => {
  const here = await world(t);
  const gap = { service: 'sts', when: 'after', nth: 1 } as const;
  // The first asks who the key is and whether it may write the role, so that AssumeRole is the next call.
  for (const { mount } of here.lanes)
    assert.equal((await here.server.call('GET', `/v1/${mount}/creds/target`)).status, 200);
  await killIn(here, [gap, gap, gap, gap], async ({ mount }) => here.server.call('GET', `/v1/${mount}/creds/target`));
  await settled(here);
  for (const { account } of here.lanes) {
    const { PolicyNames } = await adminOf(here, account).send(new ListRolePoliciesCommand({ RoleName: 'target' }));
    assert.equal(PolicyNames!.filter((name) => name.startsWith('StintRevoke-')).length, 1);
  }
  assert.deepEqual((await leasesOf(here.server)).map(({ state }) => state).sort(), [
    ...Array.from({ length: 4 }, () => 'active'),
    ...Array.from({ length: 4 }, () => 'dead'),
  ]);
});
