// The options that every verb with a TARGET takes, once as data: `stint` hands them to commander, the small
// `stint-credentials` to Node's parser.
import { isFailure, parseDuration, type Secret, type Failure } from '../base/index.ts';
import { checkOptions, parseMfaCode, type MfaAnswer, type MfaCommand, type SessionOptions } from '../assume/index.ts';
import { cliFailure } from './failures.ts';

interface OptionRow {
  readonly name: string;
  /** Name of its value in the help; a switch without one. */
  readonly value?: string;
  readonly many?: boolean;
  readonly help: string;
}

export const assumeOptions: readonly OptionRow[] = [
  { name: 'duration', value: 'time', help: 'how long the session lasts: 900, 30m, 12h' },
  { name: 'session-name', value: 'name', help: 'name of the session in CloudTrail (default: your user name)' },
  { name: 'source-identity', value: 'name', help: 'source identity, kept along the whole chain' },
  { name: 'external-id', value: 'id', help: 'external id that the trust policy asks for' },
  { name: 'tag', value: 'k=v', many: true, help: 'session tag; may be given several times' },
  { name: 'transitive', value: 'key', many: true, help: 'session tag that later roles inherit' },
  { name: 'policy', value: 'file|json', help: 'session policy: the session can do no more than it says' },
  { name: 'policy-arn', value: 'arn', many: true, help: 'managed policy as session policy' },
  { name: 'mfa-code', value: 'code', help: 'six digits; asked for on the terminal otherwise' },
  { name: 'mfa-serial', value: 'arn', help: 'MFA device, when no profile names it' },
  { name: 'mfa-process', value: 'command', help: 'command that prints the MFA code' },
  { name: 'mfa-ykman', help: 'take the MFA code from a YubiKey, with `ykman`' },
  { name: 'device-code', help: 'sign in to IAM Identity Center with a code, on any device' },
  { name: 'region', value: 'region', help: 'region to work in' },
  { name: 'role-arn', value: 'arn', help: "one more role, assumed with the target's session" },
  {
    name: 'config',
    value: 'file',
    help: 'the definition, for targets like dev/test_role (default: stint.config.* here)',
  },
  { name: 'reason', value: 'text', help: 'why; for a server that decides about requests' },
  { name: 'refresh', help: 'fetch a new session even if a kept one is good' },
  { name: 'explain', help: 'say on stderr how the session was made, and why so' },
  { name: 'quiet', help: 'no notes on stderr' },
];

/** Values by option name, as typed. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface AssumeChoices {
  readonly session: SessionOptions;
  readonly mfaCode: Secret | undefined;
  readonly mfaCommand: MfaCommand | undefined;
  /** Sign in with a code even where a browser could be opened. */
  readonly deviceCode: boolean;
  readonly config: string | undefined;
  readonly refresh: boolean;
  readonly explain: boolean;
  readonly quiet: boolean;
  /** Nobody may be asked: no prompt, no sign-in. Set by verbs that work on behind a person's back. */
  readonly unattended?: boolean;
  /** Goes around each question for an MFA code; `ask` puts it. */
  readonly aroundMfa?: (ask: () => Promise<MfaAnswer>) => Promise<MfaAnswer>;
}

/** Marks a failure of what was typed, which ends with exit code 2. */
export class UsageError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

function invalid(message: string, hint: string): Failure {
  return cliFailure('invalid-option', message, { hint, status: 400 });
}

function parseTags(given: readonly string[]): Record<string, string> {
  const tags = new Map<string, string>();
  for (const text of given) {
    const cut = text.indexOf('=');
    if (cut < 1) throw invalid(`\`--tag ${text}\` has no key`, 'write `--tag key=value`');
    const key = text.slice(0, cut);
    if (tags.has(key)) throw invalid(`tag \`${key}\` is given twice`, 'give each key once');
    tags.set(key, text.slice(cut + 1));
  }
  return Object.fromEntries(tags);
}

function readPolicy(text: string): string {
  if (text.trimStart().startsWith('{')) return text;
  try {
    return process.getBuiltinModule('node:fs').readFileSync(text, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw invalid(`the policy file \`${text}\` cannot be read (${why})`, 'give a file, or the JSON itself');
  }
}

function seconds(text: string): number {
  const value = parseDuration(text);
  if (!Number.isInteger(value))
    throw invalid(`\`--duration ${text}\` is no whole number of seconds`, 'write it like `30m`');
  return value;
}

function mfaCommand(line: string | undefined, ykman: boolean): MfaCommand | undefined {
  if (line !== undefined && ykman)
    throw invalid('`--mfa-process` and `--mfa-ykman` exclude each other', 'give the one that has your codes');
  if (line?.trim() === '') throw invalid('`--mfa-process` is empty', 'give the command that prints the code');
  if (line !== undefined) return { kind: 'process', line, place: '--mfa-process' };
  return ykman ? { kind: 'ykman', place: '--mfa-ykman' } : undefined;
}

function parse(values: OptionValues): AssumeChoices {
  const one = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  const many = (name: string): readonly string[] | undefined =>
    Array.isArray(values[name]) ? (values[name] as string[]) : undefined;
  const given = <Input, Output>(value: Input | undefined, read: (value: Input) => Output): Output | undefined =>
    value === undefined ? undefined : read(value);
  const session = checkOptions({
    durationSeconds: given(one('duration'), seconds),
    sessionName: one('session-name'),
    sourceIdentity: one('source-identity'),
    externalId: one('external-id'),
    tags: given(many('tag'), parseTags),
    transitiveTags: many('transitive'),
    policy: given(one('policy'), readPolicy),
    policyArns: many('policy-arn'),
    mfaSerial: one('mfa-serial'),
    region: one('region'),
    roleArn: one('role-arn'),
    reason: one('reason'),
  });
  return {
    session,
    mfaCode: given(one('mfa-code'), parseMfaCode),
    mfaCommand: mfaCommand(one('mfa-process'), values['mfa-ykman'] === true),
    deviceCode: values['device-code'] === true,
    config: one('config'),
    refresh: values['refresh'] === true,
    explain: values['explain'] === true,
    quiet: values['quiet'] === true,
  };
}

/** Reads the options of a command line. @throws UsageError with the coded failure. */
export function readChoices(values: OptionValues): AssumeChoices {
  try {
    return parse(values);
  } catch (error) {
    throw isFailure(error) ? new UsageError(error) : error;
  }
}
