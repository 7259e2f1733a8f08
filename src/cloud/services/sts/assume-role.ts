// AssumeRole: who may become a role, for how long, and what the session carries.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
import type { AssumeRoleRequest, AssumeRoleResponse } from '@aws-sdk/client-sts';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Session, SessionTag } from '../../credential.ts';
import { makeSession } from '../iam/credentials.ts';
import { find, roleNoun } from '../iam/entities.ts';
import { accessDenied, validationError } from '../iam/failures.ts';
import { givenMfa, spendMfa } from '../iam/mfa.ts';
import type { Role } from '../iam/model.ts';
import type { Parsed } from '../iam/shapes.ts';
import { requestTagKeys } from '../iam/tags.ts';
import { credentialsShape } from './shapes.ts';
import {
  invalidParameter,
  packedPolicySize,
  readSessionPolicies,
  readSessionTags,
  transitiveKeys,
} from './session-request.ts';
import { accountOf, permissionOnRole, roleOf, sessionSeconds } from './target-role.ts';

type Input = Parsed<AssumeRoleRequest>;

const chainedSeconds = 3600;

export const assumeRole = operation<Input, AssumeRoleResponse>({
  depth: 'PackedPolicySize is an approximation: AWS does not publish its packing. ProvidedContexts are refused.',
  permissions: (input, call) => {
    if (input.ProvidedContexts?.length) throw invalidParameter('ProvidedContexts are not offered by the embedded AWS.');
    if (call.principal.type === 'Root') throw accessDenied('Roles may not be assumed by root accounts.');
    const role = targetOf(input, call);
    if (role === undefined) throw notAuthorized(input.RoleArn, call);
    const tags = sessionTags(input, call);
    const sourceIdentity = sourceIdentityOf(input, call);
    const mfa = givenMfa(input, call);
    const context = {
      ...requestTagKeys(input.Tags),
      'sts:ExternalId': input.ExternalId,
      'sts:RoleSessionName': input.RoleSessionName,
      'sts:SourceIdentity': sourceIdentity,
      'sts:TransitiveTagKeys': tags.transitive.length === 0 ? undefined : tags.transitive,
      ...(mfa === undefined ? {} : { 'aws:MultiFactorAuthPresent': 'true', 'aws:MultiFactorAuthAge': '0' }),
    };
    const permission = (action: string): Permission => permissionOnRole(role, action, context);
    return [
      permission('sts:AssumeRole'),
      // Inherited tags are set on the new session as well: https://github.com/aws/eks-pod-identity-agent/issues/80
      ...(tags.tags.length === 0 ? [] : [permission('sts:TagSession')]),
      ...(sourceIdentity === undefined ? [] : [permission('sts:SetSourceIdentity')]),
    ];
  },
  handle: (input, call) => {
    const role = targetOf(input, call);
    if (role === undefined) throw notAuthorized(input.RoleArn, call);
    const place = { world: call.world, account: accountOf(role.arn) };
    const mfa = givenMfa(input, call);
    if (mfa !== undefined) spendMfa(mfa, call);
    const duration = durationOf(input, role, call);
    const policies = readSessionPolicies(input, place);
    const { tags, transitive, passed } = sessionTags(input, call);
    const packed = packedPolicySize(policies, passed);
    const sourceIdentity = sourceIdentityOf(input, call);
    const session: Omit<Session, 'token' | 'issuedAt' | 'expiresAt'> = {
      ...policies,
      tags,
      transitiveTagKeys: transitive,
      sourceIdentity,
      ...(isChained(call) ? { chained: true } : {}),
    };
    const owner = { kind: 'role', roleId: role.id, sessionName: input.RoleSessionName } as const;
    const credential = makeSession({ ...call, ...place }, owner, duration, session);
    return {
      Credentials: credentialsShape(credential),
      AssumedRoleUser: {
        AssumedRoleId: `${role.id}:${input.RoleSessionName}`,
        Arn: `arn:${call.partition}:sts::${place.account}:assumed-role/${role.name}/${input.RoleSessionName}`,
      },
      ...(packed === undefined ? {} : { PackedPolicySize: packed }),
      ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    };
  },
});

function targetOf({ RoleArn: arn }: Input, call: Call): Role | undefined {
  return roleOf(arn, call, () => validationError(`${arn} is invalid`));
}

/** AWS does not tell a role that does not exist from one that does not trust the caller. */
function notAuthorized(arn: string, call: Call) {
  const caller = 'arn' in call.principal ? call.principal.arn : 'anonymous';
  const [, account = '', name = ''] = /:(\d{12}):role\/(?:[^/]+\/)*([^/]+)$/.exec(arn) ?? [];
  const made = find(roleNoun, { world: call.world, account }, name)?.arn === arn;
  const hint = made
    ? `the role \`${arn}\` was made a moment ago and has not propagated yet: ask again when its time has passed`
    : `there is no role \`${arn}\`: check account, path and name, or create it`;
  return accessDenied(`User: ${caller} is not authorized to perform: sts:AssumeRole on resource: ${arn}`, hint);
}

/** Source identity stays what it was along a chain. */
function sourceIdentityOf(input: Input, call: Call): string | undefined {
  const inherited = call.credential?.session?.sourceIdentity;
  if (inherited !== undefined && input.SourceIdentity !== undefined && input.SourceIdentity !== inherited) {
    throw accessDenied('The source identity of the calling session cannot be changed.');
  }
  return input.SourceIdentity ?? inherited;
}

interface SessionTags {
  /** What the session will carry: passed and inherited. */
  readonly tags: readonly SessionTag[];
  readonly passed: readonly SessionTag[];
  readonly transitive: readonly string[];
}

/**
 * Passed tags and the transitive ones of the calling session, which cannot be passed anew.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
 */
function sessionTags(input: Input, call: Call): SessionTags {
  const passed = readSessionTags(input.Tags);
  const asked = input.TransitiveTagKeys ?? [];
  const session = call.credential?.session;
  const inheritedKeys = new Set(session?.transitiveTagKeys.map((key) => key.toLowerCase()));
  const passedKeys = new Set(passed.map((tag) => tag.key.toLowerCase()));
  if ([...passedKeys, ...asked.map((key) => key.toLowerCase())].some((key) => inheritedKeys.has(key))) {
    throw invalidParameter(
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    );
  }
  const inherited = (session?.tags ?? []).filter((tag) => inheritedKeys.has(tag.key.toLowerCase()));
  return {
    tags: [...passed, ...inherited],
    passed,
    transitive: [...transitiveKeys(asked, passed), ...(session?.transitiveTagKeys ?? [])],
  };
}

/** An instance's own session does not count as chaining. */
function durationOf(input: Input, role: Role, call: Call): number {
  const seconds = input.DurationSeconds ?? chainedSeconds;
  if (isChained(call) && seconds > chainedSeconds) {
    throw validationError(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    );
  }
  return sessionSeconds(input.DurationSeconds, role);
}

function isChained({ credential }: Call): boolean {
  return credential?.kind === 'role' && credential.session?.instanceId === undefined;
}
