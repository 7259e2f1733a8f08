// Initialising, unsealing and sealing over HTTP, as operators do it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemRandom } from '../../../src/base/index.ts';
import { startBroker } from '../../../src/broker/index.ts';
import { keySeal } from '../../../src/broker/seal/seal.ts';
import { testBroker } from '../support.ts';
import { giveShares, openedServer, sealedServer } from './seal-support.ts';

const anonymous = { token: null };

describe('a server with shares', () => {
  test('says that it is not initialised, and refuses everything else as sealed', async (t) => {
    const { call } = await sealedServer((end) => t.after(end));
    assert.deepEqual((await call('GET', '/v1/sys/init', anonymous)).body, { initialized: false });
    const status = (await call('GET', '/v1/sys/seal-status', anonymous)).body;
    assert.deepEqual(
      [status['initialized'], status['sealed'], status['t'], status['n'], status['type'], status['cluster_id']],
      [false, true, 0, 0, 'shamir', undefined],
    );
    assert.equal((await call('GET', '/v1/sys/health', anonymous)).status, 501);
    const refused = await call('GET', '/v1/sys/mounts', { token: 'any' });
    assert.deepEqual([refused.status, refused.body.errors[0]], [503, 'Vault is sealed']);
    const unseal = await call('PUT', '/v1/sys/unseal', { body: { key: 'ab'.repeat(32) } });
    assert.deepEqual([unseal.status, unseal.body.errors[0]], [400, 'Vault is not initialized']);
  });

  test('is initialised once, opens with enough shares, and starts again sealed', async (t) => {
    const server = await sealedServer((end) => t.after(end));
    const { call } = server;
    const made = await call('POST', '/v1/sys/init', { ...anonymous, body: { secret_shares: 5, secret_threshold: 3 } });
    assert.equal(made.status, 200);
    const keys = made.body['keys'] as string[];
    const base64 = made.body['keys_base64'] as string[];
    assert.deepEqual([keys.length, base64.length], [5, 5]);
    assert.ok(keys.every((key, at) => Buffer.from(key, 'hex').equals(Buffer.from(base64[at]!, 'base64'))));
    const token = made.body['root_token'] as string;
    assert.match(token, /^hvs\.[A-Za-z0-9]{24}$/);
    assert.deepEqual((await call('GET', '/v1/sys/init', anonymous)).body, { initialized: true });
    const again = await call('POST', '/v1/sys/init', { ...anonymous, body: { secret_shares: 1, secret_threshold: 1 } });
    assert.deepEqual([again.status, again.body.errors[0]], [400, 'Vault is already initialized']);
    assert.equal((await call('GET', '/v1/sys/health', anonymous)).status, 503);

    const first = (await giveShares(server, keys.slice(0, 2))).body;
    assert.deepEqual([first['sealed'], first['progress'], first['t'], first['n']], [true, 2, 3, 5]);
    assert.notEqual(first['nonce'], '');
    // The same share again changes nothing.
    assert.equal((await giveShares(server, [keys[0]!])).body['progress'], 2);
    const opened = (await giveShares(server, [base64[4]!])).body;
    assert.deepEqual([opened['sealed'], opened['progress'], opened['nonce']], [false, 0, '']);
    assert.match(String(opened['cluster_id']), /^[0-9a-f-]{36}$/);
    assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 200);

    await server.restart();
    assert.equal((await call('GET', '/v1/sys/seal-status', anonymous)).body['sealed'], true);
    await giveShares(server, keys.slice(2, 5));
    assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 200);
  });

  test('one share is the key itself and opens alone, in hex and in base64', async (t) => {
    const server = await openedServer((end) => t.after(end), { shares: 1, threshold: 1 });
    const { call, rootToken: token, keys } = server;
    assert.equal(keys[0]!.length, 64);
    for (const key of [keys[0]!, Buffer.from(keys[0]!, 'hex').toString('base64')]) {
      assert.equal((await call('PUT', '/v1/sys/seal', { token })).status, 204);
      assert.equal((await giveShares(server, [key])).body['sealed'], false);
    }
  });

  test('says what is wrong with shares, and forgets them', async (t) => {
    const server = await openedServer((end) => t.after(end));
    const { call, keys } = server;
    // Already open: any share is fine.
    assert.equal((await giveShares(server, ['ab'.repeat(33)])).body['sealed'], false);
    const open = await call('PUT', '/v1/sys/unseal', { body: { reset: true } });
    assert.deepEqual([open.status, open.body.errors[0]], [400, 'vault is unsealed']);
    await server.restart();
    const cases: readonly (readonly [object, number, string])[] = [
      [{}, 400, "'key' must be specified in request body as JSON, or 'reset' set to true"],
      [{ key: 'no key!' }, 400, "'key' must be a valid hex or base64 string"],
      [{ key: 'abcd' }, 400, 'invalid key: key is shorter than minimum 16 bytes'],
      [{ key: 'ab'.repeat(34) }, 400, 'invalid key: key is longer than maximum 33 bytes'],
      [{ key: keys[0], migrate: true }, 500, "can't perform a seal migration, no migration seal found"],
    ];
    for (const [body, status, text] of cases) {
      const reply = await call('PUT', '/v1/sys/unseal', { ...anonymous, body });
      assert.deepEqual([reply.status, reply.body.errors[0]], [status, text]);
    }
    const forged = `${'00'.repeat(32)}${keys[0]!.slice(64) === '01' ? '02' : '01'}`;
    const wrong = await giveShares(server, [keys[0]!, forged]);
    assert.deepEqual(
      [wrong.status, wrong.body.errors[0]],
      [
        400,
        'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed',
      ],
    );
    assert.equal((await call('GET', '/v1/sys/seal-status', anonymous)).body['progress'], 0);
    const same = await giveShares(server, [keys[0]!, `${'00'.repeat(32)}${keys[0]!.slice(64)}`]);
    assert.equal(same.body.errors[0], 'invalid key: failed to compute combined key: duplicate part detected');
    await giveShares(server, [keys[0]!]);
    const reset = await call('PUT', '/v1/sys/unseal', { ...anonymous, body: { reset: true } });
    assert.deepEqual([reset.body['progress'], reset.body['nonce']], [0, '']);
    assert.equal((await giveShares(server, keys.slice(0, 2))).body['sealed'], false);
  });

  test('refuses counts that cannot be, recovery shares, and PGP keys', async (t) => {
    const { call } = await sealedServer((end) => t.after(end));
    const cases: readonly (readonly [object, string])[] = [
      [{}, 'invalid seal configuration: shares must be at least one'],
      [{ secret_shares: 1 }, 'invalid seal configuration: threshold must be at least one'],
      [
        { secret_shares: 3, secret_threshold: 1 },
        'invalid seal configuration: threshold must be greater than one for multiple shares',
      ],
      [{ secret_shares: 256, secret_threshold: 3 }, 'invalid seal configuration: shares must be less than 256'],
      [{ secret_shares: 2, secret_threshold: 3 }, 'invalid seal configuration: threshold cannot be larger than shares'],
      [
        { recovery_shares: 1, recovery_threshold: 1 },
        'parameters recovery_shares,recovery_threshold not applicable to seal type shamir',
      ],
      [
        { secret_shares: 1, secret_threshold: 1, pgp_keys: ['x'] },
        '`pgp_keys` is not supported: shares and tokens are not encrypted with PGP keys',
      ],
    ];
    for (const [body, text] of cases) {
      const reply = await call('PUT', '/v1/sys/init', { ...anonymous, body });
      assert.deepEqual([reply.status, reply.body.errors[0]], [400, text]);
    }
    assert.equal((await call('GET', '/v1/sys/init', anonymous)).body['initialized'], false);
  });

  test('of many that initialise at once, one does', async (t) => {
    const server = await sealedServer((end) => t.after(end));
    const body = { secret_shares: 1, secret_threshold: 1 };
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => server.call('PUT', '/v1/sys/init', { ...anonymous, body })),
    );
    const made = replies.filter(({ status }) => status === 200);
    assert.equal(made.length, 1);
    assert.equal((await giveShares(server, made[0]!.body['keys'] as string[])).body['sealed'], false);
  });

  test('many shares at once open it once', async (t) => {
    const server = await openedServer((end) => t.after(end), { shares: 9, threshold: 5 });
    await server.restart();
    await Promise.all(server.keys.map((key) => server.call('PUT', '/v1/sys/unseal', { ...anonymous, body: { key } })));
    assert.equal((await server.call('GET', '/v1/sys/seal-status', anonymous)).body['sealed'], false);
  });
});

describe('sealing', () => {
  test('needs a token with sudo, forgets everything, and may be asked again by anybody', async (t) => {
    const server = await openedServer((end) => t.after(end));
    const { call, rootToken: token, keys } = server;
    await call('POST', '/v1/sys/policies/acl/sealer', {
      token,
      body: { policy: 'path "sys/seal" { capabilities = ["update"] }' },
    });
    const made = await call('POST', '/v1/auth/token/create', { token, body: { policies: ['sealer'] } });
    const { client_token: weak } = made.body['auth'] as { client_token: string };
    assert.equal((await call('PUT', '/v1/sys/seal', { token: weak })).status, 403);
    assert.equal((await call('PUT', '/v1/sys/seal', anonymous)).status, 403);
    assert.equal((await call('PUT', '/v1/sys/seal', { token })).status, 204);
    assert.equal((await call('PUT', '/v1/sys/seal', anonymous)).status, 204);
    assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 503);
    const status = (await call('GET', '/v1/sys/seal-status', anonymous)).body;
    assert.deepEqual([status['sealed'], status['initialized'], status['cluster_name']], [true, true, undefined]);
    await giveShares(server, keys.slice(1));
    assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 200);
  });

  test('a development server is sealed and opened again with the key it printed', async (t) => {
    const { broker, call, restart } = await testBroker((end) => t.after(end));
    const key = broker.development!.unsealKey.reveal();
    assert.equal((await call('PUT', '/v1/sys/seal')).status, 204);
    assert.equal((await call('GET', '/v1/sys/mounts')).status, 503);
    const wrong = await call('PUT', '/v1/sys/unseal', { body: { key: Buffer.alloc(32, 7).toString('base64') } });
    assert.equal(wrong.status, 400);
    assert.equal((await call('PUT', '/v1/sys/unseal', { body: { key } })).body['sealed'], false);
    assert.equal((await call('GET', '/v1/sys/mounts')).status, 200);
    await restart();
    assert.equal((await call('GET', '/v1/sys/mounts')).status, 200);
  });

  test('waits for calls under way, so that nothing is half-done', async (t) => {
    const { broker, call } = await testBroker((end) => t.after(end));
    await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
    const writes = Array.from({ length: 60 }, (_, index) =>
      call('POST', `/v1/aws/roles/r${index}`, { body: { credential_type: 'iam_user' } }),
    );
    await writes[0];
    const sealed = await call('PUT', '/v1/sys/seal');
    const statuses = (await Promise.all(writes)).map(({ status }) => status);
    assert.equal(sealed.status, 204);
    assert.ok(
      statuses.every((status) => status === 204 || status === 503),
      String(statuses),
    );
    await call('PUT', '/v1/sys/unseal', { body: { key: broker.development!.unsealKey.reveal() } });
    const { body } = await call('GET', '/v1/aws/roles?list=true');
    assert.equal((body.data['keys'] as string[]).length, statuses.filter((status) => status === 204).length);
  });

  test('sealing, opening and asking at once does not stall', async (t) => {
    const { broker, call } = await testBroker((end) => t.after(end));
    const key = broker.development!.unsealKey.reveal();
    const steps = Array.from({ length: 40 }, (_, at) =>
      at % 3 === 0 ? call('PUT', '/v1/sys/unseal', { body: { key } }) : call('PUT', '/v1/sys/seal'),
    );
    const statuses = (await Promise.all(steps)).map(({ status }) => status);
    assert.ok(
      statuses.every((status) => status === 200 || status === 204),
      String(statuses),
    );
    await call('PUT', '/v1/sys/unseal', { body: { key } });
    assert.equal((await call('GET', '/v1/sys/mounts')).status, 200);
  });
});

describe('a seal that opens by itself', () => {
  const recovery = { recovery_shares: 3, recovery_threshold: 2 };

  test('is open after initialising and after a start; recovery shares open it only after it was sealed', async (t) => {
    const server = await sealedServer((end) => t.after(end), 'local');
    const { call } = server;
    const refused = await call('PUT', '/v1/sys/init', {
      ...anonymous,
      body: { secret_shares: 1, secret_threshold: 1 },
    });
    assert.equal(refused.body.errors[0], 'parameters secret_shares,secret_threshold not applicable to seal type local');
    const { body } = await call('PUT', '/v1/sys/init', { ...anonymous, body: recovery });
    assert.deepEqual(body['keys'], []);
    const keys = body['recovery_keys'] as string[];
    const token = body['root_token'] as string;
    assert.equal(keys.length, 3);
    const status = (await call('GET', '/v1/sys/seal-status', anonymous)).body;
    assert.deepEqual(
      [
        status['sealed'],
        status['type'],
        status['recovery_seal'],
        status['recovery_seal_type'],
        status['t'],
        status['n'],
      ],
      [false, 'local', true, 'shamir', 2, 3],
    );
    await server.restart();
    assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 200);
    await call('PUT', '/v1/sys/seal', { token });
    const forged = `${'00'.repeat(32)}${keys[0]!.slice(64) === '01' ? '02' : '01'}`;
    assert.equal(
      (await giveShares(server, [keys[0]!, forged])).body.errors[0],
      'invalid key: failed to verify recovery key: recovery key does not match submitted values',
    );
    assert.equal((await giveShares(server, keys.slice(0, 2))).body['sealed'], false);
  });

  test('a store of one kind of seal is not opened as another', async (t) => {
    const server = await openedServer((end) => t.after(end));
    await server.stop();
    const start = startBroker({
      storage: server.folder,
      listen: { host: '127.0.0.1', port: 0 },
      clock: server.clock,
      random: systemRandom,
      log: () => {},
      environment: {},
      seal: () => keySeal('local', Buffer.alloc(32), systemRandom),
    });
    await assert.rejects(start, { code: 'seal-mismatch' });
  });
});

describe('health', () => {
  test('answers with the statuses that were asked for', async (t) => {
    const server = await sealedServer((end) => t.after(end));
    const status = async (query: string, method = 'GET'): Promise<number> =>
      (await server.call(method, `/v1/sys/health${query}`, anonymous)).status;
    assert.equal(await status('?uninitcode=299'), 299);
    assert.equal(await status('?uninitcode=299', 'HEAD'), 299);
    await server.call('PUT', '/v1/sys/init', { ...anonymous, body: { secret_shares: 1, secret_threshold: 1 } });
    assert.equal(await status(''), 503);
    assert.equal(await status('?sealedcode=200'), 200);
    assert.equal(await status('?activecode=204&standbyok&perfstandbyok=true'), 503);
    for (const bad of [
      '?activecode=x',
      '?standbycode=12.5',
      '?sealedcode=99999',
      '?uninitcode=-1',
      '?standbyok=maybe',
    ]) {
      const reply = await server.call('GET', `/v1/sys/health${bad}`, anonymous);
      assert.deepEqual([reply.status, reply.body], [400, { errors: [] }], bad);
    }
    const { body } = await server.call('GET', '/v1/sys/health', anonymous);
    assert.deepEqual([body['initialized'], body['sealed'], body['cluster_id']], [true, true, undefined]);
  });

  test('an open server answers with activecode', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const reply = await call('GET', '/v1/sys/health?activecode=298', anonymous);
    assert.deepEqual([reply.status, reply.body['cluster_name']], [298, 'stint']);
  });
});

test('the node tells of itself, its versions, its machine and its calls', async (t) => {
  const { call, restart } = await testBroker((end) => t.after(end));
  const nodes = (await call('GET', '/v1/sys/ha-status')).body['nodes'] as { active_node: boolean }[];
  assert.deepEqual(
    nodes.map(({ active_node }) => active_node),
    [true],
  );
  const { version } = (await call('GET', '/v1/sys/seal-status')).body as unknown as { version: string };
  const before = (await call('GET', '/v1/sys/version-history?list=true')).body.data;
  assert.deepEqual(before['keys'], [version]);
  await restart();
  assert.deepEqual((await call('LINK', '/v1/sys/version-history')).body.data, before);
  const { memory } = (await call('GET', '/v1/sys/host-info')).body.data as unknown as { memory: { total: number } };
  assert.ok(memory.total > 0);
  const calls = Object.values((await call('GET', '/v1/sys/in-flight-req')).body as object) as {
    request_path: string;
  }[];
  assert.ok(calls.some(({ request_path }) => request_path === '/v1/sys/in-flight-req'));
  for (const path of ['ha-status', 'host-info', 'in-flight-req', 'version-history?list=true']) {
    assert.equal((await call('GET', `/v1/sys/${path}`, anonymous)).status, 403, path);
  }
});
