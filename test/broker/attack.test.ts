// Attacks on the broker's own ground: its store, its files, its logs, its process.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AdjustableClock, systemRandom } from '../../src/base/index.ts';
import type { AuditEntry } from '../../src/broker/audit/entry.ts';
import { startBroker } from '../../src/broker/index.ts';
import { configureAws, leasesOf, testCloud, until } from './aws-support.ts';
import { startServerProcess } from './server-process.ts';
import { temporaryFolder, testBroker } from './support.ts';

function filesOf(folder: string): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name)).toString('latin1'))
    .join('\n');
}

test('no secret reaches the store, the log, the audit records or the output of a server', async (t) => {
  const { cloud } = await testCloud((end) => t.after(end));
  const folder = temporaryFolder((remove) => t.after(remove));
  const server = await startServerProcess(folder);
  await configureAws(server, cloud);
  const { body } = await server.call('GET', '/v1/aws/creds/deploy');
  const made = await server.call('POST', '/v1/auth/token/create', { body: { policies: ['default'] } });
  await server.call('GET', '/v1/aws/creds/none');
  await server.call('POST', '/v1/aws/config/root', { body: '{"secret_key": "half-a-secret' });
  await server.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: body['lease_id'] } });
  assert.equal(await server.stop(), 0);
  const secrets = {
    'the secret key lent': body.data['secret_key'],
    'the secret key of config/root': cloud.credentials.accounts['222222222222']!.secretAccessKey,
    'a token': (made.body['auth'] as { client_token: string }).client_token,
    'a broken body': 'half-a-secret',
  };
  const seal = (JSON.parse(readFileSync(join(folder, 'seal.json'), 'utf8')) as { key: string }).key;
  const store = filesOf(folder).replaceAll(seal, '');
  for (const [what, secret] of Object.entries(secrets)) {
    assert.equal(typeof secret, 'string');
    for (const text of [store, server.output()]) assert.ok(!text.includes(secret as string), what);
  }
  // Not even what is no secret: a reader of the store file learns key names at most.
  for (const word of ['AmazonS3FullAccess', 'iam_user', cloud.endpoint]) assert.ok(!store.includes(word), word);
});

test('a request that no audit device can record does not happen, and what was lent is taken back', async (t) => {
  const { cloud, lentUsers } = await testCloud((end) => t.after(end));
  let failing: 'none' | 'request' | 'response' = 'none';
  const device = {
    path: 'full/',
    behind: false,
    record: async ({ type }: AuditEntry) => {
      if (type === failing) throw new Error('no space');
    },
  };
  const broker = await testBroker((end) => t.after(end), { auditDevices: [device] });
  await configureAws(broker, cloud);
  failing = 'request';
  const refused = await broker.call('DELETE', '/v1/sys/mounts/aws');
  assert.deepEqual(
    [refused.status, refused.body['hint']],
    [500, 'no audit device took the record of this request: repair one of full/'],
  );
  failing = 'response';
  assert.equal((await broker.call('GET', '/v1/aws/creds/deploy')).status, 500);
  failing = 'none';
  assert.deepEqual(await lentUsers(), []);
  assert.deepEqual(
    (await leasesOf(broker)).map(({ state }) => state),
    ['dead'],
  );
});

test('a value that was changed, moved or replaced in the store is refused, and named', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  const server = await startServerProcess(folder);
  await server.call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  for (const name of ['a', 'b', 'c']) {
    await server.call('POST', `/v1/aws/roles/${name}`, { body: { credential_type: 'iam_user' } });
  }
  await server.stop();
  const raw = new DatabaseSync(join(folder, 'stint.db'));
  raw.exec(
    `UPDATE entries SET value = (SELECT value FROM entries WHERE key LIKE '%/role/b') WHERE key LIKE '%/role/a'`,
  );
  raw.exec(`UPDATE entries SET value = substr(value, 1, length(value) - 1) || x'00' WHERE key LIKE '%/role/c'`);
  raw.close();
  const again = await startServerProcess(folder);
  t.after(() => again.kill());
  assert.equal((await again.call('GET', '/v1/aws/roles/b')).status, 200);
  for (const name of ['a', 'c']) {
    const refused = await again.call('GET', `/v1/aws/roles/${name}`);
    assert.equal(refused.status, 500);
    assert.match(refused.body.errors[0]!, /^the stored value of `data\/[\w-]+\/role\/\w` cannot be opened$/);
    assert.match(String(refused.body['hint']), /changed outside Stint/);
  }
});

test('without its key, or with another, a store opens to nobody and says why', async (t) => {
  const open = (storage: string): Promise<unknown> =>
    startBroker({
      storage,
      listen: { host: '127.0.0.1', port: 0 },
      dev: {},
      clock: new AdjustableClock(),
      random: systemRandom,
      log: () => {},
      environment: {},
    });
  const folder = temporaryFolder((remove) => t.after(remove));
  const server = await startServerProcess(folder);
  await server.stop();
  const file = join(folder, 'seal.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'stint.db')).mode & 0o777, 0o600);
  const key = Buffer.alloc(32, 7).toString('base64');
  writeFileSync(file, JSON.stringify({ version: 1, type: 'local', key }));
  await assert.rejects(() => open(folder), { code: 'store-tampered' });
  writeFileSync(file, '{"version": 2}');
  await assert.rejects(() => open(folder), { code: 'seal-unreadable' });
  rmSync(file);
  await assert.rejects(() => open(folder), { code: 'seal-unreadable' });
});

test('a killed server has lost nothing it answered for, whatever it was doing', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  let server = await startServerProcess(folder);
  await server.call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  const answered: string[] = [];
  for (let round = 0; round < 3; round++) {
    const writes = Array.from({ length: 40 }, async (_, index) => {
      const name = `r${round}x${index}`;
      const { status } = await server.call('POST', `/v1/aws/roles/${name}`, { body: { credential_type: 'iam_user' } });
      if (status === 204) answered.push(name);
      if (answered.length === round * 20 + 10) await server.kill();
    });
    await Promise.allSettled(writes);
    await server.kill();
    server = await startServerProcess(folder);
    const { body } = await server.call('GET', '/v1/aws/roles?list=true');
    const keys = new Set(body.data['keys'] as string[]);
    for (const name of answered) assert.ok(keys.has(name), `${name} was answered for`);
  }
  assert.equal(await server.stop(), 0);
});

test('a full disk refuses grants, leaves no user of a refused one, and does not keep a lease alive', async (t) => {
  const { cloud, lentUsers } = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end), { store: { maxPages: 60 } });
  await configureAws(broker, cloud);
  await broker.call('GET', '/v1/aws/creds/deploy');
  const filler = 'x'.repeat(3000);
  let status = 204;
  for (let index = 0; status === 204; index++) {
    const body = { credential_type: 'iam_user', policy_document: JSON.stringify({ filler, index }) };
    status = (await broker.call('POST', `/v1/aws/roles/f${index}`, { body })).status;
  }
  assert.equal(status, 500);
  let granted = 1;
  let refused = await broker.call('GET', '/v1/aws/creds/deploy');
  for (; refused.status === 200; granted++) refused = await broker.call('GET', '/v1/aws/creds/deploy');
  assert.equal(refused.status, 500);
  assert.match(refused.body.errors[0]!, /the disk is full/);
  assert.equal((await lentUsers()).length, granted);
  broker.clock.advance(1_800_000);
  await until('no user outlives its lease', async () => (await lentUsers()).length === 0);
});

test('a storage folder that cannot be made is refused at once', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  writeFileSync(join(folder, 'file'), '');
  for (const storage of ['/proc/none/such', join(folder, 'file'), join(folder, 'file/below')]) {
    await assert.rejects(() => startServerProcess(storage), /error\[storage-failed\]/);
  }
});

test('a taken port is told with a free one, and the exit code is 1', async (t) => {
  const { broker } = await testBroker((end) => t.after(end));
  const { host, port } = new URL(broker.address);
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const ended = spawnSync(process.execPath, [main, 'server', '--dev', '--listen', host], { encoding: 'utf8' });
  assert.equal(ended.status, 1);
  assert.match(ended.stderr, /^error\[port-in-use\]: port \d+ of `127\.0\.0\.1` is taken\n/);
  const suggested = /--listen 127\.0\.0\.1:(\d+)/.exec(ended.stderr)?.[1];
  assert.ok(suggested !== undefined && suggested !== port);
  assert.equal(ended.stdout, '');
});
