// rotate-root and the rotation of static roles, with SIGKILL between any two AWS calls, before and after
// each takes effect. Every account is a lane with a gap of its own. No key is lost, none is left over, and the
// one that serves works all the time.
import assert from 'node:assert/strict';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  ListAccessKeysCommand,
} from '@aws-sdk/client-iam';
import { test, type TestContext } from 'node:test';
import { configureAws, keyLives, testCloud, until, type TestCloud } from '../broker/aws-support.ts';
import { startServerProcess, type ServerProcess } from '../broker/server-process.ts';
import { temporaryFolder } from '../broker/support.ts';

interface Lane {
  readonly account: string;
  readonly mount: string;
  readonly admin: IAMClient;
}

interface World extends TestCloud {
  server: ServerProcess;
  readonly folder: string;
  readonly lanes: readonly Lane[];
}

/** The user that a mount acts as, and the user of its static role. */
const lender = 'lender';
const adopted = 'jane-doe';

async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end), 'all');
  const folder = temporaryFolder((remove) => t.after(remove));
  const server = await startServerProcess(folder);
  const lanes = Object.entries(cloud.cloud.credentials.accounts).map(([account, keys]): Lane => ({
    account,
    mount: `aws-${account}`,
    admin: cloud.as(keys.accessKeyId, keys.secretAccessKey),
  }));
  const made: World = { ...cloud, server, folder, lanes };
  for (const { mount, account, admin } of lanes) {
    await configureAws(server, cloud.cloud, { mount, id: account });
    for (const UserName of [lender, adopted]) await admin.send(new CreateUserCommand({ UserName }));
    const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
    await admin.send(new AttachUserPolicyCommand({ UserName: lender, PolicyArn }));
    const { AccessKey } = await admin.send(new CreateAccessKeyCommand({ UserName: lender }));
    const body = { access_key: AccessKey!.AccessKeyId, secret_key: AccessKey!.SecretAccessKey };
    await server.call('POST', `/v1/${mount}/config/root`, { body });
  }
  t.after(() => made.server.kill());
  return made;
}

interface Gap {
  readonly when: 'before' | 'after';
  readonly nth: number;
}

/** `before` the n-th call of the work, and `after` it, for every n up to where the work needs no more calls. */
function gapOf(index: number): Gap {
  return { when: index % 2 === 0 ? 'before' : 'after', nth: Math.floor(index / 2) + 1 };
}

/**
 * Starts `work` in every lane with the next gaps, kills the server when each hangs or is done, and starts it
 * again. Returns in how many lanes the work was cut.
 */
async function cut(
  here: World,
  first: number,
  work: (lane: Lane) => Promise<unknown>,
  isDone: (lane: Lane) => Promise<boolean>,
): Promise<number> {
  const gaps = here.lanes.map((_, index) => gapOf(first + index));
  for (const [index, { account }] of here.lanes.entries()) {
    const order = { service: 'iam', operation: '*', hang: true, count: 1, account, ...gaps[index] };
    await here.control('POST', 'faults', order);
  }
  const working = here.lanes.map((lane) => work(lane).catch(() => undefined));
  const cutLanes = new Set<number>();
  await until('every call hangs or is done', async () => {
    const { faults } = (await here.control('GET', 'faults')) as { faults: { seen: number }[] };
    const state = await Promise.all(
      here.lanes.map(async (lane, index) => {
        if (faults[index]!.seen >= gaps[index]!.nth) cutLanes.add(index);
        return cutLanes.has(index) || (await isDone(lane));
      }),
    );
    return state.every((one) => one);
  });
  await here.server.kill();
  await Promise.all(working);
  await here.control('DELETE', 'faults');
  here.server = await startServerProcess(here.folder);
  return cutLanes.size;
}

async function keysOf({ admin }: Lane, UserName: string): Promise<readonly string[]> {
  const { AccessKeyMetadata = [] } = await admin.send(new ListAccessKeysCommand({ UserName }));
  return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!);
}

async function advance({ server }: World, by: string): Promise<void> {
  await server.call('POST', '/v1/stint/dev/clock', { body: { advance: by } });
}

test('rotate-root killed in any gap leaves one key, the configured one, and it works', async (t) => {
  const here = await world(t);
  let gaps = 0;
  for (let first = 0, more = true; more; first += here.lanes.length) {
    const answered = new Set<Lane>();
    const rotate = async (lane: Lane): Promise<void> => {
      await here.server.call('POST', `/v1/${lane.mount}/config/rotate-root`);
      answered.add(lane);
    };
    const cutLanes = await cut(here, first, rotate, async (lane) => answered.has(lane));
    for (const lane of here.lanes) {
      // Right after the start, whatever was done: the mount can act.
      const creds = await here.server.call('GET', `/v1/${lane.mount}/creds/deploy`);
      assert.equal(creds.status, 200, `${lane.mount}, gaps from ${first}: ${JSON.stringify(creds.body)}`);
    }
    await until(`every lane has one key, the configured one, after gaps from ${first}`, async () => {
      await advance(here, '1m');
      const states = await Promise.all(
        here.lanes.map(async (lane) => {
          const keys = await keysOf(lane, lender);
          const { data } = (await here.server.call('GET', `/v1/${lane.mount}/config/root`)).body;
          return keys.length === 1 && keys[0] === data['access_key'];
        }),
      );
      return states.every((one) => one);
    });
    gaps += cutLanes;
    more = cutLanes > 0;
  }
  // The user asked for, its keys listed, one made, tried twice; the old one deleted, the keys listed: each before and after.
  assert.ok(gaps >= 14, String(gaps));
});

test('a static role killed in any gap of a rotation serves a key that works, and leaves no other', async (t) => {
  const here = await world(t);
  for (const { mount } of here.lanes) {
    const body = { username: adopted, rotation_period: '1h' };
    assert.equal((await here.server.call('POST', `/v1/${mount}/static-roles/x`, { body })).status, 200);
  }
  const served = async ({ mount }: Lane): Promise<{ id: string; secret: string }> => {
    const { status, body } = await here.server.call('GET', `/v1/${mount}/static-creds/x`);
    assert.equal(status, 200);
    return { id: body.data['access_key'] as string, secret: body.data['secret_key'] as string };
  };
  // A key that does not work must have been replaced between the two looks.
  const checkServed = async (lane: Lane, first: number): Promise<void> => {
    const { id, secret } = await served(lane);
    if (await keyLives(here.as(id, secret))) return;
    assert.notEqual((await served(lane)).id, id, `${lane.mount} serves a key that works, after gaps from ${first}`);
    await checkServed(lane, first);
  };
  let gaps = 0;
  for (let first = 0, more = true; more; first += here.lanes.length) {
    const before = new Map<Lane, string>();
    for (const lane of here.lanes) before.set(lane, (await served(lane)).id);
    const looks = new Map<Lane, number>();
    // IAM cannot be asked here, a call of ours would be cut: long after the switch, everything is done.
    const rotated = async (lane: Lane): Promise<boolean> => {
      const seen = (await served(lane)).id === before.get(lane) ? 0 : (looks.get(lane) ?? 0) + 1;
      looks.set(lane, seen);
      return seen > 50;
    };
    let moved: Promise<void> | undefined;
    const cutLanes = await cut(here, first, () => (moved ??= advance(here, '1h')), rotated);
    for (const lane of here.lanes) {
      await checkServed(lane, first);
    }
    await until(`every lane serves its only key, after gaps from ${first}`, async () => {
      await advance(here, '1m');
      const states = await Promise.all(
        here.lanes.map(async (lane) => {
          const keys = await keysOf(lane, adopted);
          return keys.length === 1 && keys[0] === (await served(lane)).id && keys[0] !== before.get(lane);
        }),
      );
      return states.every((one) => one);
    });
    gaps += cutLanes;
    more = cutLanes > 0;
  }
  // The same calls; the new key's two are refused, since its user may do nothing, and so have no after.
  assert.equal(gaps, 12);
});
