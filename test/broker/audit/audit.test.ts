// Audit over HTTP, as a client of Vault sees it: devices, hashes, headers, and what stands in the file.
import assert from 'node:assert/strict';
import { createReadStream, mkdirSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { linesOf, verifyChain } from '../../../src/broker/audit/verify.ts';
import { temporaryFolder, testBroker, type TestBroker } from '../support.ts';

interface Line {
  readonly type: string;
  readonly error?: string;
  readonly auth: Readonly<Record<string, unknown>>;
  readonly request: Readonly<Record<string, unknown>> & {
    readonly path: string;
    readonly data?: Record<string, unknown>;
  };
  readonly response?: Readonly<Record<string, unknown>> & {
    readonly auth?: Record<string, unknown>;
    readonly data?: Record<string, unknown>;
  };
}

interface World extends TestBroker {
  readonly file: string;
  readonly lines: () => readonly Line[];
  readonly of: (path: string) => readonly Line[];
  readonly enable: (options?: object, path?: string) => Promise<{ status: number; errors: readonly string[] }>;
}

async function world(t: TestContext): Promise<World> {
  const folder = temporaryFolder((remove) => t.after(remove));
  const broker = await testBroker((end) => t.after(end));
  const file = join(folder, 'audit.log');
  const lines = (): readonly Line[] =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  return Object.assign(Object.create(broker) as TestBroker, {
    file,
    lines,
    of: (path: string) => lines().filter(({ request }) => request.path === path),
    enable: async (options: object = {}, path = 'file') => {
      const body = { type: 'file', options: { file_path: file, ...options } };
      const { status, body: answer } = await broker.call('PUT', `/v1/sys/audit/${path}`, { body });
      return { status, errors: answer?.errors ?? [] };
    },
  });
}

const hmac = /^hmac-sha256:[0-9a-f]{64}$/;

test('a record is made of each request and each answer, and no secret stands in it', async (t) => {
  const { call, enable, of, file } = await world(t);
  assert.equal((await enable()).status, 204);
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  await call('POST', '/v1/aws/config/root', {
    body: { access_key: 'AKIAEXAMPLE', secret_key: 'hunter2', max_retries: 3 },
  });
  const made = await call('POST', '/v1/auth/token/create', { body: { policies: ['default'], ttl: '1h' } });
  const { client_token: token } = made.body['auth'] as { client_token: string };
  const text = readFileSync(file, 'utf8');
  for (const secret of ['hunter2', 'AKIAEXAMPLE', token]) assert.ok(!text.includes(secret), secret);

  const [request, response] = of('aws/config/root');
  assert.deepEqual([request!.type, response!.type], ['request', 'response']);
  assert.match(request!.request.data!['secret_key'] as string, hmac);
  assert.equal(request!.request.data!['max_retries'], 3);
  assert.match(request!.auth['client_token'] as string, hmac);
  assert.deepEqual(request!.auth['policies'], ['root']);
  assert.equal(request!.request['mount_point'], 'aws/');
  assert.equal(request!.request['mount_type'], 'aws');
  assert.deepEqual(request!.request['namespace'], { id: 'root' });
  assert.equal(typeof request!.request['remote_port'], 'number');

  const [, created] = of('auth/token/create');
  assert.match(created!.response!.auth!['client_token'] as string, hmac);
  assert.match(created!.response!.auth!['accessor'] as string, hmac);
  assert.equal(created!.response!['mount_type'], 'token');
  assert.equal(created!.request['id'], made.body['request_id']);
});

test('who may not, and who is not known, is recorded with the reason', async (t) => {
  const { call, enable, of } = await world(t);
  await enable();
  assert.equal((await call('GET', '/v1/sys/mounts', { token: 'wrong' })).status, 403);
  const [request, response] = of('sys/mounts');
  assert.equal(request!.error, 'permission denied');
  assert.match(request!.request['client_token'] as string, hmac);
  assert.equal(response!.error, '1 error occurred:\n\t* permission denied\n\n');
  assert.match(response!.response!.data!['error'] as string, hmac);
});

test('the hash of a text can be asked for, and is the one in the record', async (t) => {
  const { call, enable, of } = await world(t);
  await enable();
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  const { body } = await call('POST', '/v1/sys/audit-hash/file', { body: { input: 'aws' } });
  const hash = body.data['hash'];
  assert.equal(body['hash'], hash);
  assert.equal(of('sys/mounts/aws')[0]!.request.data!['type'], hash);
  const empty = await call('POST', '/v1/sys/audit-hash/file', { body: {} });
  assert.deepEqual([empty.status, empty.body.errors[0]], [400, 'the "input" parameter is empty']);
  const unknown = await call('POST', '/v1/sys/audit-hash/nope', { body: { input: 'x' } });
  assert.deepEqual([unknown.status, unknown.body.errors[0]], [400, 'unknown audit backend "nope/"']);
});

test('devices are listed as Vault lists them, survive a restart with their hashes and chain, and are disabled', async (t) => {
  const world_ = await world(t);
  const { enable, restart, file } = world_;
  await enable({ mode: '0640' });
  assert.equal(statSync(file).mode & 0o777, 0o640);
  const hashOf = async (): Promise<unknown> =>
    (await world_.call('POST', '/v1/sys/audit-hash/file', { body: { input: 'x' } })).body.data['hash'];
  const before = await hashOf();
  await restart();
  assert.equal(await hashOf(), before);
  const { body } = await world_.call('GET', '/v1/sys/audit');
  const entry = {
    path: 'file/',
    type: 'file',
    description: '',
    options: { file_path: file, mode: '0640' },
    local: false,
  };
  assert.deepEqual(body.data, { 'file/': entry });
  assert.deepEqual(body['file/'], entry);
  const head = (await world_.call('GET', '/v1/stint/audit/file')).body.data as {
    seq: number;
    hash: string;
    key: string;
  };
  const report = await verifyChain(linesOf(file, createReadStream(file)), { key: head.key, head });
  assert.deepEqual([report.intact, report.notes], [true, []]);
  assert.ok(report.last.seq > head.seq);
  for (const path of ['file', 'file', 'never'])
    assert.equal((await world_.call('DELETE', `/v1/sys/audit/${path}`)).status, 204);
  const size = statSync(file).size;
  await world_.call('GET', '/v1/sys/mounts');
  assert.equal(statSync(file).size, size);
  assert.deepEqual((await world_.call('GET', '/v1/sys/audit')).body.data, {});
});

test('a file that is moved away while the server is down goes on in a new one without a gap', async (t) => {
  const { enable, restart, call, file, log } = await world(t);
  await enable();
  await call('GET', '/v1/sys/mounts');
  await restart();
  renameSync(file, `${file}.1`);
  await restart();
  await call('GET', '/v1/sys/mounts');
  async function* both() {
    for (const path of [`${file}.1`, file]) yield* linesOf(path, createReadStream(path));
  }
  const report = await verifyChain(both());
  assert.deepEqual([report.intact, report.notes], [true, []]);
  assert.deepEqual(
    log.filter(({ level }) => level !== 'info'),
    [],
  );
});

test('headers are recorded when they are configured', async (t) => {
  const { call, enable, of } = await world(t);
  await enable();
  const at = '/v1/sys/config/auditing/request-headers';
  assert.equal((await call('PUT', `${at}/X-Trace`, { body: {} })).status, 204);
  assert.equal((await call('PUT', `${at}/User-Agent`, { body: { hmac: true } })).status, 204);
  const { body } = await call('GET', at);
  assert.deepEqual(body.data, { headers: { 'x-trace': { hmac: false }, 'user-agent': { hmac: true } } });
  assert.deepEqual((await call('GET', `${at}/X-Trace`)).body.data, { 'X-Trace': { hmac: false } });
  await call('GET', '/v1/sys/mounts', { headers: { 'x-trace': 'abc', 'user-agent': 'me', 'x-other': 'no' } });
  const { headers } = of('sys/mounts')[0]!.request as unknown as { headers: Record<string, string[]> };
  assert.deepEqual(headers['x-trace'], ['abc']);
  assert.match(headers['user-agent']![0]!, hmac);
  assert.equal(Object.keys(headers).length, 2);
  assert.equal((await call('DELETE', `${at}/X-Trace`)).status, 204);
  for (const name of ['X-Trace', 'constructor']) {
    const gone = await call('GET', `${at}/${name}`);
    assert.deepEqual([gone.status, gone.body.errors?.[0]], [400, 'Could not find header in config']);
  }
});

test('keys that a mount exempts stand in clear', async (t) => {
  const { call, enable, of } = await world(t);
  await enable();
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  await call('POST', '/v1/sys/mounts/aws/tune', {
    body: { audit_non_hmac_request_keys: ['region'], audit_non_hmac_response_keys: ['region'] },
  });
  await call('POST', '/v1/aws/config/root', {
    body: { region: 'eu-west-1', access_key: 'AKIAX', secret_key: 'hunter2' },
  });
  await call('GET', '/v1/aws/config/root');
  const response = of('aws/config/root').findLast(({ type }) => type === 'response');
  const [request] = of('aws/config/root');
  assert.equal(request!.request.data!['region'], 'eu-west-1');
  assert.match(request!.request.data!['secret_key'] as string, hmac);
  assert.equal(response!.response!.data!['region'], 'eu-west-1');
});

describe('refused with Vault’s words is', () => {
  const cases: readonly [string, object, RegExp][] = [
    ['an unknown type', { type: 'smoke' }, /^unknown backend type: "smoke"$/],
    ['a file without a path', { type: 'file' }, /^file_path is required$/],
    ['a socket without an address', { type: 'socket' }, /^address is required$/],
    [
      'a boolean that is none',
      { type: 'file', options: { file_path: '/tmp/x', log_raw: 'maybe' } },
      /strconv\.ParseBool/,
    ],
    [
      'a format of old',
      { type: 'file', options: { file_path: '/tmp/x', format: 'jsonx' } },
      /^jsonx formatting has been removed/,
    ],
    [
      'a format of nowhere',
      { type: 'file', options: { file_path: '/tmp/x', format: 'xml' } },
      /^unknown format type "xml"$/,
    ],
    ['a prefix over the API', { type: 'file', options: { file_path: '/tmp/x', prefix: '#!/bin/sh' } }, /prefix/],
    [
      'a setuid mode',
      { type: 'file', options: { file_path: '/tmp/x', mode: '4755' } },
      /^file mode does not represent a regular file$/,
    ],
    [
      'a path below a file',
      { type: 'file', options: { file_path: '/dev/null/x' } },
      /^sanity check failed; unable to open "\/dev\/null\/x" for writing/,
    ],
    [
      'a socket that nobody listens on',
      { type: 'socket', options: { address: '127.0.0.1:1' } },
      /^audit backend failed test message: /,
    ],
  ];
  test('each of these', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    for (const [what, body, message] of cases) {
      const { status, body: answer } = await call('PUT', '/v1/sys/audit/x', { body });
      assert.equal(status, 400, what);
      assert.match(answer.errors[0]!, message, what);
    }
    assert.deepEqual((await call('GET', '/v1/sys/audit')).body.data, {});
  });

  test('a folder, a taken path, a shared file, and a file of the store', async (t) => {
    const { enable, file, folder } = await world(t);
    mkdirSync(`${file}.d`);
    assert.match((await enable({ file_path: `${file}.d` })).errors[0]!, /is a directory$/);
    symlinkSync(folder, `${file}.link`);
    for (const path of [join(folder, 'stint.db'), join(folder, 'new/x'), `${file}.link/stint.db`]) {
      assert.match((await enable({ file_path: path })).errors[0]!, /lies in the storage folder/, path);
    }
    const both = await Promise.all([enable(), enable({}, 'other')]);
    assert.deepEqual(
      both.map(({ status }) => status).sort((a, b) => a - b),
      [204, 400],
    );
    assert.deepEqual((await enable({ file_path: `${file}.2` })).errors[0], 'path already in use');
    assert.deepEqual((await enable({ file_path: `${file}.2` }, 'file/below')).errors[0], 'path already in use');
    assert.match((await enable({}, 'other')).errors[0]!, /belongs to the audit device `file\/`/);
  });
});

test('a device whose file cannot be written refuses everything, and works again when it can', async (t) => {
  const { call, enable, file } = await world(t);
  await enable();
  renameSync(file, `${file}.1`);
  // What is open stays open: only a new start or SIGHUP looks at the path again.
  assert.equal((await call('GET', '/v1/sys/mounts')).status, 200);
  const full = await world(t);
  assert.equal((await full.enable({ file_path: '/dev/full', mode: '0000', skip_test: 'true' })).status, 500);
  const refused = await full.call('GET', '/v1/sys/mounts');
  assert.deepEqual([refused.status, refused.body.errors[0]], [500, 'internal error']);
  assert.match(String(refused.body['hint']), /repair one of file\//);
});

test('how each device does can be read, without its options and without sudo', async (t) => {
  const { call, enable } = await world(t);
  await enable();
  await enable({ file_path: '/dev/full', mode: '0000', skip_test: 'true' }, 'full');
  const policy = 'path "stint/audit" { capabilities = ["read"] }';
  await call('PUT', '/v1/sys/policies/acl/watch', { body: { policy } });
  const made = await call('POST', '/v1/auth/token/create', { body: { policies: ['watch'] } });
  const { client_token: token } = made.body['auth'] as { client_token: string };
  const { devices } = (await call('GET', '/v1/stint/audit', { token })).body.data;
  assert.deepEqual(devices, [
    { path: 'file/', type: 'file', state: 'ok', waiting: 0 },
    { path: 'full/', type: 'file', state: 'failing', waiting: 0 },
  ]);
});

test('a device of the configuration may have a prefix, cannot be disabled over the API, and goes with its entry', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  const file = join(folder, 'audit.log');
  const plan = {
    path: 'fixed/',
    type: 'file',
    description: '',
    options: { file_path: file, prefix: '@cee: ' },
    local: false,
  };
  const audit = [plan];
  const world_ = await testBroker((end) => t.after(end), { audit });
  assert.deepEqual((await world_.call('GET', '/v1/sys/audit')).body.data, { 'fixed/': plan });
  assert.ok(readFileSync(file, 'utf8').startsWith('@cee: {"time":'));
  const refused = await world_.call('DELETE', '/v1/sys/audit/fixed');
  assert.deepEqual([refused.status, refused.body.errors], [400, ['cannot disable configuration-managed audit device']]);
  audit.pop();
  await world_.restart();
  assert.deepEqual((await world_.call('GET', '/v1/sys/audit')).body.data, {});
  const taken = await world_.call('PUT', '/v1/sys/audit/fixed', {
    body: { type: 'file', options: { file_path: file } },
  });
  assert.equal(taken.status, 204);
  audit.push(plan);
  await assert.rejects(world_.restart(), { code: 'audit-invalid' });
  audit.pop();
  await world_.restart();
});
