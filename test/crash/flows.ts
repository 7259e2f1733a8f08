// What the server is killed in, and what AWS fails in: one row for each flow. A flow is prepared, runs (and is cut off
// somewhere), and says afterwards what must hold beside the books.
import assert from 'node:assert/strict';
import { leasesOf, until, type SeenLease } from '../broker/aws-support.ts';
import type { Reply } from '../broker/support.ts';
import { adopted, keysOf, lender, type World } from './world.ts';

export interface Flow {
  readonly name: string;
  /** Of AWS: where its calls go. */
  readonly service: 'iam' | 'sts';
  /** Its answer tells how AWS answered. */
  readonly waitsForAws: boolean;
  /** Works on several things at once, whose writes share a commit or not: now and then it has a step less. */
  readonly parallel?: true;
  /** Makes what the flow works on; its result is handed to `run` and `after`. */
  readonly prepare: (world: World) => Promise<string>;
  /** Resolves when nothing of it is under way any more. */
  readonly run: (world: World, prepared: string) => Promise<Reply>;
  /** Called after the next start with the true leases; what was cut off is done again where only the caller can. */
  readonly after: (world: World, prepared: string, leases: readonly SeenLease[]) => Promise<void> | void;
}

const nothing = async (): Promise<string> => '';

async function leaseOf(world: World, role: string): Promise<string> {
  return (await world.lend(role)).body['lease_id'] as string;
}

function stateOf(leases: readonly SeenLease[], id: string): string | undefined {
  return leases.find((lease) => lease.id === id)?.state;
}

/** What remains of a grant nobody was told of is ended, so that the next one starts with empty books. */
async function endAll(world: World): Promise<void> {
  const { status } = await world.server.call('PUT', '/v1/sys/leases/revoke-prefix/aws');
  assert.equal(status, 204);
  assert.deepEqual(await world.lentUsers(), []);
}

function isOver(_world: World, id: string, leases: readonly SeenLease[]): void {
  assert.equal(stateOf(leases, id), 'dead');
}

const hour = 3_600_000;

export const flows: readonly Flow[] = [
  {
    name: 'a grant of an IAM user',
    service: 'iam',
    waitsForAws: true,
    prepare: nothing,
    run: (world) => world.lend('deploy'),
    after: endAll,
  },
  {
    name: 'a grant of a session',
    service: 'sts',
    waitsForAws: true,
    prepare: nothing,
    run: (world) => world.lend('session'),
    after: () => undefined,
  },
  {
    name: 'a renewal',
    service: 'iam',
    waitsForAws: false,
    prepare: (world) => leaseOf(world, 'deploy'),
    run: ({ server }, lease_id) =>
      server.call('PUT', '/v1/sys/leases/renew', { body: { lease_id, increment: '200h' } }),
    after: async (world, id, leases) => {
      assert.equal(stateOf(leases, id), 'active');
      const { body } = await world.server.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: id } });
      const ttl = body.data['ttl'] as number;
      assert.ok(ttl > 50 * 3600 && ttl <= 200 * 3600, `the lease has ${ttl} s`);
      await endAll(world);
    },
  },
  {
    name: 'a revocation',
    service: 'iam',
    waitsForAws: true,
    prepare: (world) => leaseOf(world, 'deploy'),
    run: ({ server }, lease_id) => server.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } }),
    after: async (world, id, leases) => {
      // Killed before its first step it is as if it was never asked for; after that it goes on by itself.
      if (stateOf(leases, id) === 'active') return endAll(world);
      isOver(world, id, leases);
    },
  },
  {
    name: 'a revocation that the caller does not wait for',
    service: 'iam',
    waitsForAws: false,
    prepare: (world) => leaseOf(world, 'deploy'),
    run: async (world, lease_id) => {
      const reply = await world.server.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id, sync: false } });
      await untilDead(world, lease_id);
      return reply;
    },
    after: isOver,
  },
  {
    name: 'the end of the time of a lease',
    service: 'iam',
    waitsForAws: false,
    prepare: async (world) => {
      const id = await leaseOf(world, 'deploy');
      await world.server.call('PUT', '/v1/sys/leases/renew', { body: { lease_id: id, increment: '1h' } });
      return id;
    },
    run: async (world, id) => {
      const reply = await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: hour / 1000 } });
      await untilDead(world, id);
      return reply;
    },
    after: async (world, id) => {
      await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: hour / 1000 } });
      await untilDead(world, id);
    },
  },
  {
    name: 'the end of a token with a lease',
    service: 'iam',
    waitsForAws: false,
    prepare: async (world) => {
      const body = { policies: ['lender'], ttl: '900h', explicit_max_ttl: '900h' };
      const policy = 'path "aws/creds/deploy" { capabilities = ["read"] }';
      await world.server.call('PUT', '/v1/sys/policies/acl/lender', { body: { policy } });
      const token = (await world.server.call('POST', '/v1/auth/token/create', { body })).body['auth'] as Record<
        string,
        string
      >;
      const id = (await world.lend('deploy', token['client_token'])).body['lease_id'] as string;
      return `${token['accessor']} ${id}`;
    },
    run: async (world, prepared) => {
      const [accessor, id = ''] = prepared.split(' ');
      const reply = await world.server.call('POST', '/v1/auth/token/revoke-accessor', { body: { accessor } });
      await untilDead(world, id);
      return reply;
    },
    after: (world, prepared, leases) => isOver(world, prepared.split(' ')[1]!, leases),
  },
  {
    name: 'the revocation of three leases by their prefix',
    parallel: true,
    service: 'iam',
    waitsForAws: false,
    prepare: async (world) => {
      for (let count = 0; count < 3; count++) await leaseOf(world, 'deploy');
      return '';
    },
    run: ({ server }) => server.call('PUT', '/v1/sys/leases/revoke-prefix/aws/creds/deploy'),
    after: async (world, _, leases) => {
      const active = leases.filter(({ state }) => state === 'active').length;
      assert.ok(active === 0 || active === 3, `${active} of 3 live on after one commit for all`);
      await endAll(world);
    },
  },
  {
    name: 'a rotation of the root key',
    service: 'iam',
    waitsForAws: false,
    prepare: nothing,
    run: ({ server }) => server.call('POST', '/v1/aws/config/rotate-root'),
    after: async (world) => {
      await untilOneKey(world, lender, async () => configuredKey(world));
      assert.equal((await world.lend('deploy')).status, 200, 'the key that is left may act');
      await endAll(world);
    },
  },
  {
    name: 'a rotation of a static role',
    service: 'iam',
    waitsForAws: false,
    prepare: async (world) => {
      const body = { username: adopted, rotation_period: '1h' };
      await world.server.call('POST', '/v1/aws/static-roles/x', { body });
      return servedKey(world);
    },
    run: async (world, before) => {
      const reply = await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: hour / 1000 } });
      await until('the key is another one and the only one', async () => {
        const served = await servedKey(world);
        return served !== before && (await keysOf(world, adopted)).join() === served;
      });
      return reply;
    },
    after: (world) => untilOneKey(world, adopted, () => servedKey(world)),
  },
  {
    name: 'the end of a static role',
    service: 'iam',
    waitsForAws: false,
    prepare: async (world) => {
      const body = { username: adopted, rotation_period: '1h' };
      await world.server.call('POST', '/v1/aws/static-roles/x', { body });
      return '';
    },
    run: ({ server }) => server.call('DELETE', '/v1/aws/static-roles/x'),
    after: async (world) => {
      // Killed before its first step it is as if it was never asked for; after that it goes on by itself.
      if ((await servedKey(world)) !== '') {
        assert.equal((await world.server.call('DELETE', '/v1/aws/static-roles/x')).status, 204);
      }
      await until('no key is left', async () => {
        await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: '1m' } });
        return (await keysOf(world, adopted)).length === 0;
      });
    },
  },
];

async function configuredKey({ server }: World): Promise<string> {
  return (await server.call('GET', '/v1/aws/config/root')).body.data['access_key'] as string;
}

/** Empty when there is no such role. */
async function servedKey({ server }: World): Promise<string> {
  const { body } = await server.call('GET', '/v1/aws/static-creds/x');
  return (body.data?.['access_key'] as string | undefined) ?? '';
}

/** What was cut off goes on by itself, and tries what failed again a little later. */
async function untilOneKey(world: World, user: string, right: () => Promise<string>): Promise<void> {
  await until(`${user} has one key, the right one`, async () => {
    await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: '1m' } });
    return (await keysOf(world, user)).join() === (await right());
  });
}

async function untilDead(world: World, id: string): Promise<void> {
  const states = async (): Promise<string | undefined> => stateOf(await leasesOf(world.server), id);
  await until(`${id} is dead`, async () => (await states()) === 'dead');
}
