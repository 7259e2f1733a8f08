// What AWS's refusals mean to a grant or a revoke, and how they are told. Nothing of a request or
// response but AWS's code and message goes on.
import { isFailure, type Failure } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';

interface AwsError {
  readonly name: string;
  /** AWS's own code, where the SDK keeps it. */
  readonly Code?: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string; readonly attempts?: number };
}

/** As the AWS SDKs list them. */
const throttlingNames = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'SlowDown',
]);

const refusedKeyNames = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidAccessKeyId',
  'ExpiredToken',
  'ExpiredTokenException',
]);

/** AWS's error code, or undefined when AWS did not answer. */
export function awsCode(error: unknown): string | undefined {
  const { name, Code, $metadata } = error as AwsError;
  if ($metadata?.httpStatusCode === undefined) return undefined;
  // The SDK names its class; AWS's code, which clients look for, is without its ending.
  return isGarbled(error) ? 'SerializationError' : (Code ?? name.replace(/Exception$/, ''));
}

/** True when what answered was no AWS: a proxy, a wrong endpoint. The SDK then speaks to programmers. */
function isGarbled(error: unknown): boolean {
  return (error as AwsError).message.includes('Deserialization error');
}

/** True when AWS asks to be called less often. */
export function isThrottling(error: unknown): boolean {
  return throttlingNames.has(awsCode(error) ?? '') || throttlingNames.has((error as AwsError).name);
}

/** AWS's answer as Vault's clients know it: the text of the AWS SDK for Go, version 1. */
export function awsText(error: unknown): string | undefined {
  const { message, $metadata } = error as AwsError;
  const code = awsCode(error);
  if (code === undefined) return undefined;
  const said = isGarbled(error) ? 'failed to unmarshal error message' : message;
  return `${code}: ${said}\n\tstatus code: ${$metadata?.httpStatusCode}, request id: ${$metadata?.requestId ?? ''}`;
}

/** A failure inside the engine, as Vault's core tells it with status 500. */
export function goError(text: string): string {
  return `1 error occurred:\n\t* ${text}\n\n`;
}

export function isMissing(error: unknown): boolean {
  const code = awsCode(error);
  return code === 'NoSuchEntity';
}

/** True when AWS does not know the keys a call was signed with. */
export function refusesKeys(error: unknown): boolean {
  const { name, $metadata } = error as AwsError;
  return $metadata?.httpStatusCode !== undefined && refusedKeyNames.has(name);
}

/**
 * True when AWS answered that it did nothing, or was never asked; false when it may have done what was asked: also after
 * a repeated call, whose first try may have gone through unheard.
 */
export function didNothing(error: unknown): boolean {
  // Already told, so ours: the keys to sign with could not be had.
  if (isFailure(error)) return true;
  const { httpStatusCode: status = 0, attempts = 1 } = (error as AwsError).$metadata ?? {};
  return status >= 400 && status < 500 && attempts === 1;
}

/**
 * The failure to tell, with Vault's prefix for the call: `Error creating IAM user: Code: message…`.
 * `hint` is what the caller can do about it, where that is known.
 */
export function awsFailure(prefix: string, error: unknown, hint?: string): Error {
  // Told already, by whoever was to make the call.
  if (isFailure(error)) return error;
  const { name, $metadata } = error as AwsError;
  const text = awsText(error);
  if (text === undefined) return unreachable(prefix, error);
  const detail = { code: name, status: $metadata?.httpStatusCode, requestId: $metadata?.requestId };
  const code = isThrottling(error) ? 'aws-throttled' : 'aws-refused';
  return brokerFailure(code, prefix + text, { detail, hint });
}

function unreachable(prefix: string, error: unknown): Error {
  return brokerFailure('aws-unreachable', `${prefix}AWS did not answer`, {
    hint: 'check endpoints and network of the mount; `read <mount>/config/root` shows them',
    detail: (error as AwsError).name,
    cause: error,
  });
}

/** As `awsFailure`, for what Vault tells as a failure of its own, with status 500; throttling stays 502. */
export function innerFailure(prefix: string, error: unknown, hint?: string): Error {
  const failure = awsFailure('', error);
  if (isFailure(failure) && failure.code === 'engine-failed') return failure;
  const { code, message, detail, hint: known } = failure as Failure;
  const told = { detail, hint: hint ?? known, cause: error };
  if (code === 'aws-throttled' || code === 'aws-unreachable')
    return brokerFailure(code, goError(prefix + message), told);
  return brokerFailure('engine-failed', goError(prefix + message), told);
}

/** Runs a call and tells its failure with `prefix`. */
export async function told<T>(prefix: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw awsFailure(prefix, error);
  }
}

/** Runs a call for which "there is no such thing" is as good as done. */
export async function orMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
