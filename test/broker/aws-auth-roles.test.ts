import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { awsAuth, told, userArn } from './aws-auth-mount.ts';
import { account } from './aws-support.ts';
import type { Reply } from './support.ts';

describe('the auth method aws', () => {
  test('a role is checked in the words of Vault, and read as it was written', async (t) => {
    const { role, broker, user } = await awsAuth((end) => t.after(end));
    await user('ann');
    for (const [body, text] of [
      [{}, 'at least one bound parameter should be specified on the role'],
      [{ auth_type: 'x' }, 'unrecognized auth_type: x'],
      [{ bound_ami_id: 'ami-1' }, 'specified bound_ami_id but not specifying ec2 auth_type or inferring ec2_instance'],
      [{ bound_region: 'x' }, 'specified bound_region but not specifying ec2 auth_type'],
      [
        { auth_type: 'ec2', bound_iam_principal_arn: userArn },
        'specified bound_iam_principal_arn but not specifying iam auth_type',
      ],
      [{ inferred_entity_type: 'ec2_instance' }, 'specified inferred_entity_type but not inferred_aws_region'],
      [{ inferred_entity_type: 'x', inferred_aws_region: 'y' }, 'specified invalid inferred_entity_type: x'],
      [{ inferred_aws_region: 'x' }, 'specified inferred_aws_region but not inferred_entity_type'],
      [{ bound_iam_principal_arn: userArn, role_tag: 'x' }, 'tried to enable role_tag when not using ec2 auth method'],
      [
        { bound_iam_principal_arn: `arn:aws:iam::${account}:user/none` },
        /^unable to resolve ARN "arn:aws:iam::222222222222:user\/none" to internal ID: NoSuchEntity: /,
      ],
      [
        { bound_iam_principal_arn: 'x' },
        /to internal ID: unrecognized arn: contains 1 colon-separated parts, expected 6$/,
      ],
    ] as const) {
      const [status, error] = told(await role('dev', body));
      assert.equal(status, 400);
      if (typeof text === 'string') assert.equal(error, text);
      else assert.match(String(error), text);
    }
    assert.equal((await role('Dev', { bound_iam_principal_arn: userArn, ttl: '5m', period: '1h' })).status, 204);
    const read = (await broker.call('GET', '/v1/auth/aws/role/dev')).body.data;
    assert.match(String((read['bound_iam_principal_id'] as string[])[0]), /^AIDA/);
    assert.deepEqual(
      [read['auth_type'], read['bound_iam_principal_arn'], read['ttl'], read['token_ttl'], read['period']],
      ['iam', [userArn], 300, 300, 3600],
    );
    const locked = 'changing resolve_aws_unique_ids from true to false is not allowed';
    assert.deepEqual(told(await role('dev', { resolve_aws_unique_ids: false })), [400, locked]);
    assert.deepEqual(told(await role('dev', { auth_type: 'ec2' })), [
      400,
      'changing auth_type on a role is not allowed',
    ]);
    for (const path of ['role', 'roles']) {
      assert.deepEqual((await broker.call('LINK', `/v1/auth/aws/${path}`)).body.data, { keys: ['dev'] });
    }
    assert.equal((await broker.call('DELETE', '/v1/auth/aws/role/DEV')).status, 204);
    assert.equal((await broker.call('GET', '/v1/auth/aws/role/dev')).status, 404);
  });

  test('configuration is merged, read without its secret, and checked', async (t) => {
    const { broker, config } = await awsAuth((end) => t.after(end));
    const { call } = broker;
    await config({ allowed_sts_header_values: 'x-amz-user-agent', max_retries: 3, use_sts_region_from_client: true });
    const { body } = await call('GET', '/v1/auth/aws/config/client');
    assert.deepEqual(body.data['allowed_sts_header_values'], ['X-Amz-User-Agent']);
    assert.ok(!('secret_key' in body.data) && body.data['access_key'] !== '');
    assert.equal((await config({ sts_endpoint: 'file:///etc/passwd' })).status, 400);
    await call('DELETE', '/v1/auth/aws/config/client');
    assert.equal((await call('GET', '/v1/auth/aws/config/client')).status, 404);
    const identity = (await call('GET', '/v1/auth/aws/config/identity')).body.data;
    const usual = ['account_id', 'auth_type'];
    assert.deepEqual(identity, {
      iam_alias: 'role_id',
      iam_metadata: usual,
      ec2_alias: 'role_id',
      ec2_metadata: usual,
    });
    const tune = (settings: Record<string, unknown>): Promise<Reply> =>
      call('POST', '/v1/auth/aws/config/identity', { body: settings });
    assert.deepEqual(told(await tune({ iam_alias: 'x' })), [
      400,
      'iam_alias of "x" not in set of allowed values: [role_id unique_id full_arn]',
    ]);
    assert.equal((await tune({ iam_metadata: 'default,client_arn' })).status, 400);
    assert.match(String((await tune({ iam_metadata: 'x' })).body.errors[0]), /^"x" contains an unavailable field/);
    assert.equal((await tune({ iam_alias: 'full_arn', iam_metadata: ['client_arn'] })).status, 204);
    const sts = '/v1/auth/aws/config/sts';
    assert.deepEqual(told(await call('POST', `${sts}/111111111111`, { body: {} })), [400, 'missing sts role']);
    await call('POST', `${sts}/111111111111`, { body: { sts_role: 'arn:aws:iam::111111111111:role/x' } });
    assert.deepEqual((await call('LINK', sts)).body.data, { keys: ['111111111111'] });
    await call('DELETE', `${sts}/111111111111`);
    assert.equal((await call('GET', `${sts}/111111111111`)).status, 404);
    assert.deepEqual(told(await call('POST', '/v1/auth/aws/config/rotate-root')), [
      400,
      "can't update client config because it's unset",
    ]);
  });
});
