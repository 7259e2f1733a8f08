// How the web page is served: which files, with which headers, and to whom. What the page does is in test/ui.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { temporaryFolder, testBroker, type TestBroker } from '../support.ts';

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

type Get = (path: string, options?: { method?: string; headers?: Record<string, string> }) => Promise<Got>;

interface World {
  readonly broker: TestBroker;
  readonly folder: string;
  readonly get: Get;
}

const text = '<!doctype html><title>Stint</title>';
const script = `"use strict";${'/* long */'.repeat(500)}`;

function build(folder: string): void {
  mkdirSync(join(folder, 'below'), { recursive: true });
  const files = {
    'index.html': text,
    'app-ABC123.js': script,
    'style-ABC123.css': 'body{}',
    'app-ABC123.js.map': '{}',
    'secret.txt': 'x',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  writeFileSync(join(folder, 'below', 'app.js'), script);
}

async function world(t: TestContext, options: Parameters<typeof testBroker>[1] = {}): Promise<World> {
  const folder = join(
    temporaryFolder((remove) => t.after(remove)),
    'ui',
  );
  build(folder);
  const broker = await testBroker((end) => t.after(end), { page: folder, ...options });
  const get: Get = (path, { method = 'GET', headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(broker.broker.address);
      // Given apart from the address, the path goes out as it is written.
      const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      });
      sent.on('error', reject);
      sent.end();
    });
  return { broker, folder, get };
}

const protection: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

function assertProtected({ headers }: Got): void {
  for (const [name, value] of Object.entries(protection)) assert.equal(headers[name], value, name);
}

describe('the web page', () => {
  test('is served with its first file never kept and the others for ever, all under the same protection', async (t) => {
    const { get } = await world(t);
    const files: readonly [string, string, string, string][] = [
      ['/ui/', 'text/html; charset=utf-8', 'no-store', text],
      ['/ui/?from=here', 'text/html; charset=utf-8', 'no-store', text],
      ['/ui/app-ABC123.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable', script],
      ['/ui/style-ABC123.css', 'text/css; charset=utf-8', 'public, max-age=31536000, immutable', 'body{}'],
    ];
    for (const [path, type, caching, body] of files) {
      const got = await get(path);
      assert.deepEqual([got.status, got.headers['content-type'], got.headers['cache-control']], [200, type, caching]);
      assert.deepEqual([got.body.toString(), got.headers['content-length']], [body, String(body.length)]);
      assertProtected(got);
    }
  });

  test('is where `/` and `/ui` lead', async (t) => {
    const { get } = await world(t);
    for (const path of ['/', '/ui', '/ui?x']) {
      const got = await get(path);
      assert.deepEqual([got.status, got.headers['location']], [307, '/ui/'], path);
      assertProtected(got);
    }
  });

  test('goes zipped to who takes that, and plain to who does not', async (t) => {
    const { get } = await world(t);
    for (const accepted of ['gzip', 'br, gzip;q=0.5', 'deflate,GZIP']) {
      const got = await get('/ui/app-ABC123.js', { headers: { 'Accept-Encoding': accepted } });
      assert.deepEqual([got.headers['content-encoding'], got.headers['vary']], ['gzip', 'Accept-Encoding'], accepted);
      assert.equal(gunzipSync(got.body).toString(), script);
      assert.equal(got.headers['content-length'], String(got.body.length));
    }
    for (const accepted of ['', 'br', 'gzip;q=0', 'gzip; q=0.0', 'xgzip']) {
      const got = await get('/ui/app-ABC123.js', { headers: { 'Accept-Encoding': accepted } });
      assert.deepEqual([got.headers['content-encoding'], got.body.toString()], [undefined, script], accepted);
    }
  });

  test('answers HEAD as GET without a body, and no other method', async (t) => {
    const { get } = await world(t);
    const head = await get('/ui/app-ABC123.js', { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, String(script.length), 0]);
    assertProtected(head);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      const got = await get('/ui/', { method });
      assert.deepEqual([got.status, got.headers['allow']], [405, 'GET, HEAD'], method);
      assertProtected(got);
    }
  });

  test('has no file but those that were built for it, however a path is written', async (t) => {
    const { get, folder, broker } = await world(t);
    const paths = [
      '/ui/index.html',
      '/ui/secret.txt',
      '/ui/app-ABC123.js.map',
      '/ui/below/app.js',
      '/ui/../ui/app-ABC123.js',
      '/ui/..%2fui%2fapp-ABC123.js',
      '/ui/%61pp-ABC123.js',
      '/ui/./app-ABC123.js',
      '/ui//app-ABC123.js',
      '/ui/app-ABC123.js/',
      '/ui/app-ABC123.js%00',
      '/ui/..\\..\\stint.db',
      `/ui/${'../'.repeat(20)}etc/passwd`,
      `/ui/${'%2e%2e/'.repeat(20)}etc/passwd`,
      `/ui/${broker.folder}/stint.db`,
      '/ui/__proto__',
      '/ui/constructor',
    ];
    for (const path of paths) {
      const got = await get(path);
      assert.deepEqual(
        [got.status, got.body.toString()],
        [404, '{"errors":["the web page has no such file"]}\n'],
        path,
      );
      assert.equal(got.headers['x-stint-hint'], 'the web page is at `/ui/`');
      assertProtected(got);
    }
    assert.ok(readdirSync(folder).includes('secret.txt'));
  });

  test('is not served to other sites: neither to a name that leads here, nor to a page of another origin', async (t) => {
    const { get } = await world(t);
    const refused: readonly Record<string, string>[] = [
      { Host: 'evil.example' },
      { Host: '127.0.0.1.evil.example:8200' },
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
    ];
    for (const headers of refused) {
      for (const path of ['/ui/', '/ui', '/ui/app-ABC123.js']) {
        const got = await get(path, { headers });
        assert.deepEqual([got.status, /another site/.test(got.body.toString())], [403, true], JSON.stringify(headers));
        assertProtected(got);
      }
    }
    assert.equal((await get('/ui/', { headers: { Host: 'localhost:1' } })).status, 200);
  });

  test('counts among what one address may ask', async (t) => {
    const { get } = await world(t, { rate: { requestsPerSecond: 0.001, burst: 2 } });
    const statuses = [(await get('/ui/')).status, (await get('/ui/')).status, (await get('/ui/')).status];
    assert.deepEqual(statuses, [200, 200, 429]);
  });

  test('is served while the server is sealed, and needs no token', async (t) => {
    const { broker, get } = await world(t);
    assert.equal((await broker.call('PUT', '/v1/sys/seal')).status, 204);
    const [page, api] = [await get('/ui/'), await get('/v1/stint/leases')];
    assert.deepEqual([page.status, api.status], [200, 503]);
  });

  test('says how it is built where it is not, and is there as soon as it is', async (t) => {
    const { get, folder } = await world(t);
    rmSync(folder, { recursive: true });
    const missing = await get('/ui/');
    assert.deepEqual([missing.status, /npm run build/.test(missing.body.toString())], [404, true]);
    assert.match(String(missing.headers['x-stint-hint']), /npm run build/);
    assert.equal(missing.body.includes(folder), false, 'where it would lie is nobody’s business');
    build(folder);
    assert.equal((await get('/ui/')).status, 200);
  });

  test('does not hold a connection whose body is never read to its end', async (t) => {
    const { broker } = await world(t);
    const { hostname, port } = new URL(broker.broker.address);
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    socket.write(`GET /ui/ HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: 5\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    assert.match(answer, /^HTTP\/1.1 200 OK\r\n/);
    assert.match(answer, /\r\nConnection: close\r\n/);
  });

  test('is nowhere on a server that was given none', async (t) => {
    const { get } = await world(t, { page: undefined as unknown as string });
    for (const path of ['/', '/ui', '/ui/']) assert.equal((await get(path)).status, 404, path);
  });
});
