// A broker in a process of its own, so that a test can kill it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FromServer, ToServer } from '../crash/steps.ts';
import { callHttp, type CallOptions, type Reply } from './support.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const points = new URL('../crash/points.ts', import.meta.url).href;

export interface ServerProcess {
  readonly address: string;
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Reply>;
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
  /** Resolves when the process is gone, for whatever reason. */
  readonly gone: Promise<unknown>;
  /** Has it killed right after its n-th step from now on, or not at all (0). */
  readonly killAt: (step: number) => Promise<void>;
  /** The steps since it was armed. */
  readonly steps: () => Promise<readonly string[]>;
  /** Everything it wrote so far, to both streams. */
  readonly output: () => string;
}

/**
 * Starts `stint server --dev` on a free port with root token `root`; resolves when it is ready. Only a `killable` one
 * counts its steps.
 */
export async function startServerProcess(
  storage: string,
  { killable = false, environment = {} }: { killable?: boolean; environment?: Readonly<Record<string, string>> } = {},
): Promise<ServerProcess> {
  const args = [
    'server',
    '--dev',
    '--dev-root-token-id',
    'root',
    '--listen',
    '127.0.0.1:0',
    '--storage',
    storage,
    '--json',
  ];
  const child: ChildProcess = spawn(process.execPath, [...(killable ? ['--import', points] : []), main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', killable ? 'ipc' : 'ignore'],
    env: {
      PATH: process.env['PATH'],
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: storage,
      ...environment,
      ...(process.env['NODE_COMPILE_CACHE'] === undefined
        ? {}
        : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
    },
  });
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line'),
    closed.then(([code]) => Promise.reject(new Error(`the server ended with ${code}: ${output}`))),
  ])) as [string];
  const { address } = JSON.parse(line) as { address: string };
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return (await closed)[0];
  };
  const ask = async (message: ToServer): Promise<readonly string[]> => {
    const answered = once(child, 'message') as Promise<[FromServer]>;
    // Who is gone already does not answer.
    child.send(message, () => undefined);
    return (await answered)[0].steps;
  };
  return {
    address,
    gone: closed,
    killAt: async (step) => void (await ask({ ask: 'arm', killAt: step })),
    steps: () => ask({ ask: 'steps' }),
    call: (method, path, options) => callHttp(address, method, path, options),
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    output: () => output,
  };
}
