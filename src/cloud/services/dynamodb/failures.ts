// DynamoDB's refusals. Words: as the service sends them; API reference, "Common errors" and each operation's "Errors".
import type { Failure } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';

export function invalid(message: string): Failure {
  return awsFailure('ValidationException', message);
}

export function invalidParameter(reason: string): Failure {
  return invalid(`One or more parameter values were invalid: ${reason}`);
}

/** `Requested resource not found: Table: NAME not found`; calls about items say no more than the first half. */
export function tableNotFound(name?: string): Failure {
  const rest = name === undefined ? '' : `: Table: ${name} not found`;
  return awsFailure('ResourceNotFoundException', `Requested resource not found${rest}`);
}

export function inUse(message: string): Failure {
  return awsFailure('ResourceInUseException', message);
}

/** dynalite's refusals as ours; anything else is a defect and stays what it is. */
export function translated(error: unknown): unknown {
  const { body } = error as {
    readonly body?: { readonly __type: string; readonly message?: string; Message?: string };
  };
  if (body === undefined) return error;
  return awsFailure(body.__type.slice(body.__type.indexOf('#') + 1), body.message ?? body.Message ?? '');
}
