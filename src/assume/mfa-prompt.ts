// Asks for an MFA code on the controlling terminal. Never on stdin or stdout: those are the program's, and a
// `credential_process` has none worth asking on.
import { Secret } from '../base/index.ts';
import { failure } from './failures.ts';
import type { MfaAnswer } from './session.ts';

const codePattern = /^\d{6}$/;

/** @throws Failure `invalid-option` unless it is six digits. The text is not repeated. */
export function parseMfaCode(text: string): Secret {
  const code = text.trim();
  if (!codePattern.test(code))
    throw failure('invalid-option', 'an MFA code is six digits', { hint: 'give it like `--mfa-code 123456`' });
  return new Secret(code);
}

function openTerminal(): number | undefined {
  try {
    return process.getBuiltinModule('node:fs').openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
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
export async function askOnTerminal(serial: string, signal: AbortSignal): Promise<MfaAnswer> {
  for (;;) {
    const handle = openTerminal();
    if (handle === undefined) {
      throw failure('mfa-needed', `an MFA code of \`${serial}\` is needed, and there is no terminal to ask on`, {
        hint: 'give it with `--mfa-code 123456`, or run the same target once in a terminal: the session is kept',
      });
    }
    const line = await readLine(handle, `MFA code of ${serial}: `, signal);
    if (line === undefined)
      throw failure('interrupted', 'no MFA code was given', {
        hint: 'run it again, or give the code with `--mfa-code`',
      });
    if (codePattern.test(line.trim())) return { code: parseMfaCode(line), again: true };
  }
}
