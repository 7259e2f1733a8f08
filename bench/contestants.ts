// What bench/cloud.ts runs: the embedded AWS, and moto's server where Python is present. Both are processes of
// their own, asked the same way.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readCredentialsFile } from '../src/cloud/index.ts';
import type { Keys } from './signed-client.ts';

/** One server that answers. */
export interface Contestant extends Disposable {
  readonly name: string;
  readonly endpoint: string;
  readonly keys: Keys;
  readonly child: ChildProcess;
  /** From the start of the process until it answers. */
  readonly readyMs: number;
}

/** The embedded AWS by `main`, the file of the command. */
export async function startStint(
  main: string,
  ...more: readonly string[]
): Promise<Contestant & { readonly keysOf: (account: string) => Keys; readonly controlToken: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-bench-'));
  const file = join(folder, 'credentials.json');
  const began = performance.now();
  const args = [main, 'cloud', 'start', '--port', '0', '--json', '--quiet', '--credentials-file', file, ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(createInterface({ input: child.stdout }), 'line');
  const readyMs = performance.now() - began;
  const { endpoint, accounts, managementAccount, controlToken } = readCredentialsFile(file);
  const end = () => (child.kill('SIGTERM'), rmSync(folder, { recursive: true, force: true }));
  const keysOf = (account: string): Keys => accounts[account]!;
  const keys = keysOf(managementAccount);
  return { name: 'stint', endpoint, keys, keysOf, controlToken, child, readyMs, [Symbol.dispose]: end };
}

const folder = '.cache/moto';

/** True when moto is there, installing it first where Python is; says so when it is not. */
export function haveMoto(): boolean {
  const requirements = 'bench/requirements.txt';
  const wanted = readFileSync(requirements, 'utf8');
  const stamp = `${folder}/installed`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return true;
  const run = (command: string, ...args: string[]) =>
    spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  mkdirSync('.cache', { recursive: true });
  const installed =
    run('python3', '-m', 'venv', folder) &&
    run(`${folder}/bin/pip`, 'install', '--quiet', '--disable-pip-version-check', '-r', requirements);
  if (installed) writeFileSync(stamp, wanted);
  else console.log('moto could not be installed: measured without it');
  return installed;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/moto-api/`)).ok;
  } catch {
    return false;
  }
}

/** moto checks no signature and no policy; any key will do. */
export async function startMoto(): Promise<Contestant> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const began = performance.now();
  const child = spawn(`${folder}/bin/moto_server`, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null) throw new Error(`moto_server ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' };
  const readyMs = performance.now() - began;
  return { name: 'moto', endpoint, keys, child, readyMs, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

/** Resident memory in MiB; NaN where the system does not tell. */
export function residentMiB({ child: { pid } }: Contestant): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** Processor time used so far, in ms; NaN where the system does not tell. Tells more than a rate on a busy machine. */
export function processorMs({ child: { pid } }: Contestant): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}
