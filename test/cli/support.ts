// `stint` for tests: run inside the test's process, which costs a tenth of a start, or as a process of its own where
// signals, streams or what a process inherits are the point.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Io } from '../../src/cli/command.ts';
import { run } from '../../src/cli/program.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

export type Child = ChildProcessByStdio<null, Readable, Readable>;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string | undefined;
}

function collector(): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const stream = new Writable({ write: (chunk: Buffer, _, next) => ((text += chunk.toString()), next()) });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

/** Tests ask nothing but loopback: without credentials, programs would go on to an instance's address. */
const nowhere = { AWS_EC2_METADATA_DISABLED: 'true' };

/** An `Io` without a terminal, and what was written to it and given as exit code so far. */
export function collectingIo({ cwd, env, stdin = '' }: Surroundings): { io: Io; finished: () => Finished } {
  const [out, err] = [collector(), collector()];
  let code = 0;
  const io: Io = {
    env: { ...nowhere, ...env },
    cwd,
    program: [process.execPath, main],
    stdin: Readable.from([stdin]) as unknown as NodeJS.ReadStream,
    stdout: out.stream,
    stderr: err.stream,
    signal: new AbortController().signal,
    exit: (given) => void (code = given),
  };
  return { io, finished: () => ({ code, stdout: out.text(), stderr: err.text() }) };
}

/** Runs one command line in this process, to its end. */
export async function runStint(args: readonly string[], surroundings: Surroundings): Promise<Finished> {
  const { io, finished } = collectingIo(surroundings);
  await run(args, io);
  return finished();
}

/** Starts `stint` as a process without a terminal; it shares the compile cache of the tests. */
export function spawnStint(args: readonly string[], { cwd, env }: Omit<Surroundings, 'stdin'>): Child {
  const cache = process.env['NODE_COMPILE_CACHE'];
  return spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...nowhere, ...env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: resolve(cache) }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Everything a process writes until it ends. */
export async function finish(child: Child): Promise<Finished> {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
