import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanEnvironment, root, run, startCloudProcess, temporaryFolder, type RunningCloud } from './support.ts';
import { mirrorOf, skipUnlessMirrored, terraform } from './terraform-cli.ts';

const central = '111111111111';
const dev = '222222222222';

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
  // Read again when their bucket, volume, group or table has gone.
  'NoSuchPublicAccessBlockConfiguration',
  'OwnershipControlsNotFoundError',
  'InvalidVolume.NotFound',
  'InvalidGroup.NotFound',
  'ResourceNotFoundException',
  // A group's rule for IPv6, taken away whether there is one or not.
  'InvalidPermission.NotFound',
  // Asked of every instance; the provider takes no for an answer.
  'InvalidAction',
]);

interface Event {
  readonly seq: number;
  readonly account: string;
  readonly operation: string;
  readonly resource: string | null;
  readonly errorCode: string | null;
}

/** Every event after `after`; an answer holds a thousand. */
async function eventsOf(cloud: RunningCloud, after: number): Promise<readonly Event[]> {
  const response = await fetch(`${cloud.endpoint}/_stint/events?after=${after}`, {
    headers: { 'x-stint-control': cloud.controlToken },
  });
  const { events, next } = (await response.json()) as { events: readonly Event[]; next: number };
  return events.length === 0 ? [] : [...events, ...(await eventsOf(cloud, next))];
}

/** Refusals that are no answer to a question, and questions that were put again after the same refusal. */
function retries(events: readonly Event[]): readonly string[] {
  const refused = events.filter(({ errorCode }) => errorCode !== null);
  const told = refused.map((event) => `${event.account} ${event.operation} ${event.resource}: ${event.errorCode}`);
  return told.filter((text, index) => !expected.has(refused[index]!.errorCode!) || told.indexOf(text) < index);
}

test(
  'Terraform applies, finds nothing to change, changes, and takes all away again, without a retry',
  { skip: skipUnlessMirrored('aws') },
  async (t) => {
    const cloud = await startCloudProcess(t);
    const cwd = temporaryFolder(t);
    cpSync(join(root, 'test/clients/terraform'), cwd, { recursive: true });
    const account = (id: string) => {
      const { accessKeyId, secretAccessKey } = cloud.accounts[id]!;
      return { id, access_key: accessKeyId, secret_key: secretAccessKey };
    };
    const variables = { endpoint: cloud.endpoint, central: account(central), dev: account(dev) };
    writeFileSync(join(cwd, 'terraform.tfvars.json'), JSON.stringify(variables), { mode: 0o600 });
    const env = cleanEnvironment({ CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', TF_CLI_CONFIG_FILE: '/dev/null' });
    let seen = 0;
    const call = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(terraform!, [...args, '-no-color'], env, cwd);
      assert.equal(code, 0, `terraform ${args[0]}\n${stdout}\n${stderr}`);
      const events = await eventsOf(cloud, seen);
      seen = events.at(-1)?.seq ?? seen;
      assert.deepEqual(retries(events), [], `terraform ${args[0]}`);
      return stdout;
    };

    await call('init', `-plugin-dir=${mirrorOf('aws')}`);
    const applied = await call('apply', '-auto-approve', '-parallelism=20');
    const count = /Apply complete! Resources: (\d+) added/.exec(applied)?.[1];
    assert.ok(Number(count) >= 40, applied);
    // Exits with 2 where there is something to change.
    await call('plan', '-detailed-exitcode', '-parallelism=20');
    const changed = await call('apply', '-auto-approve', '-refresh=false', '-parallelism=20', '-var=stage=prod');
    assert.match(changed, /Resources: 0 added, [1-9]\d* changed, 0 destroyed/);
    const destroyed = await call('destroy', '-auto-approve', '-refresh=false', '-parallelism=20', '-var=stage=prod');
    assert.equal(/Destroy complete! Resources: (\d+) destroyed/.exec(destroyed)?.[1], count);
  },
);
