// This process as an `Io`, for the entry files. Everything in it is opened when it is first used: streams and
// abort signals cost a command that needs neither several milliseconds.
import type { Io } from './command.ts';
import { quickOutput, tellUnwritable } from './write-out.ts';

/** An AbortSignal that SIGINT and SIGTERM abort. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
  return stop.signal;
}

/** The folder this runs in; what the shell believes where somebody has removed it: nothing is found there. */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return process.env['PWD'] ?? '/';
  }
}

/**
 * A reader that has gone (`| head -1`) ends no work that is under way: what it would have read is dropped. Any other
 * failure to write makes the command fail.
 */
function guarded(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  return stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || process.exitCode === 1) return;
    if (stream === process.stdout) tellUnwritable(error);
    else process.exitCode = 1;
  });
}

/** Hands out the process. Until a command has asked for `signal`, SIGINT and SIGTERM end it at once. */
export function processIo(onCall?: () => void): Io {
  let signal: AbortSignal | undefined;
  let stdout: NodeJS.WriteStream | undefined;
  let stderr: NodeJS.WriteStream | undefined;
  const openStdout = (): NodeJS.WriteStream => (stdout ??= guarded(process.stdout));
  return {
    env: process.env,
    cwd: workingFolder(),
    program: [process.execPath, ...process.execArgv, process.argv[1]!],
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return openStdout();
    },
    output: quickOutput(openStdout),
    get stderr() {
      return (stderr ??= guarded(process.stderr));
    },
    get signal() {
      return (signal ??= stopSignal());
    },
    onHangup: (listener) => {
      process.on('SIGHUP', listener);
      return () => process.off('SIGHUP', listener);
    },
    exit: (code) => void (process.exitCode = code),
    ...(onCall === undefined ? {} : { onCall }),
  };
}
