import assert from 'node:assert/strict';
import { test } from 'node:test';
import nodeVault from 'node-vault';
import { startCloudProcess, startServerProcess } from './support.ts';

test('node-vault mounts the engine, lists with LIST, reads a credential, renews and revokes its lease', async (t) => {
  const cloud = await startCloudProcess(t);
  const server = await startServerProcess(t, cloud);
  const vault = nodeVault({ endpoint: server.address, token: server.rootToken });
  const { AWS_ACCESS_KEY_ID: access_key, AWS_SECRET_ACCESS_KEY: secret_key } = cloud.admin('dev');
  await vault.mount({ mount_point: 'aws', type: 'aws' });
  const root = {
    access_key,
    secret_key,
    region: 'us-east-1',
    iam_endpoint: cloud.endpoint,
    sts_endpoint: cloud.endpoint,
  };
  await vault.write('aws/config/root', root);
  await vault.write('aws/config/lease', { lease: '30m', lease_max: '1h' });
  const policy_arns = ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'];
  await vault.write('aws/roles/reader', { credential_type: 'iam_user', policy_arns });
  assert.deepEqual((await vault.list('aws/roles')).data.keys, ['reader']);
  const lent = await vault.read('aws/creds/reader');
  assert.match(lent.data.access_key, /^AKIA/);
  assert.equal(lent.lease_duration, 1800);
  const renewed = await vault.write('sys/leases/renew', { lease_id: lent.lease_id, increment: 600 });
  assert.ok(renewed.lease_duration > 0);
  await vault.write('sys/leases/revoke', { lease_id: lent.lease_id, sync: true });
  await assert.rejects(vault.write('sys/leases/lookup', { lease_id: lent.lease_id }), /invalid lease/);
});
