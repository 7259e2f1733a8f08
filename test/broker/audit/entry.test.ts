// What a record shows and what it hides, judged against Vault's rules.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '../../../src/base/index.ts';
import { formatEntry, type AuditEntry, type FormatOptions } from '../../../src/broker/audit/entry.ts';

const options: FormatOptions = {
  raw: false,
  hmacAccessor: true,
  elideListResponses: false,
  headers: {},
  hash: (text) => `#${text}`,
};

const entry: AuditEntry = {
  type: 'response',
  time: '2026-01-02T03:04:05.678Z',
  auth: {
    clientToken: new Secret('s.caller'),
    accessor: 'acc',
    displayName: 'token-ci',
    policies: ['default', 'ci'],
    policyResults: { allowed: true, grantingPolicies: ['ci'] },
    metadata: {},
    tokenType: 'service',
    tokenTtlSeconds: 60,
  },
  request: {
    id: 'r-1',
    operation: 'update',
    mount: { point: 'aws/', type: 'aws', accessor: 'aws_1', class: 'secret' },
    clientToken: new Secret('s.caller'),
    clientTokenAccessor: 'acc',
    path: 'aws/roles/x',
    data: { name: 'x', tags: ['a', { deep: 'b' }], count: 3, on: true, off: null, at: '2026-01-02T03:04:05Z' },
    remoteAddress: '127.0.0.1',
    remotePort: 5000,
    headers: { 'user-agent': 'curl', 'x-other': 'no' },
  },
  response: { leaseId: 'aws/creds/x/1', data: { secret_key: 'hidden', keys: ['one', 'two'] }, warnings: ['careful'] },
};

test('members stand in Vault’s order and empty ones are left out', () => {
  const made = formatEntry(entry, options);
  assert.deepEqual(Object.keys(made), ['time', 'type', 'auth', 'request', 'response']);
  assert.deepEqual(made['auth'], {
    client_token: '#s.caller',
    accessor: '#acc',
    display_name: 'token-ci',
    policies: ['default', 'ci'],
    policy_results: { allowed: true, granting_policies: [{ name: 'ci', namespace_id: 'root', type: 'acl' }] },
    token_type: 'service',
    token_ttl: 60,
  });
  assert.deepEqual(made['response'], {
    mount_point: 'aws/',
    mount_type: 'aws',
    mount_accessor: 'aws_1',
    mount_class: 'secret',
    secret: { lease_id: 'aws/creds/x/1' },
    data: { secret_key: '#hidden', keys: ['#one', '#two'] },
    warnings: ['careful'],
  });
});

test('values are hashed at any depth; keys, numbers, booleans and times are not', () => {
  const { request } = formatEntry(entry, options) as { request: { data: unknown } };
  assert.deepEqual(request.data, {
    name: '#x',
    tags: ['#a', { deep: '#b' }],
    count: 3,
    on: true,
    off: null,
    at: '2026-01-02T03:04:05Z',
  });
});

describe('an option', () => {
  const cases: readonly [string, Partial<FormatOptions>, Partial<AuditEntry>, (made: Shown) => unknown, unknown][] = [
    ['raw shows everything', { raw: true }, {}, (m) => [m.auth.client_token, m.request.data.name], ['s.caller', 'x']],
    [
      'hmac_accessor=false shows accessors only',
      { hmacAccessor: false },
      {},
      (m) => [m.auth.accessor, m.auth.client_token],
      ['acc', '#s.caller'],
    ],
    [
      'a key that the mount exempts stays in clear, with what is below it',
      {},
      { clearRequestKeys: ['tags'] },
      (m) => m.request.data.tags,
      ['a', { deep: '#b' }],
    ],
    [
      'a key of the answer is exempted apart',
      {},
      { clearResponseKeys: ['keys'] },
      (m) => m.response.data.keys,
      ['one', 'two'],
    ],
    [
      'elided lists are counted',
      { elideListResponses: true },
      { request: { ...entry.request, operation: 'list' } },
      (m) => m.response.data.keys,
      2,
    ],
    ['only lists are elided', { elideListResponses: true }, {}, (m) => m.response.data.keys, ['#one', '#two']],
    [
      'a configured header is recorded, others are not',
      { headers: { 'user-agent': false } },
      {},
      (m) => m.request.headers,
      { 'user-agent': ['curl'] },
    ],
    [
      'a configured header may be hashed',
      { headers: { 'user-agent': true } },
      {},
      (m) => m.request.headers,
      { 'user-agent': ['#curl'] },
    ],
  ];
  for (const [what, changed, also, look, expected] of cases) {
    test(what, () => {
      const made = formatEntry({ ...entry, ...also }, { ...options, ...changed }) as unknown as Shown;
      assert.deepEqual(look(made), expected);
    });
  }
});

interface Shown {
  readonly auth: Readonly<Record<string, unknown>>;
  readonly request: { readonly data: Readonly<Record<string, unknown>>; readonly headers: unknown };
  readonly response: { readonly data: Readonly<Record<string, unknown>> };
}

test('a request of very many strings costs few hashes, and is still recorded', () => {
  let hashes = 0;
  const counting = { ...options, hash: (text: string) => (hashes++, `#${text}`) };
  const many = {
    name: 'x',
    list: Array.from({ length: 9000 }, (_, index) => `s${index}`),
    deep: { a: ['b'] },
    count: 3,
  };
  const request = { id: 'r', operation: 'update', path: 'p', remoteAddress: '', data: many };
  const made = formatEntry({ type: 'request', time: '', request }, counting) as { request: { data: object } };
  assert.deepEqual(made.request.data, {
    name: '#x',
    list: `#${JSON.stringify(many.list)}`,
    deep: '#{"a":["b"]}',
    count: 3,
  });
  assert.equal(hashes, 3);
});
