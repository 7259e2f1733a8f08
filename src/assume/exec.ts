// Runs a command with a session in its environment, as if it had been started directly: its terminal, its
// signals and its end are its own.
import { failure } from './failures.ts';

/** Passed on when they reach Stint alone, as from a supervisor or `kill`. */
const passed: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'];
/** Typed at a terminal, these reach the child as well, for it is in the same process group. */
const typed: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

export interface ExecOptions {
  readonly env: Readonly<Record<string, string>>;
  /** A terminal sends Ctrl-C to the child itself, so Stint must not send it once more. */
  readonly terminal: boolean;
}

function commandFailure(command: string, error: NodeJS.ErrnoException): { code: number; error: Error } {
  const found = error.code === 'EACCES' || error.code === 'ENOEXEC';
  // 126 and 127 as shells, env(1) and nice(1) return them.
  return {
    code: found ? 126 : 127,
    error: failure(
      'command-not-found',
      `\`${command}\` ${found ? 'cannot be run' : 'is not found'} (${error.code ?? 'unknown error'})`,
      {
        hint: found
          ? 'check that it is an executable file'
          : 'check its name and PATH; everything after `--` is the command',
      },
    ),
  };
}

export interface ExecEnding {
  /** The child's code, 128 + n when signal n ended it, 126 or 127 when it could not be started. */
  readonly code: number;
  readonly error?: Error;
}

/** Runs the command to its end. */
export async function execCommand(command: string, args: readonly string[], options: ExecOptions): Promise<ExecEnding> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { signals } = process.getBuiltinModule('node:os').constants;
  const { promise, resolve } = Promise.withResolvers<ExecEnding>();
  const listeners = new Map<NodeJS.Signals, () => void>();
  const listen = (name: NodeJS.Signals, listener: () => void): void => {
    listeners.set(name, listener);
    process.on(name, listener);
  };
  // Before the command starts, so that a signal in the very moment of its start is not lost.
  for (const name of passed) listen(name, () => child.kill(name));
  for (const name of typed) listen(name, () => void (options.terminal || child.kill(name)));
  const child = spawn(command, args, { env: options.env, stdio: 'inherit' });
  child.on('error', (error) => resolve(commandFailure(command, error)));
  child.on('exit', (code, signal) => resolve({ code: code ?? 128 + (signal === null ? 0 : signals[signal]) }));
  try {
    return await promise;
  } finally {
    for (const [name, listener] of listeners) process.off(name, listener);
  }
}
