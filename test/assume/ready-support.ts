// What the tests of the index share: a home whose files were written long ago, and the script `stint-credentials` beside
// a `node` that only tells that it was started.
import { chmodSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { credentialsScript } from '../../src/cli/shell-text.ts';
import { childEnvironment, runProgram, startSts, temporaryHome, type CountingSts, type Ended } from './support.ts';

const hour = 3_600_000;

/** Makes everything below `folder` but Stint's own files look an hour old. */
export function age(folder: string): void {
  const past = new Date(Date.now() - hour);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name === '.cache') continue;
    if (statSync(path).isDirectory()) age(path);
    else utimesSync(path, past, past);
  }
  utimesSync(folder, past, past);
}

/** Lets the clock of files go on: of two files of one tick, which may be milliseconds, none is the older one. */
function passTick(folder: string): void {
  const probe = join(folder, 'tick');
  const tick = (): bigint => {
    writeFileSync(probe, '');
    return statSync(probe, { bigint: true }).mtimeNs;
  };
  const began = tick();
  while (tick() <= began) continue;
}

export interface ReadyHome {
  readonly home: string;
  readonly sts: CountingSts;
  readonly env: Record<string, string>;
  /** Folder of the index. */
  readonly ready: string;
  /** Runs the script with a shell; `started` says whether it went on to Node. */
  answer(
    shell: string,
    target: string,
    env?: Record<string, string>,
    cwd?: string,
  ): Promise<Ended & { readonly started: boolean }>;
}

/** A home with that config, its files an hour old, and an STS. */
export async function readyHome(t: TestContext, config: string): Promise<ReadyHome> {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  age(home);
  const env = childEnvironment(home, sts);
  const bin = join(home, '.cache', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'node'), '#!/bin/sh\necho started\n', { mode: 0o755 });
  const script = join(bin, 'stint-credentials');
  writeFileSync(script, credentialsScript());
  chmodSync(script, 0o755);
  return {
    home,
    sts,
    env,
    ready: join(home, '.cache', 'stint', 'sessions', 'ready'),
    answer: async (shell, target, more = {}, cwd = home) => {
      passTick(bin);
      const surroundings = { ...env, ...more, PATH: `${bin}:${env['PATH'] ?? ''}` };
      const ended = await runProgram(shell, [script, target], surroundings, cwd);
      return { ...ended, started: ended.stdout === 'started\n' };
    },
  };
}
