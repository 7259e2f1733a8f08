// How far a run is: a live table where a terminal is, lines where none is, JSON lines for programs.
import { systemClock, type Millis } from '../base/index.ts';
import type { Budget } from '../aws/index.ts';
import type { Plan, RunEvent, Wanted } from '../access/index.ts';
import type { Io } from './command.ts';
import { say } from './output.ts';
import { startTable, type TableState } from './progress-table.ts';

export interface Progress {
  /** From here on the terminal is the table's: every question has been asked. */
  readonly begin: (plan: Plan) => void;
  readonly onEvent: (event: RunEvent) => void;
  readonly end: () => void;
}

export interface ProgressOptions {
  /** JSON lines, one an event, on stderr: stdout holds the one result. */
  readonly json: boolean;
  readonly budgets: () => readonly Budget[];
}

interface AccountProgress {
  readonly name: string;
  readonly wave: string;
  readonly total: number;
  done: number;
  state: 'waiting' | 'begun' | 'done' | 'stopped';
  problem?: string;
}

/** What the events of a run add up to. */
class Tally implements TableState {
  readonly #wanted: Wanted;
  readonly accounts = new Map<string, AccountProgress>();
  planned = 0;
  startedAt: Millis | undefined;
  reading = '';

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  nameOf(account: string): string {
    return this.#wanted.accounts.find(({ id }) => id === account)?.name ?? account;
  }

  take(event: RunEvent): void {
    if (event.type === 'reading' || event.type === 'reading-back') {
      this.reading = `reading ${event.accounts} accounts${event.type === 'reading' ? '' : ' back'}`;
    } else if (event.type === 'wave') {
      this.reading = '';
      this.startedAt ??= systemClock.now();
      const wave = this.#wanted.stages[event.wave] ?? String(event.wave);
      for (const { id, steps } of event.accounts) {
        // An account may have steps in several waves.
        const { done = 0, total = 0 } = this.accounts.get(id) ?? {};
        this.accounts.set(id, { name: this.nameOf(id), wave, total: total + steps, done, state: 'waiting' });
      }
    } else if (event.type === 'proving') this.reading = `assuming ${event.roles} roles, to see that they are ready`;
    else if (event.type === 'proved') this.reading = '';
    else this.#takeAccount(event);
  }

  #takeAccount(event: Extract<RunEvent, { readonly account: string }>): void {
    const account = this.accounts.get(event.account);
    if (account === undefined) return;
    if (event.type === 'account') account.state = event.state;
    else if (event.outcome === 'done') account.done++;
    else account.problem = event.outcome;
  }
}

function lineOf(tally: Tally, event: RunEvent): string | undefined {
  if (event.type === 'wave') {
    const names = event.accounts.map(({ id }) => tally.nameOf(id));
    const shown = names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
    const steps = event.accounts.reduce((sum, { steps }) => sum + steps, 0);
    return `wave: ${shown} (${steps} steps)`;
  }
  if (event.type === 'proving') return `assuming ${event.roles} roles, to see that they are ready`;
  if (event.type === 'account' && event.state !== 'begun') {
    const { done, total, problem } = tally.accounts.get(event.account)!;
    const how = event.state === 'done' ? 'done' : `stopped${problem === undefined ? '' : `: ${problem}`}`;
    return `${tally.nameOf(event.account)}: ${how}, ${done}/${total} steps`;
  }
  return undefined;
}

/** Opens the progress of a run. Nothing is shown with `--quiet`. */
export function openProgress(io: Io, wanted: Wanted, { json, budgets }: ProgressOptions): Progress {
  const tally = new Tally(wanted);
  if (json) {
    const time = (): string => new Date(systemClock.now()).toISOString();
    return {
      begin: () => undefined,
      onEvent: (event) => say(io, JSON.stringify({ time: time(), ...event })),
      end: () => undefined,
    };
  }
  const live = io.stderr.isTTY && io.quiet !== true;
  let table: { stop(): void } | undefined;
  return {
    begin: ({ steps }) => {
      tally.planned = steps.length;
      if (live) table = startTable(io, tally, budgets);
    },
    onEvent: (event) => {
      tally.take(event);
      const line = live ? undefined : lineOf(tally, event);
      if (line !== undefined) say(io, line);
    },
    end: () => table?.stop(),
  };
}
