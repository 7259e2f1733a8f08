import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { testBroker } from './support.ts';

interface Case {
  readonly name: string;
  readonly body: object;
  readonly errors: readonly string[];
}

const { cases } = JSON.parse(readFileSync(new URL('../cases/broker/roles.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
};

describe('what a role of the AWS engine may be', () => {
  for (const { name, body, errors } of cases) {
    test(name, async (t) => {
      const { call } = await testBroker((end) => t.after(end));
      await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
      const reply = await call('POST', '/v1/aws/roles/x', { body });
      if (errors.length === 0) return assert.equal(reply.status, 204);
      const count = `${errors.length} error${errors.length === 1 ? '' : 's'} occurred`;
      const list = errors.map((error) => `\t* ${error}\n`).join('');
      assert.deepEqual(reply.body.errors, [`error(s) validating supplied role data: ${count}:\n${list}\n`]);
      assert.equal((await call('GET', '/v1/aws/roles/x')).status, 404);
    });
  }
});

test('a role is read back as it was written, merged with what it was, and gone after a delete', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/team/aws', { body: { type: 'aws' } });
  const path = '/v1/team/aws/roles/full.role-1@x';
  const first = {
    credential_type: 'iam_user',
    policy_arns: 'arn:aws:iam::aws:policy/ReadOnlyAccess,arn:aws:iam::aws:policy/IAMFullAccess',
    policy_document: '{ "Version": "2012-10-17",\n "Statement": [] }',
    iam_groups: ['g'],
    iam_tags: ['a=b', 'c=d=e'],
    user_path: '/lent/',
  };
  assert.equal((await call('POST', path, { body: first })).status, 204);
  assert.equal((await call('PUT', path, { body: { iam_groups: [], external_id: null } })).status, 204);
  assert.deepEqual((await call('GET', path)).body.data, {
    credential_type: 'iam_user',
    role_arns: null,
    policy_arns: ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::aws:policy/IAMFullAccess'],
    policy_document: '{"Version":"2012-10-17","Statement":[]}',
    iam_groups: [],
    iam_tags: { a: 'b', c: 'd=e' },
    session_tags: {},
    external_id: '',
    default_sts_ttl: 0,
    max_sts_ttl: 0,
    user_path: '/lent/',
    permissions_boundary_arn: '',
    mfa_serial_number: '',
  });
  const unknown = await call('POST', path, { body: { colour: 'red', credential_type: 'iam_user' } });
  // Vault warns of unknown fields only where it answers with a body.
  assert.equal(unknown.status, 204);
  assert.equal((await call('DELETE', path)).status, 204);
  assert.deepEqual((await call('GET', path)).body, { errors: [] });
  assert.equal((await call('DELETE', path)).status, 204);
  assert.equal((await call('GET', '/v1/team/aws/roles/-bad')).status, 404);
});

test('two changes of one role at once are both kept', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  await call('POST', '/v1/aws/roles/x', { body: { credential_type: 'iam_user' } });
  await Promise.all([
    call('POST', '/v1/aws/roles/x', { body: { user_path: '/a/' } }),
    call('POST', '/v1/aws/roles/x', { body: { iam_groups: 'g' } }),
    call('POST', '/v1/aws/roles/x', { body: { iam_tags: { a: 'b' } } }),
  ]);
  const { data } = (await call('GET', '/v1/aws/roles/x')).body;
  assert.deepEqual([data['user_path'], data['iam_groups'], data['iam_tags']], ['/a/', ['g'], { a: 'b' }]);
});

test('config/root never gives its secret key back, keeps what is left out, and refuses half a key', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  assert.equal((await call('POST', '/v1/aws/config/root', { body: { access_key: 'AKIA1' } })).status, 400);
  const body = { access_key: 'AKIA1', secret_key: 's', max_retries: null, region: 'eu-central-1' };
  assert.equal((await call('POST', '/v1/aws/config/root', { body })).status, 204);
  await call('PUT', '/v1/aws/config/root', { body: { max_retries: '0' } });
  const { data } = (await call('GET', '/v1/aws/config/root')).body;
  assert.deepEqual([data['access_key'], data['region'], data['max_retries']], ['AKIA1', 'eu-central-1', 0]);
  assert.ok(!('secret_key' in data));
  const refused = async (one: object): Promise<string> =>
    (await call('POST', '/v1/aws/config/root', { body: one })).body.errors[0]!;
  assert.match(await refused({ max_retries: 'many' }), /field "max_retries"/);
  assert.match(await refused({ iam_endpoint: 'nowhere' }), /iam_endpoint: `nowhere` is not an http or https address/);
});

test('config/lease wants both times, as durations, and tells them as Go does', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  const write = async (body: object): Promise<string | undefined> =>
    (await call('POST', '/v1/aws/config/lease', { body })).body?.errors[0];
  assert.equal(await write({ lease_max: '1h' }), "'lease' is a required parameter");
  assert.equal(await write({ lease: '1h' }), "'lease_max' is a required parameter");
  assert.match((await write({ lease: 'soon', lease_max: '1h' }))!, /^Invalid lease: /);
  assert.equal(await write({ lease: '30m', lease_max: '24h' }), undefined);
  assert.deepEqual((await call('GET', '/v1/aws/config/lease')).body.data, { lease: '30m0s', lease_max: '24h0m0s' });
});

test('a mount is tuned, listed for the page, and cannot take a taken or reserved path', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws', config: { max_lease_ttl: '1h' } } });
  await call('POST', '/v1/sys/mounts/aws/tune', { body: { default_lease_ttl: '30m', description: 'team' } });
  const { body } = await call('GET', '/v1/sys/mounts/aws/tune');
  assert.deepEqual([body['default_lease_ttl'], body['max_lease_ttl'], body['description']], [1800, 3600, 'team']);
  const page = (await call('GET', '/v1/sys/internal/ui/mounts')).body.data as { secret: object };
  assert.deepEqual(Object.keys(page.secret), ['aws/', 'cubbyhole/', 'identity/', 'sys/']);
  const enable = async (path: string, given: object): Promise<string> =>
    (await call('POST', `/v1/sys/mounts/${path}`, { body: given })).body.errors[0]!;
  assert.equal(await enable('aws', { type: 'aws' }), 'path is already in use at aws/');
  assert.equal(await enable('aws/below', { type: 'aws' }), 'path is already in use at aws/');
  assert.equal(await enable('sys', { type: 'aws' }), 'cannot mount "sys/"');
  assert.equal(await enable('kv', { type: 'kv' }), 'plugin not found in the catalog: kv');
  const tune = await call('POST', '/v1/sys/mounts/aws/tune', { body: { default_lease_ttl: '2h' } });
  assert.equal(tune.status, 400);
  assert.equal((await call('DELETE', '/v1/sys/mounts/never')).status, 204);
});
