// This process as an `Io`, for the entry files. Everything in it is opened when it is first used: streams and
// abort signals cost a command that needs neither several milliseconds.
import type { Io } from './command.ts';

/** An AbortSignal that SIGINT and SIGTERM abort. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
  return stop.signal;
}

/** Hands out the process. Until a command has asked for `signal`, SIGINT and SIGTERM end it at once. */
export function processIo(): Io {
  let signal: AbortSignal | undefined;
  return {
    env: process.env,
    cwd: process.cwd(),
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
    get signal() {
      return (signal ??= stopSignal());
    },
    exit: (code) => void (process.exitCode = code),
  };
}
