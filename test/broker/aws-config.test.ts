// config/root and config/lease of the AWS engine over HTTP, as newer Vault has them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import { callHttp, testBroker, type Reply, type TestBroker } from './support.ts';

const { cases } = JSON.parse(readFileSync(new URL('../cases/broker/aws-config.json', import.meta.url), 'utf8')) as {
  cases: readonly { readonly name: string; readonly path: string; readonly body: object; readonly errors: string }[];
};

const defaultTemplate =
  '{{ if (eq .Type "STS") }}{{ printf "vault-%s-%s"  (unix_time) (random 20) | truncate 32 }}{{ else }}{{ printf "vault-%s-%s-%s" (printf "%s-%s" (.DisplayName) (.PolicyName) | truncate 42) (unix_time) (random 20) | truncate 64 }}{{ end }}';

const asCreated = {
  access_key: '',
  region: '',
  iam_endpoint: '',
  sts_endpoint: '',
  sts_region: '',
  sts_fallback_endpoints: [],
  sts_fallback_regions: [],
  max_retries: -1,
  username_template: defaultTemplate,
  role_arn: '',
  identity_token_ttl: 0,
  identity_token_audience: '',
  rotation_schedule: '',
  rotation_window: 0,
  rotation_period: 0,
  rotation_policy: '',
  disable_automated_rotation: false,
};

interface World extends TestBroker {
  readonly write: (body: object) => Promise<Reply>;
  readonly read: () => Promise<Reply>;
}

async function mounted(t: TestContext): Promise<World> {
  const broker = await testBroker((end) => t.after(end));
  await broker.call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  return {
    ...broker,
    write: (body) => broker.call('POST', '/v1/aws/config/root', { body }),
    read: () => broker.call('GET', '/v1/aws/config/root'),
  };
}

describe('config/root', () => {
  test('is not there until it is written, and then has every field but the secret key', async (t) => {
    const { write, read } = await mounted(t);
    assert.deepEqual([(await read()).status, (await read()).body], [404, { errors: [] }]);
    const written = await write({ access_key: 'AKIAEXAMPLE', secret_key: 'RandomData' });
    assert.deepEqual([written.status, written.body], [204, undefined]);
    assert.deepEqual((await read()).body.data, { ...asCreated, access_key: 'AKIAEXAMPLE' });
  });

  test('reads back what was written, lists given as lists or with commas', async (t) => {
    const { write, read } = await mounted(t);
    const body = {
      access_key: 'AKIAEXAMPLE',
      region: 'us-west-2',
      iam_endpoint: 'https://iam.amazonaws.com',
      sts_endpoint: 'https://sts.us-west-2.amazonaws.com',
      sts_region: 'us-west-2',
      sts_fallback_endpoints: ['192.168.1.1', '127.0.0.1'],
      sts_fallback_regions: ['my-house-1', 'my-house-2'],
      max_retries: 10,
      username_template: '`foo-{{ .DisplayName }}`',
      role_arn: 'arn:aws:iam::123456789012:role/x',
      identity_token_ttl: '10m',
      disable_automated_rotation: true,
      rotation_policy: 'p',
    };
    assert.equal((await write({ ...body, secret_key: 's' })).status, 204);
    const expected = { ...asCreated, ...body, identity_token_ttl: 600 };
    assert.deepEqual((await read()).body.data, expected);
    const fallbacks = { sts_fallback_endpoints: '1.1.1.1,8.8.8.8', sts_fallback_regions: 'zone-1, zone-2' };
    await write({ ...fallbacks, username_template: body.username_template });
    const read2 = { sts_fallback_endpoints: ['1.1.1.1', '8.8.8.8'], sts_fallback_regions: ['zone-1', 'zone-2'] };
    assert.deepEqual((await read()).body.data, { ...expected, ...read2 });
  });

  test('keeps what is left out, but a left-out template becomes the default one', async (t) => {
    const { write, read } = await mounted(t);
    await write({ access_key: 'A', secret_key: 's', max_retries: 0, region: 'r', username_template: 'x-{{ uuid }}' });
    assert.deepEqual((await read()).body.data['max_retries'], 0);
    await write({ sts_region: 'eu-west-1' });
    const { data } = (await read()).body;
    assert.deepEqual(data, { ...asCreated, access_key: 'A', max_retries: 0, region: 'r', sts_region: 'eu-west-1' });
    await write({ max_retries: '-1', region: '' });
    assert.deepEqual((await read()).body.data, { ...asCreated, access_key: 'A', sts_region: 'eu-west-1' });
  });

  test('asks for the capability `create` the first time and `update` afterwards', async (t) => {
    const { call, broker } = await mounted(t);
    const tokenFor = async (...capabilities: string[]): Promise<string> => {
      const name = capabilities.join('-');
      const policy = `path "aws/config/root" { capabilities = ${JSON.stringify(capabilities)} }`;
      await call('POST', `/v1/sys/policies/acl/${name}`, { body: { policy } });
      const made = await call('POST', '/v1/auth/token/create', { body: { policies: [name] } });
      return (made.body['auth'] as { client_token: string }).client_token;
    };
    const [creator, updater] = [await tokenFor('create'), await tokenFor('update')];
    const write = async (token: string): Promise<number> =>
      (await callHttp(broker.address, 'PUT', '/v1/aws/config/root', { token, body: { region: 'r' } })).status;
    assert.deepEqual([await write(updater), await write(creator)], [403, 204]);
    assert.deepEqual([await write(creator), await write(updater)], [403, 204]);
  });

  test('with half a key is stored, and refused when it is to be used', async (t) => {
    const { call, write } = await mounted(t);
    assert.equal((await write({ access_key: 'AKIAEXAMPLE' })).status, 204);
    await call('POST', '/v1/aws/roles/x', { body: { credential_type: 'iam_user' } });
    const refused = await call('GET', '/v1/aws/creds/x');
    assert.equal(refused.status, 400);
    assert.equal(
      refused.body.errors[0],
      "static AWS client credentials haven't been properly configured (the access key or secret key were provided but not both)",
    );
    assert.deepEqual((await call('GET', '/v1/stint/leases')).body.data['leases'], []);
  });
});

describe('what config/root and config/lease refuse', () => {
  for (const { name, path, body, errors } of cases) {
    test(`${name}, and store nothing`, async (t) => {
      const { call } = await mounted(t);
      const refused = await call('POST', `/v1/aws/config/${path}`, { body });
      assert.deepEqual([refused.status, refused.body.errors[0]], [400, errors]);
      assert.equal((await call('GET', `/v1/aws/config/${path}`)).status, 404);
    });
  }
});

test('config/lease tells its times as Go does, and is not there until it is written', async (t) => {
  const { call } = await mounted(t);
  assert.deepEqual((await call('GET', '/v1/aws/config/lease')).body, { errors: [] });
  for (const [lease, lease_max, told] of [
    ['30m', '24h', ['30m0s', '24h0m0s']],
    ['1d', '90', ['24h0m0s', '1m30s']],
    ['768h', '1h30m15s', ['768h0m0s', '1h30m15s']],
    ['0', '0s', ['0s', '0s']],
  ] as const) {
    assert.equal((await call('PUT', '/v1/aws/config/lease', { body: { lease, lease_max } })).status, 204);
    const { data } = (await call('GET', '/v1/aws/config/lease')).body;
    assert.deepEqual([data['lease'], data['lease_max']], told);
  }
});
