// STS: temporary credentials, and what a credential says about itself.
import type {
  DecodeAuthorizationMessageRequest,
  DecodeAuthorizationMessageResponse,
  GetAccessKeyInfoRequest,
  GetAccessKeyInfoResponse,
  GetCallerIdentityResponse,
} from '@aws-sdk/client-sts';
import type { Failure } from '../../../base/index.ts';
import { operation, type Call, type Service } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { accessDenied, validationError } from '../iam/failures.ts';
import { accountOfAccessKeyId } from '../iam/ids.ts';
import { userIdOf } from '../iam/lookup.ts';
import { isSessionToken, limited } from '../iam/session-limits.ts';
import type { Parsed } from '../iam/shapes.ts';
import { assumeRole } from './assume-role.ts';
import { assumeRoot } from './assume-root.ts';
import { assumeRoleWithSaml } from './saml.ts';
import { assumeRoleWithWebIdentity } from './web-identity.ts';
import { getFederationToken, getSessionToken } from './tokens.ts';

const getCallerIdentity = operation<object, GetCallerIdentityResponse>({
  permissions: () => 'permissionless',
  handle: (_input, call) => ({
    UserId: userIdOf(call.principal),
    Account: call.account,
    Arn: 'arn' in call.principal ? call.principal.arn : undefined,
  }),
});

const getAccessKeyInfo = operation<Parsed<GetAccessKeyInfoRequest>, GetAccessKeyInfoResponse>({
  permissions: () => [{ action: 'sts:GetAccessKeyInfo', resource: '*' }],
  handle: (input) => {
    const account = accountOfAccessKeyId(input.AccessKeyId);
    if (account === undefined) throw validationError('Invalid Access Key ID');
    return { Account: account };
  },
});

const decodeAuthorizationMessage = operation<
  Parsed<DecodeAuthorizationMessageRequest>,
  DecodeAuthorizationMessageResponse
>({
  permissions: () => [{ action: 'sts:DecodeAuthorizationMessage', resource: '*' }],
  handle: (input, call) => {
    const text = call.decodeAuthorizationMessage(input.EncodedMessage);
    if (text === undefined) {
      throw awsFailure('InvalidAuthorizationMessageException', 'Message is not valid', { status: 400 });
    }
    return { DecodedMessage: text };
  },
});

/** Sessions of GetSessionToken reach only AssumeRole and GetCallerIdentity, federated users only GetCallerIdentity. */
function sessionLimit(name: string, call: Call): Failure | undefined {
  if (name === 'GetCallerIdentity' || name.startsWith('AssumeRoleWith')) return undefined;
  if (call.credential?.kind === 'federated-user')
    return accessDenied(`Cannot call ${name} with federation credentials`);
  if (name !== 'AssumeRole' && isSessionToken(call))
    return accessDenied(`Cannot call ${name} with session credentials`);
  return undefined;
}

export const sts: Service = {
  id: 'sts',
  operations: limited(
    {
      AssumeRole: assumeRole,
      AssumeRoleWithSAML: assumeRoleWithSaml,
      AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity,
      AssumeRoot: assumeRoot,
      GetSessionToken: getSessionToken,
      GetFederationToken: getFederationToken,
      GetCallerIdentity: getCallerIdentity,
      GetAccessKeyInfo: getAccessKeyInfo,
      DecodeAuthorizationMessage: decodeAuthorizationMessage,
    },
    sessionLimit,
  ),
};
