// Refusals of the embedded AWS, in AWS's own codes and words.
import { Failure } from '../base/index.ts';

/**
 * An answer that AWS would give as an error: `code` and `message` as they stand on the wire.
 * Without `status` the protocol takes the status of the code from the service's table (400 where
 * the table has none). `fields` are further members of the error's shape.
 */
export function awsFailure(
  code: string,
  message: string,
  options: { readonly status?: number; readonly fields?: Readonly<Record<string, unknown>> } = {},
): Failure {
  return new Failure(code, message, { status: options.status ?? 0, detail: options.fields });
}
