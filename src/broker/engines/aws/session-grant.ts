// Lends temporary credentials of STS. Nothing is left behind in AWS; only time ends them.
import type { Credentials } from '@aws-sdk/client-sts';
import type { Json } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldSchema, FieldValues } from '../../fields.ts';
import { NothingMade, type LendPlan, type Made } from '../engine.ts';
import { awsFailure, didNothing } from './aws-errors.ts';
import type { AwsRole, CredentialType } from './aws-role.ts';
import type { AwsClients } from './clients.ts';
import { normalName } from './names.ts';
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
}

/** @throws Failure `bad-request` when the ask cannot be told a role ARN, or names one not allowed. */
export function sessionPlan(clients: AwsClients, ask: SessionAsk): LendPlan {
  const { type, role, roleName, prefix, fields, mountMaxSeconds } = ask;
  const roleArn = type === 'assumed_role' ? chosenRoleArn(roleName, role, fields) : undefined;
  const ttl = sessionTtl(fields.ttl, role, mountMaxSeconds);
  const sessionName = nameOf(ask);
  const facts = {
    ...(sessionName === undefined ? {} : { sessionName }),
    ...(roleArn === undefined ? {} : { roleArn }),
  };
  return {
    path: `${prefix}/${roleName}`,
    role: roleName,
    kind: type,
    strength: 'expires',
    renewable: false,
    ttlSeconds: ttl.seconds,
    maxTtlSeconds: ttl.seconds,
    facts,
    make: async () => {
      const { credentials, arn } = await mint(clients, ask, { ttl, sessionName: sessionName ?? '', roleArn });
      return sessionMade(credentials, arn, ttl.seconds, facts);
    },
  };
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
}

interface Minted {
  readonly credentials: Credentials | undefined;
  readonly arn?: string | undefined;
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
  const { AssumeRoleCommand } = await import('@aws-sdk/client-sts');
  const sts = await clients.sts();
  const tags = Object.entries(role.sessionTags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  const result = await sts.send(
    new AssumeRoleCommand({
      RoleArn: how.roleArn,
      RoleSessionName: how.sessionName,
      DurationSeconds: how.ttl.seconds,
      ...limits,
      ...(tags.length === 0 ? {} : { Tags: tags }),
      ...(role.externalId === '' ? {} : { ExternalId: role.externalId }),
    }),
  );
  return { credentials: result.Credentials, arn: result.AssumedRoleUser?.Arn };
}

async function federate(clients: AwsClients, how: Mint, limits: SessionLimits): Promise<Minted> {
  const { GetFederationTokenCommand } = await import('@aws-sdk/client-sts');
  const sts = await clients.sts();
  const input = { Name: how.sessionName, DurationSeconds: how.ttl.seconds, ...limits };
  const result = await sts.send(new GetFederationTokenCommand(input));
  return { credentials: result.Credentials };
}

async function getSession(clients: AwsClients, { role, fields }: SessionAsk, how: Mint): Promise<Minted> {
  const { GetSessionTokenCommand } = await import('@aws-sdk/client-sts');
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
  credentials: Credentials | undefined,
  arn: string | undefined,
  ttl: number,
  facts: Readonly<Record<string, string>>,
): Made {
  const accessKeyId = credentials?.AccessKeyId;
  const token = credentials?.SessionToken ?? '';
  const data: Readonly<Record<string, Json>> = {
    access_key: accessKeyId ?? '',
    secret_key: credentials?.SecretAccessKey ?? '',
    // Terraform's provider reads the first name, newer clients the second.
    security_token: token,
    session_token: token,
    ...(arn === undefined ? {} : { arn }),
    ttl,
  };
  return { data, facts: { ...facts, ...(accessKeyId === undefined ? {} : { accessKeyId }) }, secret: null };
}
