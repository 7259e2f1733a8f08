// A picker on the controlling terminal: never on stdin or stdout, which are the program's. Loaded only when somebody picks.
import { failure } from './failures.ts';
import { keysIn, pickerLines, pressKey, startPicker, type Choice, type PickerState } from './picker-state.ts';

export type { Choice } from './picker-state.ts';

const fs = process.getBuiltinModule('node:fs');
const tty = process.getBuiltinModule('node:tty');

function openTerminal(): number | undefined {
  try {
    return fs.openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}

/** Columns and rows as they are now; a stream knows only what they were when it was opened. */
function terminalSize(): { readonly columns: number; readonly rows: number } {
  const output = new tty.WriteStream(fs.openSync('/dev/tty', 'w'));
  const { columns, rows } = output;
  output.destroy();
  return { columns: columns || 80, rows: rows || 24 };
}

/** Draws over what it drew before; the cursor stays at the end of the first line, where one types. */
function draw(handle: number, state: PickerState, color: boolean): void {
  const { columns, rows } = terminalSize();
  const lines = pickerLines(state, { columns, rows, color });
  const back = lines.length > 1 ? `\x1b[${lines.length - 1}A` : '';
  fs.writeSync(handle, `\r\x1b[J${lines.join('\r\n')}${back}\x1b[${Array.from(lines[0]!).length + 1}G`);
}

/** Calls `press` with every key until it returns an answer; undefined when the terminal or `signal` ends. */
async function readKeys<Answer>(
  input: NodeJS.ReadStream,
  signal: AbortSignal,
  press: (key: string) => Answer | undefined,
): Promise<Answer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  const stop = (): void => resolve(undefined);
  signal.addEventListener('abort', stop, { once: true });
  input.on('error', stop).on('end', stop);
  input.on('data', (text: string) => {
    for (const key of keysIn(text)) {
      const answer = press(key);
      if (answer !== undefined) return resolve(answer);
    }
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export interface PickOptions {
  /** Names used lately, the latest first; they are shown first. */
  readonly recent: readonly string[];
  readonly signal: AbortSignal;
  readonly color: boolean;
}

/**
 * Lets a person pick one; resolves with its name, or undefined when there is no terminal.
 * @throws Failure `interrupted` when the person leaves, or the process is told to end.
 */
export async function pick(choices: readonly Choice[], options: PickOptions): Promise<string | undefined> {
  const handle = openTerminal();
  if (handle === undefined) return undefined;
  let state = startPicker(choices, options.recent);
  const show = (): void => draw(handle, state, options.color);
  const input = new tty.ReadStream(handle).setRawMode(true).setEncoding('utf8');
  process.on('SIGWINCH', show);
  try {
    show();
    const step = await readKeys(input, options.signal, (key) => {
      const next = pressKey(state, key);
      if (next === 'ended' || 'picked' in next) return next;
      state = next;
      show();
      return undefined;
    });
    if (typeof step === 'object') return step.picked;
  } finally {
    process.off('SIGWINCH', show);
    fs.writeSync(handle, '\r\x1b[J');
    input.setRawMode(false);
    input.destroy();
  }
  throw failure('interrupted', 'no target was picked', { hint: 'run it again, or name the target' });
}
