// EC2's refusals that more than one operation gives, and what it refuses to be asked for.
import type { Failure } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';

export function missingParameter(name: string): Failure {
  return awsFailure('MissingParameter', `The request must contain the parameter ${name}`, { status: 400 });
}

export function invalidParameter(message: string): Failure {
  return awsFailure('InvalidParameterValue', message, { status: 400 });
}

export function invalidCombination(message: string): Failure {
  return awsFailure('InvalidParameterCombination', message, { status: 400 });
}

/** For what AWS does and this EC2 does not: refused rather than ignored. */
export function unsupported(what: string): Failure {
  return awsFailure('UnsupportedOperation', `The embedded AWS does not offer ${what}`, { status: 400 });
}

export function dryRun(): Failure {
  return awsFailure('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', { status: 412 });
}

export function noInstances(ids: readonly string[]): Failure {
  const message =
    ids.length === 1
      ? `The instance ID '${ids[0]}' does not exist`
      : `The instance IDs '${ids.join(', ')}' do not exist`;
  return awsFailure('InvalidInstanceID.NotFound', message, { status: 400 });
}

/** Ids are a prefix and 8 or 17 hexadecimal digits. @throws `code`, by default InvalidInstanceID.Malformed */
export function checkId(id: string, prefix: string, code = 'InvalidInstanceID.Malformed'): void {
  if (new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`).test(id)) return;
  throw awsFailure(code, `Invalid id: "${id}"${id.startsWith(`${prefix}-`) ? '' : ` (expecting "${prefix}-...")`}`, {
    status: 400,
  });
}
