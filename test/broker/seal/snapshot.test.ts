// Snapshots over HTTP: taken while serving, restored as a whole, and what that means for what is lent.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { configureAws, leasesOf, testCloud, until } from '../aws-support.ts';
import { startServerProcess } from '../server-process.ts';
import { temporaryFolder, testBroker, type Reply, type TestBroker } from '../support.ts';
import { giveShares, openedServer, type Opened } from './seal-support.ts';

const path = '/v1/sys/storage/raft/snapshot';

/** The bytes of a snapshot. */
function download(address: string, token = 'root'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${address}${path}`, { agent: false, headers: { 'X-Vault-Token': token } });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`${response.statusCode}: ${Buffer.concat(chunks).toString()}`));
      });
    });
    sent.end();
  });
}

type Server = Pick<TestBroker, 'call'>;

function restore({ call }: Server, snapshot: Uint8Array | string, ending = '', token = 'root'): Promise<Reply> {
  return call('POST', `${path}${ending}`, { token, body: snapshot });
}

async function policies({ call }: Server, token = 'root'): Promise<readonly string[]> {
  return (await call('GET', '/v1/sys/policies/acl?list=true', { token })).body.data['keys'] as string[];
}

async function writePolicy({ call }: Server, name: string, token = 'root'): Promise<void> {
  const body = { policy: 'path "secret-word-in-policy" { capabilities = ["read"] }' };
  assert.equal((await call('POST', `/v1/sys/policies/acl/${name}`, { token, body })).status, 204);
}

function leftovers(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => /\.(?:snapshot|restore)-/.test(name));
}

/** As `leftovers`, after a call, so that looking again and again takes its time. */
async function kept(server: TestBroker): Promise<readonly string[]> {
  await server.call('GET', '/v1/sys/health');
  return leftovers(server.folder);
}

describe('a snapshot', () => {
  test('brings everything back to its moment, while the server goes on', async (t) => {
    const server = await testBroker((end) => t.after(end));
    await writePolicy(server, 'before');
    const snapshot = await download(server.broker.address);
    await writePolicy(server, 'after');
    await server.call('POST', '/v1/sys/mounts/later', { body: { type: 'aws' } });
    const reply = await restore(server, snapshot);
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    assert.deepEqual([reply.body.data['sealed'], reply.body.data['leases_added']], [false, 0]);
    assert.ok((reply.body['warnings'] as string[]).some((text) => text.includes('stint doctor --orphans')));
    const names = await policies(server);
    assert.ok(names.includes('before') && !names.includes('after'), String(names));
    assert.equal('later/' in (await server.call('GET', '/v1/sys/mounts')).body.data, false);
    await writePolicy(server, 'and-on');
    assert.deepEqual(leftovers(server.folder), []);
    await server.restart();
    assert.ok((await policies(server)).includes('and-on'));
  });

  test('is one moment of a server under load', async (t) => {
    const server = await testBroker((end) => t.after(end));
    const ended = new AbortController();
    let last = 0;
    const begun = Promise.withResolvers<void>();
    const writer = (async () => {
      while (!ended.signal.aborted) {
        await writePolicy(server, `p${++last}`);
        if (last === 6) begun.resolve();
      }
    })();
    await begun.promise;
    const snapshot = await download(server.broker.address);
    ended.abort();
    await writer;
    assert.equal((await restore(server, snapshot)).status, 200);
    const numbers = (await policies(server)).filter((name) => /^p\d+$/.test(name)).map((name) => Number(name.slice(1)));
    // Written in turn, so that the moment has all up to one.
    assert.equal(Math.max(...numbers), numbers.length);
    assert.ok(numbers.length >= 5 && numbers.length <= last);
  });

  test('holds encrypted values only, in the archive that clients of Vault expect', async (t) => {
    const server = await testBroker((end) => t.after(end));
    await writePolicy(server, 'some');
    const made = await server.call('POST', '/v1/auth/token/create', { body: { meta: { who: 'secret-word-in-meta' } } });
    const { client_token: token } = made.body['auth'] as { client_token: string };
    const tar = gunzipSync(await download(server.broker.address)).toString('latin1');
    for (const secret of ['secret-word', token, 'capabilities', server.broker.development!.unsealKey.reveal()]) {
      assert.equal(tar.includes(secret), false, secret);
    }
    for (const name of ['meta.json', 'state.bin', 'SHA256SUMS', 'SHA256SUMS.sealed'])
      assert.ok(tar.includes(`${name}\0`));
  });

  test('needs a token whose policies allow it, and an open server', async (t) => {
    const server = await testBroker((end) => t.after(end));
    const snapshot = await download(server.broker.address);
    const made = await server.call('POST', '/v1/auth/token/create', { body: { policies: ['default'] } });
    const { client_token: token } = made.body['auth'] as { client_token: string };
    assert.equal((await restore(server, snapshot, '', token)).status, 403);
    assert.equal((await restore(server, snapshot, '-force', token)).status, 403);
    assert.equal((await server.call('GET', path, { token })).status, 403);
    assert.equal((await server.call('GET', path, { token: null })).status, 403);
    await server.call('PUT', '/v1/sys/seal');
    assert.equal((await restore(server, snapshot, '-force')).status, 503);
  });

  test('that is damaged is refused, and nothing is changed', async (t) => {
    const server = await testBroker((end) => t.after(end));
    await writePolicy(server, 'kept');
    const good = await download(server.broker.address);

    const tar = gunzipSync(good);
    const flipped = (at: number): Buffer => {
      const bytes = Buffer.from(tar);
      bytes[at]! ^= 1;
      return gzipSync(bytes);
    };
    const cases: readonly (readonly [string, Uint8Array | string])[] = [
      ['nothing', ''],
      ['JSON', '{"a": 1}'],
      ['cut in the middle', good.subarray(0, good.length >> 1)],
      ['cut at the end', good.subarray(0, good.length - 1)],
      ['its tar cut', gzipSync(tar.subarray(0, tar.length - 2048))],
      ['a changed entry', flipped(2048 + 40)],
      ['a changed header', flipped(10)],
      ['a changed sum', flipped(tar.length - 2048)],
      ['no tar', gzipSync(Buffer.alloc(4096, 7))],
      ['an empty tar', gzipSync(Buffer.alloc(1024))],
    ];
    for (const [what, bytes] of cases) {
      for (const ending of ['', '-force']) {
        const reply = await restore(server, bytes, ending);
        assert.equal(reply.status, 400, `${what}: ${JSON.stringify(reply.body)}`);
        assert.match(reply.body.errors[0]!, /^the snapshot cannot be restored: /, what);
      }
    }
    assert.ok((await policies(server)).includes('kept'));
    assert.deepEqual(leftovers(server.folder), []);
  });

  test('for which there is no room is refused, and the server goes on as before', async (t) => {
    const large = await testBroker((end) => t.after(end));
    const body = { policy: `path "a" { capabilities = ["read"] }\n#${'x'.repeat(40_000)}` };
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => large.call('POST', `/v1/sys/policies/acl/p${at}`, { body })),
    );
    const snapshot = await download(large.broker.address);
    const small = await testBroker((end) => t.after(end), { store: { maxPages: 120 } });
    await writePolicy(small, 'kept');
    const refused = await restore(small, snapshot, '-force');
    assert.deepEqual([refused.status, /the disk is full/.test(refused.body.errors[0]!)], [500, true]);
    assert.ok((await policies(small)).includes('kept'));
    await writePolicy(small, 'and-on');
    assert.deepEqual(leftovers(small.folder), []);
    await small.restart();
    assert.ok((await policies(small)).includes('and-on'));
  });

  test('is taken by many at once', async (t) => {
    const server = await testBroker((end) => t.after(end));
    const all = await Promise.all(Array.from({ length: 4 }, () => download(server.broker.address)));
    for (const one of all) assert.equal((await restore(server, one)).status, 200);
    assert.deepEqual(leftovers(server.folder), []);
  });

  test('a caller that goes away leaves nothing behind', async (t) => {
    const server = await testBroker((end) => t.after(end));
    const sent = request(`${server.broker.address}${path}`, { agent: false, headers: { 'X-Vault-Token': 'root' } });
    await new Promise<void>((resolve) => {
      sent.on('error', () => {});
      sent.on('response', (response) => {
        response.destroy();
        resolve();
      });
      sent.end();
    });
    await until('the copy is removed', async () => (await kept(server)).length === 0);
    const upload = request(`${server.broker.address}${path}`, {
      method: 'POST',
      agent: false,
      headers: { 'X-Vault-Token': 'root', 'Content-Length': 1_000_000 },
    });
    upload.on('error', () => {});
    upload.write((await download(server.broker.address)).subarray(0, 200));
    await until('it is being read', async () => (await kept(server)).length > 0);
    upload.destroy();
    await until('what was read is removed', async () => (await kept(server)).length === 0);
    assert.equal((await server.call('GET', '/v1/sys/mounts')).status, 200);
  });
});

describe('the keys of a snapshot', () => {
  const take = async (server: Opened): Promise<Buffer> => {
    const status = await server.call('GET', '/v1/sys/seal-status', { token: null });
    assert.equal(status.body['sealed'], false);
    return download(server.address(), server.rootToken);
  };

  test('may have been rotated since: the seal decides', async (t) => {
    const server = await openedServer((end) => t.after(end));
    const { call, rootToken: token } = server;
    await writePolicy(server, 'before', token);
    const snapshot = await take(server);
    for (const name of ['sys/rotate', 'sys/rotate/root', 'sys/rotate']) await call('PUT', `/v1/${name}`, { token });
    await writePolicy(server, 'after', token);
    assert.equal((await restore(server, snapshot, '', token)).status, 200);
    assert.deepEqual((await policies(server, token)).includes('after'), false);
    assert.equal((await call('GET', '/v1/sys/key-status', { token })).body['term'], 1);
    await server.restart();
    await giveShares(server, server.keys.slice(0, 2));
    assert.equal((await call('GET', '/v1/sys/mounts', { token })).status, 200);
  });

  test('of former shares need force, and open with those shares', async (t) => {
    const server = await openedServer((end) => t.after(end), { shares: 1, threshold: 1 });
    const { call, rootToken: token, keys } = server;
    const snapshot = await take(server);
    const { body } = await call('PUT', '/v1/sys/rekey/init', { body: { secret_shares: 1, secret_threshold: 1 } });
    const made = await call('PUT', '/v1/sys/rekey/update', { body: { key: keys[0], nonce: body['nonce'] } });
    const [fresh] = made.body['keys'] as [string];
    const refused = await restore(server, snapshot, '', token);
    assert.deepEqual(
      [refused.status, refused.body.errors[0]],
      [
        400,
        'could not verify hash file, possibly the snapshot is using a different set of unseal keys; use the snapshot-force API to bypass this check',
      ],
    );
    const forced = await restore(server, snapshot, '-force', token);
    assert.deepEqual([forced.status, forced.body.data['sealed']], [200, true]);
    assert.equal((await giveShares(server, [fresh])).status, 400);
    assert.equal((await giveShares(server, keys)).body['sealed'], false);
    assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 200);
  });

  test('of another server need force, and bring that server here', async (t) => {
    const one = await openedServer((end) => t.after(end));
    const other = await openedServer((end) => t.after(end));
    await writePolicy(one, 'of-one', one.rootToken);
    const snapshot = await take(one);
    assert.equal((await restore(other, snapshot, '', other.rootToken)).status, 400);
    assert.equal((await restore(other, snapshot, '-force', other.rootToken)).body.data['sealed'], true);
    assert.equal((await giveShares(other, one.keys.slice(0, 2))).body['sealed'], false);
    assert.ok((await policies(other, one.rootToken)).includes('of-one'));
    assert.equal((await other.call('GET', '/v1/auth/token/lookup-self', { token: other.rootToken })).status, 403);
  });
});

describe('what is lent, over a restore', () => {
  const creds = async ({ call }: Server, mount = 'aws'): Promise<string> =>
    (await call('GET', `/v1/${mount}/creds/deploy`)).body['lease_id'] as string;

  test('is not forgotten when it was lent after the snapshot, and ends at its time', async (t) => {
    const { cloud, lentUsers } = await testCloud((end) => t.after(end));
    const server = await testBroker((end) => t.after(end));
    await configureAws(server, cloud);
    const before = await creds(server);
    const snapshot = await download(server.broker.address);
    const made = await server.call('POST', '/v1/auth/token/create', { body: { policies: ['root'], ttl: '1h' } });
    const { client_token: token } = made.body['auth'] as { client_token: string };
    const after = (await server.call('GET', '/v1/aws/creds/deploy', { token })).body['lease_id'] as string;
    const reply = await restore(server, snapshot);
    assert.equal(reply.body.data['leases_added'], 1);
    assert.ok(
      (reply.body['warnings'] as string[]).includes(
        '1 leases that the snapshot did not have were kept: each ends at its time',
      ),
    );
    assert.equal((await server.call('GET', '/v1/sys/mounts', { token })).status, 403);
    for (const id of [before, after]) {
      const lease = await server.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: id } });
      assert.equal(lease.status, 200, id);
    }
    assert.equal((await lentUsers()).length, 2);
    server.clock.advance(1_800_000);
    await until('no user outlives its lease', async () => (await lentUsers()).length === 0);
    await until('both are dead', async () => (await leasesOf(server)).every(({ state }) => state === 'dead'));
  });

  test('stays ended when it ended after the snapshot', async (t) => {
    const { cloud } = await testCloud((end) => t.after(end));
    const server = await testBroker((end) => t.after(end));
    await configureAws(server, cloud);
    const id = await creds(server);
    const snapshot = await download(server.broker.address);
    assert.equal((await server.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: id } })).status, 204);
    const reply = await restore(server, snapshot);
    assert.deepEqual([reply.body.data['leases_added'], reply.body.data['leases_updated']], [0, 1]);
    assert.equal((await server.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: id } })).status, 400);
    assert.deepEqual(
      (await leasesOf(server)).map((lease) => [lease.id, lease.state]),
      [[id, 'dead']],
    );
  });

  test('ends at its time also when its mount is younger than the snapshot', async (t) => {
    const { cloud, lentUsers } = await testCloud((end) => t.after(end));
    const server = await testBroker((end) => t.after(end));
    const snapshot = await download(server.broker.address);
    await configureAws(server, cloud, { mount: 'young' });
    await creds(server, 'young');
    assert.equal((await restore(server, snapshot)).body.data['leases_added'], 1);
    assert.equal((await server.call('GET', '/v1/young/roles/deploy')).status, 404);
    assert.equal((await lentUsers()).length, 1);
    server.clock.advance(1_800_000);
    await until('its user is removed', async () => (await lentUsers()).length === 0);
  });

  test('is not given up for a snapshot of another server', async (t) => {
    const { cloud, lentUsers } = await testCloud((end) => t.after(end));
    const one = await testBroker((end) => t.after(end));
    const other = await testBroker((end) => t.after(end));
    await configureAws(other, cloud);
    const id = await creds(other);
    const snapshot = await download(one.broker.address);
    const refused = await restore(other, snapshot, '-force');
    assert.equal(refused.status, 409);
    assert.ok(refused.body.errors[0]!.includes(id), refused.body.errors[0]);
    assert.equal((await lentUsers()).length, 1);
    await other.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: id } });
    assert.equal((await restore(other, snapshot, '-force')).status, 200);
  });

  test('is found by the orphan check when only an older snapshot is left', async (t) => {
    const { cloud, lentUsers } = await testCloud((end) => t.after(end));
    const lost = await testBroker((end) => t.after(end));
    await configureAws(lost, cloud);
    const snapshot = await download(lost.broker.address);
    await creds(lost);
    const [user] = await lentUsers();
    await lost.call('PUT', '/v1/sys/seal');

    const fresh = await testBroker((end) => t.after(end));
    assert.equal((await restore(fresh, snapshot, '-force')).body.data['sealed'], true);
    await giveShares(fresh, [lost.broker.development!.unsealKey.reveal()]);
    const found = await fresh.call('GET', '/v1/aws/stint/orphans');
    const names = (found.body.data['orphans'] as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(names, [user]);
    await fresh.call('POST', '/v1/aws/stint/orphans');
    assert.deepEqual(await lentUsers(), []);
  });

  test('time that passed stays passed', async (t) => {
    const server = await testBroker((end) => t.after(end));
    const snapshot = await download(server.broker.address);
    await server.call('POST', '/v1/stint/dev/clock', { body: { advance: '5h' } });
    const before = server.clock.now();
    assert.equal((await restore(server, snapshot)).status, 200);
    assert.ok(server.clock.now() >= before);
  });
});

test('a server that is killed while it restores has the old or the new whole', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  let server = await startServerProcess(folder);
  await Promise.all(Array.from({ length: 30 }, (_, at) => writePolicy(server, `old${at}`)));
  const snapshot = await download(server.address);
  const empty = async (names: readonly string[]): Promise<void> => {
    await Promise.all(names.map((name) => server.call('DELETE', `/v1/sys/policies/acl/${name}`)));
  };
  await empty(Array.from({ length: 30 }, (_, at) => `old${at}`));
  const seen = new Set<string>();
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, at) => writePolicy(server, `new${at}`)));
    const restoring = restore(server, snapshot).catch(() => undefined);
    // Each round a little later; the last one after the answer.
    for (let calls = 0; calls < round * 5; calls++)
      await server.call('GET', '/v1/sys/seal-status').catch(() => undefined);
    if (round === 2) await restoring;
    await server.kill();
    await restoring;
    server = await startServerProcess(folder);
    const names = (await policies(server)).filter((name) => /^(?:old|new)\d+$/.test(name));
    const news = names.filter((name) => name.startsWith('new')).length;
    assert.ok(
      (news === 20 && names.length === 20) || (news === 0 && names.length === 30),
      `${news} of ${names.length}`,
    );
    seen.add(news === 0 ? 'new whole' : 'old whole');
    assert.deepEqual(leftovers(folder), []);
    if (news === 0) await empty(names);
  }
  assert.ok(seen.has('new whole'));
  assert.equal(await server.stop(), 0);
});
