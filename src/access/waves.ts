// The steps of a plan carried out: wave by wave, all accounts of a wave side by side, one step at a time in each.
// A failure stops its account and whatever waits for it; the other accounts of the wave go on, later waves do not start.
import type { Account } from '../aws/index.ts';
import type { Step } from './plan.ts';
import type { Journal } from './journal.ts';

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
  /** Ids of the steps that were not tried. */
  readonly notStarted: readonly string[];
}

export interface RunContext {
  /** Carries one step out. */
  execute(account: Account, step: Step): Promise<void>;
  account(id: string): Promise<Account>;
  readonly journal: Journal;
  readonly signal?: AbortSignal | undefined;
  /** Told after every step that succeeded. */
  onDone?(step: Step): void;
}

// AWS calls in flight at one time, over all accounts.
const callsAtOnce = 16;

/** Lets at most `size` pieces of work run at one time. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

function failureOf(step: Step, error: unknown): StepFailure {
  const { name = 'Error', message = String(error) } = error instanceof Error ? error : {};
  return { account: step.account, step: step.id, code: name.replace(/Exception$/, ''), message };
}

/** One run of the steps of a plan. */
class Run {
  readonly #context: RunContext;
  readonly #gate = new Gate(callsAtOnce);
  readonly #outcomes = new Map<string, PromiseWithResolvers<boolean>>();
  readonly #stopped = new Set<string>();
  readonly failures: StepFailure[] = [];
  readonly done = new Set<string>();

  constructor(context: RunContext, steps: readonly Step[]) {
    this.#context = context;
    for (const { id } of steps) this.#outcomes.set(id, Promise.withResolvers());
  }

  /** Ends when every account of the wave has; a failure that is no refusal of AWS's is thrown only then. */
  async wave(steps: readonly Step[]): Promise<void> {
    const byAccount = Map.groupBy(steps, ({ account }) => account);
    const ended = await Promise.allSettled([...byAccount.values()].map((own) => this.#accountSteps(own)));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  async #accountSteps(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) {
        const ready = await this.#ready(step);
        const passed = ready && (await this.#gate.run(() => this.#try(step)));
        if (!passed) this.#stopped.add(step.account);
        this.#outcomes.get(step.id)!.resolve(passed);
      }
    } finally {
      // Nobody may wait for a step that will never be tried.
      for (const { id } of steps) this.#outcomes.get(id)!.resolve(false);
    }
  }

  /** Waits for what the step builds on, without holding a place in the gate. */
  async #ready(step: Step): Promise<boolean> {
    const before = await Promise.all(step.after.map((id) => this.#outcomes.get(id)?.promise ?? Promise.resolve(true)));
    return before.every(Boolean) && !this.#stopped.has(step.account) && this.#context.signal?.aborted !== true;
  }

  async #try(step: Step): Promise<boolean> {
    const { journal } = this.#context;
    const entry = journal.begin(step);
    try {
      await this.#context.execute(await this.#context.account(step.account), step);
      journal.end(entry, 'done');
      this.done.add(step.id);
      this.#context.onDone?.(step);
      return true;
    } catch (error) {
      const failure = failureOf(step, error);
      journal.end(entry, failure.code);
      this.failures.push(failure);
      return false;
    }
  }
}

/** Carries the steps out in their order. Resolves with what happened; a refused call is an outcome, not an exception. */
export async function runSteps(steps: readonly Step[], context: RunContext): Promise<RunOutcome> {
  const run = new Run(context, steps);
  for (const wave of Map.groupBy(steps, ({ wave }) => wave).values()) {
    if (run.failures.length > 0) break;
    await run.wave(wave);
  }
  const tried = new Set([...run.done, ...run.failures.map(({ step }) => step)]);
  return {
    done: run.done.size,
    failures: run.failures,
    notStarted: steps.filter(({ id }) => !tried.has(id)).map(({ id }) => id),
  };
}
