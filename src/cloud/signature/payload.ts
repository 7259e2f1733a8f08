// The body of a request as its operation gets it: checked against the hash and the checksums that the
// client sent, and freed of the `aws-chunked` encoding. Only S3 knows more than a plain body.
import { awsFailure } from '../failures.ts';
import type { HttpRequest } from '../http.ts';
import type { Route } from '../protocol/index.ts';
import { type HmacKey, sha256Hex } from './canonical.ts';
import { checkChecksums } from './checksum.ts';
import { decodeChunks, isChunked } from './chunked.ts';
import type { Presented } from './parse.ts';

/**
 * @throws `XAmzContentSHA256Mismatch`, `BadDigest`, `InvalidArgument` 400 for a body that is not what was
 * announced; `SignatureDoesNotMatch` 403 for a chunk with a wrong signature; `IncompleteBody` 400.
 */
export function decodePayload(
  request: HttpRequest,
  route: Route,
  presented: Presented | undefined,
  signingKey: HmacKey | undefined,
): HttpRequest {
  if (route.protocol !== 'rest-xml') return request;
  const stated = request.headers['x-amz-content-sha256'];
  const decoded = isChunked(stated) ? decodeChunks(request, stated, presented, signingKey) : request;
  if (stated !== undefined && !isChunked(stated)) checkHash(request.body, stated);
  // The checksums of CompleteMultipartUpload are those of the object, not of its own body.
  if (route.operation !== 'CompleteMultipartUpload') checkChecksums(decoded.headers, decoded.body);
  if (route.operation === 'DeleteObjects') requireDigest(decoded.headers);
  return decoded;
}

/** "The Content-MD5 header … is required for all Multi-Object Delete requests", or a checksum in its place (DeleteObjects). */
function requireDigest(headers: HttpRequest['headers']): void {
  if (Object.keys(headers).some((name) => /^(?:content-md5|x-amz-checksum-\w+)$/.test(name))) return;
  throw awsFailure('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*', {
    status: 400,
  });
}

function checkHash(body: Uint8Array, stated: string): void {
  if (stated === 'UNSIGNED-PAYLOAD') return;
  if (!/^[0-9a-fA-F]{64}$/.test(stated)) {
    throw awsFailure(
      'InvalidArgument',
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
      { status: 400, fields: { ArgumentName: 'x-amz-content-sha256' } },
    );
  }
  const computed = sha256Hex(body);
  if (computed === stated.toLowerCase()) return;
  throw awsFailure(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
    {
      status: 400,
      fields: { ClientComputedContentSHA256: stated, S3ComputedContentSHA256: computed },
    },
  );
}
