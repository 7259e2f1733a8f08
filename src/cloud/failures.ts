// Refusals of the embedded AWS, in AWS's own codes and words; and its own failures, which AWS has not.
import { Failure, failuresOf } from '../base/index.ts';

/**
 * An answer that AWS would give as an error: `code` and `message` as they stand on the wire.
 * Without `status` the protocol takes the status of the code from the service's table (400 where
 * the table has none). `fields` are further members of the error's shape. `hint` is not sent: `stint cloud explain`
 * tells it of a refusal that no policy decided.
 */
export function awsFailure(
  code: string,
  message: string,
  options: {
    readonly status?: number;
    readonly fields?: Readonly<Record<string, unknown>>;
    readonly hint?: string | undefined;
  } = {},
): Failure {
  return new Failure(code, message, { status: options.status ?? 0, detail: options.fields, hint: options.hint });
}

/** Failures of running the embedded AWS itself: starting it, its files, its control routes. */
export const cloudFailure = failuresOf({
  'state-in-use': { status: 409, when: 'another process has the state directory open' },
  'state-newer': { status: 409, when: 'the state was written by a newer version' },
  'state-corrupt': { status: 500, when: 'the state cannot be read: damaged, or not of its key' },
  'state-key-missing': { status: 500, when: 'the state directory has lost its key file' },
  'state-unusable': { status: 500, when: 'the state directory cannot be made, read or written, or its disk is full' },
  'organization-invalid': { status: 400, when: 'the organisation file is not understood' },
  'organization-newer': { status: 400, when: 'the organisation file is of a newer version' },
  'organization-mismatch': { status: 409, when: 'the organisation file contradicts what the state directory holds' },
  'credentials-unwritable': { status: 500, when: 'the credentials file cannot be written' },
  'credentials-missing': { status: 404, when: 'no credentials file of an embedded AWS was found' },
  'credentials-unreadable': { status: 400, when: 'the file is not a credentials file' },
  'credentials-newer': { status: 400, when: 'the credentials file is of a newer version' },
  'unknown-account': { status: 404, when: 'the organisation has no such account' },
  'port-in-use': { status: 500, when: 'the port to listen on is taken' },
  'cannot-listen': { status: 500, when: 'the address to listen on is not of this machine, or not allowed' },
  'cross-site': { status: 403, when: 'a control route was asked under a foreign name, or by a page of another site' },
  'control-token': { status: 401, when: 'a control route was asked without the right control token' },
  'no-such-route': { status: 404, when: 'a control route does not exist' },
  'wrong-method': { status: 405, when: 'a control route was asked with a method it does not take' },
  'body-too-large': { status: 413, when: 'the body of a control request is too large' },
  'invalid-body': { status: 400, when: 'the body of a control request is not understood' },
  'invalid-query': { status: 400, when: 'the query of a control request is not understood' },
  'no-such-fault': { status: 404, when: 'a fault that is to be removed does not exist' },
  'no-such-role': { status: 404, when: 'a task is to have a role that does not exist' },
  'role-not-trusting': { status: 403, when: 'a task is to have a role that does not trust ECS' },
  'no-such-task': { status: 404, when: 'a task that is to be stopped does not exist' },
  'no-such-explanation': { status: 404, when: 'a refusal that is asked about is not known' },
});
