// IAM: the table of its operations, and what other rooms of the embedded AWS ask of it.
import type { Failure } from '../../../base/index.ts';
import type { Call, Service } from '../../call.ts';
import { invalidToken } from './failures.ts';
import { roleOperations } from './roles.ts';
import { isSessionToken, limited } from './session-limits.ts';
import { userOperations } from './users.ts';

/** IAM takes no federated users, and sessions of GetSessionToken only when they were made with MFA. */
function sessionLimit(_name: string, call: Call): Failure | undefined {
  const withoutMfa = isSessionToken(call) && call.credential?.session?.mfaAt === undefined;
  return withoutMfa || call.credential?.kind === 'federated-user' ? invalidToken() : undefined;
}

export const iam: Service = {
  id: 'iam',
  operations: limited({ ...userOperations, ...roleOperations }, sessionLimit),
};

export { findCredential, policiesOf, principalOf, principalTagsOf, rcpsOf, scpsOf } from './lookup.ts';
export { makeSession, type Mint, type SessionOwner } from './credentials.ts';
export { withPrincipalArns, withPrincipalIds } from './principals.ts';
export { compiledDocument } from './documents.ts';
export { requestTagKeys } from './tags.ts';
export { seedAccount } from './seed.ts';
export type { Parsed } from './shapes.ts';
