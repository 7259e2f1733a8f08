// Hostile and broken clients, on the sockets themselves.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import type { HttpRequest } from '../../src/cloud/http.ts';
import { startCloud } from '../../src/cloud/index.ts';
import { listen, smallBody, type Answerer, type BodyLimits } from '../../src/cloud/listener.ts';
import { send, sendRaw } from './support.ts';

/** A listener that answers with what it received. */
async function echo(limits?: BodyLimits) {
  const defects: unknown[] = [];
  const seen: HttpRequest[] = [];
  const answerer: Answerer = {
    answer(request) {
      seen.push(request);
      return Promise.resolve({ status: 200, headers: {}, body: `${request.method} ${request.path} ${request.query}` });
    },
    bodyLimit: (head) => (head.path === '/large' ? 4 * smallBody : smallBody),
    refuseBody: (_head, reason) => ({ status: reason === 'too-large' ? 413 : 503, headers: {}, body: reason }),
    onDefect: (error) => void defects.push(error),
  };
  const listener = await listen('127.0.0.1', 0, answerer, limits);
  const { port } = listener;
  const stop = () => listener.stop();
  return { endpoint: `http://127.0.0.1:${port}`, port, stop, seen, defects, [Symbol.asyncDispose]: stop };
}

/** Resolves when the socket is closed, however it ended. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

test('bytes that are no HTTP are answered 400 and the socket is closed', async () => {
  await using cloud = await startCloud();
  const garbage = [
    '\u0000\u0001\u0002\u0003\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'LIST / HTTP/1.1\r\nHost: a\r\n\r\n',
  ];
  for (const bytes of garbage) assert.match(await sendRaw(cloud, bytes), /^HTTP\/1\.1 400 /, JSON.stringify(bytes));
  assert.equal((await send(`${cloud.endpoint}/_stint/health`)).status, 200);
});

test('headers without end are cut off', async () => {
  await using cloud = await startCloud();
  const answer = await sendRaw(cloud, `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(200_000)}\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 431 /);
});

test('odd but lawful requests are answered: absolute form, star, repeated headers, headers named like prototypes', async () => {
  await using server = await echo();
  const close = 'Host: a\r\nConnection: close\r\n';
  assert.match(await sendRaw(server, `GET http://a/b?c=d HTTP/1.1\r\n${close}\r\n`), /GET \/b c=d$/);
  assert.match(await sendRaw(server, `GET http://a HTTP/1.1\r\n${close}\r\n`), /GET \/ $/);
  assert.match(await sendRaw(server, `OPTIONS * HTTP/1.1\r\n${close}\r\n`), /^HTTP\/1\.1 200 /);
  await sendRaw(server, `GET /?a?b HTTP/1.1\r\n${close}X-A: 1\r\nx-a: 2\r\n__proto__: x\r\nconstructor: y\r\n\r\n`);
  const { headers, query } = server.seen.at(-1)!;
  assert.deepEqual([headers['x-a'], headers['__proto__'], headers['constructor'], query], ['1,2', 'x', 'y', 'a?b']);
});

test('a body over the limit is refused, declared or chunked, and the client sees the answer', async () => {
  await using server = await echo();
  const body = new Uint8Array(10 * smallBody);
  const refused = await send(`${server.endpoint}/`, { method: 'POST', body });
  assert.deepEqual([refused.status, refused.text], [413, 'too-large']);
  const chunked = await send(`${server.endpoint}/`, {
    method: 'POST',
    body,
    headers: { 'transfer-encoding': 'chunked' },
  });
  assert.equal(chunked.status, 413);
  const taken = await send(`${server.endpoint}/large`, { method: 'POST', body: body.subarray(0, 4 * smallBody) });
  assert.equal(taken.status, 200);
  assert.equal(server.seen.at(-1)!.body.length, 4 * smallBody);
});

test('a client that asks first is told before it sends', async () => {
  await using server = await echo();
  const head = (length: number) =>
    `POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n`;
  assert.match(await sendRaw(server, `${head(10 * smallBody)}\r\n`), /^HTTP\/1\.1 413 /);
  assert.match(await sendRaw(server, `${head(2)}Connection: close\r\n\r\nhi`), /^HTTP\/1\.1 100 [^]*HTTP\/1\.1 200 /);
});

test('bodies of many connections share one room, and give it back', async () => {
  await using server = await echo({ together: 3 * smallBody, dropped: 100 * smallBody });
  const half = connect(server.port, '127.0.0.1');
  half.write(`POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: ${3 * smallBody}\r\n\r\n`);
  half.write(new Uint8Array(3 * smallBody - 1));
  const body = new Uint8Array(1000);
  let crowded;
  do crowded = await send(`${server.endpoint}/`, { method: 'POST', body });
  while (crowded.status === 200);
  assert.deepEqual([crowded.status, crowded.text], [503, 'no-room']);
  half.destroy();
  let after;
  do after = await send(`${server.endpoint}/`, { method: 'POST', body });
  while (after.status === 503);
  assert.equal(after.status, 200);
  assert.deepEqual(server.defects, []);
});

test('a body that goes on without end after its refusal is cut off', async () => {
  await using server = await echo({ together: 100 * smallBody, dropped: 2 * smallBody });
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n');
  const chunk = new Uint8Array(smallBody);
  const pour = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', pour);
  pour();
  await closed(socket);
  assert.deepEqual(server.defects, []);
});

test('a stop ends connections that sent half a request, or nothing', async () => {
  const server = await echo();
  const sockets = ['', 'GET / HT', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab'].map((bytes) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    if (bytes !== '') socket.write(bytes);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const ended = Promise.all(sockets.map((socket) => closed(socket.resume())));
  await server.stop();
  await ended;
  assert.deepEqual(server.defects, []);
});

test('a stop does not wait for what has not arrived, and answers what has', async () => {
  const answered = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const answerer: Answerer = {
    answer: async () => (entered.resolve(), await answered.promise, { status: 200, headers: {}, body: 'whole' }),
    bodyLimit: () => smallBody,
    refuseBody: () => ({ status: 413, headers: {}, body: '' }),
    onDefect: (error) => assert.fail(String(error)),
  };
  const listener = await listen('127.0.0.1', 0, answerer);
  const { port } = listener;
  const half = ['', 'GET / HT', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345'].map((text) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('error', () => undefined);
    return closed(socket);
  });
  const whole = send(`http://127.0.0.1:${port}/`);
  await entered.promise;
  const stopped = listener.stop();
  // They end while the whole request is still being answered.
  await Promise.all(half);
  answered.resolve();
  assert.equal((await whole).text, 'whole');
  await stopped;
});

test('a client that leaves in the middle is no defect', async () => {
  await using server = await echo();
  for (let run = 0; run < 20; run++) {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\nab');
    socket.resetAndDestroy();
  }
  assert.equal((await send(`${server.endpoint}/`)).status, 200);
  assert.deepEqual(server.defects, []);
});

test('several hundred connections at once are all answered', async () => {
  await using cloud = await startCloud();
  const answers = await Promise.all(Array.from({ length: 400 }, () => send(`${cloud.endpoint}/_stint/health`)));
  assert.ok(answers.every(({ status }) => status === 200));
});

test('10 MB of form or of control body is refused as AWS does, and costs nothing', async () => {
  await using cloud = await startCloud();
  const body = 'A'.repeat(10_000_000);
  const form = await send(cloud.endpoint, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.equal(form.status, 413);
  assert.match(form.text, /<Code>RequestEntityTooLarge<\/Code>/);
  const control = await send(`${cloud.endpoint}/_stint/clock`, { method: 'POST', body });
  assert.equal(control.status, 413);
});

test('a taken port is refused and a free one named', async () => {
  await using first = await startCloud();
  const port = Number(new URL(first.endpoint).port);
  await assert.rejects(startCloud({ port }), (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, 'port-in-use');
    assert.match(error.hint ?? '', /`--port \d+`/);
    return true;
  });
  await assert.rejects(startCloud({ host: '203.0.113.7' }), { code: 'cannot-listen' });
});
