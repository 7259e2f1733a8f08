// Runs a command with a session in its environment, as if it had been started directly: its terminal, its
// signals and its end are its own.
import { failure } from './failures.ts';

/** Passed on when they reach Stint alone, as from a supervisor or `kill`. */
const passed: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'];
/** Typed at a terminal, these reach the child as well, for it is in the same process group. */
const typed: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** What a shell says of a command that cannot be started. */
export function commandFailure(command: string, error: NodeJS.ErrnoException): ExecEnding {
  // 127 and 126 as shells, env(1) and nice(1) return them: only what does not exist is "not found".
  const missing = error.code === 'ENOENT';
  return {
    code: missing ? 127 : 126,
    error: failure(
      'command-not-found',
      `\`${command}\` ${missing ? 'is not found' : 'cannot be run'} (${error.code ?? 'unknown error'})`,
      {
        hint: missing
          ? 'check its name and PATH; everything after `--` is the command'
          : 'check that it is an executable file, and that its arguments are not too long',
      },
    ),
  };
}

export interface ExecEnding {
  /** The child's code, 128 + n when signal n ended it, 126 or 127 when it could not be started. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal?: NodeJS.Signals;
  readonly error?: Error;
}

/** How a child ended, from what its `exit` event says. */
export function endingOf(code: number | null, signal: NodeJS.Signals | null): ExecEnding {
  if (signal === null) return { code: code ?? 0 };
  return { code: 128 + process.getBuiltinModule('node:os').constants.signals[signal], signal };
}

/**
 * True in the foreground process group of a terminal. Ctrl-C goes to all of it, so it must not be sent to the child
 * once more: Terraform and others take the second for an order to drop everything.
 */
export function sharesTerminal(): boolean {
  try {
    // `pid (name) state ppid pgrp session tty_nr tpgid …`; the name may hold blanks and parentheses.
    const stat = process.getBuiltinModule('node:fs').readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    const { isatty } = process.getBuiltinModule('node:tty');
    return [0, 1, 2].some((handle) => isatty(handle));
  }
}

/** Listeners of this process's signals, all to be taken off again. */
export class SignalListeners {
  readonly #listeners: (readonly [NodeJS.Signals, () => void])[] = [];

  on(names: readonly NodeJS.Signals[], listener: (name: NodeJS.Signals) => void): void {
    for (const name of names) {
      const own = (): void => listener(name);
      this.#listeners.push([name, own]);
      process.on(name, own);
    }
  }

  off(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}

/**
 * Ends this process as its child ended, where shells do so: a script whose command died of Ctrl-C stops, and it knows
 * by the signal. Of every other end the exit code tells.
 */
export function endAs({ signal }: ExecEnding): void {
  if (signal !== 'SIGINT') return;
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** Runs the command to its end, with `env` as its whole environment and this process's own stdin, stdout and stderr. */
export async function execCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ExecEnding> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { promise, resolve } = Promise.withResolvers<ExecEnding>();
  const signals = new SignalListeners();
  // Before the command starts, so that a signal in the very moment of its start is not lost.
  signals.on(passed, (name) => child.kill(name));
  signals.on(typed, (name) => void (sharesTerminal() || child.kill(name)));
  signals.on(['SIGTSTP'], (name) => {
    if (!sharesTerminal()) child.kill(name);
    process.kill(process.pid, 'SIGSTOP');
  });
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(command, args, { env, stdio: 'inherit' });
    // An error of a command that runs is a signal that could not be sent to it, as to one of another user.
    child.on('error', (error) => child.pid === undefined && resolve(commandFailure(command, error)));
    child.on('exit', (code, signal) => resolve(endingOf(code, signal)));
    return await promise;
  } catch (error) {
    // Some reasons not to start a command are thrown, such as arguments that are too long.
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return commandFailure(command, error as NodeJS.ErrnoException);
  } finally {
    signals.off();
  }
}
