// static-roles and static-creds over HTTP against the embedded AWS: the key of a user that exists already,
// replaced in time, of this account or another.
import assert from 'node:assert/strict';
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  ListAccessKeysCommand,
  PutRolePolicyCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { describe, test, type TestContext } from 'node:test';
import { account, configureAws, keyLives, testCloud, until, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

interface Served {
  readonly id: string;
  readonly secret: string;
  readonly expiration: string;
}

interface World extends TestCloud {
  readonly broker: TestBroker;
  readonly call: TestBroker['call'];
  readonly write: (body: object, name?: string) => Promise<Reply>;
  readonly served: (name?: string) => Promise<Served>;
  readonly keys: (iam?: IAMClient) => Promise<readonly string[]>;
  readonly userId: string;
  readonly advance: (advance: string) => Promise<unknown>;
}

const user = 'jane-doe';

async function withUser(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  const { User } = await cloud.admin.send(new CreateUserCommand({ UserName: user }));
  const { call } = broker;
  return {
    ...cloud,
    broker,
    call,
    write: (body, name = 'test') => call('POST', `/v1/aws/static-roles/${name}`, { body }),
    served: async (name = 'test') => {
      const { status, body } = await call('GET', `/v1/aws/static-creds/${name}`);
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual([body['lease_id'], body['lease_duration'], body['renewable']], ['', 0, false]);
      assert.deepEqual(Object.keys(body.data).sort(), ['access_key', 'expiration', 'secret_key']);
      const { access_key, secret_key, expiration } = body.data as Record<string, string>;
      return { id: access_key!, secret: secret_key!, expiration: expiration! };
    },
    keys: async (iam = cloud.admin) => {
      const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName: user }));
      return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!).sort();
    },
    userId: User!.UserId!,
    advance: (advance) => call('POST', '/v1/stint/dev/clock', { body: { advance } }),
  };
}

async function wasTried({ broker, call }: World): Promise<boolean> {
  await call('GET', '/v1/sys/health');
  return broker.log.some(({ event }) => event === 'mount.due-failed');
}

function failed(text: string): RegExp {
  const literal = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('ID', '[\\w-]+');
  return new RegExp(`^1 error occurred:\\n\\t\\* ${literal}\\n\\n$`);
}

describe('a static role', () => {
  test('adopts a user, makes a key for it, and reads back as it was written', async (t) => {
    const world = await withUser(t);
    assert.equal((await world.call('LINK', '/v1/aws/static-roles')).status, 404);
    const data = {
      name: 'test',
      id: world.userId,
      username: user,
      rotation_period: 86_400,
      assume_role_arn: '',
      assume_role_session_name: '',
      external_id: '',
    };
    const written = await world.write({ username: user, rotation_period: '1d' });
    assert.deepEqual([written.status, written.body.data], [200, data]);
    assert.deepEqual((await world.call('GET', '/v1/aws/static-roles/test')).body.data, data);
    assert.deepEqual((await world.call('LINK', '/v1/aws/static-roles')).body.data, { keys: ['test'] });
    const served = await world.served();
    assert.deepEqual(await world.keys(), [served.id]);
    assert.ok(await keyLives(world.as(served.id, served.secret)));
    const seconds = (Date.parse(served.expiration) - world.broker.clock.now()) / 1000;
    assert.ok(seconds > 86_390 && seconds <= 86_400, served.expiration);
    for (const path of ['static-roles/none', 'static-creds/none']) {
      const missing = await world.call('GET', `/v1/aws/${path}`);
      assert.deepEqual([missing.status, missing.body], [404, { errors: [] }]);
    }
  });

  test('of a user with one key leaves it; of one with two, the older goes', async (t) => {
    const world = await withUser(t);
    const make = async (): Promise<string> =>
      (await world.admin.send(new CreateAccessKeyCommand({ UserName: user }))).AccessKey!.AccessKeyId!;
    const oldest = await make();
    await world.write({ username: user, rotation_period: 60 }, 'one');
    const one = await world.served('one');
    assert.deepEqual(await world.keys(), [oldest, one.id].sort());
    assert.equal((await world.call('DELETE', '/v1/aws/static-roles/one')).status, 204);
    assert.deepEqual(await world.keys(), [oldest]);
    await world.control('POST', 'clock', { advance: '1m' });
    const newer = await make();
    await world.write({ username: user, rotation_period: 60 }, 'two');
    assert.deepEqual(await world.keys(), [newer, (await world.served('two')).id].sort());
  });

  test('has its key replaced in time: the new one is served and works, the old one is refused', async (t) => {
    const world = await withUser(t);
    await world.write({ username: user, rotation_period: '1h' });
    let last = await world.served();
    for (const round of [1, 2, 3]) {
      await world.advance('59m');
      assert.equal((await world.served()).id, last.id);
      await world.advance('1m');
      await until('the key is another', async () => (await world.served()).id !== last.id);
      const next = await world.served();
      assert.equal(
        Math.round((Date.parse(next.expiration) - Date.parse(last.expiration)) / 60_000),
        60,
        `round ${round}`,
      );
      await until('the old key is gone', async () => (await world.keys()).length === 1);
      assert.ok(await keyLives(world.as(next.id, next.secret)));
      assert.ok(!(await keyLives(world.as(last.id, last.secret))));
      last = next;
    }
  });

  test('whose period is changed rotates by the new one, also after a restart', async (t) => {
    const world = await withUser(t);
    await world.write({ username: user, rotation_period: '30d' });
    const first = await world.served();
    const changed = await world.write({ rotation_period: '2m' });
    assert.deepEqual([changed.status, changed.body.data['rotation_period']], [200, 120]);
    assert.equal((await world.served()).id, first.id);
    await world.broker.restart();
    await world.advance('1m');
    assert.equal((await world.served()).id, first.id);
    await world.advance('1m');
    await until('the key is another', async () => (await world.served()).id !== first.id);
  });

  test('serves the key it has while AWS refuses to make another, and tries again until it does', async (t) => {
    const world = await withUser(t);
    await world.write({ username: user, rotation_period: '1h' });
    const first = await world.served();
    const error = { code: 'ServiceFailure', status: 500, message: 'as ordered' };
    const order = { service: 'iam', operation: 'CreateAccessKey', when: 'before', count: 1000, error, account };
    await world.control('POST', 'faults', order);
    await world.advance('1h');
    await until('it was tried', () => wasTried(world));
    assert.equal((await world.served()).id, first.id);
    assert.ok(await keyLives(world.as(first.id, first.secret)));
    await world.control('DELETE', 'faults');
    await until('the key is another', async () => {
      await world.advance('1m');
      return (await world.served()).id !== first.id;
    });
    await until('one key is left', async () => {
      await world.advance('1m');
      return (await world.keys()).length === 1;
    });
  });

  test('never has its served key taken to make room for the next', async (t) => {
    const world = await withUser(t);
    await world.write({ username: user, rotation_period: '1h' });
    const first = await world.served();
    await world.control('POST', 'clock', { advance: '1m' });
    await world.admin.send(new CreateAccessKeyCommand({ UserName: user }));
    const error = { code: 'ServiceFailure', status: 500, message: 'as ordered' };
    const order = { service: 'iam', operation: 'CreateAccessKey', when: 'before', count: 1, error, account };
    await world.control('POST', 'faults', order);
    await world.advance('1h');
    await until('it was tried', () => wasTried(world));
    assert.ok(await keyLives(world.as(first.id, first.secret)));
    await until('the key is another', async () => {
      await world.advance('1m');
      return (await world.served()).id !== first.id;
    });
  });

  test('that is deleted takes its key with it; one that never was is deleted too', async (t) => {
    const world = await withUser(t);
    await world.write({ username: user, rotation_period: '1h' });
    const served = await world.served();
    assert.equal((await world.call('DELETE', '/v1/aws/static-roles/test')).status, 204);
    assert.deepEqual(await world.keys(), []);
    assert.ok(!(await keyLives(world.as(served.id, served.secret))));
    for (const path of ['static-roles/test', 'static-creds/test']) {
      assert.equal((await world.call('GET', `/v1/aws/${path}`)).status, 404);
    }
    assert.equal((await world.call('DELETE', '/v1/aws/static-roles/test')).status, 204);
    await world.advance('2h');
    assert.deepEqual(await world.keys(), []);
  });

  test('whose key AWS does not delete is gone for callers, and the key goes later', async (t) => {
    const world = await withUser(t);
    await world.write({ username: user, rotation_period: '1h' });
    const error = { code: 'AccessDenied', status: 403, message: 'as ordered' };
    const order = { service: 'iam', operation: 'DeleteAccessKey', when: 'before', count: 1, error, account };
    await world.control('POST', 'faults', order);
    const refused = await world.call('DELETE', '/v1/aws/static-roles/test');
    assert.equal(refused.status, 500);
    const text = `failed to clean credentials while deleting role "test": couldn't delete from IAM: AccessDenied: as ordered\n\tstatus code: 403, request id: ID`;
    assert.match(refused.body.errors[0]!, failed(text));
    assert.equal((await world.call('GET', '/v1/aws/static-creds/test')).status, 404);
    assert.equal((await world.keys()).length, 1);
    await until('the key is gone', async () => {
      await world.advance('1m');
      return (await world.keys()).length === 0;
    });
    assert.equal((await world.write({ username: user, rotation_period: '1h' })).status, 200);
  });

  test('whose user was deleted by hand is deleted without AWS’s help', async (t) => {
    const world = await withUser(t);
    await world.write({ username: user, rotation_period: '1h' });
    await world.admin.send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: (await world.served()).id }));
    await world.admin.send(new DeleteUserCommand({ UserName: user }));
    assert.equal((await world.call('DELETE', '/v1/aws/static-roles/test')).status, 204);
  });
});

describe('what a static role refuses', () => {
  test('a missing or unknown user, and a short period, in Vault’s words', async (t) => {
    const world = await withUser(t);
    for (const [body, status, text] of [
      [{ rotation_period: 60 }, 400, /^missing "username" parameter$/],
      [{ username: user }, 400, /^missing "rotation_period" parameter$/],
      [
        { username: 'nobody', rotation_period: 5 },
        500,
        failed(
          'unable to validate username "nobody": NoSuchEntity: The user with name nobody cannot be found.\n\tstatus code: 404, request id: ID',
        ),
      ],
      [
        { username: user, rotation_period: '59s' },
        500,
        failed('role rotation period out of range: must be greater than 60.00 seconds'),
      ],
      [{ username: user, rotation_period: 60, assume_role_arn: 'x' }, 400, /^assume_role_arn: `x` is not the ARN/],
    ] as const) {
      const refused = await world.write(body);
      assert.equal(refused.status, status, JSON.stringify(body));
      assert.match(refused.body.errors[0]!, text);
    }
    assert.deepEqual(await world.keys(), []);
    assert.equal((await world.call('GET', '/v1/aws/static-roles/test')).status, 404);
  });

  test('another user of the same name', async (t) => {
    const world = await withUser(t);
    await world.write({ username: user, rotation_period: '1h' });
    await world.admin.send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: (await world.served()).id }));
    await world.admin.send(new DeleteUserCommand({ UserName: user }));
    const { User } = await world.admin.send(new CreateUserCommand({ UserName: user }));
    const refused = await world.write({ username: user });
    assert.equal(refused.status, 500);
    const text = `AWS GetUser returned a user, but the ID did not match: "${world.userId}" was requested, but "${User!.UserId!}" was returned`;
    assert.equal(refused.body.errors[0], `1 error occurred:\n\t* ${text}\n\n`);
    await world.advance('2h');
    await until('it was tried', () => wasTried(world));
    assert.deepEqual(await world.keys(), []);
  });

  test('a first key that AWS does not make: nothing is left of the role', async (t) => {
    const world = await withUser(t);
    const error = { code: 'AccessDenied', status: 403, message: 'as ordered' };
    const order = { service: 'iam', operation: 'CreateAccessKey', when: 'before', count: 1, error, account };
    await world.control('POST', 'faults', order);
    const refused = await world.write({ username: user, rotation_period: '1h' });
    assert.equal(refused.status, 500);
    const text = `failed to create new credentials for role "test": unable to create new access keys for user "${user}": AccessDenied: as ordered\n\tstatus code: 403, request id: ID`;
    assert.match(refused.body.errors[0]!, failed(text));
    assert.equal((await world.call('GET', '/v1/aws/static-roles/test')).status, 404);
    assert.equal((await world.write({ username: user, rotation_period: '1h' })).status, 200);
    assert.deepEqual(await world.keys(), [(await world.served()).id]);
  });
});

test('a static role of another account is reached through a role there, with its external id', async (t) => {
  const world = await withUser(t);
  const other = '333333333333';
  const { accessKeyId, secretAccessKey } = world.cloud.credentials.accounts[other]!;
  const there = world.as(accessKeyId, secretAccessKey);
  await there.send(new CreateUserCommand({ UserName: user }));
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': 'agreed' } },
      },
    ],
  };
  const RoleName = 'rotator';
  await there.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const allow = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iam:*', Resource: '*' }] };
  await there.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'p', PolicyDocument: JSON.stringify(allow) }));
  const body = { username: user, rotation_period: '1h', assume_role_arn: `arn:aws:iam::${other}:role/${RoleName}` };
  const refused = await world.write(body);
  assert.equal(refused.status, 500);
  assert.match(
    refused.body.errors[0]!,
    /\* failed to assume role "arn:aws:iam::333333333333:role\/rotator": AccessDenied: /,
  );
  const written = await world.write({ ...body, external_id: 'agreed', assume_role_session_name: 'named' });
  assert.equal(written.status, 200, JSON.stringify(written.body));
  assert.equal(written.body.data['assume_role_session_name'], 'named');
  const first = await world.served();
  assert.deepEqual([await world.keys(there), await world.keys()], [[first.id], []]);
  await world.advance('1h');
  await until('the key is another', async () => (await world.served()).id !== first.id);
  await until('one key is left', async () => (await world.keys(there)).length === 1);
  assert.equal((await world.call('DELETE', '/v1/aws/static-roles/test')).status, 204);
  assert.deepEqual(await world.keys(there), []);
});
