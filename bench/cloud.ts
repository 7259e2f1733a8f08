// The embedded AWS from outside: time from process start to ready, its memory, and how many signed and authorised calls
// it answers a second over 16 connections. `--main FILE` measures a built CLI instead of the sources.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { readCredentialsFile, type CloudCredentials } from '../src/cloud/index.ts';

const { values } = parseArgs({
  options: {
    main: { type: 'string', default: join(import.meta.dirname, '../src/cli/main.ts') },
    starts: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
  },
});
const seconds = Number(values.seconds);
const connections = 16;
const folder = mkdtempSync(join(tmpdir(), 'stint-bench-'));
const credentialsFile = join(folder, 'credentials.json');

interface Started {
  readonly child: ChildProcess;
  readonly readyMs: number;
  readonly credentials: CloudCredentials;
}

async function start(): Promise<Started> {
  const began = performance.now();
  const args = [
    values.main,
    'cloud',
    'start',
    '--port',
    '0',
    '--json',
    '--quiet',
    '--credentials-file',
    credentialsFile,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(createInterface({ input: child.stdout }), 'line');
  return { child, readyMs: performance.now() - began, credentials: readCredentialsFile(credentialsFile) };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Resident memory in MiB, where the system tells it. */
function residentMemory({ pid }: ChildProcess): string {
  try {
    const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return `${Math.round(Number(kib) / 1024)} MiB`;
  } catch {
    return 'unknown';
  }
}

/** Processor time that the child has used, in ms; NaN where the system does not tell. Tells more than a rate on a busy machine. */
function processorMs({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

interface Signed {
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The request that the SDK sends for `command`, to be sent again: its signature is good for 15 minutes. */
async function signedRequest(
  client: STSClient,
  command: AssumeRoleCommand | GetCallerIdentityCommand,
): Promise<Signed> {
  let signed: Signed | undefined;
  client.middlewareStack.add(
    (next) => (args) => {
      signed = args.request as Signed;
      return next(args);
    },
    { step: 'deserialize', name: 'keep', override: true },
  );
  await client.send(command as AssumeRoleCommand);
  return signed!;
}

async function callsPerSecond(
  endpoint: string,
  { path, method, headers, body }: Signed,
  seconds: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(endpoint);
  const until = performance.now() + seconds * 1000;
  let calls = 0;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const sent = httpRequest({ hostname, port, path, method, headers, agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
        response.resume().on('end', resolve);
      });
      sent.on('error', reject).end(body);
    });
  const worker = async () => {
    while (performance.now() < until) {
      await one();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  agent.destroy();
  return calls / seconds;
}

function report(what: string, figure: string): void {
  console.log(`${what.padEnd(44)} ${figure}`);
}

const starts: number[] = [];
for (let run = 0; run < Number(values.starts); run++) {
  const { child, readyMs } = await start();
  starts.push(readyMs);
  await end(child);
}
starts.sort((a, b) => a - b);
report(
  'ready after process start, median (least)',
  `${starts[starts.length >> 1]!.toFixed(0)} ms (${starts[0]!.toFixed(0)} ms)`,
);

const { child, credentials } = await start();
try {
  report('memory when ready', residentMemory(child));
  const { accessKeyId, secretAccessKey } = credentials.accounts[credentials.managementAccount]!;
  const client = new STSClient({
    endpoint: credentials.endpoint,
    region: credentials.region,
    credentials: { accessKeyId, secretAccessKey },
  });
  const member = Object.keys(credentials.accounts).find((id) => id !== credentials.managementAccount)!;
  const RoleArn = `arn:aws:iam::${member}:role/OrganizationAccountAccessRole`;
  const calls = {
    GetCallerIdentity: new GetCallerIdentityCommand({}),
    AssumeRole: new AssumeRoleCommand({ RoleArn, RoleSessionName: 'alice' }),
  };
  for (const [name, command] of Object.entries(calls)) {
    const signed = await signedRequest(client, command);
    await callsPerSecond(credentials.endpoint, signed, 0.5);
    const before = processorMs(child);
    const rate = await callsPerSecond(credentials.endpoint, signed, seconds);
    const each = (processorMs(child) - before) / (rate * seconds);
    report(`${name}, signed and authorised`, `${rate.toFixed(0)} /s, ${each.toFixed(2)} ms of processor each`);
  }
  report('memory after that', residentMemory(child));
} finally {
  await end(child);
  rmSync(folder, { recursive: true });
}
