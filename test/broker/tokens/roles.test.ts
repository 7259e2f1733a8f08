// auth/token/roles: what they keep, what they refuse, and the tokens made with them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { globMatches } from '../../../src/broker/globs.ts';
import { decidePolicies, type PoliciesAsked } from '../../../src/broker/tokens/policy-names.ts';
import { writtenRole, type RoleFields } from '../../../src/broker/tokens/role.ts';
import { testBroker } from '../support.ts';
import { make, refused, seen, tokenWith } from './support.ts';

const fresh = {
  allowed_entity_aliases: null,
  allowed_policies: [],
  allowed_policies_glob: [],
  disallowed_policies: [],
  disallowed_policies_glob: [],
  explicit_max_ttl: 0,
  name: 'ci',
  orphan: false,
  path_suffix: '',
  period: 0,
  renewable: true,
  token_explicit_max_ttl: 0,
  token_no_default_policy: false,
  token_period: 0,
  token_type: 'default-service',
};

describe('a token role', () => {
  test('is written, read, listed and deleted with Vault’s shapes', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const role = '/v1/auth/token/roles/ci';
    assert.equal((await call('LINK', '/v1/auth/token/roles')).status, 404);
    assert.equal((await call('GET', role)).status, 404);
    assert.equal((await call('POST', role, { body: {} })).status, 204);
    assert.deepEqual((await call('GET', role)).body.data, fresh);
    const body = {
      allowed_policies: 'B,a',
      disallowed_policies_glob: ['x*'],
      token_period: '1h',
      token_bound_cidrs: ['10.0.0.0/8', '127.0.0.1/32'],
      token_num_uses: 3,
      path_suffix: 'rev1',
      allowed_entity_aliases: 'Alice,team-*',
    };
    assert.equal((await call('POST', role, { body })).status, 204);
    assert.deepEqual((await call('GET', role)).body.data, {
      ...fresh,
      allowed_policies: ['a', 'b'],
      disallowed_policies_glob: ['x*'],
      token_period: 3600,
      token_bound_cidrs: ['10.0.0.0/8', '127.0.0.1'],
      token_num_uses: 3,
      path_suffix: 'rev1',
      allowed_entity_aliases: ['alice', 'team-*'],
    });
    assert.deepEqual((await call('LINK', '/v1/auth/token/roles')).body.data, { keys: ['ci'] });
    assert.equal((await call('DELETE', role)).status, 204);
    assert.equal((await call('GET', role)).status, 404);
    assert.equal((await call('DELETE', role)).status, 204);
  });

  test('takes the older names, prefers the newer, and says so', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const role = '/v1/auth/token/roles/ci';
    await call('POST', role, { body: { period: '1h', explicit_max_ttl: '2h', bound_cidrs: '10.0.0.1' } });
    const old = (await call('GET', role)).body.data;
    assert.deepEqual(
      [old['period'], old['token_period'], old['explicit_max_ttl'], old['token_explicit_max_ttl'], old['bound_cidrs']],
      [3600, 3600, 7200, 7200, ['10.0.0.1']],
    );
    const both = await call('POST', role, { body: { period: '1h', token_period: '30m' } });
    assert.deepEqual(both.body['warnings'], [
      "Both 'token_period' and deprecated 'period' value supplied, ignoring the deprecated value",
    ]);
    const now = (await call('GET', role)).body.data;
    assert.deepEqual([now['period'], now['token_period']], [0, 1800]);
  });

  test('needs `create` where it is new and `update` where it is not', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const token = await tokenWith(world, 'new', 'path "auth/token/roles/*" { capabilities = ["create"] }');
    assert.equal((await world.call('POST', '/v1/auth/token/roles/ci', { token, body: {} })).status, 204);
    assert.equal((await world.call('POST', '/v1/auth/token/roles/ci', { token, body: {} })).status, 403);
  });

  const refusals: readonly (readonly [object, string])[] = [
    [{ token_type: 'odd' }, 'invalid \'token_type\' value "odd"'],
    [{ token_type: null }, "Invalid 'token_type' value: null"],
    [{ path_suffix: '!' }, 'given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w'],
    [{ path_suffix: 'a..b' }, 'error registering path suffix: path cannot contain parent references'],
    [{ token_num_uses: -1 }, "error parsing role fields: 'token_num_uses' cannot be negative"],
    [{ token_type: 'batch' }, "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens"],
    [
      { token_type: 'batch', orphan: true },
      "'token_type' cannot be 'batch' when role is set to generate renewable tokens",
    ],
    [
      { token_type: 'batch', orphan: true, renewable: false, token_period: 5 },
      "'token_type' cannot be 'batch' when role is set to generate periodic tokens",
    ],
    [
      { token_type: 'batch', orphan: true, renewable: false, token_explicit_max_ttl: 5 },
      "'token_type' cannot be 'batch' when role is set to generate tokens with an explicit max TTL",
    ],
  ];

  test('that breaks a rule is refused in Vault’s words and leaves the old one as it was', async (t) => {
    const world = await testBroker((end) => t.after(end));
    for (const [body, text] of refusals) {
      assert.deepEqual(await refused(world, 'auth/token/roles/ci', body), [400, text], JSON.stringify(body));
    }
    const [status, text] = await refused(world, 'auth/token/roles/ci', { token_bound_cidrs: '10.0.0.300' });
    assert.equal(status, 400);
    assert.match(text!, /^error parsing role fields: error parsing address "10.0.0.300"/);
    assert.equal((await world.call('GET', '/v1/auth/token/roles/ci')).status, 404);
    assert.equal((await world.call('POST', '/v1/auth/token/roles/a%20b', { body: {} })).status, 404);
  });
});

describe('a token made with a role', () => {
  test('has the role’s name, path, uses, blocks and no parent where the role says so', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const body = { orphan: true, path_suffix: 'rev1', token_num_uses: 4, token_bound_cidrs: '127.0.0.0/8' };
    await world.call('POST', '/v1/auth/token/roles/ci', { body: { ...body, allowed_policies: 'a' } });
    const made = await make(world, { num_uses: 9 }, {}, 'create/ci');
    assert.deepEqual([made.policies, made['orphan'], made['num_uses']], [['a', 'default'], true, 4]);
    const data = (await seen(world, made.client_token))!;
    assert.deepEqual(
      [data['role'], data['path'], data['bound_cidrs'], data['num_uses']],
      ['ci', 'auth/token/create/ci/rev1', ['127.0.0.0/8'], 4],
    );
    assert.deepEqual(await refused(world, 'auth/token/create/nobody', {}), [400, 'unknown role nobody']);
  });

  test('is refused policies its role does not allow', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/auth/token/roles/ci', { body: { allowed_policies: 'a' } });
    assert.deepEqual(await refused(world, 'auth/token/create/ci', { policies: ['b'] }), [
      400,
      'token policies (["b" "default"]) must be subset of the role\'s allowed policies (["a" "default"]) or glob policies ([])',
    ]);
    assert.deepEqual(await refused(world, 'auth/token/create/ci', { entity_alias: 'bob' }), [
      400,
      "invalid 'entity_alias' value",
    ]);
  });

  test('takes the lesser of what the call and the role say, and the role’s word at each renewal', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const role = '/v1/auth/token/roles/ci';
    await world.call('POST', role, { body: { token_period: '30m', token_explicit_max_ttl: '2h' } });
    const reply = await world.call('POST', '/v1/auth/token/create/ci', {
      body: { period: '1h', explicit_max_ttl: '1h' },
    });
    assert.deepEqual(reply.body['warnings'], [
      'Explicit max TTL specified both during creation call and in role; using the lesser value of 3600 seconds',
      'Period specified both during creation call and in role; using the lesser value of 1800 seconds',
    ]);
    const { client_token: token, lease_duration } = reply.body['auth'] as {
      client_token: string;
      lease_duration: number;
    };
    assert.equal(lease_duration, 1800);
    await world.call('POST', role, { body: { token_period: '10m' } });
    const renewed = await world.call('POST', '/v1/auth/token/renew', { body: { token } });
    assert.equal((renewed.body['auth'] as { lease_duration: number }).lease_duration, 600);
    await world.call('DELETE', role);
    assert.deepEqual(await refused(world, 'auth/token/renew', { token }), [
      500,
      '1 error occurred:\n\t* failed to renew entry: original token role "ci" could not be found, not renewing\n\n',
    ]);
  });

  test('is a batch token where the role says so', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const body = { token_type: 'default-batch', orphan: true, renewable: false, allowed_policies: 'a' };
    await world.call('POST', '/v1/auth/token/roles/many', { body });
    assert.equal((await make(world, {}, {}, 'create/many'))['token_type'], 'batch');
    assert.equal((await make(world, { type: 'service' }, {}, 'create/many'))['token_type'], 'service');
    await world.call('POST', '/v1/auth/token/roles/many', { body: { token_type: 'batch' } });
    assert.equal((await make(world, { type: 'service' }, {}, 'create/many'))['token_type'], 'batch');
  });
});

interface PolicyCase {
  readonly name: string;
  readonly asked: Omit<PoliciesAsked, 'role'> & { readonly role?: RoleFields };
  readonly policies?: readonly string[];
  readonly refused?: string;
}

const policyCases = JSON.parse(
  readFileSync(new URL('../../cases/broker/token-policies.json', import.meta.url), 'utf8'),
) as readonly PolicyCase[];

describe('the policies of a new token', () => {
  for (const { name, asked, policies, refused: text } of policyCases) {
    test(name, () => {
      const role = asked.role === undefined ? undefined : writtenRole('r', undefined, asked.role).role;
      assert.deepEqual(decidePolicies({ ...asked, role }), text === undefined ? { policies } : { refused: text });
    });
  }

  test('are matched by `*` anywhere in a pattern', () => {
    const cases: readonly (readonly [string, string, boolean])[] = [
      ['a*', 'abc', true],
      ['*c', 'abc', true],
      ['a*c', 'ac', true],
      ['a*b*c', 'axbxc', true],
      ['a*b*c', 'acb', false],
      ['a*a', 'a', false],
      ['*', '', true],
      ['a', 'a', true],
      ['a', 'ab', false],
      ['*x*', 'abc', false],
    ];
    for (const [pattern, text, expected] of cases)
      assert.equal(globMatches(pattern, text), expected, `${pattern} ${text}`);
  });
});
