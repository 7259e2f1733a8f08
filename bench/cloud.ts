// The embedded AWS from outside, beside moto_server where Python is present: time from process start to ready, memory,
// and calls a second over 16 connections, the two in turn so that both meet the same machine. Stint verifies and
// authorises every call; moto does neither. `--main FILE` measures a built CLI instead of the sources.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { haveMoto, processorMs, residentMiB, startMoto, startStint, type Contestant } from './contestants.ts';
import { Connections, inParallel, median, sign, signForm, type Signed } from './signed-client.ts';

const { values } = parseArgs({
  options: {
    main: { type: 'string', default: join(import.meta.dirname, '../src/cli/main.ts') },
    starts: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    'no-moto': { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const width = 16;
/** moto loses writes that come at once. */
const widthOf = (name: string): number => (name === 'moto' ? 1 : width);
const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });

/** What is asked of both; `prepare` makes what it needs. */
interface Measure {
  readonly name: string;
  readonly prepare?: (server: Contestant, connections: Connections) => Promise<void>;
  readonly request: (server: Contestant) => Signed;
}

const trust = document({ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' });

async function callerAccount({ endpoint, keys }: Contestant, connections: Connections): Promise<string> {
  const text = await connections.send(signForm(endpoint, keys, 'sts', { Action: 'GetCallerIdentity' }));
  return /<Account>(\d+)</.exec(text)![1]!;
}

const accounts = new Map<Contestant, string>();

const measures: readonly Measure[] = [
  {
    name: 'GetCallerIdentity',
    request: ({ endpoint, keys }) => signForm(endpoint, keys, 'sts', { Action: 'GetCallerIdentity' }),
  },
  {
    name: 'AssumeRole',
    prepare: async (server, connections) => {
      accounts.set(server, await callerAccount(server, connections));
      const role = { Action: 'CreateRole', RoleName: 'bench', AssumeRolePolicyDocument: trust };
      await connections.send(signForm(server.endpoint, server.keys, 'iam', role));
    },
    request: (server) =>
      signForm(server.endpoint, server.keys, 'sts', {
        Action: 'AssumeRole',
        RoleArn: `arn:aws:iam::${accounts.get(server)}:role/bench`,
        RoleSessionName: 'alice',
      }),
  },
  {
    name: 'ListUsers, 1,000 of 5,000 a page',
    prepare: async ({ name, endpoint, keys }, connections) => {
      await inParallel(4990, widthOf(name), (index) =>
        connections.send(signForm(endpoint, keys, 'iam', { Action: 'CreateUser', UserName: `user-${index}` })),
      );
    },
    request: ({ endpoint, keys }) => signForm(endpoint, keys, 'iam', { Action: 'ListUsers', MaxItems: '1000' }),
  },
  {
    name: 'GetAccountAuthorizationDetails, 500 roles',
    prepare: async ({ name, endpoint, keys }, connections) => {
      await inParallel(490, widthOf(name), async (index) => {
        const RoleName = `role-${index}`;
        const role = { Action: 'CreateRole', RoleName, AssumeRolePolicyDocument: trust };
        await connections.send(signForm(endpoint, keys, 'iam', role));
        const PolicyDocument = document({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' });
        const policy = { Action: 'PutRolePolicy', RoleName, PolicyName: 'own', PolicyDocument };
        await connections.send(signForm(endpoint, keys, 'iam', policy));
      });
    },
    request: ({ endpoint, keys }) =>
      signForm(endpoint, keys, 'iam', {
        Action: 'GetAccountAuthorizationDetails',
        'Filter.member.1': 'Role',
        MaxItems: '1000',
      }),
  },
  {
    name: 'S3 PutObject, 1 MiB',
    prepare: async ({ endpoint, keys }, connections) => {
      await connections.send(sign(endpoint, keys, 's3', { method: 'PUT', path: '/bench-bucket' }));
    },
    request: ({ endpoint, keys }) =>
      sign(endpoint, keys, 's3', { method: 'PUT', path: '/bench-bucket/object', body: Buffer.alloc(1_048_576, 97) }),
  },
];

interface Rate {
  readonly perSecond: number;
  readonly processorEach: number;
}

async function rateOf(server: Contestant, connections: Connections, signed: Signed): Promise<Rate> {
  const before = processorMs(server);
  const began = performance.now();
  const until = began + seconds * 1000;
  let calls = 0;
  const worker = async () => {
    while (performance.now() < until) {
      // moto answers 500 to some calls of many at once; only what is answered counts.
      await connections.send(signed).then(
        () => (calls += 1),
        () => undefined,
      );
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (calls === 0) return { perSecond: Number.NaN, processorEach: Number.NaN };
  const elapsed = (performance.now() - began) / 1000;
  return { perSecond: calls / elapsed, processorEach: (processorMs(server) - before) / calls };
}

function report(what: string, ...figures: readonly string[]): void {
  console.log(`${what.padEnd(44)} ${figures.map((figure) => figure.padEnd(34)).join('')}`.trimEnd());
}

/** `A` beside `B`, and how many times as much B is. */
function ratio(stint: number, other: number | undefined): string {
  return other === undefined || Number.isNaN(other)
    ? ''
    : `${(stint / other).toFixed(stint / other < 10 ? 1 : 0)} times`;
}

const start = { stint: () => startStint(values.main), moto: startMoto } as const;
const names = values['no-moto'] || !haveMoto() ? (['stint'] as const) : (['stint', 'moto'] as const);

const ready: Record<string, number[]> = { stint: [], moto: [] };
for (let run = 0; run < Number(values.starts); run++) {
  for (const name of names) {
    using server = await start[name]();
    ready[name]!.push(server.readyMs);
  }
}
report('', ...names);
report('ready after process start, median', ...names.map((name) => `${median(ready[name]!).toFixed(0)} ms`));

const servers: Contestant[] = [];
try {
  for (const name of names) servers.push(await start[name]());
  const connections = servers.map(({ endpoint }) => new Connections(endpoint, width));
  report('memory when ready', ...servers.map((server) => `${residentMiB(server).toFixed(0)} MiB`));
  for (const { name, prepare, request } of measures) {
    for (const [index, server] of servers.entries())
      await prepare?.(server, connections[index]!).catch((error: unknown) =>
        console.log(`${server.name}: ${String(error)}`),
      );
    const rates: Rate[][] = servers.map(() => []);
    for (let round = 0; round <= Number(values.rounds); round++) {
      for (const [index, server] of servers.entries()) {
        const rate = await rateOf(server, connections[index]!, request(server));
        // The first round warms up.
        if (round > 0) rates[index]!.push(rate);
      }
    }
    const perSecond = rates.map((list) => median(list.map((rate) => rate.perSecond)));
    const each = rates.map((list) => median(list.map((rate) => rate.processorEach)));
    const figures = perSecond.map((rate, index) =>
      Number.isNaN(rate) ? 'fails' : `${rate.toFixed(0)} /s, ${each[index]!.toFixed(2)} ms of processor`,
    );
    report(name, ...figures, ratio(perSecond[0]!, perSecond[1]));
  }
  report('memory after that', ...servers.map((server) => `${residentMiB(server).toFixed(0)} MiB`));
  for (const each of connections) each.close();
} finally {
  for (const server of servers) server[Symbol.dispose]();
}
