import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { Turns } from '../../src/broker/auth/turns.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

type After = Parameters<typeof testBroker>[0];

async function userpassBroker(after: After): Promise<TestBroker> {
  const broker = await testBroker(after);
  await broker.call('POST', '/v1/sys/auth/userpass', { body: { type: 'userpass' } });
  return broker;
}

function login({ call }: Pick<TestBroker, 'call'>, name: string, password: string): Promise<Reply> {
  return call('POST', `/v1/auth/userpass/login/${name}`, { token: null, body: { password } });
}

function authOf(reply: Reply): Readonly<Record<string, unknown>> {
  return reply.body['auth'] as Readonly<Record<string, unknown>>;
}

const refused = ['invalid username or password'];
/** A cheap one, for tests that are not about what passwords cost. */
const right = { password_hash: hashSync('right', 5) };

describe('userpass', () => {
  test('a user logs in, and gets what the user may', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    const { call } = broker;
    const written = await call('POST', '/v1/auth/userpass/users/Alice', {
      body: { password: 'right', token_policies: 'Dev,ops', token_ttl: '5m' },
    });
    assert.deepEqual([written.status, written.body], [204, undefined]);
    const reply = await login(broker, 'aLICE', 'right');
    assert.equal(reply.status, 200);
    const { client_token: token, ...auth } = authOf(reply);
    assert.deepEqual(auth['token_policies'], ['default', 'dev', 'ops']);
    assert.deepEqual(
      [auth['metadata'], auth['lease_duration'], auth['renewable'], auth['orphan']],
      [{ username: 'alice' }, 300, true, true],
    );
    const self = await call('GET', '/v1/auth/token/lookup-self', { token: String(token) });
    assert.deepEqual(
      [self.body.data['display_name'], self.body.data['path']],
      ['userpass-alice', 'auth/userpass/login/aLICE'],
    );
  });

  test('a user is shown without the password, with old names only where they were used', async (t) => {
    const { call } = await userpassBroker((end) => t.after(end));
    await call('POST', '/v1/auth/userpass/users/alice', { body: { ...right, policies: 'b,a', ttl: '5m' } });
    assert.deepEqual((await call('GET', '/v1/auth/userpass/users/alice')).body.data, {
      policies: ['a', 'b'],
      token_bound_cidrs: [],
      token_explicit_max_ttl: 0,
      token_max_ttl: 0,
      token_no_default_policy: false,
      token_num_uses: 0,
      token_period: 0,
      token_policies: ['a', 'b'],
      token_strictly_bind_ip: false,
      token_ttl: 300,
      token_type: 'default',
      ttl: 300,
    });
    assert.deepEqual((await call('LINK', '/v1/auth/userpass/users')).body.data, { keys: ['alice'] });
    await call('POST', '/v1/auth/userpass/users/alice', { body: { token_policies: ['c'] } });
    const { policies, token_policies: now, ttl } = (await call('GET', '/v1/auth/userpass/users/alice')).body.data;
    assert.deepEqual([policies, now, ttl], [undefined, ['c'], 300]);
    await call('DELETE', '/v1/auth/userpass/users/ALICE');
    assert.equal((await call('GET', '/v1/auth/userpass/users/alice')).status, 404);
    assert.equal((await call('LINK', '/v1/auth/userpass/users')).status, 404);
  });

  test('wrong passwords, unknown users and users whose password is another are refused alike', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    await broker.call('POST', '/v1/auth/userpass/users/alice', { body: right });
    for (const [name, password] of [
      ['alice', 'wrong'],
      ['alice', 'Right'],
      ['nobody', 'right'],
    ] as const) {
      const reply = await login(broker, name, password);
      assert.deepEqual([reply.status, reply.body.errors], [400, refused]);
    }
    const empty = await login(broker, 'alice', '');
    assert.deepEqual([empty.status, empty.body.errors], [500, ['missing password']]);
  });

  test('a password is changed, and the former one is good for nothing', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    const { call } = broker;
    await call('POST', '/v1/auth/userpass/users/alice', { body: { password: 'first' } });
    assert.equal(
      (await call('POST', '/v1/auth/userpass/users/alice/password', { body: { password: 'next' } })).status,
      204,
    );
    assert.deepEqual(
      [(await login(broker, 'alice', 'first')).status, (await login(broker, 'alice', 'next')).status],
      [400, 200],
    );
    const nobody = await call('POST', '/v1/auth/userpass/users/nobody/password', { body: right });
    assert.deepEqual(
      [nobody.status, nobody.body.errors],
      [500, ['1 error occurred:\n\t* username does not exist\n\n']],
    );
  });

  test('a hash that bcrypt made elsewhere lets in who has the password', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    const { call } = broker;
    // `$2y$` is how `htpasswd -B` names it.
    const hash = hashSync('secret', 5).replace('$2b$', '$2y$');
    const write = (body: Record<string, string>): Promise<Reply> =>
      call('POST', '/v1/auth/userpass/users/bob', { body });
    for (const [body, text] of [
      [{}, 'must provide either password or password_hash'],
      [{ password: 'a', password_hash: hash }, 'only one of password or password_hash may be provided'],
      [{ password_hash: 'plain' }, 'password_hash is not a valid bcrypt hash'],
      [{ password_hash: hash.replace('$05$', '$04$') }, 'bcrypt cost of 4 is too low, want 5 at minimum'],
      [{ password_hash: hash.replace('$05$', '$31$') }, 'bcrypt cost of 31 exceeds maximum cost of 12'],
    ] as const) {
      const reply = await write(body);
      assert.deepEqual([reply.status, reply.body.errors[0]], [400, text]);
    }
    assert.equal((await write({ password_hash: hash })).status, 204);
    assert.deepEqual(
      [(await login(broker, 'bob', 'secret')).status, (await login(broker, 'bob', 'Secret')).status],
      [200, 400],
    );
  });

  test('five failures lock a name for fifteen minutes, whether it exists or not, also over a restart', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    await broker.call('POST', '/v1/auth/userpass/users/alice', { body: right });
    for (const name of ['alice', 'nobody']) {
      for (let tries = 0; tries < 5; tries++) assert.equal((await login(broker, name, 'wrong')).status, 400);
      const locked = await login(broker, name, 'right');
      assert.deepEqual([locked.status, locked.body.errors[0]], [403, 'permission denied']);
    }
    await broker.restart();
    assert.equal((await login(broker, 'alice', 'right')).status, 403);
    broker.clock.advance(15 * 60_000);
    assert.equal((await login(broker, 'alice', 'right')).status, 200);
    assert.equal((await login(broker, 'alice', 'wrong')).status, 400, 'who logged in begins anew');
  });

  test('the lockout is tuned, and can be switched off', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    const { call } = broker;
    await call('POST', '/v1/auth/userpass/users/alice', { body: right });
    const tune = (config: Record<string, string | boolean>): Promise<Reply> =>
      call('POST', '/v1/sys/auth/userpass/tune', { body: { user_lockout_config: config } });
    assert.equal((await tune({ lockout_threshold: '1', lockout_duration: '1h' })).status, 204);
    const { user_lockout_threshold: threshold, user_lockout_duration: duration } = (
      await call('GET', '/v1/sys/auth/userpass/tune')
    ).body.data;
    assert.deepEqual([threshold, duration], [1, 3600]);
    await login(broker, 'alice', 'wrong');
    assert.equal((await login(broker, 'alice', 'right')).status, 403);
    await tune({ lockout_disable: true });
    assert.equal((await login(broker, 'alice', 'right')).status, 200);
    assert.equal((await tune({ lockout_threshold: 'many' })).status, 400);
    await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
    const aws = await call('POST', '/v1/sys/mounts/aws/tune', {
      body: { user_lockout_config: { lockout_disable: true } },
    });
    assert.equal(aws.status, 400);
  });

  test('who is locked out is listed, and can be let in again', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    const { call } = broker;
    const locked = async (): Promise<unknown> => (await call('GET', '/v1/sys/locked-users')).body.data;
    const rows = (counts: number, mounts: readonly unknown[]): unknown => ({
      by_namespace: [{ namespace_id: 'root', namespace_path: '', counts, mount_accessors: mounts }],
      total: counts,
    });
    await call('POST', '/v1/auth/userpass/users/alice', { body: right });
    for (let tries = 0; tries < 4; tries++) await login(broker, 'alice', 'wrong');
    assert.deepEqual(await locked(), rows(0, []));
    await login(broker, 'Alice', 'wrong');
    const accessor = String((await call('GET', '/v1/sys/auth/userpass')).body.data['accessor']);
    assert.deepEqual(await locked(), rows(1, [{ mount_accessor: accessor, counts: 1, alias_identifiers: ['alice'] }]));
    assert.equal((await call('POST', `/v1/sys/locked-users/${accessor}/unlock/bob`)).status, 204);
    assert.equal((await login(broker, 'alice', 'right')).status, 403);
    assert.equal((await call('POST', `/v1/sys/locked-users/${accessor}/unlock/alice`)).status, 204);
    assert.equal((await login(broker, 'alice', 'right')).status, 200);
    assert.deepEqual(await locked(), rows(0, []));
  });

  test('wrong passwords that come at once do not keep other requests waiting', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    const flood = Promise.all(Array.from({ length: 6 }, (_, at) => login(broker, `guess${at}`, 'wrong')));
    const first = await Promise.race([flood.then(() => 'guesses'), broker.call('GET', '/v1/sys/auth')]);
    assert.notEqual(first, 'guesses');
    assert.deepEqual(new Set((await flood).map(({ status }) => status)), new Set([400]));
  });

  test('more logins than may wait are refused at once, and the others have their turn', async () => {
    const turns = new Turns({ atOnce: 2, waiting: 3, perAddress: 4 });
    const ends: (() => void)[] = [];
    const work = (address: string): Promise<void> =>
      turns.take(address, () => new Promise((resolve) => ends.push(resolve)));
    const taken = [work('guesser'), work('guesser'), work('guesser'), work('guesser')];
    await assert.rejects(work('guesser'), { code: 'rate-limited' }, 'nobody takes the whole queue');
    taken.push(work('other'));
    await assert.rejects(work('third'), { code: 'rate-limited' });
    for (const at of taken.keys()) {
      ends[at]!();
      await taken[at];
    }
    assert.equal(ends.length, 5);
    await turns.take('guesser', async () => {});
    await assert.rejects(
      turns.take('guesser', async () => {
        throw new TypeError('failed');
      }),
      TypeError,
    );
    await turns.take('guesser', async () => {});
  });

  test('many guesses at one name at once get no more tries than one after another', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    await broker.call('POST', '/v1/auth/userpass/users/alice', { body: right });
    const guesses = await Promise.all(Array.from({ length: 60 }, () => login(broker, 'alice', 'wrong')));
    const tried = guesses.filter(({ status }) => status === 400).length;
    assert.ok(tried >= 5 && tried <= 7, `${tried} tries`);
  });

  test('logins from elsewhere than the user is bound to are refused', async (t) => {
    const broker = await userpassBroker((end) => t.after(end));
    const bind = (cidrs: string): Promise<Reply> =>
      broker.call('POST', '/v1/auth/userpass/users/alice', { body: { ...right, token_bound_cidrs: cidrs } });
    await bind('10.0.0.0/8,192.168.1.1');
    const elsewhere = await login(broker, 'alice', 'right');
    assert.deepEqual([elsewhere.status, elsewhere.body.errors[0]], [403, 'permission denied']);
    await bind('127.0.0.1/32');
    assert.equal((await login(broker, 'alice', 'right')).status, 200);
    const bad = await bind('somewhere');
    const text =
      'error parsing address "somewhere": Unable to convert "somewhere" to an IPv4 or IPv6 address, or a UNIX Socket';
    assert.deepEqual([bad.status, bad.body.errors[0]], [400, text]);
  });

  test('what a user may be given is checked in the words of Vault', async (t) => {
    const { call } = await userpassBroker((end) => t.after(end));
    for (const [body, text] of [
      [{ token_type: 'other' }, `invalid 'token_type' value "other"`],
      [{ token_num_uses: -1 }, `'token_num_uses' cannot be negative`],
      [{ token_ttl: '2h', token_max_ttl: '1h' }, `'token_ttl' cannot be greater than 'token_max_ttl'`],
      [
        { token_type: 'batch', token_period: '1h' },
        `'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens`,
      ],
      [
        { token_type: 'batch', token_num_uses: 1 },
        `'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count`,
      ],
      [
        { token_strictly_bind_ip: true, token_bound_cidrs: '10.0.0.1' },
        `'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one`,
      ],
    ] as const) {
      const reply = await call('POST', '/v1/auth/userpass/users/bob', { body: { ...right, ...body } });
      assert.deepEqual([reply.status, reply.body.errors[0]], [400, text]);
      assert.equal((await call('GET', '/v1/auth/userpass/users/bob')).status, 404);
    }
  });

  test('what a caller without a token may not know is not told', async (t) => {
    const { call } = await userpassBroker((end) => t.after(end));
    const ask = async (method: string, path: string, token: string | null): Promise<readonly unknown[]> => {
      const reply = await call(method, `/v1/auth/userpass/${path}`, { token });
      return [reply.status, reply.body.errors[0]];
    };
    assert.deepEqual(await ask('POST', 'users/alice', null), [403, 'permission denied']);
    assert.deepEqual(await ask('POST', 'nothing', null), [403, 'permission denied']);
    assert.deepEqual(await ask('POST', 'nothing', 'root'), [404, '1 error occurred:\n\t* unsupported path\n\n']);
    assert.deepEqual(await ask('GET', 'login/alice', null), [405, 'unsupported operation']);
    assert.deepEqual(await ask('DELETE', 'login/alice', 'root'), [405, 'unsupported operation']);
  });

  test('creating a user takes another capability than changing one', async (t) => {
    const { call } = await userpassBroker((end) => t.after(end));
    const policy = 'path "auth/userpass/users/*" { capabilities = ["update"] }';
    await call('PUT', '/v1/sys/policies/acl/changer', { body: { policy } });
    const made = await call('POST', '/v1/auth/token/create', { body: { policies: ['changer'] } });
    const token = String(authOf(made)['client_token']);
    const write = (): Promise<Reply> => call('POST', '/v1/auth/userpass/users/alice', { token, body: right });
    assert.equal((await write()).status, 403);
    await call('POST', '/v1/auth/userpass/users/alice', { body: right });
    assert.equal((await write()).status, 204);
  });
});
