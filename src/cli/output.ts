// How results and failures look on a terminal. stdout carries data, stderr carries people's text.
import { isFailure, visible, visibleLine } from '../base/index.ts';
import type { Io } from './command.ts';

/** Writes one line of data to stdout. */
export function printData(io: Io, line: string): void {
  io.stdout.write(`${line}\n`);
}

/** Writes one line for people to stdout, in which others may have had a word: it stays one, with controls told. */
export function printLine(io: Io, line: string): void {
  printData(io, visibleLine(line));
}

/** Machine output: one JSON value, indented. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Writes machine output to stdout. */
export function printJson(io: Io, value: unknown): void {
  io.stdout.write(jsonText(value));
}

/** Writes a note for people to stderr; `--quiet` keeps it back. */
export function say(io: Io, line: string): void {
  if (io.quiet !== true) tell(io, line);
}

/** Writes to stderr what a person must see: errors, questions, what is shown only once. */
export function tell(io: Io, line: string): void {
  io.stderr.write(`${line}\n`);
}

/** `error[code]: what happened`, then `hint: what to do`, both with controls told. A failure without a code prints as `internal`, without its text's detail. */
export function printFailure(io: Io, error: unknown): void {
  if (isFailure(error)) {
    tell(io, `error[${error.code}]: ${visible(error.message)}`);
    if (error.hint !== undefined) tell(io, `hint: ${visible(error.hint)}`);
    if (io.verbose === true) tellCauses(io, error.cause);
    return;
  }
  tell(io, `error[internal]: ${error instanceof Error ? error.message : String(error)}`);
  tell(io, 'hint: this is a defect of stint; run again with STINT_DEBUG=1 and report the trace');
  if (io.env['STINT_DEBUG'] !== undefined && error instanceof Error) tell(io, error.stack ?? '');
}

function tellCauses(io: Io, cause: unknown): void {
  for (let each = cause, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    tell(io, `cause: ${each.name}: ${visible(each.message.split('\n', 1)[0]!)}`);
  }
}
