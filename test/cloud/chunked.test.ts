// Uploads in the `aws-chunked` encoding: the worked examples of the S3 API reference ("Signature
// calculations: transferring payload in multiple chunks"), and what happens when one byte is changed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure, Secret } from '../../src/base/index.ts';
import type { Credential } from '../../src/cloud/credential.ts';
import type { HttpRequest } from '../../src/cloud/http.ts';
import { readInput, routeRequest } from '../../src/cloud/protocol/index.ts';
import { authenticate } from '../../src/cloud/signature.ts';
import { checksum } from '../../src/cloud/signature/checksum.ts';

const exampleKey: Credential = {
  kind: 'user',
  userId: 'AIDAEXAMPLE',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: new Secret('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'),
  account: '111111111111',
  status: 'Active',
};
const signedAt = Date.UTC(2013, 4, 24);

const common = {
  host: 's3.amazonaws.com',
  'x-amz-date': '20130524T000000Z',
  'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  'content-encoding': 'aws-chunked',
  'x-amz-decoded-content-length': '66560',
};

function authorization(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`;
}

function put(headers: Readonly<Record<string, string>>, body: Uint8Array): HttpRequest {
  return {
    method: 'PUT',
    path: '/examplebucket/chunkObject.txt',
    query: '',
    headers: { ...common, ...headers },
    body,
    remoteAddress: '127.0.0.1',
    secure: false,
  };
}

/** Two chunks of 64 KiB and 1 KiB of `a`, an empty one, and what follows it. */
function chunks(signatures: readonly [string, string, string], end: string): Buffer {
  const [first, second, last] = signatures.map((signature) =>
    signature === '' ? '' : `;chunk-signature=${signature}`,
  );
  return Buffer.concat([
    Buffer.from(`10000${first}\r\n`),
    Buffer.alloc(65_536, 'a'),
    Buffer.from(`\r\n400${second}\r\n`),
    Buffer.alloc(1024, 'a'),
    Buffer.from(`\r\n0${last}\r\n${end}`),
  ]);
}

const signedExample = put(
  {
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'content-length': '66824',
    authorization: authorization(
      'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
      '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    ),
  },
  chunks(
    [
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    ],
    '\r\n',
  ),
);

const trailerExample = put(
  {
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    'x-amz-trailer': 'x-amz-checksum-crc32c',
    authorization: authorization(
      'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
      '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    ),
  },
  chunks(
    [
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
    ],
    'x-amz-checksum-crc32c:sOO8/Q==\n\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
  ),
);

function judge(request: HttpRequest): ReturnType<typeof authenticate> {
  const find = (id: string): Credential | undefined => (id === exampleKey.accessKeyId ? exampleKey : undefined);
  return authenticate(request, routeRequest(request), find, { wall: signedAt, emulated: signedAt });
}

function refusal(request: HttpRequest): string {
  try {
    judge(request);
  } catch (error) {
    if (isFailure(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

test('the example of signed chunks is accepted and decoded', () => {
  const { request } = judge(signedExample);
  assert.equal(request.body.length, 66_560);
  const input = readInput(routeRequest(request), request) as { Body: Uint8Array; ContentEncoding?: string };
  assert.equal(input.Body.length, 66_560);
  assert.equal(input.ContentEncoding, undefined);
});

test('the example of signed chunks with a trailer is accepted, and its trailer is an input', () => {
  const { request } = judge(trailerExample);
  const input = readInput(routeRequest(request), request) as { ChecksumCRC32C?: string };
  assert.equal(input.ChecksumCRC32C, 'sOO8/Q==');
});

test('a changed byte of a signed chunk is refused', () => {
  const body = Buffer.from(signedExample.body);
  body[40_000] = 0x62;
  assert.equal(refusal({ ...signedExample, body }), 'SignatureDoesNotMatch');
});

test('a changed trailer is refused', () => {
  const body = Buffer.from(Buffer.from(trailerExample.body).toString('latin1').replace('sOO8/Q', 'sOO8/A'), 'latin1');
  assert.equal(refusal({ ...trailerExample, body }), 'SignatureDoesNotMatch');
});

test('a body cut off anywhere is refused', () => {
  for (const length of [0, 10, 1000, 65_700, 66_700, signedExample.body.length - 90]) {
    assert.equal(
      refusal({ ...signedExample, body: signedExample.body.subarray(0, length) }),
      'IncompleteBody',
      String(length),
    );
  }
});

/** Unsigned chunks need no key: an anonymous request shows the decoding alone. */
function anonymous(body: Uint8Array, headers: Readonly<Record<string, string>> = {}): HttpRequest {
  return put(
    {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-trailer': 'x-amz-checksum-crc32c',
      ...headers,
    },
    body,
  );
}

test('unsigned chunks are decoded and their trailing checksum is checked', () => {
  const good = anonymous(chunks(['', '', ''], 'x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n'));
  assert.equal(judge(good).request.body.length, 66_560);
  const wrong = anonymous(chunks(['', '', ''], 'x-amz-checksum-crc32c:AAAAAA==\r\n\r\n'));
  assert.equal(refusal(wrong), 'BadDigest');
});

test('a trailer that was not announced, or is missing, is refused', () => {
  assert.equal(refusal(anonymous(chunks(['', '', ''], 'x-amz-acl:public-read\r\n\r\n'))), 'MalformedTrailerError');
  assert.equal(refusal(anonymous(chunks(['', '', ''], '\r\n'))), 'MalformedTrailerError');
});

test('a decoded length that is not the announced one is refused', () => {
  const body = chunks(['', '', ''], 'x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n');
  assert.equal(refusal(anonymous(body, { 'x-amz-decoded-content-length': '5' })), 'IncompleteBody');
  assert.equal(refusal(anonymous(body, { 'x-amz-decoded-content-length': 'x' })), 'MissingContentLength');
});

test('chunk headers that are malformed or promise too much are refused', () => {
  for (const text of ['zz\r\n', 'fffffffff\r\n', 'ffffffff\r\nabc', '5\r\nabcdefgh\r\n0\r\n\r\n', '-5\r\nabc', '']) {
    assert.equal(refusal(anonymous(Buffer.from(text))), 'IncompleteBody', text);
  }
});

test('signed chunks without a signature on the request are refused', () => {
  const { authorization: _, ...headers } = signedExample.headers;
  assert.equal(refusal({ ...signedExample, headers }), 'AccessDenied');
});

test('checksums are those of their algorithms on the check text 123456789', () => {
  const text = new TextEncoder().encode('123456789');
  const hex = (algorithm: Parameters<typeof checksum>[0]): string =>
    Buffer.from(checksum(algorithm, text), 'base64').toString('hex');
  // Check values of the catalogue of parametrised CRC algorithms; digests of FIPS 180-4 and RFC 1321.
  assert.equal(hex('CRC32'), 'cbf43926');
  assert.equal(hex('CRC32C'), 'e3069283');
  assert.equal(hex('CRC64NVME'), 'ae8b14860a799888');
  assert.equal(hex('SHA1'), 'f7c3bc1d808e04732adf679965ccc34ca7ae3441');
  assert.equal(hex('MD5'), '25f9e794323b453885f5181f1b624d0b');
});

test('a checksum of an algorithm that cannot be checked here is refused', () => {
  const body = chunks(['', '', ''], 'x-amz-checksum-xxhash64:AAAA\r\n\r\n');
  assert.equal(refusal(anonymous(body, { 'x-amz-trailer': 'x-amz-checksum-xxhash64' })), 'NotImplemented');
});
