import assert from 'node:assert/strict';
import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  DeleteUserCommand,
  ListUsersCommand,
  TagUserCommand,
  UntagUserCommand,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, test, type TestContext } from 'node:test';
import { account, configureAws, keyLives, leasesOf, testCloud, until, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

async function lending(t: TestContext): Promise<TestCloud & TestBroker> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  return {
    ...cloud,
    folder: broker.folder,
    log: broker.log,
    restart: broker.restart,
    call: broker.call,
    get broker() {
      return broker.broker;
    },
    get clock() {
      return broker.clock;
    },
  };
}

function keyOf({ as }: TestCloud, { body }: Reply): ReturnType<TestCloud['as']> {
  return as(body.data['access_key'] as string, body.data['secret_key'] as string);
}

async function stateOf(world: TestBroker, id: unknown): Promise<string | undefined> {
  return (await leasesOf(world)).find((lease) => lease.id === id)?.state;
}

describe('an IAM user on loan', () => {
  test('is made with what the role says, works, and refuses the rest', async (t) => {
    const world = await lending(t);
    assert.deepEqual(await world.lentUsers(), []);
    const creds = await world.call('GET', '/v1/aws/creds/deploy');
    assert.equal(creds.status, 200);
    assert.match(String(creds.body['lease_id']), /^aws\/creds\/deploy\/[0-9A-Za-z]{24}$/);
    assert.deepEqual([creds.body['lease_duration'], creds.body['renewable']], [1800, true]);
    assert.deepEqual([creds.body.data['security_token'], creds.body.data['session_token']], [null, null]);
    const [user] = await world.lentUsers();
    assert.match(user!, /^vault-token-deploy-\d{10}-[0-9A-Za-z]{20}$/);
    const lent = keyOf(world, creds);
    assert.ok((await lent.send(new ListUsersCommand({}))).Users!.length > 0);
    await assert.rejects(() => lent.send(new DeleteUserCommand({ UserName: user! })), { name: 'AccessDenied' });
  });

  test('is gone from IAM, its key refused, when its time is over', async (t) => {
    const world = await lending(t);
    const creds = await world.call('GET', '/v1/aws/creds/deploy');
    const lent = keyOf(world, creds);
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '29m' } });
    assert.equal(await stateOf(world, creds.body['lease_id']), 'active');
    assert.ok(await keyLives(lent));
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '1m' } });
    await until('the lease is dead', async () => (await stateOf(world, creds.body['lease_id'])) === 'dead');
    assert.deepEqual(await world.lentUsers(), []);
    assert.ok(!(await keyLives(lent)));
  });

  test('is gone when a revoke is answered, and the lease is no longer known to Vault’s calls', async (t) => {
    const world = await lending(t);
    const creds = await world.call('GET', '/v1/aws/creds/deploy');
    const lease_id = creds.body['lease_id'];
    assert.equal((await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } })).status, 204);
    assert.deepEqual(await world.lentUsers(), []);
    assert.ok(!(await keyLives(keyOf(world, creds))));
    assert.equal(await stateOf(world, lease_id), 'dead');
    const lookup = await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id } });
    assert.deepEqual([lookup.status, lookup.body.errors], [400, ['invalid lease']]);
    assert.equal((await world.call('LINK', '/v1/sys/leases/lookup/aws/creds/deploy')).status, 404);
    assert.equal((await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } })).status, 204);
    assert.equal((await world.call('PUT', `/v1/sys/leases/revoke/aws/creds/deploy/unknown`)).status, 204);
  });

  test('is renewed by the rules of config/lease as they are now, never past its longest life', async (t) => {
    const world = await lending(t);
    const lease_id = (await world.call('GET', '/v1/aws/creds/deploy')).body['lease_id'];
    const renew = (increment?: number): Promise<Reply> =>
      world.call('PUT', '/v1/sys/leases/renew', { body: { lease_id, increment } });
    world.clock.freeze(true);
    assert.equal((await renew()).body['lease_duration'], 1800);
    assert.equal((await renew(600)).body['lease_duration'], 600);
    await world.call('POST', '/v1/aws/config/lease', { body: { lease: '20m', lease_max: '40m' } });
    assert.equal((await renew()).body['lease_duration'], 1200);
    world.clock.advance(19 * 60_000);
    const capped = await renew(3000);
    assert.ok((capped.body['lease_duration'] as number) <= 21 * 60);
    assert.match(String(capped.body['warnings']), /exceeded the effective max_ttl/);
    world.clock.advance(22 * 60_000);
    const late = await renew();
    assert.equal(late.status, 400);
    const unknown = await world.call('PUT', '/v1/sys/leases/renew', { body: { lease_id: 'aws/creds/deploy/x' } });
    assert.deepEqual([unknown.status, unknown.body.errors], [400, ['lease not found']]);
  });

  test('survives a restart of the server, and so does its end', async (t) => {
    const world = await lending(t);
    const creds = await world.call('GET', '/v1/aws/creds/deploy');
    await world.restart();
    const lease_id = creds.body['lease_id'];
    const found = await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id } });
    assert.equal(found.body.data['id'], lease_id);
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '31m' } });
    await world.restart();
    await until('the lease is dead', async () => (await stateOf(world, lease_id)) === 'dead');
    assert.deepEqual(await world.lentUsers(), []);
  });

  test('is removed with everything others gave it meanwhile', async (t) => {
    const world = await lending(t);
    const lease_id = (await world.call('GET', '/v1/aws/creds/deploy')).body['lease_id'];
    const [UserName] = await world.lentUsers();
    await world.admin.send(new CreateLoginProfileCommand({ UserName, Password: 'Ab3!efgh12345' }));
    await world.admin.send(new CreateGroupCommand({ GroupName: 'g' }));
    await world.admin.send(new AddUserToGroupCommand({ UserName, GroupName: 'g' }));
    assert.equal((await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } })).status, 204);
    assert.deepEqual(await world.lentUsers(), []);
  });

  test('is never mistaken for somebody else’s user of the same name', async (t) => {
    const world = await lending(t);
    const lease_id = (await world.call('GET', '/v1/aws/creds/deploy')).body['lease_id'];
    const [UserName] = await world.lentUsers();
    await world.admin.send(new UntagUserCommand({ UserName, TagKeys: ['stint:lease'] }));
    const refused = await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } });
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors[0]!, /does not carry the tag of this lease/);
    assert.deepEqual(await world.lentUsers(), [UserName]);
    assert.equal(await stateOf(world, lease_id), 'revoking');
    const Tags = [{ Key: 'stint:lease', Value: String(lease_id) }];
    await world.admin.send(new TagUserCommand({ UserName, Tags }));
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '1m' } });
    await until('the lease is dead', async () => (await stateOf(world, lease_id)) === 'dead');
  });

  test('ends with the token it was lent to, and with the token’s children', async (t) => {
    const world = await lending(t);
    await world.call('POST', '/v1/sys/policies/acl/lend', {
      body: {
        policy: 'path "aws/creds/*" { capabilities = ["read"] } path "auth/token/create" { capabilities = ["update"] }',
      },
    });
    const parent = (await world.call('POST', '/v1/auth/token/create', { body: { policies: ['lend'] } })).body;
    const token = (parent['auth'] as { client_token: string }).client_token;
    const made = await world.call('POST', '/v1/auth/token/create', { token, body: { ttl: '10m' } });
    const child = (made.body['auth'] as { client_token: string }).client_token;
    const creds = await world.call('GET', '/v1/aws/creds/deploy', { token: child });
    assert.equal(creds.status, 200);
    await world.call('POST', '/v1/auth/token/revoke', { body: { token } });
    await until('the lease is dead', async () => (await stateOf(world, creds.body['lease_id'])) === 'dead');
    assert.equal((await world.call('GET', '/v1/auth/token/lookup-self', { token: child })).status, 403);
  });

  test('ends when its token runs out', async (t) => {
    const world = await lending(t);
    const made = await world.call('POST', '/v1/auth/token/create', { body: { policies: ['root'], ttl: '10m' } });
    const { client_token: token } = made.body['auth'] as { client_token: string };
    const creds = await world.call('GET', '/v1/aws/creds/deploy', { token });
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '10m' } });
    await until('the lease is dead', async () => (await stateOf(world, creds.body['lease_id'])) === 'dead');
    assert.deepEqual(await world.lentUsers(), []);
  });

  test('ends before its mount is disabled, and the path is free again', async (t) => {
    const world = await lending(t);
    const creds = await world.call('GET', '/v1/aws/creds/deploy');
    assert.equal((await world.call('DELETE', '/v1/sys/mounts/aws')).status, 204);
    assert.deepEqual(await world.lentUsers(), []);
    assert.equal(await stateOf(world, creds.body['lease_id']), 'dead');
    assert.equal((await world.call('GET', '/v1/aws/roles/deploy')).status, 404);
    await configureAws(world, world.cloud);
    assert.equal((await world.call('GET', '/v1/aws/creds/deploy')).status, 200);
  });

  test('many at once are many, each with its own lease, and one prefix ends them all', async (t) => {
    const world = await lending(t);
    const all = await Promise.all(Array.from({ length: 12 }, () => world.call('GET', '/v1/aws/creds/deploy')));
    assert.equal(new Set(all.map(({ body }) => body['lease_id'])).size, 12);
    assert.equal((await world.lentUsers()).length, 12);
    const one = all[0]!.body['lease_id'];
    const twice = await Promise.all(
      [one, one, one].map((lease_id) => world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } })),
    );
    assert.deepEqual(
      twice.map(({ status }) => status),
      [204, 204, 204],
    );
    const status = (await world.call('PUT', '/v1/sys/leases/revoke-prefix/aws/creds/deploy')).status;
    assert.equal(status, 204);
    assert.deepEqual(await world.lentUsers(), []);
    assert.ok((await leasesOf(world)).every(({ state }) => state === 'dead'));
  });

  test('forced is forgotten by Vault’s calls though AWS refuses, and the server goes on until the user is gone', async (t) => {
    const world = await lending(t);
    const creds = await world.call('GET', '/v1/aws/creds/deploy');
    const fault = { service: 'iam', operation: 'DeleteUser', when: 'before', count: 2 };
    await world.control('POST', 'faults', { ...fault, error: { code: 'ServiceFailure', status: 500 } });
    const prefix = 'aws/creds/deploy';
    assert.equal((await world.call('PUT', `/v1/sys/leases/revoke-prefix/${prefix}`)).status, 400);
    assert.equal((await world.call('LIST', `/v1/sys/leases/lookup/${prefix}`)).status, 200);
    assert.equal((await world.call('PUT', `/v1/sys/leases/revoke-force/${prefix}`)).status, 204);
    assert.equal((await world.call('LIST', `/v1/sys/leases/lookup/${prefix}`)).status, 404);
    const lookup = await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: creds.body['lease_id'] } });
    assert.deepEqual([lookup.status, lookup.body.errors], [400, ['invalid lease']]);
    const [lease] = await leasesOf(world);
    assert.deepEqual([lease?.state, lease?.end_reason], ['revoking', 'forced']);
    assert.equal((await world.lentUsers()).length, 1);
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '1h' } });
    await until('the user is gone', async () => (await world.lentUsers()).length === 0);
    await until('the lease is dead', async () => (await leasesOf(world))[0]!.state === 'dead');
  });

  test('ends late but ends when the clock is set back', async (t) => {
    const world = await lending(t);
    const creds = await world.call('GET', '/v1/aws/creds/deploy');
    world.clock.advance(-6 * 3_600_000);
    assert.equal(await stateOf(world, creds.body['lease_id']), 'active');
    const lookup = await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: creds.body['lease_id'] } });
    assert.ok((lookup.body.data['ttl'] as number) > 1800);
    const renewed = await world.call('PUT', '/v1/sys/leases/renew', { body: { lease_id: creds.body['lease_id'] } });
    assert.equal(renewed.body['lease_duration'], 1800);
    world.clock.advance(1800_000);
    await until('the lease is dead', async () => (await leasesOf(world))[0]!.state !== 'active');
    await until('no user is left', async () => (await world.lentUsers()).length === 0);
  });
});

describe('a grant that fails', () => {
  test('leaves no user behind, and says what AWS said', async (t) => {
    const world = await lending(t);
    await world.call('POST', '/v1/aws/roles/deploy', { body: { iam_groups: 'no-such-group' } });
    const refused = await world.call('GET', '/v1/aws/creds/deploy');
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors[0]!, /^Error adding user to group: NoSuchEntity: /);
    assert.deepEqual(await world.lentUsers(), []);
    const [lease] = await leasesOf(world);
    assert.deepEqual([lease?.state, lease?.end_reason], ['unverified', 'abandoned']);
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '5m' } });
    await until('the intent is dead', async () => (await leasesOf(world))[0]?.state === 'dead');
  });

  test('at its first call leaves nothing, not even an intent', async (t) => {
    const world = await lending(t);
    await world.call('POST', '/v1/aws/config/root', { body: { access_key: 'AKIAIOSFODNN7EXAMPLE' } });
    const refused = await world.call('GET', '/v1/aws/creds/deploy');
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors[0]!, /^Error creating IAM user: InvalidClientTokenId: /);
    assert.deepEqual(await leasesOf(world), []);
  });

  test('by throttling is told as 502, so that clients try again', async (t) => {
    const world = await lending(t);
    const error = { code: 'Throttling', status: 400 };
    await world.control('POST', 'faults', { service: 'iam', operation: 'CreateUser', when: 'before', error });
    const refused = await world.call('GET', '/v1/aws/creds/deploy');
    assert.equal(refused.status, 502);
    assert.match(refused.body.errors[0]!, /^Error creating IAM user: Throttling: /);
  });

  test('after AWS made the user but answered with an error is cleaned up', async (t) => {
    const world = await lending(t);
    const error = { code: 'ServiceFailure', status: 500 };
    await world.control('POST', 'faults', { service: 'iam', operation: 'CreateUser', when: 'after', error });
    assert.notEqual((await world.call('GET', '/v1/aws/creds/deploy')).status, 200);
    assert.deepEqual(await world.lentUsers(), []);
    assert.equal((await leasesOf(world))[0]?.end_reason, 'abandoned');
  });

  test('whose removal fails too is tried again until the user is gone', async (t) => {
    const world = await lending(t);
    const error = { code: 'ServiceFailure', status: 500 };
    const fault = { service: 'iam', when: 'before', count: 1, error };
    await world.control('POST', 'faults', { ...fault, operation: 'CreateAccessKey' });
    await world.control('POST', 'faults', { ...fault, operation: 'DeleteUser' });
    assert.notEqual((await world.call('GET', '/v1/aws/creds/deploy')).status, 200);
    assert.equal((await world.lentUsers()).length, 1);
    assert.match((await leasesOf(world))[0]!.last_error!, /DeleteUser|ServiceFailure/);
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '1m' } });
    await until('the user is gone', async () => (await world.lentUsers()).length === 0);
  });
});

describe('a session on loan', () => {
  async function withRole(t: TestContext): Promise<TestCloud & TestBroker> {
    const world = await lending(t);
    const { CreateRoleCommand } = await import('@aws-sdk/client-iam');
    const trust = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: `arn:aws:iam::${account}:root` } };
    await world.admin.send(
      new CreateRoleCommand({
        RoleName: 'target',
        AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
      }),
    );
    await world.call('POST', '/v1/aws/roles/target', {
      body: {
        credential_type: 'assumed_role',
        role_arns: `arn:aws:iam::${account}:role/target`,
        default_sts_ttl: '20m',
      },
    });
    return world;
  }

  test('has both names of its token, its role’s time, and cannot be renewed', async (t) => {
    const world = await withRole(t);
    const { status, body } = await world.call('POST', '/v1/aws/sts/target', {
      body: { role_session_name: 'alice @ work' },
    });
    assert.equal(status, 200);
    assert.match(String(body['lease_id']), /^aws\/sts\/target\//);
    assert.deepEqual([body['lease_duration'], body['renewable'], body.data['ttl']], [1200, false, 1200]);
    assert.equal(body.data['security_token'], body.data['session_token']);
    assert.match(String(body.data['arn']), /assumed-role\/target\/alice_@_work$/);
    const sts = new STSClient({
      endpoint: world.cloud.endpoint,
      region: 'us-east-1',
      credentials: {
        accessKeyId: body.data['access_key'] as string,
        secretAccessKey: body.data['secret_key'] as string,
        sessionToken: body.data['session_token'] as string,
      },
    });
    assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, account);
    sts.destroy();
    const renewed = await world.call('PUT', '/v1/sys/leases/renew', { body: { lease_id: body['lease_id'] } });
    assert.deepEqual([renewed.status, renewed.body.errors], [400, ['lease is not renewable']]);
  });

  test('that is revoked is gone for Vault’s calls, but the record says it lives until its time is over', async (t) => {
    const world = await withRole(t);
    const { body } = await world.call('GET', '/v1/aws/creds/target?ttl=15m');
    const lease_id = body['lease_id'];
    assert.equal(body['lease_duration'], 900);
    assert.equal((await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } })).status, 204);
    const lookup = await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id } });
    assert.deepEqual(lookup.body.errors, ['invalid lease']);
    assert.equal(await stateOf(world, lease_id), 'unverified');
    await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '15m' } });
    await until('the session is expired', async () => (await stateOf(world, lease_id)) === 'expired');
  });

  test('of a role that is not listed is refused in Vault’s words', async (t) => {
    const world = await withRole(t);
    const ask = async (role_arn: string): Promise<readonly string[]> =>
      (await world.call('POST', '/v1/aws/sts/target', { body: { role_arn } })).body.errors;
    const other = 'arn:aws:iam::111111111111:role/other';
    assert.deepEqual(await ask(other), [`role_arn "${other}" not in allowed role arns for Vault role "target"`]);
    await world.call('POST', '/v1/aws/roles/target', { body: { role_arns: [other, `${other}2`] } });
    assert.equal((await ask(''))[0], 'did not supply a role_arn parameter and unable to determine one');
    const missing = await world.call('GET', '/v1/aws/creds/none');
    assert.deepEqual([missing.status, missing.body.errors], [400, ['Role "none" not found']]);
  });
});
