// Asks for a secret on the terminal without showing what is typed.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { Secret } from '../../base/index.ts';
import type { Io } from '../command.ts';

/** From the terminal, else everything that standard input holds. The closing line feed is no part of it. */
export async function secretFromInput(io: Io, question: string): Promise<Secret> {
  if (!io.stdin.isTTY) return new Secret((await readAll(io.stdin)).replace(/\r?\n$/, ''));
  io.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, next) => next() });
  const lines = createInterface({ input: io.stdin, output: silent, terminal: true });
  try {
    return new Secret(await new Promise<string>((resolve) => lines.question('', { signal: io.signal }, resolve)));
  } finally {
    lines.close();
    io.stderr.write('\n');
  }
}
