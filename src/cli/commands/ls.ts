// `stint ls`: every target there is, and what is kept for it.
import type { Command } from 'commander';
import { formatDuration, isFailure, systemClock, type Failure } from '../../base/index.ts';
import { baseEnvironment, keepNames, Watch, type TargetSource } from '../../assume/index.ts';
import { openCache, runVerb, targetContext } from '../assume-session.ts';
import { exampleText } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { lentNames } from '../lent-names.ts';
import { borrowingOf } from '../lent-targets.ts';
import { lentPrefix } from '../server-place.ts';
import { jsonText } from '../output.ts';
import { targetRows, type TargetRow } from '../target-rows.ts';

interface Form {
  readonly json?: boolean;
  readonly names?: boolean;
  readonly table?: boolean;
  readonly config?: string;
}

const head = ['TARGET', 'ACCOUNT', 'ROLE', 'SOURCE', 'MFA', 'REGION'];
/** Rows that are put together at once: a text that grows by 70,000 cells costs the collector more than all of them. */
const atOnce = 200;

function stateOf({ problem, session }: TargetRow): string {
  if (problem !== null) return problem;
  if (session === null) return '-';
  return `${formatDuration((Date.parse(session.expiration) - systemClock.now()) / 1000)} left`;
}

/** Of each column, in the order of `head`. */
function widthsOf(rows: readonly TargetRow[]): readonly number[] {
  const widths = head.map(({ length }) => length);
  const widen = (at: number, cell: string | null): void => {
    if (cell !== null && cell.length > widths[at]!) widths[at] = cell.length;
  };
  for (const { target, account, role, source, region } of rows) {
    widen(0, target);
    widen(1, account);
    widen(2, role);
    widen(3, source);
    widen(5, region);
  }
  return widths;
}

type Pad = (cell: string) => string;
type Pads = readonly [target: Pad, account: Pad, role: Pad, source: Pad, mfa: Pad, region: Pad];

/** Pads cells to a width. Most are the cell of the row before. */
function padder(width: number): Pad {
  let last = '';
  let padded = ' '.repeat(width);
  return (cell) => {
    if (cell !== last) {
      last = cell;
      padded = cell.padEnd(width);
    }
    return padded;
  };
}

/** The rows below their heading, each with its line break. */
function table(rows: readonly TargetRow[]): string {
  const pads = widthsOf(rows).map((width) => padder(width + 2));
  const [target, account, role, source, mfa, region] = pads as unknown as Pads;
  const texts = [`${head.map((title, at) => pads[at]!(title)).join('')}SESSION\n`];
  for (let from = 0; from < rows.length; from += atOnce) {
    let text = '';
    for (const row of rows.slice(from, from + atOnce)) {
      text += target(row.target) + account(row.account ?? '-') + role(row.role ?? '-') + source(row.source ?? '-');
      text += `${mfa(row.mfa ? 'yes' : '-')}${region(row.region ?? '-')}${stateOf(row)}\n`;
    }
    texts.push(text);
  }
  return texts.join('');
}

/** The names of a source. What a server lends changes without a file of this machine that would tell. */
async function namesOf(
  source: TargetSource,
  io: Io,
  watch: Watch,
  sessions: string | undefined,
): Promise<readonly string[]> {
  const borrowing = source.prefix === lentPrefix && sessions !== undefined ? borrowingOf(io) : undefined;
  if (borrowing === undefined) return (await source.list()).map(({ name }) => name);
  watch.lose();
  return lentNames(source, borrowing, sessions!, systemClock);
}

/** Only their names, which shells may then complete without asking again. */
async function listNames(io: Io, config: string | undefined): Promise<void> {
  const env = baseEnvironment(io.env);
  const watch = new Watch(env);
  const { profiles, sources } = targetContext(io, env, config, watch);
  const names = [...profiles.profiles.keys()];
  const cache = openCache(env);
  const asking = Object.create(io, { env: { value: env } }) as Io;
  let missing: Failure | undefined;
  for (const source of sources) {
    try {
      names.push(...(await namesOf(source, asking, watch, cache?.folder)));
    } catch (error) {
      if (!isFailure(error)) throw error;
      missing ??= error;
    }
  }
  if (missing === undefined && cache !== undefined && config === undefined) {
    keepNames(names, watch, cache, systemClock);
  }
  if (names.length > 0) (io.output ?? io.stdout).write(`${names.join('\n')}\n`);
  if (missing !== undefined) throw missing;
}

/**
 * Lists the targets in the form asked for: on a terminal, where nothing else is asked for, to pick one.
 * @throws the failure of a definition that cannot be read, after the other targets are listed.
 */
export async function list(io: Io, form: Form): Promise<void> {
  if (form.names === true && form.json !== true) return listNames(io, form.config);
  const { rows, missing } = await targetRows(io, form.config);
  const output = io.output ?? io.stdout;
  if (form.json === true) output.write(jsonText({ version: 1, targets: rows }));
  else {
    const picking = form.table !== true && output.isTTY;
    const picked = picking ? await (await import('../pick-target.ts')).pickTarget(io, rows) : undefined;
    output.write(picked === undefined ? table(rows) : `${picked}\n`);
  }
  if (missing !== undefined) throw missing;
}

export function register(program: Command, io: Io): void {
  program
    .command('ls')
    .description('list targets, or pick one on a terminal: profiles, and the roles of the definition')
    .option('--json', 'machine output')
    .option('--config <file>', 'the definition (default: stint.config.* here)')
    .option('--table', 'a table on a terminal too, where it lets you pick a target otherwise')
    .option('--names', 'names only, one a line; what a server lends may be 30 s old')
    .addHelpText('after', exampleText(['stint ls', 'stint ls --json']))
    .action(async (form: Form) => runVerb(io, () => list(io, form)));
}
