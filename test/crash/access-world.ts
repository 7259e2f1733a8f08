// What the crash tests of applies share: an embedded AWS behind a proxy that sees every call, a small company in two
// accounts, things of others in both of them, and the books: what stands in AWS, whoever was killed meanwhile.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAccounts, type Account } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { runStint, spawnStint, type Child, type Finished } from '../cli/support.ts';

export const accounts = { central: '111111111111', dev: '222222222222' } as const;

const base = {
  version: 1,
  organization: 'o-stintlocal',
  accounts: {
    central: { id: accounts.central, stage: 'central', central: true },
    dev: { id: accounts.dev, stage: 'dev' },
  },
  defaults: { mfa: { off: true, reason: 'nobody signs in here' } },
};

const allow = (Action: string): object => ({ Effect: 'Allow', Action, Resource: '*' });

/** Definitions that follow one another; the last is empty. Each kind of thing comes, changes and goes. */
export const definitions = {
  first: {
    ...base,
    passwordPolicy: { in: ['central'], minimumLength: 10 },
    policies: { reader: { statements: [allow('s3:Get*')] } },
    groups: { developers: { policies: ['reader'] } },
    people: { alice: { groups: ['developers'] } },
    roles: {
      app: {
        in: ['dev'],
        trust: [{ group: 'developers' }],
        statements: [allow('s3:List*')],
        managed: ['ReadOnlyAccess'],
        instanceProfile: 'app_profile',
      },
    },
  },
  second: {
    ...base,
    passwordPolicy: { in: ['central'], minimumLength: 12 },
    policies: { reader: { statements: [allow('s3:List*')] } },
    groups: { developers: { policies: ['reader'] }, operators: {} },
    people: { bob: { groups: ['operators'] } },
    roles: {
      app: { in: ['dev'], trust: [{ group: 'operators' }], statements: [allow('s3:Put*')], session: '2h' },
      web: { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }], instanceProfile: 'app_profile' },
    },
  },
} as const;

/** A call on its way to AWS. `number` counts from 1 since `watch` was set. */
export interface SeenCall {
  readonly number: number;
  readonly operation: string;
  readonly writes: boolean;
  /** The whole request, by which a second try is known. */
  readonly text: string;
}

/** What becomes of a call: it passes, is answered without AWS, or AWS's answer is lost. */
export type Fate = 'pass' | 'lost' | { readonly code: string; readonly status: number };

export interface CrashWorld {
  readonly cloud: Cloud;
  /** Sees every call, and says what becomes of it. Called when AWS has answered, before the answer goes on, by `after`. */
  watch: { before?: (call: SeenCall) => Fate; after?: (call: SeenCall) => void };
  /** Starts counting anew. */
  count(): void;
  reset(): Promise<void>;
  stint(...args: readonly string[]): Promise<Finished>;
  spawn(...args: readonly string[]): Child;
  /** File of a definition. */
  file(name: keyof typeof definitions): string;
  account(id: string): Promise<Account>;
  /** Everything that both accounts hold, as text, without what AWS gives out by itself. */
  books(): Promise<string>;
  stop(): Promise<void>;
}

const isWrite = (operation: string): boolean => !/^(?:Get|List|Describe|Assume)/.test(operation);

function refuse(answer: ServerResponse, { code, status }: Exclude<Fate, string>, json: boolean): void {
  answer.writeHead(status, { 'content-type': json ? 'application/x-amz-json-1.1' : 'text/xml' });
  answer.end(json ? JSON.stringify({ __type: code, message: code }) : errorBody(code));
}

function errorBody(code: string): string {
  return `<ErrorResponse><Error><Type>Receiver</Type><Code>${code}</Code><Message>${code}</Message></Error><RequestId>r</RequestId></ErrorResponse>`;
}

/** Forwards to `target` what the world lets through. */
async function startProxy(world: { watch: CrashWorld['watch']; count: number }, target: string) {
  const upstream = new URL(target);
  const forward = (
    incoming: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    call: SeenCall,
    fate: Fate,
  ): void => {
    const { method, url: path, headers } = incoming;
    const out = request({ hostname: upstream.hostname, port: upstream.port, method, path, headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => {
        world.watch.after?.(call);
        if (fate === 'lost') answer.socket?.destroy();
        else answer.writeHead(reply.statusCode ?? 500, reply.headers).end(Buffer.concat(chunks));
      });
    });
    out.on('error', () => answer.socket?.destroy());
    out.end(body);
  };
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const named = /(?:^|&)Action=(\w+)/.exec(body.toString('latin1'))?.[1];
      const operation = named ?? String(incoming.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
      const text = `${incoming.headers.authorization?.split('/')[0]} ${body.toString('latin1')}`;
      const call = { number: ++world.count, operation, writes: isWrite(operation), text };
      const fate = world.watch.before?.(call) ?? 'pass';
      if (typeof fate === 'object') refuse(answer, fate, named === undefined);
      else forward(incoming, body, answer, call, fate);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Things that Stint did not make; they look like its own and must never be touched. */
async function makeForeign({ iam }: Account): Promise<void> {
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
  });
  const Tags = [{ Key: 'stint:definition', Value: 'another' }];
  await iam.createRole({ RoleName: 'theirs', AssumeRolePolicyDocument, Tags });
  await iam.attachRolePolicy({ RoleName: 'theirs', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' });
  await iam.createInstanceProfile({ InstanceProfileName: 'their_profile' });
  await iam.addRoleToInstanceProfile({ InstanceProfileName: 'their_profile', RoleName: 'theirs' });
  await iam.createUser({ UserName: 'stranger' });
  await iam.createGroup({ GroupName: 'strangers' });
  await iam.addUserToGroup({ UserName: 'stranger', GroupName: 'strangers' });
}

const givenByAws = new Set([
  'UserId',
  'RoleId',
  'GroupId',
  'InstanceProfileId',
  'PolicyId',
  'CreateDate',
  'UpdateDate',
]);
const unimportant = new Set(['VersionId', 'DefaultVersionId', 'PolicyVersionList', 'RoleLastUsed', '$metadata']);

async function bookOf({ iam }: Account): Promise<unknown> {
  const Filter = ['User', 'Group', 'Role', 'LocalManagedPolicy'] as const;
  const details = await iam.getAccountAuthorizationDetails({ Filter: [...Filter] });
  const documents = (details.Policies ?? []).map(({ PolicyName, PolicyVersionList }) => [
    PolicyName,
    PolicyVersionList?.find(({ IsDefaultVersion }) => IsDefaultVersion)?.Document,
  ]);
  const { InstanceProfiles } = await iam.listInstanceProfiles({});
  const password = await iam.getAccountPasswordPolicy({}).catch(() => undefined);
  return [details, documents, InstanceProfiles, password?.PasswordPolicy];
}

export async function startCrashWorld(): Promise<CrashWorld> {
  const cloud = await startCloud();
  const folder = mkdtempSync(join(tmpdir(), 'stint-crash-'));
  const state = { watch: {} as CrashWorld['watch'], count: 0 };
  const { server, endpoint } = await startProxy(state, cloud.endpoint);
  for (const [name, definition] of Object.entries(definitions)) {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(definition));
  }
  const keys = cloud.credentials.accounts[accounts.central]!;
  const env = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
  const surroundings = {
    cwd: folder,
    env: { ...env, PATH: process.env['PATH'], STINT_HOME: join(folder, 'home'), AWS_ENDPOINT_URL: endpoint },
  };
  const direct = (): ReturnType<typeof openAccounts> =>
    openAccounts({
      env: { ...env, AWS_ENDPOINT_URL: cloud.endpoint },
      clock: systemClock,
      random: systemRandom,
      sleep: async () => undefined,
    });
  let opened = direct();
  return {
    cloud,
    get watch() {
      return state.watch;
    },
    set watch(watch) {
      state.watch = watch;
    },
    count: () => (state.count = 0),
    reset: async () => {
      state.watch = {};
      rmSync(join(folder, 'home'), { recursive: true, force: true });
      const headers = { 'x-stint-control': cloud.controlToken, 'content-type': 'application/json' };
      const response = await fetch(`${cloud.endpoint}/_stint/reset`, { method: 'POST', headers, body: '{}' });
      assert.ok(response.ok, await response.text());
      opened = direct();
      for (const id of Object.values(accounts)) await makeForeign(await opened.account(id));
    },
    stint: (...args) => runStint(args, surroundings),
    spawn: (...args) => spawnStint(args, surroundings),
    file: (name) => join(folder, `${name}.json`),
    account: (id) => opened.account(id),
    books: async () => {
      const books = [];
      for (const id of Object.values(accounts)) books.push(await bookOf(await opened.account(id)));
      const kept = (key: string, value: unknown): unknown =>
        givenByAws.has(key) || unimportant.has(key) ? undefined : value;
      return JSON.stringify(books, kept, 1);
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await cloud.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
