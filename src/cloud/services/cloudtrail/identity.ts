// The `userIdentity` of a record. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
import { isoSeconds } from '../../../base/index.ts';
import type { TrailEvent } from '../../trail.ts';
import { userIdOf } from '../iam/lookup.ts';

/** Of the caller, as the account that owns `event` may see it: of a stranger no more than where it is from. */
export function userIdentity(event: TrailEvent): object {
  const { principal, accessKeyId, account } = event;
  switch (principal.type) {
    case 'Root':
    case 'User':
    case 'AssumedRole':
    case 'FederatedUser':
      break;
    case 'Federated':
      return federatedIdentity(event, principal.provider);
    case 'Service':
      return { type: 'AWSService', invokedBy: principal.service };
    case 'Anonymous':
      return { type: 'Unknown', principalId: '', accountId: 'ANONYMOUS_PRINCIPAL' };
  }
  const principalId = userIdOf(principal);
  if (principal.account !== account) return { type: 'AWSAccount', principalId, accountId: principal.account };
  const session = sessionContext(event);
  return {
    type: principal.type === 'User' ? 'IAMUser' : principal.type,
    principalId,
    arn: principal.arn,
    accountId: principal.account,
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
    ...(principal.type === 'User' ? { userName: principal.userName } : {}),
    ...(session === undefined ? {} : { sessionContext: session }),
  };
}

/** Who an identity provider vouched for; of a call that failed no more is known than the provider. */
function federatedIdentity({ operation, answer }: TrailEvent, provider: string): object {
  const given = (answer ?? {}) as Readonly<Record<string, string | undefined>>;
  if (operation === 'AssumeRoleWithSAML') {
    const { nameQualifier, subject } = given;
    if (subject === undefined) return { type: 'SAMLUser', identityProvider: provider };
    const principalId = `${nameQualifier}:${subject}`;
    return { type: 'SAMLUser', principalId, userName: subject, identityProvider: nameQualifier };
  }
  const { subjectFromWebIdentityToken: subject, audience } = given;
  if (subject === undefined) return { type: 'WebIdentityUser', identityProvider: provider };
  const principalId = `${given['provider'] ?? provider}:${audience}:${subject}`;
  return { type: 'WebIdentityUser', principalId, userName: subject, identityProvider: given['provider'] ?? provider };
}

function sessionContext(event: TrailEvent): object | undefined {
  const { session } = event;
  if (session === undefined) return undefined;
  const issuer = sessionIssuer(event);
  return {
    ...(issuer === undefined ? {} : { sessionIssuer: issuer }),
    ...(session.federatedProvider === undefined
      ? {}
      : { webIdFederationData: { federatedProvider: session.federatedProvider, attributes: {} } }),
    attributes: {
      creationDate: isoSeconds(session.issuedAt),
      mfaAuthenticated: String(session.mfaAt !== undefined),
    },
    ...(session.sourceIdentity === undefined ? {} : { sourceIdentity: session.sourceIdentity }),
    ...(session.instanceId === undefined ? {} : { ec2RoleDelivery: '2.0' }),
  };
}

/** Who the session was made from; a user's own session has none. */
function sessionIssuer({ principal }: TrailEvent): object | undefined {
  if (principal.type === 'AssumedRole') {
    const { roleArn: arn, roleId: principalId, account: accountId } = principal;
    return { type: 'Role', principalId, arn, accountId, userName: arn.slice(arn.lastIndexOf('/') + 1) };
  }
  if (principal.type !== 'FederatedUser') return undefined;
  const { issuerArn: arn, issuerId, account: accountId } = principal;
  if (issuerId === undefined) return { type: 'Root', principalId: accountId, arn, accountId };
  return { type: 'IAMUser', principalId: issuerId, arn, accountId, userName: arn.slice(arn.lastIndexOf('/') + 1) };
}

/** The name under which a caller is looked up. */
export function userName(event: TrailEvent): string | undefined {
  const { principal, account } = event;
  if ('account' in principal && principal.account !== account) return undefined;
  switch (principal.type) {
    case 'Root':
      return 'root';
    case 'User':
      return principal.userName;
    case 'AssumedRole':
      return principal.sessionName;
    case 'FederatedUser':
      return principal.name;
    case 'Federated': {
      const { userName: name } = federatedIdentity(event, principal.provider) as { readonly userName?: string };
      return name;
    }
    default:
      return undefined;
  }
}
