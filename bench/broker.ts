// The lending server from outside, a process of its own on a durable store, over 16 kept connections: lookups and
// credentials a second in front of an AWS that costs nothing and of the embedded one, the end of 5,000 leases, and what
// many leases cost at the next start. `--main FILE` measures a built CLI, `--leases 1000000` the largest store, `--only starts` one part.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock, systemRandom } from '../src/base/index.ts';
import { Barrier } from '../src/broker/barrier.ts';
import { unwrapRootKey } from '../src/broker/seal/keys.ts';
import { openKeeper } from '../src/broker/seal/local.ts';
import { keySeal } from '../src/broker/seal/seal.ts';
import { openSqliteStore } from '../src/broker/storage/sqlite.ts';
import { startStint } from './contestants.ts';
import { fillLeases } from './fill-leases.ts';
import {
  configure,
  rateOf,
  request,
  startCanned,
  startLending,
  type LendingServer,
  type Rate,
} from './lending-server.ts';
import { inParallel, median, signForm } from './signed-client.ts';

const { values } = parseArgs({
  options: {
    main: { type: 'string', default: join(import.meta.dirname, '../src/cli/main.ts') },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    starts: { type: 'string', default: '5' },
    users: { type: 'string', default: '5000' },
    leases: { type: 'string', default: '10000,100000' },
    only: { type: 'string', default: '' },
  },
});
const seconds = Number(values.seconds);
const rootKeys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'bench' };

function say(what: string, text: string): void {
  console.log(`${what.padEnd(58)} ${text}`);
}

function shown({ perSecond, p50Ms, p99Ms, processorMs }: Rate): string {
  return `${Math.round(perSecond)} /s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ${processorMs.toFixed(2)} ms of processor each`;
}

/** The round with the median rate. */
async function measured(server: LendingServer, path: string, token: string, each = seconds): Promise<Rate> {
  const asked = request(server.endpoint, 'GET', path, undefined, token);
  await rateOf(server, asked, each / 2);
  const rounds: Rate[] = [];
  for (let round = 0; round < Number(values.rounds); round++) rounds.push(await rateOf(server, asked, each));
  return rounds.toSorted((a, b) => a.perSecond - b.perSecond)[rounds.length >> 1]!;
}

/** A token that may lend and nothing else, as callers have it. */
async function lender(server: LendingServer): Promise<string> {
  const policy = 'path "aws/creds/*" { capabilities = ["read"] }';
  await server.call('PUT', '/v1/sys/policies/acl/lender', { policy });
  const made = await server.call('POST', '/v1/auth/token/create', { policies: ['lender'], ttl: '24h' });
  return (JSON.parse(made) as { auth: { client_token: string } }).auth.client_token;
}

async function starts(): Promise<void> {
  const ready: number[] = [];
  for (let run = 0; run < Number(values.starts); run++) {
    using server = await startLending(values.main);
    ready.push(server.readyMs);
  }
  say('process start to first answer', `${Math.round(median(ready))} ms`);
}

async function rates(): Promise<void> {
  using aws = await startCanned();
  using server = await startLending(values.main);
  await configure(server, aws.endpoint, rootKeys, 'arn:aws:iam::111122223333:role/bench');
  const token = await lender(server);
  say('token lookups', shown(await measured(server, '/v1/auth/token/lookup-self', token)));
  say(
    'assumed_role credentials, AWS that costs nothing',
    shown(await measured(server, '/v1/aws/creds/session', token)),
  );
  say('iam_user credentials, AWS that costs nothing', shown(await measured(server, '/v1/aws/creds/user', token)));
  say('memory afterwards', `${Math.round(server.residentMiB())} MiB`);
}

async function ratesBeforeTheEmbeddedAws(): Promise<void> {
  using aws = await startStint(values.main);
  using server = await startLending(values.main);
  const role = { Action: 'CreateRole', RoleName: 'bench', AssumeRolePolicyDocument: trust };
  const account = '111111111111';
  const keys = aws.keysOf(account);
  await server.connections.send(request(server.endpoint, 'GET', '/v1/sys/health'));
  await sendTo(aws.endpoint, signForm(aws.endpoint, keys, 'iam', role));
  await configure(server, aws.endpoint, keys, `arn:aws:iam::${account}:role/bench`);
  const token = await lender(server);
  say('assumed_role credentials, embedded AWS', shown(await measured(server, '/v1/aws/creds/session', token)));
  // An account has 5,000 users at most (IAM quotas).
  const users = await measured(server, '/v1/aws/creds/user', token, seconds / 2);
  say('iam_user credentials, embedded AWS', shown(users));
}

const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
});

async function sendTo(endpoint: string, signed: ReturnType<typeof signForm>): Promise<void> {
  const { Connections } = await import('./signed-client.ts');
  const connections = new Connections(endpoint, 1);
  await connections.send(signed);
  connections.close();
}

async function endOfMany(latencyMs: number): Promise<void> {
  const count = Number(values.users);
  using aws = await startCanned(latencyMs);
  using server = await startLending(values.main);
  await configure(server, aws.endpoint, rootKeys, 'arn:aws:iam::111122223333:role/bench');
  const asked = request(server.endpoint, 'GET', '/v1/aws/creds/user');
  await inParallel(count, 16, () => server.connections.send(asked));
  const before = server.processorMs();
  const began = performance.now();
  await server.call('PUT', '/v1/sys/leases/revoke-prefix/aws/creds/user');
  const took = (performance.now() - began) / 1000;
  const each = (server.processorMs() - before) / count;
  const name = `revoke-prefix of ${count} iam_user leases, ${latencyMs} ms of latency`;
  say(name, `${took.toFixed(1)} s, ${each.toFixed(2)} ms of processor each`);
}

async function manyLeases(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-bench-'));
  try {
    let filled = 0;
    const counts = values.leases.split(',').map(Number);
    for (const count of counts) {
      await fill(folder, count - filled);
      filled = count;
      using server = await startLending(values.main, folder);
      const rest = await server.call('GET', '/v1/sys/health');
      if (!rest.includes('"initialized":true')) throw new Error(`unwell: ${rest}`);
      const lookups = await measured(server, '/v1/auth/token/lookup-self', 'root');
      say(
        `${count} leases: start to first answer`,
        `${Math.round(server.readyMs)} ms, ${Math.round(server.residentMiB())} MiB`,
      );
      say(`${count} leases: token lookups`, shown(lookups));
      if (count === counts.at(-1)) await lendBesides(server, count);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What lending costs with so many leases about. */
async function lendBesides(server: LendingServer, count: number): Promise<void> {
  using aws = await startCanned();
  await configure(server, aws.endpoint, rootKeys, 'arn:aws:iam::111122223333:role/bench');
  const token = await lender(server);
  say(`${count} leases: assumed_role credentials`, shown(await measured(server, '/v1/aws/creds/session', token)));
  say(`${count} leases: iam_user credentials`, shown(await measured(server, '/v1/aws/creds/user', token)));
}

async function fill(folder: string, count: number): Promise<void> {
  // A first start initialises the store and leaves the key that opens it.
  using first = await startLending(values.main, folder);
  first.child.kill('SIGTERM');
  await once(first.child, 'close');
  const store = openSqliteStore(join(folder, 'stint.db'));
  const [key] = openKeeper(join(folder, 'seal.json'), false).keys();
  const rootKey = await unwrapRootKey(store, keySeal('shamir', key!, systemRandom));
  const barrier = await Barrier.open({ store, clock: systemClock, random: systemRandom }, rootKey!);
  await fillLeases(barrier!, count);
  await store.close();
}

/** `--only ends,leases` measures some of them. */
const parts = {
  starts,
  rates,
  embedded: ratesBeforeTheEmbeddedAws,
  ends: async () => {
    await endOfMany(0);
    await endOfMany(20);
  },
  leases: manyLeases,
};
const only = values.only === '' ? Object.keys(parts) : values.only.split(',');
for (const name of only) await parts[name as keyof typeof parts]();
