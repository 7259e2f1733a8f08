// Journals read back: which runs there were, what each of them called, how each ended.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, nearestName } from '../base/index.ts';
import type { Call } from './calls.ts';
import { accessFailure } from './failures.ts';
import { journalVersion, type JournalHeader } from './journal.ts';
import type { AccountRef } from './resources.ts';

export interface RunEntry extends Call {
  readonly entry: number;
  /** `dev/role/test_role#createRole`. */
  readonly step: string;
  /** Account id. */
  readonly account: string;
  readonly inverse: readonly Call[];
  /** `done`, the code of the refusal; absent when the run ended before the answer came. */
  readonly outcome?: string | undefined;
}

/** One run as its journal tells it. */
export interface Run extends Omit<JournalHeader, 'holder'> {
  readonly run: string;
  readonly startedAt: string;
  readonly entries: readonly RunEntry[];
  /** Absent of runs that older Stints wrote down. */
  readonly holder?: JournalHeader['holder'] | undefined;
  /** `done` or a failure's code; absent when the run was killed, or still runs. */
  readonly ended?: string | undefined;
}

type Line = Readonly<Record<string, unknown>>;

function unreadable(file: string, why: string, hint = 'the other runs can still be undone'): never {
  throw accessFailure('journal-unreadable', `\`${file}\` ${why}`, { hint });
}

/** A run that was killed may have left half a line at the end: it says nothing that counts. */
function linesOf(file: string, text: string): Line[] {
  const rows = text.split('\n');
  return rows.flatMap((row, index): Line[] => {
    if (row === '') return [];
    try {
      const line: unknown = JSON.parse(row);
      if (isObject(line)) return [line];
    } catch (error) {
      if (index === rows.length - 1) return [];
      if (!(error instanceof SyntaxError)) throw error;
    }
    return unreadable(file, `is damaged in line ${index + 1}`);
  });
}

/** Version 1 named no accounts and no organisation: its steps begin with the names of their accounts. */
function migrated(header: Line, entries: readonly RunEntry[]): Line {
  if (header['version'] !== 1) return header;
  const names = new Map(entries.map(({ account, step }) => [account, step.split('/')[0]!]));
  const arn = typeof header['caller'] === 'string' ? header['caller'] : '';
  const accounts = [...names].map(([id, name]): AccountRef => ({ id, name, stage: name }));
  return {
    ...header,
    partition: arn.split(':')[1] ?? 'aws',
    stages: accounts.map(({ stage }) => stage),
    accounts,
  };
}

/**
 * Reads the journal of a run.
 * @throws Failure `journal-unreadable` for a file that is none, is damaged, or was written by a newer Stint.
 */
export function readRun(folder: string, run: string): Run {
  const file = join(folder, `${run}.jsonl`);
  const [header, ...lines] = linesOf(file, readFileSync(file, 'utf8'));
  if (header?.['format'] !== 'stint-journal') return unreadable(file, 'is no journal of a run');
  const version = Number(header['version']);
  if (version > journalVersion) unreadable(file, `is of version ${version}`, 'use the Stint that made that run');
  const outcomes = new Map(lines.map((line) => [line['entry'], line['outcome'] as string | undefined]));
  const entries = lines
    .filter(({ operation }) => operation !== undefined)
    .map((line) => ({ ...(line as unknown as RunEntry), outcome: outcomes.get(line['entry']) }));
  const ended = lines.find((line) => line['ended'] !== undefined)?.['ended'] as string | undefined;
  const known = migrated(header, entries) as unknown as JournalHeader & { readonly time: string };
  return { ...known, run, startedAt: known.time, entries, ended };
}

/** Names of the runs whose journals are in `folder`, oldest first. */
export function runNames(folder: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => name.slice(0, -'.jsonl'.length))
    .sort();
}

/** The named run, else the last one. @throws Failure `run-unknown`, `journal-unreadable`. */
export function chooseRun(folder: string, run: string | undefined): Run {
  const names = runNames(folder);
  const last = names.at(-1);
  if (last === undefined) {
    throw accessFailure('run-unknown', `\`${folder}\` holds no journal of a run`, {
      hint: 'runs are undone on the machine that made them: journals are in its state folder only',
    });
  }
  if (run === undefined) return readRun(folder, last);
  if (names.includes(run)) return readRun(folder, run);
  const near = nearestName(run, names);
  throw accessFailure('run-unknown', `there is no run \`${run}\``, {
    hint: near === undefined ? '`stint undo --list` shows the runs' : `did you mean \`${near}\`?`,
  });
}

/** How a run ended, in one word for people. */
export function runState({ ended, entries }: Run): string {
  if (ended === undefined) return 'broken off';
  if (ended === 'done') return 'done';
  return entries.some(({ outcome }) => outcome === 'done') ? `stopped: ${ended}` : `failed: ${ended}`;
}
