// The lending server judged by hvac, one step each: the calls that tokens, auth methods and identity leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  run,
  skipUnless,
  startCloudProcess,
  startServerProcess,
  temporaryFolder,
  type RunningCloud,
} from './support.ts';

const python = 'python';
const skip = skipUnless(python);

/** A role in the account dev that its admin may become. */
async function makeRole(cloud: RunningCloud): Promise<void> {
  const { accessKeyId, secretAccessKey } = cloud.accounts['222222222222']!;
  const iam = new IAMClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
  });
  const Statement = [
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::222222222222:root' },
      Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
    },
  ];
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new CreateRoleCommand({ RoleName: 'target', AssumeRolePolicyDocument }));
  iam.destroy();
}

test('hvac: how it is sealed, mounted, audited, and lends: the AWS engine in all its types', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  const server = await startServerProcess(t, cloud);
  await makeRole(cloud);
  const env = {
    ...cloud.admin('dev'),
    VAULT_ADDR: server.address,
    VAULT_TOKEN: server.rootToken,
    UNSEAL_KEY: server.unsealKey,
    FOLDER: temporaryFolder(t),
  };
  const { code, stdout, stderr } = await run(python, ['test/clients/python/lending.py'], env);
  assert.equal(code, 0, stderr);
  const seen = JSON.parse(stdout) as Record<string, string>;
  assert.ok(Object.keys(seen).length > 15);
  for (const [step, outcome] of Object.entries(seen))
    await t.test(step.replaceAll('_', ' '), () => assert.equal(outcome, 'ok'));
});
