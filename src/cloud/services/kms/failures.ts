// The refusals of KMS, in AWS's codes and words. Sources: KMS API reference, "Errors" of each operation (all are
// 400), and "Key states of AWS KMS keys" in the developer guide.
import type { Failure } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import { hiddenKeyWords } from '../../denial.ts';
import { awsFailure } from '../../failures.ts';

function failure(code: string, message = ''): Failure {
  return awsFailure(code, message, { status: 400 });
}

export const validation = (message: string): Failure => failure('ValidationException', message);
export const notFound = (message: string): Failure => failure('NotFoundException', message);
export const invalidState = (message: string): Failure => failure('KMSInvalidStateException', message);
export const disabled = (arn: string): Failure => failure('DisabledException', `${arn} is disabled.`);
export const unsupported = (message = ''): Failure => failure('UnsupportedOperationException', message);
export const invalidArn = (arn: string): Failure => failure('InvalidArnException', `Invalid arn ${arn}`);
export const invalidUsage = (message: string): Failure => failure('InvalidKeyUsageException', message);
export const malformedPolicy = (message: string): Failure => failure('MalformedPolicyDocumentException', message);
export const limitExceeded = (message: string): Failure => failure('LimitExceededException', message);
export const alreadyExists = (message: string): Failure => failure('AlreadyExistsException', message);
export const tagFailure = (message: string): Failure => failure('TagException', message);
export const invalidAliasName = (message: string): Failure => failure('InvalidAliasNameException', message);
export const reservedAlias = (): Failure => failure('NotAuthorizedException');
export const invalidCiphertext = (): Failure => failure('InvalidCiphertextException');
export const invalidSignature = (): Failure => failure('KMSInvalidSignatureException');
export const invalidMac = (): Failure => failure('KMSInvalidMacException');
export const invalidMarker = (): Failure => failure('InvalidMarkerException', 'Invalid marker.');
export const invalidGrantId = (): Failure => failure('InvalidGrantIdException', 'Invalid grant ID');
export const invalidGrantToken = (): Failure => failure('InvalidGrantTokenException', 'Invalid grant token');
export const expiredImportToken = (): Failure => failure('ExpiredImportTokenException');
export const invalidImportToken = (): Failure => failure('InvalidImportTokenException');
export const incorrectMaterial = (): Failure => failure('IncorrectKeyMaterialException');
export const incorrectKey = (): Failure =>
  failure(
    'IncorrectKeyException',
    'The key ID in the request does not identify a CMK that can perform this operation.',
  );

/** What a call gets that has passed every check but asked for nothing to be done. */
const dryRun = (): Failure =>
  failure('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.');

/** @throws DryRunOperationException when the request wants a rehearsal */
export function checkDryRun(input: { readonly DryRun?: boolean | undefined }): void {
  if (input.DryRun === true) throw dryRun();
}

/** A key that the caller cannot learn of. `of`: how the request named it. */
export function hiddenKey(call: Call, action: string, of: 'key' | 'ciphertext'): Failure {
  const caller = 'arn' in call.principal ? call.principal.arn : 'anonymous';
  const words =
    of === 'key'
      ? hiddenKeyWords
      : hiddenKeyWords.replace('this resource', 'the resource associated with this ciphertext');
  return failure('AccessDeniedException', `User: ${caller} is not authorized to perform: ${action} on ${words}`);
}

/** A length that the model gives for a blob, which is counted in bytes. @throws ValidationException */
export function checkLength(bytes: Uint8Array, place: string, max: number): void {
  const off =
    bytes.length < 1 ? 'greater than or equal to 1' : bytes.length > max ? `less than or equal to ${max}` : undefined;
  if (off === undefined) return;
  throw validation(
    `1 validation error detected: Value at '${place}' failed to satisfy constraint: Member must have length ${off}`,
  );
}
