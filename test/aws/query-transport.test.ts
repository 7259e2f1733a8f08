// Signed forms sent to servers that keep what they were sent, answer, close, say nonsense or say nothing.
import assert from 'node:assert/strict';
import { createHmac, hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { QueryTransport, type QueryAnswer } from '../../src/aws/query-transport.ts';

const body = 'Action=GetUser&Version=2010-05-08';
/** The example of AWS's guide to Signature Version 4, "derive a signing key": keys, day and what they make. */
const example = {
  keys: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
  now: Date.UTC(2012, 1, 15, 12),
  signingKey: 'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d',
};
const limits = { connectMillis: 5000, requestMillis: 5000 };

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
