// Turns a refusal of STS into a failure that says why and what to do. Codes and wording of the causes:
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and API_AssumeRole.html#API_AssumeRole_Errors
import { formatDuration, type Failure } from '../base/index.ts';
import { failure } from './failures.ts';
import type { StsEndpoint } from './model.ts';

/** What was asked, without its secrets. */
export interface StsCall {
  readonly action: 'AssumeRole' | 'GetSessionToken' | 'GetCallerIdentity';
  readonly roleArn?: string | undefined;
  readonly durationSeconds?: number | undefined;
  readonly mfaSerial?: string | undefined;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  readonly endpoint: StsEndpoint;
  readonly accessKeyId: string;
  /** This machine's clock minus AWS's; undefined when the answer had no date. */
  readonly skewMillis?: number | undefined;
}

interface Rule {
  readonly code: RegExp;
  readonly message?: RegExp;
  readonly explain: (call: StsCall, refusal: Refusal) => Failure;
}

// The first rule that fits explains; order matters where one code has several causes.
const rules: readonly Rule[] = [
  { code: /^AccessDenied/, message: /MultiFactorAuthentication failed/i, explain: mfaRefused },
  { code: /^AccessDenied/, message: /Roles may not be assumed by root/i, explain: rootRefused },
  { code: /^AccessDenied/, message: /Cannot call GetSessionToken with session credentials/i, explain: sessionRefused },
  { code: /^AccessDenied/, explain: accessDenied },
  {
    code: /^ValidationError$/,
    message: /MaxSessionDuration|maximum session duration|1 hour session limit/i,
    explain: durationRefused,
  },
  { code: /^(?:MalformedPolicyDocument|PackedPolicyTooLarge)/, explain: policyRefused },
  { code: /^RegionDisabled/, explain: regionDisabled },
  { code: /^ExpiredToken/, explain: expired },
  { code: /./, message: /Signature (?:expired|not yet current)/i, explain: clockSkew },
  { code: /^(?:RequestExpired|RequestTimeTooSkewed)$/, explain: clockSkew },
  {
    code: /^(?:InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|MissingAuthenticationToken)/,
    explain: keysRefused,
  },
  { code: /^(?:Throttling|RequestLimitExceeded|TooManyRequests)/, explain: throttled },
];

/** `arn:aws:iam::222222222222:role/x` in account `222222222222`. */
function accountOf(arn: string | undefined): string {
  return arn?.split(':')[4] ?? '';
}

function mfaRefused(call: StsCall, { message }: Refusal): Failure {
  return failure('mfa-refused', `AWS refused the code of \`${call.mfaSerial ?? 'the MFA device'}\`: ${message}`, {
    hint: 'each code works once: wait for the next one; check mfa_serial if it happens again',
  });
}

function rootRefused(call: StsCall): Failure {
  return failure('access-denied', `root keys may not assume \`${call.roleArn ?? 'a role'}\``, {
    hint: 'use the keys of an IAM user or role instead; root access keys are best deleted',
  });
}

function sessionRefused(): Failure {
  return failure('access-denied', 'GetSessionToken only takes long-term keys', {
    hint: 'begin with the keys of the IAM user, not with a session of it',
  });
}

function accessDenied(call: StsCall, { message }: Refusal): Failure {
  if (call.action !== 'AssumeRole') {
    return failure('access-denied', `${call.action} was refused: ${message}`, {
      hint: "a policy of the caller, or of its organisation, denies the call: ask the account's administrator",
    });
  }
  const role = call.roleArn ?? '';
  // AWS names the caller in its sentence: `User: ARN is not authorized to perform: sts:AssumeRole on resource: ARN`.
  const caller = /User: (\S+) is not authorized/.exec(message)?.[1];
  const explicit = /explicit deny in (?:an? )?([^.]+)/i.exec(message)?.[1];
  const who = caller === undefined ? 'the caller' : `\`${caller}\``;
  const sameAccount = caller !== undefined && accountOf(caller) === accountOf(role);
  const trust = `the trust policy of \`${role}\` must name ${who} and its conditions (MFA, external id, session name, tags) must hold`;
  const permission = `a policy of ${who} must allow sts:AssumeRole on the role${sameAccount ? ', unless the trust policy names that user or role itself' : ''}`;
  const mfa =
    call.mfaSerial === undefined
      ? '; if the trust asks for MFA, set mfa_serial in the profile or give --mfa-serial'
      : '';
  return failure('access-denied', `${who} may not assume \`${role}\`: ${message}`, {
    hint:
      explicit === undefined
        ? `two things must say yes: (1) ${permission}; (2) ${trust}${mfa}; and the role must exist`
        : `an explicit deny in ${explicit} decides: no allow can outweigh it, it has to be changed or its condition met`,
  });
}

function durationRefused(call: StsCall, { message }: Refusal): Failure {
  const wanted = formatDuration(call.durationSeconds ?? 0);
  return failure('duration-refused', `\`${call.roleArn ?? 'the role'}\` does not allow ${wanted}: ${message}`, {
    hint: `ask for less with --duration (1h always works), or raise the role's MaxSessionDuration`,
  });
}

function policyRefused(_: StsCall, { message }: Refusal): Failure {
  return failure('policy-refused', `AWS refused the session policy or tags: ${message}`, {
    hint: 'check --policy, --policy-arn and --tag; policies and tags together must stay below the packed size limit',
  });
}

function regionDisabled(_: StsCall, { endpoint, message }: Refusal): Failure {
  return failure('region-disabled', `STS is not active in ${endpoint.signingRegion} for this account: ${message}`, {
    hint: 'choose another region with --region, or activate the region in the account settings of IAM',
  });
}

function expired(_: StsCall, { accessKeyId }: Refusal): Failure {
  return failure('credentials-expired', `the session of \`${accessKeyId}\` has ended`, {
    hint: 'get new credentials for the source of this target, or run `stint forget --all` if Stint kept them',
  });
}

function clockSkew(_: StsCall, { message, skewMillis }: Refusal): Failure {
  const minutes = Math.round(Math.abs(skewMillis ?? 0) / 60_000);
  const off = minutes === 0 ? '' : `: it is ${minutes} min ${skewMillis! > 0 ? 'ahead' : 'behind'}`;
  return failure('clock-skew', `AWS refused the time of this machine${off}: ${message}`, {
    hint: "set this machine's clock right",
  });
}

function keysRefused(_: StsCall, { accessKeyId, code, message, endpoint }: Refusal): Failure {
  return failure(
    'credentials-refused',
    `\`${endpoint.url}\` does not accept the keys \`${accessKeyId}\` (${code}): ${message}`,
    {
      hint: 'check that the key is active, that id and secret belong together, and that they belong to this endpoint',
    },
  );
}

function throttled(_: StsCall, { code }: Refusal): Failure {
  return failure('sts-throttled', `AWS asked several times to slow down (${code})`, { hint: 'try again in a minute' });
}

/** The coded failure for a refusal. Never holds a secret: an access key id is the most it names. */
export function explainRefusal(call: StsCall, refusal: Refusal): Failure {
  const rule = rules.find(
    ({ code, message }) => code.test(refusal.code) && (message === undefined || message.test(refusal.message)),
  );
  if (rule !== undefined) return rule.explain(call, refusal);
  return failure('sts-failed', `${call.action} failed with ${refusal.code} (${refusal.status}): ${refusal.message}`, {
    hint: 'the message is AWS’s own; https://docs.aws.amazon.com/STS/latest/APIReference/ explains the code',
  });
}
