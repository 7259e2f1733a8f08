// The promise of the ledger, tried: the server is killed with SIGKILL between any two AWS calls of a
// grant and of a revoke, and starts again. Real processes, a real HTTP AWS; the embedded AWS holds
// the n-th call so that the kill falls into exactly that gap. No orphan, no lost lease, no double grant.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { configureAws, keyLives, leasesOf, testCloud, until, type SeenLease, type TestCloud } from './aws-support.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';
import { temporaryFolder, type Reply } from './support.ts';

/** A gap: where the embedded AWS holds the server, or `answered` when it is not held any more. */
interface Gap {
  readonly when: 'before' | 'after';
  readonly nth: number;
}

interface World extends TestCloud {
  server: ServerProcess;
  restart(): Promise<void>;
  /** Every key that a client was ever given. */
  readonly keys: { readonly leaseId: string; readonly client: ReturnType<TestCloud['as']> }[];
}

async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const folder = temporaryFolder((remove) => t.after(remove));
  const server = await startServerProcess(folder);
  await configureAws(server, cloud.cloud);
  // Longer than all the clock moves of a test together, so that nothing ends by itself meanwhile.
  await server.call('POST', '/v1/aws/config/lease', { body: { lease: '100h', lease_max: '200h' } });
  const made: World = {
    ...cloud,
    server,
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

/** Does `work` and kills the server in the gap. True when the work was answered first: there is no such gap. */
async function killIn({ control, server }: World, gap: Gap, work: () => Promise<Reply>): Promise<Reply | undefined> {
  const order = { service: 'iam', operation: '*', hang: true, count: 1, ...gap };
  await control('POST', 'faults', order);
  let reply: Reply | undefined;
  const working = work().then(
    (answered) => (reply = answered),
    () => undefined,
  );
  await until('the call hangs or is answered', async () => {
    const { faults } = (await control('GET', 'faults')) as { faults: { seen: number }[] };
    return reply !== undefined || faults[0]!.seen >= gap.nth;
  });
  await server.kill();
  await working;
  return reply;
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

/** INVARIANT of every gap: a user in IAM for each active lease and no other; a key that works for each active lease and no other. */
async function checkBooks(world: World, requests: number): Promise<readonly SeenLease[]> {
  const leases = await settled(world);
  assert.ok(leases.length <= requests, `${requests} requests made ${leases.length} leases`);
  const active = leases.filter(({ state }) => state === 'active').map(({ id }) => id);
  assert.equal((await world.lentUsers()).length, active.length, 'users in IAM are those of the active leases');
  for (const { leaseId, client } of world.keys) {
    assert.ok(
      leases.some(({ id }) => id === leaseId),
      `the lease ${leaseId} was answered and is known`,
    );
    assert.equal(await keyLives(client), active.includes(leaseId), `the key of ${leaseId}`);
  }
  return leases;
}

function keep(world: World, { body }: Reply): string {
  const leaseId = body['lease_id'] as string;
  world.keys.push({ leaseId, client: world.as(body.data['access_key'] as string, body.data['secret_key'] as string) });
  return leaseId;
}

test('killed in any gap of a grant, the server restarts with no orphan and no lost lease', async (t) => {
  const here = await world(t);
  const grant = (): Promise<Reply> => here.server.call('GET', '/v1/aws/creds/deploy');
  let requests = 0;
  let gaps = 0;
  const tryGap = async (gap: Gap): Promise<boolean> => {
    requests++;
    const answered = await killIn(here, gap, grant);
    if (answered !== undefined) keep(here, answered);
    await here.restart();
    await checkBooks(here, requests);
    return answered === undefined;
  };
  while (await tryGap({ when: 'before', nth: gaps + 1 })) gaps++;
  // Before each of CreateUser, AttachUserPolicy, PutUserPolicy, CreateAccessKey; and after the last of
  // them, when the key exists and the lease is not recorded yet.
  assert.equal(gaps, 4);
  assert.ok(await tryGap({ when: 'after', nth: gaps }));
  // The lease was durable when it was answered: killed right then, it still lives, and ends when asked.
  assert.equal((await here.lentUsers()).length, 1);
  await here.server.call('PUT', '/v1/sys/leases/revoke-prefix/aws');
  assert.deepEqual(await here.lentUsers(), []);
});

test('killed in any gap of a revoke, the server restarts and finishes it', async (t) => {
  const here = await world(t);
  let requests = 0;
  let gaps = 0;
  for (let nth = 1; ; nth++) {
    requests++;
    const lease_id = keep(here, await here.server.call('GET', '/v1/aws/creds/deploy'));
    const answered = await killIn(here, { when: 'before', nth }, () =>
      here.server.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } }),
    );
    await here.restart();
    const leases = await checkBooks(here, requests);
    assert.equal(leases.find(({ id }) => id === lease_id)?.state, 'dead');
    if (answered !== undefined) break;
    gaps++;
  }
  // Two looks at the user, its keys, attachments, inline policies and groups listed, what is there removed, the user deleted.
  assert.ok(gaps >= 9, `${gaps} gaps`);
  assert.deepEqual(await here.lentUsers(), []);
});
