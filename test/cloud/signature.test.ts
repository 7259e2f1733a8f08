// Signatures made by the SDK's own signers, judged by `authenticate`; and what each service says to
// those that are wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { ListAccountsCommand } from '@aws-sdk/client-organizations';
import { CreateUserCommand } from '@aws-sdk/client-iam';
import { ListKeysCommand } from '@aws-sdk/client-kms';
import { LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { isFailure, Secret } from '../../src/base/index.ts';
import type { ServiceId } from '../../src/cloud/call.ts';
import type { Credential } from '../../src/cloud/credential.ts';
import type { HttpRequest } from '../../src/cloud/http.ts';
import { routeRequest, writeOutput, type Protocol } from '../../src/cloud/protocol/index.ts';
import { serviceModel } from '../../src/cloud/protocol/models.ts';
import { authenticate, SigningKeys } from '../../src/cloud/signature.ts';
import { clientOf, type SdkOptions } from './protocol/sdk.ts';

const userKey: Credential = {
  kind: 'user',
  userId: 'AIDAEXAMPLE',
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: new Secret('secret'),
  account: '111111111111',
  status: 'Active',
};

const sessionKey: Credential = {
  kind: 'role',
  roleId: 'AROAEXAMPLE',
  sessionName: 'alice',
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: new Secret('session-secret'),
  account: '111111111111',
  status: 'Active',
  session: {
    token: new Secret('token/with+signs=='),
    issuedAt: 0,
    expiresAt: Date.now() + 3_600_000,
    tags: [],
    transitiveTagKeys: [],
  },
};

const commands: Readonly<Record<ServiceId, object>> = {
  iam: new CreateUserCommand({ UserName: 'alice', Path: '/a b/' }),
  sts: new GetCallerIdentityCommand({}),
  organizations: new ListAccountsCommand({}),
  s3: new PutObjectCommand({
    Bucket: 'bucket-name',
    Key: "a b/+c/ü//%41/(x)'*",
    Body: 'hello',
    Metadata: { a: 'b  c' },
  }),
  ec2: new DescribeInstancesCommand({ Filters: [{ Name: 'tag:x', Values: ['1 2'] }] }),
  kms: new ListKeysCommand({}),
  dynamodb: new ListTablesCommand({}),
  cloudtrail: new LookupEventsCommand({}),
};

/** The request that a client of the SDK signs and sends. */
async function signedRequest(
  service: ServiceId,
  options: SdkOptions = {},
  command = commands[service],
): Promise<HttpRequest> {
  let seen: HttpRequest | undefined;
  const client = clientOf(
    service,
    (request) => {
      seen = request;
      return writeOutput(routeRequest(request), {}, 'r');
    },
    options,
  );
  await client.send(command);
  return seen!;
}

interface Setting {
  readonly credential?: Credential | undefined;
  readonly wall?: number;
  readonly emulated?: number;
}

function judge(request: HttpRequest, setting: Setting = {}): ReturnType<typeof authenticate> {
  const now = Date.now();
  const credential = 'credential' in setting ? setting.credential : userKey;
  const find = (id: string): Credential | undefined => (credential?.accessKeyId === id ? credential : undefined);
  const time = { wall: setting.wall ?? now, emulated: setting.emulated ?? now };
  return authenticate(request, routeRequest(request), find, time, new SigningKeys());
}

function refusal(request: HttpRequest, setting: Setting = {}): string {
  try {
    judge(request, setting);
  } catch (error) {
    if (isFailure(error)) return `${error.code} ${error.status}`;
    throw error;
  }
  return 'accepted';
}

const services = Object.keys(commands) as ServiceId[];
const session: SdkOptions = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'session-secret',
  sessionToken: 'token/with+signs==',
};

test('a request signed by the SDK is accepted by every service', async () => {
  for (const service of services) {
    const { credential } = judge(await signedRequest(service));
    assert.equal(credential?.accessKeyId, 'AKIAEXAMPLE', service);
  }
});

test('a request signed with session credentials is accepted while the session lives', async () => {
  for (const service of services) {
    const request = await signedRequest(service, session);
    assert.equal(judge(request, { credential: sessionKey }).credential?.kind, 'role', service);
  }
});

test('a virtual-host request to S3 is accepted and names the bucket', async () => {
  const request = await signedRequest(
    's3',
    { pathStyle: false },
    new GetObjectCommand({ Bucket: 'bucket-name', Key: 'a/b c' }),
  );
  assert.equal(request.headers['host'], 'bucket-name.localhost:4566');
  judge(request);
  assert.deepEqual(routeRequest(request).rest, {
    bucket: 'bucket-name',
    key: 'a/b c',
    query: new Map([['x-id', 'GetObject']]),
  });
});

// One column per protocol, in the order of `protocols`.
const protocols: readonly Protocol[] = ['query', 'json', 'rest-xml', 'ec2'];
const answers: Readonly<Record<string, readonly string[]>> = {
  'unknown key': [
    'InvalidClientTokenId 403',
    'UnrecognizedClientException 400',
    'InvalidAccessKeyId 403',
    'AuthFailure 401',
  ],
  'inactive key': [
    'InvalidClientTokenId 403',
    'UnrecognizedClientException 400',
    'InvalidAccessKeyId 403',
    'AuthFailure 401',
  ],
  'wrong secret': [
    'SignatureDoesNotMatch 403',
    'InvalidSignatureException 400',
    'SignatureDoesNotMatch 403',
    'AuthFailure 401',
  ],
  unsigned: [
    'MissingAuthenticationToken 403',
    'MissingAuthenticationTokenException 400',
    'accepted',
    'MissingAuthenticationToken 403',
  ],
  'old clock': [
    'SignatureDoesNotMatch 403',
    'InvalidSignatureException 400',
    'RequestTimeTooSkewed 403',
    'RequestExpired 400',
  ],
  'expired session': ['ExpiredToken 403', 'ExpiredTokenException 400', 'ExpiredToken 400', 'RequestExpired 400'],
  'other token': ['InvalidClientTokenId 403', 'UnrecognizedClientException 400', 'InvalidToken 400', 'AuthFailure 401'],
  'no token': ['InvalidClientTokenId 403', 'UnrecognizedClientException 400', 'InvalidToken 400', 'AuthFailure 401'],
  'other algorithm': [
    'IncompleteSignature 400',
    'IncompleteSignatureException 400',
    'InvalidRequest 400',
    'IncompleteSignature 400',
  ],
  'no date': [
    'IncompleteSignature 400',
    'IncompleteSignatureException 400',
    'AccessDenied 403',
    'IncompleteSignature 400',
  ],
  'changed body': [
    'SignatureDoesNotMatch 403',
    'InvalidSignatureException 400',
    'XAmzContentSHA256Mismatch 400',
    'AuthFailure 401',
  ],
};

function changed(request: HttpRequest, headers: Readonly<Record<string, string | undefined>>): HttpRequest {
  const merged = Object.entries({ ...request.headers, ...headers });
  return {
    ...request,
    headers: Object.fromEntries(merged.filter((pair): pair is [string, string] => pair[1] !== undefined)),
  };
}

async function answerTo(what: string, service: ServiceId): Promise<string> {
  const request = await signedRequest(service);
  const authorization = request.headers['authorization']!;
  switch (what) {
    case 'unknown key':
      return refusal(request, { credential: undefined });
    case 'inactive key':
      return refusal(request, { credential: { ...userKey, status: 'Inactive' } });
    case 'wrong secret':
      return refusal(request, { credential: { ...userKey, secretAccessKey: new Secret('Secret') } });
    case 'unsigned':
      return refusal(changed(request, { authorization: undefined }));
    case 'old clock':
      return refusal(request, { wall: Date.now() + 901_000 });
    case 'expired session':
      return refusal(await signedRequest(service, session), {
        credential: sessionKey,
        emulated: Date.now() + 3_700_000,
      });
    case 'other token':
      return refusal(await signedRequest(service, { ...session, sessionToken: 'other' }), { credential: sessionKey });
    case 'no token':
      return refusal(changed(await signedRequest(service, session), { 'x-amz-security-token': undefined }), {
        credential: sessionKey,
      });
    case 'other algorithm':
      return refusal(
        changed(request, { authorization: authorization.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256') }),
      );
    case 'no date':
      return refusal(changed(request, { 'x-amz-date': undefined }));
    default:
      return refusal({ ...request, body: Buffer.concat([request.body, Buffer.from('&x=1')]) });
  }
}

for (const [what, expected] of Object.entries(answers)) {
  test(`${what}: each service answers with its own code`, async () => {
    const actual = await Promise.all(services.map((service) => answerTo(what, service)));
    assert.deepEqual(
      actual,
      services.map((service) => expected[protocols.indexOf(serviceModel(service).protocol)]),
    );
  });
}

test('KMS takes a request for five minutes, the others for fifteen', async () => {
  const wall = Date.now() + 310_000;
  assert.equal(refusal(await signedRequest('kms'), { wall }), 'InvalidSignatureException 400');
  assert.equal(refusal(await signedRequest('dynamodb'), { wall }), 'accepted');
  assert.equal(refusal(await signedRequest('kms'), { wall: Date.now() + 290_000 }), 'accepted');
});

test('an x-amz header outside the signature is refused by S3', async () => {
  const request = await signedRequest('s3');
  assert.equal(refusal(changed(request, { 'x-amz-acl': 'public-read' })), 'AccessDenied 403');
});

test('STS takes web identity and SAML without a signature, and nothing else', () => {
  const unsigned = (action: string): HttpRequest => ({
    method: 'POST',
    path: '/',
    query: '',
    headers: { host: 'localhost', 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(`Action=${action}&Version=2011-06-15`),
    remoteAddress: '127.0.0.1',
    secure: false,
  });
  assert.equal(judge(unsigned('AssumeRoleWithWebIdentity')).credential, undefined);
  assert.equal(judge(unsigned('AssumeRoleWithSAML')).credential, undefined);
  assert.equal(refusal(unsigned('GetCallerIdentity')), 'MissingAuthenticationToken 403');
});

test('a header and a query signature together are refused', async () => {
  for (const service of ['s3', 'sts'] as const) {
    const request = await signedRequest(service);
    const expected = service === 's3' ? 'InvalidArgument 400' : 'IncompleteSignature 400';
    assert.equal(refusal({ ...request, query: 'X-Amz-Algorithm=AWS4-HMAC-SHA256' }), expected);
  }
});

test('a signature for one service does not pass at another that a second credential names', async () => {
  const request = await signedRequest('iam');
  const authorization = request.headers['authorization']!;
  const credential = 'Credential=AKIAEXAMPLE/20260101/us-east-1/sts/aws4_request';
  const twice = authorization.replace('AWS4-HMAC-SHA256 ', `AWS4-HMAC-SHA256 ${credential}, `);
  assert.equal(routeRequest(changed(request, { authorization: twice })).service, 'sts');
  assert.equal(refusal(changed(request, { authorization: twice })), 'SignatureDoesNotMatch 403');
});

test('a version 2 signature is refused as one in the header, and in the query where it is not whole', async () => {
  const request = changed(await signedRequest('s3'), { authorization: undefined });
  const query = 'AWSAccessKeyId=AKIAEXAMPLE&Signature=abc&Expires=9999999999';
  assert.equal(refusal({ ...request, query }), 'SignatureDoesNotMatch 403');
  assert.equal(refusal({ ...request, query: 'AWSAccessKeyId=AKIAEXAMPLE&Expires=1' }), 'AccessDenied 403');
  assert.equal(refusal(changed(request, { authorization: 'AWS AKIAEXAMPLE:abc' })), 'InvalidRequest 400');
});
