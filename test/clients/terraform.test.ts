import assert from 'node:assert/strict';
import { accessSync, constants, copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { cleanEnvironment, root, run, startCloudProcess, temporaryFolder, type RunningCloud } from './support.ts';

const central = '111111111111';
const dev = '222222222222';

/** Folders that Terraform itself looks in, and where machines without a network keep its providers. */
function mirrorFolders(): readonly string[] {
  const named = process.env['STINT_TF_MIRROR'];
  if (named !== undefined) return [named];
  const implied = [
    join(homedir(), '.terraform.d/plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
  ];
  const inOpt = existsSync('/opt') ? readdirSync('/opt').map((name) => join('/opt', name)) : [];
  return [...implied, ...inOpt];
}

const mirror = mirrorFolders().find((folder) => existsSync(join(folder, 'registry.terraform.io/hashicorp/aws')));

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const terraform = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'terraform'))
  .find(isExecutable);

const skip =
  terraform === undefined
    ? 'terraform is not installed here'
    : mirror === undefined
      ? 'no mirror holds the AWS provider of Terraform'
      : false;

/** What the provider asks for to learn that it is not there; any other error means that it had to try again, or was refused. */
const expected = new Set([
  'NoSuchBucket',
  'NoSuchBucketPolicy',
  'NoSuchCORSConfiguration',
  'NoSuchWebsiteConfiguration',
  'NoSuchLifecycleConfiguration',
  'ReplicationConfigurationNotFoundError',
  'ObjectLockConfigurationNotFoundError',
  'NoSuchTagSet',
  // Asked of every instance; the provider takes no for an answer.
  'InvalidAction',
]);

async function unexpectedErrors(cloud: RunningCloud): Promise<readonly string[]> {
  const response = await fetch(`${cloud.endpoint}/_stint/events?limit=1000`, {
    headers: { 'x-stint-control': cloud.controlToken },
  });
  const { events } = (await response.json()) as { events: { operation: string; errorCode: string | null }[] };
  assert.notEqual(events.length, 0);
  return events.flatMap(({ operation, errorCode }) =>
    errorCode === null || expected.has(errorCode) ? [] : [`${operation}: ${errorCode}`],
  );
}

test('Terraform applies the tutorial, finds nothing to change, and takes it away again', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  const cwd = temporaryFolder(t);
  copyFileSync(join(root, 'test/clients/terraform/main.tf'), join(cwd, 'main.tf'));
  const account = (id: string) => {
    const { accessKeyId, secretAccessKey } = cloud.accounts[id]!;
    return { id, access_key: accessKeyId, secret_key: secretAccessKey };
  };
  const variables = { endpoint: cloud.endpoint, central: account(central), dev: account(dev) };
  writeFileSync(join(cwd, 'terraform.tfvars.json'), JSON.stringify(variables), { mode: 0o600 });
  const env = cleanEnvironment({ CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', TF_CLI_CONFIG_FILE: '/dev/null' });
  const call = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(terraform!, [...args, '-no-color'], env, cwd);
    assert.equal(code, 0, `terraform ${args[0]}\n${stdout}\n${stderr}`);
    return stdout;
  };

  await call('init', `-plugin-dir=${mirror}`);
  assert.match(await call('apply', '-auto-approve'), /Apply complete! Resources: 15 added/);
  assert.match(await call('output', 'test_role_arn'), /arn:aws:iam::222222222222:role\/test_role/);
  await call('plan', '-detailed-exitcode');
  assert.match(await call('destroy', '-auto-approve'), /Destroy complete! Resources: 15 destroyed/);
  assert.deepEqual(await unexpectedErrors(cloud), []);
});
