// Would a change lock its makers out? A pure verdict over the accounts before and after it: whoever carries changes out
// keeps his way in, each account keeps an administrator and its break-glass, and nobody loses MFA and password.
import { markedTag } from './ownership.ts';
import type { Directory, Escalations, RoleDetails } from '../policy/index.ts';

type Subject = Directory['subjects'][number];

export interface LockOutReason {
  readonly code: 'executor-changed' | 'caller-locked-out' | 'no-administrator' | 'no-break-glass' | 'user-locked-out';
  /** Id of the account. */
  readonly account: string;
  /** `role/stint-executor`, `user/alice`. */
  readonly resource?: string | undefined;
  readonly message: string;
  readonly hint: string;
}

export interface LockOutVerdict {
  readonly ok: boolean;
  readonly reasons: readonly LockOutReason[];
}

export interface LockOutOptions {
  /** Names of the roles by which accounts are entered to carry changes out. */
  readonly entryRoles: readonly string[];
  /** The caller takes the loss of his own way in upon himself. */
  readonly forced?: boolean | undefined;
}

/** Value of the tag of those that are the way in when all else fails. */
const breakGlass = 'break-glass';

/** One state of the accounts, with what was found out about it. */
class State {
  readonly directory: Directory;
  readonly #escalations: Escalations;
  readonly #reach = new Map<Subject, ReadonlySet<string>>();

  constructor(escalations: Escalations) {
    this.directory = escalations.directory;
    this.#escalations = escalations;
  }

  get accounts(): readonly string[] {
    return this.directory.details.accounts.map(({ id }) => id);
  }

  /** Accounts in which somebody is an administrator, or becomes one by assuming a role. */
  administers(subject: Subject): ReadonlySet<string> {
    const known = this.#reach.get(subject);
    if (known !== undefined) return known;
    const own = this.#escalations.isAdministrator(subject) ? [subject.account.id] : [];
    const assumed = this.#escalations
      .edgesFrom(subject)
      .filter(({ method, to }) => method.id === 'assume' && this.#escalations.isAdministrator(to!))
      .map(({ to }) => to!.account.id);
    const found = new Set([...own, ...assumed]);
    this.#reach.set(subject, found);
    return found;
  }

  users(): readonly Subject[] {
    return this.directory.subjects.filter(({ kind }) => kind === 'user');
  }

  /** The principal behind the ARN of a user, a role or a session. */
  behind(arn: string): Subject | undefined {
    const session = /^arn:[^:]+:sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn);
    if (session === null) return this.directory.byArn(arn);
    return this.directory.subjects.find(({ role, account }) => role?.name === session[2] && account.id === session[1]);
  }
}

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const sides = ({ trust, policies, boundary }: RoleDetails): unknown => ({ trust, policies, boundary });

function executorReasons(before: State, after: State, entryRoles: readonly string[]): LockOutReason[] {
  return before.directory.subjects.flatMap((subject): LockOutReason[] => {
    if (subject.role === undefined || !entryRoles.includes(subject.name)) return [];
    const later = after.directory.byArn(subject.arn)?.role;
    if (later !== undefined && sameJson(sides(subject.role), sides(later))) return [];
    const what = later === undefined ? 'is removed' : 'is changed';
    return [
      {
        code: 'executor-changed',
        account: subject.account.id,
        resource: `role/${subject.name}`,
        message: `the role by which this account is entered ${what}: the next run might not get in`,
        hint: 'leave this role as it is; with another way in at the ready, `--allow-lock-out` goes on',
      },
    ];
  });
}

function callerReasons(before: State, after: State, caller: string): LockOutReason[] {
  const [was, is] = [before.behind(caller), after.behind(caller)];
  if (was === undefined) return [];
  const left = is === undefined ? new Set<string>() : after.administers(is);
  return [...before.administers(was)]
    .filter((account) => !left.has(account) && after.accounts.includes(account))
    .map((account) => ({
      code: 'caller-locked-out',
      account,
      message: `\`${caller}\`, who makes this change, has no way to administer this account afterwards`,
      hint: 'keep a role here that this caller may assume, let somebody else apply, or go on with `--allow-lock-out`',
    }));
}

function administratorReasons(before: State, after: State): LockOutReason[] {
  const waysInto = (state: State, account: string): Subject[] =>
    state.users().filter((user) => state.administers(user).has(account));
  return after.accounts
    .filter((account) => waysInto(before, account).length > 0 && waysInto(after, account).length === 0)
    .map((account) => ({
      code: 'no-administrator',
      account,
      message: 'no user is an administrator here afterwards, nor can become one by assuming a role',
      hint: 'keep one user or role with `AdministratorAccess` that a person can reach',
    }));
}

function breakGlassReasons(before: State, after: State): LockOutReason[] {
  const marked = before.users().filter(({ user }) => user?.tags[markedTag] === breakGlass);
  return marked.flatMap((user): LockOutReason[] => {
    const later = after.directory.byArn(user.arn);
    const left = later === undefined ? new Set<string>() : after.administers(later);
    return [...before.administers(user)]
      .filter((account) => !left.has(account) && after.accounts.includes(account))
      .map((account) => ({
        code: 'no-break-glass',
        account,
        resource: `user/${user.name}`,
        message: `${user.name}, kept for when all else fails, has no way to administer this account afterwards`,
        hint: 'leave the break-glass user and its way in as they are',
      }));
  });
}

/** What a person must be able to do with nothing but a password. */
function selfService({ account, name, arn }: Subject): readonly (readonly [string, string])[] {
  const mfa = `arn:${account.partition}:iam::${account.id}:mfa/${name}`;
  return [
    ['iam:ChangePassword', arn],
    ['iam:CreateVirtualMFADevice', mfa],
    ['iam:EnableMFADevice', arn],
  ];
}

function userReasons(before: State, after: State): LockOutReason[] {
  const withoutMfa = { context: { 'aws:MultiFactorAuthPresent': 'false' }, absent: ['aws:MultiFactorAuthAge'] };
  return before.users().flatMap((user): LockOutReason[] => {
    const later = after.directory.byArn(user.arn);
    // Whoever is left without any policy is let go, not locked out.
    if (later === undefined || later.policies().source.identity.length === 0) return [];
    const lost = selfService(user).filter(([action, resource]) => {
      const question = { action, resource, ...withoutMfa };
      return (
        before.directory.ask(user, question).answer !== 'denied' &&
        after.directory.ask(later, question).answer === 'denied'
      );
    });
    if (lost.length === 0) return [];
    return [
      {
        code: 'user-locked-out',
        account: user.account.id,
        resource: `user/${user.name}`,
        message: `${user.name} can no longer call ${lost.map(([action]) => `\`${action}\``).join(', ')} without MFA`,
        hint: 'leave these out of what is denied without MFA, and allow them on `${aws:username}`',
      },
    ];
  });
}

/**
 * The verdict about a change. What was not there before cannot be lost: an account that had no administrator may go on
 * without. `caller` is the ARN of whoever makes the change; a session counts as its role.
 */
export function lockOut(
  before: Escalations,
  after: Escalations,
  caller: string,
  options: LockOutOptions,
): LockOutVerdict {
  const [was, is] = [new State(before), new State(after)];
  const own = options.forced === true ? [] : callerReasons(was, is, caller);
  const reasons = [
    ...executorReasons(was, is, options.entryRoles),
    ...own,
    ...administratorReasons(was, is),
    ...breakGlassReasons(was, is),
    ...userReasons(was, is),
  ];
  return { ok: reasons.length === 0, reasons };
}
