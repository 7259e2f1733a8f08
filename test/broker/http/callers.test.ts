// Callers that are slow, many, wrong, or speak through a proxy; and the numbers that tell of them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { clientAddress } from '../../../src/broker/http/proxies.ts';
import { defaultHttpOptions, type HttpOptions } from '../../../src/broker/http/server.ts';
import { testBroker, type TestBroker } from '../support.ts';

function start(t: TestContext, http: Partial<HttpOptions>): Promise<TestBroker> {
  return testBroker((end) => t.after(end), { http: { ...defaultHttpOptions, ...http } });
}

async function open(t: TestContext, { broker }: TestBroker): Promise<Socket> {
  const socket = connect(Number(new URL(broker.address).port), '127.0.0.1');
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Everything until the connection is gone, however it went. */
async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
  return text;
}

test('a head that never ends is cut in time, and others are served meanwhile', async (t) => {
  const world = await start(t, { headersMillis: 500 });
  const slow = await open(t, world);
  slow.write('GET /v1/sys/health HTTP/1.1\r\nHost: local');
  const cut = rest(slow);
  assert.equal((await world.call('GET', '/v1/sys/health')).status, 200);
  assert.match(await cut, /^HTTP\/1\.1 408 |^$/);
});

test('a body that never ends is cut in time, and nothing of it was done', async (t) => {
  const world = await start(t, { headersMillis: 500, requestMillis: 600 });
  const slow = await open(t, world);
  slow.write(
    'POST /v1/sys/mounts/aws HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: root\r\nContent-Length: 14\r\n\r\n{"type"',
  );
  assert.match(await rest(slow), /^HTTP\/1\.1 408 |^$/);
  assert.equal((await world.call('GET', '/v1/sys/mounts/aws')).status, 400);
});

test('who has not said who he is sends a megabyte at most', async (t) => {
  const { call } = await start(t, {});
  await call('POST', '/v1/sys/auth/people', { body: { type: 'userpass' } });
  await call('POST', '/v1/sys/auth/machines', { body: { type: 'approle' } });
  const body = { a: 'x'.repeat(600_000), b: 'x'.repeat(600_000) };
  for (const path of [
    'auth/people/login/ann',
    'auth/machines/login',
    'sys/unseal',
    'sys/wrapping/lookup',
    'sys/rekey/init',
  ]) {
    assert.equal((await call('POST', `/v1/${path}`, { token: null, body })).status, 413, path);
  }
  assert.equal((await call('POST', '/v1/cubbyhole/a', { body })).status, 204);
});

test('one address cannot take every connection', async (t) => {
  const world = await start(t, { connections: { maxConnections: 100, perAddress: 3 } });
  const held = [await open(t, world), await open(t, world), await open(t, world)];
  const refused = await open(t, world);
  assert.equal(await rest(refused), '');
  held[0]!.destroy();
  await once(held[0]!, 'close');
  for (let tries = 0; ; tries++) {
    const status = await world.call('GET', '/v1/sys/health').then(
      (reply) => reply.status,
      () => 0,
    );
    if (status === 200) break;
    assert.ok(tries < 1000);
  }
  const { body } = await world.call('GET', '/v1/sys/metrics');
  const counters = body['Counters'] as readonly { Name: string; Count: number }[];
  assert.ok(counters.find(({ Name }) => Name === 'stint_connections_refused_total')!.Count >= 1);
});

test('a body larger than the configured size is refused before it is read', async (t) => {
  const { call } = await start(t, { maxBodyBytes: 1000 });
  const reply = await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws', description: 'x'.repeat(2000) } });
  assert.deepEqual([reply.status, reply.body.errors], [413, ['http: request body too large']]);
});

test('hundreds of wrong tokens are refused and counted, and a good one is served among them', async (t) => {
  const { call, broker } = await testBroker((end) => t.after(end));
  const wrong = Array.from({ length: 600 }, (_, n) => n);
  const worker = async (): Promise<void> => {
    for (let n = wrong.pop(); n !== undefined; n = wrong.pop()) {
      const reply = await fetch(`${broker.address}/v1/auth/token/lookup-self`, {
        headers: { 'X-Vault-Token': `hvs.${n}` },
      });
      assert.equal(reply.status, 403);
      await reply.text();
    }
  };
  const good = async (): Promise<void> => {
    while (wrong.length > 0) assert.equal((await call('GET', '/v1/auth/token/lookup-self')).status, 200);
  };
  await Promise.all([...Array.from({ length: 8 }, worker), good()]);
  const text = await (
    await fetch(`${broker.address}/v1/sys/metrics?format=prometheus`, {
      headers: { 'X-Vault-Token': 'root', connection: 'close' },
    })
  ).text();
  assert.match(text, /^stint_refused_total\{code="permission-denied"\} 600$/m);
  assert.match(text, /^stint_requests_total\{route="tokenLookupSelf",operation="read",status="403"\} 600$/m);
});

describe('numbers', () => {
  test('are for who has a token, unless the configuration says otherwise', async (t) => {
    const { broker } = await testBroker((end) => t.after(end));
    assert.equal((await fetch(`${broker.address}/metrics`)).status, 403);
    const opened = await testBroker((end) => t.after(end), { openMetrics: true });
    const reply = await fetch(`${opened.broker.address}/metrics`);
    assert.equal(reply.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await reply.text();
    assert.match(text, /^# TYPE stint_request_seconds histogram$/m);
    for (const line of ['stint_sealed 0', 'stint_leases{state="live"} 0', 'stint_sweeper_lag_seconds 0']) {
      assert.ok(text.includes(`\n${line}\n`), line);
    }
    for (const line of text.trimEnd().split('\n'))
      assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? -?[\d.e+-]+)$/);
  });

  test('name routes, never paths, so that a caller cannot fill the memory', async (t) => {
    const { call, broker } = await testBroker((end) => t.after(end), { openMetrics: true });
    await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
    for (let n = 0; n < 50; n++) await call('GET', `/v1/aws/roles/name-${n}`);
    for (let n = 0; n < 50; n++) await call('GET', `/v1/nowhere-${n}/x`);
    const text = await (await fetch(`${broker.address}/metrics`, { headers: { connection: 'close' } })).text();
    assert.match(text, /^stint_requests_total\{route="aws\/roles\/:name",operation="read",status="404"\} 50$/m);
    assert.ok(!text.includes('name-1') && !text.includes('nowhere'));
    const unknown = await call('GET', '/v1/sys/metrics?format=x');
    assert.deepEqual([unknown.status, unknown.body.errors], [400, ['metric response "x" unknown']]);
  });
});

describe('the address of a caller', () => {
  const cases: readonly [string, readonly string[], string, string | undefined, string][] = [
    ['is the peer’s, whatever it says', [], '9.9.9.9', '1.2.3.4', '9.9.9.9'],
    ['is the peer’s when the peer is no proxy', ['10.0.0.0/8'], '9.9.9.9', '1.2.3.4', '9.9.9.9'],
    ['is what a trusted proxy says', ['10.0.0.0/8'], '10.1.2.3', '1.2.3.4', '1.2.3.4'],
    ['is the last one before the trusted proxies', ['10.0.0.0/8'], '10.1.2.3', '6.6.6.6, 1.2.3.4, 10.9.9.9', '1.2.3.4'],
    ['is the proxy’s when it says nothing', ['10.0.0.0/8'], '10.1.2.3', undefined, '10.1.2.3'],
    ['is the proxy’s when it says nonsense', ['10.0.0.0/8'], '10.1.2.3', 'unknown', '10.1.2.3'],
    ['is not what stands before nonsense', ['10.0.0.0/8'], '10.1.2.3', '1.2.3.4, x', '10.1.2.3'],
    ['is no number too large for one', ['10.0.0.0/8'], '10.1.2.3', '1.2.3.4, 999.1.1.1, 10.9.9.9', '10.9.9.9'],
    ['may carry a port', ['10.0.0.1'], '10.0.0.1', '1.2.3.4:5678', '1.2.3.4'],
    ['may be IPv6', ['fd00::/8'], 'fd00::1', '[2001:db8::1]:99', '2001:db8::1'],
    ['is IPv4 when it comes over IPv6', ['10.0.0.0/8'], '::ffff:10.0.0.1', '::ffff:1.2.3.4', '1.2.3.4'],
  ];
  for (const [what, trusted, peer, header, expected] of cases) {
    test(what, () => assert.equal(clientAddress(trusted)(peer, header), expected));
  }

  test('of no proxy that is no network', () => {
    assert.throws(() => clientAddress(['proxy.example']), { code: 'address-invalid' });
    assert.throws(() => clientAddress(['10.0.0.0/99']), { code: 'address-invalid' });
  });

  test('counts against its own limit behind a proxy', async (t) => {
    const world = await testBroker((end) => t.after(end), {
      http: { ...defaultHttpOptions, trustedProxies: ['127.0.0.1'] },
      rate: { requestsPerSecond: 0.001, burst: 2 },
    });
    const ask = async (from: string): Promise<number> =>
      (await world.call('GET', '/v1/sys/health', { headers: { 'X-Forwarded-For': from } })).status;
    assert.deepEqual([await ask('1.1.1.1'), await ask('1.1.1.1'), await ask('1.1.1.1')], [200, 200, 429]);
    assert.equal(await ask('2.2.2.2'), 200);
  });
});
