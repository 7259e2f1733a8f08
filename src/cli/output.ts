// How results and failures look on a terminal. stdout carries data, stderr carries people's text.
import { isFailure } from '../base/index.ts';
import type { Io } from './command.ts';

/** Writes one line of data to stdout. */
export function printData(io: Io, line: string): void {
  io.stdout.write(`${line}\n`);
}

/** Writes machine output: one JSON value, indented, to stdout. */
export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Writes a line for people to stderr. */
export function say(io: Io, line: string): void {
  io.stderr.write(`${line}\n`);
}

/** `error[code]: what happened`, then `hint: what to do`. A failure without a code prints as `internal`, without its text's detail. */
export function printFailure(io: Io, error: unknown): void {
  if (isFailure(error)) {
    say(io, `error[${error.code}]: ${error.message}`);
    if (error.hint !== undefined) say(io, `hint: ${error.hint}`);
    return;
  }
  say(io, `error[internal]: ${error instanceof Error ? error.message : String(error)}`);
  say(io, 'hint: this is a defect of stint; run again with STINT_DEBUG=1 and report the trace');
  if (io.env['STINT_DEBUG'] !== undefined && error instanceof Error) say(io, error.stack ?? '');
}
