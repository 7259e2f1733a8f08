// `npm run test:fuzz`: a minute of broken requests against a running embedded AWS, the same ones for the same seed.
// Every answer must be AWS's: a status below 500, or 501 and 503 where AWS has them. The process must live, tell no
// defect, and stay within its memory. Prints what it did; ends with 1 and the requests at fault.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { sign, type Keys } from '../../bench/signed-client.ts';
import { readCredentialsFile } from '../../src/cloud/index.ts';
import { corpus, type Sample } from './corpus.ts';
import { mutate, Numbers, type Request } from './mutations.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    connections: { type: 'string', default: '10000' },
    memory: { type: 'string', default: '1024' },
  },
});
const numbers = new Numbers(Number(values.seed));
const folder = mkdtempSync(join(tmpdir(), 'stint-fuzz-'));
const file = join(folder, 'credentials.json');
const main = join(import.meta.dirname, '../../src/cli/main.ts');
const args = [main, 'cloud', 'start', '--port', '0', '--json', '--quiet', '--credentials-file', file];
const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
let told = '';
child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
await once(createInterface({ input: child.stdout }), 'line');
const { endpoint, accounts, managementAccount } = readCredentialsFile(file);
const { hostname, port } = new URL(endpoint);
const keys: Keys = accounts[managementAccount]!;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

const counts = new Map<string, number>();
const faults: string[] = [];
let mostMiB = 0;

function count(what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function blame(what: string, request: Partial<Request>): void {
  if (faults.length >= 20) return;
  const { method, path, query, headers, body } = request;
  const text = Buffer.from(body ?? [])
    .toString('latin1')
    .slice(0, 400);
  faults.push(
    `${what}\n  ${method} ${path}?${query}\n  ${JSON.stringify(headers).slice(0, 600)}\n  ${JSON.stringify(text)}`,
  );
}

/** Sent as it is; resolves with the status, 0 for a connection that was closed without one. */
function send(request: Request): Promise<number> {
  return new Promise((resolve) => {
    const { method, path, query, body } = request;
    // What is half sent is `raw`'s to try.
    const headers = { ...request.headers, 'content-length': String(body.length) };
    const target = query === '' ? path : `${path}?${query}`;
    const options = { hostname, port, method, path: target, headers, agent, timeout: 10_000 };
    const sent = httpRequest(options, (response) => {
      response
        .resume()
        .on('end', () => resolve(response.statusCode!))
        .on('error', () => resolve(0));
    });
    sent.on('timeout', () => (blame('no answer within 10 s', request), sent.destroy()));
    sent.on('error', () => resolve(0)).end(body);
  });
}

/** The request with a signature that is right for what it has become. */
function signed(service: string, request: Request): Request {
  const path = request.query === '' ? request.path : `${request.path}?${request.query.split('&').toSorted().join('&')}`;
  const type = request.headers['content-type'];
  const body = Buffer.from(request.body);
  const { headers } = sign(endpoint, keys, service, {
    method: request.method,
    path,
    body,
    ...(type === undefined ? {} : { type }),
  });
  const [plain = '/', query = ''] = path.split('?');
  return { ...request, path: plain, query, headers: { ...request.headers, ...headers } };
}

async function one(samples: readonly Sample[]): Promise<void> {
  const sample = numbers.of(samples);
  const base: Request = sample;
  const broken = mutate(base, numbers);
  // Most are signed after they were broken, some before, some not at all.
  const way = numbers.below(10);
  let request: Request;
  try {
    request =
      way < 7 ? signed(sample.service, broken) : way < 9 ? mutate(signed(sample.service, base), numbers) : broken;
    const status = await send(request);
    count(`${sample.service} ${status === 0 ? 'closed' : status < 500 ? `${Math.floor(status / 100)}xx` : status}`);
    if (status >= 500 && status !== 501 && status !== 503) blame(`answered ${status}`, request);
  } catch {
    // Node's client does not send it at all.
    count('not sendable');
  }
}

const rawBytes: readonly ((numbers: Numbers) => Buffer)[] = [
  (source) => Buffer.from(Array.from({ length: 1 + source.below(2000) }, () => source.below(256))),
  () => Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nAction='),
  () => Buffer.from(`GET /${'a/'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`),
  () => Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  () => Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n'),
  () =>
    Buffer.from(
      `GET / HTTP/1.1\r\n${Array.from({ length: 3000 }, (_, index) => `x-${index}: y`).join('\r\n')}\r\n\r\n`,
    ),
];

function open(): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}

async function raw(): Promise<void> {
  const socket = await open();
  if (socket === undefined) return;
  const bytes = numbers.of(rawBytes)(numbers);
  socket.resume().write(bytes.subarray(0, 1 + numbers.below(bytes.length)));
  count('raw bytes');
  if (numbers.below(2) === 0) socket.resetAndDestroy();
  else socket.end();
}

function residentMiB(): number {
  const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

async function isAlive(): Promise<boolean> {
  if (child.exitCode !== null) return false;
  const signal = AbortSignal.timeout(10_000);
  return (await fetch(`${endpoint}/_stint/health`, { signal }).catch(() => undefined))?.status === 200;
}

/** Thousands that say nothing, or one letter now and then: they cost a socket each, and hold up nobody. */
async function crowd(size: number): Promise<void> {
  const sockets: Socket[] = [];
  for (let opened = 0; opened < size; opened += 200) {
    const group = await Promise.all(Array.from({ length: Math.min(200, size - opened) }, open));
    sockets.push(...group.filter((socket) => socket !== undefined));
  }
  for (const [index, socket] of sockets.entries()) if (index % 3 === 0) socket.write('G');
  const before = performance.now();
  if (!(await isAlive())) faults.push(`${sockets.length} silent connections: nobody else is answered`);
  console.log(`${sockets.length} silent connections: health after ${(performance.now() - before).toFixed(0)} ms`);
  mostMiB = Math.max(mostMiB, residentMiB());
  for (const socket of sockets) socket.destroy();
}

try {
  const samples = await corpus();
  console.log(
    `${samples.length} requests of ${new Set(samples.map(({ service }) => service)).size} services, seed ${values.seed}`,
  );
  await crowd(Number(values.connections));
  const until = performance.now() + Number(values.seconds) * 1000;
  const worker = async (index: number) => {
    while (performance.now() < until && child.exitCode === null) {
      await (index === 0 && numbers.below(4) === 0 ? raw() : one(samples));
      if (index === 0) mostMiB = Math.max(mostMiB, residentMiB());
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, index) => worker(index)));
  for (const [what, times] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${what.padEnd(30)} ${times}`);
  console.log(`most memory: ${mostMiB.toFixed(0)} MiB`);
  if (!(await isAlive())) faults.push('the process does not answer any more');
  if (mostMiB > Number(values.memory)) faults.push(`${mostMiB.toFixed(0)} MiB of memory`);
  if (told !== '') faults.push(`told on stderr:\n${told.slice(0, 4000)}`);
} finally {
  agent.destroy();
  // One that is caught in a request hears nothing else.
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) console.log(`\nFAULT ${fault}`);
console.log(faults.length === 0 ? 'no faults' : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
