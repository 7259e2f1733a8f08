// IAM's refusals, in AWS's codes and words.
import type { Failure } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';

export function noSuchEntity(message: string): Failure {
  return awsFailure('NoSuchEntity', message, { status: 404 });
}

export function alreadyExists(message: string): Failure {
  return awsFailure('EntityAlreadyExists', message, { status: 409 });
}

export function deleteConflict(message: string): Failure {
  return awsFailure('DeleteConflict', message, { status: 409 });
}

export function limitExceeded(message: string): Failure {
  return awsFailure('LimitExceeded', message, { status: 409 });
}

/** `name` is the quota in AWS's words: `AccessKeysPerUser`. */
export function quotaExceeded(name: string, limit: number): Failure {
  return limitExceeded(`Cannot exceed quota for ${name}: ${limit}`);
}

export function invalidInput(message: string): Failure {
  return awsFailure('InvalidInput', message, { status: 400 });
}

export function validationError(message: string): Failure {
  return awsFailure('ValidationError', message, { status: 400 });
}

export function malformedPolicy(message: string): Failure {
  return awsFailure('MalformedPolicyDocument', message, { status: 400 });
}

export function accessDenied(message: string, hint?: string): Failure {
  return awsFailure('AccessDenied', message, { status: 403, hint });
}

/** What AWS says of credentials that cannot be used for a service, and of sessions whose owner is gone. */
export function invalidToken(): Failure {
  return awsFailure('InvalidClientTokenId', 'The security token included in the request is invalid.', { status: 403 });
}
