// S3's refusals that more than one operation gives.
import type { Failure } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';

export function noSuchBucket(bucket: string): Failure {
  return awsFailure('NoSuchBucket', 'The specified bucket does not exist', {
    status: 404,
    fields: { BucketName: bucket },
  });
}

export function noSuchKey(key: string): Failure {
  return awsFailure('NoSuchKey', 'The specified key does not exist.', { status: 404, fields: { Key: key } });
}

export function invalidArgument(message: string, name?: string, value?: string): Failure {
  return awsFailure('InvalidArgument', message, {
    status: 400,
    ...(name === undefined ? {} : { fields: { ArgumentName: name, ArgumentValue: value } }),
  });
}

export function invalidRequest(message: string): Failure {
  return awsFailure('InvalidRequest', message, { status: 400 });
}

/** A body that is XML, but not of the shape S3 wants. */
export function malformedXml(): Failure {
  return awsFailure(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
    { status: 400 },
  );
}

/** A header, or a value of it, that S3 knows and does not take here. */
export function unacceptedHeader(header: string, additionalMessage?: string): Failure {
  return awsFailure('NotImplemented', 'A header you provided implies functionality that is not implemented', {
    status: 501,
    fields: { Header: header, ...(additionalMessage === undefined ? {} : { additionalMessage }) },
  });
}

export function invalidVersion(version: string): Failure {
  return invalidArgument('Invalid version id specified', 'versionId', version);
}

/** For what this S3 does not do: refused rather than ignored. */
export function notImplemented(what: string): Failure {
  return awsFailure('NotImplemented', `A header you provided implies functionality that is not implemented: ${what}`, {
    status: 501,
  });
}
