// Lends temporary credentials of STS. Nothing is left behind in AWS; only time ends them.
import type { Credentials } from '@aws-sdk/client-sts';
import { brokerFailure } from '../../failures.ts';
import { readFields, type FieldValues } from '../../fields.ts';
import { NothingMade, type LendPlan, type Made } from '../engine.ts';
import { awsFailure, didNothing } from './aws-errors.ts';
import type { AwsClients } from './clients.ts';
import { normalName } from './names.ts';
import type { AwsRole } from './roles.ts';
import { sessionPolicies } from './session-policy.ts';

export const credsFields = {
  name: 'string',
  role_arn: 'string',
  ttl: 'seconds',
  role_session_name: 'string',
  mfa_code: 'string',
} as const;

type CredsFields = FieldValues<typeof credsFields>;

const vaultDefaultSeconds = 3600;

export interface SessionAsk {
  readonly roleName: string;
  readonly role: AwsRole;
  readonly body: Readonly<Record<string, unknown>>;
  /** Name for a session the caller did not name. */
  readonly freshName: string;
  readonly mountMaxSeconds: number;
  /** `creds` or `sts`, whichever path was asked. */
  readonly prefix: string;
}

/** @throws Failure `bad-request` when the ask cannot be told a role ARN, or names one not allowed. */
export function sessionPlan(clients: AwsClients, ask: SessionAsk): LendPlan {
  const { role, roleName, prefix, mountMaxSeconds } = ask;
  const fields = readFields(credsFields, ask.body);
  const wanted = fields.ttl || role.defaultTtlSeconds || vaultDefaultSeconds;
  const ttlSeconds = Math.floor(Math.min(wanted, role.maxTtlSeconds || Infinity, mountMaxSeconds));
  const sessionName = fields.role_session_name ? normalName(fields.role_session_name).slice(0, 64) : ask.freshName;
  const roleArn = role.credentialType === 'assumed_role' ? chosenRoleArn(roleName, role, fields) : undefined;
  return {
    path: `${prefix}/${roleName}`,
    role: roleName,
    kind: role.credentialType,
    strength: 'expires',
    renewable: false,
    ttlSeconds,
    maxTtlSeconds: ttlSeconds,
    facts: { sessionName, ...(roleArn === undefined ? {} : { roleArn }) },
    make: async () => {
      const made = await mint(clients, role, { fields, ttlSeconds, sessionName, roleArn });
      return sessionMade(made.credentials, made.arn, ttlSeconds, {
        sessionName,
        ...(roleArn === undefined ? {} : { roleArn }),
      });
    },
  };
}

function chosenRoleArn(roleName: string, role: AwsRole, fields: CredsFields): string {
  const allowed = role.roleArns ?? [];
  const asked = fields.role_arn || (allowed.length === 1 ? allowed[0] : undefined);
  if (asked === undefined) {
    throw brokerFailure('bad-request', 'did not supply a role_arn parameter and unable to determine one', {
      hint: `give \`role_arn\`, one of: ${allowed.join(', ')}`,
    });
  }
  if (allowed.includes(asked)) return asked;
  throw brokerFailure('bad-request', `role_arn "${asked}" not in allowed role arns for Vault role "${roleName}"`);
}

interface Mint {
  readonly fields: CredsFields;
  readonly ttlSeconds: number;
  readonly sessionName: string;
  readonly roleArn: string | undefined;
}

interface Minted {
  readonly credentials: Credentials | undefined;
  readonly arn: string | undefined;
}

async function mint(clients: AwsClients, role: AwsRole, ask: Mint): Promise<Minted> {
  const limits = await sessionPolicies(clients, role);
  const prefix = role.credentialType === 'assumed_role' ? 'Error assuming role: ' : 'Error generating STS keys: ';
  try {
    if (role.credentialType === 'assumed_role') return await assumeRole(clients, role, ask, limits);
    if (role.credentialType === 'federation_token') return await federate(clients, ask, limits);
    return await getSession(clients, role, ask);
  } catch (error) {
    if (error instanceof NothingMade) throw error;
    const failure = awsFailure(prefix, error);
    throw didNothing(error) ? new NothingMade(failure) : failure;
  }
}

type Limits = Awaited<ReturnType<typeof sessionPolicies>>;

async function assumeRole(clients: AwsClients, role: AwsRole, ask: Mint, limits: Limits): Promise<Minted> {
  const { AssumeRoleCommand } = await import('@aws-sdk/client-sts');
  const sts = await clients.sts();
  const tags = Object.entries(role.sessionTags).map(([Key, Value]) => ({ Key, Value }));
  const result = await sts.send(
    new AssumeRoleCommand({
      RoleArn: ask.roleArn,
      RoleSessionName: ask.sessionName,
      DurationSeconds: ask.ttlSeconds,
      ...limits,
      ...(tags.length === 0 ? {} : { Tags: tags }),
      ...(role.externalId === '' ? {} : { ExternalId: role.externalId }),
    }),
  );
  return { credentials: result.Credentials, arn: result.AssumedRoleUser?.Arn };
}

async function federate(clients: AwsClients, ask: Mint, limits: Limits): Promise<Minted> {
  if (limits.Policy === undefined && limits.PolicyArns === undefined) {
    throw new NothingMade(
      brokerFailure(
        'bad-request',
        'must specify at least one of policy_arns or policy_document with federation_token credential_type',
      ),
    );
  }
  const { GetFederationTokenCommand } = await import('@aws-sdk/client-sts');
  const sts = await clients.sts();
  const input = { Name: ask.sessionName.slice(0, 32), DurationSeconds: ask.ttlSeconds, ...limits };
  const result = await sts.send(new GetFederationTokenCommand(input));
  return { credentials: result.Credentials, arn: undefined };
}

async function getSession(clients: AwsClients, role: AwsRole, ask: Mint): Promise<Minted> {
  const { GetSessionTokenCommand } = await import('@aws-sdk/client-sts');
  const sts = await clients.sts();
  const result = await sts.send(
    new GetSessionTokenCommand({
      DurationSeconds: ask.ttlSeconds,
      ...(role.mfaSerial === '' ? {} : { SerialNumber: role.mfaSerial }),
      ...(ask.fields.mfa_code ? { TokenCode: ask.fields.mfa_code } : {}),
    }),
  );
  return { credentials: result.Credentials, arn: undefined };
}

function sessionMade(
  credentials: Credentials | undefined,
  arn: string | undefined,
  ttl: number,
  facts: Readonly<Record<string, string>>,
): Made {
  const token = credentials?.SessionToken ?? '';
  return {
    data: {
      access_key: credentials?.AccessKeyId ?? '',
      secret_key: credentials?.SecretAccessKey ?? '',
      // Terraform's provider reads the first name, newer clients the second.
      security_token: token,
      session_token: token,
      ...(arn === undefined ? {} : { arn }),
      ttl,
    },
    facts: { ...facts, ...(credentials?.AccessKeyId === undefined ? {} : { accessKeyId: credentials.AccessKeyId }) },
    secret: null,
  };
}
