// What a person may add to a target, checked against the limits of STS before anything is asked of AWS.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters
import { checkPolicyArn, checkRoleArn } from './arn.ts';
import { failure } from './failures.ts';
import { checkDuration, limits } from './session-plan.ts';

export interface SessionOptions {
  readonly durationSeconds?: number | undefined;
  readonly sessionName?: string | undefined;
  readonly sourceIdentity?: string | undefined;
  readonly externalId?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly transitiveTags?: readonly string[] | undefined;
  /** JSON text. */
  readonly policy?: string | undefined;
  readonly policyArns?: readonly string[] | undefined;
  readonly mfaSerial?: string | undefined;
  readonly region?: string | undefined;
  /** One more role, assumed with the target's credentials. */
  readonly roleArn?: string | undefined;
}

interface TextRule {
  readonly option: string;
  readonly pattern: RegExp;
  readonly allowed: string;
}

const sessionNameRule: TextRule = {
  option: '--session-name',
  pattern: /^[\w+=,.@-]{2,64}$/,
  allowed: '2 to 64 letters, digits or any of `_+=,.@-`',
};

const textRules: readonly (TextRule & {
  readonly key: 'sessionName' | 'sourceIdentity' | 'externalId' | 'mfaSerial';
})[] = [
  { key: 'sessionName', ...sessionNameRule },
  { key: 'sourceIdentity', ...sessionNameRule, option: '--source-identity' },
  {
    key: 'externalId',
    option: '--external-id',
    pattern: /^[\w+=,.@:/-]{2,1224}$/,
    allowed: '2 to 1224 letters, digits or any of `_+=,.@:/-`',
  },
  {
    key: 'mfaSerial',
    option: '--mfa-serial',
    pattern: /^[\w+=/:,.@-]{9,256}$/,
    allowed: 'the ARN of the device, `arn:aws:iam::123456789012:mfa/NAME`, or the serial number printed on it',
  },
];

function checkText(rule: TextRule, value: string): void {
  if (rule.pattern.test(value)) return;
  throw failure('invalid-option', `\`${rule.option}\` does not take \`${value}\``, {
    hint: `it takes ${rule.allowed}`,
  });
}

/** A session name from `place` (`file:line`), in the form STS takes. @throws Failure `setting-invalid`. */
export function checkSessionName(value: string, place: string): string {
  if (sessionNameRule.pattern.test(value)) return value;
  throw failure('setting-invalid', `${place}: \`${value}\` is not a session name`, {
    hint: `it takes ${sessionNameRule.allowed}`,
  });
}

function checkTags(tags: Readonly<Record<string, string>>): void {
  const entries = Object.entries(tags);
  if (entries.length > 50)
    throw failure('invalid-option', `${entries.length} tags are too many`, { hint: 'STS takes 50 at most' });
  const seen = new Set<string>();
  for (const [key, value] of entries) {
    if (seen.has(key.toLowerCase())) {
      throw failure('invalid-option', `tag \`${key}\` is given twice`, {
        hint: 'tag keys of a session differ in more than case',
      });
    }
    seen.add(key.toLowerCase());
    const letters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
    if (key.length >= 1 && key.length <= 128 && value.length <= 256 && letters.test(key) && letters.test(value))
      continue;
    throw failure('invalid-option', `\`--tag\` does not take \`${key}=${value}\``, {
      hint: 'write `key=value`: keys up to 128, values up to 256 letters, digits, blanks or any of `_.:/=+-@`',
    });
  }
}

function checkPolicy(text: string): void {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document !== 'object' || document === null || Array.isArray(document))
      throw new Error('it is not an object');
  } catch (error) {
    throw failure('invalid-option', `\`--policy\` is not a JSON policy: ${(error as Error).message}`, {
      hint: 'give a file, or `{"Version":"2012-10-17","Statement":[…]}`',
    });
  }
}

/**
 * Returns the options as they are when STS would take each by itself.
 * @throws Failure `invalid-option`, `duration-refused`.
 */
export function checkOptions(options: SessionOptions): SessionOptions {
  for (const rule of textRules) {
    const value = options[rule.key];
    if (value !== undefined) checkText(rule, value);
  }
  if (options.durationSeconds !== undefined) checkDuration(options.durationSeconds, limits.getSessionToken);
  if (options.tags !== undefined) checkTags(options.tags);
  if (options.policy !== undefined) checkPolicy(options.policy);
  if (options.roleArn !== undefined) checkRoleArn(options.roleArn);
  for (const arn of options.policyArns ?? []) checkPolicyArn(arn);
  if ((options.policyArns?.length ?? 0) > 10) {
    throw failure('invalid-option', 'too many of `--policy-arn`', { hint: 'STS takes 10 at most' });
  }
  return options;
}

/** The options that only a role can have, as typed; a target without a role refuses them, or it would get more than was asked for. */
export function roleOnlyOptions(options: SessionOptions): readonly string[] {
  const given: Readonly<Record<string, unknown>> = {
    '--session-name': options.sessionName,
    '--source-identity': options.sourceIdentity,
    '--external-id': options.externalId,
    '--tag': options.tags,
    '--transitive': options.transitiveTags,
    '--policy': options.policy,
    '--policy-arn': options.policyArns,
  };
  return Object.keys(given).filter((name) => given[name] !== undefined);
}
