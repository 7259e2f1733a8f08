// What holders of shares do together: new shares, a new root token; and the keys behind the seal.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Reply } from '../support.ts';
import { testBroker } from '../support.ts';
import { giveShares, openedServer, sealedServer, type Opened, type SealedServer } from './seal-support.ts';

const anonymous = { token: null };
type Call = SealedServer['call'];

/** The two sets of paths for the same thing: without a token and bare, with a token and in the envelope. */
const flavours = {
  'sys/rekey': { words: 'rekey', body: (reply: Reply) => reply.body },
  'sys/rotate/root': { words: 'rotation', body: (reply: Reply) => reply.body.data },
} as const;

type Base = keyof typeof flavours;

async function update(
  call: Call,
  path: string,
  token: string,
  keys: readonly string[],
  nonce: unknown,
): Promise<Reply> {
  let reply: Reply | undefined;
  for (const key of keys) reply = await call('PUT', `/v1/${path}`, { token, body: { key, nonce } });
  return reply!;
}

for (const base of Object.keys(flavours) as Base[]) {
  const { words, body } = flavours[base];
  describe(`new shares over ${base}`, () => {
    const start = async (server: Opened, more: object = {}): Promise<Reply> =>
      server.call('PUT', `/v1/${base}/init`, {
        token: server.rootToken,
        body: { secret_shares: 4, secret_threshold: 3, ...more },
      });

    test('count at once, and the old ones no longer', async (t) => {
      const server = await openedServer((end) => t.after(end));
      const { call, rootToken: token, keys } = server;
      const before = body(await call('GET', `/v1/${base}/init`, { token }));
      assert.deepEqual([before['started'], before['t'], before['n'], before['required']], [false, 0, 0, 2]);
      const started = body(await start(server));
      assert.deepEqual(
        [started['started'], started['t'], started['n'], started['progress'], started['verification_required']],
        [true, 3, 4, 0, false],
      );
      const twice = await start(server);
      assert.deepEqual([twice.status, twice.body.errors[0]], [400, `${words} already in progress`]);
      const { nonce } = started;
      const one = body(await update(call, `${base}/update`, token, keys.slice(0, 1), nonce));
      assert.deepEqual([one['progress'], one['complete']], [1, undefined]);
      const made = body(await update(call, `${base}/update`, token, keys.slice(1, 2), nonce));
      assert.deepEqual([made['complete'], made['nonce'], made['verification_required']], [true, nonce, false]);
      const fresh = made['keys'] as string[];
      assert.equal(fresh.length, 4);
      assert.equal((made['keys_base64'] as string[]).length, 4);
      assert.equal(body(await call('GET', `/v1/${base}/init`, { token }))['required'], 3);
      assert.equal((await call('GET', '/v1/sys/mounts', { token })).status, 200);

      await server.restart();
      assert.equal((await giveShares(server, keys)).status, 400);
      const opened = (await giveShares(server, fresh.slice(1))).body;
      assert.deepEqual([opened['sealed'], opened['t'], opened['n']], [false, 3, 4]);
      assert.equal((await call('GET', '/v1/sys/mounts', { token })).status, 200);
    });

    test('count only after a proof where it was asked for', async (t) => {
      const server = await openedServer((end) => t.after(end));
      const { call, rootToken: token, keys } = server;
      const { nonce } = body(await start(server, { require_verification: true }));
      const made = body(await update(call, `${base}/update`, token, keys.slice(0, 2), nonce));
      const fresh = made['keys'] as string[];
      const proof = made['verification_nonce'];
      assert.deepEqual([made['verification_required'], typeof proof], [true, 'string']);
      const finished = await update(call, `${base}/update`, token, keys.slice(0, 1), nonce);
      assert.match(finished.body.errors[0]!, /already finished; verification must be performed/);
      const status = body(await call('GET', `/v1/${base}/verify`, { token }));
      assert.deepEqual([status['started'], status['t'], status['n'], status['progress']], [true, 3, 4, 0]);

      const wrong = await update(
        call,
        `${base}/verify`,
        token,
        [...fresh.slice(0, 2), `${'00'.repeat(32)}${otherX(fresh)}`],
        proof,
      );
      assert.deepEqual(
        [wrong.status, wrong.body.errors[0]],
        [400, `${words} verification failed; incorrect key shares supplied`],
      );
      const again = body(await call('GET', `/v1/${base}/verify`, { token }));
      assert.notEqual(again['nonce'], proof);
      await update(call, `${base}/verify`, token, fresh.slice(0, 2), again['nonce']);
      const reset = body(await call('DELETE', `/v1/${base}/verify`, { token }));
      assert.deepEqual([reset['progress'], reset['nonce'] === again['nonce']], [0, false]);
      const proved = body(await update(call, `${base}/verify`, token, fresh.slice(0, 3), reset['nonce']));
      assert.equal(proved['complete'], true);
      await call('PUT', '/v1/sys/seal', { token });
      assert.equal((await giveShares(server, fresh.slice(1))).body['sealed'], false);
    });

    test('are not made while a proof is missing: the present ones go on', async (t) => {
      const server = await openedServer((end) => t.after(end));
      const { call, rootToken: token, keys } = server;
      const { nonce } = body(await start(server, { require_verification: true }));
      await update(call, `${base}/update`, token, keys.slice(0, 2), nonce);
      await server.restart();
      assert.equal((await giveShares(server, keys.slice(1))).body['sealed'], false);
      assert.equal((await call('DELETE', `/v1/${base}/init`, { token })).status, 204);
      assert.equal(body(await call('GET', `/v1/${base}/init`, { token }))['started'], false);
    });

    test('are refused to wrong shares, wrong names and wrong numbers', async (t) => {
      const server = await openedServer((end) => t.after(end));
      const { call, rootToken: token, keys } = server;
      const none = await update(call, `${base}/update`, token, keys.slice(0, 1), 'x');
      assert.deepEqual(
        [none.status, none.body.errors[0]],
        [400, words === 'rekey' ? 'no barrier rekey in progress' : 'no rotation in progress'],
      );
      const verify = await call('GET', `/v1/${base}/verify`, { token });
      assert.deepEqual([verify.status, verify.body.errors[0]], [400, `no ${words} configuration found`]);
      const numbers = await start(server, { secret_threshold: 9 });
      assert.deepEqual(
        [numbers.status, numbers.body.errors[0]],
        [
          500,
          `invalid ${words === 'rekey' ? 'rekey' : 'rotate'} seal configuration: threshold cannot be larger than shares`,
        ],
      );
      assert.equal((await start(server, { pgp_keys: ['x'] })).status, 400);
      assert.match((await start(server, { backup: true })).body.errors[0]!, /^cannot request a backup of the new keys/);
      const { nonce } = body(await start(server));
      const misnamed = await update(call, `${base}/update`, token, keys.slice(0, 1), 'other');
      assert.ok(misnamed.body.errors[0]!.endsWith(`is "${String(nonce)}"`), misnamed.body.errors[0]);
      const short = await update(call, `${base}/update`, token, ['abcd'], nonce);
      assert.equal(short.body.errors[0], 'key is shorter than minimum 16 bytes');
      await update(call, `${base}/update`, token, keys.slice(0, 1), nonce);
      const twice = await update(call, `${base}/update`, token, keys.slice(0, 1), nonce);
      assert.match(
        twice.body.errors[0]!,
        /^given key has already been provided during this (?:generation operation|rotation)$/,
      );
      const wrong = await update(call, `${base}/update`, token, [`${'00'.repeat(32)}${otherX(keys)}`], nonce);
      assert.deepEqual(
        [wrong.status, wrong.body.errors[0]],
        [
          500,
          'failed to read root key: invalid key: failed to decrypt keys from storage: cipher: message authentication failed',
        ],
      );
      assert.equal(body(await call('GET', `/v1/${base}/init`, { token }))['progress'], 0);
      const backup = await call('GET', '/v1/sys/rekey/backup', { token });
      assert.deepEqual([backup.status, backup.body.errors[0]], [400, 'no backed-up keys found']);
    });
  });
}

/** The last byte of a share, not among those of `keys`. */
function otherX(keys: readonly string[]): string {
  const taken = new Set(keys.map((key) => key.slice(64)));
  return ['01', '02', '03', '04', '05'].find((x) => !taken.has(x))!;
}

test('shares of a development server are replaced, and it still opens by itself', async (t) => {
  const { broker, call, restart } = await testBroker((end) => t.after(end));
  const key = broker.development!.unsealKey.reveal();
  const { body } = await call('PUT', '/v1/sys/rekey/init', { body: { secret_shares: 2, secret_threshold: 2 } });
  const made = await call('PUT', '/v1/sys/rekey/update', { body: { key, nonce: body['nonce'] } });
  const fresh = made.body['keys'] as string[];
  await restart();
  assert.equal((await call('GET', '/v1/sys/mounts')).status, 200);
  await call('PUT', '/v1/sys/seal');
  assert.equal((await giveShares({ call }, [key, key])).body['sealed'], true);
  await call('PUT', '/v1/sys/unseal', { body: { reset: true } });
  assert.equal((await giveShares({ call }, fresh)).body['sealed'], false);
});

test('a development server that died while its shares were replaced opens with the key that counts', async (t) => {
  const server = await testBroker((end) => t.after(end));
  const file = join(server.folder, 'seal.json');
  const keyOf = (): string => (JSON.parse(readFileSync(file, 'utf8')) as { key: string }).key;
  const withBoth = (key: string, next: string): void =>
    writeFileSync(file, JSON.stringify({ version: 1, type: 'local', key, next }));
  const old = keyOf();
  // Dead before the new shares counted.
  withBoth(old, Buffer.alloc(32, 5).toString('base64'));
  await server.restart();
  assert.deepEqual([server.broker.development!.unsealKey.reveal(), keyOf()], [old, old]);
  const { body } = await server.call('PUT', '/v1/sys/rekey/init', { body: { secret_shares: 1, secret_threshold: 1 } });
  await server.call('PUT', '/v1/sys/rekey/update', { body: { key: old, nonce: body['nonce'] } });
  const fresh = keyOf();
  assert.notEqual(fresh, old);
  // Dead after they counted, before the old key was forgotten.
  withBoth(old, fresh);
  await server.restart();
  assert.deepEqual([server.broker.development!.unsealKey.reveal(), keyOf()], [fresh, fresh]);
});

test('recovery shares are replaced by recovery shares, and prove a new root key', async (t) => {
  const server = await sealedServer((end) => t.after(end), 'local');
  const { call } = server;
  const made = await call('PUT', '/v1/sys/init', { ...anonymous, body: { recovery_shares: 2, recovery_threshold: 2 } });
  const token = made.body['root_token'] as string;
  const keys = made.body['recovery_keys'] as string[];
  const base = 'sys/rekey-recovery-key';
  const started = await call('PUT', `/v1/${base}/init`, { body: { secret_shares: 1, secret_threshold: 1 } });
  const done = await update(call, `${base}/update`, token, keys, started.body['nonce']);
  const fresh = done.body['keys'] as string[];
  assert.equal(fresh.length, 1);
  assert.equal((await call('GET', `/v1/${base}/init`, anonymous)).body['required'], 1);

  const root = await call('PUT', '/v1/sys/rekey/init', { body: {} });
  const wrong = await update(call, 'sys/rekey/update', token, [keys[0]!.slice(0, 64)], root.body['nonce']);
  assert.equal(wrong.body.errors[0], 'recovery key verification failed: recovery key does not match submitted values');
  const rotated = await update(call, 'sys/rekey/update', token, fresh, root.body['nonce']);
  assert.deepEqual([rotated.body['complete'], rotated.body['keys']], [true, []]);
  await server.restart();
  assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 200);
});

test('recovery shares are not replaced where the seal is opened with shares', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  for (const [method, path, text] of [
    ['GET', 'sys/rekey-recovery-key/init', 'recovery rekeying not supported'],
    ['PUT', 'sys/rekey-recovery-key/update', 'recovery rekeying not supported'],
    ['PUT', 'sys/rotate/recovery/init', 'recovery keys not supported'],
  ] as const) {
    const reply = await call(method, `/v1/${path}`, { body: method === 'GET' ? undefined : { key: 'x' } });
    assert.deepEqual([reply.status, reply.body.errors[0]], [400, text]);
  }
});

describe('a root token out of shares', () => {
  for (const [base, body] of [
    ['sys/generate-root', (reply: Reply) => reply.body],
    ['sys/generate-root-token', (reply: Reply) => reply.body.data],
  ] as const) {
    test(`is made over ${base}, encoded, and decoded by the holder of the password`, async (t) => {
      const server = await openedServer((end) => t.after(end));
      const { call, rootToken: token, keys } = server;
      const before = body(await call('GET', `/v1/${base}/attempt`, { token }));
      assert.deepEqual(
        [before['started'], before['required'], before['otp_length'], before['otp']],
        [false, 2, 28, ''],
      );
      const started = body(await call('PUT', `/v1/${base}/attempt`, { token, body: {} }));
      const otp = started['otp'] as string;
      assert.deepEqual([started['started'], otp.length], [true, 28]);
      assert.equal(body(await call('GET', `/v1/${base}/attempt`, { token }))['otp'], '');
      const { nonce } = started;
      const one = body(await update(call, `${base}/update`, token, keys.slice(0, 1), nonce));
      assert.deepEqual([one['progress'], one['complete'], one['encoded_token']], [1, false, '']);
      const two = body(await update(call, `${base}/update`, token, keys.slice(1, 2), nonce));
      assert.deepEqual([two['progress'], two['complete']], [2, true]);
      const encoded = two['encoded_token'] as string;
      const bytes = Buffer.from(encoded, 'base64');
      const made = Buffer.from(bytes.map((byte, at) => byte ^ otp.charCodeAt(at))).toString();
      assert.match(made, /^hvs\./);
      const self = await call('GET', '/v1/auth/token/lookup-self', { token: made });
      assert.deepEqual(self.body.data['policies'], ['root']);
      const decoded = await call('PUT', '/v1/sys/decode-token', {
        ...anonymous,
        body: { encoded_token: encoded, otp },
      });
      assert.equal(decoded.body.data['token'], made);
      assert.equal(body(await call('GET', `/v1/${base}/attempt`, { token }))['started'], false);
    });
  }

  test('is refused to wrong shares, wrong passwords and wrong names', async (t) => {
    const server = await openedServer((end) => t.after(end));
    const { call, keys } = server;
    const attempt = 'sys/generate-root/attempt';
    const short = await call('PUT', `/v1/${attempt}`, { ...anonymous, body: { otp: 'short' } });
    assert.deepEqual([short.status, short.body.errors[0]], [400, 'OTP string has incorrect length']);
    const none = await update(call, 'sys/generate-root/update', '', keys.slice(0, 1), 'x');
    assert.deepEqual([none.status, none.body.errors[0]], [400, 'no root generation in progress']);
    const otp = 'x'.repeat(28);
    const started = await call('PUT', `/v1/${attempt}`, { ...anonymous, body: { otp } });
    assert.equal(started.body['otp'], '');
    const { nonce } = started.body;
    const twice = await call('PUT', `/v1/${attempt}`, { ...anonymous, body: { otp } });
    assert.deepEqual([twice.status, twice.body.errors[0]], [400, 'root generation already in progress']);
    const misnamed = await update(call, 'sys/generate-root/update', '', keys.slice(0, 1), 'y');
    assert.equal(
      misnamed.body.errors[0],
      `incorrect nonce supplied; nonce for this root generation operation is "${String(nonce)}"`,
    );
    const wrong = await update(
      call,
      'sys/generate-root/update',
      '',
      [keys[0]!, `${'00'.repeat(32)}${otherX(keys)}`],
      nonce,
    );
    assert.deepEqual(
      [
        wrong.status,
        wrong.body.errors[0]!.startsWith(
          'root generation aborted: unable to authenticate: unable to retrieve stored keys: invalid key: ',
        ),
      ],
      [400, true],
    );
    // The attempt goes on, and of many last shares at once one makes the token.
    await update(call, 'sys/generate-root/update', '', keys.slice(0, 1), nonce);
    const last = await Promise.all(
      [keys[1]!, keys[2]!, keys[1]!].map((key) =>
        call('PUT', '/v1/sys/generate-root/update', { ...anonymous, body: { key, nonce } }),
      ),
    );
    assert.equal(last.filter(({ body }) => body['complete'] === true).length, 1);
    assert.equal((await call('DELETE', `/v1/${attempt}`, anonymous)).status, 204);
    const refused = await call('PUT', '/v1/sys/generate-root-token/attempt', { ...anonymous, body: {} });
    assert.equal(refused.status, 403);
    const empty = await call('PUT', '/v1/sys/decode-token', { ...anonymous, body: { otp } });
    assert.equal(empty.body.errors[0], "provided 'encoded_token' or 'otp' is empty");
  });
});

describe('keys behind the seal', () => {
  test('are rotated by hand, also the root key, and everything stays readable', async (t) => {
    const server = await openedServer((end) => t.after(end));
    const { call, rootToken: token, keys } = server;
    await call('POST', '/v1/sys/policies/acl/old', { token, body: { policy: 'path "a" { capabilities = ["read"] }' } });
    const first = await call('GET', '/v1/sys/key-status', { token });
    assert.deepEqual([first.body['term'], first.body.data['term']], [1, 1]);
    assert.ok(Number(first.body.data['encryptions']) > 0);
    assert.ok(Date.parse(String(first.body.data['install_time'])) > 0);
    for (const path of ['sys/rotate', 'sys/rotate/keyring', 'sys/rotate/root', 'sys/rotate']) {
      assert.equal((await call('PUT', `/v1/${path}`, { token })).status, 204);
    }
    await call('POST', '/v1/sys/policies/acl/new', { token, body: { policy: 'path "b" { capabilities = ["read"] }' } });
    const status = await call('GET', '/v1/sys/key-status', { token });
    assert.equal(status.body['term'], 4);
    await server.restart();
    await giveShares(server, keys.slice(0, 2));
    for (const name of ['old', 'new']) {
      assert.equal((await call('GET', `/v1/sys/policies/acl/${name}`, { token })).status, 200);
    }
    assert.equal((await call('GET', '/v1/sys/key-status', { token })).body['term'], 4);
  });

  test('are rotated by themselves when the configured time has passed', async (t) => {
    const { call, clock } = await testBroker((end) => t.after(end));
    const before = (await call('GET', '/v1/sys/rotate/config')).body.data;
    assert.deepEqual(before, { enabled: true, max_operations: 3_865_470_566, interval: 0 });
    const cases: readonly (readonly [object, string])[] = [
      [{ interval: '1h' }, 'interval must be greater or equal to 24h0m0s'],
      [{ max_operations: 5 }, 'max_operations must be in the range [1000000,3865470566]'],
    ];
    for (const [body, text] of cases) {
      const reply = await call('POST', '/v1/sys/rotate/config', { body });
      assert.deepEqual([reply.status, reply.body.errors[0]], [400, text]);
    }
    assert.equal((await call('POST', '/v1/sys/rotate/config', { body: { interval: '48h' } })).status, 204);
    assert.equal((await call('GET', '/v1/sys/rotate/keyring/config')).body.data['interval'], '48h0m0s');
    clock.advance(49 * 3_600_000);
    assert.equal((await call('GET', '/v1/sys/key-status')).body['term'], 2);
    await call('POST', '/v1/sys/rotate/config', { body: { enabled: false } });
    clock.advance(490 * 3_600_000);
    assert.equal((await call('GET', '/v1/sys/key-status')).body['term'], 2);
  });

  test('are rotated only with sudo', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const policy = 'path "sys/*" { capabilities = ["create", "read", "update", "delete"] }';
    await call('POST', '/v1/sys/policies/acl/no-sudo', { body: { policy } });
    const made = await call('POST', '/v1/auth/token/create', { body: { policies: ['no-sudo'] } });
    const { client_token: token } = made.body['auth'] as { client_token: string };
    for (const path of ['sys/rotate', 'sys/rotate/keyring', 'sys/rotate/root', 'sys/seal', 'sys/step-down']) {
      assert.equal((await call('PUT', `/v1/${path}`, { token })).status, 403, path);
    }
    assert.equal((await call('GET', '/v1/sys/key-status', { token })).status, 200);
    assert.equal((await call('PUT', '/v1/sys/step-down')).status, 204);
  });
});
