// Signatures and targets over the wire: AWS's words for an Authorization header that is not whole, and services of
// forms that are asked in JSON.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { sign } from '../../bench/signed-client.ts';
import { startCloud } from '../../src/cloud/index.ts';
import { dev, send } from './support.ts';

const base64 = (text: string) => createHash('sha256').update(text).digest('base64');
const form = 'Action=GetCallerIdentity&Version=2011-06-15';
const type = 'application/x-www-form-urlencoded';
const scope = 'Credential=AKIAEXAMPLE/20260101/us-east-1/sts/aws4_request';
const signature = `Signature=${'0'.repeat(64)}`;

const headers: readonly (readonly [authorization: string, message: string])[] = [
  [
    `AWS4-HMAC-SHA256 ${scope}`,
    `Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization=${base64(`AWS4-HMAC-SHA256 ${scope}`)}`,
  ],
  [
    `AWS4-HMAC-SHA256 ${scope}, SignedHeaders`,
    `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${base64('SignedHeaders')}'.`,
  ],
  [
    `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, ${signature}`,
    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
  ],
];

test('an Authorization header that is not whole is IncompleteSignature, in the words of AWS', async () => {
  await using cloud = await startCloud();
  for (const [authorization, message] of headers) {
    const sent = { method: 'POST', headers: { authorization, 'content-type': type }, body: form };
    const { status, text } = await send(cloud.endpoint, sent);
    assert.equal(status, 400);
    assert.match(text, /<Code>IncompleteSignature<\/Code>/);
    const [, told = ''] = /<Message>([^]*)<\/Message>/.exec(text) ?? [];
    const plain = told.replaceAll('&apos;', "'").replaceAll('&#39;', "'").replaceAll('&quot;', '"');
    assert.equal(plain, message);
  }
});

const week = 'that is, the given X-Amz-Expires must be less than 604800 seconds';
const presigned: readonly (readonly [expires: string, message: RegExp])[] = [
  ['&X-Amz-Expires=604801', new RegExp(week)],
  ['&X-Amz-Expires=-1', /X-Amz-Expires must be non-negative/],
  ['&X-Amz-Expires=soon', /X-Amz-Expires should be a number/],
  ['', /Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential/],
];

test('a presigned address of S3 without a right lifetime is AuthorizationQueryParametersError', async () => {
  await using cloud = await startCloud();
  const { accessKeyId } = cloud.credentials.accounts[dev]!;
  const credential = encodeURIComponent(`${accessKeyId}/20260101/us-east-1/s3/aws4_request`);
  const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-${signature}`;
  for (const [expires, message] of presigned) {
    const { status, text } = await send(`${cloud.endpoint}/bucket/key?${query}${expires}`);
    assert.equal(status, 400, text);
    assert.match(text, /<Code>AuthorizationQueryParametersError<\/Code>/);
    assert.match(text, message);
  }
});

test('STS and IAM answer JSON to a client that asks in JSON', async () => {
  await using cloud = await startCloud();
  const keys = cloud.credentials.accounts[dev]!;
  const ask = (service: string, target: string, body: object) =>
    send(cloud.endpoint, {
      ...sign(cloud.endpoint, keys, service, {
        method: 'POST',
        path: '/',
        body: JSON.stringify(body),
        type: 'application/x-amz-json-1.1',
        target,
      }),
    });
  const who = await ask('sts', 'AWSSecurityTokenServiceV20110615.GetCallerIdentity', {});
  assert.equal(who.headers['content-type'], 'application/x-amz-json-1.1');
  assert.deepEqual((JSON.parse(who.text) as { Arn: string }).Arn, `arn:aws:iam::${dev}:user/admin`);
  const user = await ask('iam', 'AWSIdentityManagementV20100508.GetUser', { UserName: 'admin' });
  assert.equal((JSON.parse(user.text) as { User: { UserName: string } }).User.UserName, 'admin');
  const missing = await ask('iam', 'AWSIdentityManagementV20100508.GetUser', { UserName: 'nobody' });
  assert.deepEqual([missing.status, missing.headers['x-amzn-errortype']], [404, 'NoSuchEntity']);
  const unknown = await ask('sts', 'AWSSecurityTokenServiceV20110615.MakeCoffee', {});
  assert.deepEqual([unknown.status, unknown.headers['x-amzn-errortype']], [400, 'UnknownOperationException']);
  const elsewhere = await ask('sts', 'AWSIdentityManagementV20100508.GetUser', {});
  assert.equal(elsewhere.status, 400);
});
