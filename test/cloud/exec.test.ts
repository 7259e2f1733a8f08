import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunInstancesCommand } from '@aws-sdk/client-ec2';
import { CreateRoleCommand } from '@aws-sdk/client-iam';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { finish, spawnStint, type Finished } from '../cli/support.ts';
import { adminOf, dev, policyText } from './clients.ts';
import { control } from './support.ts';

function exec(cloud: Cloud, place: string, ...command: readonly string[]): Promise<Finished> {
  const args = ['cloud', 'exec', '--credentials-file', cloud.credentialsFile!, place, '--', ...command];
  const env = { ...process.env, AWS_PROFILE: 'mine', AWS_ACCESS_KEY_ID: 'AKIAMINE', AWS_SECRET_ACCESS_KEY: 'mine' };
  return finish(spawnStint(args, { cwd: process.cwd(), env }));
}

/** Prints the variables that clients of AWS read. */
const show =
  'console.log(JSON.stringify(Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("AWS_")))))';

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

test('a command in a task finds the credentials of its role, the embedded AWS, and nothing of the caller', async () => {
  await withInstance(async (cloud) => {
    const trust = (service: string) =>
      policyText({ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' });
    const { iam } = adminOf(cloud, dev);
    for (const [RoleName, service] of [
      ['task', 'ecs-tasks.amazonaws.com'],
      ['machine', 'ec2.amazonaws.com'],
    ]) {
      await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust(service!) }));
    }
    const { stdout, code } = await exec(cloud, `arn:aws:iam::${dev}:role/task`, process.execPath, '-e', show);
    assert.equal(code, 0);
    const found = JSON.parse(stdout) as Record<string, string>;
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: token, ...rest } = found;
    assert.ok(uri!.startsWith(`${cloud.endpoint}/`));
    assert.match(token!, /^[\w-]{43}$/);
    assert.deepEqual(Object.keys(rest).sort(), [
      'AWS_CONFIG_FILE',
      'AWS_DEFAULT_REGION',
      'AWS_ENDPOINT_URL',
      'AWS_REGION',
      'AWS_SHARED_CREDENTIALS_FILE',
    ]);
    assert.deepEqual((await control(cloud, 'GET', 'tasks')).body, { tasks: [] });
    const machine = await exec(cloud, `arn:aws:iam::${dev}:role/machine`, 'true');
    assert.match(machine.stderr, /^error\[role-not-trusting\]: .*\nhint: .*ecs-tasks\.amazonaws\.com.*explain \w{20}/);
    assert.match((await exec(cloud, `arn:aws:iam::${dev}:role/none`, 'true')).stderr, /^error\[no-such-role\]/);
  });
});
