// What a kind of session may not call at all, whatever its policies say.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
import type { Failure } from '../../../base/index.ts';
import type { Call, Operation } from '../../call.ts';

/** `operations`, each refused with `limit`'s failure before anything else is looked at. */
export function limited(
  operations: Readonly<Record<string, Operation>>,
  limit: (operation: string, call: Call) => Failure | undefined,
): Readonly<Record<string, Operation>> {
  return Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [
      name,
      {
        ...operation,
        permissions: (input: never, call: Call, prepared: never) => {
          const failure = limit(name, call);
          if (failure !== undefined) throw failure;
          return operation.permissions(input, call, prepared);
        },
      },
    ]),
  );
}

/** A session of GetSessionToken: the user's or root's own, with an expiry. */
export function isSessionToken(call: Call): boolean {
  const { credential } = call;
  const { session } = credential ?? {};
  if (session === undefined || session.taskPolicyArn !== undefined) return false;
  return credential?.kind === 'user' || credential?.kind === 'root';
}
