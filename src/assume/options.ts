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
  /** Why; for a server that decides about requests. */
  readonly reason?: string | undefined;
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

function namedText(what: string): (value: string, place: string) => string {
  return (value, place) => {
    if (sessionNameRule.pattern.test(value)) return value;
    throw failure('setting-invalid', `${place}: \`${value}\` is not a ${what}`, {
      hint: `it takes ${sessionNameRule.allowed}`,
    });
  };
}

/** A session name from `place` (`file:line`), in the form STS takes. @throws Failure `setting-invalid`. */
export const checkSessionName = namedText('session name');

/** A source identity from `place`. @throws Failure `setting-invalid`. */
export const checkIdentity = namedText('source identity');

type Tags = Readonly<Record<string, string>>;

interface Complaint {
  readonly what: string;
  readonly hint: string;
}

/** What STS would not take of the tags. */
function complaintOf(tags: Tags): Complaint | undefined {
  const entries = Object.entries(tags);
  if (entries.length > 50) return { what: `${entries.length} tags are too many`, hint: 'STS takes 50 at most' };
  const seen = new Set<string>();
  const letters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
  for (const [key, value] of entries) {
    if (seen.has(key.toLowerCase()))
      return { what: `tag \`${key}\` is given twice`, hint: 'tag keys of a session differ in more than case' };
    seen.add(key.toLowerCase());
    if (key.length >= 1 && key.length <= 128 && value.length <= 256 && letters.test(key) && letters.test(value))
      continue;
    return {
      what: `\`${key}=${value}\` is not a tag of a session`,
      hint: 'write `key=value`: keys up to 128, values up to 256 letters, digits, blanks or any of `_.:/=+-@`',
    };
  }
  return undefined;
}

function checkTags(tags: Tags): void {
  const complaint = complaintOf(tags);
  if (complaint !== undefined) throw failure('invalid-option', complaint.what, { hint: complaint.hint });
}

/** The tags of `session_tags = key=value,key=value`, as aws-vault writes them. @throws Failure `setting-invalid`. */
export function readTagList(text: string, place: string): Tags {
  const refuse = ({ what, hint }: Complaint): Error => failure('setting-invalid', `${place}: ${what}`, { hint });
  const tags = new Map<string, string>();
  for (const part of text.split(',')) {
    const cut = part.indexOf('=');
    const key = part.slice(0, Math.max(cut, 0)).trim();
    if (key === '') throw refuse({ what: `\`${part.trim()}\` is not a tag`, hint: 'write `key=value,key=value`' });
    if (tags.has(key)) throw refuse({ what: `tag \`${key}\` is given twice`, hint: 'give each key once' });
    tags.set(key, part.slice(cut + 1).trim());
  }
  const found = Object.fromEntries(tags);
  const complaint = complaintOf(found);
  if (complaint !== undefined) throw refuse(complaint);
  return found;
}

/** The keys of a list like `team,cost`. */
export function readKeyList(text: string): readonly string[] {
  return text
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
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
