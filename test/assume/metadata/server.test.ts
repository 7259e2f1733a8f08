import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import { Failure, Secret, systemClock } from '../../../src/base/index.ts';
import { loadMetadata } from '../../../src/assume/index.ts';
import type { ServerKind } from '../../../src/assume/metadata/index.ts';
import { askPort, keep, minute, type Asked, type Kept, type Reply } from './support.ts';

const roles = [{ roleArn: 'arn:aws:iam::222222222222:role/team/app', sessionName: 'alice' }];
const source = {
  kind: 'keys',
  from: 'x',
  credentials: { accessKeyId: 'AKIA1', secretAccessKey: new Secret('s') },
} as const;

interface Running extends Kept {
  /** Every renewal from now on. */
  readonly failWith: (cause: Failure) => void;
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
  /** The headers that a client of this server has. */
  readonly own: Readonly<Record<string, string>>;
  readonly ask: (path: string, asked?: Asked) => Promise<Reply>;
}

const files = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** A server of that kind, seen by a process of this user, or by one of the user that `read` tells. */
async function serve(t: TestContext, kind: ServerKind, read = files): Promise<Running> {
  const kept = await keep(t);
  const { startMetadata } = await loadMetadata();
  const tools = { clock: kept.stage.clock, read, user: process.geteuid?.() };
  const server = await startMetadata(kind, { roles, source, region: 'eu-west-1' }, kept.keeper, tools);
  t.after(() => server.close());
  const { port, variables } = server;
  const ask = (path: string, asked: Asked = {}): Promise<Reply> => askPort(port, path, asked);
  const failWith = (cause: Failure): void => void (kept.renew = async () => Promise.reject(cause));
  const own: Readonly<Record<string, string>> =
    kind === 'ecs'
      ? { authorization: variables['AWS_CONTAINER_AUTHORIZATION_TOKEN']! }
      : { 'x-aws-ec2-metadata-token': (await ask('/latest/api/token', wantToken('21600'))).body };
  return Object.assign(kept, { port, variables, ask, own, failWith });
}

const wantToken = (seconds: string): Asked => ({
  method: 'PUT',
  headers: { 'x-aws-ec2-metadata-token-ttl-seconds': seconds },
});

const keysOfSession1 = {
  AccessKeyId: 'ASIA0000000000000001',
  SecretAccessKey: 'secret-1',
  Token: 'token-1',
  Expiration: '2026-03-01T13:00:00Z',
};

test('ECS: the token opens the credentials, in the form of a task', async (t) => {
  const { ask, own, variables, port } = await serve(t, 'ecs');
  assert.equal(variables['AWS_CONTAINER_CREDENTIALS_FULL_URI'], `http://127.0.0.1:${port}/credentials`);
  assert.match(variables['AWS_CONTAINER_AUTHORIZATION_TOKEN']!, /^[\w-]{40}$/);
  const { status, headers, body } = await ask('/credentials', { headers: own });
  assert.deepEqual([status, headers['content-type'], headers['cache-control']], [200, 'application/json', 'no-store']);
  const about = { RoleArn: roles[0]!.roleArn, AccountId: '222222222222' };
  assert.deepEqual(JSON.parse(body), { ...keysOfSession1, ...about });
});

test("ECS: Node's own fetch is no browser", async (t) => {
  const { own, variables } = await serve(t, 'ecs');
  const response = await fetch(variables['AWS_CONTAINER_CREDENTIALS_FULL_URI']!, { headers: own });
  assert.equal(response.status, 200);
  await response.text();
});

test('ECS: two servers have two tokens, and neither opens the other', async (t) => {
  const [one, two] = [await serve(t, 'ecs'), await serve(t, 'ecs')];
  assert.notEqual(one.own.authorization, two.own.authorization);
  assert.equal((await one.ask('/credentials', { headers: two.own })).status, 401);
});

for (const [what, change] of Object.entries<(token: string) => Readonly<Record<string, string>>>({
  'no token': () => ({}),
  'an empty one': () => ({ authorization: '' }),
  'a wrong one': () => ({ authorization: 'x'.repeat(40) }),
  'a part of it': (token) => ({ authorization: token.slice(0, -1) }),
  'a scheme before it': (token) => ({ authorization: `Bearer ${token}` }),
})) {
  test(`ECS: another process of this machine with ${what} gets 401 with Code and Message, and no key`, async (t) => {
    const { ask, own } = await serve(t, 'ecs');
    const { status, body, headers } = await ask('/credentials', { headers: change(own.authorization!) });
    assert.deepEqual([status, headers['content-type']], [401, 'application/json']);
    assert.deepEqual(Object.keys(JSON.parse(body) as object), ['Code', 'Message']);
  });
}

/** Requests that no SDK makes: by what they have that is foreign. */
const foreign: Readonly<Record<string, (port: number) => Readonly<Record<string, string>>>> = {
  'a name that resolves to loopback (DNS rebinding)': (port) => ({ host: `attacker.example:${port}` }),
  'a name that begins like ours': (port) => ({ host: `127.0.0.1.attacker.example:${port}` }),
  'the port of another server': () => ({ host: '127.0.0.1:1' }),
  'no port': () => ({ host: '127.0.0.1' }),
  'host.docker.internal': (port) => ({ host: `host.docker.internal:${port}` }),
  Origin: () => ({ origin: 'http://127.0.0.1' }),
  Referer: () => ({ referer: 'http://a.example/' }),
  'Sec-Fetch-Site': () => ({ 'sec-fetch-site': 'none' }),
  'X-Forwarded-For': () => ({ 'x-forwarded-for': '10.0.0.1' }),
  Via: () => ({ via: '1.1 proxy' }),
  "a browser's User-Agent": () => ({ 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' }),
};

for (const kind of ['ecs', 'imds'] as const) {
  for (const [what, headers] of Object.entries(foreign)) {
    test(`${kind}: a request is refused for ${what}, though it has the token`, async (t) => {
      const { ask, own, port } = await serve(t, kind);
      const path = kind === 'ecs' ? '/credentials' : '/latest/meta-data/';
      assert.equal((await ask(path, { headers: { ...own, ...headers(port) } })).status, 403);
      assert.equal((await ask(path, { headers: { ...own, host: `localhost:${port}` } })).status, 200);
    });
  }
}

test('44 (aws/aws-sdk#562): the refusal of host.docker.internal says how containers reach the server', async (t) => {
  const { ask, own, port } = await serve(t, 'ecs');
  const { body } = await ask('/credentials', { headers: { ...own, host: `host.docker.internal:${port}` } });
  assert.match((JSON.parse(body) as { Message: string }).Message, /--network host/);
});

test('46 (synfinatic/aws-sso-cli#937): other hosts reach no port; who tunnels to loopback is answered', async (t) => {
  const { ask, own, port } = await serve(t, 'ecs');
  const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const addresses = others
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  for (const host of addresses) {
    const socket = connect(port, host);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    socket
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      .once('connect', () => resolve('connected'));
    assert.equal(await promise, 'ECONNREFUSED', host);
  }
  assert.equal((await ask('/credentials', { headers: { ...own, host: `localhost:${port}` } })).status, 200);
});

test('ECS: another path or method is refused with Code and Message', async (t) => {
  const { ask, own } = await serve(t, 'ecs');
  assert.equal((await ask('/', { headers: own })).status, 404);
  assert.equal((await ask('/credentials', { headers: own, method: 'POST' })).status, 405);
  assert.equal((await ask('/credentials/?a=b', { headers: own })).status, 200);
  assert.equal((await ask('/%E0%A4%A', { headers: own })).status, 400);
  assert.equal((await ask('http://a.example/credentials', { headers: own })).status, 400);
});

test('IMDSv2: the whole walk of an SDK, with and without a slash at the end', async (t) => {
  const { ask, own } = await serve(t, 'imds');
  const read = async (path: string): Promise<string> => {
    const { status, body } = await ask(path, { headers: own });
    assert.equal(status, 200, path);
    return body;
  };
  const iam = '/latest/meta-data/iam';
  assert.equal(await read(`${iam}/security-credentials/`), 'app');
  assert.equal(await read(`${iam}/security-credentials`), 'app');
  assert.deepEqual(JSON.parse(await read(`${iam}/security-credentials/app`)), {
    Code: 'Success',
    LastUpdated: '2026-03-01T12:00:00Z',
    Type: 'AWS-HMAC',
    ...keysOfSession1,
    AccountId: '222222222222',
  });
  assert.deepEqual(JSON.parse(await read(`${iam}/info`)), {
    Code: 'Success',
    LastUpdated: '2026-03-01T12:00:00Z',
    InstanceProfileArn: 'arn:aws:iam::222222222222:instance-profile/app',
    InstanceProfileId: 'AIPASTINT0000METADATA',
  });
  assert.equal(await read('/latest/meta-data/placement/region'), 'eu-west-1');
  assert.equal(await read('/latest/meta-data/placement/availability-zone/'), 'eu-west-1a');
  assert.match(await read('/latest/meta-data/instance-id'), /^i-[0-9a-f]{17}$/);
  assert.equal(await read('/'), 'latest');
  assert.equal(await read('/latest'), 'dynamic/\nmeta-data/');
  assert.match(await read('/latest/meta-data/'), /^ami-id\niam\/\ninstance-id\n/);
  const document = JSON.parse(await read('/latest/dynamic/instance-identity/document')) as Record<string, unknown>;
  const members =
    'accountId architecture availabilityZone billingProducts devpayProductCodes imageId instanceId instanceType kernelId ' +
    'marketplaceProductCodes pendingTime privateIp ramdiskId region version';
  assert.equal(Object.keys(document).sort().join(' '), members);
  const { accountId, region, availabilityZone } = document;
  assert.deepEqual([accountId, region, availabilityZone], ['222222222222', 'eu-west-1', 'eu-west-1a']);
});

test('IMDSv2: a target without a region names none, rather than a wrong one', async (t) => {
  const kept = await keep(t);
  const { startMetadata } = await loadMetadata();
  const server = await startMetadata('imds', { roles, source, region: undefined }, kept.keeper, {
    clock: kept.stage.clock,
    read: files,
    user: process.geteuid?.(),
  });
  t.after(() => server.close());
  const token = (await askPort(server.port, '/latest/api/token', wantToken('60'))).body;
  const asked = { headers: { 'x-aws-ec2-metadata-token': token } };
  assert.equal((await askPort(server.port, '/latest/meta-data/placement/region', asked)).status, 404);
});

for (const [ttl, status] of [
  ['1', 200],
  ['21600', 200],
  ['0', 400],
  ['21601', 400],
  ['-1', 400],
  ['1.5', 400],
  ['', 400],
] as const) {
  test(`IMDSv2: a token for ${ttl === '' ? 'no' : ttl} seconds is answered with ${status}`, async (t) => {
    const { ask } = await serve(t, 'imds');
    const { headers, ...reply } = await ask('/latest/api/token', wantToken(ttl));
    assert.equal(reply.status, status);
    assert.equal(headers['x-aws-ec2-metadata-token-ttl-seconds'], status === 200 ? ttl : undefined);
  });
}

test('IMDSv2: a token ends after its time, is of one server, and cannot be made longer', async (t) => {
  const one = await serve(t, 'imds');
  const two = await serve(t, 'imds');
  const { body: token } = await one.ask('/latest/api/token', wantToken('10'));
  const status = async (running: Running, given: string): Promise<number> =>
    (await running.ask('/latest/meta-data/', { headers: { 'x-aws-ec2-metadata-token': given } })).status;
  assert.deepEqual([await status(one, token), await status(two, token)], [200, 401]);
  one.stage.clock.advance(10_000);
  assert.equal(await status(one, token), 401);
  assert.equal(await status(one, token.replace(/^[^.]+/, 'zzzzzzzz')), 401);
  assert.equal(await status(one, ''), 401);
  assert.equal(await status(one, '.'), 401);
});

test('IMDSv1 is refused: without a token every page is 401, and so nothing falls back to it', async (t) => {
  const { ask, variables } = await serve(t, 'imds');
  assert.equal(variables['AWS_EC2_METADATA_V1_DISABLED'], 'true');
  for (const path of ['/', '/latest/meta-data/', '/latest/meta-data/iam/security-credentials/app', '/nothing'])
    assert.equal((await ask(path)).status, 401, path);
  assert.equal((await ask('/latest/api/token')).status, 405);
});

/** What /proc/net shows when every connection with the server is of `user`, and the server is `owner`'s. */
const shown = (owner: number, user: number) => (path: string) =>
  path.endsWith('tcp')
    ? files('/proc/net/tcp')?.replace(
        /^(\s*\d+: \S+ \S+ (\S\S) \S+ \S+ \S+\s+)\d+/gm,
        (_, head: string, state: string) => `${head}${state === '0A' ? owner : user}`,
      )
    : undefined;

const me = process.geteuid?.() ?? 0;
const whereTold = files('/proc/net/tcp') === undefined ? 'this machine does not tell whose sockets are whose' : false;

test('IMDSv2: a process of another user gets no token', { skip: whereTold }, async (t) => {
  const stranger = await serve(t, 'imds', shown(me, 4711));
  assert.equal((await stranger.ask('/latest/api/token', wantToken('60'))).status, 403);
  const root = await serve(t, 'imds', shown(me, 0));
  assert.equal((await root.ask('/latest/api/token', wantToken('60'))).status, 200);
});

test('IMDSv2: where the machine does not tell users apart, or wrongly of the server itself, everybody gets one', async (t) => {
  const untold = await serve(t, 'imds', () => undefined);
  assert.equal((await untold.ask('/latest/api/token', wantToken('60'))).status, 200);
  const wrong = await serve(t, 'imds', shown(4711, 4712));
  assert.equal((await wrong.ask('/latest/api/token', wantToken('60'))).status, 200);
});

for (const kind of ['ecs', 'imds'] as const) {
  for (const [status, cause] of [
    [403, new Failure('mfa-needed', 'an MFA code is needed', { status: 401, hint: 'run it in a terminal' })],
    [503, new Failure('sts-unreachable', 'no answer', { status: 502, hint: 'run it in a terminal' })],
  ] as const) {
    test(`${kind}: after the last session ended for ${cause.code}, the answer is ${status} with Code and Message`, async (t) => {
      const { ask, own, stage, failWith } = await serve(t, kind);
      const path = kind === 'ecs' ? '/credentials' : '/latest/meta-data/iam/security-credentials/app';
      failWith(cause);
      await stage.pass(59 * minute);
      assert.equal((await ask(path, { headers: own })).status, 200);
      await stage.pass(2 * minute);
      const reply = await ask(path, { headers: own });
      assert.deepEqual([reply.status, reply.headers['content-type']], [status, 'application/json']);
      assert.deepEqual(JSON.parse(reply.body), {
        Code: cause.code,
        Message: `${cause.message} (run it in a terminal)`,
      });
    });
  }
}

test('1,000 questions at once are all answered', async (t) => {
  const { ask, own } = await serve(t, 'ecs');
  const replies = await Promise.all(Array.from({ length: 1000 }, () => ask('/credentials', { headers: own })));
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
});

test('1,000 tokens at once are all given, each its own', async (t) => {
  const { ask } = await serve(t, 'imds');
  const replies = await Promise.all(Array.from({ length: 1000 }, () => ask('/latest/api/token', wantToken('60'))));
  assert.equal(new Set(replies.map(({ body }) => body)).size, 1000);
});

test('clients that send nothing, or half a request, are let go after a while, and others are answered meanwhile', async (t) => {
  const { ask, own, port } = await serve(t, 'ecs');
  const slow = ['', 'G', 'GET /credentials HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A'].map((bytes) => {
    const socket = connect(port, '127.0.0.1');
    const { promise, resolve } = Promise.withResolvers<void>();
    socket
      .on('close', () => resolve())
      .on('error', () => undefined)
      .resume();
    socket.write(bytes);
    return promise;
  });
  const began = systemClock.now();
  assert.equal((await ask('/credentials', { headers: own })).status, 200);
  await Promise.all(slow);
  assert.ok(systemClock.now() - began < 12_000);
});

test('the end of a server ends connections that are open', async (t) => {
  const kept = await keep(t);
  const { startMetadata } = await loadMetadata();
  const server = await startMetadata('ecs', { roles, source, region: undefined }, kept.keeper, {
    clock: kept.stage.clock,
    read: files,
    user: undefined,
  });
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
  await new Promise((connected) => socket.once('connect', connected));
  const closed = new Promise((ended) => socket.once('close', ended));
  await server.close();
  await closed;
  await assert.rejects(askPort(server.port, '/credentials'), /ECONNREFUSED/);
});

test('an answer holds the keys and nothing else does', async (t) => {
  const { ask, own, told, stage } = await serve(t, 'ecs');
  await stage.pass(minute);
  const refused = await Promise.all([ask('/credentials'), ask('/x', { headers: own })]);
  assert.ok(!JSON.stringify([refused, told]).includes('secret-1'));
});
