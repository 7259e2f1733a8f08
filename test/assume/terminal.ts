// `stint` at a terminal of its own, as a person has it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mainFile, type Ended } from './support.ts';

export interface Typing {
  readonly ended: Promise<Ended>;
  /** Settles when the terminal shows the text, after what it was waited for before. */
  readonly shows: (text: string) => Promise<void>;
  readonly type: (line: string) => void;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Starts `stint` at a terminal. stdin and stdout go past it, as those of a `credential_process` do. */
export function startAtTerminal(args: readonly string[], env: Record<string, string>): Typing {
  const out = join(env['HOME']!, `stdout-${process.hrtime.bigint()}`);
  const command = `${[process.execPath, mainFile, ...args].map(quoted).join(' ')} < /dev/null > ${quoted(out)}`;
  const child = spawn('/usr/bin/script', ['-qefc', command, '/dev/null'], {
    env: { ...env, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let [seen, from] = ['', 0];
  let look = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk;
    look();
  });
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  child.on('error', reject);
  child.on('close', (code, signal) =>
    resolve({ code, signal, stdout: existsSync(out) ? readFileSync(out, 'utf8') : '', stderr: seen }),
  );
  const shows = (text: string): Promise<void> => {
    const shown = Promise.withResolvers<void>();
    look = () => {
      const at = seen.indexOf(text, from);
      if (at === -1) return;
      from = at + text.length;
      look = () => undefined;
      shown.resolve();
    };
    look();
    child.once('close', () => shown.reject(new Error(`never shown: ${text} in ${seen}`)));
    return shown.promise;
  };
  return { ended: promise, shows, type: (line) => child.stdin.write(`${line}\n`) };
}

/** Runs `stint` at a terminal to its end. */
export function runAtTerminal(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  return startAtTerminal(args, env).ended;
}
