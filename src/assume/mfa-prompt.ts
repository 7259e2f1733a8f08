// Asks for an MFA code on the controlling terminal. Never on stdin or stdout: those are the program's, and a
// `credential_process` has none worth asking on.
import { Secret } from '../base/index.ts';
import { failure } from './failures.ts';

/** True for six digits, with blanks around them. */
export function isMfaCode(text: string): boolean {
  return /^\d{6}$/.test(text.trim());
}

/** @throws Failure `invalid-option` unless it is six digits. The text is not repeated. */
export function parseMfaCode(text: string): Secret {
  if (!isMfaCode(text))
    throw failure('invalid-option', 'an MFA code is six digits', { hint: 'give it like `--mfa-code 123456`' });
  return new Secret(text.trim());
}

function openTerminal(): number | undefined {
  try {
    return process.getBuiltinModule('node:fs').openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}

/** Runs `work` with a handle of the terminal, undefined where there is none, and closes it. */
export async function withTerminal<Result>(work: (handle: number | undefined) => Promise<Result>): Promise<Result> {
  const handle = openTerminal();
  try {
    return await work(handle);
  } finally {
    if (handle !== undefined) process.getBuiltinModule('node:fs').closeSync(handle);
  }
}

/** One line from the terminal; undefined when it ends or `signal` aborts. Closes the terminal again. */
async function readLine(handle: number, question: string, signal: AbortSignal): Promise<string | undefined> {
  const { ReadStream } = process.getBuiltinModule('node:tty');
  const { createInterface } = process.getBuiltinModule('node:readline');
  process.getBuiltinModule('node:fs').writeSync(handle, question);
  const input = new ReadStream(handle);
  const lines = createInterface({ input, terminal: false });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const stop = (): void => resolve(undefined);
  signal.addEventListener('abort', stop, { once: true });
  lines.once('line', resolve);
  lines.once('close', stop);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', stop);
    lines.close();
    input.destroy();
  }
}

/**
 * Asks on /dev/tty until six digits come.
 * @throws Failure `mfa-needed` without a terminal, `interrupted` when the person ends it.
 */
export async function askOnTerminal(serial: string, signal: AbortSignal): Promise<Secret> {
  for (;;) {
    const handle = openTerminal();
    if (handle === undefined) {
      throw failure('mfa-needed', `an MFA code of \`${serial}\` is needed, and there is no terminal to ask on`, {
        hint: 'give it with `--mfa-code 123456` or `mfa_process`, or run the same target once in a terminal: the session is kept',
      });
    }
    const line = await readLine(handle, `MFA code of ${serial}: `, signal);
    if (line === undefined)
      throw failure('interrupted', 'no MFA code was given', {
        hint: 'run it again, or give the code with `--mfa-code`',
      });
    if (isMfaCode(line)) return parseMfaCode(line);
  }
}

/** For work that runs without a person: refuses. @throws Failure `mfa-needed`. */
export async function askNobody(serial: string): Promise<never> {
  throw failure('mfa-needed', `an MFA code of \`${serial}\` is needed, and nobody is asked while a program waits`, {
    hint: 'run the same target once in a terminal: the session is kept',
  });
}
