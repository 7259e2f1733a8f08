// The log of a server, for people: one line an entry. Secrets never reach it: entries are flat, and a `Secret` prints
// as `[secret]`.
import type { LogEntry } from '../../broker/index.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  readonly log: (entry: LogEntry) => void;
  /** From here on only entries of this level and above. */
  setLevel(level: LogLevel): void;
}

export interface LogStream {
  write(text: string): unknown;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** `2026-01-01T00:00:00.000Z warn lease.stuck lease="aws/creds/x/1"` */
export function textLogger(level: LogLevel, stream: LogStream, now: () => Date): Logger {
  let least = levels.indexOf(level);
  return {
    log: ({ level: at, event, ...fields }) => {
      if (levels.indexOf(at) < least) return;
      const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
      stream.write(`${now().toISOString()} ${at} ${event}${shown.join('')}\n`);
    },
    setLevel: (next) => {
      least = levels.indexOf(next);
    },
  };
}
