// The whole way of an apply: who calls, what AWS holds, what differs, may it be done, yes or no, do it wave by wave,
// look again. `plan` and `destroy` walk the same way. There is no state but AWS.
import { isFailure, nearestName, type Clock, type Failure, type Random } from '../base/index.ts';
import type { AwsAccounts, Caller, Sleep } from '../aws/index.ts';
import type { Wanted } from './compile.ts';
import { executeStep } from './execute.ts';
import { accessFailure } from './failures.ts';
import type { Journal, JournalHeader } from './journal.ts';
import { observeAccount } from './observe.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import { makePasswords, type PasswordSink } from './passwords.ts';
import { checkNotMoved, type PlanFile } from './plan-file.ts';
import { planChanges, planRemoval, type Plan, type Step } from './plan.ts';
import { findingLines } from './report.ts';
import type { SeenAccount, WantedAccount } from './resources.ts';
import { runSteps, type RunOutcome } from './waves.ts';

export interface PlanContext {
  readonly wanted: Wanted;
  readonly accounts: AwsAccounts;
  /** Names or ids of the only accounts to look at. */
  readonly only?: readonly string[] | undefined;
  /** Account id that the credentials must belong to. */
  readonly expectAccount?: string | undefined;
}

export interface ApplyContext extends PlanContext {
  readonly mode: 'apply' | 'destroy';
  /** A plan made before: its apply refuses when AWS has moved. */
  readonly planned?: PlanFile | undefined;
  /** Asked once, before the first write. Throws when the answer is no. */
  confirm(plan: Plan, caller: Caller): Promise<void>;
  openJournal(header: JournalHeader): Journal;
  readonly passwords?: PasswordSink | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly signal?: AbortSignal | undefined;
  onDone?(step: Step): void;
}

export interface ApplyResult {
  readonly plan: Plan;
  /** Absent when there was nothing to do. */
  readonly outcome?: RunOutcome | undefined;
  readonly journal?: string | undefined;
}

/** The wanted accounts that a run looks at. @throws Failure `account-unknown`. */
function chosenAccounts({ wanted, only }: PlanContext): WantedAccount[] {
  for (const choice of only ?? []) {
    if (wanted.accounts.some(({ id, name }) => id === choice || name === choice)) continue;
    const names = wanted.accounts.map(({ name }) => name);
    const near = nearestName(choice, names);
    throw accessFailure('account-unknown', `the definition holds no account \`${choice}\``, {
      hint: near === undefined ? `it holds ${names.join(', ')}` : `did you mean \`${near}\`?`,
    });
  }
  if (only === undefined || only.length === 0) return [...wanted.accounts];
  return wanted.accounts.filter(({ id, name }) => only.includes(id) || only.includes(name));
}

/** The organisation that the caller's account is in; `undefined` when AWS does not tell. */
async function organizationOf(accounts: AwsAccounts): Promise<{ id?: string | undefined; why?: string }> {
  try {
    const organizations = await accounts.organizations();
    return { id: (await organizations.describeOrganization({})).Organization?.Id };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** Refuses to go on with somebody else's credentials. @throws Failure `wrong-account`, `wrong-organization`. */
async function checkCaller(context: PlanContext): Promise<Caller> {
  const { accounts, wanted, expectAccount } = context;
  const caller = await accounts.caller();
  if (expectAccount !== undefined && caller.account !== expectAccount) {
    throw accessFailure(
      'wrong-account',
      `the credentials are of account \`${caller.account}\`, not \`${expectAccount}\``,
      {
        hint: 'choose another `AWS_PROFILE`, or expect this account',
      },
    );
  }
  if (caller.partition !== wanted.partition) {
    throw accessFailure(
      'wrong-account',
      `the credentials are of partition \`${caller.partition}\`, the definition is for \`${wanted.partition}\``,
      {
        hint: `set \`partition: ${caller.partition}\`, or choose other credentials`,
      },
    );
  }
  if (wanted.organization === undefined) return caller;
  const { id, why } = await organizationOf(accounts);
  if (id === wanted.organization) return caller;
  const found =
    id === undefined
      ? `AWS does not tell the organisation (${why ?? 'none'})`
      : `the credentials are of organisation \`${id}\``;
  throw accessFailure('wrong-organization', `${found}; the definition is for \`${wanted.organization}\``, {
    hint: 'choose credentials of that organisation that may call `organizations:DescribeOrganization`',
  });
}

async function observe(context: PlanContext, chosen: readonly WantedAccount[]): Promise<SeenAccount[]> {
  return forEachLimited(chosen, accountsAtOnce, async (wanted) =>
    observeAccount(await context.accounts.account(wanted.id), wanted),
  );
}

/**
 * Looks at AWS and plans. Writes nothing.
 * @throws Failure `account-unknown`, `wrong-account`, `wrong-organization`, and those of entering accounts.
 */
export async function makePlan(
  context: PlanContext,
  mode: 'apply' | 'destroy' = 'apply',
): Promise<{ plan: Plan; caller: Caller }> {
  const chosen = chosenAccounts(context);
  const caller = await checkCaller(context);
  const seen = await observe(context, chosen);
  return { plan: mode === 'apply' ? planChanges(context.wanted, seen) : planRemoval(context.wanted, seen), caller };
}

/** Error findings block. @throws Failure `findings-block`, telling each. */
function checkFindings(plan: Plan): void {
  const errors = plan.findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  throw accessFailure(
    'findings-block',
    `${errors.length} finding${errors.length === 1 ? '' : 's'} must be put right first\n${findingLines(errors).join('\n')}`,
    {
      hint: '`stint plan` shows them with everything else',
    },
  );
}

// IAM spreads a write within seconds; the reads of a run may be answered by a place that has not heard of it.
const readBackTries = 10;
const readBackPause = 1000;

/** What AWS still shows otherwise than wanted; the failure of a read that cannot tell. */
async function remaining(
  context: ApplyContext,
  chosen: readonly WantedAccount[],
): Promise<readonly string[] | Failure> {
  try {
    const seen = await observe(context, chosen);
    const rest = context.mode === 'apply' ? planChanges(context.wanted, seen) : planRemoval(context.wanted, seen);
    return rest.changes.map(({ id }) => id);
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
}

/** Looks again at the accounts that were written, until AWS shows what was wanted. */
async function readBack(context: ApplyContext, written: ReadonlySet<string>): Promise<void> {
  const chosen = context.wanted.accounts.filter(({ id }) => written.has(id));
  for (let attempt = 1; ; attempt++) {
    const rest = await remaining(context, chosen);
    if (!isFailure(rest) && rest.length === 0) return;
    if (attempt < readBackTries) await context.sleep(readBackPause, context.signal);
    else if (isFailure(rest)) throw rest;
    else {
      const ids = rest.slice(0, 5).map((id) => `\`${id}\``);
      throw accessFailure(
        'read-back-differs',
        `AWS took every call, but still shows another state of ${ids.join(', ')}`,
        {
          hint: 'run `stint plan`: somebody else may be changing the same things',
        },
      );
    }
  }
}

function failuresText(plan: Plan, { failures, notStarted }: RunOutcome): string {
  const lines = failures.map(({ account, step, code, message }) => {
    const name = plan.accounts.find(({ id }) => id === account)?.name ?? account;
    return `${name} stopped at ${step}: ${code}: ${message}`;
  });
  return [...lines, ...(notStarted.length > 0 ? [`${notStarted.length} steps were not started`] : [])].join('\n');
}

/** Carries out what was confirmed. @throws Failure `apply-failed`, `interrupted`, `read-back-differs`. */
async function carryOut(
  context: ApplyContext,
  plan: Plan,
  caller: Caller,
): Promise<{ outcome: RunOutcome; journal: string }> {
  const { definition } = context.wanted;
  const journal = context.openJournal({ definition, caller: caller.arn, mode: context.mode });
  try {
    const outcome = await runSteps(plan.steps, {
      execute: (account, step) => executeStep(account, step, definition),
      account: (id) => context.accounts.account(id),
      journal,
      signal: context.signal,
      onDone: (step) => context.onDone?.(step),
    });
    if (outcome.failures.length > 0) {
      throw accessFailure('apply-failed', failuresText(plan, outcome), {
        hint: 'put the cause right and apply again: what is done stays done, and only the rest is planned',
        detail: outcome,
      });
    }
    if (outcome.notStarted.length > 0) {
      throw accessFailure('interrupted', `stopped on request; ${outcome.notStarted.length} steps were not started`, {
        hint: 'apply again to go on: only the rest is planned',
      });
    }
    await readBack(context, new Set(plan.steps.map(({ account }) => account)));
    return { outcome, journal: journal.file };
  } finally {
    journal.close();
  }
}

/**
 * Makes AWS as the definition says, or takes down what the definition made.
 * @throws Failure everything that `makePlan` throws, `findings-block`, `plan-moved`, what `confirm` throws,
 * `apply-failed`, `interrupted`, `read-back-differs`.
 */
export async function applyDefinition(context: ApplyContext): Promise<ApplyResult> {
  const { plan, caller } = await makePlan(context, context.mode);
  if (context.planned !== undefined) checkNotMoved(context.planned, plan);
  checkFindings(plan);
  const passwords = context.mode === 'apply' && context.passwords !== undefined && plan.passwords.length > 0;
  if (plan.steps.length === 0 && !passwords) return { plan };
  await context.confirm(plan, caller);
  const done = plan.steps.length === 0 ? {} : await carryOut(context, plan, caller);
  if (passwords) await makePasswords(plan, context.accounts, context.random, context.passwords);
  return { plan, ...done };
}
