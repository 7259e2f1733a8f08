// What the API says about itself: the OpenAPI document and `?help=1`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callHttp, testBroker } from './support.ts';

test('the OpenAPI document names own routes and those of every mount, with what they need', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/team/aws', { body: { type: 'aws' } });
  const { body } = await call('GET', '/v1/sys/internal/specs/openapi');
  const paths = (body as unknown as { paths: Record<string, Record<string, unknown>> }).paths;
  assert.equal(body['openapi'], '3.0.2');
  assert.deepEqual(Object.keys(paths['/sys/leases/lookup']!).toSorted(), [
    'description',
    'get',
    'post',
    'x-vault-sudo',
  ]);
  assert.ok(paths['/team/aws/creds/{name}']?.['get']);
  assert.equal(paths['/sys/health']?.['x-vault-unauthenticated'], true);
  const operationIds = Object.values(paths).flatMap((item) =>
    Object.values(item).flatMap((member) => (member as { operationId?: string }).operationId ?? []),
  );
  assert.equal(new Set(operationIds).size, operationIds.length);
});

test('generic mount paths stand for any mount of their type', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/team/aws', { body: { type: 'aws' } });
  const { body } = await call('GET', '/v1/sys/internal/specs/openapi?generic_mount_paths=true');
  assert.ok('/{aws_mount_path}/creds/{name}' in (body as unknown as { paths: object }).paths);
});

test('help tells the fields of a path, and the paths of a folder', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  const role = await call('GET', '/v1/aws/roles/x?help=1');
  assert.match(String(role.body['help']), /role_arns \(comma-separated string slice\)/);
  const mount = await call('GET', '/v1/aws?help=1');
  assert.match(String(mount.body['help']), /aws\/config\/root\n/);
  const system = await call('GET', '/v1/sys?help=1');
  assert.match(String(system.body['help']), /sys\/leases\/renew/);
});

test('help needs a token but no policy, and is refused where nothing is', async (t) => {
  const { broker, call } = await testBroker((end) => t.after(end));
  const none = await callHttp(broker.address, 'GET', '/v1/sys/leases/renew?help=1', { token: null });
  assert.equal(none.status, 403);
  const made = await call('POST', '/v1/auth/token/create', {
    body: { no_default_policy: true, policies: ['nothing'] },
  });
  const { client_token: token } = made.body['auth'] as { client_token: string };
  assert.equal((await call('GET', '/v1/sys/leases/renew?help=1', { token })).status, 200);
  assert.deepEqual((await call('GET', '/v1/sys/nope?help=1')).body.errors, [
    '1 error occurred:\n\t* unsupported path\n\n',
  ]);
  assert.equal(
    (await call('GET', '/v1/nope/x?help=1')).body.errors[0],
    'no handler for route "nope/x". route entry not found.',
  );
});
