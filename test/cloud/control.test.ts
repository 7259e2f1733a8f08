import assert from 'node:assert/strict';
import { CreateRoleCommand, GetRoleCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { test } from 'node:test';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { adminOf, central, control, dev, iamOf, send, stsOf, trustOf, type Keys } from './support.ts';

const codeOf = (body: Record<string, unknown>) => (body['error'] as { code: string }).code;

async function createRole(cloud: Cloud, name: string) {
  const command = new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trustOf(central) });
  return await iamOf(cloud, adminOf(cloud, dev)).send(command);
}

async function roleSession(cloud: Cloud, name: string): Promise<Keys> {
  const command = new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${dev}:role/${name}`, RoleSessionName: 'alice' });
  const { Credentials } = await stsOf(cloud, adminOf(cloud, central)).send(command);
  const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!;
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken };
}

test('health needs no token and says what it runs with', async () => {
  await using cloud = await startCloud({ enforce: 'report' });
  cloud.clock.freeze(true);
  cloud.clock.set(Date.parse('2027-01-01T00:00:00Z'));
  const { status, text } = await send(`${cloud.endpoint}/_stint/health`);
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(text), { ready: true, version: '0.1.0', enforce: 'report', now: '2027-01-01T00:00:00Z' });
});

test('every other control route is refused without the token, and with a wrong one', async () => {
  await using cloud = await startCloud();
  const routes = [
    'GET clock',
    'POST clock',
    'POST reset',
    'GET faults',
    'POST faults',
    'DELETE faults',
    'DELETE faults/x',
    'GET events',
    'GET explain/x',
    'GET instances',
    'GET tasks',
    'POST tasks',
    'DELETE tasks/x',
    'POST stop',
  ];
  for (const route of routes) {
    const [method, path] = route.split(' ');
    for (const token of [undefined, '', 'x', `${cloud.controlToken}x`]) {
      const headers: Record<string, string> = token === undefined ? {} : { 'x-stint-control': token };
      const { status, text } = await send(`${cloud.endpoint}/_stint/${path}`, { method: method!, headers });
      assert.deepEqual([route, status, codeOf(JSON.parse(text))], [route, 401, 'control-token']);
    }
  }
});

test('control routes answer nobody who comes by a foreign name or from a page of another site', async () => {
  await using cloud = await startCloud();
  const own = new URL(cloud.endpoint).host;
  const token = { 'x-stint-control': cloud.controlToken };
  const refused: Record<string, string>[] = [
    { host: 'evil.example' },
    { host: `evil.example:${new URL(cloud.endpoint).port}` },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: `https://${own}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of refused) {
    for (const path of ['health', 'events']) {
      const { status, text } = await send(`${cloud.endpoint}/_stint/${path}`, { headers: { ...token, ...headers } });
      assert.deepEqual([status, codeOf(JSON.parse(text))], [403, 'cross-site'], JSON.stringify(headers));
      assert.ok(!text.includes(cloud.controlToken));
    }
  }
  const allowed: Record<string, string>[] = [
    { host: own.replace('127.0.0.1', 'LOCALHOST') },
    { origin: `http://${own}`, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ];
  for (const headers of allowed) {
    const { status } = await send(`${cloud.endpoint}/_stint/events`, { headers: { ...token, ...headers } });
    assert.equal(status, 200, JSON.stringify(headers));
  }
});

test('what is not a control route, and what is not its method, is refused with a code', async () => {
  await using cloud = await startCloud();
  for (const path of ['', 'nothing', 'events/1', 'explain', 'explain/', 'faults/', '..%2fhealth', '__proto__']) {
    const { status, body } = await control(cloud, 'GET', path);
    assert.deepEqual([path, status, codeOf(body)], [path, 404, 'no-such-route']);
  }
  const { status, headers, text } = await send(`${cloud.endpoint}/_stint/reset`, {
    headers: { 'x-stint-control': cloud.controlToken },
  });
  assert.deepEqual([status, headers['allow'], codeOf(JSON.parse(text))], [405, 'POST', 'wrong-method']);
});

test('the clock is frozen, set and advanced, and answers with where it is', async () => {
  await using cloud = await startCloud();
  const frozen = await control(cloud, 'POST', 'clock', { freeze: true });
  assert.equal(frozen.body['frozen'], true);
  const set = await control(cloud, 'POST', 'clock', { set: '2026-01-01T00:00:00Z' });
  assert.deepEqual(set.body, { now: '2026-01-01T00:00:00Z', frozen: true });
  const advanced = await control(cloud, 'POST', 'clock', { advance: '1h30m' });
  assert.deepEqual(advanced.body, { now: '2026-01-01T01:30:00Z', frozen: true });
  const running = await control(cloud, 'POST', 'clock', { freeze: false });
  assert.equal(running.body['frozen'], false);
  assert.deepEqual((await control(cloud, 'GET', 'clock')).body['frozen'], false);
});

test('a clock body that is not understood is refused and moves nothing', async () => {
  await using cloud = await startCloud();
  cloud.clock.freeze(true);
  const before = cloud.clock.now();
  const bodies: [unknown, string][] = [
    ['', 'invalid-body'],
    ['{', 'invalid-body'],
    [[], 'invalid-body'],
    [null, 'invalid-body'],
    [{}, 'invalid-body'],
    [{ advance: '30m', freeze: true }, 'invalid-body'],
    [{ advance: 'soon' }, 'invalid-duration'],
    [{ advance: '-30m' }, 'invalid-duration'],
    [{ advance: '9999999d' }, 'invalid-body'],
    [{ freeze: 'yes' }, 'invalid-body'],
    [{ set: 'tomorrow' }, 'invalid-body'],
    [{ advence: '30m' }, 'invalid-body'],
    [`{"advance":${'['.repeat(5000)}`, 'invalid-body'],
  ];
  for (const [body, code] of bodies) {
    const answer = await control(cloud, 'POST', 'clock', body);
    assert.deepEqual([answer.status, codeOf(answer.body)], [400, code], JSON.stringify(body));
  }
  assert.equal(cloud.clock.now(), before);
  const { body } = await control(cloud, 'POST', 'clock', { advence: '30m' });
  assert.match((body['error'] as { hint: string }).hint, /`advance`/);
});

test('a reset is back at the start with the same credentials', async () => {
  await using cloud = await startCloud();
  const { Roles: start } = await iamOf(cloud, adminOf(cloud, dev)).send(new ListRolesCommand({}));
  await createRole(cloud, 'reader');
  const session = await roleSession(cloud, 'reader');
  await control(cloud, 'POST', 'faults', { service: 'iam', operation: 'ListRoles', when: 'before', hang: true });
  await control(cloud, 'POST', 'clock', { advance: '2d' });
  const { status } = await control(cloud, 'POST', 'reset');
  assert.equal(status, 200);
  assert.ok(Math.abs(cloud.clock.now() - Date.now()) < 60_000);
  assert.deepEqual((await control(cloud, 'GET', 'events')).body, { events: [], next: 0 });
  const { Roles: after } = await iamOf(cloud, adminOf(cloud, dev)).send(new ListRolesCommand({}));
  assert.deepEqual(
    after!.map(({ Arn, RoleId }) => [Arn, RoleId]),
    start!.map(({ Arn, RoleId }) => [Arn, RoleId]),
  );
  await assert.rejects(stsOf(cloud, session).send(new GetCallerIdentityCommand({})), { name: 'InvalidClientTokenId' });
});

test('a fault before a call leaves nothing of it, at the n-th call of the named account only', async () => {
  await using cloud = await startCloud();
  const order = { service: 'iam', operation: 'CreateRole', account: dev, nth: 2, when: 'before' };
  const error = { code: 'Throttling', status: 400 };
  const { status, body } = await control(cloud, 'POST', 'faults', { ...order, error });
  assert.equal(status, 200);
  await createRole(cloud, 'first');
  await iamOf(cloud, adminOf(cloud, central)).send(
    new CreateRoleCommand({ RoleName: 'elsewhere', AssumeRolePolicyDocument: trustOf(dev) }),
  );
  await assert.rejects(createRole(cloud, 'second'), { name: 'Throttling' });
  await createRole(cloud, 'second');
  const { body: page } = await control(cloud, 'GET', 'events');
  const struck = (page['events'] as { faultId: string | null; errorCode: string | null }[]).filter(
    (e) => e.faultId !== null,
  );
  assert.deepEqual(
    struck.map(({ faultId, errorCode }) => [faultId, errorCode]),
    [[body['id'], 'Throttling']],
  );
});

test('a fault after a call keeps its changes, though the client learns of an error', async () => {
  await using cloud = await startCloud();
  const error = { code: 'InternalFailure', status: 500 };
  await control(cloud, 'POST', 'faults', { service: 'iam', operation: 'CreateRole', when: 'after', error });
  await assert.rejects(createRole(cloud, 'reader'), { name: 'InternalFailure' });
  await iamOf(cloud, adminOf(cloud, dev)).send(new GetRoleCommand({ RoleName: 'reader' }));
  await assert.rejects(createRole(cloud, 'reader'), { name: 'EntityAlreadyExistsException' });
  await control(cloud, 'DELETE', 'faults');
  await createRole(cloud, 'other');
});

test('a hanging call ends when its client goes, and holds up nobody else', async () => {
  await using cloud = await startCloud();
  const order = { service: 'sts', operation: '*', nth: 1, when: 'before', hang: true };
  await control(cloud, 'POST', 'faults', order);
  const leave = new AbortController();
  const hanging = stsOf(cloud, adminOf(cloud, dev)).send(new GetCallerIdentityCommand({}), {
    abortSignal: leave.signal,
  });
  for (;;) {
    const { body } = await control(cloud, 'GET', 'faults');
    if ((body['faults'] as { seen: number }[])[0]!.seen === 1) break;
  }
  await stsOf(cloud, adminOf(cloud, dev)).send(new GetCallerIdentityCommand({}));
  leave.abort();
  await assert.rejects(hanging, { name: 'AbortError' });
  for (;;) {
    const { body } = await control(cloud, 'GET', 'events');
    if ((body['events'] as { errorCode: string }[]).some(({ errorCode }) => errorCode === 'ClientGone')) break;
  }
});

test('a hanging call ends when the server stops', async () => {
  const cloud = await startCloud();
  await control(cloud, 'POST', 'faults', { service: 'sts', operation: 'GetCallerIdentity', when: 'after', hang: true });
  const hanging = stsOf(cloud, adminOf(cloud, dev)).send(new GetCallerIdentityCommand({}));
  const refused = assert.rejects(hanging);
  for (;;) {
    const { body } = await control(cloud, 'GET', 'faults');
    if ((body['faults'] as { seen: number }[])[0]!.seen === 1) break;
  }
  await cloud.stop();
  await refused;
});

test('a slow answer comes, and a removed fault strikes no more', async () => {
  await using cloud = await startCloud();
  const order = { service: 'sts', operation: 'GetCallerIdentity', when: 'before', delayMs: 30 };
  const { body } = await control(cloud, 'POST', 'faults', order);
  const began = performance.now();
  await stsOf(cloud, adminOf(cloud, dev)).send(new GetCallerIdentityCommand({}));
  assert.ok(performance.now() - began >= 29);
  assert.deepEqual((await control(cloud, 'DELETE', `faults/${String(body['id'])}`)).body, { removed: true });
  assert.deepEqual((await control(cloud, 'GET', 'faults')).body, { faults: [] });
  const again = await control(cloud, 'DELETE', `faults/${String(body['id'])}`);
  assert.deepEqual([again.status, codeOf(again.body)], [404, 'no-such-fault']);
});

test('a credential that dies while its call is held up is refused', async () => {
  await using cloud = await startCloud();
  await createRole(cloud, 'reader');
  const session = await roleSession(cloud, 'reader');
  await control(cloud, 'POST', 'faults', {
    service: 'sts',
    operation: 'GetCallerIdentity',
    when: 'before',
    // Long enough for the clock to be moved meanwhile, also on a busy machine.
    delayMs: 500,
  });
  const held = stsOf(cloud, session).send(new GetCallerIdentityCommand({}));
  const refused = assert.rejects(held, { name: 'ExpiredToken' });
  for (;;) {
    const { body } = await control(cloud, 'GET', 'faults');
    if ((body['faults'] as { seen: number }[])[0]!.seen === 1) break;
  }
  cloud.clock.advance(7_200_000);
  await refused;
});

test('an order for a fault that is not understood is refused, and says what was meant', async () => {
  await using cloud = await startCloud();
  const whole = { service: 'iam', operation: 'CreateUser', when: 'before', hang: true };
  const bad: [object, RegExp][] = [
    [{ ...whole, service: 'iamm' }, /`iam`/],
    [{ ...whole, operation: 'CreateUsr' }, /`CreateUser`/],
    [{ ...whole, operation: 'constructor' }, /are/],
    [{ ...whole, when: 'during' }, /./],
    [{ ...whole, nth: 0 }, /./],
    [{ ...whole, count: 1.5 }, /./],
    [{ ...whole, account: '1' }, /./],
    [{ ...whole, delayMs: 5 }, /./],
    [{ ...whole, hang: false }, /./],
    [{ ...whole, hang: undefined }, /./],
    [{ ...whole, hang: undefined, delayMs: 1e12 }, /./],
    [{ ...whole, hang: undefined, error: { code: 'a b', status: 400 } }, /./],
    [{ ...whole, hang: undefined, error: { code: 'Throttling', status: 200 } }, /./],
    [{ ...whole, nht: 1 }, /`nth`/],
    [{ ...whole, when: undefined }, /./],
    [{ ...whole, throttle: { rate: 1 } }, /./],
    [{ ...whole, hang: undefined, throttle: { rate: -1 } }, /./],
    [{ ...whole, hang: undefined, throttle: { rate: 1, burst: 0.5 } }, /./],
    [{ ...whole, hang: undefined, throttle: { rate: 1 }, nth: 2 }, /./],
    [{ ...whole, hang: undefined, throttle: { rate: 1 }, when: 'after' }, /./],
  ];
  for (const [order, hint] of bad) {
    const { status, body } = await control(cloud, 'POST', 'faults', order);
    assert.deepEqual([status, codeOf(body)], [400, 'invalid-body'], JSON.stringify(order));
    assert.match((body['error'] as { hint: string }).hint, hint);
  }
  assert.deepEqual((await control(cloud, 'GET', 'faults')).body, { faults: [] });
});

test('events tell who did what and what was decided, page by page, and never a secret', async () => {
  await using cloud = await startCloud();
  await createRole(cloud, 'reader');
  const session = await roleSession(cloud, 'reader');
  await assert.rejects(iamOf(cloud, session).send(new ListRolesCommand({})));
  await assert.rejects(stsOf(cloud, { ...session, secretAccessKey: 'x' }).send(new GetCallerIdentityCommand({})));
  const { body } = await control(cloud, 'GET', 'events');
  const events = body['events'] as Record<string, unknown>[];
  assert.deepEqual(
    events.map(({ seq, account, service, operation, decision, errorCode }) => [
      seq,
      account,
      service,
      operation,
      decision,
      errorCode,
    ]),
    [
      [1, dev, 'iam', 'CreateRole', 'allow', null],
      [2, central, 'sts', 'AssumeRole', 'allow', null],
      [3, dev, 'iam', 'ListRoles', 'deny', 'AccessDenied'],
      [4, '', 'sts', 'GetCallerIdentity', null, 'SignatureDoesNotMatch'],
    ],
  );
  assert.equal(events[2]!['principalArn'], `arn:aws:sts::${dev}:assumed-role/reader/alice`);
  assert.equal(events[1]!['resource'], `arn:aws:iam::${dev}:role/reader`);
  assert.equal(typeof events[2]!['explainId'], 'string');
  const text = JSON.stringify(events);
  for (const secret of [session.secretAccessKey, session.sessionToken!, adminOf(cloud, dev).secretAccessKey]) {
    assert.ok(!text.includes(secret));
  }
  const page = (await control(cloud, 'GET', 'events?after=1&limit=2')).body;
  assert.deepEqual(
    (page['events'] as { seq: number }[]).map(({ seq }) => seq),
    [2, 3],
  );
  assert.equal(page['next'], 3);
  assert.deepEqual((await control(cloud, 'GET', 'events?after=4')).body, { events: [], next: 4 });
  for (const query of ['after=x', 'limit=-1', 'after=1e3']) {
    assert.equal(codeOf((await control(cloud, 'GET', `events?${query}`)).body), 'invalid-query');
  }
});

test('a refusal is explained by the id in its header', async () => {
  await using cloud = await startCloud();
  await createRole(cloud, 'reader');
  const session = iamOf(cloud, await roleSession(cloud, 'reader'));
  let explainId = '';
  session.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      explainId = (result.response as { headers: Record<string, string> }).headers['x-stint-explain-id'] ?? '';
      return result;
    },
    { step: 'deserialize', priority: 'low' },
  );
  await assert.rejects(session.send(new ListRolesCommand({})), { name: 'AccessDenied' });
  const { status, body } = await control(cloud, 'GET', `explain/${explainId}`);
  assert.equal(status, 200);
  assert.equal(body['id'], explainId);
  assert.equal(body['decision'], 'deny');
  const request = body['request'] as Record<string, unknown>;
  assert.deepEqual(
    [request['principal'], request['action'], request['resource']],
    [`arn:aws:sts::${dev}:assumed-role/reader/alice`, 'iam:ListRoles', `arn:aws:iam::${dev}:role/`],
  );
  assert.equal((body['decidedBy'] as { type: string }).type, 'identity');
  assert.ok(Array.isArray(body['policies']) && String(body['cure']).length > 0);
  assert.equal(codeOf((await control(cloud, 'GET', 'explain/nothing')).body), 'no-such-explanation');
});

test('a refusal by a rule of the service is explained too, with what to do', async () => {
  await using cloud = await startCloud();
  const refusedBy = async (keys: Keys, RoleArn: string) => {
    const sent = stsOf(cloud, keys).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'alice' }));
    await assert.rejects(sent, { name: 'AccessDenied' });
    const { body } = await control(cloud, 'GET', 'events');
    const event = (body['events'] as Record<string, unknown>[]).at(-1)!;
    assert.equal(event['decision'], 'deny');
    return (await control(cloud, 'GET', `explain/${String(event['explainId'])}`)).body;
  };
  const missing = await refusedBy(adminOf(cloud, dev), `arn:aws:iam::${dev}:role/missing`);
  assert.deepEqual(missing['decidedBy'], { type: 'service', explicit: false });
  assert.equal((missing['request'] as { action: string }).action, 'sts:AssumeRole');
  assert.match(String(missing['cure']), /^there is no role `arn:aws:iam::222222222222:role\/missing`/);
  const root = await refusedBy(cloud.credentials.accounts[dev]!.root, `arn:aws:iam::${dev}:role/missing`);
  assert.match(String(root['cure']), /^no policy can allow it, the service says: Roles may not be assumed by root/);
});

test('enforcement that only reports lets the call through and tells the refusal', async () => {
  await using cloud = await startCloud({ enforce: 'report' });
  await createRole(cloud, 'reader');
  const { Roles } = await iamOf(cloud, await roleSession(cloud, 'reader')).send(new ListRolesCommand({}));
  assert.ok(Roles!.length > 0);
  const { body } = await control(cloud, 'GET', 'events?after=2');
  const [event] = body['events'] as Record<string, unknown>[];
  assert.deepEqual([event!['decision'], event!['errorCode']], ['deny', null]);
  assert.equal((await control(cloud, 'GET', `explain/${String(event!['explainId'])}`)).status, 200);
});

test('enforcement that is off still wants a valid signature', async () => {
  await using cloud = await startCloud({ enforce: 'off' });
  await createRole(cloud, 'reader');
  const session = await roleSession(cloud, 'reader');
  await iamOf(cloud, session).send(new ListRolesCommand({}));
  await assert.rejects(iamOf(cloud, { ...session, secretAccessKey: 'x' }).send(new ListRolesCommand({})), {
    name: 'SignatureDoesNotMatch',
  });
});

test('the stop route answers, then the server ends', async () => {
  const cloud = await startCloud();
  assert.deepEqual((await control(cloud, 'POST', 'stop')).body, { stopping: true });
  await cloud.stopped;
  await assert.rejects(send(`${cloud.endpoint}/_stint/health`), { code: 'ECONNREFUSED' });
});
