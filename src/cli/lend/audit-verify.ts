// `stint audit verify`: the chain of audit files, checked offline and told.
import { createReadStream, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
// The rest of the server would take a quarter of a second to load, and this needs none of it.
// oxlint-disable-next-line typescript/no-restricted-imports
import { headFileOf, readHead } from '../../broker/audit/head-file.ts';
// oxlint-disable-next-line typescript/no-restricted-imports
import { linesOf, verifyChain, type AuditLine, type ChainReport } from '../../broker/audit/verify.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { printData, printJson, say } from '../output.ts';

export interface VerifyOptions {
  readonly key?: string;
  readonly prefix?: string;
  readonly head?: string;
  readonly json?: true;
}

/** Prints what the check found; exit code 1 when the chain is broken. */
export async function verify(io: Io, files: readonly string[], options: VerifyOptions): Promise<void> {
  const head = headOf(io, files, options);
  const { key, prefix } = options;
  const report = await verifyChain(linesOfAll(io, files), {
    ...(key === undefined ? {} : { key }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(head === undefined ? {} : { head }),
  });
  if (options.json === true) printJson(io, report);
  else tellReport(io, report, options);
  io.exit(report.intact ? 0 : 1);
}

async function* linesOfAll(io: Io, files: readonly string[]): AsyncGenerator<AuditLine> {
  for (const file of files) {
    try {
      yield* linesOf(file, createReadStream(resolve(io.cwd, file)));
    } catch (error) {
      throw cliFailure('file-unreadable', `the file \`${file}\` cannot be read`, {
        hint: 'check the path, and that you may read it',
        cause: error,
      });
    }
  }
}

function headOf(
  io: Io,
  files: readonly string[],
  { head, key }: VerifyOptions,
): { seq: number; hash: string } | undefined {
  if (head !== undefined) {
    const parts = /^(\d+):([0-9a-f]{64})$/.exec(head);
    if (parts !== null) return { seq: Number(parts[1]), hash: parts[2]! };
    throw cliFailure('invalid-option', `\`${head}\` is not a head of a chain`, { hint: 'write it as `SEQ:HASH`' });
  }
  const file = headFileOf(resolve(io.cwd, files.at(-1)!));
  const text = textOf(file);
  if (text === undefined) return undefined;
  const found = readHead(text);
  if (found !== undefined && (key === undefined || key === found.key)) return found;
  say(io, `warning: ${file} is not signed by the key of the files, and is not believed`);
  return undefined;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function tellReport(io: Io, report: ChainReport, { key }: VerifyOptions): void {
  const { broken, lines, first, last, signedTo, keys, notes } = report;
  for (const note of notes) say(io, `note: ${note}`);
  if (broken !== undefined) {
    printData(io, `broken at ${broken.file}:${broken.line}: ${broken.reason}`);
    if (lines > 0) printData(io, `intact before: ${lines} lines, numbers ${first} to ${last.seq}`);
    return;
  }
  if (lines === 0) return printData(io, 'intact: no line');
  printData(io, `intact: ${lines} lines, numbers ${first} to ${last.seq}, signed up to ${signedTo}`);
  printData(io, `head: ${last.seq}:${last.hash}`);
  if (key === undefined) {
    say(
      io,
      `note: the key of the files themselves was believed (${keys.join(', ') || 'none'}); compare it, or give \`--key\``,
    );
  }
}
