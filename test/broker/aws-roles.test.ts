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
      // As Go's %q: what is a tab, a line end, a quote or a backslash in the list is written as an escape.
      const list = JSON.stringify(`${count}:\n${errors.map((error) => `\t* ${error}\n`).join('')}\n`);
      assert.deepEqual(reply.body.errors, [`error(s) validating supplied role data: ${list}`]);
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
    session_tags: null,
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

test('what was never given reads as null, what was emptied as empty', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  const path = '/v1/aws/roles/x';
  await call('POST', path, { body: { credential_type: 'assumed_role' } });
  const unset = {
    credential_type: 'assumed_role',
    policy_arns: null,
    role_arns: null,
    policy_document: '',
    iam_groups: null,
    iam_tags: null,
    session_tags: null,
    external_id: '',
    default_sts_ttl: 0,
    max_sts_ttl: 0,
    user_path: '',
    permissions_boundary_arn: '',
    mfa_serial_number: '',
  };
  assert.deepEqual((await call('GET', path)).body.data, unset);
  const body = { session_tags: { a: 'b' }, external_id: 'e', policy_arns: '', iam_groups: [], default_sts_ttl: '1h' };
  await call('POST', path, { body });
  await call('POST', path, { body: { session_tags: ['c=d'] } });
  const given = {
    ...unset,
    session_tags: { c: 'd' },
    external_id: 'e',
    policy_arns: [],
    iam_groups: [],
    default_sts_ttl: 3600,
  };
  assert.deepEqual((await call('GET', path)).body.data, given);
  await call('POST', path, { body: { session_tags: {} } });
  assert.deepEqual((await call('GET', path)).body.data, { ...given, session_tags: {} });
});

test('a policy document is kept as it was written, without the blanks between its parts', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  const write = (policy_document: string): ReturnType<typeof call> =>
    call('POST', '/v1/aws/roles/x', { body: { credential_type: 'iam_user', policy_document } });
  await write(' {"b" : 1.0,\n "a": [ "x  y", "\\u0041\\"" ], "1": null, "b": 2 }\n');
  const { data } = (await call('GET', '/v1/aws/roles/x')).body;
  assert.equal(data['policy_document'], '{"b":1.0,"a":["x  y","\\u0041\\""],"1":null,"b":2}');
  for (const text of ['{', '[]', 'null', '"x"', '{"a": 1,}', ' ']) {
    const refused = await write(text);
    assert.deepEqual(
      [refused.status, refused.body.errors[0]],
      [400, `cannot parse policy document: ${JSON.stringify(text)}`],
    );
  }
  assert.equal((await write('')).status, 204);
});

describe('a role written with the deprecated parameters', () => {
  const legacy = 'Detected use of legacy role or policy parameter. Please upgrade to use the new parameters.';
  const roleArn = 'arn:aws:iam::123456789012:role/path/RoleName';
  const policyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
  const document = '{"Statement": []}';
  for (const { name, body, read } of [
    { name: 'a role ARN', body: { arn: roleArn }, read: { credential_type: 'assumed_role', role_arns: [roleArn] } },
    { name: 'a policy ARN', body: { arn: policyArn }, read: { credential_type: 'iam_user', policy_arns: [policyArn] } },
    {
      name: 'a document',
      body: { policy: document },
      read: { credential_type: 'iam_user,federation_token', policy_document: '{"Statement":[]}' },
    },
  ]) {
    test(`${name} becomes what it stands for, with a warning`, async (t) => {
      const { call } = await testBroker((end) => t.after(end));
      await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
      await call('POST', '/v1/aws/roles/x', { body: { credential_type: 'iam_user', user_path: '/gone/' } });
      const written = await call('POST', '/v1/aws/roles/x', { body });
      assert.deepEqual([written.status, written.body.data, written.body['warnings']], [200, null, [legacy]]);
      const { data } = (await call('GET', '/v1/aws/roles/x')).body;
      assert.deepEqual({ ...data, ...read, user_path: '' }, data);
    });
  }

  for (const { name, body, status, error } of [
    {
      name: 'no ARN of AWS',
      body: { arn: 'arn:aws:s3:::bucket' },
      status: 400,
      error: 'unable to parse supplied data: "arn:aws:s3:::bucket"',
    },
    { name: 'a garbled ARN', body: { arn: 'arn:x' }, status: 400, error: 'unable to parse supplied data: "arn:x"' },
    { name: 'no JSON', body: { policy: 'x"y' }, status: 400, error: 'unable to parse supplied data: "x\\"y"' },
    {
      name: 'both',
      body: { policy: document, arn: policyArn },
      status: 500,
      error: '1 error occurred:\n\t* only one of policy or arn should be provided\n\n',
    },
    {
      name: 'a type beside it',
      body: { arn: policyArn, credential_type: 'iam_user' },
      status: 400,
      error: 'cannot supply deprecated role or policy parameters with an explicit credential_type',
    },
    {
      name: 'ARNs beside it',
      body: { arn: policyArn, role_arns: [] },
      status: 400,
      error: 'cannot supply deprecated role or policy parameters with role_arns',
    },
    {
      name: 'a time beside it',
      body: { policy: document, max_sts_ttl: 900 },
      status: 400,
      error: 'cannot supply deprecated role or policy parameters with max_sts_ttl',
    },
    {
      name: 'a boundary beside it',
      body: { policy: document, permissions_boundary_arn: '' },
      status: 400,
      error: 'cannot supply deprecated role or policy parameters with permissions_boundary_arn',
    },
  ]) {
    test(`${name} is refused, and nothing is stored`, async (t) => {
      const { call } = await testBroker((end) => t.after(end));
      await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
      const refused = await call('POST', '/v1/aws/roles/x', { body });
      assert.deepEqual([refused.status, refused.body.errors[0]], [status, error]);
      assert.equal((await call('GET', '/v1/aws/roles/x')).status, 404);
    });
  }
});

test('roles are listed with and without a closing slash; a name of one character is one', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  assert.deepEqual(
    [(await call('LINK', '/v1/aws/roles')).status, (await call('LINK', '/v1/aws/roles')).body],
    [404, { errors: [] }],
  );
  const names = Array.from({ length: 10 }, (_, index) => `role-${index}`);
  for (const name of [...names, 'x'])
    await call('POST', `/v1/aws/roles/${name}`, { body: { credential_type: 'iam_user' } });
  for (const path of ['roles', 'roles/', 'roles?list=true', 'roles/?list=True']) {
    const method = path.includes('?') ? 'GET' : 'LINK';
    assert.deepEqual((await call(method, `/v1/aws/${path}`)).body.data, { keys: [...names, 'x'] }, path);
  }
  for (const name of ['-x', 'x-', 'a b', 'a/b', '.x']) {
    const refused = await call('POST', `/v1/aws/roles/${encodeURI(name)}`, { body: { credential_type: 'iam_user' } });
    assert.deepEqual(
      [refused.status, refused.body.errors],
      [404, ['1 error occurred:\n\t* unsupported path\n\n']],
      name,
    );
  }
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

test('an empty duration, as command lines send it, leaves a mount as tuned before, and `system` undoes it', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const config = { default_lease_ttl: '1h', max_lease_ttl: '9h' };
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws', config } });
  const tuned = async (body: object): Promise<unknown> => {
    const { status, body: answer } = await call('POST', '/v1/sys/mounts/aws/tune', { body });
    if (status !== 204) return answer.errors;
    const { data } = (await call('GET', '/v1/sys/mounts/aws/tune')).body;
    return [data['default_lease_ttl'], data['max_lease_ttl']];
  };
  assert.deepEqual(await tuned({ default_lease_ttl: '', max_lease_ttl: '' }), [3600, 32_400]);
  assert.deepEqual(await tuned({ default_lease_ttl: '', max_lease_ttl: '10m' }), [
    'backend max lease TTL of 600 would be less than backend default lease TTL of 3600',
  ]);
  assert.deepEqual(await tuned({ default_lease_ttl: '2h', max_lease_ttl: '' }), [7200, 32_400]);
  assert.deepEqual(await tuned({ default_lease_ttl: 'system', max_lease_ttl: '' }), [2_764_800, 32_400]);
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
