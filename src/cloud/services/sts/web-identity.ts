// AssumeRoleWithWebIdentity. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
import type { AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse } from '@aws-sdk/client-sts';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { accountOfRole, federatedPermissions, federatedSession } from './federation.ts';
import { readToken, verifyToken, type VerifiedToken } from './web-identity-token.ts';

type Input = Parsed<AssumeRoleWithWebIdentityRequest>;

export const assumeRoleWithWebIdentity = operation<Input, AssumeRoleWithWebIdentityResponse, VerifiedToken>({
  depth:
    'Keys are the test issuer’s, or fetched from an issuer on this machine (others with --outside-issuers). PackedPolicySize is an approximation.',
  prepare: (input, call) => verifyToken(input, placeOf(input, call), call),
  permissions: (input, call, token) =>
    federatedPermissions(input, call, readToken(token, input, placeOf(input, call), call)),
  handle: (input, call, token) => {
    const identity = readToken(token, input, placeOf(input, call), call);
    return {
      ...federatedSession(input, call, identity),
      SubjectFromWebIdentityToken: identity.subject,
      Provider: identity.provider,
      Audience: identity.audience,
    };
  },
});

/** Providers are looked for in the account of the role. */
function placeOf(input: Input, call: Call) {
  return { world: call.world.seen, account: accountOfRole(input, call) };
}
