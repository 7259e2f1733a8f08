// Flows of keys that are replaced: the one that the mount acts with, and the one of a static role. After any
// crash one key is left, the one that serves, and it works.
import assert from 'node:assert/strict';
import { CreateUserCommand, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { keyLives, serverUser, until } from '../aws-support.ts';
import type { Flow } from './flows.ts';
import type { World } from './world.ts';

const adopted = 'adopted';

async function keysOf({ admin }: World, UserName: string): Promise<readonly string[]> {
  const { AccessKeyMetadata = [] } = await admin.send(new ListAccessKeysCommand({ UserName }));
  return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!);
}

async function configured({ server }: World): Promise<unknown> {
  return (await server.call('GET', '/v1/aws/config/root')).body.data['access_key'];
}

async function advance({ server }: World, by: string): Promise<void> {
  await server.call('POST', '/v1/stint/dev/clock', { body: { advance: by } });
}

/** A minute at a time, until the user has one key left, the one that serves. */
async function oneKeyLeft(world: World, user: string, serving: () => Promise<unknown>): Promise<void> {
  await until(`${user} has one key, the one that serves`, async () => {
    const keys = await keysOf(world, user);
    if (keys.length === 1 && keys[0] === (await serving())) return true;
    await advance(world, '1m');
    return false;
  });
}

interface Served {
  readonly id: string;
  readonly secret: string;
}

async function served({ server }: World): Promise<Served | undefined> {
  const { status, body } = await server.call('GET', '/v1/aws/static-creds/adopted');
  if (status === 404) return undefined;
  return { id: body.data['access_key'] as string, secret: body.data['secret_key'] as string };
}

/** Nobody waits for a rotation by the sweeper: it is over when nothing more happens. */
async function quiet(world: World): Promise<void> {
  let steps = 0;
  let same = 0;
  await until('nothing happens any more', async () => {
    // First a call that fails when the server was killed: nobody would tell of the steps then.
    await served(world);
    const { length } = await Promise.race([world.server.steps(), world.server.gone.then(() => [])]);
    same = length === steps ? same + 1 : 0;
    steps = length;
    return same > 50;
  });
}

async function adopt(world: World): Promise<string> {
  if ((await served(world)) === undefined) {
    await world.admin.send(new CreateUserCommand({ UserName: adopted })).catch((error: Error) => {
      if (error.name !== 'EntityAlreadyExistsException') throw error;
    });
    const body = { username: adopted, rotation_period: '1h' };
    const { status } = await world.server.call('POST', '/v1/aws/static-roles/adopted', { body });
    assert.equal(status, 200);
  }
  return (await served(world))!.id;
}

export const rotationFlows: readonly Flow[] = [
  {
    name: 'a rotation of the key that the mount acts with',
    prepare: async () => '',
    run: ({ server }) => server.call('POST', '/v1/aws/config/rotate-root'),
    after: async (world) => {
      const { status, body } = await world.lend('deploy');
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal((await world.server.call('PUT', '/v1/sys/leases/revoke-prefix/aws')).status, 204);
      await oneKeyLeft(world, serverUser, () => configured(world));
    },
  },
  {
    name: 'a rotation of a static role',
    prepare: adopt,
    run: async (world, before) => {
      const reply = await world.server.call('POST', '/v1/stint/dev/clock', { body: { advance: '1h' } });
      await until('the key is another', async () => (await served(world))!.id !== before);
      await quiet(world);
      return reply;
    },
    after: async (world, before) => {
      const { id, secret } = (await served(world))!;
      assert.ok(await keyLives(world.as(id, secret)), 'the served key works');
      await until('the key is another', async () => {
        await advance(world, '1m');
        return (await served(world))!.id !== before;
      });
      await oneKeyLeft(world, adopted, async () => (await served(world))?.id);
    },
  },
  {
    name: 'the end of a static role',
    prepare: adopt,
    run: ({ server }) => server.call('DELETE', '/v1/aws/static-roles/adopted'),
    after: async (world) => {
      // Killed before its first step it is as if it was never asked for; after that it goes on by itself.
      if ((await served(world)) !== undefined) {
        assert.equal((await world.server.call('DELETE', '/v1/aws/static-roles/adopted')).status, 204);
      }
      await until('no key is left', async () => {
        await advance(world, '1m');
        return (await keysOf(world, adopted)).length === 0;
      });
    },
  },
];
