// What crash and fault tests share: an embedded AWS, a server process that can be killed, the keys that anybody was
// ever given, and the books, which must be right whatever happened.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  ListAccessKeysCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import {
  account,
  configureAws,
  keyLives,
  leasesOf,
  testCloud,
  until,
  type SeenLease,
  type TestCloud,
} from '../broker/aws-support.ts';
import { startServerProcess, type ServerProcess } from '../broker/server-process.ts';
import { temporaryFolder, type Reply } from '../broker/support.ts';

interface Given {
  readonly leaseId: string;
  readonly lives: () => Promise<boolean>;
}

export interface World extends TestCloud {
  server: ServerProcess;
  /** Starts a server on the same store; the one before is gone. */
  restart(): Promise<void>;
  /** Asks for credentials of the role and keeps what it is given. */
  lend(role: string, token?: string): Promise<Reply>;
  /** Requests for credentials so far. */
  requests: number;
  /** Whose end nobody has seen yet. */
  readonly given: Given[];
}

/** Longer than all moves of the clock by `settled` together, so that nothing ends by itself meanwhile. */
const leaseTime = '100h';

export async function crashWorld(t: TestContext, environment: Readonly<Record<string, string>> = {}): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const folder = temporaryFolder((remove) => t.after(remove));
  const start = (): Promise<ServerProcess> => startServerProcess(folder, { killable: true, environment });
  const server = await start();
  await configureAws(server, cloud.cloud);
  await server.call('POST', '/v1/sys/mounts/aws/tune', { body: { max_lease_ttl: '400h' } });
  await server.call('POST', '/v1/aws/config/lease', { body: { lease: leaseTime, lease_max: '400h' } });
  await makeLentRole(cloud.admin);
  await server.call('POST', '/v1/aws/config/root', { body: await makeUsers(cloud.admin) });
  const body = { credential_type: 'assumed_role', role_arns: `arn:aws:iam::${account}:role/lent` };
  await server.call('POST', '/v1/aws/roles/session', { body });
  const world: World = {
    ...cloud,
    server,
    requests: 0,
    given: [],
    restart: async () => {
      await cloud.control('DELETE', 'faults');
      world.server = await start();
    },
    lend: (role, token) => lend(world, t, role, token),
  };
  t.after(() => world.server.kill());
  return world;
}

/** The user that the mount acts as, and the user of its static role. */
export const lender = 'lender';
export const adopted = 'jane-doe';

/** Returns what config/root is to hold: an administrator's key that may be rotated. */
async function makeUsers(admin: IAMClient): Promise<object> {
  for (const UserName of [lender, adopted]) await admin.send(new CreateUserCommand({ UserName }));
  const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
  await admin.send(new AttachUserPolicyCommand({ UserName: lender, PolicyArn }));
  const { AccessKey } = await admin.send(new CreateAccessKeyCommand({ UserName: lender }));
  return { access_key: AccessKey!.AccessKeyId, secret_key: AccessKey!.SecretAccessKey };
}

export async function keysOf({ admin }: World, UserName: string): Promise<readonly (string | undefined)[]> {
  const { AccessKeyMetadata = [] } = await admin.send(new ListAccessKeysCommand({ UserName }));
  return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId);
}

async function makeLentRole(admin: IAMClient): Promise<void> {
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' }],
  };
  await admin.send(new CreateRoleCommand({ RoleName: 'lent', AssumeRolePolicyDocument: JSON.stringify(trust) }));
}

async function lend(world: World, t: TestContext, role: string, token = 'root'): Promise<Reply> {
  world.requests++;
  const reply = await world.server.call('GET', `/v1/aws/creds/${role}`, { token });
  if (reply.status !== 200) return reply;
  const {
    access_key: accessKeyId,
    secret_key: secretAccessKey,
    session_token: sessionToken,
  } = reply.body.data as Record<string, string>;
  const credentials = { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! };
  const leaseId = reply.body['lease_id'] as string;
  if (sessionToken === undefined || sessionToken === null) {
    const client = world.as(credentials.accessKeyId, credentials.secretAccessKey);
    world.given.push({ leaseId, lives: () => keyLives(client) });
    return reply;
  }
  const { endpoint } = world.cloud;
  const client = new STSClient({ endpoint, region: 'us-east-1', credentials: { ...credentials, sessionToken } });
  t.after(() => client.destroy());
  world.given.push({ leaseId, lives: () => sessionLives(client) });
  return reply;
}

async function sessionLives(client: STSClient): Promise<boolean> {
  try {
    await client.send(new GetCallerIdentityCommand({}));
    return true;
  } catch (error) {
    if ((error as Error).name.startsWith('ExpiredToken')) return false;
    throw error;
  }
}

/** Only time ends a session: one whose grant broke off stays unverified until its time is over. */
function isSession(id: string): boolean {
  return id.startsWith('aws/creds/session/');
}

/** Every lease, once nothing is half-done any more. Six minutes pass: then AWS can no longer be late. */
export async function settled(world: World): Promise<readonly SeenLease[]> {
  await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: '6m' } });
  let leases: readonly SeenLease[] = [];
  await until('nothing is half-done', async () => {
    leases = await leasesOf(world.server);
    return leases.every(({ id, state }) => ['active', 'dead', 'expired'].includes(state) || isSession(id));
  });
  return leases;
}

/**
 * INVARIANT after any crash: a user in IAM for each active lease of one and no other (no orphan), every lease that was
 * answered is known (none lost), its key works as long as it is active and no longer, and no more leases than requests.
 */
export async function checkBooks(world: World): Promise<readonly SeenLease[]> {
  const leases = await settled(world);
  assert.ok(leases.length <= world.requests, `${world.requests} requests made ${leases.length} leases`);
  const active = leases.filter(({ state }) => state === 'active').map(({ id }) => id);
  const withUser = active.filter((id) => id.startsWith('aws/creds/deploy/'));
  assert.equal((await world.lentUsers()).length, withUser.length, 'users in IAM are those of the active leases');
  // A key that was refused is not looked at again: its user is gone.
  for (const one of world.given.splice(0)) {
    const { leaseId } = one;
    assert.ok(
      leases.some(({ id }) => id === leaseId),
      `the lease ${leaseId} was answered and is known`,
    );
    assert.equal(await one.lives(), active.includes(leaseId), `the key of ${leaseId}`);
    if (active.includes(leaseId)) world.given.push(one);
  }
  return leases;
}

/** When the time of every lease is over (but not yet that of its record), on both clocks, nothing that was ever lent works and nothing is left in IAM. */
export async function checkAllEnd(world: World): Promise<void> {
  await world.control('POST', 'clock', { advance: '401h' });
  await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: '401h' } });
  const leases = await checkBooks(world);
  assert.deepEqual(
    leases.filter(({ state }) => state === 'active'),
    [],
  );
}
