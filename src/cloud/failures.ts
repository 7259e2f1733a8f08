// Refusals of the embedded AWS, in AWS's own codes and words; and its own failures, which AWS has not.
import { Failure, failuresOf } from '../base/index.ts';

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

/** Failures of running the embedded AWS itself: starting it, its files, its control routes. */
export const cloudFailure = failuresOf({
  'state-in-use': { status: 409, when: 'another process has the state directory open' },
  'state-newer': { status: 409, when: 'the state was written by a newer version' },
  'state-corrupt': { status: 500, when: 'the state cannot be read: damaged, or not of its key' },
  'state-key-missing': { status: 500, when: 'the state directory has lost its key file' },
  'state-unusable': { status: 500, when: 'the state directory cannot be made, read or written, or its disk is full' },
});
