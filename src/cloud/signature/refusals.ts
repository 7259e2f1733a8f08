// How each service words a signature that it does not accept. One row per cause, one column per kind
// of service; codes and statuses as AWS answers them.
import type { Failure } from '../../base/index.ts';
import { awsFailure } from '../failures.ts';
import type { Protocol } from '../protocol/index.ts';

export type Cause =
  | 'unsigned'
  | 'incomplete'
  | 'unknown-key'
  | 'bad-token'
  | 'wrong-signature'
  | 'too-old'
  | 'expired-session'
  | 'unsupported-algorithm';

type Row = Readonly<Record<Protocol, readonly [code: string, status: number, message: string | undefined]>>;

const invalidToken = 'The security token included in the request is invalid.';
const mismatch =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const notValidated = 'AWS was not able to validate the provided access credentials';
const v4aText = 'The signing algorithm AWS4-ECDSA-P256-SHA256 is not supported. Please use AWS4-HMAC-SHA256.';

// No message: the caller gives it.
const rows: Readonly<Record<Cause, Row>> = {
  unsigned: {
    query: ['MissingAuthenticationToken', 403, 'Request is missing Authentication Token'],
    json: ['MissingAuthenticationTokenException', 400, 'Missing Authentication Token'],
    ec2: ['MissingAuthenticationToken', 403, 'Request is missing Authentication Token'],
    'rest-xml': ['AccessDenied', 403, 'Access Denied'],
  },
  incomplete: {
    query: ['IncompleteSignature', 400, undefined],
    json: ['IncompleteSignatureException', 400, undefined],
    ec2: ['IncompleteSignature', 400, undefined],
    'rest-xml': ['AuthorizationHeaderMalformed', 400, undefined],
  },
  'unknown-key': {
    query: ['InvalidClientTokenId', 403, invalidToken],
    json: ['UnrecognizedClientException', 400, invalidToken],
    ec2: ['AuthFailure', 401, notValidated],
    'rest-xml': ['InvalidAccessKeyId', 403, 'The AWS Access Key Id you provided does not exist in our records.'],
  },
  'bad-token': {
    query: ['InvalidClientTokenId', 403, invalidToken],
    json: ['UnrecognizedClientException', 400, invalidToken],
    ec2: ['AuthFailure', 401, notValidated],
    'rest-xml': ['InvalidToken', 400, 'The provided token is malformed or otherwise invalid.'],
  },
  'wrong-signature': {
    query: ['SignatureDoesNotMatch', 403, mismatch],
    json: ['InvalidSignatureException', 400, mismatch],
    ec2: ['AuthFailure', 401, notValidated],
    'rest-xml': [
      'SignatureDoesNotMatch',
      403,
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    ],
  },
  'too-old': {
    query: ['SignatureDoesNotMatch', 403, undefined],
    json: ['InvalidSignatureException', 400, undefined],
    ec2: ['RequestExpired', 400, 'Request has expired.'],
    'rest-xml': [
      'RequestTimeTooSkewed',
      403,
      'The difference between the request time and the current time is too large.',
    ],
  },
  'expired-session': {
    query: ['ExpiredToken', 403, 'The security token included in the request is expired'],
    json: ['ExpiredTokenException', 400, 'The security token included in the request is expired'],
    ec2: ['RequestExpired', 400, 'Request has expired.'],
    'rest-xml': ['ExpiredToken', 400, 'The provided token has expired.'],
  },
  'unsupported-algorithm': {
    query: ['IncompleteSignature', 400, v4aText],
    json: ['IncompleteSignatureException', 400, v4aText],
    ec2: ['IncompleteSignature', 400, v4aText],
    'rest-xml': [
      'InvalidRequest',
      400,
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    ],
  },
};

/** The service's refusal for `cause`. `message` is used where the service words it by the case; only S3 tells `fields`. */
export function signatureRefusal(
  protocol: Protocol,
  cause: Cause,
  message = '',
  fields: Readonly<Record<string, unknown>> = {},
): Failure {
  const [code, status, fixed] = rows[cause][protocol];
  return awsFailure(code, fixed ?? message, { status, fields: protocol === 'rest-xml' ? fields : {} });
}
