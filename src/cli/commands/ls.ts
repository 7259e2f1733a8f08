// `stint ls`: every target there is, and what is kept for it.
import type { Command } from 'commander';
import { formatDuration, isFailure, isoSeconds, systemClock } from '../../base/index.ts';
import {
  baseEnvironment,
  keepNames,
  parseRoleArn,
  profileChain,
  Watch,
  type KeptEntry,
  type TargetContext,
} from '../../assume/index.ts';
import { openCache, runVerb, targetContext } from '../assume-session.ts';
import { exampleText } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { printData, printJson } from '../output.ts';

interface Form {
  readonly json?: boolean;
  readonly names?: boolean;
  readonly table?: boolean;
  readonly config?: string;
}

/** The stable shape of `--json`. */
export interface TargetRow {
  readonly target: string;
  readonly kind: 'profile' | 'defined' | 'lent';
  readonly account: string | null;
  readonly role: string | null;
  readonly source: string | null;
  readonly mfa: boolean;
  readonly region: string | null;
  /** Of a role of the definition: the stage of its account. */
  readonly stage: string | null;
  /** End of the longest kept session that still lives. */
  readonly session: { readonly expiration: string } | null;
  /** Code of what is wrong with it. */
  readonly problem: string | null;
}

function keptFor(kept: readonly KeptEntry[], matches: (session: KeptEntry) => boolean): TargetRow['session'] {
  const alive = kept.filter((session) => session.credentials.expiration > systemClock.now() && matches(session));
  const last = Math.max(...alive.map(({ credentials }) => credentials.expiration));
  return alive.length === 0 ? null : { expiration: isoSeconds(last) };
}

function profileRow(
  name: string,
  { profiles, env }: TargetContext,
  kept: readonly KeptEntry[],
  followed: Parameters<typeof profileChain>[3],
): TargetRow {
  const empty = {
    target: name,
    kind: 'profile',
    account: null,
    role: null,
    source: null,
    mfa: false,
    region: null,
    stage: null,
    session: null,
  } as const;
  try {
    const chain = profileChain(name, profiles, env, followed);
    const arn = chain.roles.at(-1)?.roleArn ?? '';
    const role = parseRoleArn(arn);
    const region = chain.profiles
      .map(({ settings }) => settings.get('region')?.value)
      .find((value) => value !== undefined && value !== '');
    return {
      ...empty,
      account: role?.account ?? null,
      role: role?.name ?? null,
      source: chain.source.from.replaceAll('`', ''),
      mfa: chain.mfaSerial !== undefined,
      region: region ?? null,
      session: keptFor(kept, (session) => (arn === '' ? session.target === name : session.roleArn === arn)),
      problem: null,
    };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { ...empty, problem: error.code };
  } finally {
    profiles.profiles.get(name)?.release();
  }
}

async function definedRows({ sources }: TargetContext, kept: readonly KeptEntry[]): Promise<readonly TargetRow[]> {
  const rows: TargetRow[] = [];
  for (const source of sources) {
    for (const { name, stage, roleArn, mfa, lent } of await source.list()) {
      const role = parseRoleArn(roleArn);
      rows.push({
        target: name,
        kind: lent === undefined ? 'defined' : 'lent',
        account: role?.account ?? null,
        role: role?.name ?? null,
        source: source.label,
        mfa,
        region: null,
        stage: stage ?? null,
        session: keptFor(kept, (session) =>
          lent === undefined ? session.roleArn === roleArn : session.target === name,
        ),
        problem: null,
      });
    }
  }
  return rows;
}

function table(rows: readonly TargetRow[]): readonly string[] {
  const head = ['TARGET', 'ACCOUNT', 'ROLE', 'SOURCE', 'MFA', 'REGION', 'SESSION'];
  const cells = rows.map((row) => [
    row.target,
    row.account ?? '-',
    row.role ?? '-',
    row.source ?? '-',
    row.mfa ? 'yes' : '-',
    row.region ?? '-',
    row.problem ??
      (row.session === null
        ? '-'
        : `${formatDuration((Date.parse(row.session.expiration) - systemClock.now()) / 1000)} left`),
  ]);
  const widths = head.map((title, column) =>
    cells.reduce((width, line) => Math.max(width, line[column]!.length), title.length),
  );
  return [head, ...cells].map((line) =>
    line.reduce((text, cell, column) => `${text}${cell.padEnd(widths[column]!)}  `, '').trimEnd(),
  );
}

/** Only their names, which shells may then complete without asking again. */
async function listNames(io: Io, config: string | undefined): Promise<void> {
  const env = baseEnvironment(io.env);
  const watch = new Watch(env);
  const { profiles, sources } = targetContext(io, env, config, watch);
  const names = [...profiles.profiles.keys()];
  for (const source of sources) names.push(...(await source.list()).map(({ name }) => name));
  const cache = openCache(env);
  if (cache !== undefined && config === undefined) keepNames(names, watch, cache, systemClock);
  if (names.length > 0) printData(io, names.join('\n'));
}

/** Every target, the profiles first. */
export async function targetRows(io: Io, config: string | undefined): Promise<readonly TargetRow[]> {
  const context = targetContext(io, baseEnvironment(io.env), config);
  const kept = openCache(io.env)?.list() ?? [];
  const followed: Parameters<typeof profileChain>[3] = new Map();
  return [
    ...[...context.profiles.profiles.keys()].map((name) => profileRow(name, context, kept, followed)),
    ...(await definedRows(context, kept)),
  ];
}

/** Lists the targets in the form asked for: on a terminal, where nothing else is asked for, to pick one. */
export async function list(io: Io, form: Form): Promise<void> {
  if (form.names === true && form.json !== true) return listNames(io, form.config);
  const rows = await targetRows(io, form.config);
  if (form.json === true) return printJson(io, { version: 1, targets: rows });
  const picking = io.stdout.isTTY && form.table !== true;
  const picked = picking ? await (await import('../pick-target.ts')).pickTarget(io, rows) : undefined;
  printData(io, picked ?? table(rows).join('\n'));
}

export function register(program: Command, io: Io): void {
  program
    .command('ls')
    .description('list targets, or pick one on a terminal: profiles, and the roles of the definition')
    .option('--json', 'machine output')
    .option('--config <file>', 'the definition (default: stint.config.* here)')
    .option('--table', 'a table on a terminal too, where it lets you pick a target otherwise')
    .option('--names', 'names only, one a line')
    .addHelpText('after', exampleText(['stint ls', 'stint ls --json']))
    .action(async (form: Form) => runVerb(io, () => list(io, form)));
}
