// The server over TLS, as clients meet it: certificates that change, LIST in every packet, and pages of
// other sites.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { defaultHttpOptions } from '../../../src/broker/http/server.ts';
import { readTls } from '../../../src/broker/http/tls.ts';
import { temporaryFolder, testBroker, type TestBroker } from '../support.ts';

const fixtures = join(import.meta.dirname, '../fixtures/tls');
const authority = (name: string): string => readFileSync(join(fixtures, `${name}.crt`), 'utf8');

interface World {
  readonly broker: TestBroker;
  readonly port: number;
  readonly use: (name: string) => void;
  readonly files: { readonly cert: string; readonly key: string };
}

async function world(t: TestContext, minVersion: '1.2' | '1.3' = '1.2'): Promise<World> {
  const folder = temporaryFolder((remove) => t.after(remove));
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const use = (name: string): void => {
    copyFileSync(join(fixtures, `${name}.crt`), files.cert);
    copyFileSync(join(fixtures, `${name}.key`), files.key);
  };
  use('one');
  const http = { ...defaultHttpOptions, tls: { ...files, minVersion } };
  const broker = await testBroker((end) => t.after(end), { http });
  return { broker, port: Number(new URL(broker.broker.address).port), use, files };
}

/** A connection that is open; ends with the test. */
async function open(t: TestContext, port: number, ca: string, maxVersion?: 'TLSv1.2'): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca, ...(maxVersion === undefined ? {} : { maxVersion }) });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** As many answers as are asked for, each with the whole of its body, however it was cut on its way. */
async function answers(socket: TLSSocket, count: number): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString('latin1');
    if (wholeAnswers(text) >= count) return text;
  }
  return text;
}

function wholeAnswers(text: string): number {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return 0;
  const length = Number(/^content-length: (\d+)\r$/im.exec(text.slice(0, head + 1))?.[1] ?? 0);
  const rest = text.slice(head + 4);
  return rest.length < length ? 0 : 1 + wholeAnswers(rest.slice(length));
}

const health = 'GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('the address says https, and a renewed certificate is served while an old connection lives on', async (t) => {
  const { broker, port, use } = await world(t);
  assert.match(broker.broker.address, /^https:\/\/127\.0\.0\.1:\d+$/);
  const old = await open(t, port, authority('one'));
  use('two');
  await broker.broker.reload();
  const fresh = await open(t, port, authority('two'));
  for (const socket of [old, fresh]) {
    socket.write(health);
    assert.match(await answers(socket, 1), /^HTTP\/1\.1 200 /);
  }
  await assert.rejects(open(t, port, authority('one')), /self-signed|unable to verify/);
});

test('a certificate that cannot be used is told, and the one before is served on', async (t) => {
  const { broker, port, files } = await world(t);
  writeFileSync(files.cert, 'nonsense');
  await assert.rejects(broker.broker.reload(), { code: 'tls-invalid' });
  copyFileSync(join(fixtures, 'two.crt'), files.cert);
  await assert.rejects(broker.broker.reload(), { code: 'tls-invalid' });
  const socket = await open(t, port, authority('one'));
  socket.write(health);
  assert.match(await answers(socket, 1), /^HTTP\/1\.1 200 /);
  assert.throws(() => readTls({ cert: '/none', key: files.key, minVersion: '1.2' }), { code: 'tls-invalid' });
});

test('an older protocol than the least one is refused', async (t) => {
  const { port } = await world(t, '1.3');
  await assert.rejects(open(t, port, authority('one'), 'TLSv1.2'), /alert|version/i);
  await open(t, port, authority('one'));
});

test('LIST is served over TLS, alone, in pieces and pipelined among others', async (t) => {
  const { broker, port } = await world(t);
  const call = (method: string, path: string, body?: object): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { method, ca: authority('one'), agent: false, headers: { 'X-Vault-Token': 'root' } };
      const sent = request(`${broker.broker.address}${path}`, options, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  assert.equal(await call('POST', '/v1/sys/mounts/aws', { type: 'aws' }), 204);
  for (const name of ['LIST', 'b']) await call('POST', `/v1/aws/roles/${name}`, { credential_type: 'iam_user' });
  const socket = await open(t, port, authority('one'));
  const head = 'Host: localhost\r\nX-Vault-Token: root\r\n\r\n';
  socket.write(`LIST /v1/aws/roles HTTP/1.1\r\n${head}${health}LIST /v1/aws/roles HTTP/1.1\r\n${head}`);
  const text = await answers(socket, 3);
  assert.equal(text.match(/"keys":\["LIST","b"\]/g)?.length, 2);
  for (const piece of ['LI', 'ST /v1/aws/', 'roles HTTP/1.1\r\n', head]) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(await answers(socket, 1), /"keys":\["LIST","b"\]/);
});

describe('a page of another site reaches nothing', () => {
  const cases: readonly [string, Record<string, string>, number][] = [
    ['by its own name', { Host: 'localhost.evil:8200' }, 403],
    ['by a name that ends like ours', { Host: 'evil-localhost' }, 403],
    ['by a loopback name with something after it', { Host: '127.0.0.1.evil.example' }, 403],
    ['by an address in another notation', { Host: '0x7f000001' }, 403],
    ['with a login before the host', { Host: 'localhost@evil.example' }, 403],
    ['with no host', { Host: '' }, 403],
    ['from http, while the server speaks https', { Host: 'localhost', Origin: 'http://localhost' }, 403],
    ['from another port of this machine', { Host: 'localhost:8200', Origin: 'https://localhost:9999' }, 403],
    ['from nowhere', { Host: 'localhost', Origin: 'null' }, 403],
    ['but its own page does', { Host: 'localhost:8200', Origin: 'https://localhost:8200' }, 200],
    ['and IPv6 does', { Host: '[::1]:8200', Origin: 'https://[::1]:8200' }, 200],
    ['and capitals do', { Host: 'LocalHost:8200' }, 200],
  ];
  test('by name or origin', async (t) => {
    const { port } = await world(t);
    for (const [what, headers, status] of cases) {
      const socket = await open(t, port, authority('one'));
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET /v1/sys/health HTTP/1.1\r\n${lines.join('')}\r\n`);
      assert.match(await answers(socket, 1), new RegExp(`^HTTP/1\\.1 ${status} `), what);
    }
  });
});
