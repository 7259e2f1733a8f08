import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { testBroker, type Reply, type TestBroker } from './support.ts';

type After = Parameters<typeof testBroker>[0];
type Data = Readonly<Record<string, unknown>>;

interface Roles extends TestBroker {
  /** `POST auth/approle/role/<path>`, or another method. */
  readonly role: (path: string, body?: unknown, method?: string) => Promise<Reply>;
  readonly login: (roleId: unknown, secretId?: unknown) => Promise<Reply>;
  readonly idOf: (role: string) => Promise<string>;
  readonly secretIdOf: (role: string, body?: unknown) => Promise<Data>;
}

async function approleBroker(after: After): Promise<Roles> {
  const broker = await testBroker(after);
  const { call } = broker;
  await call('POST', '/v1/sys/auth/approle', { body: { type: 'approle' } });
  const role: Roles['role'] = (path, body = {}, method = 'POST') =>
    call(method, `/v1/auth/approle/role${path === '' ? '' : `/${path}`}`, method === 'POST' ? { body } : {});
  return Object.assign(Object.create(broker) as TestBroker, {
    role,
    login: (roleId: unknown, secretId?: unknown) =>
      call('POST', '/v1/auth/approle/login', { token: null, body: { role_id: roleId, secret_id: secretId } }),
    idOf: async (name: string) => String((await role(`${name}/role-id`, {}, 'GET')).body.data['role_id']),
    secretIdOf: async (name: string, body: unknown = {}) => (await role(`${name}/secret-id`, body)).body.data,
  });
}

function authOf(reply: Reply): Data {
  return reply.body['auth'] as Data;
}

function told(reply: Reply): readonly [number, string | undefined] {
  return [reply.status, reply.body?.errors?.[0]];
}

const refused = [400, 'invalid role or secret ID'] as const;
const asCore = (text: string): string => `1 error occurred:\n\t* ${text}\n\n`;

describe('approle', () => {
  test('a machine logs in with role id and secret id', async (t) => {
    const { role, login, idOf, secretIdOf, call } = await approleBroker((end) => t.after(end));
    assert.equal((await role('Web', { token_policies: 'deploy', token_ttl: '10m' })).status, 204);
    const id = await idOf('web');
    const made = await secretIdOf('web', { metadata: '{"host": "web-1"}' });
    assert.deepEqual(Object.keys(made).sort(), [
      'secret_id',
      'secret_id_accessor',
      'secret_id_num_uses',
      'secret_id_ttl',
    ]);
    const reply = await login(` ${id} `, made['secret_id']);
    const auth = authOf(reply);
    assert.deepEqual([reply.status, auth['token_policies'], auth['lease_duration']], [200, ['default', 'deploy'], 600]);
    assert.deepEqual(auth['metadata'], { host: 'web-1', role_name: 'web' });
    const self = await call('GET', '/v1/auth/token/lookup-self', { token: String(auth['client_token']) });
    assert.equal(self.body.data['display_name'], 'approle');
  });

  test('what is missing or wrong in a login is told as Vault tells it', async (t) => {
    const { role, login, idOf, secretIdOf } = await approleBroker((end) => t.after(end));
    await role('a');
    await role('b');
    const [a, ofB] = [await idOf('a'), await secretIdOf('b')];
    assert.deepEqual(told(await login('')), [500, 'missing role_id']);
    assert.deepEqual(told(await login('no such id', 'x')), refused);
    assert.deepEqual(told(await login(a)), [400, 'missing secret_id']);
    assert.deepEqual(told(await login(a, 'wrong')), refused);
    assert.deepEqual(told(await login(a, ofB['secret_id'])), refused, 'a secret id is good for its own role only');
    assert.deepEqual(told(await login(a, ofB['secret_id_accessor'])), refused);
  });

  test('a secret id is used up by its logins, also when they come at once', async (t) => {
    const { role, login, idOf, secretIdOf } = await approleBroker((end) => t.after(end));
    await role('web', { secret_id_num_uses: 3 });
    const [id, { secret_id: secretId }] = [await idOf('web'), await secretIdOf('web')];
    const replies = await Promise.all(Array.from({ length: 8 }, () => login(id, secretId)));
    // The fifth failure locks the role id; until then it is told that the secret id is spent.
    assert.equal(replies.filter(({ status }) => status === 200).length, 3);
    assert.deepEqual((await role('web/secret-id', {}, 'LINK')).status, 404);
  });

  test('a secret id ends at its time, and its record with it', async (t) => {
    const broker = await approleBroker((end) => t.after(end));
    const { role, login, idOf, secretIdOf } = broker;
    await role('web', { secret_id_ttl: '1h' });
    const [id, made] = [await idOf('web'), await secretIdOf('web')];
    assert.equal(made['secret_id_ttl'], 3600);
    assert.equal((await login(id, made['secret_id'])).status, 200);
    broker.clock.advance(3_600_000);
    assert.deepEqual(told(await login(id, made['secret_id'])), refused);
    await broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '1s' } });
    for (let looks = 0; (await role('web/secret-id', {}, 'LINK')).status !== 404; looks++) assert.ok(looks < 1000);
  });

  test('a role without bind_secret_id lets in by address', async (t) => {
    const { role, login, idOf } = await approleBroker((end) => t.after(end));
    assert.deepEqual(told(await role('open', { bind_secret_id: false })), [
      500,
      asCore('at least one constraint should be enabled on the role'),
    ]);
    await role('near', { bind_secret_id: false, secret_id_bound_cidrs: ['127.0.0.0/8'] });
    await role('far', { bind_secret_id: false, secret_id_bound_cidrs: '10.0.0.0/8' });
    assert.equal((await login(await idOf('near'))).status, 200);
    assert.deepEqual(told(await login(await idOf('far'))), [
      400,
      'source address "127.0.0.1" unauthorized through CIDR restrictions on the role',
    ]);
    assert.deepEqual(told(await role('near/secret-id')), [400, 'bind_secret_id is not set on the role']);
  });

  test('secret ids are bound to addresses within those of the role', async (t) => {
    const { role, login, idOf, secretIdOf } = await approleBroker((end) => t.after(end));
    await role('web', { secret_id_bound_cidrs: '127.0.0.0/8,10.0.0.0/8', token_bound_cidrs: '127.0.0.0/8' });
    const beyond = await role('web/secret-id', { cidr_list: '11.0.0.0/8' });
    assert.match(String(beyond.body.errors[0]), /failed to verify subset relationship between CIDR blocks on the role/);
    assert.equal(beyond.status, 500);
    assert.deepEqual(told(await role('web/secret-id', { cidr_list: 'x' })), [
      500,
      asCore('failed to validate CIDR blocks: invalid CIDR address: x'),
    ]);
    const [id, near] = [await idOf('web'), await secretIdOf('web', { cidr_list: ['127.0.0.1/32'] })];
    const far = await secretIdOf('web', { cidr_list: ['10.1.0.0/16'] });
    assert.equal((await login(id, near['secret_id'])).status, 200);
    assert.deepEqual(told(await login(id, far['secret_id'])), [
      400,
      'source address "127.0.0.1" unauthorized through CIDR restrictions on the secret ID',
    ]);
  });

  test('a secret id may not be good for more than the role says', async (t) => {
    const { role, secretIdOf } = await approleBroker((end) => t.after(end));
    await role('web', { secret_id_num_uses: 2, secret_id_ttl: '1h' });
    const uses = [400, "num_uses cannot be higher than the role's secret_id_num_uses"];
    const ttl = [400, "ttl cannot be longer than the role's secret_id_ttl"];
    assert.deepEqual(told(await role('web/secret-id', { num_uses: 3 })), uses);
    assert.deepEqual(told(await role('web/secret-id', { num_uses: 0 })), uses);
    assert.deepEqual(told(await role('web/secret-id', { num_uses: -1 })), [400, 'num_uses cannot be negative']);
    assert.deepEqual(told(await role('web/secret-id', { ttl: '2h' })), ttl);
    assert.deepEqual(told(await role('web/secret-id', { ttl: 0 })), ttl);
    const made = await secretIdOf('web', { num_uses: 1, ttl: 60 });
    assert.deepEqual([made['secret_id_num_uses'], made['secret_id_ttl']], [1, 60]);
  });

  test('secret ids are listed, looked up and ended by themselves or by accessor', async (t) => {
    const { role, login, idOf, secretIdOf } = await approleBroker((end) => t.after(end));
    await role('web');
    const made = await secretIdOf('web', { metadata: 'a=b,c=d' });
    const { secret_id: secretId, secret_id_accessor: accessor } = made;
    assert.deepEqual((await role('web/secret-id', {}, 'LINK')).body.data, { keys: [accessor] });
    const bySecretId = await role('web/secret-id/lookup', { secret_id: secretId });
    const byAccessor = await role('web/secret-id-accessor/lookup', { secret_id_accessor: accessor });
    assert.deepEqual(bySecretId.body.data, byAccessor.body.data);
    const { creation_time: created, last_updated_time: updated, ...shown } = bySecretId.body.data;
    assert.equal(created, updated);
    assert.deepEqual(shown, {
      cidr_list: [],
      expiration_time: '0001-01-01T00:00:00Z',
      metadata: { a: 'b', c: 'd' },
      secret_id_accessor: accessor,
      secret_id_num_uses: 0,
      secret_id_ttl: 0,
      token_bound_cidrs: [],
    });
    assert.equal((await role('web/secret-id-accessor/destroy', { secret_id_accessor: accessor })).status, 204);
    assert.deepEqual(told(await login(await idOf('web'), secretId)), refused);
    assert.equal((await role('web/secret-id/lookup', { secret_id: secretId })).status, 204);
    const gone = await role('web/secret-id-accessor/lookup', { secret_id_accessor: accessor });
    const text = `failed to find accessor entry for secret_id_accessor: "${String(accessor)}"`;
    assert.deepEqual([gone.status, gone.body.data], [404, { error: text }]);
    const again = await role('web/secret-id-accessor/destroy', { secret_id_accessor: accessor });
    assert.deepEqual(told(again), [500, asCore(text)]);
    const other = await secretIdOf('web');
    assert.equal((await role('web/secret-id/destroy', { secret_id: other['secret_id'] })).status, 204);
    assert.equal((await role('web/secret-id/destroy', { secret_id: other['secret_id'] })).status, 204);
  });

  test('an accessor of another role leads nowhere', async (t) => {
    const { role, login, idOf, secretIdOf } = await approleBroker((end) => t.after(end));
    await role('a');
    await role('b');
    const { secret_id: secretId, secret_id_accessor: accessor } = await secretIdOf('b');
    assert.equal((await role('a/secret-id-accessor/lookup', { secret_id_accessor: accessor })).status, 404);
    assert.equal((await role('a/secret-id-accessor/destroy', { secret_id_accessor: accessor })).status, 500);
    assert.equal((await role('a/secret-id-accessor/lookup', { secret_id_accessor: '../b' })).status, 404);
    assert.equal((await login(await idOf('b'), secretId)).status, 200);
  });

  test('a secret id of one’s own is registered once', async (t) => {
    const { role, login, idOf } = await approleBroker((end) => t.after(end));
    await role('web');
    const make = (secretId?: string): Promise<Reply> => role('web/custom-secret-id', { secret_id: secretId });
    const made = await Promise.all([make('mine'), make('mine'), make('mine')]);
    assert.deepEqual(
      made.map(({ status }) => status).sort((a, b) => a - b),
      [200, 500, 500],
    );
    const failed = made.find(({ status }) => status === 500)!;
    assert.deepEqual(told(failed), [500, asCore('failed to store secret_id: SecretID is already registered')]);
    assert.deepEqual(told(await make()), [400, 'missing secret_id']);
    assert.equal((await login(await idOf('web'), 'mine')).status, 200);
    await role('web/secret-id/destroy', { secret_id: 'mine' });
    assert.equal((await make('mine')).status, 200);
    assert.equal((await make('x'.repeat(5000))).status, 500);
  });

  test('role ids are unique, can be chosen, and the former one is free again', async (t) => {
    const { role, login, idOf, secretIdOf } = await approleBroker((end) => t.after(end));
    await role('a', { role_id: 'shared' });
    assert.deepEqual(told(await role('b', { role_id: 'shared' })), [500, asCore('role_id already in use')]);
    assert.equal((await role('b', {}, 'GET')).status, 404);
    assert.equal((await role('a/role-id', { role_id: 'next' })).status, 204);
    assert.equal(await idOf('a'), 'next');
    assert.equal((await role('b', { role_id: 'shared' })).status, 204);
    const { secret_id: secretId } = await secretIdOf('a');
    assert.deepEqual([(await login('next', secretId)).status, (await login('shared', secretId)).status], [200, 400]);
    assert.deepEqual(told(await role('a/role-id', {})), [400, 'missing role_id']);
    const made = await Promise.all(['c', 'd', 'e'].map((name) => role(name, { role_id: 'raced' })));
    assert.deepEqual(
      made.map(({ status }) => status).sort((a, b) => a - b),
      [204, 500, 500],
    );
  });

  test('a role that is made again knows nothing of the former one', async (t) => {
    const broker = await approleBroker((end) => t.after(end));
    const { role, login, secretIdOf } = broker;
    await role('web', { role_id: 'web-id' });
    const { secret_id: secretId, secret_id_accessor: accessor } = await secretIdOf('web');
    assert.equal((await role('web', {}, 'DELETE')).status, 204);
    assert.equal((await role('web', {}, 'DELETE')).status, 204);
    assert.deepEqual(told(await login('web-id', secretId)), refused);
    await role('web', { role_id: 'web-id' });
    assert.deepEqual(told(await login('web-id', secretId)), refused);
    assert.equal((await role('web/secret-id-accessor/lookup', { secret_id_accessor: accessor })).status, 404);
  });

  test('a role is read as it was written', async (t) => {
    const { role } = await approleBroker((end) => t.after(end));
    const made = await role('web', { policies: 'b,a', period: '1h', token_type: 'default-service' });
    assert.deepEqual(made.body['warnings'], ['default-service has no useful meaning; adjusting to service']);
    assert.deepEqual((await role('web', {}, 'GET')).body.data, {
      bind_secret_id: true,
      local_secret_ids: false,
      period: 3600,
      policies: ['a', 'b'],
      secret_id_bound_cidrs: null,
      secret_id_num_uses: 0,
      secret_id_ttl: 0,
      token_bound_cidrs: [],
      token_explicit_max_ttl: 0,
      token_max_ttl: 0,
      token_no_default_policy: false,
      token_num_uses: 0,
      token_period: 3600,
      token_policies: ['a', 'b'],
      token_strictly_bind_ip: false,
      token_ttl: 0,
      token_type: 'service',
    });
    const local = 'local_secret_ids can only be modified during role creation';
    assert.deepEqual(told(await role('web', { local_secret_ids: true })), [400, local]);
    assert.deepEqual(told(await role('web', { secret_id_num_uses: -1 })), [
      400,
      'secret_id_num_uses cannot be negative',
    ]);
    const long = await role('web', { token_max_ttl: '1000h' });
    assert.match(String((long.body['warnings'] as string[])[0]), /^token_max_ttl is greater than/);
    assert.deepEqual(told(await role('web', { period: '1000h' })), [
      400,
      `period of "1000h0m0s" is greater than the backend's maximum lease TTL of "768h0m0s"`,
    ]);
    assert.deepEqual((await role('', {}, 'LINK')).body.data, { keys: ['web'] });
  });

  test('each part of a role is read, written and reset at a path of its own', async (t) => {
    const { role } = await approleBroker((end) => t.after(end));
    await role('web');
    for (const [part, body, shown, reset] of [
      ['policies', { token_policies: 'B,a' }, { token_policies: ['a', 'b'] }, { token_policies: [] }],
      [
        'secret-id-bound-cidrs',
        { secret_id_bound_cidrs: '10.0.0.0/8' },
        { secret_id_bound_cidrs: ['10.0.0.0/8'] },
        { secret_id_bound_cidrs: null },
      ],
      [
        'token-bound-cidrs',
        { token_bound_cidrs: '10.0.0.1/32' },
        { token_bound_cidrs: ['10.0.0.1'] },
        { token_bound_cidrs: null },
      ],
      ['bind-secret-id', { bind_secret_id: true }, { bind_secret_id: true }, { bind_secret_id: true }],
      ['secret-id-num-uses', { secret_id_num_uses: '5' }, { secret_id_num_uses: 5 }, { secret_id_num_uses: 0 }],
      ['secret-id-ttl', { secret_id_ttl: '1h' }, { secret_id_ttl: 3600 }, { secret_id_ttl: 0 }],
      ['period', { token_period: '1h' }, { token_period: 3600 }, { token_period: 0 }],
      ['token-num-uses', { token_num_uses: 7 }, { token_num_uses: 7 }, { token_num_uses: 0 }],
      ['token-ttl', { token_ttl: 60 }, { token_ttl: 60 }, { token_ttl: 0 }],
      ['token-max-ttl', { token_max_ttl: 90 }, { token_max_ttl: 90 }, { token_max_ttl: 0 }],
    ] as const) {
      assert.equal((await role(`web/${part}`, body)).status, 204, part);
      assert.deepEqual((await role(`web/${part}`, {}, 'GET')).body.data, shown, part);
      assert.equal((await role(`web/${part}`, {}, 'DELETE')).status, 204, part);
      assert.deepEqual((await role(`web/${part}`, {}, 'GET')).body.data, reset, part);
      assert.equal((await role(`none/${part}`, {}, 'GET')).status, 404, part);
      assert.equal((await role(`none/${part}`, {}, 'DELETE')).status, 204, part);
      assert.deepEqual(told(await role(`none/${part}`, body)), [404, asCore('unsupported path')], part);
    }
    assert.deepEqual((await role('web/local-secret-ids', {}, 'GET')).body.data, { local_secret_ids: false });
  });

  test('what a part cannot be is told in the words of Vault', async (t) => {
    const { role } = await approleBroker((end) => t.after(end));
    await role('web', { token_ttl: 60, token_max_ttl: 90 });
    for (const [part, body, status, text] of [
      ['policies', {}, 400, 'missing token_policies'],
      ['bind-secret-id', {}, 400, 'missing bind_secret_id'],
      [
        'bind-secret-id',
        { bind_secret_id: false },
        500,
        asCore('at least one constraint should be enabled on the role'),
      ],
      ['secret-id-num-uses', {}, 400, 'missing secret_id_num_uses'],
      ['secret-id-num-uses', { secret_id_num_uses: -1 }, 400, 'secret_id_num_uses cannot be negative'],
      ['secret-id-ttl', {}, 400, 'missing secret_id_ttl'],
      ['period', {}, 400, 'missing period'],
      ['token-num-uses', {}, 400, 'missing token_num_uses'],
      ['token-ttl', {}, 400, 'missing token_ttl'],
      ['token-ttl', { token_ttl: 91 }, 400, 'token_ttl should not be greater than token_max_ttl'],
      ['token-max-ttl', {}, 400, 'missing token_max_ttl'],
      ['token-max-ttl', { token_max_ttl: 59 }, 400, 'token_max_ttl should be greater than or equal to token_ttl'],
      ['bound-cidr-list', { bound_cidr_list: [] }, 400, 'missing bound_cidr_list'],
      [
        'secret-id-bound-cidrs',
        { secret_id_bound_cidrs: 'x' },
        400,
        'failed to validate CIDR blocks: invalid CIDR address: x',
      ],
    ] as const) {
      assert.deepEqual(told(await role(`web/${part}`, body)), [status, text], part);
    }
    assert.deepEqual(told(await role('none/secret-id')), [404, 'role "none" does not exist']);
    assert.deepEqual(told(await role('none/secret-id', {}, 'LINK')), [400, 'role "none" does not exist']);
    assert.deepEqual(told(await role('none/secret-id/lookup', { secret_id: 'x' })), [
      500,
      asCore('role "none" does not exist'),
    ]);
    assert.deepEqual(told(await role('web/secret-id', { metadata: '{"a": 1}' })), [
      400,
      'failed to parse metadata: failed to parse the input: invalid <key,value> format',
    ]);
  });

  test('tidy is accepted, and wrong secret ids lock a role id for a while', async (t) => {
    const broker = await approleBroker((end) => t.after(end));
    const { role, login, idOf, secretIdOf, call } = broker;
    const tidy = await call('POST', '/v1/auth/approle/tidy/secret-id');
    assert.equal(tidy.status, 202);
    await role('web');
    const [id, { secret_id: secretId }] = [await idOf('web'), await secretIdOf('web')];
    for (let tries = 0; tries < 5; tries++) assert.deepEqual(told(await login(id, 'wrong')), refused);
    assert.deepEqual(told(await login(id, secretId)), [403, 'permission denied']);
    broker.clock.advance(900_000);
    assert.equal((await login(id, secretId)).status, 200);
  });

  test('neither secret id nor role id lies in the store as it is', async (t) => {
    const broker = await approleBroker((end) => t.after(end));
    const { role, login, idOf, secretIdOf } = broker;
    await role('web');
    const [id, { secret_id: secretId }] = [await idOf('web'), await secretIdOf('web')];
    await login(id, secretId);
    const bytes = readdirSync(broker.folder).map((name) => readFileSync(join(broker.folder, name)).toString('latin1'));
    for (const text of [id, String(secretId)]) assert.ok(!bytes.some((file) => file.includes(text)));
  });
});
