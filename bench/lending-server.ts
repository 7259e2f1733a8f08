// What bench/broker.ts runs and asks: servers that lend, the AWS behind them, and load over kept connections.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { processorMs, residentMiB } from './contestants.ts';
import { Connections, median, type Keys, type Signed } from './signed-client.ts';

/** As the numbers of other servers were taken. */
export const width = 16;

export interface Measured extends Disposable {
  readonly child: ChildProcess;
  readonly endpoint: string;
}

async function started(args: readonly string[]): Promise<{ child: ChildProcess; line: Record<string, string> }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, line: JSON.parse(line) as Record<string, string> };
}

/** An AWS that costs nothing and answers after `latencyMs`. */
export async function startCanned(latencyMs = 0): Promise<Measured> {
  const { child, line } = await started([join(import.meta.dirname, 'canned-aws.ts'), '--latency', String(latencyMs)]);
  return { child, endpoint: line['endpoint']!, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

export interface LendingServer extends Measured {
  readonly folder: string;
  readonly readyMs: number;
  readonly connections: Connections;
  /** One call over a kept connection; the text of its answer. */
  call(method: string, path: string, body?: object, token?: string): Promise<string>;
  residentMiB(): number;
  processorMs(): number;
}

/** `stint server --dev` by `main`, on a store in `folder`, else in a new one that goes away with it. */
export async function startLending(main: string, folder?: string): Promise<LendingServer> {
  const storage = folder ?? mkdtempSync(join(tmpdir(), 'stint-bench-'));
  const began = performance.now();
  const { child, line } = await started([
    main,
    'server',
    '--dev',
    '--dev-root-token-id',
    'root',
    '--listen',
    '127.0.0.1:0',
    '--storage',
    storage,
    '--json',
  ]);
  const endpoint = line['address']!;
  const connections = new Connections(endpoint, width);
  await connections.send(request(endpoint, 'GET', '/v1/sys/health'));
  const readyMs = performance.now() - began;
  const asked = { child } as never;
  return {
    child,
    endpoint,
    folder: storage,
    readyMs,
    connections,
    call: (method, path, body, token) => connections.send(request(endpoint, method, path, body, token)),
    residentMiB: () => residentMiB(asked),
    processorMs: () => processorMs(asked),
    [Symbol.dispose]: () => {
      connections.close();
      child.kill('SIGKILL');
      if (folder === undefined) rmSync(storage, { recursive: true, force: true });
    },
  };
}

/** A request of Vault's API; sent many times it is written once. */
export function request(endpoint: string, method: string, path: string, body?: object, token = 'root'): Signed {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    host: new URL(endpoint).host,
    'x-vault-token': token,
    'content-length': String(Buffer.byteLength(text)),
  };
  return { method, path, headers, body: text };
}

const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
});

/** Mounts `aws/` on an AWS, with a role of each kind. */
export async function configure(server: LendingServer, aws: string, keys: Keys, roleArn: string): Promise<void> {
  await server.call('POST', '/v1/sys/mounts/aws', { type: 'aws' });
  await server.call('POST', '/v1/aws/config/root', {
    access_key: keys.accessKeyId,
    secret_key: keys.secretAccessKey,
    region: 'us-east-1',
    iam_endpoint: aws,
    sts_endpoint: aws,
  });
  await server.call('POST', '/v1/aws/config/lease', { lease: '1h', lease_max: '24h' });
  await server.call('POST', '/v1/aws/roles/user', { credential_type: 'iam_user', policy_document: policy });
  await server.call('POST', '/v1/aws/roles/session', { credential_type: 'assumed_role', role_arns: roleArn });
}

export interface Rate {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly processorMs: number;
}

/** Sends the request over and over, `width` at a time, for `seconds`. */
export async function rateOf(server: LendingServer, asked: Signed, seconds: number): Promise<Rate> {
  const millis: number[] = [];
  const before = server.processorMs();
  const began = performance.now();
  const until = began + seconds * 1000;
  const worker = async (): Promise<void> => {
    for (let now = performance.now(); now < until;) {
      await server.connections.send(asked);
      const then = now;
      now = performance.now();
      millis.push(now - then);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  const took = performance.now() - began;
  const sorted = millis.toSorted((a, b) => a - b);
  return {
    perSecond: (millis.length / took) * 1000,
    p50Ms: median(sorted),
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
    processorMs: (server.processorMs() - before) / millis.length,
  };
}
