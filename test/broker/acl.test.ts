import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { decideAccess, type Capability } from '../../src/broker/acl.ts';
import type { Operation } from '../../src/broker/model.ts';
import { parsePolicy } from '../../src/broker/policy-text.ts';
import { testBroker } from './support.ts';

interface Cases {
  readonly cases: readonly {
    readonly name: string;
    readonly policies?: readonly string[];
    readonly rules: Readonly<Record<string, readonly Capability[]>>;
    readonly ask: readonly [Operation, string];
    readonly sudo?: boolean;
    readonly allowed: boolean;
  }[];
  readonly texts: readonly {
    readonly name: string;
    readonly text: string;
    readonly rules?: Readonly<Record<string, readonly string[]>>;
    readonly error?: string;
  }[];
}

const { cases, texts } = JSON.parse(
  readFileSync(new URL('../cases/broker/acl.json', import.meta.url), 'utf8'),
) as Cases;

describe('what policies allow', () => {
  for (const { name, policies = ['p'], rules, ask, sudo = false, allowed } of cases) {
    test(name, () => {
      const list = Object.entries(rules).map(([path, capabilities]) => ({ path, capabilities }));
      const [operation, path] = ask;
      // The order of rules decides nothing.
      for (const order of [list, [...list].reverse()]) {
        assert.equal(decideAccess(policies, order, { operation, path, sudo }).allowed, allowed);
      }
    });
  }
});

describe('the text of a policy', () => {
  for (const { name, text, rules, error } of texts) {
    test(name, () => {
      if (error !== undefined) assert.throws(() => parsePolicy(text), { code: 'policy-invalid', message: error });
      else {
        const read = parsePolicy(text).map(({ path, capabilities }) => [path, capabilities]);
        assert.deepEqual(Object.fromEntries(read), rules);
      }
    });
  }
});

test('a policy is written, read, listed, enforced and deleted over HTTP', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  const policy = 'path "aws/roles/team-*" { capabilities = ["read", "update"] }';
  assert.equal((await call('PUT', '/v1/sys/policies/acl/team', { body: { policy } })).status, 204);
  assert.equal((await call('GET', '/v1/sys/policies/acl/team')).body.data['policy'], policy);
  assert.equal((await call('GET', '/v1/sys/policy/team')).body['rules'], policy);
  assert.deepEqual((await call('LINK', '/v1/sys/policies/acl')).body.data['keys'], ['default', 'root', 'team']);
  const { auth } = (await call('POST', '/v1/auth/token/create', { body: { policies: ['team'] } })).body;
  const { client_token: token } = auth as { client_token: string };
  const role = { credential_type: 'iam_user' };
  assert.equal((await call('POST', '/v1/aws/roles/team-a', { token, body: role })).status, 204);
  const refused = await call('POST', '/v1/aws/roles/other', { token, body: role });
  assert.equal(refused.status, 403);
  assert.equal(refused.body.errors[0], '1 error occurred:\n\t* permission denied\n\n');
  assert.match(String(refused.body['hint']), /ask whoever writes policies for `update` on `aws\/roles\/other`/);
  const capabilities = await call('POST', '/v1/sys/capabilities-self', {
    token,
    body: { paths: ['aws/roles/team-a'] },
  });
  assert.deepEqual(capabilities.body['capabilities'], ['read', 'update']);
  assert.equal((await call('DELETE', '/v1/sys/policies/acl/team')).status, 204);
  assert.equal((await call('GET', '/v1/aws/roles/team-a', { token })).status, 403);
  assert.deepEqual((await call('GET', '/v1/sys/policies/acl/team')).body, { errors: [] });
  assert.equal((await call('DELETE', '/v1/sys/policies/acl/root')).status, 400);
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
