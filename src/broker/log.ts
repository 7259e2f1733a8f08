// What the broker tells its operator. Entries are flat, carry no secret, and are one line each.

export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  /** Stable name, `area.what`. */
  readonly event: string;
  readonly [field: string]: string | number | boolean | undefined;
}

export type Log = (entry: LogEntry) => void;
