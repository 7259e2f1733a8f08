// The contract between the list of commands (main.ts) and each command file.
import type { Command } from 'commander';

/** Everything a command may touch of its process, handed in so that a test can hand in its own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What starts this program again: executable, then arguments. */
  readonly program: readonly [executable: string, ...args: string[]];
  readonly stdin: NodeJS.ReadStream;
  /** Data only. */
  readonly stdout: NodeJS.WriteStream;
  /** `stdout` for texts that are whole; where it is there, it costs less to begin with. */
  readonly output?: { readonly isTTY: boolean; write(text: string): void };
  /** For people. */
  readonly stderr: NodeJS.WriteStream;
  /** True with `--quiet`: no notes for people, only errors and questions. */
  readonly quiet?: boolean;
  /** True with `--verbose`: a failure tells its causes. */
  readonly verbose?: boolean;
  /** Aborts on SIGINT and SIGTERM; a foreground server ends cleanly on it. */
  readonly signal: AbortSignal;
  /** Calls `listener` at every SIGHUP; returns the way to stop. Where absent, SIGHUP ends the process. */
  readonly onHangup?: (listener: () => void) => () => void;
  /** Told before AWS is asked for a session: this line prints more than what is kept. */
  readonly onCall?: () => void;
  /** Sets the exit code of the process: 0 done, 1 failed, 2 wrong usage, 3 as the command's page says. */
  exit(code: number): void;
}

/** One file of `commands/`: adds its command(s) and options to the program. Work happens in the action, never at import. */
export interface CommandModule {
  register(program: Command, io: Io): void;
}
