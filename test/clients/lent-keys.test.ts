// Lent keys in AWS's own command line: they work, and are refused when their lease has ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import nodeVault from 'node-vault';
import { lendableAccount } from './lendable.ts';
import { run, skipUnless, startCloudProcess, startServerProcess } from './support.ts';

interface Lent {
  readonly lease_id: string;
  readonly data: { readonly access_key: string; readonly secret_key: string; readonly session_token: string | null };
}

test('AWS CLI: a lent user lists buckets until its lease is revoked', { skip: skipUnless('aws') }, async (t) => {
  const cloud = await startCloudProcess(t);
  const [server, account] = await Promise.all([startServerProcess(t, cloud), lendableAccount(cloud)]);
  const vault = nodeVault({ endpoint: server.address, token: server.rootToken });
  await vault.mount({ mount_point: 'aws', type: 'aws' });
  await vault.write('aws/config/root', {
    access_key: account.accessKeyId,
    secret_key: account.secretAccessKey,
    region: 'us-east-1',
    iam_endpoint: cloud.endpoint,
    sts_endpoint: cloud.endpoint,
  });
  const policy_arns = ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'];
  await vault.write('aws/roles/reader', { credential_type: 'iam_user', policy_arns });
  const lent: Lent = await vault.read('aws/creds/reader');
  const other: Lent = await vault.read('aws/creds/reader');
  const list = async ({ data }: Lent): Promise<string> => {
    const keys = { accessKeyId: data.access_key, secretAccessKey: data.secret_key };
    const { code, stderr } = await run('aws', ['s3api', 'list-buckets'], cloud.as(keys));
    return code === 0 ? 'allowed' : (/\((\w+)\)/.exec(stderr)?.[1] ?? stderr);
  };
  assert.deepEqual(await Promise.all([list(lent), list(other)]), ['allowed', 'allowed']);
  await vault.write('sys/leases/revoke', { lease_id: lent.lease_id, sync: true });
  assert.deepEqual(await Promise.all([list(lent), list(other)]), ['InvalidAccessKeyId', 'allowed']);
  await vault.write('sys/leases/revoke-prefix/aws/creds', { sync: true });
  assert.equal(await list(other), 'InvalidAccessKeyId');
});
