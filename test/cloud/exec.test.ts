import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunInstancesCommand } from '@aws-sdk/client-ec2';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { finish, spawnStint, type Finished } from '../cli/support.ts';
import { adminOf, dev } from './clients.ts';

function exec(cloud: Cloud, id: string, ...command: readonly string[]): Promise<Finished> {
  const args = ['cloud', 'exec', '--credentials-file', cloud.credentialsFile!, id, '--', ...command];
  const env = { ...process.env, AWS_PROFILE: 'mine', AWS_ACCESS_KEY_ID: 'AKIAMINE', AWS_SECRET_ACCESS_KEY: 'mine' };
  return finish(spawnStint(args, { cwd: process.cwd(), env }));
}

async function withInstance(work: (cloud: Cloud, id: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-exec-'));
  try {
    await using cloud = await startCloud({ credentialsFile: join(folder, 'credentials.json') });
    const launch = new RunInstancesCommand({ ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1 });
    const { Instances } = await adminOf(cloud, dev).ec2.send(launch);
    await work(cloud, Instances![0]!.InstanceId!);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a command on an instance finds the embedded AWS and its metadata service, and nothing of the caller', async () => {
  await withInstance(async (cloud, id) => {
    const show =
      'console.log(JSON.stringify(Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("AWS_")))))';
    const { stdout, code } = await exec(cloud, id, process.execPath, '-e', show);
    assert.equal(code, 0);
    const found = JSON.parse(stdout) as Record<string, string>;
    const { AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, ...rest } = found;
    assert.match(AWS_EC2_METADATA_SERVICE_ENDPOINT!, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    for (const file of [AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE]) assert.equal(readFileSync(file!, 'utf8'), '');
    assert.deepEqual(rest, {
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    });
  });
});

test('the end of the command is the end of exec', async () => {
  await withInstance(async (cloud, id) => {
    assert.equal((await exec(cloud, id, process.execPath, '-e', 'process.exit(7)')).code, 7);
    assert.equal((await exec(cloud, id, process.execPath, '-e', 'process.kill(process.pid, "SIGTERM")')).code, 143);
    const unknown = await exec(cloud, 'i-00000000000000000', 'true');
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /^error\[instance-not-running\]: .*\nhint: .*i-/);
    assert.match((await exec(cloud, id)).stderr, /^error\[missing-argument\]/);
  });
});
