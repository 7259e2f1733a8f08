// Turns a refusal of STS into a failure that says why and what to do. Codes and wording of the causes:
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and API_AssumeRole.html#API_AssumeRole_Errors
import { Failure, formatDuration } from '../base/index.ts';
import { failure } from './failures.ts';
import type { RequestPlaces, StsEndpoint } from './model.ts';
import { roleCure } from './role-refusal.ts';

/** What was asked, without its secrets. */
export interface StsCall {
  readonly action:
    | 'AssumeRole'
    | 'AssumeRoleWithWebIdentity'
    | 'GetSessionToken'
    | 'GetFederationToken'
    | 'GetCallerIdentity';
  readonly roleArn?: string | undefined;
  readonly durationSeconds?: number | undefined;
  readonly mfaSerial?: string | undefined;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  readonly endpoint: StsEndpoint;
  /** Empty for a call that is not signed. */
  readonly accessKeyId: string;
  /** By which an embedded AWS explains the refusal. */
  readonly explainId?: string | undefined;
  /** This machine's clock minus AWS's; undefined when the answer had no date. */
  readonly skewMillis?: number | undefined;
  /** Where what was asked is written. */
  readonly places?: RequestPlaces | undefined;
}

interface Rule {
  readonly action?: StsCall['action'];
  readonly code: RegExp;
  readonly message?: RegExp;
  readonly explain: (call: StsCall, refusal: Refusal) => Failure;
}

// The first rule that fits explains; order matters where one code has several causes.
const rules: readonly Rule[] = [
  { action: 'AssumeRoleWithWebIdentity', code: /^AccessDenied/, explain: tokenDenied },
  { action: 'AssumeRoleWithWebIdentity', code: /^ExpiredToken/, explain: tokenRefused },
  { code: /^(?:InvalidIdentityToken|IDPRejectedClaim|IDPCommunicationError)/, explain: tokenRefused },
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

/** A code is made of the time: so much off, and it is the code of another half minute. */
const codeSkewMillis = 60_000;

function mfaRefused(call: StsCall, { message, skewMillis }: Refusal): Failure {
  const off = skewMillis !== undefined && Math.abs(skewMillis) >= codeSkewMillis ? skewText(skewMillis) : undefined;
  return failure('mfa-refused', `AWS refused the code of \`${call.mfaSerial ?? 'the MFA device'}\`: ${message}`, {
    hint:
      off === undefined
        ? 'each code works once: wait for the next one; check mfa_serial, and the time of the device, if it happens again'
        : `this machine's clock is ${off}, and codes that are made here are wrong by as much: set the clock right`,
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

function accessDenied(call: StsCall, { message, explainId }: Refusal): Failure {
  if (call.action !== 'AssumeRole') {
    return failure('access-denied', `${call.action} was refused: ${message}`, {
      hint: `a policy of the caller, or of its organisation, denies the call: ask the account's administrator${explained(explainId)}`,
    });
  }
  const role = call.roleArn ?? '';
  // AWS names the caller in its sentence: `User: ARN is not authorized to perform: sts:AssumeRole on resource: ARN`.
  const caller = /User: (\S+) is not authorized/.exec(message)?.[1];
  const who = caller === undefined ? 'the caller' : `\`${caller}\``;
  return failure('access-denied', `${who} may not assume \`${role}\`: ${message}`, {
    hint: `${roleCure({ role, caller, message, withMfa: call.mfaSerial !== undefined })}${explained(explainId)}`,
  });
}

/** An embedded AWS keeps what it refused, and says which statement decided. */
function explained(explainId: string | undefined): string {
  return explainId === undefined ? '' : `; \`stint cloud explain ${explainId}\` says which policy decided`;
}

function tokenDenied(call: StsCall, { message, explainId }: Refusal): Failure {
  const role = call.roleArn ?? '';
  return failure('access-denied', `the web identity token may not assume \`${role}\`: ${message}`, {
    hint: `the trust policy of \`${role}\` must allow sts:AssumeRoleWithWebIdentity to the token's provider, and its conditions on \`aud\` and \`sub\` must hold${explained(explainId)}`,
  });
}

const tokenCures: readonly { readonly code: RegExp; readonly hint: string }[] = [
  { code: /^ExpiredToken/, hint: 'get a new token: whoever writes the file has to replace it before it ends' },
  {
    code: /^IDPCommunicationError/,
    hint: 'AWS could not fetch the keys of the identity provider: try again, and check that its address is reachable from the internet',
  },
  { code: /^IDPRejectedClaim/, hint: 'the identity provider rejects its own token: get a new one' },
  {
    code: /./,
    hint: 'check that the issuer of the token is an identity provider of the account, with the audience of the token in its list',
  },
];

function tokenRefused(_: StsCall, { code, message }: Refusal): Failure {
  const { hint } = tokenCures.find((cure) => cure.code.test(code))!;
  return failure('token-refused', `AWS does not take the web identity token (${code}): ${message}`, { hint });
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

/** `61 min ahead`. */
function skewText(skewMillis: number): string {
  return `${Math.round(Math.abs(skewMillis) / 60_000)} min ${skewMillis > 0 ? 'ahead' : 'behind'}`;
}

function clockSkew(_: StsCall, { message, skewMillis = 0 }: Refusal): Failure {
  const off = Math.abs(skewMillis) < 30_000 ? '' : `: it is ${skewText(skewMillis)}`;
  return failure('clock-skew', `AWS refused the time of this machine${off}: ${message}`, {
    hint: "set this machine's clock right, by the time service of the system (`timedatectl set-ntp true`)",
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

/** What of the request AWS refused, by the code of the failure, and where that is written. */
const refusedPlaces: Readonly<Record<string, (call: StsCall, refusal: Refusal) => string | undefined>> = {
  'access-denied': rolePlace,
  'duration-refused': rolePlace,
  'policy-refused': rolePlace,
  'mfa-refused': ({ mfaSerial = '' }, { places }) => places?.mfa(mfaSerial),
  'credentials-refused': keysPlace,
  'credentials-expired': keysPlace,
  'token-refused': (_, { places }) => places?.token(),
};

function keysPlace(_: StsCall, { places, accessKeyId }: Refusal): string | undefined {
  return places?.keys(accessKeyId);
}

/** Of the role; of the keys for a call without one. */
function rolePlace(call: StsCall, refusal: Refusal): string | undefined {
  return call.roleArn === undefined ? keysPlace(call, refusal) : refusal.places?.role(call.roleArn);
}

function placed(found: Failure, call: StsCall, refusal: Refusal): Failure {
  const place = refusedPlaces[found.code]?.(call, refusal);
  if (place === undefined) return found;
  const { code, message, hint, status, detail } = found;
  return new Failure(code, `${place}: ${message}`, { hint, status, detail });
}

/** The coded failure for a refusal. Never holds a secret: an access key id is the most it names. */
export function explainRefusal(call: StsCall, refusal: Refusal): Failure {
  const rule = rules.find(
    ({ action, code, message }) =>
      (action === undefined || action === call.action) &&
      code.test(refusal.code) &&
      (message === undefined || message.test(refusal.message)),
  );
  if (rule !== undefined) return placed(rule.explain(call, refusal), call, refusal);
  return failure('sts-failed', `${call.action} failed with ${refusal.code} (${refusal.status}): ${refusal.message}`, {
    hint: 'the message is AWS’s own; https://docs.aws.amazon.com/STS/latest/APIReference/ explains the code',
  });
}
