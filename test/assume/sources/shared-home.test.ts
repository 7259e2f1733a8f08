// A home that several machines, containers or pods share, by NFS or a mount: none of them is answered with the role of another.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { instanceSource } from '../../../src/assume/named-sources.ts';
import { isNameless, sourceIdentity } from '../../../src/assume/sources/index.ts';
import { machineName, thisMachine } from '../../../src/assume/sources/machine.ts';
import { age } from '../ready-support.ts';
import { childEnvironment, runStint, startSts, temporaryHome } from '../support.ts';

/** A service on loopback that answers every question with the text. */
async function serve(t: TestContext, answer: (request: IncomingMessage) => string): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { connection: 'close' }).end(answer(request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const credentials = (AccessKeyId: string): string =>
  JSON.stringify({
    Code: 'Success',
    AccessKeyId,
    SecretAccessKey: 's',
    Token: 't',
    Expiration: '2099-01-01T00:00:00Z',
  });

const jwt = (sub: string): string => `h.${Buffer.from(JSON.stringify({ iss: 'eks', sub })).toString('base64url')}.s`;

test('of one home in two pods, whose endpoint has one address, each gets a role assumed by its own', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, '');
  const url = await serve(t, ({ headers }) => credentials(`ASIA${headers.authorization}`));
  const assume = (env: Record<string, string>): Promise<unknown> =>
    runStint('stint-credentials', ['arn:aws:iam::222222222222:role/x'], {
      ...childEnvironment(home, sts),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
      ...env,
    });
  for (const token of ['pod1', 'pod2', 'pod1']) await assume({ AWS_CONTAINER_AUTHORIZATION_TOKEN: token });
  assert.deepEqual(
    sts.calls.map(({ by }) => by),
    ['ASIApod1', 'ASIApod2'],
  );
  // Without a token nothing tells whose it is.
  for (const _ of [1, 2]) await assume({});
  assert.equal(sts.calls.length, 4);
  const file = join(home, 'token');
  for (const sub of ['one', 'two', 'one']) {
    writeFileSync(file, jwt(sub));
    await assume({ AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file });
  }
  assert.deepEqual(
    sts.calls.slice(4).map(({ by }) => by),
    [`ASIA${jwt('one')}`, `ASIA${jwt('two')}`],
  );
});

test('a token of another subject in the same place is not answered by what a shell could read', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, '');
  const file = join(home, 'token');
  const env = {
    ...childEnvironment(home, sts),
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
    AWS_ROLE_ARN: 'arn:aws:iam::222222222222:role/pod',
  };
  for (const sub of ['one', 'two', 'one']) {
    writeFileSync(file, jwt(sub));
    age(home);
    await runStint('stint-credentials', ['arn:aws:iam::222222222222:role/x'], env);
  }
  assert.equal(sts.calls.length, 4);
  assert.equal(existsSync(join(home, '.cache/stint/sessions/ready/t.arn:aws:iam::222222222222:role%x')), false);
});

test('nothing is kept of an instance at an address that somebody chose: tomorrow another may be there', async (t) => {
  const sts = await startSts(t);
  const url = await serve(t, (request) => (request.url!.endsWith('/role') ? credentials('ASIAI') : 'role'));
  const { AWS_EC2_METADATA_DISABLED: _, ...env } = childEnvironment(temporaryHome(t, ''), sts);
  const args = ['arn:aws:iam::222222222222:role/x'];
  for (const __ of [1, 2])
    await runStint('stint-credentials', args, {
      ...env,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
      AWS_METADATA_SERVICE_TIMEOUT: '60',
    });
  assert.equal(sts.calls.length, 2);
});

test('one home on two machines, or two containers of one, is told apart', () => {
  const machines = [
    machineName(() => 'boot-1\n', 'host'),
    machineName(() => 'boot-2\n', 'host'),
    machineName(() => 'boot-1\n', 'pod'),
    machineName(() => undefined, 'host'),
  ];
  assert.equal(new Set(machines).size, machines.length);
  const here = sourceIdentity(instanceSource({}, undefined));
  assert.deepEqual(here, { instance: 'http://169.254.169.254', machine: thisMachine() });
  assert.ok(thisMachine().endsWith(`/${hostname()}`));
  assert.equal(isNameless(instanceSource({}, undefined)), false);
});
