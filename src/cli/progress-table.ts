// The live table of a run: drawn over itself, never taller or wider than the terminal; the accounts that move come first.
import { formatDuration, systemClock, type Millis } from '../base/index.ts';
import type { Budget } from '../aws/index.ts';
import type { Io } from './command.ts';

interface TableRow {
  readonly name: string;
  readonly wave: string;
  readonly total: number;
  readonly done: number;
  readonly state: 'waiting' | 'begun' | 'done' | 'stopped';
  readonly problem?: string;
}

export interface TableState {
  readonly accounts: ReadonlyMap<string, TableRow>;
  /** Steps of the whole plan, later waves included. */
  readonly planned: number;
  /** When the first call was made. */
  readonly startedAt: Millis | undefined;
  /** What is being read, when nothing is written. */
  readonly reading: string;
}

export interface TableFrame {
  readonly columns: number;
  readonly rows: number;
  /** The run was asked to stop, and ends what it has begun. */
  readonly stopping: boolean;
}

const redrawMillis = 120;
const mostRows = 20;
const order = { stopped: 0, begun: 1, waiting: 2, done: 3 } as const;
const widestBar = 20;
const narrowestBar = 5;
const shortestName = 8;
/** Lines beside those of accounts: how many are not shown, what is read, the sum, and where the cursor rests. */
const otherLines = 4;

function bar(done: number, total: number, width: number): string {
  const full = total === 0 ? width : Math.round((done / total) * width);
  return `${'#'.repeat(full)}${'.'.repeat(width - full)}`;
}

/** Of accounts that AWS has throttled: at which pace they are called now. */
function throttleText(account: string, budgets: readonly Budget[]): string {
  const slowed = budgets.filter((it) => it.account === account && it.slowed);
  return slowed
    .map(({ api, rate }) => `${api} throttled to ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`)
    .join(', ');
}

interface Widths {
  readonly name: number;
  /** 0: the column is left out. */
  readonly wave: number;
  readonly bar: number;
  readonly count: number;
}

const countText = ({ done, total }: TableRow): string => `${done}/${total}`;
const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));

/** The columns that fit: the bar gives way first, then the stage, then the bar altogether, then the ends of names. */
function widthsOf(shown: readonly TableRow[], columns: number): Widths {
  const [name, wave, count] = [
    widest(shown.map((it) => it.name)),
    widest(shown.map((it) => it.wave)),
    widest(shown.map(countText)),
  ];
  const left = columns - 1 - (count + 1 + 'waiting'.length);
  const withWave = left - (name + 2) - (wave + 2) - 1;
  if (withWave >= narrowestBar) return { name, wave, count, bar: Math.min(widestBar, withWave) };
  const without = left - (name + 2) - 1;
  if (without >= narrowestBar) return { name, wave: 0, count, bar: Math.min(widestBar, without) };
  return { name: Math.min(name, Math.max(shortestName, left - 2)), wave: 0, count, bar: 0 };
}

const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);

function rowText(row: TableRow, note: string, widths: Widths): string {
  const { name, wave, bar: width, count } = widths;
  const parts = [
    `${cut(row.name, name).padEnd(name)} `,
    ...(wave === 0 ? [] : [`${row.wave.padEnd(wave)} `]),
    ...(width === 0 ? [] : [bar(row.done, row.total, width)]),
    countText(row).padStart(count),
    note === '' ? row.state : `${row.state}  ${note}`,
  ];
  return parts.join(' ');
}

function sumText({ accounts, planned, startedAt }: TableState, now: Millis, stopping: boolean): string {
  const done = [...accounts.values()].reduce((sum, it) => sum + it.done, 0);
  const steps = `${done}/${planned} steps`;
  if (stopping) return `${steps}, stopping: the calls under way come to their end`;
  if (startedAt === undefined || done === 0 || done >= planned) return steps;
  const left = Math.ceil((((now - startedAt) / done) * (planned - done)) / 1000);
  return `${steps}, about ${formatDuration(left)} left`;
}

/** The lines of the table, none of them wider than the terminal: pure, so that they can be looked at. */
export function tableLines(
  state: TableState,
  budgets: readonly Budget[],
  now: Millis,
  { columns, rows, stopping }: TableFrame,
): string[] {
  const accounts = [...state.accounts].sort(([, a], [, b]) => order[a.state] - order[b.state]);
  const shown = accounts.slice(0, Math.max(1, Math.min(rows - otherLines, mostRows)));
  const widths = widthsOf(
    shown.map(([, it]) => it),
    columns,
  );
  const hidden = accounts.length - shown.length;
  const lines = [
    ...shown.map(([id, it]) => rowText(it, it.problem ?? throttleText(id, budgets), widths)),
    ...(hidden > 0 ? [`… and ${hidden} more account${hidden === 1 ? '' : 's'}`] : []),
    ...(state.reading === '' ? [] : [state.reading]),
    ...(accounts.length === 0 ? [] : [sumText(state, now, stopping)]),
  ];
  return lines.map((line) => cut(line.trimEnd(), Math.max(1, columns - 1)));
}

/** Rows that lines take up once a terminal has become narrower: what was one row is laid out anew. */
function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
}

/** Draws until it is stopped; then the last picture goes, and what the command prints stands alone. */
export function startTable(io: Io, state: TableState, budgets: () => readonly Budget[]): { stop(): void } {
  let drawn: readonly string[] = [];
  const columns = (): number => io.stderr.columns || 80;
  // What is typed, as ^C, is shown where the cursor is: the row is begun again.
  const clear = (): string => (drawn.length === 0 ? '' : `\r\u001b[${rowsOf(drawn, columns())}A\u001b[J`);
  const draw = (): void => {
    const frame = { columns: columns(), rows: io.stderr.rows || 24, stopping: io.signal.aborted };
    const lines = tableLines(state, budgets(), systemClock.now(), frame);
    io.stderr.write(`${clear()}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines;
  };
  const timer = setInterval(draw, redrawMillis);
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
      io.stderr.write(clear());
      drawn = [];
    },
  };
}
