// The whole way of an apply: who calls, what AWS holds, what differs, may it be done, yes or no, one lease an account,
// do it wave by wave, look again. `plan`, `destroy` and `undo` walk the same way. There is no state but AWS.
import { isFailure, type Clock, type Failure, type Random } from '../base/index.ts';
import type { Caller, Sleep } from '../aws/index.ts';
import { located, type Locator } from './definition-place.ts';
import { executeStep } from './execute.ts';
import { accessFailure } from './failures.ts';
import type { Journal, JournalHeader, RunHolder, RunMode } from './journal.ts';
import { AccountLeases, removeEnded } from './account-leases.ts';
import type { LeaseTaker } from './lease.ts';
import { observeAccount } from './observe.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import { accessOf, meaningOf } from './meaning.ts';
import { makePasswords, type PasswordSink } from './passwords.ts';
import { checkNotMoved, checkStands, type PlanFile } from './plan-file.ts';
import { planFindings } from './plan-findings.ts';
import { checkOutcome, checkReady } from './outcome.ts';
import { planChanges, planRemoval, type Plan, type Step } from './plan.ts';
import { Prover, type Readiness } from './prove.ts';
import { readBack } from './read-back.ts';
import { findingLines } from './report-findings.ts';
import type { SeenAccount, WantedAccount } from './resources.ts';
import type { RunEvent } from './run-events.ts';
import { checkCaller, chosenAccounts, type RunScope } from './scope.ts';
import { SharedParts } from './share.ts';
import { runSteps, type RunOutcome, type Tolerance } from './waves.ts';

export interface PlanContext extends RunScope {
  /** `apply` unless given; for an undo, `planFrom` says what is planned. */
  readonly mode?: RunMode | undefined;
  /** Plans from what AWS shows; unless given, the changes that the definition wants. */
  readonly planFrom?: ((seen: readonly SeenAccount[]) => Plan) | undefined;
  /** A plan that locks somebody out is told of and not refused. */
  readonly allowLockOut?: boolean | undefined;
  /** Tells where things stand in the definition's file, where it was loaded from one. */
  readonly locator?: Locator | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

export interface ApplyContext extends PlanContext {
  readonly mode: RunMode;
  /** A plan made before: its apply refuses when AWS has moved. */
  readonly planned?: PlanFile | undefined;
  /** Asked once, before the first write. Throws when the answer is no. */
  confirm(plan: Plan, caller: Caller): Promise<void>;
  openJournal(header: JournalHeader): Journal;
  /** This process, for the journal and for whoever meets its leases. */
  readonly holder: RunHolder;
  /** Whether a run of this machine is known to have ended. */
  readonly hasEnded: (run: string, holder: RunHolder) => boolean;
  readonly breakLease?: boolean | undefined;
  readonly tolerate?: Tolerance | undefined;
  /** The run that an undo takes back. */
  readonly undoes?: string | undefined;
  readonly passwords?: PasswordSink | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly signal?: AbortSignal | undefined;
}

export interface ApplyResult {
  readonly plan: Plan;
  /** Absent when there was nothing to do. */
  readonly outcome?: RunOutcome | undefined;
  /** Which roles were proved ready by being assumed, and which could only be read. */
  readonly readiness?: Readiness | undefined;
  readonly journal?: string | undefined;
  readonly run?: string | undefined;
}

async function observe(context: PlanContext, chosen: readonly WantedAccount[]): Promise<SeenAccount[]> {
  const parts = new SharedParts();
  return forEachLimited(chosen, accountsAtOnce, async (wanted) =>
    observeAccount(await context.accounts.account(wanted.id), wanted, {
      definition: context.wanted.definition,
      organizations: () => context.accounts.organizations(),
      parts,
    }),
  );
}

function planOf({ wanted, mode, planFrom }: PlanContext, seen: readonly SeenAccount[]): Plan {
  if (planFrom !== undefined) return planFrom(seen);
  return mode === 'destroy' ? planRemoval(wanted, seen) : planChanges(wanted, seen);
}

interface Made {
  readonly plan: Plan;
  readonly caller: Caller;
  readonly seen: readonly SeenAccount[];
}

/**
 * Looks at AWS and plans. Writes nothing.
 * @throws Failure `account-unknown`, `wrong-account`, `wrong-organization`, and those of entering accounts.
 */
export async function makePlan(context: PlanContext): Promise<Made> {
  const chosen = chosenAccounts(context);
  const caller = await checkCaller(context);
  context.onEvent?.({ type: 'reading', accounts: chosen.length });
  const seen = await observe(context, chosen);
  const plan = planOf(context, seen);
  const { locator } = context;
  const { towards: wanted = context.wanted } = plan;
  const access = await accessOf(plan, wanted, seen);
  // What a plan from elsewhere leads to, its journal or AWS says: that is judged too, and blocks nothing.
  const elsewhere = context.planFrom !== undefined;
  const mode = elsewhere || context.mode === 'destroy' ? 'destroy' : 'apply';
  const blocks = mode === 'apply' && context.allowLockOut !== true;
  const findings = planFindings({ wanted, accounts: chosen, access, caller, mode, blocks, locator });
  const told = located([...plan.findings, ...findings], locator);
  return { plan: { ...plan, meaning: meaningOf(access), findings: told }, caller, seen };
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

/** What AWS still shows otherwise than wanted; the failure of a read that cannot tell. */
async function remaining(
  context: ApplyContext,
  chosen: readonly WantedAccount[],
): Promise<readonly string[] | Failure> {
  try {
    return planOf(context, await observe(context, chosen)).changes.map(({ id }) => id);
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
}

/** Looks again at the accounts that were written, until AWS shows what was wanted. */
async function lookAgain(context: ApplyContext, steps: readonly Step[]): Promise<void> {
  const written = new Set(steps.map(({ account }) => account));
  const chosen = context.wanted.accounts.filter(({ id }) => written.has(id));
  context.onEvent?.({ type: 'reading-back', accounts: chosen.length });
  await readBack(context, steps, () => remaining(context, chosen));
}

function headerOf(context: ApplyContext, plan: Plan, caller: Caller): JournalHeader {
  const { definition, organization, partition, executor, stages } = context.wanted;
  return {
    definition,
    caller: caller.arn,
    mode: context.mode,
    organization,
    partition,
    executor,
    stages,
    accounts: plan.accounts,
    holder: context.holder,
    undoes: context.undoes,
  };
}

/** Whether two looks at an account show the same; leases come and go. */
function sameSeen(one: SeenAccount, other: SeenAccount): boolean {
  const shown = (account: SeenAccount): string => JSON.stringify({ ...account, leases: undefined });
  return one === other || shown(one) === shown(other);
}

/**
 * Once nobody else can write: the accounts are looked at again, for between the plan and the yes anything may have
 * happened. @throws Failure `plan-moved`, `lease-held`.
 */
async function checkAgain(context: ApplyContext, { plan, seen }: Made, leases: AccountLeases): Promise<void> {
  const again = await observe(
    context,
    context.wanted.accounts.filter(({ id }) => leases.accounts.has(id)),
  );
  await leases.settle(again);
  const fresh = new Map(again.map((account) => [account.id, account]));
  // What is seen again as it was is planned again as it was.
  if (seen.every((account) => sameSeen(account, fresh.get(account.id) ?? account))) return;
  checkStands(
    plan,
    planOf(
      context,
      seen.map((account) => fresh.get(account.id) ?? account),
    ),
  );
}

/** Carries out what was confirmed. @throws Failure `apply-failed`, `interrupted`, `read-back-differs`, `role-not-ready`, `lease-held`… */
async function carryOut(
  context: ApplyContext,
  made: Made,
): Promise<Required<Pick<ApplyResult, 'outcome' | 'readiness' | 'journal' | 'run'>>> {
  const { plan, caller, seen } = made;
  const { partition, organization } = context.wanted;
  const journal = context.openJournal(headerOf(context, plan, caller));
  const { run, file } = journal;
  const taker: LeaseTaker = { ...context, run, caller: caller.arn };
  const leases = new AccountLeases(context.accounts, taker);
  let ended = 'failed';
  try {
    const written = new Set(plan.steps.map(({ account }) => account));
    await leases.take(seen.filter(({ id }) => written.has(id)));
    await checkAgain(context, made, leases);
    // The others have nothing to be done but this.
    await removeEnded(
      context,
      seen.filter(({ id }) => !written.has(id)),
    );
    const prover = new Prover({ ...context, partition, organization, seen }, plan.steps);
    const outcome = await runSteps(plan.steps, {
      execute: (account, step) => executeStep(account, step, plan.definition, () => context.accounts.organizations()),
      account: (id) => context.accounts.account(id),
      journal,
      tolerate: context.tolerate,
      signal: context.signal,
      mayWrite: (account) => leases.keep(account),
      prove: (done) => prover.prove(done),
      onEvent: (event) => context.onEvent?.(event),
    });
    checkOutcome(plan, outcome, prover);
    await lookAgain(context, plan.steps);
    checkReady(prover);
    ended = 'done';
    return { outcome, readiness: prover.readiness, journal: file, run };
  } catch (error) {
    ended = isFailure(error) ? error.code : 'failed';
    throw error;
  } finally {
    journal.close(ended);
    await leases.release();
  }
}

/**
 * Makes AWS as the definition says, takes down what the definition made, or takes a run back.
 * @throws Failure everything that `makePlan` throws, `findings-block`, `plan-moved`, what `confirm` throws,
 * `lease-held`, `apply-failed`, `interrupted`, `read-back-differs`, `role-not-ready`.
 */
export async function applyDefinition(context: ApplyContext): Promise<ApplyResult> {
  const made = await makePlan(context);
  const { plan, caller, seen } = made;
  if (context.planned !== undefined) checkNotMoved(context.planned, plan);
  checkFindings(plan);
  const passwords = context.mode === 'apply' && context.passwords !== undefined && plan.passwords.length > 0;
  if (plan.steps.length === 0) await removeEnded(context, seen);
  if (plan.steps.length === 0 && !passwords) return { plan };
  await context.confirm(plan, caller);
  const done = plan.steps.length === 0 ? {} : await carryOut(context, made);
  if (passwords) await makePasswords(plan, context.accounts, context.random, context.passwords);
  return { plan, ...done };
}
