// config/rotate-root over HTTP against the embedded AWS: the new key serves before the old one goes,
// whatever AWS answers.
import assert from 'node:assert/strict';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  ListAccessKeysCommand,
} from '@aws-sdk/client-iam';
import { describe, test, type TestContext } from 'node:test';
import { account, configureAws, keyLives, rootConfig, testCloud, until, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

interface World extends TestCloud {
  readonly broker: TestBroker;
  readonly call: TestBroker['call'];
  readonly rotate: () => Promise<Reply>;
  readonly first: { readonly id: string; readonly secret: string };
  /** Ids of the keys of the user that the mount acts as. */
  readonly keys: () => Promise<readonly string[]>;
  readonly configured: () => Promise<unknown>;
}

const user = 'lender';

async function rotating(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await cloud.admin.send(new CreateUserCommand({ UserName: user }));
  const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
  await cloud.admin.send(new AttachUserPolicyCommand({ UserName: user, PolicyArn }));
  const { AccessKey } = await cloud.admin.send(new CreateAccessKeyCommand({ UserName: user }));
  const first = { id: AccessKey!.AccessKeyId!, secret: AccessKey!.SecretAccessKey! };
  await configureAws(broker, cloud.cloud);
  const { call } = broker;
  await call('POST', '/v1/aws/config/root', { body: { access_key: first.id, secret_key: first.secret } });
  return {
    ...cloud,
    broker,
    call,
    first,
    rotate: () => call('POST', '/v1/aws/config/rotate-root'),
    keys: async () => {
      const { AccessKeyMetadata = [] } = await cloud.admin.send(new ListAccessKeysCommand({ UserName: user }));
      return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!);
    },
    configured: async () => (await call('GET', '/v1/aws/config/root')).body.data['access_key'],
  };
}

function fault(world: World, operation: string, more: object): Promise<unknown> {
  return world.control('POST', 'faults', { service: 'iam', operation, account, count: 1, ...more });
}

const refusal = (code: string, status: number) => ({ error: { code, status, message: 'as ordered' } });

/** Moves the clock until nothing of the rotation is left to do; the only key is the configured one. */
async function settled(world: World): Promise<void> {
  await until('one key is left, the configured one', async () => {
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '1m' } });
    const keys = await world.keys();
    return keys.length === 1 && keys[0] === (await world.configured());
  });
}

describe('rotate-root', () => {
  test('answers with the new key, which serves from then on; the old one is gone', async (t) => {
    const world = await rotating(t);
    const lent = await world.call('GET', '/v1/aws/creds/deploy');
    const rotated = await world.rotate();
    assert.equal(rotated.status, 200);
    const key = rotated.body.data['access_key'] as string;
    assert.deepEqual(rotated.body.data, { access_key: key });
    assert.equal(rotated.body['warnings'], null);
    assert.notEqual(key, world.first.id);
    assert.deepEqual([await world.keys(), await world.configured()], [[key], key]);
    assert.ok(!(await keyLives(world.as(world.first.id, world.first.secret))));
    assert.equal((await world.call('GET', '/v1/aws/creds/deploy')).status, 200);
    const body = { lease_id: lent.body['lease_id'] };
    assert.equal((await world.call('PUT', '/v1/sys/leases/revoke', { body })).status, 204);
    assert.equal((await world.rotate()).status, 200);
  });

  test('of a server that is asked twice at once rotates twice, one after the other', async (t) => {
    const world = await rotating(t);
    const replies = await Promise.all([world.rotate(), world.rotate(), world.rotate()]);
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.deepEqual(await world.keys(), [await world.configured()]);
  });

  test('takes the key from no grant or revoke that is under way', async (t) => {
    const world = await rotating(t);
    const lease_id = (await world.call('GET', '/v1/aws/creds/deploy')).body['lease_id'];
    for (const operation of ['PutUserPolicy', 'DetachUserPolicy']) {
      await fault(world, operation, { when: 'before', delayMs: 500 });
    }
    const busy = Promise.all([
      world.call('GET', '/v1/aws/creds/deploy'),
      world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } }),
    ]);
    await until('both are in the middle', async () => {
      const { faults } = (await world.control('GET', 'faults')) as { faults: { seen: number }[] };
      return faults.every(({ seen }) => seen > 0);
    });
    assert.equal((await world.rotate()).status, 200);
    const replies = await busy;
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 204],
    );
  });

  test('needs a key in config/root', async (t) => {
    const broker = await testBroker((end) => t.after(end));
    await broker.call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
    const rotate = async (): Promise<unknown[]> => {
      const { status, body } = await broker.call('POST', '/v1/aws/config/rotate-root');
      return [status, body.errors[0]];
    };
    assert.deepEqual(await rotate(), [500, '1 error occurred:\n\t* no configuration found for config/root\n\n']);
    await broker.call('POST', '/v1/aws/config/root', { body: { region: 'us-east-1' } });
    const empty = 'Cannot call config/rotate-root when either access_key or secret_key is empty';
    assert.deepEqual(await rotate(), [400, empty]);
    await broker.call('POST', '/v1/aws/config/root', { body: { access_key: 'A' } });
    assert.deepEqual(await rotate(), [400, empty]);
  });

  test('tells that a user with two keys can have no third, and changes nothing', async (t) => {
    const world = await rotating(t);
    await world.admin.send(new CreateAccessKeyCommand({ UserName: user }));
    const before = await world.keys();
    const refused = await world.rotate();
    assert.equal(refused.status, 500);
    assert.match(
      refused.body.errors[0]!,
      /^1 error occurred:\n\t\* error calling CreateAccessKey: LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2\n\tstatus code: 409, request id: [\w-]+\n\n$/,
    );
    assert.deepEqual([await world.keys(), await world.configured()], [before, world.first.id]);
    assert.equal((await world.call('GET', '/v1/aws/creds/deploy')).status, 200);
    const AccessKeyId = before.find((id) => id !== world.first.id)!;
    await world.admin.send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId }));
    assert.equal((await world.rotate()).status, 200);
  });

  for (const [operation, text] of [
    ['GetUser', 'error calling GetUser: '],
    ['ListAccessKeys', 'error calling ListAccessKeys: '],
    ['CreateAccessKey', 'error calling CreateAccessKey: '],
  ] as const) {
    test(`refused at ${operation} says so and leaves the key as it is`, async (t) => {
      const world = await rotating(t);
      await fault(world, operation, { when: 'before', ...refusal('AccessDenied', 403) });
      const refused = await world.rotate();
      assert.equal(refused.status, 500);
      const place = `1 error occurred:\n\t* ${text}AccessDenied: as ordered\n\tstatus code: 403, request id: `;
      assert.equal(refused.body.errors[0]!.slice(0, place.length), place);
      assert.deepEqual([await world.keys(), await world.configured()], [[world.first.id], world.first.id]);
      assert.equal((await world.rotate()).status, 200);
    });
  }

  test('throttled is 502, with AWS’s text', async (t) => {
    const world = await rotating(t);
    await fault(world, 'CreateAccessKey', { when: 'before', ...refusal('Throttling', 400) });
    const refused = await world.rotate();
    assert.equal(refused.status, 502);
    assert.match(
      refused.body.errors[0]!,
      /\* error calling CreateAccessKey: Throttling: as ordered\n\tstatus code: 400/,
    );
  });

  test('finds and deletes a key whose making broke off unheard', async (t) => {
    const world = await rotating(t);
    await fault(world, 'CreateAccessKey', { when: 'after', ...refusal('InternalFailure', 500) });
    assert.equal((await world.rotate()).status, 500);
    assert.deepEqual([await world.keys(), await world.configured()], [[world.first.id], world.first.id]);
    assert.equal((await world.rotate()).status, 200);
    await settled(world);
  });

  test('finds such a key later too, when AWS was late in showing it, and touches no key of another', async (t) => {
    const world = await rotating(t);
    await fault(world, 'CreateAccessKey', { when: 'after', ...refusal('InternalFailure', 500) });
    // The looks of the request fail; the sweeper's find it.
    await fault(world, 'ListAccessKeys', { when: 'before', nth: 2, count: 1, ...refusal('ServiceUnavailable', 503) });
    assert.equal((await world.rotate()).status, 500);
    assert.equal((await world.keys()).length, 2);
    await world.control('DELETE', 'faults');
    await settled(world);
    assert.equal(await world.configured(), world.first.id);
    await world.admin.send(new CreateAccessKeyCommand({ UserName: user }));
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '1h' } });
    assert.equal((await world.keys()).length, 2);
  });

  test('waits until AWS accepts the new key', async (t) => {
    const world = await rotating(t);
    await fault(world, 'GetUser', { when: 'before', nth: 2, count: 2, ...refusal('InvalidClientTokenId', 403) });
    const rotated = await world.rotate();
    assert.deepEqual([rotated.status, rotated.body['warnings']], [200, null]);
    assert.deepEqual(await world.keys(), [rotated.body.data['access_key']]);
  });

  test('does not switch to a key that AWS does not accept, and says so; later it does', async (t) => {
    const world = await rotating(t);
    await fault(world, 'GetUser', { when: 'before', nth: 2, count: 1000, ...refusal('InvalidClientTokenId', 403) });
    const rotated = await world.rotate();
    assert.equal(rotated.status, 200);
    assert.match(String(rotated.body['warnings']), /does not accept the new key yet/);
    const key = rotated.body.data['access_key'];
    assert.deepEqual([(await world.keys()).length, await world.configured()], [2, world.first.id]);
    const again = await world.rotate();
    assert.deepEqual(
      [again.status, again.body.errors[0]],
      [500, '1 error occurred:\n\t* a rotation of this key is under way\n\n'],
    );
    await world.control('DELETE', 'faults');
    await settled(world);
    assert.equal(await world.configured(), key);
  });

  test('whose old key cannot be deleted says so; the new key serves, and the old one goes later', async (t) => {
    const world = await rotating(t);
    await fault(world, 'DeleteAccessKey', { when: 'before', ...refusal('ServiceFailure', 500) });
    const refused = await world.rotate();
    assert.equal(refused.status, 500);
    assert.match(refused.body.errors[0]!, /^1 error occurred:\n\t\* error deleting old access key: ServiceFailure: /);
    assert.notEqual(await world.configured(), world.first.id);
    assert.equal((await world.call('GET', '/v1/aws/creds/deploy')).status, 200);
    await settled(world);
  });

  test('gives way to a key that is written by hand meanwhile', async (t) => {
    const world = await rotating(t);
    await fault(world, 'GetUser', { when: 'before', nth: 2, count: 1000, ...refusal('InvalidClientTokenId', 403) });
    assert.equal((await world.rotate()).status, 200);
    await world.control('DELETE', 'faults');
    const byHand = rootConfig(world.cloud);
    await world.call('POST', '/v1/aws/config/root', { body: byHand });
    await until('the key that was on its way is gone', async () => {
      await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '1m' } });
      return (await world.keys()).length === 1;
    });
    assert.deepEqual([await world.keys(), await world.configured()], [[world.first.id], byHand['access_key']]);
  });
});
