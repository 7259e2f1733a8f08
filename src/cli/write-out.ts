// Writes to stdout without opening its stream, which costs 4 ms, and 9 for the first pipe or file of a process; the stream
// takes over when the pipe is full.
import type { Io } from './command.ts';

/** Writes what can be written at once; returns the rest. Throws what the system throws. */
function writeNow(bytes: Uint8Array): Uint8Array {
  try {
    return bytes.subarray(process.getBuiltinModule('node:fs').writeSync(1, bytes));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Whoever asked has gone: there is nobody left to tell.
    if (code === 'EPIPE') return bytes.subarray(bytes.length);
    if (code === 'EAGAIN') return bytes;
    throw error;
  }
}

/** Tells that stdout cannot be written, by which the command has failed. */
export function tellUnwritable({ code }: NodeJS.ErrnoException): void {
  process.exitCode = 1;
  process.stderr.write(`error[output-unwritable]: standard output cannot be written (${code})\n`);
  process.stderr.write('hint: make room on the disk, or send the output elsewhere\n');
}

export function writeOut(text: string): void {
  let left: Uint8Array;
  try {
    left = writeNow(Buffer.from(text));
  } catch (error) {
    return tellUnwritable(error as NodeJS.ErrnoException);
  }
  if (left.length > 0) process.stdout.write(left);
}

/** True when stdout can be no terminal, without asking what opens one. */
function isNoTerminal(): boolean {
  const stat = process.getBuiltinModule('node:fs').fstatSync(1, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isCharacterDevice()) return stat !== undefined;
  // Linux: major number 1 is memory: null, zero, full.
  return process.platform === 'linux' && stat.rdev >> 8 === 1;
}

/** Standard output of this process, which it opens only for a terminal, or when a text does not go out at once. */
export function quickOutput(stdout: () => NodeJS.WriteStream): NonNullable<Io['output']> {
  let opened = false;
  return {
    get isTTY() {
      return !isNoTerminal() && stdout().isTTY;
    },
    write: (text) => {
      let left: Uint8Array = Buffer.from(text);
      try {
        // After the first text that had to wait, everything waits behind it.
        if (!opened) left = writeNow(left);
      } catch {
        // The stream meets it again, and tells it.
      }
      if (left.length === 0) return;
      opened = true;
      stdout().write(left);
    },
  };
}
