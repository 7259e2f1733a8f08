// The steps of a plan carried out: wave by wave, the accounts of a wave side by side, one step at a time in each.
// A failure stops its account and whatever waits for it; a role that is not ready after its wave counts as one. Where
// more accounts of a wave fail than are tolerated, no other account begins and no later wave starts; accounts that have
// begun go on to their end.
import { isFailure } from '../base/index.ts';
import type { Account } from '../aws/index.ts';
import type { Journal } from './journal.ts';
import { accountsAtOnce, Gate } from './parallel.ts';
import type { Step } from './plan.ts';
import type { RunEvent } from './run-events.ts';

export interface StepFailure {
  readonly account: string;
  readonly step: string;
  /** AWS's error code. */
  readonly code: string;
  readonly message: string;
}

export interface RunOutcome {
  readonly done: number;
  readonly failures: readonly StepFailure[];
  /** Ids of the steps that were not tried, or broken off by a stop. */
  readonly notStarted: readonly string[];
}

/** How many accounts of a wave may fail before later waves do not start: a number, or per cent of the wave's. */
export type Tolerance = { readonly accounts: number } | { readonly percent: number };

export interface RunContext {
  /** Carries one step out. */
  execute(account: Account, step: Step): Promise<void>;
  account(id: string): Promise<Account>;
  readonly journal: Journal;
  /** None unless given. */
  readonly tolerate?: Tolerance | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called before every step; a throw stops the account. */
  readonly mayWrite?: ((account: string) => Promise<void>) | undefined;
  /** Called after a wave with its steps that were done: resolves with the accounts whose roles are not ready. */
  readonly prove?: ((done: readonly Step[]) => Promise<ReadonlySet<string>>) | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

function failureOf(step: Step, error: unknown): StepFailure {
  const { name = 'Error', message = String(error) } = error instanceof Error ? error : {};
  const code = isFailure(error) ? error.code : name.replace(/Exception$/, '');
  return { account: step.account, step: step.id, code, message };
}

function toleratedOf(tolerance: Tolerance | undefined, accounts: number): number {
  if (tolerance === undefined) return 0;
  return 'accounts' in tolerance ? tolerance.accounts : Math.floor((tolerance.percent / 100) * accounts);
}

/** One run of the steps of a plan. */
class Run {
  readonly #context: RunContext;
  readonly #gate = new Gate(accountsAtOnce);
  readonly #steps: ReadonlySet<string>;
  readonly #settled = new Map<string, boolean>();
  /** Of steps that other accounts wait for. */
  readonly #awaited = new Map<string, PromiseWithResolvers<boolean>>();
  readonly #stopped = new Set<string>();
  #failedInWave = 0;
  #tolerated = 0;
  readonly failures: StepFailure[] = [];
  readonly done = new Set<string>();

  constructor(context: RunContext, steps: readonly Step[]) {
    this.#context = context;
    this.#steps = new Set(steps.map(({ id }) => id));
  }

  /** Whether the wave ended within the tolerance; a failure that is no refusal of AWS's is thrown only at its end. */
  async wave(wave: number, steps: readonly Step[]): Promise<boolean> {
    const byAccount = Map.groupBy(steps, ({ account }) => account);
    this.#failedInWave = 0;
    this.#tolerated = toleratedOf(this.#context.tolerate, byAccount.size);
    this.#tell({ type: 'wave', wave, accounts: [...byAccount].map(([id, own]) => ({ id, steps: own.length })) });
    const ended = await Promise.allSettled([...byAccount].map(([account, own]) => this.#accountSteps(account, own)));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    const unready = await this.#context.prove?.(steps.filter(({ id }) => this.done.has(id)));
    const unproved = [...(unready ?? [])].filter((account) => !this.#stopped.has(account)).length;
    return this.#failedInWave + unproved <= this.#tolerated;
  }

  async #accountSteps(account: string, steps: readonly Step[]): Promise<void> {
    let begun = false;
    await this.#gate.enter();
    try {
      for (const step of steps) {
        const ready: boolean = (await this.#built(step)) && this.#mayGoOn(account, begun);
        if (ready && !begun) this.#tell({ type: 'account', account, state: 'begun' });
        begun ||= ready;
        const passed = ready && (await this.#try(step));
        if (!passed) this.#stopped.add(account);
        this.#settle(step.id, passed);
      }
    } finally {
      this.#gate.leave();
      // Nobody may wait for a step that will never be tried.
      for (const { id } of steps) this.#settle(id, false);
      this.#tell({ type: 'account', account, state: this.#stopped.has(account) ? 'stopped' : 'done' });
    }
  }

  #settle(step: string, passed: boolean): void {
    if (this.#settled.has(step)) return;
    this.#settled.set(step, passed);
    this.#awaited.get(step)?.resolve(passed);
  }

  /** Whether what the step builds on succeeded. While it waits for other accounts, one of those may take its place. */
  async #built({ after }: Step): Promise<boolean> {
    const own = after.filter((id) => this.#steps.has(id));
    const open = own.filter((id) => !this.#settled.has(id));
    if (open.length > 0) {
      this.#gate.leave();
      await Promise.all(open.map((id) => this.#end(id)));
      await this.#gate.enter();
    }
    return own.every((id) => this.#settled.get(id) === true);
  }

  #end(step: string): Promise<boolean> {
    const awaited = this.#awaited.get(step) ?? Promise.withResolvers<boolean>();
    this.#awaited.set(step, awaited);
    return awaited.promise;
  }

  #mayGoOn(account: string, begun: boolean): boolean {
    if (this.#stopped.has(account) || this.#context.signal?.aborted === true) return false;
    return begun || this.#failedInWave <= this.#tolerated;
  }

  async #try(step: Step): Promise<boolean> {
    const { journal, mayWrite } = this.#context;
    const refused = await mayWrite?.(step.account).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (refused !== undefined) return this.#broken(step, refused.error);
    // Without its entry no call is made, in no account.
    const entry = journal.begin(step);
    try {
      await this.#context.execute(await this.#context.account(step.account), step);
    } catch (error) {
      return this.#broken(step, error, entry);
    }
    journal.end(entry, 'done');
    this.done.add(step.id);
    this.#tell({ type: 'step', account: step.account, step: step.id, outcome: 'done' });
    return true;
  }

  #broken(step: Step, error: unknown, entry?: number): false {
    // A stop may break off a call that waits for its next try: whether it wrote is found out by the next plan.
    const stopped = this.#context.signal?.aborted === true && (error as Error).name === 'AbortError';
    const failure = failureOf(step, error);
    if (entry !== undefined) this.#context.journal.end(entry, stopped ? 'interrupted' : failure.code);
    if (!stopped) this.#fail(failure);
    return false;
  }

  #fail(failure: StepFailure): void {
    this.failures.push(failure);
    this.#failedInWave++;
    this.#tell({ type: 'step', account: failure.account, step: failure.step, outcome: failure.code });
  }

  #tell(event: RunEvent): void {
    this.#context.onEvent?.(event);
  }
}

/** Carries the steps out in their order. Resolves with what happened; a refused call is an outcome, not an exception. */
export async function runSteps(steps: readonly Step[], context: RunContext): Promise<RunOutcome> {
  const run = new Run(context, steps);
  for (const [wave, own] of Map.groupBy(steps, ({ wave }) => wave)) {
    if (!(await run.wave(wave, own)) || context.signal?.aborted === true) break;
  }
  const tried = new Set([...run.done, ...run.failures.map(({ step }) => step)]);
  return {
    done: run.done.size,
    failures: run.failures,
    notStarted: steps.filter(({ id }) => !tried.has(id)).map(({ id }) => id),
  };
}
