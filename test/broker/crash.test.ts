// The promise of the ledger, tried: the server is killed with SIGKILL between any two AWS calls of a
// grant and of a revoke, and starts again. Real processes, a real HTTP AWS; the embedded AWS holds
// the n-th call so that the kill falls into exactly that gap. Every account is a lane with a gap of its own, so
// that one kill tries four. No orphan, no lost lease, no double grant.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { configureAws, keyLives, leasesOf, testCloud, until, type SeenLease, type TestCloud } from './aws-support.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';
import { temporaryFolder, type Reply } from './support.ts';

/** A gap: where the embedded AWS holds the server. */
interface Gap {
  readonly when: 'before' | 'after';
  readonly nth: number;
}

/** A mount that lends in an account of its own. */
interface Lane {
  readonly mount: string;
  readonly account: string;
}

/** A piece of work in a lane and the gap it is to be killed in. */
interface Attempt {
  readonly lane: Lane;
  readonly gap: Gap;
  readonly work: () => Promise<Reply>;
}

interface World extends TestCloud {
  server: ServerProcess;
  restart(): Promise<void>;
  readonly lanes: readonly Lane[];
  /** Requests for a lease so far. */
  requests: number;
  /** Every key that a client was ever given. */
  readonly keys: { readonly leaseId: string; readonly client: ReturnType<TestCloud['as']> }[];
}

async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const folder = temporaryFolder((remove) => t.after(remove));
  const server = await startServerProcess(folder);
  const accounts = Object.keys(cloud.cloud.credentials.accounts);
  const lanes = accounts.map((account) => ({ mount: `aws-${account}`, account }));
  for (const { mount, account } of lanes) {
    await configureAws(server, cloud.cloud, { mount, id: account });
    // Longer than all the clock moves of a test together, so that nothing ends by itself meanwhile.
    await server.call('POST', `/v1/${mount}/config/lease`, { body: { lease: '100h', lease_max: '200h' } });
  }
  const made: World = {
    ...cloud,
    server,
    lanes,
    requests: 0,
    keys: [],
    restart: async () => {
      await made.server.kill();
      await cloud.control('DELETE', 'faults');
      made.server = await startServerProcess(folder);
    },
  };
  t.after(() => made.server.kill());
  return made;
}

/**
 * Does all the work at once, kills the server when each piece hangs in its gap or is answered, starts it again and
 * checks the books. The replies, undefined where the work was killed: one that was answered has no such gap.
 */
async function killIn(here: World, attempts: readonly Attempt[]): Promise<readonly (Reply | undefined)[]> {
  const { control, server } = here;
  for (const { lane, gap } of attempts) {
    const order = { service: 'iam', operation: '*', hang: true, count: 1, account: lane.account, ...gap };
    await control('POST', 'faults', order);
  }
  const replies: (Reply | undefined)[] = attempts.map(() => undefined);
  const working = attempts.map(({ work }, index) =>
    work().then(
      (answered) => void (replies[index] = answered),
      () => undefined,
    ),
  );
  await until('every call hangs or is answered', async () => {
    const { faults } = (await control('GET', 'faults')) as { faults: { seen: number }[] };
    return attempts.every(({ gap }, index) => replies[index] !== undefined || faults[index]!.seen >= gap.nth);
  });
  await server.kill();
  await Promise.all(working);
  return replies;
}

async function settled(world: World): Promise<readonly SeenLease[]> {
  await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: '6m' } });
  let leases: readonly SeenLease[] = [];
  await until('nothing is half-done', async () => {
    leases = await leasesOf(world.server);
    return leases.every(({ state }) => ['active', 'dead', 'expired'].includes(state));
  });
  return leases;
}

/**
 * INVARIANT of every gap: a user in the IAM of its account for each active lease and no other; a key that works for
 * each active lease and no other.
 */
async function checkBooks(world: World): Promise<readonly SeenLease[]> {
  const leases = await settled(world);
  assert.ok(leases.length <= world.requests, `${world.requests} requests made ${leases.length} leases`);
  const active = leases.filter(({ state }) => state === 'active').map(({ id }) => id);
  for (const { mount, account } of world.lanes) {
    const own = active.filter((id) => id.startsWith(`${mount}/`));
    const users = await world.lentUsers(account);
    assert.equal(users.length, own.length, `users in IAM of ${account} are those of the active leases`);
  }
  for (const { leaseId, client } of world.keys) {
    assert.ok(
      leases.some(({ id }) => id === leaseId),
      `the lease ${leaseId} was answered and is known`,
    );
    assert.equal(await keyLives(client), active.includes(leaseId), `the key of ${leaseId}`);
  }
  return leases;
}

function grant(world: World, { mount }: Lane): Promise<Reply> {
  world.requests++;
  return world.server.call('GET', `/v1/${mount}/creds/deploy`);
}

function keep(world: World, { body }: Reply): string {
  const leaseId = body['lease_id'] as string;
  world.keys.push({ leaseId, client: world.as(body.data['access_key'] as string, body.data['secret_key'] as string) });
  return leaseId;
}

test('killed in any gap of a grant, the server restarts with no orphan and no lost lease', async (t) => {
  const here = await world(t);
  const tryGaps = async (gaps: readonly Gap[]): Promise<readonly boolean[]> => {
    const attempts = gaps.map((gap, index) => {
      const lane = here.lanes[index]!;
      return { lane, gap, work: () => grant(here, lane) };
    });
    const replies = await killIn(here, attempts);
    for (const reply of replies) if (reply !== undefined) keep(here, reply);
    await here.restart();
    await checkBooks(here);
    return replies.map((reply) => reply === undefined);
  };
  // Before each of CreateUser, AttachUserPolicy, PutUserPolicy, CreateAccessKey, which are all there is; and after the
  // last of them, when the key exists and the lease is not recorded yet.
  const calls = [1, 2, 3, 4];
  assert.deepEqual(await tryGaps(calls.map((nth) => ({ when: 'before', nth }))), [true, true, true, true]);
  const last = await tryGaps([
    { when: 'before', nth: 5 },
    { when: 'after', nth: 4 },
  ]);
  assert.deepEqual(last, [false, true]);
  // The lease was durable when it was answered: killed right then, it still lives, and ends when asked.
  const { mount, account } = here.lanes[0]!;
  assert.equal((await here.lentUsers(account)).length, 1);
  await here.server.call('PUT', `/v1/sys/leases/revoke-prefix/${mount}`);
  assert.deepEqual(await here.lentUsers(account), []);
});

test('killed in any gap of a revoke, the server restarts and finishes it', async (t) => {
  const here = await world(t);
  let gaps = 0;
  for (let first = 1, more = true; more; first += here.lanes.length) {
    const attempts = await Promise.all(
      here.lanes.map(async (lane, index): Promise<Attempt & { lease: string }> => {
        const lease = keep(here, await grant(here, lane));
        const body = { lease_id: lease };
        const work = () => here.server.call('PUT', '/v1/sys/leases/revoke', { body });
        return { lane, gap: { when: 'before', nth: first + index }, work, lease };
      }),
    );
    const replies = await killIn(here, attempts);
    await here.restart();
    const leases = await checkBooks(here);
    for (const { lease } of attempts) assert.equal(leases.find(({ id }) => id === lease)?.state, 'dead');
    gaps += replies.filter((reply) => reply === undefined).length;
    more = replies.every((reply) => reply === undefined);
  }
  // Two looks at the user, its keys, attachments, inline policies and groups listed, what is there removed, the user deleted.
  assert.ok(gaps >= 9, `${gaps} gaps`);
  for (const { account } of here.lanes) assert.deepEqual(await here.lentUsers(account), []);
});
