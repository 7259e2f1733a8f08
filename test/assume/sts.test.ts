import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Secret, systemClock } from '../../src/base/index.ts';
import { httpSender } from '../../src/assume/http.ts';
import type { Credentials, RoleLink } from '../../src/assume/model.ts';
import { StsClient } from '../../src/assume/sts.ts';
import { startSts, type CountingSts } from './support.ts';
import { failureOf } from '../base/support.ts';

const as: Credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: new Secret('hunter2') };
const role: RoleLink = { roleArn: 'arn:aws:iam::222222222222:role/x', sessionName: 'alice' };
const mfa = { serial: 'arn:aws:iam::111111111111:mfa/alice', code: new Secret('123456') };

/** A client whose pauses take no time; `pauses` collects them. */
function client(url: string, pauses: number[] = []): StsClient {
  const wait = async (millis: number): Promise<void> => void pauses.push(millis);
  return new StsClient({ url, signingRegion: 'eu-west-1' }, { send: httpSender({}), clock: systemClock, wait });
}

const cases = JSON.parse(readFileSync(new URL('../cases/assume/refusals.json', import.meta.url), 'utf8')) as readonly {
  name: string;
  /** AssumeRole unless given. */
  action?: 'AssumeRoleWithWebIdentity';
  status: number;
  code: string;
  message: string;
  failure: string;
  says: readonly string[];
}[];

for (const { name, action, status, code, message, failure, says } of cases) {
  test(`STS refusal says why and what to do: ${name}`, async (t) => {
    const sts = await startSts(t);
    sts.refuse = () => ({ status, code, message });
    const asked =
      action === undefined
        ? client(sts.url).assumeRole(as, role, 3600)
        : client(sts.url).assumeRoleWithWebIdentity({ identityToken: new Secret('hunter2') }, role, 3600);
    const found = await failureOf(asked);
    assert.equal(found.code, failure);
    const text = `${found.message}\n${found.hint ?? ''}`;
    for (const part of says) assert.ok(text.includes(part), `\`${part}\` is missing in: ${text}`);
    assert.ok(!text.includes('hunter2'));
    assert.equal(sts.calls.length, 1);
  });
}

test('every parameter of a role is sent as STS names it', async (t) => {
  const sts = await startSts(t);
  const full: RoleLink = {
    ...role,
    externalId: 'e:1',
    sourceIdentity: 'alice',
    policy: '{"Version":"2012-10-17","Statement":[]}',
    policyArns: ['arn:aws:iam::aws:policy/A', 'arn:aws:iam::aws:policy/B'],
    tags: { team: 'ä & b', cost: '' },
    transitiveTags: ['team'],
  };
  await client(sts.url).assumeRole(as, full, 900, mfa);
  assert.deepEqual(Object.fromEntries(sts.calls[0]!.parameters), {
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: role.roleArn,
    RoleSessionName: 'alice',
    DurationSeconds: '900',
    ExternalId: 'e:1',
    SourceIdentity: 'alice',
    Policy: full.policy,
    'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/A',
    'PolicyArns.member.2.arn': 'arn:aws:iam::aws:policy/B',
    'Tags.member.1.Key': 'team',
    'Tags.member.1.Value': 'ä & b',
    'Tags.member.2.Key': 'cost',
    'Tags.member.2.Value': '',
    'TransitiveTagKeys.member.1': 'team',
    SerialNumber: mfa.serial,
    TokenCode: '123456',
  });
});

test('a role for a token is asked for without a signature, and with what that call knows', async (t) => {
  const sts = await startSts(t);
  const full: RoleLink = { ...role, policy: '{}', policyArns: ['arn:aws:iam::aws:policy/A'] };
  await client(sts.url).assumeRoleWithWebIdentity({ identityToken: new Secret('a.b.c') }, full, 43_200);
  const [call] = sts.calls;
  assert.equal(call?.headers['authorization'], undefined);
  assert.deepEqual(Object.fromEntries(call!.parameters), {
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role.roleArn,
    RoleSessionName: 'alice',
    DurationSeconds: '43200',
    Policy: '{}',
    'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/A',
    WebIdentityToken: 'a.b.c',
  });
});

test('an identity provider that AWS could not reach is tried again', async (t) => {
  const sts = await startSts(t);
  failTimes(sts, 2, 400, 'IDPCommunicationError');
  await client(sts.url).assumeRoleWithWebIdentity({ identityToken: new Secret('a.b.c') }, role, 3600);
  assert.equal(sts.calls.length, 3);
});

test('who the caller is', async (t) => {
  const sts = await startSts(t);
  const found = await client(sts.url).getCallerIdentity(as);
  assert.deepEqual(found, {
    account: '222222222222',
    arn: 'arn:aws:sts::222222222222:assumed-role/x/AKIAIOSFODNN7EXAMPLE',
    userId: 'AROA:AKIAIOSFODNN7EXAMPLE',
  });
});

function failTimes(sts: CountingSts, times: number, status: number, code: string): void {
  sts.refuse = (_, count) => (count <= times ? { status, code, message: 'x' } : undefined);
}

test('throttling and server errors are tried again, with growing pauses', async (t) => {
  for (const [status, code] of [
    [400, 'Throttling'],
    [503, 'ServiceUnavailable'],
  ] as const) {
    const sts = await startSts(t);
    failTimes(sts, 2, status, code);
    const pauses: number[] = [];
    await client(sts.url, pauses).assumeRole(as, role, 3600);
    assert.equal(sts.calls.length, 3);
    assert.ok(pauses.length === 2 && pauses[1]! > pauses[0]!);
  }
});

test('throttling without end is given up after four tries', async (t) => {
  const sts = await startSts(t);
  failTimes(sts, 100, 400, 'Throttling');
  assert.equal((await failureOf(client(sts.url).assumeRole(as, role, 3600))).code, 'sts-throttled');
  assert.equal(sts.calls.length, 4);
});

test('an MFA code is never sent twice: a server error that may have used it is not tried again', async (t) => {
  const sts = await startSts(t);
  failTimes(sts, 1, 500, 'InternalFailure');
  assert.equal((await failureOf(client(sts.url).getSessionToken(as, 3600, mfa))).code, 'sts-failed');
  assert.equal(sts.calls.length, 1);
});

/** A server that answers every connection with `answer`, or cuts it for undefined. */
async function odd(t: TestContext, answer: string | undefined): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    if (answer === undefined) request.socket.destroy();
    else response.writeHead(200, { connection: 'close' }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an answer that is not from STS, or too long, is a coded error that names the endpoint', async (t) => {
  for (const answer of ['<html>hello</html>', '', '<AccessKeyId>A</AccessKeyId>']) {
    const url = await odd(t, answer);
    const found = await failureOf(client(url).assumeRole(as, role, 3600));
    assert.equal(found.code, 'sts-failed');
    assert.ok(found.message.includes(url));
  }
  const found = await failureOf(client(await odd(t, 'x'.repeat(2_000_000))).assumeRole(as, role, 3600));
  assert.equal(found.code, 'sts-unreachable');
});

test('a cut connection is tried again; nobody listening is told', async (t) => {
  const pauses: number[] = [];
  const url = await odd(t, undefined);
  assert.equal((await failureOf(client(url, pauses).assumeRole(as, role, 3600))).code, 'sts-unreachable');
  assert.equal(pauses.length, 3);
  const found = await failureOf(client('http://127.0.0.1:1').assumeRole(as, role, 3600));
  assert.equal(found.code, 'sts-unreachable');
  assert.match(found.hint ?? '', /AWS_ENDPOINT_URL/);
});

test('a CA bundle that cannot be read is told by its name', async () => {
  const endpoint = { url: 'https://127.0.0.1:1', signingRegion: 'us-east-1', caBundle: '/nowhere/ca.pem' };
  const sts = new StsClient(endpoint, { send: httpSender({}), clock: systemClock, wait: async () => {} });
  const found = await failureOf(sts.assumeRole(as, role, 3600));
  assert.equal(found.code, 'config-unreadable');
  assert.match(found.message, /\/nowhere\/ca\.pem/);
});
