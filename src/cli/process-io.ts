// This process as an `Io`, for the entry files.
import type { Io } from './command.ts';

/** Hands out the process; SIGINT and SIGTERM abort its signal once. */
export function processIo(): Io {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
  return {
    env: process.env,
    cwd: process.cwd(),
    // Getters, because opening the streams costs a command that never uses them.
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
    signal: stop.signal,
    exit: (code) => void (process.exitCode = code),
  };
}
