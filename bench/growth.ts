// What an operation costs beside what it does not look at: the same call with 10, 1,000 and 100,000 accounts, users,
// roles, policies, groups and objects about. One call at a time over one connection; lower deciles, so that a busy
// machine shows in the noise and not in the figures. Then 100,000 roles over 500 accounts, and their memory.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { residentMiB, startStint } from './contestants.ts';
import { Connections, inParallel, lowerDecile, sign, signForm, type Keys, type Signed } from './signed-client.ts';

const { values } = parseArgs({
  options: {
    main: { type: 'string', default: join(import.meta.dirname, '../src/cli/main.ts') },
    sizes: { type: 'string', default: '10,1000,100000' },
    calls: { type: 'string', default: '400' },
    roles: { type: 'string', default: '100000' },
  },
});
const sizes = values.sizes.split(',').map(Number);
const management = '100000000000';
const dev = '100000000001';
const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
const allow = document({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' });
const trust = document({ Effect: 'Allow', Principal: { AWS: management }, Action: 'sts:AssumeRole' });

const folder = mkdtempSync(join(tmpdir(), 'stint-growth-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** An organisation of `count` accounts, 20 to a unit, whose quotas are out of the way. */
function organizationFile(count: number): string {
  const accounts = Array.from({ length: count }, (_, index) => ({
    id: String(Number(management) + index),
    name: `account-${index}`,
    stage: 'dev',
    ...(index === 0 ? {} : { ou: `Workloads/Team${Math.floor(index / 20)}` }),
  }));
  const plenty = [
    'UsersPerAccount',
    'RolesPerAccount',
    'PoliciesPerAccount',
    'GroupsPerAccount',
    'PolicyVersionsInUsePerAccount',
  ];
  const quotas = Object.fromEntries(plenty.map((name) => [name, 1_000_000]));
  const file = join(folder, `organization-${count}.json`);
  writeFileSync(file, JSON.stringify({ version: 1, id: 'o-growthbench', management, accounts, quotas }));
  return file;
}

interface Place {
  readonly endpoint: string;
  readonly keys: Keys;
  readonly managementKeys: Keys;
  readonly keysOf: (account: string) => Keys;
  readonly connections: Connections;
}

const iam = ({ endpoint, keys }: Place, Action: string, parameters: Record<string, string> = {}): Signed =>
  signForm(endpoint, keys, 'iam', { Action, ...parameters });

const bucket = ({ endpoint, keys }: Place, method: string, path: string, body = ''): Signed =>
  sign(endpoint, keys, 's3', { method, path: `/growth-bucket${path}`, body });

/** Something there is more and more of. */
const crowds: Readonly<Record<string, (place: Place, index: number) => Signed>> = {
  users: (place, index) => iam(place, 'CreateUser', { UserName: `u${index}` }),
  roles: (place, index) => iam(place, 'CreateRole', { RoleName: `r${index}`, AssumeRolePolicyDocument: trust }),
  policies: (place, index) => iam(place, 'CreatePolicy', { PolicyName: `p${index}`, PolicyDocument: allow }),
  groups: (place, index) => iam(place, 'CreateGroup', { GroupName: `g${index}` }),
  objects: (place, index) => bucket(place, 'PUT', `/k${index}`, 'x'),
};

let serial = 0;
/** A name that sorts into the middle of the crowd. */
const fresh = (): string => `r5x${serial++}`;

/** What is measured: reads, writes, a session, a list of ten. */
const probes: Readonly<Record<string, (place: Place) => Signed>> = {
  GetCallerIdentity: ({ endpoint, keys }) => signForm(endpoint, keys, 'sts', { Action: 'GetCallerIdentity' }),
  AssumeRole: ({ endpoint, managementKeys }) =>
    signForm(endpoint, managementKeys, 'sts', {
      Action: 'AssumeRole',
      RoleArn: `arn:aws:iam::${dev}:role/probe`,
      RoleSessionName: 'alice',
    }),
  GetRole: (place) => iam(place, 'GetRole', { RoleName: 'probe' }),
  CreateUser: (place) => iam(place, 'CreateUser', { UserName: fresh() }),
  CreateRole: (place) => iam(place, 'CreateRole', { RoleName: fresh(), AssumeRolePolicyDocument: trust }),
  PutRolePolicy: (place) =>
    iam(place, 'PutRolePolicy', { RoleName: 'probe', PolicyName: 'own', PolicyDocument: allow }),
  AttachRolePolicy: (place) =>
    iam(place, 'AttachRolePolicy', { RoleName: 'probe', PolicyArn: `arn:aws:iam::${dev}:policy/probe` }),
  AddUserToGroup: (place) => iam(place, 'AddUserToGroup', { GroupName: 'probe', UserName: 'probe' }),
  'ListRoles, 10 of all': (place) => iam(place, 'ListRoles', { MaxItems: '10' }),
  'S3 PutObject': (place) => bucket(place, 'PUT', `/k5x${serial++}`, 'x'),
  'S3 GetObject': (place) => bucket(place, 'GET', '/probe'),
  'S3 ListObjectsV2, 10 of all': (place) => bucket(place, 'GET', '?list-type=2&max-keys=10&prefix=k5'),
};

async function populate(place: Place): Promise<void> {
  const { connections } = place;
  await connections.send(iam(place, 'CreateRole', { RoleName: 'probe', AssumeRolePolicyDocument: trust }));
  await connections.send(iam(place, 'CreateUser', { UserName: 'probe' }));
  await connections.send(iam(place, 'CreateGroup', { GroupName: 'probe' }));
  await connections.send(iam(place, 'CreatePolicy', { PolicyName: 'probe', PolicyDocument: allow }));
  await connections.send(bucket(place, 'PUT', ''));
  await connections.send(bucket(place, 'PUT', '/probe', 'x'));
}

/** Milliseconds of one call, without what else the machine did. */
async function cost(place: Place, probe: (place: Place) => Signed): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < Number(values.calls); call++) {
    const signed = probe(place);
    const began = performance.now();
    await place.connections.send(signed);
    times.push(performance.now() - began);
  }
  return lowerDecile(times);
}

async function costs(place: Place): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const [name, probe] of Object.entries(probes)) found.set(name, await cost(place, probe));
  return found;
}

function table(title: string, columns: readonly string[], rows: readonly ReadonlyMap<string, number>[]): void {
  console.log(`\n${title.padEnd(30)} ${columns.map((column) => column.padStart(10)).join('')}   last / first`);
  for (const name of Object.keys(probes)) {
    const figures = rows.map((row) => row.get(name)!);
    const growth = figures.at(-1)! / figures[0]!;
    console.log(
      `${name.padEnd(30)} ${figures.map((ms) => ms.toFixed(2).padStart(10)).join('')}   ${growth.toFixed(2)}`,
    );
  }
}

async function withServer<Result>(accounts: number, work: (place: Place, mib: () => number) => Promise<Result>) {
  using server = await startStint(values.main, '--org', organizationFile(accounts));
  const connections = new Connections(server.endpoint, 16);
  try {
    const { endpoint, keys, keysOf } = server;
    return await work({ endpoint, keys: keysOf(dev), managementKeys: keys, keysOf, connections }, () =>
      residentMiB(server),
    );
  } finally {
    connections.close();
  }
}

for (const [crowd, make] of Object.entries(crowds)) {
  const rows = await withServer(3, async (place) => {
    await populate(place);
    const found: Map<string, number>[] = [];
    let made = 0;
    for (const size of sizes) {
      const start = made;
      await inParallel(size - start, 16, (index) => place.connections.send(make(place, start + index)));
      made = size;
      found.push(await costs(place));
    }
    return found;
  });
  table(`ms a call, ${crowd}:`, sizes.map(String), rows);
}

// The organisation file takes 10,000 accounts at most.
const accountSizes = [...new Set(sizes.map((size) => Math.min(10_000, size)))];
const byAccounts: Map<string, number>[] = [];
for (const size of accountSizes) {
  byAccounts.push(await withServer(size, async (place) => (await populate(place), await costs(place))));
}
table('ms a call, accounts:', accountSizes.map(String), byAccounts);

await withServer(501, async (place, mib) => {
  await populate(place);
  const before = await cost(place, probes['AssumeRole']!);
  const roles = Number(values.roles);
  console.log(`\n500 accounts: ${mib().toFixed(0)} MiB, AssumeRole ${before.toFixed(2)} ms`);
  await inParallel(roles, 16, async (index) => {
    const account = String(Number(management) + 1 + (index % 500));
    await place.connections.send(
      signForm(place.endpoint, place.keysOf(account), 'iam', {
        Action: 'CreateRole',
        RoleName: `role-${index}`,
        AssumeRolePolicyDocument: trust,
      }),
    );
  });
  const after = await cost(place, probes['AssumeRole']!);
  console.log(`${roles} roles over them: ${mib().toFixed(0)} MiB, AssumeRole ${after.toFixed(2)} ms`);
});
