// What each service says to a request that it cannot read, as the client sees it: status, code, message.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '../../../src/base/index.ts';
import type { ServiceId } from '../../../src/cloud/call.ts';
import type { HttpRequest, HttpResponse } from '../../../src/cloud/http.ts';
import { awsFailure } from '../../../src/cloud/failures.ts';
import { readInput, routeRequest, unsupportedOperation, writeFailure } from '../../../src/cloud/protocol/index.ts';

interface Case {
  readonly name: string;
  readonly service: ServiceId;
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly status: number;
  readonly code: string;
  readonly message?: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../../cases/cloud/refused-requests.json', import.meta.url), 'utf8'),
) as Case[];

function requestOf(
  one: Omit<Case, 'name' | 'status' | 'code'>,
  body: Uint8Array = Buffer.from(one.body ?? ''),
): HttpRequest {
  const scope = `AKIAEXAMPLE/20260101/us-east-1/${one.service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
  return {
    method: one.method ?? 'POST',
    path: one.path ?? '/',
    query: one.query ?? '',
    headers: { host: 'localhost:4566', authorization, ...one.headers },
    body,
    remoteAddress: '127.0.0.1',
    secure: false,
  };
}

function refusalOf(request: HttpRequest): HttpResponse {
  const route = routeRequest(request);
  try {
    readInput(route, request);
  } catch (error) {
    return writeFailure(route, error, 'request-1');
  }
  return { status: 200, headers: {}, body: '' };
}

/** Code and message as any client would find them. */
function readError(response: HttpResponse): { code: string | undefined; message: string | undefined } {
  const text = String(response.body);
  if (text.startsWith('{')) {
    const { __type, message } = JSON.parse(text) as { __type: string; message: string };
    return { code: __type, message };
  }
  const unescape = (xml: string | undefined): string | undefined =>
    xml
      ?.replaceAll('&apos;', "'")
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&amp;', '&');
  return {
    code: /<Code>([^<]*)<\/Code>/.exec(text)?.[1],
    message: unescape(/<Message>([^<]*)<\/Message>/.exec(text)?.[1]),
  };
}

for (const one of cases) {
  test(`${one.name} is refused by ${one.service} with ${one.code}`, () => {
    const response = refusalOf(requestOf(one));
    const { code, message } = readError(response);
    assert.deepEqual({ status: response.status, code }, { status: one.status, code: one.code });
    if (one.message !== undefined) assert.equal(message, one.message);
  });
}

test('a form of ten megabytes is refused without being read', () => {
  const body = Buffer.alloc(10_000_000, 'a=1&');
  assert.equal(refusalOf(requestOf({ service: 'iam' }, body)).status, 413);
});

test('a form of too many parameters, or nested too deep, is refused', () => {
  const many = Array.from({ length: 30_000 }, (_, index) => `a${index}=1`).join('&');
  assert.equal(readError(refusalOf(requestOf({ service: 'iam', body: many }))).code, 'MalformedInput');
  const deep = `Action=GetUser&Version=2010-05-08&${'a.'.repeat(10_000)}=1`;
  assert.equal(readError(refusalOf(requestOf({ service: 'iam', body: deep }))).code, 'MalformedInput');
});

test('JSON and XML nested too deep are refused', () => {
  const json = `{"Policy":${'['.repeat(200_000)}`;
  const target = { 'x-amz-target': 'AWSOrganizationsV20161128.DescribePolicy' };
  assert.equal(
    readError(refusalOf(requestOf({ service: 'organizations', headers: target, body: json }))).code,
    'SerializationException',
  );
  const xml = `<Tagging>${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}</Tagging>`;
  const put = { service: 's3', method: 'PUT', path: '/bucket', query: 'tagging', body: xml } as const;
  assert.equal(readError(refusalOf(requestOf(put))).code, 'MalformedXML');
});

test('a body that is not UTF-8 is refused', () => {
  const bytes = Buffer.from([0x41, 0xff, 0xfe]);
  assert.equal(readError(refusalOf(requestOf({ service: 'iam' }, bytes))).code, 'MalformedInput');
});

test('an error that is not of AWS leaves without its text', () => {
  for (const service of ['iam', 's3', 'ec2'] as const) {
    for (const error of [
      new Error('hunter2'),
      new Failure('not-of-aws', 'hunter2', { status: 400, detail: { a: 'hunter2' } }),
    ]) {
      const response = writeFailure(routeRequest(requestOf({ service })), error, 'r');
      assert.equal(response.status, 500);
      assert.ok(!String(response.body).includes('hunter2'));
    }
  }
});

test('the status of a code comes from the service, unless the failure has its own', () => {
  const iam = routeRequest(requestOf({ service: 'iam' }));
  const status = (code: string, own?: number): number =>
    writeFailure(iam, awsFailure(code, '', own === undefined ? {} : { status: own }), 'r').status;
  assert.deepEqual(
    [status('NoSuchEntity'), status('EntityAlreadyExists'), status('AccessDenied'), status('Odd')],
    [404, 409, 403, 400],
  );
  assert.equal(status('NoSuchEntity', 410), 410);
});

test('a refusal of a HEAD request to S3 has no body, and ids in its headers', () => {
  const route = routeRequest(requestOf({ service: 's3', method: 'HEAD', path: '/bucket/key' }));
  const response = writeFailure(route, awsFailure('NoSuchKey', 'The specified key does not exist.'), 'r-1', {
    'x-extra': '1',
  });
  assert.deepEqual(
    [response.status, response.body, response.headers['x-amz-request-id'], response.headers['x-extra']],
    [404, '', 'r-1', '1'],
  );
});

test('a service that is not embedded is named in the refusal', () => {
  const target = { 'x-amz-target': 'secretsmanager.ListSecrets' };
  const scope = {
    authorization: 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/secretsmanager/aws4_request, Signature=0',
  };
  const response = refusalOf(requestOf({ service: 'iam', headers: { ...target, ...scope }, body: '{}' }));
  const message = 'The service secretsmanager is not offered by the embedded AWS';
  assert.deepEqual([response.status, readError(response)], [400, { code: 'UnknownOperationException', message }]);
});

test('an operation without a handler is refused with words that tell it from an unknown one', () => {
  const route = routeRequest(requestOf({ service: 'iam', body: 'Action=GetSSHPublicKey&Version=2010-05-08' }));
  assert.equal(unsupportedOperation(route).message, 'The operation GetSSHPublicKey is not offered by the embedded AWS');
});
