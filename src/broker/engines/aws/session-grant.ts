// Lends temporary credentials of STS. Nothing is left behind in AWS; time ends them, or a deny policy
// of their role where that is wanted.
import type { Credentials } from '@aws-sdk/client-sts';
import { formatGoDuration, type Json } from '../../../base/index.ts';
import { stsSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldSchema, FieldValues } from '../../fields.ts';
import { NothingMade, type LendPlan, type Made } from '../engine.ts';
import { chainedSeconds } from './accounts.ts';
import { awsFailure, didNothing } from './aws-errors.ts';
import type { AwsRole, CredentialType } from './aws-role.ts';
import type { AwsClients } from './clients.ts';
import { normalName } from './names.ts';
import type { SessionEnding } from './role-sessions.ts';
import { assumeMarked, intendedMarks, madeMarks, wantedIdentity } from './session-end.ts';
import { sessionHint, sessionTtl, type SessionTtl } from './session-limits.ts';
import { sessionPolicies, type SessionLimits } from './session-policy.ts';

export const credsFields = {
  name: 'string',
  role_arn: 'string',
  ttl: 'seconds',
  role_session_name: 'string',
  mfa_code: 'string',
} as const satisfies FieldSchema;

export type CredsFields = FieldValues<typeof credsFields>;
export type SessionType = Exclude<CredentialType, 'iam_user'>;

export interface SessionAsk {
  readonly type: SessionType;
  readonly roleName: string;
  readonly role: AwsRole;
  readonly fields: CredsFields;
  /** Makes the name of a session that the caller did not name. @throws Failure. */
  readonly newName: (kind: 'role-session' | 'federation') => string;
  readonly mountMaxSeconds: number;
  /** `creds` or `sts`, whichever path was asked. */
  readonly prefix: string;
  /** The account of config/accounts in which the role lends; empty for the mount's own. */
  readonly account: string;
  /** It is reached by a role, so that sessions are chained. */
  readonly chained: boolean;
  /** `newName` makes names that end in random text. */
  readonly namesItself: boolean;
  /** How a session of that role of AWS would end. */
  readonly endingOf: (roleArn: string) => Promise<SessionEnding>;
}

/** @throws Failure `bad-request` when the ask cannot be told a role ARN, or names one not allowed. */
export async function sessionPlan(clients: AwsClients, ask: SessionAsk): Promise<LendPlan> {
  const { type, role, roleName, prefix, fields } = ask;
  const roleArn = type === 'assumed_role' ? chosenRoleArn(roleName, role, fields) : undefined;
  const { ttl, warnings } = ttlOf(ask);
  const sessionName = nameOf(ask);
  const ending = roleArn === undefined ? undefined : await ask.endingOf(roleArn);
  const mark = { ending, ownName: ask.namesItself && !fields.role_session_name };
  const facts = {
    ...(sessionName === undefined ? {} : { sessionName }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(ask.account === '' ? {} : { account: ask.account }),
  };
  return {
    path: `${prefix}/${roleName}`,
    role: roleName,
    kind: type,
    strength: ending?.strength ?? 'expires',
    renewable: false,
    ttlSeconds: ttl.seconds,
    maxTtlSeconds: ttl.seconds,
    facts: { ...facts, ...intendedMarks(mark) },
    warnings: [...warnings, ...endingWarnings(ending, roleArn)],
    make: async (lease) => {
      const identity = wantedIdentity(lease, ending);
      const made = await mint(clients, ask, { ttl, sessionName: sessionName ?? '', roleArn, identity, ending });
      return sessionMade(made, ttl.seconds, { ...facts, ...madeMarks(mark, made, ttl.seconds) }, ending);
    },
  };
}

/** The time to live, under AWS's limit for sessions that a session asks for. */
function ttlOf({ type, role, fields, mountMaxSeconds, chained, account }: SessionAsk): {
  ttl: SessionTtl;
  warnings: readonly string[];
} {
  const ttl = sessionTtl(fields.ttl, role, mountMaxSeconds);
  if (!chained) return { ttl, warnings: [] };
  if (type !== 'assumed_role') throw noTokens(type, account);
  if (ttl.seconds <= chainedSeconds) return { ttl, warnings: [] };
  const asked = formatGoDuration(ttl.seconds);
  const warning = `TTL of "${asked}" is longer than AWS lets a session live that was assumed by another one; TTL value is capped to "1h0m0s"`;
  return { ttl: { ...ttl, seconds: chainedSeconds }, warnings: [warning] };
}

function noTokens(type: SessionType, account: string): Error {
  return brokerFailure('bad-request', `AWS gives no ${type} to a session, by which the account ${account} is reached`, {
    hint: `write \`access_key\` and \`secret_key\` to config/accounts/${account} instead of \`role_arn\``,
  });
}

function endingWarnings(ending: SessionEnding | undefined, roleArn = ''): readonly string[] {
  return ending?.reason === undefined ? [] : [`the session ends by time only: ${roleArn}: ${ending.reason}`];
}

function nameOf({ type, fields, newName }: SessionAsk): string | undefined {
  if (type === 'session_token') return undefined;
  if (type === 'federation_token') return newName('federation');
  return fields.role_session_name ? normalName(fields.role_session_name) : newName('role-session');
}

function chosenRoleArn(roleName: string, role: AwsRole, fields: CredsFields): string {
  const allowed = role.roleArns ?? [];
  const asked = fields.role_arn || (allowed.length === 1 ? allowed[0] : undefined);
  if (asked === undefined) {
    throw brokerFailure('bad-request', 'did not supply a role_arn parameter and unable to determine one', {
      hint:
        allowed.length === 0
          ? 'the role allows none: write its `role_arns`'
          : `give \`role_arn\`, one of: ${allowed.join(', ')}`,
    });
  }
  if (allowed.includes(asked)) return asked;
  throw brokerFailure('bad-request', `role_arn "${asked}" not in allowed role arns for Vault role "${roleName}"`);
}

interface Mint {
  readonly ttl: SessionTtl;
  readonly sessionName: string;
  readonly roleArn: string | undefined;
  readonly identity: string | undefined;
  readonly ending: SessionEnding | undefined;
}

interface Minted {
  readonly credentials: Credentials | undefined;
  readonly arn?: string | undefined;
  /** It has the source identity that was wanted. */
  readonly identified?: boolean;
}

async function mint(clients: AwsClients, ask: SessionAsk, how: Mint): Promise<Minted> {
  const { type, role } = ask;
  const limits = type === 'session_token' ? {} : await sessionPolicies(clients, role);
  if (type === 'federation_token') checkLimited(limits);
  const prefix = type === 'assumed_role' ? 'Error assuming role: ' : 'Error generating STS keys: ';
  try {
    if (type === 'assumed_role') return await assumeRole(clients, role, how, limits);
    if (type === 'federation_token') return await federate(clients, how, limits);
    return await getSession(clients, ask, how);
  } catch (error) {
    const failure = awsFailure(prefix, error, sessionHint(error, { type, ttl: how.ttl, limits }));
    throw didNothing(error) ? new NothingMade(failure) : failure;
  }
}

// SECURITY: without a policy the session would have all rights of the server's own key.
function checkLimited(limits: SessionLimits): void {
  if (limits.Policy !== undefined || limits.PolicyArns !== undefined) return;
  throw new NothingMade(
    brokerFailure(
      'bad-request',
      'must specify at least one of policy_arns or policy_document with federation_token credential_type',
    ),
  );
}

async function assumeRole(clients: AwsClients, role: AwsRole, how: Mint, limits: SessionLimits): Promise<Minted> {
  const sts = await clients.sts();
  const tags = Object.entries(role.sessionTags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  const input = {
    RoleArn: how.roleArn,
    RoleSessionName: how.sessionName,
    DurationSeconds: how.ttl.seconds,
    ...limits,
    ...(tags.length === 0 ? {} : { Tags: tags }),
    ...(role.externalId === '' ? {} : { ExternalId: role.externalId }),
  };
  const { output, identified } = await assumeMarked(sts, input, how.identity, how.ending?.untrusted);
  return { credentials: output.Credentials, arn: output.AssumedRoleUser?.Arn, identified };
}

async function federate(clients: AwsClients, how: Mint, limits: SessionLimits): Promise<Minted> {
  const { GetFederationTokenCommand } = await stsSdk();
  const sts = await clients.sts();
  const input = { Name: how.sessionName, DurationSeconds: how.ttl.seconds, ...limits };
  const result = await sts.send(new GetFederationTokenCommand(input));
  return { credentials: result.Credentials };
}

async function getSession(clients: AwsClients, { role, fields }: SessionAsk, how: Mint): Promise<Minted> {
  const { GetSessionTokenCommand } = await stsSdk();
  const sts = await clients.sts();
  const result = await sts.send(
    new GetSessionTokenCommand({
      DurationSeconds: how.ttl.seconds,
      ...(role.mfaSerial === '' ? {} : { SerialNumber: role.mfaSerial }),
      ...(fields.mfa_code ? { TokenCode: fields.mfa_code } : {}),
    }),
  );
  return { credentials: result.Credentials };
}

function sessionMade(
  { credentials, arn }: Minted,
  ttl: number,
  facts: Readonly<Record<string, string>>,
  ending: SessionEnding | undefined,
): Made {
  const {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey = '',
    SessionToken: token = '',
  } = credentials ?? {};
  const data: Readonly<Record<string, Json>> = {
    access_key: accessKeyId ?? '',
    secret_key: secretAccessKey,
    // Terraform's provider reads the first name, newer clients the second.
    security_token: token,
    session_token: token,
    ...(arn === undefined ? {} : { arn }),
    ttl,
  };
  return {
    data,
    facts: { ...facts, ...(accessKeyId === undefined ? {} : { accessKeyId }) },
    secret:
      ending?.strength === 'denies' ? { accessKeyId: accessKeyId ?? '', secretAccessKey, sessionToken: token } : null,
  };
}
