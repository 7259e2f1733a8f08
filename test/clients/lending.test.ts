// The lending server judged by hvac, one step each: the calls that tokens, auth methods and identity leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lendableAccount } from './lendable.ts';
import { run, skipUnless, startCloudProcess, startServerProcess, temporaryFolder } from './support.ts';

const python = 'python';
const skip = skipUnless(python);

test('hvac: how it is sealed, mounted, audited, and lends: the AWS engine in all its types', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  const server = await startServerProcess(t, cloud);
  await lendableAccount(cloud);
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
