// Loads hot.ts for this process and runs one line with it.
import type { Io } from './command.ts';
import { loadCompiled } from './compiled.ts';
import { cliFile, cliModule, isBuilt } from './place.ts';
import { processIo } from './process-io.ts';

type Hot = typeof import('./hot.ts');

async function loadHot(use: string): Promise<{ readonly exports: Hot; readonly keep: () => void }> {
  if (isBuilt) return loadCompiled<Hot>(cliFile('hot.cjs'), use, process.env);
  return { exports: (await import(cliModule('hot').href)) as Hot, keep: () => undefined };
}

/** Verbs that do less when a session is kept. */
const printing: readonly string[] = ['assume', 'credentials'];

/**
 * Runs a line of the verb `use`; true when it was one of hot.ts. What V8 compiled for it is kept after the first run that
 * did all that the verb does: for those that print a session, one that asked AWS.
 */
export async function runWithHot(use: string, run: (hot: Hot, io: Io) => Promise<boolean>): Promise<boolean> {
  const { exports, keep } = await loadHot(use);
  let whole = !printing.includes(use);
  const io = processIo(() => (whole = true));
  const done = await run(exports, io);
  if (done && whole && !process.exitCode) keep();
  return done;
}
