// What AssumeRoleWithWebIdentity and AssumeRoleWithSAML share: an unsigned caller for whom an identity provider vouches,
// a trust policy that alone decides, and the session that comes of it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html
import type { AssumedRoleUser, Credentials } from '@aws-sdk/client-sts';
import type { Failure } from '../../../base/index.ts';
import type { Call, Permission } from '../../call.ts';
import type { SessionTag } from '../../credential.ts';
import { awsFailure } from '../../failures.ts';
import { makeSession } from '../iam/credentials.ts';
import { accessDenied, validationError } from '../iam/failures.ts';
import type { Role } from '../iam/model.ts';
import { requestTagKeys, type ConditionKeys } from '../iam/tags.ts';
import {
  packedPolicySize,
  readSessionPolicies,
  readSessionTags,
  transitiveKeys,
  type PolicyInput,
} from './session-request.ts';
import { credentialsShape } from './shapes.ts';
import { accountOf, permissionOnRole, roleOf, sessionSeconds } from './target-role.ts';

/** What an identity provider says of a person or a workload, verified. */
export interface Vouched {
  /** As a trust policy names it: an ARN, or the host of a provider that AWS knows. */
  readonly provider: string;
  readonly sessionName: string;
  readonly sourceIdentity?: string | undefined;
  readonly tags: readonly SessionTag[];
  readonly transitiveTagKeys: readonly string[];
  /** Condition keys of the trust policy. */
  readonly keys: ConditionKeys;
  /** Those of them that stay in the session. */
  readonly sessionKeys: Readonly<Record<string, string>>;
  /** The provider lets no session last longer. */
  readonly mostSeconds?: number | undefined;
}

interface FederationInput extends PolicyInput {
  readonly RoleArn: string;
  readonly DurationSeconds?: number | undefined;
}

/** @throws ValidationError, AccessDenied in the words for a role that is not there */
function needRole(input: FederationInput, call: Call): Role {
  const role = roleOf(input.RoleArn, call, () => validationError('Request ARN is invalid'));
  if (role === undefined) throw notAuthorized(call);
  return role;
}

/** The account in which the role and, for SAML, its provider are looked for. @throws ValidationError */
export function accountOfRole(input: FederationInput, call: Call): string {
  roleOf(input.RoleArn, call, () => validationError('Request ARN is invalid'));
  return accountOf(input.RoleArn);
}

/** AWS does not tell a role that does not exist from one that does not trust the provider. */
export function notAuthorized(call: Call): Failure {
  return accessDenied(`Not authorized to perform sts:${call.operation}`);
}

export function invalidIdentityToken(message: string): Failure {
  return awsFailure('InvalidIdentityToken', message, { status: 400 });
}

/** The trust policy must let in the operation itself, and each thing the session is to carry. */
export function federatedPermissions(input: FederationInput, call: Call, vouched: Vouched): readonly Permission[] {
  const role = needRole(input, call);
  const { sourceIdentity } = vouched;
  const tags = vouched.tags.map((tag) => ({ Key: tag.key, Value: tag.value }));
  readSessionTags(tags);
  const transitive = transitiveKeys(vouched.transitiveTagKeys, vouched.tags);
  const context = {
    ...vouched.keys,
    ...requestTagKeys(tags),
    'sts:RoleSessionName': vouched.sessionName,
    'sts:SourceIdentity': sourceIdentity,
    'sts:TransitiveTagKeys': transitive.length === 0 ? undefined : transitive,
  };
  const on = (action: string): Permission => ({
    ...permissionOnRole(role, `sts:${action}`, context),
    principal: { type: 'Federated', provider: vouched.provider },
  });
  return [
    on(call.operation),
    ...(tags.length === 0 ? [] : [on('TagSession')]),
    ...(sourceIdentity === undefined ? [] : [on('SetSourceIdentity')]),
  ];
}

interface FederatedAnswer {
  readonly Credentials: Credentials;
  readonly AssumedRoleUser: AssumedRoleUser;
  readonly PackedPolicySize?: number;
  readonly SourceIdentity?: string;
}

export function federatedSession(input: FederationInput, call: Call, vouched: Vouched): FederatedAnswer {
  const role = needRole(input, call);
  const place = { world: call.world, account: accountOf(role.arn) };
  const policies = readSessionPolicies(input, place);
  const { tags, sourceIdentity, sessionName } = vouched;
  const packed = packedPolicySize(policies, tags);
  const seconds = Math.min(sessionSeconds(input.DurationSeconds, role), vouched.mostSeconds ?? Infinity);
  const owner = { kind: 'role', roleId: role.id, sessionName } as const;
  const credential = makeSession({ ...call, ...place }, owner, seconds, {
    ...policies,
    tags,
    transitiveTagKeys: vouched.transitiveTagKeys,
    sourceIdentity,
    federatedProvider: vouched.provider,
    originKeys: vouched.sessionKeys,
  });
  return {
    Credentials: credentialsShape(credential),
    AssumedRoleUser: {
      AssumedRoleId: `${role.id}:${sessionName}`,
      Arn: `arn:${call.partition}:sts::${place.account}:assumed-role/${role.name}/${sessionName}`,
    },
    ...(packed === undefined ? {} : { PackedPolicySize: packed }),
    ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
  };
}

const nameForm = /^[\w+=,.@-]{2,64}$/;

/** @throws InvalidIdentityToken. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html */
export function checkSourceIdentity(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && nameForm.test(value) && !/^aws:/i.test(value)) return value;
  throw invalidIdentityToken('Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"');
}

/** @throws InvalidIdentityToken */
export function checkSessionName(value: string | undefined): string {
  if (value === undefined) throw invalidIdentityToken('RoleSessionName is required in AuthnResponse');
  if (nameForm.test(value)) return value;
  throw invalidIdentityToken('RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}');
}

const tagForm = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** @throws InvalidIdentityToken for what the form of the request would refuse */
export function checkTagForm(tags: readonly SessionTag[]): readonly SessionTag[] {
  const wrong = tags.find(
    ({ key, value }) =>
      key.length < 1 || key.length > 128 || value.length > 256 || !tagForm.test(key) || !tagForm.test(value),
  );
  if (wrong === undefined) return tags;
  throw invalidIdentityToken(`The session tag ${wrong.key.slice(0, 128)} is not valid.`);
}
