// sys/quotas: rules for how often addresses may ask and how many leases there may be.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { AuditEntry } from '../../src/broker/audit/entry.ts';
import { applicable, isExempt, type QuotaPlace, type RateQuota } from '../../src/broker/quotas/quota.ts';
import { RateLimits } from '../../src/broker/quotas/rate-limits.ts';
import { configureAws, testCloud, until, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';
import { make, refused, storedKeys } from './tokens/support.ts';

describe('the rules of rate limits', () => {
  const rates = 'sys/quotas/rate-limit';

  test('are written, read, listed and deleted with Vault’s shapes', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    assert.equal((await call('LINK', `/v1/${rates}`)).status, 404);
    assert.equal((await call('GET', `/v1/${rates}/all`)).status, 404);
    assert.equal((await call('POST', `/v1/${rates}/all`, { body: { rate: 1000.5, interval: '1m' } })).status, 204);
    assert.deepEqual((await call('GET', `/v1/${rates}/all`)).body.data, {
      type: 'rate-limit',
      name: 'all',
      path: '',
      role: '',
      rate: 1000.5,
      interval: 60,
      block_interval: 0,
      inheritable: true,
    });
    const body = { rate: '500', path: '/sys/policies/acl/', block_interval: 60 };
    assert.equal((await call('POST', `/v1/${rates}/acl`, { body })).status, 204);
    const { path, rate, interval, inheritable } = (await call('GET', `/v1/${rates}/acl`)).body.data;
    assert.deepEqual([path, rate, interval, inheritable], ['sys/policies/acl', 500, 1, false]);
    assert.deepEqual((await call('LINK', `/v1/${rates}`)).body.data, { keys: ['acl', 'all'] });
    assert.equal((await call('DELETE', `/v1/${rates}/all`)).status, 204);
    assert.equal((await call('DELETE', `/v1/${rates}/all`)).status, 204);
    assert.equal((await call('GET', `/v1/${rates}/all`)).status, 404);
  });

  test('that cannot hold are refused in Vault’s words', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/sys/auth/people', { body: { type: 'userpass' } });
    await world.call('POST', `/v1/${rates}/all`, { body: { rate: 1000 } });
    const cases: readonly (readonly [object, string])[] = [
      [{}, "'rate' is invalid"],
      [{ rate: -1 }, "'rate' is invalid"],
      [{ rate: 5 }, 'quota rule with similar properties exists under the name "all"'],
      [{ rate: 5, path: 'nope' }, 'invalid mount path "nope/"'],
      [
        { rate: 5, path: 'sys', role: 'x' },
        'Mount path "sys/" is not a valid auth method and therefore unsuitable for use with role-based quotas',
      ],
      [
        { rate: 5, path: 'auth/token', role: 'x' },
        'Mount path "auth/token/" does not support use with role-based quotas',
      ],
      [
        { rate: 5, path: 'auth/people/login', role: 'x' },
        'Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth mount with a concept of roles',
      ],
    ];
    for (const [body, text] of cases) {
      assert.deepEqual(await refused(world, `${rates}/other`, body), [400, text], JSON.stringify(body));
    }
  });

  test('have settings of their own', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const fresh = (await call('GET', '/v1/sys/quotas/config')).body.data;
    assert.equal((fresh['rate_limit_exempt_paths'] as string[]).includes('sys/health'), true);
    const body = { rate_limit_exempt_paths: ['sys/x', 'auth/*'], enable_rate_limit_response_headers: true };
    assert.equal((await call('POST', '/v1/sys/quotas/config', { body })).status, 204);
    assert.deepEqual((await call('GET', '/v1/sys/quotas/config')).body.data, {
      enable_rate_limit_audit_logging: false,
      enable_rate_limit_response_headers: true,
      rate_limit_exempt_paths: ['sys/x', 'auth/*'],
    });
  });
});

describe('a rate limit', () => {
  const ask = ({ call }: TestBroker, token = 'root'): Promise<Reply> => call('GET', '/v1/cubbyhole/a', { token });

  test('refuses what is too much, whoever asks, and tells how long to wait', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/sys/quotas/config', { body: { enable_rate_limit_response_headers: true } });
    await world.call('POST', '/v1/sys/quotas/rate-limit/own', { body: { rate: 2, interval: '5m', path: 'cubbyhole' } });
    const first = await ask(world);
    assert.deepEqual(
      ['limit', 'remaining'].map((name) => first.headers[`x-ratelimit-${name}`]),
      ['2', '1'],
    );
    assert.equal((await ask(world, 'guessed')).status, 403);
    const third = await ask(world);
    assert.deepEqual(
      [third.status, third.body.errors],
      [429, ['request path "cubbyhole/a": rate limit quota exceeded']],
    );
    assert.ok(Number(third.headers['retry-after']) > 200);
    assert.equal((await world.call('GET', '/v1/sys/mounts')).status, 200);
    await world.call('POST', '/v1/sys/quotas/rate-limit/own', { body: { rate: 9, interval: '5m', path: 'cubbyhole' } });
    assert.equal((await ask(world)).status, 404);
    await world.call('POST', '/v1/sys/quotas/config', { body: { rate_limit_exempt_paths: ['cubbyhole/'] } });
    for (let asked = 0; asked < 20; asked++) assert.equal((await ask(world)).status, 404);
    assert.equal((await ask(world)).headers['x-ratelimit-limit'], undefined);
  });

  test('for a user holds for the logins of that user only', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/sys/auth/people', { body: { type: 'userpass' } });
    const body = { rate: 1, interval: '5m', path: 'auth/people', role: 'alice' };
    await world.call('POST', '/v1/sys/quotas/rate-limit/alice', { body });
    const login = async (name: string): Promise<number> =>
      (await world.call('POST', `/v1/auth/people/login/${name}`, { body: { password: 'x' } })).status;
    assert.deepEqual(
      [await login('alice'), await login('alice'), await login('Alice'), await login('bob'), await login('bob')],
      [400, 429, 429, 400, 400],
    );
  });

  test('for a role holds for the logins with its role id', async (t) => {
    const seen: string[] = [];
    const device = { path: 'x/', behind: false, record: async ({ type }: AuditEntry) => void seen.push(type) };
    const world = await testBroker((end) => t.after(end), { auditDevices: [device] });
    await world.call('POST', '/v1/sys/auth/approle', { body: { type: 'approle' } });
    const ids: string[] = [];
    for (const name of ['ci', 'cd']) {
      await world.call('POST', `/v1/auth/approle/role/${name}`, { body: {} });
      ids.push(String((await world.call('GET', `/v1/auth/approle/role/${name}/role-id`)).body.data['role_id']));
    }
    const body = { rate: 1, interval: '5m', path: 'auth/approle', role: 'ci' };
    assert.equal((await world.call('POST', '/v1/sys/quotas/rate-limit/ci', { body })).status, 204);
    const login = async (role_id: unknown, more: object = {}): Promise<number> =>
      (await world.call('POST', '/v1/auth/approle/login', { body: { role_id, secret_id: 'x', ...more } })).status;
    const [ci, cd] = ids;
    assert.deepEqual(
      [await login(ci), await login(ci), await login(cd), await login(cd), await login('x')],
      [400, 429, 400, 400, 400],
    );
    seen.length = 0;
    const broken = await world.call('POST', '/v1/auth/approle/login', { body: '{"role_id":' });
    assert.deepEqual([broken.status, seen], [400, ['request', 'response']], 'what cannot be read is recorded');
    assert.equal(await login(ci, { role: 'cd' }), 429, 'a field that the method does not read changes nothing');
  });

  test('counts each address by itself, begins anew with each interval, and blocks as long as it says', () => {
    let now = Date.parse('2026-01-01T00:00:00Z');
    const limits = new RateLimits({ now: () => now });
    const rule: RateQuota = {
      version: 1,
      kind: 'rate-limit',
      id: 'i',
      name: 'n',
      mountPath: '',
      pathSuffix: '',
      role: '',
      inheritable: true,
      rate: 2,
      intervalSeconds: 10,
      blockSeconds: 0,
    };
    const settings = { version: 1, exemptPaths: [], auditRejections: false, responseHeaders: true } as const;
    const take = (address: string, rates = [rule]): boolean =>
      limits.take({ rates, leases: [], settings }, { path: 'a', role: '' }, address).allowed;
    assert.deepEqual([take('x'), take('x'), take('x'), take('y')], [true, true, false, true]);
    now += 10_000;
    assert.deepEqual([take('x'), take('x'), take('x')], [true, true, false]);
    const blocking = [{ ...rule, blockSeconds: 60 }];
    assert.deepEqual(
      [1, 2, 3].map(() => take('x', blocking)),
      [true, true, false],
    );
    now += 30_000;
    assert.equal(take('x', blocking), false);
    now += 31_000;
    assert.equal(take('x', blocking), true);
    for (let address = 0; address < 30_000; address++) take(String(address));
    now -= 3_600_000;
    assert.equal(take('x'), true);
  });

  test('is the most specific one', () => {
    const place = (mountPath: string, pathSuffix = '', role = ''): QuotaPlace => ({ mountPath, pathSuffix, role });
    const rules = [
      place(''),
      place('sys/'),
      place('sys/', 'policies/*'),
      place('sys/', 'policies/acl/*'),
      place('sys/', 'policies/acl/a'),
      place('auth/x/', '', 'r'),
    ];
    const found = (path: string, role = ''): QuotaPlace | undefined => applicable(rules, { path, role });
    assert.equal(found('aws/creds/a'), rules[0]);
    assert.equal(found('system/x'), rules[0]);
    assert.equal(found('sys/mounts'), rules[1]);
    assert.equal(found('sys'), rules[1]);
    assert.equal(found('sys/policies/password/x'), rules[2]);
    assert.equal(found('sys/policies/acl/b'), rules[3]);
    assert.equal(found('sys/policies/acl/a'), rules[4]);
    assert.equal(found('auth/x/login', 'r'), rules[5]);
    assert.equal(found('auth/x/login', 'other'), rules[0]);
    assert.equal(applicable([place('sys/')], { path: 'aws/a', role: '' }), undefined);
  });

  test('spares what is exempt, and not what an exception takes out again', () => {
    assert.equal(isExempt(['sys/*', '!sys/mounts'], 'sys/health'), true);
    assert.equal(isExempt(['sys/*', '!sys/mounts'], 'sys/mounts'), false);
    assert.equal(isExempt(['', '*'], 'anything'), true);
    assert.equal(isExempt(['sys/health'], 'sys/heal'), false);
  });
});

async function lending(t: TestContext): Promise<TestBroker & TestCloud> {
  const cloud = await testCloud((end) => t.after(end));
  const world = await testBroker((end) => t.after(end));
  await configureAws(world, cloud.cloud);
  return Object.assign(Object.create(world) as TestBroker, cloud);
}

describe('a rule for the number of leases', () => {
  const lend = ({ call }: TestBroker, token = 'root'): Promise<Reply> => call('GET', '/v1/aws/creds/deploy', { token });
  const rule = '/v1/sys/quotas/lease-count/aws';

  test('is written, read, listed and deleted', async (t) => {
    const world = await lending(t);
    assert.deepEqual(await refused(world, 'sys/quotas/lease-count/aws', { path: 'aws' }), [
      400,
      "'max_leases' is invalid",
    ]);
    assert.equal((await world.call('POST', rule, { body: { path: 'aws', max_leases: 5 } })).status, 204);
    await lend(world);
    assert.deepEqual((await world.call('GET', rule)).body.data, {
      type: 'lease-count',
      name: 'aws',
      path: 'aws/',
      role: '',
      max_leases: 5,
      counter: 1,
      inheritable: false,
    });
    assert.deepEqual((await world.call('LINK', '/v1/sys/quotas/lease-count')).body.data, { keys: ['aws'] });
    assert.equal((await world.call('DELETE', rule)).status, 204);
    assert.equal((await world.call('GET', rule)).status, 404);
    await world.restart();
    await world.broker.stop();
    assert.deepEqual(storedKeys(world, 'quota'), []);
  });

  test('refuses one more, and lends again when one has ended', async (t) => {
    const world = await lending(t);
    const present = await lend(world);
    await world.call('POST', rule, { body: { path: 'aws', max_leases: 2 } });
    assert.equal((await world.call('GET', rule)).body.data['counter'], 1);
    // Written again, it counts nothing twice.
    await world.call('POST', rule, { body: { path: 'aws', max_leases: 2 } });
    assert.equal((await world.call('GET', rule)).body.data['counter'], 1);
    const second = await lend(world);
    const third = await lend(world);
    assert.deepEqual(
      [third.status, third.body.errors],
      [429, ['request path "aws/creds/deploy": lease count quota exceeded']],
    );
    assert.equal((await world.lentUsers()).length, 2);
    for (const { body } of [present, second]) {
      await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: body['lease_id'] } });
      assert.equal((await lend(world)).status, 200);
    }
    assert.equal((await lend(world)).status, 429);
    await world.restart();
    assert.equal((await lend(world)).status, 429);
    world.clock.advance(1_900_000);
    await until('their time is over', async () => (await world.call('GET', rule)).body.data['counter'] === 0);
  });

  test('holds to the lease when many ask at once', async (t) => {
    const world = await lending(t);
    for (const [max, asked] of [
      [3, 12],
      [20, 30],
    ] as const) {
      await world.call('POST', rule, { body: { path: 'aws', max_leases: max } });
      const replies = await Promise.all(Array.from({ length: asked }, () => lend(world)));
      assert.equal(replies.filter(({ status }) => status === 429).length > 0, true);
      assert.equal((await world.lentUsers()).length, max);
      assert.equal((await world.call('GET', rule)).body.data['counter'], max);
    }
    // Made smaller, it waits until enough have ended.
    await world.call('POST', rule, { body: { path: 'aws', max_leases: 19 } });
    const leases = (await world.call('LINK', '/v1/sys/leases/lookup/aws/creds/deploy')).body.data['keys'] as string[];
    for (const [index, key] of leases.slice(0, 3).entries()) {
      assert.equal((await lend(world)).status, index < 2 ? 429 : 200);
      if (index < 2) await world.call('PUT', `/v1/sys/leases/revoke/aws/creds/deploy/${key}`);
    }
  });

  test('for a role counts its logins, whatever else is known of them', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    await call('POST', '/v1/sys/auth/approle', { body: { type: 'approle' } });
    await call('POST', '/v1/auth/approle/role/ci', { body: {} });
    const { role_id } = (await call('GET', '/v1/auth/approle/role/ci/role-id')).body.data;
    const body = { path: 'auth/approle', role: 'ci', max_leases: 1 };
    assert.equal((await call('POST', '/v1/sys/quotas/lease-count/ci', { body })).status, 204);
    const metadata = JSON.stringify({ role: 'cd', username: 'cd' });
    const made = await call('POST', '/v1/auth/approle/role/ci/secret-id', { body: { metadata } });
    const { secret_id } = made.body.data;
    const login = async (): Promise<number> =>
      (await call('POST', '/v1/auth/approle/login', { body: { role_id, secret_id } })).status;
    assert.deepEqual([await login(), await login()], [200, 429]);
  });

  test('goes with its mount, to another path or away', async (t) => {
    const world = await lending(t);
    await world.call('POST', rule, { body: { path: 'aws/creds/*', max_leases: 1 } });
    await world.call('POST', '/v1/sys/quotas/rate-limit/aws', { body: { path: 'aws', rate: 1000 } });
    await world.call('POST', '/v1/sys/remount', { body: { from: 'aws', to: 'cloud' } });
    const shown = async (kind: string): Promise<unknown> =>
      (await world.call('GET', `/v1/sys/quotas/${kind}/aws`)).body.data?.['path'];
    assert.deepEqual([await shown('lease-count'), await shown('rate-limit')], ['cloud/creds/*', 'cloud/']);
    const lent = await Promise.all([1, 2].map(() => world.call('GET', '/v1/cloud/creds/deploy')));
    assert.deepEqual(new Set(lent.map(({ status }) => status)), new Set([200, 429]));
    await world.call('DELETE', '/v1/sys/mounts/cloud');
    assert.deepEqual([await shown('lease-count'), await shown('rate-limit')], [undefined, undefined]);
  });

  test('counts tokens where its path is that of an auth method', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const first = await make(world, { ttl: '1h' });
    await world.call('POST', '/v1/sys/quotas/lease-count/tokens', { body: { path: 'auth/token', max_leases: 2 } });
    await make(world, { ttl: '1h' });
    assert.deepEqual(await refused(world, 'auth/token/create', { ttl: '1h' }), [
      429,
      'request path "auth/token/create": lease count quota exceeded',
    ]);
    assert.equal(
      (await make(world, { type: 'batch', policies: ['default'], ttl: '1h' })).client_token.slice(0, 4),
      'hvb.',
    );
    const wrapped = { headers: { 'X-Vault-Wrap-TTL': '60' }, body: { a: 1 } };
    assert.equal((await world.call('POST', '/v1/sys/wrapping/wrap', wrapped)).status, 200);
    await world.call('POST', '/v1/auth/token/revoke', { body: { token: first.client_token } });
    await make(world, { ttl: '1h' });
  });
});
