// Proxies as the AWS CLI takes them: which requests go through one, and which past it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import { httpSender } from '../../src/assume/http.ts';
import { proxyEnvironment } from '../../src/assume/proxy.ts';

/** A proxy on loopback that lets nothing through, and writes down what it was asked for. */
async function startProxy(t: TestContext): Promise<{ readonly host: string; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    request.resume();
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    response.writeHead(200, { connection: 'close' }).end();
  });
  server.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

// What goes through a proxy is looked up by the proxy: no name here is ever asked for.
const [secure, plain] = ['https://sts.amazonaws.invalid/', 'http://sts.amazonaws.invalid/'];

const through: readonly [what: string, env: (host: string) => Record<string, string>, url: string, seen: string][] = [
  ['HTTPS_PROXY', (host) => ({ HTTPS_PROXY: `http://${host}` }), secure, 'CONNECT sts.amazonaws.invalid:443 -'],
  ['https_proxy', (host) => ({ https_proxy: `http://${host}` }), secure, 'CONNECT sts.amazonaws.invalid:443 -'],
  ['a proxy without a scheme', (host) => ({ HTTPS_PROXY: host }), secure, 'CONNECT sts.amazonaws.invalid:443 -'],
  [
    'a name and a password',
    (host) => ({ HTTPS_PROXY: `http://alice:p%40ss@${host}` }),
    secure,
    `CONNECT sts.amazonaws.invalid:443 Basic ${Buffer.from('alice:p@ss').toString('base64')}`,
  ],
  ['HTTP_PROXY, for addresses without TLS', (host) => ({ HTTP_PROXY: host }), plain, `POST ${plain} -`],
  [
    'exceptions for others',
    (host) => ({ HTTPS_PROXY: host, NO_PROXY: '10.0.0.1,xamazonaws.invalid,eu.amazonaws.invalid' }),
    secure,
    'CONNECT sts.amazonaws.invalid:443 -',
  ],
];

for (const [what, env, url, expected] of through) {
  test(`through the proxy: ${what}`, async (t) => {
    const { host, seen } = await startProxy(t);
    await httpSender(env(host))({ url: new URL(url), headers: {}, body: 'x' });
    assert.deepEqual(seen, [expected]);
  });
}

const past = ['localhost', '*', 'a.b , localhost', 'localhost:1'];

for (const list of past) {
  test(`past the proxy: NO_PROXY=${list}`, async (t) => {
    const { host, seen } = await startProxy(t);
    for (const name of ['NO_PROXY', 'no_proxy'])
      await httpSender({ HTTPS_PROXY: host, [name]: list })({
        url: new URL('https://localhost:1/'),
        headers: {},
        body: 'x',
      });
    assert.deepEqual(seen, []);
  });
}

test('a name in NO_PROXY stands for the hosts below it too, as in the AWS CLI and curl', () => {
  const env = { HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'amazonaws.com,.example.com,10.0.0.1,[::1],x.com:80' };
  assert.equal(
    proxyEnvironment(env, 'https')?.['no_proxy'],
    'amazonaws.com,.example.com,10.0.0.1,[::1],x.com:80,.amazonaws.com',
  );
  assert.equal(proxyEnvironment(env, 'http'), undefined);
});

for (const value of ['socks5://alice:hunter2@127.0.0.1:1080', ':::hunter2', 'http://']) {
  test(`what is no proxy is refused, and not gone past: ${value}`, async () => {
    await assert.rejects(
      () => httpSender({ HTTPS_PROXY: value })({ url: new URL(secure), headers: {}, body: 'x' }),
      (error) =>
        isFailure(error) &&
        error.code === 'setting-invalid' &&
        error.message.startsWith('HTTPS_PROXY ') &&
        !`${error.message}${error.hint}`.includes('hunter2'),
    );
  });
}
