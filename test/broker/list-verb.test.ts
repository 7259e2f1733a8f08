import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { acceptListVerb } from '../../src/broker/http/list-verb.ts';

/** A server that answers each request with `METHOD path body`, and one connection to it. */
async function echo(t: TestContext): Promise<{ socket: Socket; read: (count: number) => Promise<string[]> }> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('end', () => response.end(`<${request.method} ${request.url} ${body}>`));
  });
  acceptListVerb(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => {
    socket.destroy();
    server.close();
  });
  let seen = '';
  let tell = (): void => {};
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString('latin1');
    tell();
  });
  socket.on('close', () => tell());
  const read = async (count: number): Promise<string[]> => {
    for (;;) {
      const found = [...seen.matchAll(/<([A-Z]+ [^>]*)>/g)].map(([, text]) => text!);
      if (found.length >= count || socket.closed) return found;
      await new Promise<void>((resolve) => (tell = resolve));
    }
  };
  return { socket, read };
}

const head = 'Host: h\r\n\r\n';

test('LIST arrives as LINK, and the connection stays usable', async (t) => {
  const { socket, read } = await echo(t);
  socket.write(`LIST /a HTTP/1.1\r\n${head}`);
  await read(1);
  socket.write(`GET /b HTTP/1.1\r\n${head}`);
  await read(2);
  socket.write(`LIST /c HTTP/1.1\r\n${head}`);
  assert.deepEqual(await read(3), ['LINK /a ', 'GET /b ', 'LINK /c ']);
});

test('a request that arrives byte by byte is the same request', async (t) => {
  const { socket, read } = await echo(t);
  socket.setNoDelay(true);
  for (const byte of `LIST /slow HTTP/1.1\r\n${head}`) {
    socket.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await read(1), ['LINK /slow ']);
});

test('every pipelined LIST of one packet is served', async (t) => {
  const { socket, read } = await echo(t);
  const post = (body: string): string => `POST /p HTTP/1.1\r\nContent-Length: ${body.length}\r\n${head}${body}`;
  socket.write(
    `LIST /1 HTTP/1.1\r\n${head}${post('abc')}LIST /2 HTTP/1.1\r\n${head}\r\nGET /3 HTTP/1.1\r\n${head}LIST /4 HTTP/1.1\r\n${head}`,
  );
  assert.deepEqual(await read(5), ['LINK /1 ', 'POST /p abc', 'LINK /2 ', 'GET /3 ', 'LINK /4 ']);
});

test('a body that begins with LIST stays as it is, at once and in pieces', async (t) => {
  const { socket, read } = await echo(t);
  const body = 'LIST /x HTTP/1.1';
  socket.write(`POST /1 HTTP/1.1\r\nContent-Length: ${body.length}\r\n${head}${body}`);
  await read(1);
  socket.write(`POST /2 HTTP/1.1\r\nContent-Length: ${body.length}\r\n${head}`);
  await new Promise((resolve) => setImmediate(resolve));
  for (const part of ['LI', 'ST /x', ' HTTP/1.1']) {
    socket.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await read(2), [`POST /1 ${body}`, `POST /2 ${body}`]);
});

test('a chunked body with lines that begin with LIST stays as it is, and the next LIST is served', async (t) => {
  const { socket, read } = await echo(t);
  const lines = 'LIST a\nLIST b\n';
  socket.write(
    `POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${head}${lines.length.toString(16)}\r\n${lines}\r\n0\r\n\r\nLIST /2 HTTP/1.1\r\n${head}`,
  );
  assert.deepEqual(await read(2), [`POST /1 ${lines}`, 'LINK /2 ']);
});

test('a verb that only begins like LIST is not touched', async (t) => {
  const { socket, read } = await echo(t);
  socket.write(`LOCK /a HTTP/1.1\r\n${head}`);
  assert.deepEqual(await read(1), ['LOCK /a ']);
  socket.write(`LISTEN /b HTTP/1.1\r\n${head}`);
  await new Promise((resolve) => socket.once('close', resolve));
  assert.deepEqual(await read(2), ['LOCK /a ']);
});

test('empty lines before a message, and a head in any two pieces, hide no LIST', async (t) => {
  const { socket, read } = await echo(t);
  socket.setNoDelay(true);
  socket.write(`\r\n\r\nLIST /after HTTP/1.1\r\n${head}\r\n`);
  assert.deepEqual(await read(1), ['LINK /after ']);
  const message = `LIST /split HTTP/1.1\r\n${head}`;
  for (let at = 1; at < message.length; at++) {
    socket.write(message.slice(0, at));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(message.slice(at));
    assert.equal((await read(at + 1)).at(-1), 'LINK /split ', `split at ${at}`);
  }
});
