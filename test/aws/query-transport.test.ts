// Signed forms sent to servers that keep what they were sent, answer, close, say nonsense or say nothing.
import assert from 'node:assert/strict';
import { createHmac, hash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createServer as createTls, getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { QueryAnswer } from '../../src/aws/query-call.ts';
import { QueryTransport } from '../../src/aws/query-transport.ts';

const body = 'Action=GetUser&Version=2010-05-08';
/** The example of AWS's guide to Signature Version 4, "derive a signing key": keys, day and what they make. */
const example = {
  keys: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
  now: Date.UTC(2012, 1, 15, 12),
  signingKey: 'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d',
};
const fixtures = join(import.meta.dirname, '../broker/fixtures/tls');
const certificate = {
  cert: readFileSync(join(fixtures, 'one.crt'), 'utf8'),
  key: readFileSync(join(fixtures, 'one.key'), 'utf8'),
};
const limits = { connectMillis: 20_000, requestMillis: 20_000 };

function answerOf(text: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\n${headers}Content-Length: ${text.length}\r\n\r\n${text}`;
}

interface World {
  readonly post: (keys?: Parameters<QueryTransport['post']>[1]) => Promise<QueryAnswer>;
  readonly transport: QueryTransport;
  /** As many as were ever opened. */
  readonly sockets: Socket[];
  /** What was asked, in turn. */
  readonly asked: string[];
}

/** `serve` is called for each request, with how many came before on all connections. */
async function world(t: TestContext, serve: (socket: Socket, count: number) => void, times = limits): Promise<World> {
  const sockets: Socket[] = [];
  const asked: string[] = [];
  const server = createServer((socket) => {
    let held = '';
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      held += chunk.toString('latin1');
      if (!held.endsWith(body)) return;
      const count = asked.push(held) - 1;
      held = '';
      serve(socket, count);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const transport = new QueryTransport(times);
  t.after(() => {
    transport.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const host = `127.0.0.1:${port}`;
  const target = { secure: false, hostname: '127.0.0.1', port, host, region: 'us-east-1', service: 'iam' };
  const post: World['post'] = (keys = example.keys) => transport.post(target, keys, body, example.now);
  return { post, transport, sockets, asked };
}

/** Also when it is closed in anger. */
function closed(socket: Socket): Promise<unknown> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve));
}

/** What a request says its signature is, and what the request makes it with a signing key. */
function signatures(request: string, signingKey: Buffer): { said: string | undefined; made: string } {
  const headers = new Map<string, string>();
  for (const line of request.slice(0, request.indexOf('\r\n\r\n')).split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const [, scope, names, said] =
    /Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(headers.get('authorization') ?? '') ?? [];
  const lines = (names ?? '').split(';').map((name) => `${name}:${headers.get(name)}\n`);
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${hash('sha256', body)}`;
  const toSign = `AWS4-HMAC-SHA256\n${headers.get('x-amz-date')}\n${scope}\n${hash('sha256', canonical)}`;
  return { said, made: createHmac('sha256', signingKey).update(toSign).digest('hex') };
}

function derived(secret: string, ...parts: readonly string[]): Buffer {
  return parts.reduce((key, part) => createHmac('sha256', key).update(part).digest(), Buffer.from(`AWS4${secret}`));
}

test('signs with the key that AWS documents for its example, the first time and from memory', async (t) => {
  const { post, asked } = await world(t, (socket) => socket.write(answerOf('a')));
  await post();
  await post();
  for (const request of asked) {
    const { said, made } = signatures(request, Buffer.from(example.signingKey, 'hex'));
    assert.equal(said, made);
  }
});

test('signs for each pair of keys with their own, whatever the secret holds and whoever signed before', async (t) => {
  const { post, asked } = await world(t, (socket) => socket.write(answerOf('a')));
  const secrets = ['a', 'ü日', ...Array.from({ length: 70 }, (_, n) => `secret-${n}`), 'a'];
  for (const secretAccessKey of secrets) {
    await post({ accessKeyId: `AKID${secrets.indexOf(secretAccessKey)}`, secretAccessKey, sessionToken: 'token' });
  }
  for (const [n, request] of asked.entries()) {
    const { said, made } = signatures(request, derived(secrets[n]!, '20120215', 'us-east-1', 'iam', 'aws4_request'));
    assert.equal(said, made, secrets[n]);
  }
});

test('calls in turn share a connection; calls at once do not, and keep theirs', async (t) => {
  const { post, sockets } = await world(t, (socket, count) => socket.write(answerOf(String(count))));
  // The one that has just answered is not ready yet for who asks at once, so two take turns.
  for (let n = 0; n < 10; n++) assert.equal((await post()).text, String(n));
  assert.ok(sockets.length <= 2, String(sockets.length));
  await Promise.all([post(), post(), post()]);
  await Promise.all([post(), post(), post()]);
  assert.ok(sockets.length <= 4, String(sockets.length));
});

test('a thousand calls at once take 256 connections, and each is answered', async (t) => {
  const { post, sockets } = await world(t, (socket) => socket.write(answerOf('a')));
  const all = await Promise.all(Array.from({ length: 1000 }, () => post()));
  assert.equal(all.filter(({ text }) => text === 'a').length, 1000);
  assert.equal(sockets.length, 256);
});

/** As the far end writes it; what it comes to. */
const answers: readonly (readonly [what: string, bytes: string, expected: QueryAnswer])[] = [
  [
    'in chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Amzn-RequestId: one\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n',
    { status: 200, text: 'abc', requestId: 'one' },
  ],
  [
    'of several bytes a character',
    answerOf('h\u00c3\u00a9llo', 'x-amz-request-id: two\r\n'),
    { status: 200, text: 'héllo', requestId: 'two' },
  ],
  [
    'without a body',
    'HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n',
    { status: 503, text: '', requestId: undefined },
  ],
  [
    'after an announcement',
    `HTTP/1.1 102 Processing\r\n\r\n${answerOf('a')}`,
    { status: 200, text: 'a', requestId: undefined },
  ],
  [
    'that leads elsewhere',
    'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 1\r\n\r\na',
    { status: 302, text: 'a', requestId: undefined },
  ],
];

for (const [what, bytes, expected] of answers) {
  test(`takes an answer ${what}, however it is cut`, async (t) => {
    const { post, sockets } = await world(t, (socket, count) => {
      const cut = count % bytes.length;
      socket.write(bytes.slice(0, cut), 'latin1', () => socket.write(bytes.slice(cut), 'latin1'));
    });
    for (const _ of bytes) assert.deepEqual(await post(), expected);
    assert.ok(sockets.length <= 2, String(sockets.length));
  });
}

test('a connection that the far end closes is not used again', async (t) => {
  const { post, sockets } = await world(t, (socket, count) =>
    socket.write(answerOf(String(count), count === 0 ? 'Connection: close\r\n' : '')),
  );
  assert.deepEqual([(await post()).text, (await post()).text], ['0', '1']);
  assert.equal(sockets.length, 2);
});

test('an idle connection that ends, or on which something is said unasked, is let go of', async (t) => {
  const { post, sockets } = await world(t, (socket) => socket.write(answerOf('a')));
  for (const leave of [(socket: Socket) => socket.end(), (socket: Socket) => socket.write(answerOf('other'))]) {
    await post();
    const last = sockets.at(-1)!;
    leave(last);
    await closed(last);
    assert.equal((await post()).text, 'a');
  }
  assert.equal(sockets.length, 3);
});

/** Only who waits in vain has little time, for that call. */
const broken: readonly (readonly [what: string, serve: (socket: Socket) => void, expected: object, millis?: number])[] =
  [
    ['closes without an answer', (socket) => socket.end(), { code: 'ECONNRESET' }],
    ['closes within its answer', (socket) => socket.end(answerOf('abc').slice(0, -1)), { code: 'ECONNRESET' }],
    ['resets the connection', (socket) => socket.resetAndDestroy(), { code: 'ECONNRESET' }],
    ['says what is no answer', (socket) => socket.write('no\r\n\r\n'), { name: 'HTTPParserError' }],
    ['says nothing', () => {}, { name: 'TimeoutError' }, 300],
    ['says the half', (socket) => socket.write(answerOf('abc').slice(0, -1)), { name: 'TimeoutError' }, 300],
  ];

for (const [what, serve, expected, millis = limits.requestMillis] of broken) {
  test(`a far end that ${what} is asked once, fails the call and not the next one`, async (t) => {
    const answering = (socket: Socket, count: number): void => {
      if (count === 0) serve(socket);
      else socket.write(answerOf('a'));
    };
    const times = { ...limits, requestMillis: millis };
    const { post, asked, sockets } = await world(t, answering, times);
    await assert.rejects(post(), expected);
    assert.equal(asked.length, 1);
    times.requestMillis = limits.requestMillis;
    assert.equal((await post()).text, 'a');
    assert.equal(sockets.length, 2);
  });
}

test('an answer without end is refused before it fills the memory', async (t) => {
  const mebibyte = 'x'.repeat(2 ** 20);
  const { post, sockets } = await world(t, (socket) => {
    const more = (): void => void (socket.writable && socket.write(mebibyte, more));
    socket.write('HTTP/1.1 200 OK\r\n\r\n', more);
  });
  await assert.rejects(post(), { code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' });
  await closed(sockets[0]!);
});

test('a call whose time was up before it had a connection is never made', async (t) => {
  const asked: string[] = [];
  const secured: Socket[] = [];
  const tls = createTls(certificate, (socket) => {
    secured.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => asked.push(chunk.toString('latin1')) && socket.write(answerOf('a')));
  });
  // Connections stand at once, and are made safe when the test lets them.
  const waiting: Socket[] = [];
  const server = createServer((socket) => void waiting.push(socket.on('error', () => socket.destroy())));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const times = { ...limits, requestMillis: 200 };
  const transport = new QueryTransport(times, certificate.cert);
  t.after(() => {
    transport.destroy();
    for (const socket of waiting) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const target = { secure: true, hostname: '127.0.0.1', port, host: 'localhost', region: 'r', service: 's' };
  await assert.rejects(transport.post(target, example.keys, body, example.now), { name: 'TimeoutError' });
  // Whoever gives the call up may close the connection before our side finds it safe.
  const safe = Promise.any([once(tls, 'secureConnection'), once(tls, 'tlsClientError')]);
  for (const socket of waiting) tls.emit('connection', socket);
  await safe;
  server.on('connection', (socket: Socket) => tls.emit('connection', socket));
  times.requestMillis = limits.requestMillis;
  const keys = { ...example.keys, accessKeyId: 'LATER' };
  assert.equal((await transport.post(target, keys, body, example.now)).text, 'a');
  transport.destroy();
  for (const socket of secured) await closed(socket);
  assert.deepEqual(
    asked.map((text) => text.includes('Credential=LATER/')),
    [true],
  );
});

test('who cannot be reached is told with the code of the system', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const transport = new QueryTransport(limits);
  t.after(() => transport.destroy());
  const target = { secure: false, hostname: '127.0.0.1', port, host: 'x', region: 'r', service: 's' };
  await assert.rejects(transport.post(target, example.keys, body, example.now), { code: 'ECONNREFUSED' });
});

test('a token with a line end sends nothing, and the error does not repeat it', async (t) => {
  const { post, asked } = await world(t, (socket) => socket.write(answerOf('a')));
  const sent = post({ ...example.keys, sessionToken: 'token-of-mine\r\nx-other: 1' });
  await assert.rejects(sent, (error: Error) => !`${error.message}${error.stack}`.includes('token-of-mine'));
  assert.equal(asked.length, 0);
});

test('what is under way and what waits fails when the transport lets go, and a later call is answered', async (t) => {
  const { post, transport, sockets, asked } = await world(t, (socket, count) => {
    if (count === 255) transport.destroy();
    if (count > 255) socket.write(answerOf('a'));
  });
  const all = await Promise.allSettled(Array.from({ length: 300 }, () => post()));
  const codes = all.map((one) => (one.status === 'rejected' ? (one.reason as { code?: string }).code : 'answered'));
  assert.deepEqual(new Set(codes), new Set(['ECONNRESET']));
  assert.equal(asked.length, 256);
  assert.equal((await post()).text, 'a');
  transport.destroy();
  for (const socket of sockets) await closed(socket);
});

test('over TLS the certificate must be known, by name or as one that was given, and of the name that is asked', async (t) => {
  const { cert } = certificate;
  const names: (string | false | null)[] = [];
  const server = createTls(certificate, (socket) => {
    names.push(socket.servername);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.write(answerOf('a', 'Connection: close\r\n')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const postTo = (host: string, ca?: string): Promise<QueryAnswer> => {
    const transport = new QueryTransport(limits, ca);
    t.after(() => transport.destroy());
    const target = { secure: true, hostname: '127.0.0.1', port, host, region: 'r', service: 's' };
    return transport.post(target, example.keys, body, example.now);
  };
  await assert.rejects(postTo('localhost'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  await assert.rejects(postTo('iam.amazonaws.com', cert), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  assert.equal((await postTo('localhost', cert)).text, 'a');
  const before = getCACertificates('default');
  t.after(() => setDefaultCACertificates(before));
  setDefaultCACertificates([...before, cert]);
  assert.equal((await postTo(`localhost:${port}`)).text, 'a');
  assert.deepEqual(names.slice(-2), ['localhost', 'localhost']);
});
