// What a run was about to do, written down before it did it, each call with what undoes it. Losing a journal
// loses the undo, nothing else: AWS stays the truth. Never holds a secret.
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isoSeconds, type Clock } from '../base/index.ts';
import { accessFailure } from './failures.ts';
import type { Step } from './plan.ts';

export interface Journal {
  readonly file: string;
  /**
   * Write it before the call. When it returns, the entry outlives the process; the machine only at `close`, since
   * waiting for the disk at each of 2,000 calls took longer than the calls. Returns the entry's number.
   */
  begin(step: Step): number;
  /** How the call of that entry ended: `done`, or the code of the refusal. */
  end(entry: number, outcome: string): void;
  close(): void;
}

export interface JournalHeader {
  readonly definition: string;
  readonly caller: string;
  readonly mode: 'apply' | 'destroy';
}

class FileJournal implements Journal {
  readonly file: string;
  readonly #fd: number;
  readonly #clock: Clock;
  #next = 1;

  constructor(file: string, header: JournalHeader, clock: Clock) {
    this.file = file;
    this.#clock = clock;
    this.#fd = openSync(file, 'wx', 0o600);
    this.#write({ format: 'stint-journal', version: 1, ...header });
  }

  begin({ id, account, operation, input, inverse }: Step): number {
    const entry = this.#next++;
    this.#write({ entry, step: id, account, operation, input, inverse });
    return entry;
  }

  end(entry: number, outcome: string): void {
    this.#write({ entry, outcome });
  }

  close(): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
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
    return new FileJournal(join(folder, `${run}.jsonl`), header, clock);
  } catch (cause) {
    throw accessFailure('journal-unwritable', `cannot write the journal in \`${folder}\``, {
      hint: 'set `STINT_HOME` to a folder that can be written',
      cause,
    });
  }
}
