// Whatever a stranger sends, the answer is a refusal of AWS's shape: nothing else is thrown, and no key
// is accepted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFailure } from '../../src/base/index.ts';
import type { HttpRequest } from '../../src/cloud/http.ts';
import { readInput, routeRequest, writeFailure } from '../../src/cloud/protocol/index.ts';
import { authenticate } from '../../src/cloud/signature.ts';

const scopes = ['iam', 'sts', 's3', 'ec2', 'organizations', 'kms', ''];
const targets = ['AWSOrganizationsV20161128.ListAccounts', 'AWSOrganizationsV20161128.CreatePolicy', 'x', '.', ''];
const hashes = [
  'UNSIGNED-PAYLOAD',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'x',
];
const fragments = [
  'Action=CreateRole&Version=2010-05-08&RoleName=r',
  'Action=AssumeRole&Version=2011-06-15',
  'Action=RunInstances&Version=2016-11-15&BlockDeviceMapping.1.Ebs.VolumeSize=x',
  'Tags.member.1.Key=a&Tags.member.1=b&Tags=',
  '{"Content":[{"a":1}],"Tags":[null,{"Key":3}]}',
  '<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>',
  '<!DOCTYPE a><a>&x;</a>',
  '<Delete><Object><Key>a</Key></Object><Quiet>maybe</Quiet></Delete>',
  '5\r\nhello\r\n0\r\n\r\n',
  '__proto__.polluted=1&constructor.prototype.polluted=1',
];

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...fragments),
  fc.constantFrom('%', '%zz', '%ff', '\u0000', '+'),
);

const request: fc.Arbitrary<HttpRequest> = fc
  .record({
    method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH', ''),
    path: fc.oneof(fc.constantFrom('/', '/bucket', '/bucket/key', '', '/%zz', '//'), text),
    query: fc.oneof(
      fc.constantFrom('', 'acl', 'tagging', 'delete', 'uploads', 'X-Amz-Algorithm=AWS4-HMAC-SHA256'),
      text,
    ),
    scope: fc.constantFrom(...scopes),
    authorization: fc.option(text),
    date: fc.option(fc.oneof(fc.constantFrom('20260101T000000Z', '99999999T999999Z'), text)),
    target: fc.option(fc.constantFrom(...targets)),
    hash: fc.option(fc.constantFrom(...hashes)),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      text.map((one) => new Uint8Array(Buffer.from(one))),
    ),
    host: fc.oneof(fc.constantFrom('localhost', 'bucket.s3.amazonaws.com', 'a.localhost:1'), text),
  })
  .map(({ method, path, query, scope, authorization, date, target, hash, body, host }) => ({
    method,
    path,
    query,
    body,
    headers: {
      host,
      authorization:
        authorization ??
        `AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/${scope}/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
      ...(date === null ? {} : { 'x-amz-date': date }),
      ...(target === null ? {} : { 'x-amz-target': target }),
      ...(hash === null ? {} : { 'x-amz-content-sha256': hash }),
    },
    remoteAddress: '127.0.0.1',
    secure: false,
  }));

function refused(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    assert.ok(isFailure(error), `not a refusal: ${String((error as Error).stack)}`);
    return error;
  }
  return undefined;
}

test('any request is routed, and refused or read, without another error', () => {
  fc.assert(
    fc.property(request, (one) => {
      const route = routeRequest(one);
      const failure = refused(() => readInput(route, one));
      if (failure !== undefined) assert.ok(writeFailure(route, failure, 'r').status >= 400);
    }),
    { numRuns: 2000 },
  );
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('no request without a right signature is anybody', () => {
  fc.assert(
    fc.property(request, (one) => {
      const route = routeRequest(one);
      const failure = refused(() => {
        const time = { wall: Date.UTC(2026, 0, 1), emulated: 0 };
        const { credential } = authenticate(one, route, () => undefined, time);
        assert.equal(credential, undefined);
      });
      assert.ok(failure !== undefined || !route.signed);
    }),
    { numRuns: 2000 },
  );
});
