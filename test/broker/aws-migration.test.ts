// config/root and a role as the first version of the server stored them: read as before, lent from, and
// merged into when they are written again.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { AdjustableClock, systemRandom } from '../../src/base/index.ts';
import { startBroker } from '../../src/broker/index.ts';
import { rootConfig, testCloud } from './aws-support.ts';
import { callHttp, temporaryFolder, type CallOptions, type Reply } from './support.ts';

test('a mount of store format 1 is read, lent from and changed as one of today', async (t) => {
  const storage = temporaryFolder((remove) => t.after(remove));
  cpSync(fileURLToPath(new URL('fixtures/store-1', import.meta.url)), storage, { recursive: true });
  const clock = new AdjustableClock();
  clock.set(Date.parse('2026-11-28T12:05:00Z'));
  const listen = { host: '127.0.0.1', port: 0 };
  const options = { storage, listen, dev: {}, clock, random: systemRandom, log: () => {}, environment: {} };
  const broker = await startBroker(options);
  t.after(() => broker.stop());
  const call = (method: string, path: string, asked?: CallOptions): Promise<Reply> =>
    callHttp(broker.address, method, path, asked);

  const role = (await call('GET', '/v1/aws/roles/deploy')).body.data;
  const config = (await call('GET', '/v1/aws/config/root')).body.data;
  assert.deepEqual([role['credential_type'], role['role_arns'], role['default_sts_ttl']], ['iam_user', null, 0]);
  assert.deepEqual([config['max_retries'], config['sts_region'], config['sts_fallback_regions']], [0, '', []]);
  assert.match(
    String(config['username_template']),
    /^\{\{ if \(eq \.Type "STS"\) \}\}\{\{ printf "vault-%s-%s" {2}\(unix_time\)/,
  );

  const { cloud, lentUsers } = await testCloud((end) => t.after(end));
  await call('POST', '/v1/aws/config/root', { body: rootConfig(cloud) });
  assert.equal((await call('POST', '/v1/aws/roles/deploy', { body: { user_path: '/new/' } })).status, 204);
  assert.deepEqual((await call('GET', '/v1/aws/roles/deploy')).body.data, { ...role, user_path: '/new/' });
  assert.equal((await call('GET', '/v1/aws/creds/deploy')).status, 200);
  assert.equal((await lentUsers()).length, 1);
});
