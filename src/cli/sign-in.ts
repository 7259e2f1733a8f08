// How a person at this process's terminal signs in, and what sources of credentials are read with besides.
import { systemClock } from '../base/index.ts';
import { httpSender, type Environment, type SignInTools, type SourceTools } from '../assume/index.ts';
import type { Io } from './command.ts';
import { say, tell } from './output.ts';

export interface SignInChoices {
  readonly deviceCode: boolean;
  readonly browser: boolean;
  readonly quiet: boolean;
  readonly explain: boolean;
  /** False when nobody may be asked. */
  readonly attended?: boolean;
}

/** Resolves after so many milliseconds, or when `signal` aborts; leaves no timer. */
export function wait(millis: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', done);
    resolve();
  };
  const timer = setTimeout(done, millis);
  signal?.addEventListener('abort', done);
  return promise;
}

/** The terminal, for writing; undefined without one. */
function openTerminal(): number | undefined {
  try {
    return process.getBuiltinModule('node:fs').openSync('/dev/tty', 'w');
  } catch {
    return undefined;
  }
}

/** Lines go to stderr, and past it to the terminal when somebody catches stderr, as SDKs do of a `credential_process`. */
function personTools(io: Io, { deviceCode, browser }: SignInChoices): SignInTools | undefined {
  const choices = { deviceCode, browser, signal: io.signal };
  if (io.stderr.isTTY) return { ...choices, tell: (line) => tell(io, line) };
  const terminal = openTerminal();
  if (terminal === undefined) return undefined;
  return { ...choices, tell: (line) => void process.getBuiltinModule('node:fs').writeSync(terminal, `${line}\n`) };
}

/** Tools for reading sources; a person is asked to sign in only where there is a terminal. */
export function sourceTools(io: Io, env: Environment, choices: SignInChoices): SourceTools {
  return {
    env,
    clock: systemClock,
    wait,
    send: httpSender(env),
    signIn: () => (choices.attended === false ? undefined : personTools(io, choices)),
    note: (line) => choices.quiet || say(io, `note: ${line}`),
    explain: (line) => choices.explain && say(io, `explain: ${line}`),
  };
}

/** The same for who has asked to sign in: it is told on stderr, whatever that is. */
export function signingInTools(io: Io, env: Environment, choices: SignInChoices): SourceTools {
  const { deviceCode, browser } = choices;
  const person = (): SignInTools => ({ deviceCode, browser, signal: io.signal, tell: (line) => tell(io, line) });
  return { ...sourceTools(io, env, choices), signIn: person };
}
