import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AdjustableClock, type Failure } from '../../../src/base/index.ts';
import { readText } from '../../../src/cli/assume-session.ts';
import { httpSender } from '../../../src/assume/http.ts';
import type { Credentials, Environment } from '../../../src/assume/model.ts';
import { containerSource, instanceSource } from '../../../src/assume/named-sources.ts';
import { readContainer } from '../../../src/assume/sources/container.ts';
import { readInstance } from '../../../src/assume/sources/instance.ts';
import type { SourceTools } from '../../../src/assume/sources/index.ts';
import { failureOf } from '../../base/support.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const keys = {
  Code: 'Success',
  AccessKeyId: 'ASIAROLE',
  SecretAccessKey: 'hunter2',
  Token: 'token2',
  Expiration: '2026-01-01T06:00:00Z',
};

interface Reply {
  readonly status: number;
  readonly body?: string;
}

/** A service on loopback that answers as `reply` says, 0 for a cut connection; `seen` are the requests. */
async function serve(
  t: TestContext,
  reply: (request: IncomingMessage, count: number) => Reply,
): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    request.resume();
    seen.push(request);
    const { status, body } = reply(request, seen.length);
    if (status === 0) request.socket.destroy();
    else response.writeHead(status, { connection: 'close' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function tools(env: Environment, explained: string[] = []): SourceTools {
  return {
    env,
    clock: new AdjustableClock({ now: () => now }),
    wait: async () => {},
    send: httpSender(env),
    note: () => undefined,
    explain: (line) => explained.push(line),
  };
}

/** Version 2 with one role, each part of which `over` may change by path. */
function instance(over: Readonly<Record<string, Reply>>): (request: IncomingMessage) => Reply {
  const usual: Readonly<Record<string, Reply>> = {
    '/latest/api/token': { status: 200, body: 'TOKEN==' },
    '/latest/meta-data/iam/security-credentials/': { status: 200, body: 'app' },
    '/latest/meta-data/iam/security-credentials/app': { status: 200, body: JSON.stringify(keys) },
  };
  return ({ url = '' }) => over[url] ?? usual[url] ?? { status: 404 };
}

function onInstance(url: string, env: Environment = {}): Promise<Credentials> {
  // The usual second is a busy machine's too.
  const all = { AWS_EC2_METADATA_SERVICE_ENDPOINT: url, AWS_METADATA_SERVICE_TIMEOUT: '60', ...env };
  return readInstance(instanceSource(all, undefined, 'config:3'), tools(all));
}

test('the role of an instance is had by version 2: a token first, then the role, then its keys', async (t) => {
  const { url, seen } = await serve(t, instance({}));
  const found = await onInstance(`${url}/`, { HTTP_PROXY: 'http://127.0.0.1:1' });
  assert.deepEqual(
    [found.accessKeyId, found.secretAccessKey.reveal(), found.sessionToken?.reveal(), found.expiration],
    ['ASIAROLE', 'hunter2', 'token2', now + 6 * 3_600_000],
  );
  assert.deepEqual(
    seen.map(({ method, url: path, headers }) => [method, path, headers['x-aws-ec2-metadata-token']]),
    [
      ['PUT', '/latest/api/token', undefined],
      ['GET', '/latest/meta-data/iam/security-credentials/', 'TOKEN=='],
      ['GET', '/latest/meta-data/iam/security-credentials/app', 'TOKEN=='],
    ],
  );
  assert.equal(seen[0]?.headers['x-aws-ec2-metadata-token-ttl-seconds'], '21600');
});

for (const status of [403, 404, 405]) {
  test(`an instance that answers ${status} to the question for a token is asked by version 1`, async (t) => {
    const { url, seen } = await serve(t, instance({ '/latest/api/token': { status } }));
    assert.equal((await onInstance(url)).accessKeyId, 'ASIAROLE');
    assert.equal(seen[2]?.headers['x-aws-ec2-metadata-token'], undefined);
  });
}

test('version 1 is not used where it is switched off', async (t) => {
  const { url, seen } = await serve(t, instance({ '/latest/api/token': { status: 404 } }));
  const found = await failureOf(onInstance(url, { AWS_EC2_METADATA_V1_DISABLED: 'true' }));
  assert.equal(found.code, 'metadata-failed');
  assert.match(found.message, /^config:3: .*no token of version 2 \(HTTP 404\)/);
  assert.equal(seen.length, 1);
});

interface Refused {
  readonly name: string;
  readonly over: Readonly<Record<string, Reply>>;
  readonly says: RegExp;
}

const role = '/latest/meta-data/iam/security-credentials/app';
const refusedInstances: readonly Refused[] = [
  { name: 'a bad question for a token', over: { '/latest/api/token': { status: 400 } }, says: /HTTP 400/ },
  {
    name: 'an instance without a role',
    over: { '/latest/meta-data/iam/security-credentials/': { status: 404 } },
    says: /it has no role(?:.|\n)*instance profile/,
  },
  {
    name: 'a role that does not trust EC2',
    over: {
      [role]: {
        status: 200,
        body: '{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role app."}',
      },
    },
    says: /AssumeRoleUnauthorizedAccess: EC2 cannot assume the role app\.(?:.|\n)*ec2\.amazonaws\.com/,
  },
  {
    name: 'an answer that is no JSON',
    over: { [role]: { status: 200, body: 'hunter2' } },
    says: /did not answer JSON/,
  },
  {
    name: 'an answer without a token',
    over: { [role]: { status: 200, body: '{"AccessKeyId":"A","SecretAccessKey":"hunter2"}' } },
    says: /lacks AccessKeyId, SecretAccessKey or Token/,
  },
  {
    name: 'keys that have ended',
    over: { [role]: { status: 200, body: JSON.stringify({ ...keys, Expiration: '2025-12-31T00:00:00Z' }) } },
    says: /ended at 2025-12-31T00:00:00Z/,
  },
  {
    name: 'keys with an end that is no time',
    over: { [role]: { status: 200, body: JSON.stringify({ ...keys, Expiration: 'soon' }) } },
    says: /no Expiration/,
  },
];

function checkRefusal(found: Failure, says: RegExp): void {
  const text = `${found.message}\n${found.hint ?? ''}`;
  assert.equal(found.code, 'metadata-failed');
  assert.match(text, says);
  assert.ok(!text.includes('hunter2'), text);
}

for (const { name, over, says } of refusedInstances) {
  test(`an instance that gives no credentials is told with the place, AWS's reason and the cure: ${name}`, async (t) => {
    const { url } = await serve(t, instance(over));
    checkRefusal(await failureOf(onInstance(url)), says);
  });
}

test('a machine that is no instance, and that nobody named, has no credentials: how to give some is told', async () => {
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' };
  const found = await failureOf(readInstance(instanceSource(env, undefined), tools(env)));
  assert.equal(found.code, 'no-credentials');
  assert.match(found.hint ?? '', /AWS_PROFILE/);
});

test('AWS_METADATA_SERVICE_NUM_ATTEMPTS asks again after a loss', async (t) => {
  const over = instance({});
  const { url, seen } = await serve(t, (request, count) => (count === 2 ? { status: 0 } : over(request)));
  await onInstance(url, { AWS_METADATA_SERVICE_NUM_ATTEMPTS: '2' });
  assert.equal(seen.length, 4);
});

function inContainer(url: string, env: Environment = {}): Promise<Credentials> {
  const all = { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, ...env };
  return readContainer(containerSource(all, readText)!, tools(all));
}

const answer: Reply = { status: 200, body: JSON.stringify({ ...keys, RoleArn: 'x', Code: undefined }) };

test('the role of a container is had at its address, with the token of the environment, past the proxy', async (t) => {
  const { url, seen } = await serve(t, () => answer);
  const env = { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'Basic abc', HTTP_PROXY: 'http://127.0.0.1:1' };
  assert.equal((await inContainer(`${url}/get?x=1`, env)).accessKeyId, 'ASIAROLE');
  assert.deepEqual([seen[0]?.url, seen[0]?.headers.authorization], ['/get?x=1', 'Basic abc']);
});

test('the token file of a container ranks before the variable, and is read anew each time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-container-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  const { url, seen } = await serve(t, () => answer);
  for (const token of ['first', 'second']) {
    writeFileSync(file, `${token}\n`);
    await inContainer(url, {
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'other',
    });
  }
  assert.deepEqual(
    seen.map(({ headers }) => headers.authorization),
    ['first', 'second'],
  );
});

test('a token of a container that would write headers of its own is not sent', async (t) => {
  const { url, seen } = await serve(t, () => answer);
  checkRefusal(
    await failureOf(inContainer(url, { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a\r\nX-Evil: 1' })),
    /line breaks/,
  );
  assert.equal(seen.length, 0);
});

test('a token file of a container that is not there is named', async (t) => {
  const { url } = await serve(t, () => answer);
  const env = { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/nowhere/token' };
  checkRefusal(await failureOf(inContainer(url, env)), /`\/nowhere\/token` cannot be read \(ENOENT\)/);
});

test('a container that is busy is asked three times; one that refuses, once, and its reason is told', async (t) => {
  const busy = await serve(t, (_, count) => (count < 3 ? { status: 503 } : answer));
  await inContainer(busy.url);
  assert.equal(busy.seen.length, 3);
  const refusing = await serve(t, () => ({
    status: 400,
    body: '{"code":"AccessDenied","message":"ECS is unable to assume the role"}',
  }));
  checkRefusal(await failureOf(inContainer(refusing.url)), /HTTP 400: ECS is unable to assume the role/);
  assert.equal(refusing.seen.length, 1);
});

test('a container that cannot be reached is told by its variable', async () => {
  const found = await failureOf(inContainer('http://127.0.0.1:1/x'));
  checkRefusal(found, /^AWS_CONTAINER_CREDENTIALS_FULL_URI: .*ECONNREFUSED/);
});
