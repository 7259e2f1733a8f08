// Signed calls that are told as data: signatures of AWS's and botocore's, answers and refusals in every protocol.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { sendPlainCall, signedHeaders, type PlainCall } from '../../src/aws/plain-call.ts';
import { systemClock } from '../../src/base/index.ts';

interface Vector {
  readonly name: string;
  readonly source: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly now: string;
  readonly region: string;
  readonly service: string;
  readonly sessionToken?: string;
  readonly signature: string;
}

const file = new URL('../cases/assume/sigv4.json', import.meta.url);
const { accessKeyId, secretAccessKey, cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  accessKeyId: string;
  secretAccessKey: string;
  cases: readonly Vector[];
};

for (const { name, source, url, now, signature, sessionToken, ...vector } of cases) {
  test(`signs as ${source}: ${name}`, () => {
    const { host, pathname: path, searchParams } = new URL(url);
    const call: PlainCall = { ...vector, operation: '', path, query: Object.fromEntries(searchParams) };
    const clock = { now: () => Date.parse(now) };
    const signed = signedHeaders(call, host, { keys: { accessKeyId, secretAccessKey, sessionToken }, clock });
    assert.match(signed.authorization, new RegExp(`Signature=${signature}$`));
  });
}

/** Something on loopback that answers as told. */
async function answering(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint, keys: { accessKeyId, secretAccessKey }, clock: systemClock };
}

const call: PlainCall = {
  service: 'sqs',
  region: 'eu-west-1',
  operation: 'GetQueueAttributes',
  method: 'POST',
  path: '/',
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.GetQueueAttributes' },
  body: '{}',
};

const refusals: readonly (readonly [form: string, headers: Record<string, string>, body: string, code: string])[] = [
  [
    'a header',
    { 'x-amzn-errortype': 'ResourceNotFoundException:http://internal/x' },
    '{}',
    'ResourceNotFoundException',
  ],
  ['JSON', {}, '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no \\"x\\""}', 'QueueDoesNotExist'],
  ['XML', {}, '<ErrorResponse><Error><Code>NotFound</Code><Message>no</Message></Error></ErrorResponse>', 'NotFound'],
  ['nothing that is known', {}, '<html>', 'HTTP 400'],
];

for (const [form, headers, body, code] of refusals) {
  test(`a refusal's code is read from ${form}`, async (t) => {
    const tools = await answering(t, (_, response) => response.writeHead(400, headers).end(body));
    await assert.rejects(sendPlainCall(call, tools), { name: code });
  });
}

test('what is sent is what was told, with a path that holds whatever a name may hold', async (t) => {
  const seen: (string | undefined)[] = [];
  const tools = await answering(t, (request, response) => {
    seen.push(request.method, request.url, request.headers['x-amz-target'] as string | undefined);
    response.end('{"ok":true}');
  });
  assert.equal(await sendPlainCall({ ...call, path: '/a%20b', query: { Qualifier: 'prod*' } }, tools), '{"ok":true}');
  assert.deepEqual(seen, ['POST', '/a%20b?Qualifier=prod%2A', 'AmazonSQS.GetQueueAttributes']);
});

test('a place that does not answer is told with its code, and a run that is broken off ends at once', async (t) => {
  const tools = await answering(t, (request) => request.socket.destroy());
  await assert.rejects(sendPlainCall(call, tools), { code: 'ECONNRESET' });
  const signal = AbortSignal.abort();
  await assert.rejects(sendPlainCall(call, { ...tools, signal }), { name: 'AbortError' });
});
