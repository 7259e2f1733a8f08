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

const file = new URL('../cases/cloud/signatures.json', import.meta.url);
const recorded = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly time: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly requests: readonly Recorded[];
};
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
