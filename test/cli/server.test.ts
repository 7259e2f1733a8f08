// `stint server` as a process: its configuration, its signals, and what it writes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { AdjustableClock, Secret } from '../../src/base/index.ts';
import { jsonLogger } from '../../src/cli/server/json-logger.ts';
import { textLogger } from '../../src/cli/server/logger.ts';
import { until } from '../broker/aws-support.ts';
import { temporaryFolder } from '../broker/support.ts';
import { spawnStint, type Child } from './support.ts';

const fixtures = join(import.meta.dirname, '../broker/fixtures/tls');

interface World {
  readonly folder: string;
  readonly child: Child;
  readonly address: string;
  readonly output: () => string;
  readonly ask: (method: string, path: string, body?: object, token?: string) => Promise<Asked>;
  readonly ended: Promise<number | null>;
}

interface Asked {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** Common name of the certificate. */
  readonly certificate: string;
}

function use(folder: string, name: string): void {
  for (const kind of ['crt', 'key']) copyFileSync(join(fixtures, `${name}.${kind}`), join(folder, `tls.${kind}`));
}

/** Starts `stint server` in a folder that is removed only when the process has left it. */
function startServer(t: TestContext, prepare: (folder: string) => readonly string[]): { folder: string; child: Child } {
  let remove = (): void => undefined;
  const folder = temporaryFolder((it) => (remove = it));
  const child = spawnStint(['server', ...prepare(folder)], { cwd: folder, env: { HOME: folder } });
  const gone = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await gone;
    remove();
  });
  return { folder, child };
}

function configure(folder: string, more: string): readonly string[] {
  use(folder, 'one');
  const config = [
    'listener: { address: "127.0.0.1:0", tls: { cert: tls.crt, key: tls.key } }',
    'storage: { sqlite: { path: data } }',
    'seal: { shamir: {} }',
    'audit: [{ path: file, type: file, options: { file_path: audit.log } }]',
    more,
  ].join('\n');
  writeFileSync(join(folder, 'server.yaml'), config);
  return ['--config', 'server.yaml', '--json'];
}

async function world(t: TestContext, more = ''): Promise<World> {
  const { folder, child } = startServer(t, (it) => configure(it, more));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { address } = JSON.parse(line) as { address: string };
  const ask: World['ask'] = (method, path, body, token) =>
    new Promise((resolve, reject) => {
      const headers = token === undefined ? {} : { 'X-Vault-Token': token };
      const sent = request(
        `${address}/v1/${path}`,
        { method, agent: false, rejectUnauthorized: false, headers },
        (reply) => {
          const { subject } = (
            reply.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }
          ).getPeerCertificate();
          let text = '';
          reply.on('data', (chunk: Buffer) => (text += chunk.toString()));
          reply.on('end', () => {
            const parsed = (text === '' ? {} : JSON.parse(text)) as Asked['body'];
            resolve({ status: reply.statusCode ?? 0, body: parsed, certificate: subject.CN });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return { folder, child, address, output: () => output, ask, ended };
}

test('a configured server starts sealed, is opened with a share, serves, reloads on SIGHUP and ends with 0 on SIGTERM', async (t) => {
  const { folder, child, ask, output, ended } = await world(t, 'log: { level: info, format: json }');
  assert.equal((await ask('GET', 'sys/health')).status, 501);
  const { body } = await ask('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
  const { keys, root_token: root } = body as unknown as { keys: string[]; root_token: string };
  assert.equal((await ask('PUT', 'sys/unseal', { key: keys[0] })).body['sealed'], false);
  assert.equal((await ask('GET', 'sys/mounts', undefined, root)).status, 200);

  const audit = join(folder, 'audit.log');
  renameSync(audit, `${audit}.1`);
  use(folder, 'two');
  child.kill('SIGHUP');
  await until('the server has reloaded', async () => (await ask('GET', 'sys/health')).certificate === 'stint test two');
  await until('the audit file is there again', async () => existsSync(audit));
  writeFileSync(join(folder, 'tls.crt'), 'nonsense');
  child.kill('SIGHUP');
  await until('the mistake is told', async () => {
    await ask('GET', 'sys/health');
    return output().includes('"event":"server.reload-failed"');
  });
  assert.equal((await ask('GET', 'sys/mounts', undefined, root)).status, 200);

  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  for (const line of output().trimEnd().split('\n')) assert.doesNotThrow(() => JSON.parse(line), line);
  const written = output() + readFileSync(audit, 'utf8') + readFileSync(`${audit}.1`, 'utf8');
  for (const secret of [root, ...keys]) assert.ok(!written.includes(secret));
});

test('a second SIGTERM ends it at once, though a request is under way', async (t) => {
  const { child, ask, ended, address } = await world(t);
  await ask('GET', 'sys/health');
  const slow = request(`${address}/v1/sys/init`, { method: 'PUT', rejectUnauthorized: false, agent: false });
  slow.on('error', () => {});
  slow.setHeader('Content-Length', 100);
  // What the server answers to that tells that it has the request.
  slow.setHeader('Expect', '100-continue');
  slow.flushHeaders();
  await once(slow, 'continue');
  slow.write('{');
  child.kill('SIGTERM');
  await until('it takes no new connections', () =>
    ask('GET', 'sys/health').then(
      () => false,
      () => true,
    ),
  );
  child.kill('SIGTERM');
  assert.equal(await ended, null);
});

test('a development server tells where its web page is, and has one there or says how it is built', async (t) => {
  const { child } = startServer(t, () => ['--dev', '--listen', '127.0.0.1:0', '--storage', 'data']);
  let told = '';
  for await (const line of createInterface({ input: child.stderr })) {
    told = /web page: (http:\/\/127\.0\.0\.1:\d+\/ui\/)/.exec(line)?.[1] ?? '';
    if (told !== '') break;
  }
  const response = await fetch(told, { headers: { connection: 'close' } });
  const text = await response.text();
  const wanted = response.status === 200 ? /<title>Stint<\/title>/ : /npm run build/;
  assert.match(text, wanted);
});

test('a mistake in the configuration, and none at all, end with a cure', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  writeFileSync(join(folder, 'bad.yaml'), 'listner: {}\n');
  const run = async (...args: string[]): Promise<string> => {
    const child = spawnStint(['server', ...args], { cwd: folder, env: { HOME: folder } });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(child, 'close');
    return text;
  };
  assert.match(
    await run('--config', 'bad.yaml'),
    /^error\[config-invalid\]: .*1:1 unknown name `listner`: did you mean `listener`\?/,
  );
  assert.match(await run(), /^error\[dev-required\].*\nhint: use `stint server --config FILE`/);
});

test('a secret in an entry is redacted by its type, in either form', () => {
  const now = (): Date => new Date(new AdjustableClock().now());
  for (const open of [jsonLogger, textLogger]) {
    let text = '';
    const logger = open('info', { write: (line: string) => (text += line) }, now);
    const held = new Secret('hunter2') as unknown as string;
    logger.log({ level: 'warn', event: 'x.y', held, deep: { held } as unknown as string });
    logger.setLevel('error');
    logger.log({ level: 'warn', event: 'not.this' });
    assert.ok(text.includes('[secret]') && !text.includes('hunter2') && !text.includes('not.this'), text);
    assert.ok(text.includes('x.y') && text.includes('warn'));
  }
});
