// The live table of a run: what it shows at any size of a terminal, and that it leaves nothing behind.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import type { Io } from '../../src/cli/command.ts';
import { startTable, tableLines, type TableFrame, type TableState } from '../../src/cli/progress-table.ts';

type Row = TableState['accounts'] extends ReadonlyMap<string, infer It> ? It : never;

const row = (name: string, over: Partial<Row> = {}): Row => ({
  name,
  wave: 'dev',
  total: 24,
  done: 12,
  state: 'begun',
  ...over,
});

const stateOf = (rows: readonly Row[], over: Partial<TableState> = {}): TableState => ({
  accounts: new Map(rows.map((it, index) => [String(index), it])),
  planned: 100,
  startedAt: 0,
  reading: '',
  ...over,
});

const frame = (over: Partial<TableFrame> = {}): TableFrame => ({ columns: 80, rows: 24, stopping: false, ...over });

const many = Array.from({ length: 30 }, (_, index) =>
  row(`account-${index}`, {
    wave: index < 20 ? 'dev' : 'production',
    state: index < 12 ? 'done' : index < 16 ? 'begun' : index === 16 ? 'stopped' : 'waiting',
    ...(index === 16 ? { problem: 'AccessDenied' } : {}),
  }),
);

test('those that stopped come first, then those that move; columns stand below each other', () => {
  const [first, second, ...rest] = tableLines(stateOf(many), [], 10_000, frame());
  assert.equal(first, 'account-16  dev         ##########.......... 12/24 stopped  AccessDenied');
  assert.equal(second, 'account-12  dev         ##########.......... 12/24 begun');
  assert.equal(rest.at(-2), '… and 10 more accounts');
  assert.equal(rest.at(-1), '360/100 steps');
});

test('the time left is that of the whole plan, and not told before anything was done or when all was', () => {
  const sum = (rows: readonly Row[], over: Partial<TableState> = {}): string | undefined =>
    tableLines(stateOf(rows, over), [], 60_000, frame()).at(-1);
  assert.equal(sum([row('dev', { done: 20, total: 100 })]), '20/100 steps, about 4m left');
  assert.equal(sum([row('dev', { done: 0 })]), '0/100 steps');
  assert.equal(sum([row('dev', { done: 20, total: 100 })], { startedAt: undefined }), '20/100 steps');
  assert.equal(sum([row('dev', { done: 100, total: 100 })]), '100/100 steps');
});

test('a stop that was asked for is told until the calls under way have ended', () => {
  const lines = tableLines(stateOf([row('dev')]), [], 0, frame({ stopping: true }));
  assert.equal(lines.at(-1), '12/100 steps, stopping: the calls under way come to their end');
});

test('an account that AWS throttles says to what', () => {
  const budget = { account: '0', api: 'iam write', rate: 2.5, slowed: true };
  const [line] = tableLines(stateOf([row('dev')]), [budget, { ...budget, account: '1' }], 0, frame({ columns: 100 }));
  assert.match(line!, /begun {2}iam write throttled to 2\.5\/s$/);
});

describe('in a terminal that is small', () => {
  const shrinking: readonly (readonly [number, string])[] = [
    [120, 'account-12  dev         ##########.......... 12/24 begun'],
    [48, 'account-12  dev         #####.... 12/24 begun'],
    [40, 'account-12  #######...... 12/24 begun'],
    [30, 'account-12  12/24 begun'],
    [24, 'account…  12/24 begun'],
  ];
  for (const [columns, text] of shrinking) {
    test(`of ${columns} columns`, () => {
      const lines = tableLines(stateOf(many.filter((it) => it.state !== 'stopped')), [], 0, frame({ columns }));
      assert.equal(lines[0], text);
    });
  }

  test('no line is wider and no table higher than it, whatever its size', () => {
    const long = many.map((it, index) => ({
      ...it,
      name: `${it.name}-${'long'.repeat(index)}`,
      problem: 'x'.repeat(200),
    }));
    for (let columns = 1; columns <= 130; columns += 3) {
      for (let rows = 1; rows <= 40; rows += 3) {
        const lines = tableLines(
          stateOf(long, { reading: 'reading 20 accounts back' }),
          [],
          5000,
          frame({ columns, rows }),
        );
        assert.ok(
          lines.every((line) => line.length < Math.max(2, columns)),
          `${columns}x${rows}`,
        );
        // One account and the sum are shown even where nothing fits.
        assert.ok(lines.length < Math.max(rows, 5), `${columns}x${rows}: ${lines.length}`);
      }
    }
  });
});

const escape = String.fromCodePoint(27);
const pieces = new RegExp(String.raw`${escape}\[\d*[A-Z]|\r|\n|[^${escape}\r\n]+`, 'g');
const upwards = new RegExp(String.raw`${escape}\[(\d+)A`);

/** A terminal as far as the table needs one: text, carriage returns, up, and erasing to the end. */
class Screen extends Writable {
  readonly isTTY = true;
  columns: number;
  rows = 24;
  lines: string[] = [''];
  at = 0;

  constructor(columns: number) {
    super();
    this.columns = columns;
  }

  override _write(chunk: Buffer, _encoding: string, next: () => void): void {
    for (const [part] of chunk.toString().matchAll(pieces)) this.#take(part);
    next();
  }

  #take(part: string): void {
    const up = upwards.exec(part);
    if (up !== null) this.at = Math.max(0, this.at - Number(up[1]));
    else if (part === '\u001b[J') this.lines = [...this.lines.slice(0, this.at), ''];
    else if (part === '\n') this.lines[++this.at] ??= '';
    else if (part !== '\r') this.lines[this.at] += part;
  }

  /** Made narrower, it lays its lines out anew, as most terminals do. */
  narrow(columns: number): void {
    this.columns = columns;
    const laid = this.lines.flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? ['']);
    this.lines = laid;
    this.at = laid.length - 1;
  }
}

test('it draws over itself, also when the terminal is made narrower, and is gone at the end', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const screen = new Screen(100);
  const io = { stderr: screen, signal: new AbortController().signal } as unknown as Io;
  screen.write('what was there before\n');
  const table = startTable(io, stateOf(many.slice(0, 5)), () => []);
  t.mock.timers.tick(500);
  assert.equal(screen.lines.length, 1 + 5 + 1 + 1);
  screen.narrow(40);
  assert.ok(screen.lines.length > 8);
  t.mock.timers.tick(120);
  assert.equal(screen.lines.length, 1 + 5 + 1 + 1);
  assert.ok(screen.lines.every((line) => line.length < 40));
  table.stop();
  assert.deepEqual(screen.lines, ['what was there before', '']);
  t.mock.timers.tick(1000);
  assert.deepEqual(screen.lines, ['what was there before', '']);
});
