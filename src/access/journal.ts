// What a run was about to do, written down before it did it, each call with what undoes it. Losing a journal
// loses the undo, nothing else: AWS stays the truth. Never holds a secret.
import { closeSync, fsyncSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isoSeconds, type Clock } from '../base/index.ts';
import type { Partition } from '../aws/index.ts';
import { accessFailure } from './failures.ts';
import type { Step } from './plan.ts';
import type { AccountRef } from './resources.ts';

/** JSON lines: a header, then for each call a line before it and one after it, then how the run ended. */
export const journalVersion = 2;

export interface Journal {
  readonly file: string;
  /** Name of the run, which is the name of the file; `stint undo RUN` takes it. */
  readonly run: string;
  /**
   * Write it before the call. When it returns, the entry outlives the process; the machine only at `close`, since
   * waiting for the disk at each of 2,000 calls took longer than the calls. Returns the entry's number.
   */
  begin(step: Step): number;
  /** How the call of that entry ended: `done`, or the code of the refusal. */
  end(entry: number, outcome: string): void;
  /** How the run ended: `done`, or the code of its failure. A journal without a call is not kept. */
  close(outcome: string): void;
}

export type RunMode = 'apply' | 'destroy' | 'undo';

/** The process that runs, as far as another one on the same machine can tell whether it still does. */
export interface RunHolder {
  readonly host: string;
  readonly pid: number;
}

export interface JournalHeader {
  readonly definition: string;
  readonly caller: string;
  readonly mode: RunMode;
  readonly organization?: string | undefined;
  readonly partition: Partition;
  /** Role by which accounts are entered first. */
  readonly executor?: string | undefined;
  readonly stages: readonly string[];
  /** The accounts that the run looked at. */
  readonly accounts: readonly AccountRef[];
  readonly holder: RunHolder;
  /** The run that this one takes back. */
  readonly undoes?: string | undefined;
}

class FileJournal implements Journal {
  readonly file: string;
  readonly run: string;
  readonly #fd: number;
  readonly #clock: Clock;
  #next = 1;

  constructor(folder: string, run: string, header: JournalHeader, clock: Clock) {
    this.file = join(folder, `${run}.jsonl`);
    this.run = run;
    this.#clock = clock;
    this.#fd = openSync(this.file, 'wx', 0o600);
    this.#write({ format: 'stint-journal', version: journalVersion, run, ...header });
  }

  begin({ id, account, operation, input, inverse }: Step): number {
    const entry = this.#next++;
    this.#write({ entry, step: id, account, operation, input, inverse });
    return entry;
  }

  end(entry: number, outcome: string): void {
    this.#write({ entry, outcome });
  }

  close(outcome: string): void {
    if (this.#next > 1) {
      this.#write({ ended: outcome });
      fsyncSync(this.#fd);
    }
    closeSync(this.#fd);
    if (this.#next === 1) unlinkSync(this.file);
  }

  #write(line: object): void {
    writeSync(this.#fd, `${JSON.stringify({ time: isoSeconds(this.#clock.now()), ...line })}\n`);
  }
}

/**
 * Opens the journal of a new run in `folder` (made 0700; the file is 0600).
 * @throws Failure `journal-unwritable`: then nothing has been called yet.
 */
export function openJournal(folder: string, run: string, header: JournalHeader, clock: Clock): Journal {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new FileJournal(folder, run, header, clock);
  } catch (cause) {
    throw accessFailure('journal-unwritable', `cannot write the journal in \`${folder}\``, {
      hint: 'set `STINT_HOME` to a folder that can be written',
      cause,
    });
  }
}
