import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { decide, type AclOperation } from '../../src/broker/acl.ts';
import { compileAcl, type Capability } from '../../src/broker/acl-index.ts';
import { parsePolicy } from '../../src/broker/policy-text.ts';
import { testBroker } from './support.ts';

interface Cases {
  readonly cases: readonly {
    readonly name: string;
    readonly policies?: readonly string[];
    readonly rules: Readonly<Record<string, readonly Capability[]>>;
    readonly ask: readonly [AclOperation, string];
    readonly sudo?: boolean;
    readonly allowed: boolean;
  }[];
  readonly decisions: readonly {
    readonly name: string;
    readonly policies: readonly string[];
    readonly ask: readonly [AclOperation, string, Readonly<Record<string, unknown>>?];
    readonly wrap?: number;
    readonly allowed: boolean;
    readonly limit?: string;
  }[];
  readonly texts: readonly {
    readonly name: string;
    readonly text: string;
    readonly rules?: Readonly<Record<string, readonly string[]>>;
    readonly error?: string;
  }[];
}

const { cases, decisions, texts } = JSON.parse(
  readFileSync(new URL('../cases/broker/acl.json', import.meta.url), 'utf8'),
) as Cases;

describe('what policies allow', () => {
  for (const { name, policies = ['p'], rules, ask, sudo = false, allowed } of cases) {
    test(name, () => {
      const list = Object.entries(rules).map(([path, capabilities]) => ({ path, capabilities }));
      const [operation, asked] = ask;
      const path = operation === 'list' ? `${asked}/` : asked;
      // The order of rules decides nothing.
      for (const order of [list, [...list].reverse()]) {
        const named = policies.map((policy) => ({ name: policy, rules: order }));
        assert.equal(decide(compileAcl(named, 0), { operation, path, sudo }).allowed, allowed);
      }
    });
  }
  for (const { name, policies, ask, wrap = 0, allowed, limit } of decisions) {
    test(name, () => {
      const [operation, path, data] = ask;
      const named = policies.map((text, index) => ({ name: `p${index}`, rules: parsePolicy(text).rules }));
      const acl = compileAcl(named, Date.parse('2026-01-01T00:00:00Z'));
      const decision = decide(acl, { operation, path, sudo: false, data, wrapSeconds: wrap });
      assert.deepEqual([decision.allowed, decision.limit], [allowed, limit]);
    });
  }
});

describe('the text of a policy', () => {
  for (const { name, text, rules, error } of texts) {
    test(name, () => {
      if (error !== undefined) assert.throws(() => parsePolicy(text), { code: 'policy-invalid', message: error });
      else {
        const read = parsePolicy(text).rules.map(({ path, capabilities }) => [path, capabilities]);
        assert.deepEqual(Object.fromEntries(read), rules);
      }
    });
  }
});

test('a refusal tells which rule decided and why', () => {
  const acl = compileAcl([{ name: 'p', rules: parsePolicy('path "a/*" { capabilities = ["read"] }').rules }], 0);
  const refused = decide(acl, { operation: 'update', path: 'a/b', sudo: false });
  assert.deepEqual([refused.decidedBy, refused.reason], ['a/*', 'does not give the capability']);
  assert.deepEqual(decide(acl, { operation: 'read', path: 'a/b', sudo: false }).grantedBy, ['p']);
});

test('rules that expire make the index expire', () => {
  const text = 'path "a" { capabilities = ["read"] expiration = "1000" }\npath "b" { capabilities = ["read"] }';
  const acl = compileAcl([{ name: 'p', rules: parsePolicy(text).rules }], 0);
  assert.equal(acl.validUntil, 1_000_000);
  assert.equal(decide(acl, { operation: 'read', path: 'a', sudo: false }).allowed, true);
  const later = compileAcl([{ name: 'p', rules: parsePolicy(text).rules }], 1_000_000);
  assert.equal(decide(later, { operation: 'read', path: 'a', sudo: false }).allowed, false);
  assert.equal(later.validUntil, Infinity);
});

test('a token cannot give what it does not have', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const policy = 'path "auth/token/*" { capabilities = ["update"] }';
  await call('PUT', '/v1/sys/policies/acl/maker', { body: { policy } });
  const { auth } = (await call('POST', '/v1/auth/token/create', { body: { policies: ['maker'] } })).body;
  const { client_token: token } = auth as { client_token: string };
  const make = async (body: object): Promise<[number, string | undefined]> => {
    const reply = await call('POST', '/v1/auth/token/create', { token, body });
    return [reply.status, reply.body.errors?.[0]];
  };
  assert.deepEqual(await make({ policies: ['root'] }), [400, 'child policies must be subset of parent']);
  assert.deepEqual(await make({ policies: ['other'] }), [400, 'child policies must be subset of parent']);
  assert.equal((await make({ no_parent: true }))[0], 400);
  assert.equal((await make({ id: 'chosen' }))[0], 400);
  assert.equal((await make({ period: '1h' }))[0], 400);
  assert.equal((await make({}))[0], 200);
});

test('a token is looked up and revoked by its accessor, which does not tell its id', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const made = (await call('POST', '/v1/auth/token/create', { body: { policies: ['root'] } })).body;
  const { client_token: token, accessor } = made['auth'] as { client_token: string; accessor: string };
  const found = await call('POST', '/v1/auth/token/lookup-accessor', { body: { accessor } });
  assert.deepEqual([found.body.data['accessor'], found.body.data['id']], [accessor, '']);
  assert.equal((await call('POST', '/v1/auth/token/revoke-accessor', { body: { accessor } })).status, 204);
  assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 403);
  assert.equal((await call('POST', '/v1/auth/token/lookup-accessor', { body: { accessor } })).status, 400);
});

test('a token with counted uses is spent by them, and its renewals keep to its longest life', async (t) => {
  const { call, clock } = await testBroker((end) => t.after(end));
  const make = async (body: object): Promise<string> =>
    ((await call('POST', '/v1/auth/token/create', { body })).body['auth'] as { client_token: string }).client_token;
  const twice = await make({ policies: ['root'], num_uses: 2 });
  const look = async (token: string): Promise<number> =>
    (await call('GET', '/v1/auth/token/lookup-self', { token })).status;
  assert.deepEqual([await look(twice), await look(twice), await look(twice)], [200, 200, 403]);
  const short = await make({ ttl: '10m', explicit_max_ttl: '15m' });
  clock.advance(9 * 60_000);
  const renewed = await call('POST', '/v1/auth/token/renew-self', { token: short });
  assert.ok((renewed.body['auth'] as { lease_duration: number }).lease_duration <= 360);
  clock.advance(7 * 60_000);
  assert.equal(await look(short), 403);
});
