// `stint ls`: every target there is, and what is kept for it.
import type { Command } from 'commander';
import { formatDuration, isFailure, isoSeconds, systemClock } from '../../base/index.ts';
import { baseEnvironment, parseRoleArn, profileChain, type KeptEntry, type TargetContext } from '../../assume/index.ts';
import { openCache, runVerb, targetContext } from '../assume-session.ts';
import { exampleText } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { printData, printJson } from '../output.ts';

interface Form {
  readonly json?: boolean;
  readonly names?: boolean;
  readonly config?: string;
}

/** The stable shape of `--json`. */
interface TargetRow {
  readonly target: string;
  readonly kind: 'profile' | 'defined' | 'lent';
  readonly account: string | null;
  readonly role: string | null;
  readonly source: string | null;
  readonly mfa: boolean;
  readonly region: string | null;
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

function profileRow(name: string, { profiles, env }: TargetContext, kept: readonly KeptEntry[]): TargetRow {
  const empty = {
    target: name,
    kind: 'profile',
    account: null,
    role: null,
    source: null,
    mfa: false,
    region: null,
    session: null,
  } as const;
  try {
    const chain = profileChain(name, profiles, env);
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
  }
}

async function definedRows({ sources }: TargetContext, kept: readonly KeptEntry[]): Promise<readonly TargetRow[]> {
  const rows: TargetRow[] = [];
  for (const source of sources) {
    for (const { name, roleArn, mfa, lent } of await source.list()) {
      const role = parseRoleArn(roleArn);
      rows.push({
        target: name,
        kind: lent === undefined ? 'defined' : 'lent',
        account: role?.account ?? null,
        role: role?.name ?? null,
        source: source.label,
        mfa,
        region: null,
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
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]!.length)));
  return [head, ...cells].map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

async function list(io: Io, form: Form): Promise<void> {
  const context = targetContext(io, baseEnvironment(io.env), form.config);
  const kept = openCache(io.env)?.list() ?? [];
  const rows = [
    ...[...context.profiles.profiles.keys()].map((name) => profileRow(name, context, kept)),
    ...(await definedRows(context, kept)),
  ];
  if (form.json === true) printJson(io, { version: 1, targets: rows });
  else if (form.names === true) for (const { target } of rows) printData(io, target);
  else for (const line of table(rows)) printData(io, line);
}

export function register(program: Command, io: Io): void {
  program
    .command('ls')
    .description('list targets: profiles, and the roles of the definition')
    .option('--json', 'machine output')
    .option('--config <file>', 'the definition (default: stint.config.* here)')
    .option('--names', 'names only, one a line')
    .addHelpText('after', exampleText(['stint ls', 'stint ls --json']))
    .action(async (form: Form) => runVerb(io, () => list(io, form)));
}
