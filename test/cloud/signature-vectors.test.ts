// Requests signed by botocore, recorded as data: a second signer nobody here wrote. Each is accepted as
// it is, and refused when any part that the signature covers is changed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFailure, Secret } from '../../src/base/index.ts';
import type { Credential } from '../../src/cloud/credential.ts';
import type { HttpRequest } from '../../src/cloud/http.ts';
import { routeRequest } from '../../src/cloud/protocol/index.ts';
import { authenticate } from '../../src/cloud/signature.ts';

interface Recorded extends Omit<HttpRequest, 'body'> {
  readonly name: string;
  readonly service: string;
  readonly token?: string;
  readonly body: string;
}

interface Recording {
  readonly time: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly requests: readonly Recorded[];
}

function recordingOf(name: string): Recording {
  return JSON.parse(readFileSync(new URL(`../cases/cloud/${name}.json`, import.meta.url), 'utf8')) as Recording;
}

// Both were made at one time with one key.
const recorded = recordingOf('signatures');
const ofVersion2 = recordingOf('signatures-version-2');
const signedAt = Date.parse(recorded.time);

function requestOf({ method, path, query, headers, body }: Recorded): HttpRequest {
  return { method, path, query, headers, body: Buffer.from(body, 'base64'), remoteAddress: '127.0.0.1', secure: false };
}

function credentialOf(token: string | undefined): Credential {
  const key = {
    accessKeyId: recorded.accessKeyId,
    secretAccessKey: new Secret(recorded.secretAccessKey),
    account: '111111111111',
    status: 'Active',
  } as const;
  if (token === undefined) return { ...key, kind: 'user', userId: 'AIDAEXAMPLE' };
  const session = {
    token: new Secret(token),
    issuedAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    tags: [],
    transitiveTagKeys: [],
  };
  return { ...key, kind: 'role', roleId: 'AROAEXAMPLE', sessionName: 'alice', session };
}

function accepted(request: HttpRequest, token: string | undefined, wall = signedAt): boolean {
  try {
    authenticate(request, routeRequest(request), () => credentialOf(token), { wall, emulated: signedAt });
    return true;
  } catch (error) {
    if (isFailure(error)) return false;
    throw error;
  }
}

for (const one of recorded.requests) {
  const request = requestOf(one);

  test(`${one.name}: accepted as signed`, () => {
    const route = routeRequest(request);
    authenticate(request, route, () => credentialOf(one.token), { wall: signedAt, emulated: signedAt });
    assert.equal(route.signingName, one.service);
  });

  test(`${one.name}: refused when method, path, query, host or key is changed`, () => {
    const other = request.method === 'GET' ? 'PUT' : 'GET';
    assert.equal(accepted({ ...request, method: other }, one.token), false);
    assert.equal(accepted({ ...request, path: `${request.path}x` }, one.token), false);
    assert.equal(accepted({ ...request, query: `${request.query}&x=1` }, one.token), false);
    assert.equal(accepted({ ...request, headers: { ...request.headers, host: 'example.com' } }, one.token), false);
    assert.equal(accepted(request, `${one.token ?? ''}x`), false);
  });
}

test('a body is covered by every signature but a presigned one of S3 without its hash', () => {
  const uncovered = recorded.requests.filter((one) =>
    accepted({ ...requestOf(one), body: Buffer.from('other') }, one.token),
  );
  assert.deepEqual(
    uncovered.map(({ name }) => name),
    ['S3 presigned', 'S3 presigned, session token'],
  );
});

test('a presigned request is refused after its expiry and accepted until then', () => {
  for (const [name, seconds] of [
    ['S3 presigned', 900],
    ['STS presigned', 60],
  ] as const) {
    const one = recorded.requests.find((request) => request.name === name)!;
    assert.equal(accepted(requestOf(one), one.token, signedAt + seconds * 1000), true);
    assert.equal(accepted(requestOf(one), one.token, signedAt + seconds * 1000 + 1), false);
  }
});

test('a signature in the header is good for fifteen minutes either way', () => {
  const one = recorded.requests[0]!;
  for (const [offset, expected] of [
    [900_000, true],
    [-900_000, true],
    [900_001, false],
    [-900_001, false],
  ] as const) {
    assert.equal(accepted(requestOf(one), one.token, signedAt + offset), expected, String(offset));
  }
});

for (const one of ofVersion2.requests) {
  const request = requestOf(one);

  test(`version 2, ${one.name}: accepted as signed until it expires, and refused when a part that it covers is changed`, () => {
    const changed = (more: Partial<HttpRequest>) => accepted({ ...request, ...more }, one.token);
    assert.equal(changed({}), true);
    assert.equal(changed({ method: request.method === 'GET' ? 'PUT' : 'GET' }), false);
    assert.equal(changed({ path: `${request.path}x` }), false);
    assert.equal(changed({ query: `${request.query}&versionId=1` }), false);
    assert.equal(changed({ query: `${request.query}&x-amz-acl=private` }), false);
    assert.equal(changed({ headers: { ...request.headers, 'x-amz-copy-source': 'other/key' } }), false);
    assert.equal(changed({ headers: { ...request.headers, 'content-md5': 'x' } }), false);
    assert.equal(changed({ query: request.query.replace('Expires=1767323945', 'Expires=1767323946') }), false);
    assert.equal(changed({ query: request.query.replace(/&Signature=[^&]*/, '') }), false);
    assert.equal(accepted(request, `${one.token ?? ''}x`), false);
    assert.equal(accepted(request, one.token, signedAt + 900_000), true);
    assert.equal(accepted(request, one.token, signedAt + 900_001), false);
  });
}

test('version 2: a signature for a key in a path is not good for a longer key under a virtual host', () => {
  const one = ofVersion2.requests.find(({ path }) => path === '/bucket/k')!;
  const request = { ...requestOf(one), headers: { host: 'bucket.s3.amazonaws.com' } };
  assert.equal(routeRequest(request).rest?.key, 'bucket/k');
  assert.equal(accepted(request, one.token), false);
});
