// Whatever is sent to the paths of policies and identities: a refusal in Vault's words, never a fault.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testBroker, type Reply } from './support.ts';

const plainValues: readonly unknown[] = [
  null,
  '',
  0,
  -1,
  1e300,
  true,
  '\u0000',
  '\ud800',
  'é',
  '../..',
  '%',
  '__proto__',
];
const nested: readonly unknown[] = [[], {}, [null], [[]], { a: null }, ['__proto__'], { ['__proto__']: 'x' }];
const values = [...plainValues, ...nested, 'x'.repeat(300_000)];
const fields: Readonly<Record<string, readonly string[]>> = {
  'identity/entity': ['id', 'name', 'metadata', 'policies', 'disabled'],
  'identity/entity-alias': ['id', 'name', 'mount_accessor', 'canonical_id', 'custom_metadata'],
  'identity/group': ['id', 'name', 'type', 'metadata', 'policies', 'member_entity_ids', 'member_group_ids'],
  'identity/group-alias': ['id', 'name', 'mount_accessor', 'canonical_id'],
  'identity/lookup/entity': ['id', 'name', 'alias_id', 'alias_name', 'alias_mount_accessor'],
  'identity/lookup/group': ['id', 'name', 'alias_id', 'alias_name', 'alias_mount_accessor'],
  'identity/entity/merge': ['to_entity_id', 'from_entity_ids', 'conflicting_alias_ids_to_keep'],
  'identity/entity/batch-delete': ['entity_ids'],
  'sys/capabilities': ['token', 'paths'],
  'sys/capabilities-self': ['paths', 'path'],
  'sys/capabilities-accessor': ['accessor', 'paths'],
  'sys/policies/acl/x': ['policy', 'ttl', 'expiration', 'cas', 'cas_required'],
  'sys/policies/password/x': ['policy'],
};
const names = ['%00', '%ff', '..%2f..', '%2f', 'a%2fb', '%25', '__proto__', 'x'.repeat(2000), '%E2%82%AC', '%0a'];
const folders = [
  'identity/entity/id',
  'identity/entity/name',
  'identity/group/id',
  'identity/group/name',
  'identity/entity-alias/id',
  'identity/group-alias/id',
  'sys/policies/acl',
  'sys/policy',
  'sys/policies/password',
  'sys/policies/detailed/acl',
];
/** Where Vault itself answers with 500. */
const known =
  /no token found|invalid entity ID|invalid member group ID|invalid \w+ metadata|custom_metadata validation/;

function check(what: string, { status, body }: Reply): void {
  if (status >= 500) assert.match(String(body.errors[0]), known, what);
}

test('fields of every kind are taken or refused', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  for (const [path, list] of Object.entries(fields)) {
    for (const field of list) {
      for (const value of values) {
        const body = { ...(path.includes('/acl/') ? { policy: 'path "a" {}' } : { paths: ['a'] }), [field]: value };
        check(`${path} ${field}`, await call('POST', `/v1/${path}`, { body }));
      }
    }
  }
  for (const folder of folders) check(folder, await call('LIST', `/v1/${folder}`));
});

test('names of every kind are taken or refused', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  for (const folder of folders) {
    for (const name of names) {
      for (const method of ['GET', 'LIST', 'DELETE', 'POST', 'PATCH']) {
        const options = method === 'POST' ? { body: {} } : {};
        check(`${method} ${folder} ${name}`, await call(method, `/v1/${folder}/${name}`, options));
      }
    }
  }
});
