// The log of a server as JSON lines, through pino. Secrets are redacted by their type: a `Secret` prints as
// `[secret]`, wherever in an entry it stands.
import { pino } from 'pino';
import type { Logger, LogLevel, LogStream } from './logger.ts';

export function jsonLogger(level: LogLevel, stream: LogStream, now: () => Date): Logger {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void stream.write(line) },
  );
  return {
    log: ({ level: at, ...entry }) => logger[at](entry),
    setLevel: (next) => {
      logger.level = next;
    },
  };
}
