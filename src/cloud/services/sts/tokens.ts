// GetSessionToken and GetFederationToken: temporary credentials of a user or of the root user itself.
import type {
  GetFederationTokenRequest,
  GetFederationTokenResponse,
  GetSessionTokenRequest,
  GetSessionTokenResponse,
} from '@aws-sdk/client-sts';
import { operation, type Call } from '../../call.ts';
import { makeSession, type SessionOwner } from '../iam/credentials.ts';
import { accessDenied } from '../iam/failures.ts';
import { givenMfa, spendMfa } from '../iam/mfa.ts';
import type { Parsed } from '../iam/shapes.ts';
import { requestTagKeys } from '../iam/tags.ts';
import { packedPolicySize, readSessionPolicies, readSessionTags } from './session-request.ts';
import { credentialsShape } from './shapes.ts';

const defaultSeconds = 43_200;
/** Sessions of the root user last an hour at most, whatever was asked. */
const rootSeconds = 3600;

function durationOf(asked: number | undefined, call: Call): number {
  const seconds = asked ?? defaultSeconds;
  return call.principal.type === 'Root' ? Math.min(seconds, rootSeconds) : seconds;
}

/** Both operations want a long-term key. */
function refuseSessions(call: Call): void {
  if (call.credential === undefined || call.credential.session !== undefined) {
    throw accessDenied(`Cannot call ${call.operation} with session credentials`);
  }
}

export const getSessionToken = operation<Parsed<GetSessionTokenRequest>, GetSessionTokenResponse>({
  // No policy allows or denies it: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
  permissions: (_input, call) => {
    refuseSessions(call);
    return 'permissionless';
  },
  handle: (input, call) => {
    const mfa = givenMfa(input, call);
    if (mfa !== undefined) spendMfa(mfa, call);
    const owner: SessionOwner =
      call.principal.type === 'User' ? { kind: 'user', userId: call.principal.userId } : { kind: 'root' };
    const session = {
      tags: [],
      transitiveTagKeys: [],
      ...(mfa === undefined ? {} : { mfaAt: call.clock.now() }),
    };
    return {
      Credentials: credentialsShape(makeSession(call, owner, durationOf(input.DurationSeconds, call), session)),
    };
  },
});

export const getFederationToken = operation<Parsed<GetFederationTokenRequest>, GetFederationTokenResponse>({
  depth: 'PackedPolicySize is an approximation: AWS does not publish its packing.',
  permissions: (input, call) => {
    refuseSessions(call);
    const tags = readSessionTags(input.Tags);
    const on = (action: string) => ({
      action,
      resource: federatedArn(input.Name, call),
      context: requestTagKeys(input.Tags),
    });
    return [on('sts:GetFederationToken'), ...(tags.length > 0 ? [on('sts:TagSession')] : [])];
  },
  handle: (input, call) => {
    const policies = readSessionPolicies(input, call);
    const tags = readSessionTags(input.Tags);
    const packed = packedPolicySize(policies, tags);
    const issuerUserId = call.principal.type === 'User' ? call.principal.userId : undefined;
    const owner = { kind: 'federated-user', name: input.Name, issuerUserId } as const;
    const session = { ...policies, tags, transitiveTagKeys: [] };
    const credential = makeSession(call, owner, durationOf(input.DurationSeconds, call), session);
    return {
      Credentials: credentialsShape(credential),
      FederatedUser: {
        FederatedUserId: `${call.account}:${input.Name}`,
        Arn: federatedArn(input.Name, call),
      },
      ...(packed === undefined ? {} : { PackedPolicySize: packed }),
    };
  },
});

function federatedArn(name: string, call: Call): string {
  return `arn:${call.partition}:sts::${call.account}:federated-user/${name}`;
}
