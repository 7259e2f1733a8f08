// The live table of a run: drawn over itself, never taller than the terminal; the accounts that move come first.
import { formatDuration, systemClock, type Millis } from '../base/index.ts';
import type { Budget } from '../aws/index.ts';
import type { Io } from './command.ts';

export interface TableState {
  readonly accounts: ReadonlyMap<
    string,
    {
      readonly name: string;
      readonly wave: string;
      readonly total: number;
      readonly done: number;
      readonly state: 'waiting' | 'begun' | 'done' | 'stopped';
      readonly problem?: string;
    }
  >;
  /** When the first call was made. */
  readonly startedAt: Millis | undefined;
  /** What is being read, when nothing is written. */
  readonly reading: string;
}

const redrawMillis = 120;
const mostRows = 20;
const order = { stopped: 0, begun: 1, waiting: 2, done: 3 } as const;
const barWidth = 20;

function bar(done: number, total: number): string {
  const full = total === 0 ? barWidth : Math.round((done / total) * barWidth);
  return `${'#'.repeat(full)}${'.'.repeat(barWidth - full)}`;
}

/** Of accounts that AWS has throttled: at which pace they are called now. */
function throttleText(account: string, budgets: readonly Budget[]): string {
  const slowed = budgets.filter((it) => it.account === account && it.slowed);
  return slowed
    .map(({ api, rate }) => `${api} throttled to ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`)
    .join(', ');
}

/** The lines of the table: pure, so that they can be looked at. `rows` is the most that fit. */
export function tableLines(state: TableState, budgets: readonly Budget[], now: Millis, rows: number): string[] {
  const accounts = [...state.accounts].sort(([, a], [, b]) => order[a.state] - order[b.state]);
  const total = accounts.reduce((sum, [, it]) => sum + it.total, 0);
  const done = accounts.reduce((sum, [, it]) => sum + it.done, 0);
  const width = Math.max(0, ...accounts.map(([, { name }]) => name.length));
  const shown = accounts.slice(0, Math.max(1, Math.min(rows - 3, mostRows)));
  const lines = shown.map(([id, it]) => {
    const note = it.problem ?? throttleText(id, budgets);
    return `${it.name.padEnd(width)}  ${it.wave}  ${bar(it.done, it.total)} ${it.done}/${it.total} ${it.state}${note === '' ? '' : `  ${note}`}`;
  });
  const hidden = accounts.length - shown.length;
  const elapsed = state.startedAt === undefined ? 0 : now - state.startedAt;
  const left = done === 0 || done === total ? undefined : Math.ceil(((elapsed / done) * (total - done)) / 1000);
  const sum = `${done}/${total} steps of this run so far${left === undefined ? '' : `, about ${formatDuration(left)} left in these waves`}`;
  return [
    ...lines,
    ...(hidden > 0 ? [`… and ${hidden} more accounts`] : []),
    ...(state.reading === '' ? [] : [state.reading]),
    ...(accounts.length === 0 ? [] : [sum]),
  ];
}

/** Draws until it is stopped; then the last picture goes, and what the command prints stands alone. */
export function startTable(io: Io, state: TableState, budgets: () => readonly Budget[]): { stop(): void } {
  let drawn = 0;
  const clear = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`);
  const draw = (): void => {
    const columns = io.stderr.columns || 80;
    const lines = tableLines(state, budgets(), systemClock.now(), io.stderr.rows || 24);
    io.stderr.write(`${clear()}${lines.map((line) => `${line.slice(0, columns - 1)}\n`).join('')}`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, redrawMillis);
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
      io.stderr.write(clear());
      drawn = 0;
    },
  };
}
