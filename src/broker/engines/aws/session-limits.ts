// AWS's limits on sessions, told when AWS has refused because of one: which rule gave the number, and who
// can change it. Facts: docs.aws.amazon.com/STS/latest/APIReference (AssumeRole, GetFederationToken,
// GetSessionToken).
import { awsCode } from './aws-errors.ts';
import type { CredentialType } from './aws-role.ts';
import type { SessionLimits } from './session-policy.ts';

const shortestSeconds = 900;
const longestSeconds: Readonly<Record<CredentialType, number>> = {
  iam_user: Infinity,
  assumed_role: 43_200,
  federation_token: 129_600,
  session_token: 129_600,
};
const longestPolicy = 2048;
const mostPolicyArns = 10;

/** Where the time to live of a session comes from. */
export type TtlRule = 'ttl' | 'default_sts_ttl' | 'max_sts_ttl' | 'max_lease_ttl' | 'default';

const sources: Readonly<Record<TtlRule, string>> = {
  ttl: 'as `ttl` asks',
  default_sts_ttl: 'as `default_sts_ttl` of the role says',
  max_sts_ttl: 'as `max_sts_ttl` of the role caps it',
  max_lease_ttl: 'as `max_lease_ttl` of the mount caps it',
  default: 'as every session of Vault has that names no time',
};

export interface SessionTtl {
  readonly seconds: number;
  readonly rule: TtlRule;
}

/**
 * Vault's rule: what is asked, else the role's default, else an hour; capped by the role. The mount caps it
 * too: in Vault only where the role does not, so that a session can outlive its lease.
 */
export function sessionTtl(
  asked: number | undefined,
  role: { readonly defaultTtlSeconds: number; readonly maxTtlSeconds: number },
  mountMaxSeconds: number,
): SessionTtl {
  const wanted: SessionTtl =
    asked !== undefined && asked > 0
      ? { seconds: Math.floor(asked), rule: 'ttl' }
      : role.defaultTtlSeconds > 0
        ? { seconds: role.defaultTtlSeconds, rule: 'default_sts_ttl' }
        : { seconds: 3600, rule: 'default' };
  const cap: SessionTtl =
    role.maxTtlSeconds > 0 && role.maxTtlSeconds <= mountMaxSeconds
      ? { seconds: role.maxTtlSeconds, rule: 'max_sts_ttl' }
      : { seconds: mountMaxSeconds, rule: 'max_lease_ttl' };
  return wanted.seconds > cap.seconds ? cap : wanted;
}

/** What to do about a refusal of STS; undefined when no limit of ours to tell is behind it. */
export function sessionHint(
  error: unknown,
  { type, ttl, limits }: { readonly type: CredentialType; readonly ttl: SessionTtl; readonly limits: SessionLimits },
): string | undefined {
  const code = awsCode(error);
  if (code === 'PackedPolicyTooLarge')
    return `${policyText(limits)}; AWS packs them together with the session’s tags, and they do not fit`;
  if (code === 'ValidationError') return durationHint(type, ttl) ?? policyHint(limits);
  return undefined;
}

function durationHint(type: CredentialType, { seconds, rule }: SessionTtl): string | undefined {
  const asked = `this one would last ${seconds} s, ${sources[rule]}`;
  if (seconds < shortestSeconds) return `AWS gives no session of less than ${shortestSeconds} s: ${asked}`;
  const longest = longestSeconds[type];
  if (seconds > longest) return `AWS gives no ${type} session of more than ${longest} s: ${asked}`;
  if (type !== 'assumed_role' || seconds <= 3600) return undefined;
  return `${asked}; the IAM role’s MaxSessionDuration is the limit, and 3600 s where the server’s own key is a session (role chaining)`;
}

function policyHint(limits: SessionLimits): string | undefined {
  const { length } = limits.Policy ?? '';
  const arns = limits.PolicyArns?.length ?? 0;
  if (length <= longestPolicy && arns <= mostPolicyArns) return undefined;
  return `${policyText(limits)}; AWS takes at most ${longestPolicy} characters and ${mostPolicyArns} ARNs`;
}

function policyText({ Policy = '', PolicyArns = [] }: SessionLimits): string {
  return `the session policy of this role, with those of its \`iam_groups\`, has ${Policy.length} characters and ${PolicyArns.length} ARNs`;
}
