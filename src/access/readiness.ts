// Which of the roles that a run has made or opened can be proved ready by being assumed, and by whom. Who may come in
// is read off the trust: nobody here is a service, holds a token of an identity provider, or has just typed an MFA code.
// Pure.
import { can, type Directory } from '../policy/index.ts';
import { iamArn, type Partition } from '../aws/index.ts';
import { tagsOf } from './ownership.ts';
import type { Step } from './plan.ts';
import type { Shared } from './share.ts';
import type { Document, SeenAccount, Statement, Tags, Texts } from './resources.ts';

/** A role as the last call about its trust left it. */
export interface OpenedRole {
  /** `dev/role/test_role`. */
  readonly id: string;
  /** Account id. */
  readonly account: string;
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly trust: Document;
  readonly tags: Tags;
}

/** Why a role is read back and not assumed. */
export type ReadReason = 'services' | 'tokens' | 'mfa' | 'others' | 'unknown' | 'denied';

export const readReasons: Readonly<Record<ReadReason, string>> = {
  services: 'let in only services',
  tokens: 'let in only who brings a token of an identity provider',
  mfa: 'let in only people who sign in with MFA',
  others: 'let in only others than whoever applies',
  unknown: 'let in only under conditions that nobody here can foresee',
  denied: 'may not be tried by whoever applies',
};

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const trustCalls: Readonly<Record<string, string>> = {
  createRole: 'AssumeRolePolicyDocument',
  updateAssumeRolePolicy: 'PolicyDocument',
};

/** The last call about the trust of each role, by the step's id. A role created closed counts once it is opened. */
export function lastTrustSteps(steps: readonly Step[]): ReadonlyMap<string, Step> {
  const last = new Map<string, Step>();
  for (const step of steps) {
    if (Object.hasOwn(trustCalls, step.operation)) last.set(`${step.account} ${text(step.input['RoleName'])}`, step);
  }
  return new Map([...last.values()].map((step) => [step.id, step]));
}

/** The role that a call about trust opened. */
export function openedRole(
  step: Step,
  seen: SeenAccount | undefined,
  partition: Partition,
  trusts: Shared,
): OpenedRole {
  const name = text(step.input['RoleName']);
  const had = seen?.resources.find((it) => it.kind === 'role' && it.name === name);
  const path = text(step.input['Path']) || (had?.kind === 'role' ? had.path : '/');
  const given = step.input['Tags'] as readonly { readonly Key: string; readonly Value: string }[] | undefined;
  const tags = given === undefined ? (had?.kind === 'role' ? had.tags : {}) : tagsOf(given);
  const trust = trusts.from(text(step.input[trustCalls[step.operation]!]), (it) => JSON.parse(it) as Document);
  const arn = iamArn(partition, step.account, 'role', name, path);
  return { id: step.id.replace(/#.*$/, ''), account: step.account, name, path, arn, trust, tags };
}

type Door = 'principals' | Exclude<ReadReason, 'others' | 'unknown' | 'denied'>;

const mfaKeys = new Set(['aws:multifactorauthpresent', 'aws:multifactorauthage']);

/** What one statement of a trust policy lets in. */
function doorOf({ Principal, Condition }: Statement): Door {
  if (Principal !== undefined && Principal !== '*' && Principal['AWS'] === undefined) {
    return Principal['Service'] === undefined ? 'tokens' : 'services';
  }
  const keys = Object.values(Condition ?? {}).flatMap((tests) => Object.keys(tests));
  return keys.some((key) => mfaKeys.has(key.toLowerCase())) ? 'mfa' : 'principals';
}

/** What a trust policy lets in; empty where nothing is allowed. */
function doorsOf({ Statement }: Document): ReadonlySet<Door> {
  return new Set(Statement.filter(({ Effect }) => Effect === 'Allow').map(doorOf));
}

/** Ids of the accounts whose own principals a trust names without asking for MFA. */
export function namedAccounts({ Statement }: Document): readonly string[] {
  const open = Statement.filter((it) => it.Effect === 'Allow' && doorOf(it) === 'principals');
  const arns = open.flatMap(({ Principal }) =>
    Principal === undefined || Principal === '*' ? [] : list(Principal['AWS']),
  );
  return [...new Set(arns.flatMap((arn) => /^(?:arn:[^:]+:iam::)?(\d{12})(?::|$)/.exec(arn)?.[1] ?? []))];
}

/** Why a role cannot be assumed by anybody whom a run can call as; `undefined` where the trust leaves it open. */
export function closedToCallers({ trust }: Pick<OpenedRole, 'trust'>): ReadReason | undefined {
  const doors = doorsOf(trust);
  if (doors.has('principals')) return undefined;
  return (['mfa', 'tokens', 'services'] as const).find((door) => doors.has(door)) ?? 'others';
}

/** Who of `comers` (ARNs of users and roles) is surely let in; else why nobody is. */
export function entranceOf(
  directory: Directory,
  comers: readonly string[],
  { arn }: Pick<OpenedRole, 'arn'>,
): { readonly comer: string } | { readonly why: ReadReason } {
  let why: ReadReason = 'others';
  for (const comer of comers) {
    const subject = directory.byArn(comer);
    if (subject === undefined) continue;
    const { answer } = can(directory, subject, { action: 'sts:AssumeRole', resource: arn });
    if (answer === 'allowed') return { comer };
    if (answer === 'depends') why = 'unknown';
  }
  return { why };
}
