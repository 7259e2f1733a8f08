// A store written by the first format, kept as it was: mount `aws/`, role `deploy`, policy `reader`, tokens
// `root` and `kept-token`, and one lease of an iam_user that was lent at noon on 2026-11-28.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { AdjustableClock, systemRandom } from '../../../src/base/index.ts';
import { startBroker } from '../../../src/broker/index.ts';
import { leasesOf, rootConfig, testCloud, until } from '../aws-support.ts';
import { callHttp, temporaryFolder, type CallOptions, type Reply } from '../support.ts';

const fixture = fileURLToPath(new URL('../fixtures/store-1', import.meta.url));
const leaseId = 'aws/creds/deploy/e1Tm85GkwYccNQqSX6IPs70U';

for (const times of [1, 2]) {
  test(`a store of format 1 opens with everything in it, start ${times}`, async (t) => {
    const storage = temporaryFolder((remove) => t.after(remove));
    cpSync(fixture, storage, { recursive: true });
    const clock = new AdjustableClock();
    clock.set(Date.parse('2026-11-28T12:05:00Z'));
    const start = (): ReturnType<typeof startBroker> =>
      startBroker({
        storage,
        listen: { host: '127.0.0.1', port: 0 },
        dev: {},
        clock,
        random: systemRandom,
        log: () => {},
        environment: {},
      });
    for (let before = 1; before < times; before++) await (await start()).stop();
    const broker = await start();
    t.after(() => broker.stop());
    const call = (method: string, path: string, options?: CallOptions): Promise<Reply> =>
      callHttp(broker.address, method, path, options);

    assert.equal((await call('GET', '/v1/sys/health')).body['cluster_id'], '8afb7e38-31e0-4713-992e-c195552fc256');
    assert.ok('aws/' in (await call('GET', '/v1/sys/mounts')).body.data);
    const self = await call('GET', '/v1/auth/token/lookup-self', { token: 'kept-token' });
    assert.deepEqual(self.body.data['policies'], ['default', 'reader']);
    const role = await call('GET', '/v1/aws/roles/deploy');
    assert.equal(role.body.data['credential_type'], 'iam_user');
    const lease = await call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: leaseId } });
    assert.equal(lease.body.data['expire_time'], '2026-11-28T12:30:00.541Z');

    const { cloud } = await testCloud((end) => t.after(end));
    await call('POST', '/v1/aws/config/root', { body: rootConfig(cloud) });
    clock.advance(1_800_000);
    await until('the lease ends at its time', async () =>
      (await leasesOf({ call })).some(({ id, state }) => id === leaseId && state === 'dead'),
    );
  });
}
