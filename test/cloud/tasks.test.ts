import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  EnablePolicyTypeCommand,
  ListRootsCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { policyText } from './clients.ts';
import { adminOf, central, configOf, control, dev, iamOf, send, stsOf, type Answer, type Keys } from './support.ts';

const roleArn = `arn:aws:iam::${dev}:role/app`;
const ecs = 'ecs-tasks.amazonaws.com';

const trustOf = (service: string, Condition?: unknown): string =>
  policyText({ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole', Condition });

async function createRole(cloud: Cloud, trust = trustOf(ecs)): Promise<void> {
  const iam = iamOf(cloud, adminOf(cloud, dev));
  await iam.send(new CreateRoleCommand({ RoleName: 'app', AssumeRolePolicyDocument: trust }));
  const PolicyDocument = policyText({ Effect: 'Allow', Action: ['s3:ListAllMyBuckets', 'sts:*'], Resource: '*' });
  await iam.send(new PutRolePolicyCommand({ RoleName: 'app', PolicyName: 'own', PolicyDocument }));
}

interface Task {
  readonly taskId: string;
  readonly taskArn: string;
  readonly credentialsUri: string;
  readonly authorizationToken: string;
}

async function startTask(cloud: Cloud): Promise<Task> {
  const { status, body } = await control(cloud, 'POST', 'tasks', { roleArn });
  assert.equal(status, 200, JSON.stringify(body));
  return body as unknown as Task;
}

function ask(task: Task, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return send(task.credentialsUri, { method, headers: { authorization: task.authorizationToken, ...headers } });
}

interface Given extends Keys {
  readonly expiration: number;
}

async function credentials(task: Task): Promise<Given> {
  const { status, text } = await ask(task);
  assert.equal(status, 200, text);
  const { RoleArn, AccessKeyId, SecretAccessKey, Token, Expiration } = JSON.parse(text) as Record<string, string>;
  assert.equal(RoleArn, roleArn);
  return {
    accessKeyId: AccessKeyId!,
    secretAccessKey: SecretAccessKey!,
    sessionToken: Token,
    expiration: Date.parse(Expiration!),
  };
}

/** Status and code of a refusal, which say the same in each spelling that clients read. */
async function refusal(answer: Promise<Answer>): Promise<string> {
  const { status, text } = await answer;
  const { code, message, HTTPErrorCode, Code, Message } = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual([code, message, HTTPErrorCode], [Code, Message, status]);
  return `${status} ${String(code)}`;
}

const codeOf = ({ body }: { body: Record<string, unknown> }): string => (body['error'] as { code: string }).code;

async function identity(cloud: Cloud, keys: Keys): Promise<string> {
  return (await stsOf(cloud, keys).send(new GetCallerIdentityCommand({}))).Arn!;
}

test('a task has a session of its role, named by the task, and may what the role may', async () => {
  await using cloud = await startCloud();
  cloud.clock.freeze(true);
  await createRole(cloud);
  const task = await startTask(cloud);
  assert.match(task.taskId, /^[0-9a-f]{32}$/);
  assert.equal(task.taskArn, `arn:aws:ecs:us-east-1:${dev}:task/default/${task.taskId}`);
  const keys = await credentials(task);
  assert.equal(keys.expiration, Math.floor((cloud.clock.now() + 6 * 3_600_000) / 1000) * 1000);
  assert.equal(await identity(cloud, keys), `arn:aws:sts::${dev}:assumed-role/app/${task.taskId}`);
  const s3 = new S3Client(configOf(cloud, keys));
  await s3.send(new ListBucketsCommand({}));
  const drop = new DeleteRolePolicyCommand({ RoleName: 'app', PolicyName: 'own' });
  await iamOf(cloud, adminOf(cloud, dev)).send(drop);
  await assert.rejects(s3.send(new ListBucketsCommand({})), { name: 'AccessDenied' });
});

test('two tasks of one role have sessions of their own, and neither gets the other’s', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const [one, other] = [await startTask(cloud), await startTask(cloud)];
  assert.notEqual((await credentials(one)).accessKeyId, (await credentials(other)).accessKeyId);
  const { body } = await control(cloud, 'GET', 'tasks');
  assert.equal((body['tasks'] as object[]).length, 2);
  assert.doesNotMatch(JSON.stringify(body), new RegExp(one.authorizationToken));
  assert.equal(await refusal(ask(one, { authorization: other.authorizationToken })), '401 Unauthorized');
});

test('credentials are for who shows the task’s token, and for no page of a browser', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const task = await startTask(cloud);
  assert.equal((await ask(task, { authorization: `${task.authorizationToken} ` })).status, 200);
  for (const authorization of ['', 'x', `Bearer ${task.authorizationToken}`, cloud.controlToken]) {
    assert.equal(await refusal(ask(task, { authorization })), '401 Unauthorized');
  }
  assert.equal(await refusal(send(task.credentialsUri)), '401 Unauthorized');
  assert.equal(await refusal(ask(task, { origin: 'http://evil.example' })), '403 Forbidden');
  assert.equal(await refusal(ask(task, { host: 'evil.example' })), '403 Forbidden');
  assert.equal(await refusal(ask(task, {}, 'POST')), '405 MethodNotAllowed');
  const unknown = task.credentialsUri.replace(task.taskId, '0'.repeat(32));
  const headers = { authorization: task.authorizationToken };
  assert.equal(await refusal(send(unknown, { headers })), '400 InvalidIdInRequest');
});

test('who asks at once, and again, gets one and the same session', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const task = await startTask(cloud);
  const given = await Promise.all(Array.from({ length: 20 }, () => credentials(task)));
  assert.equal(new Set(given.map(({ accessKeyId }) => accessKeyId)).size, 1);
});

test('a role that has not propagated yet gives nothing, and everything then', async () => {
  await using cloud = await startCloud();
  cloud.clock.freeze(true);
  await control(cloud, 'POST', 'propagation', { iam: '2s' });
  await createRole(cloud);
  assert.equal(codeOf(await control(cloud, 'POST', 'tasks', { roleArn })), 'no-such-role');
  cloud.clock.advance(2000);
  await credentials(await startTask(cloud));
});

// ECS developer guide, "Task IAM role", on the confused deputy problem: the keys that a trust policy can ask for.
const like = (arn: string) => ({ ArnLike: { 'aws:SourceArn': arn } });
const trusts: readonly (readonly [what: string, trust: string, allowed: boolean])[] = [
  ['ECS tasks', trustOf(ecs), true],
  ['ECS itself only', trustOf('ecs.amazonaws.com'), false],
  ['EC2 only', trustOf('ec2.amazonaws.com'), false],
  ['its own account', policyText({ Effect: 'Allow', Principal: { AWS: dev }, Action: 'sts:AssumeRole' }), false],
  ['tasks of its account', trustOf(ecs, { StringEquals: { 'aws:SourceAccount': dev } }), true],
  ['tasks of another account', trustOf(ecs, { StringEquals: { 'aws:SourceAccount': central } }), false],
  ['tasks of its region', trustOf(ecs, like(`arn:aws:ecs:us-east-1:${dev}:*`)), true],
  ['tasks of another region', trustOf(ecs, like(`arn:aws:ecs:eu-west-1:${dev}:*`)), false],
  ['tasks of one cluster', trustOf(ecs, like(`arn:aws:ecs:us-east-1:${dev}:cluster/default`)), false],
  ['tasks of its organisation', trustOf(ecs, { StringEquals: { 'aws:SourceOrgID': 'o-stintlocal' } }), true],
  ['tasks of another one', trustOf(ecs, { StringEquals: { 'aws:SourceOrgID': 'o-another000' } }), false],
  ['nobody but people', trustOf(ecs, { Bool: { 'aws:PrincipalIsAWSService': 'false' } }), false],
];

test('the role’s trust policy decides over tasks', async (t) => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const iam = iamOf(cloud, adminOf(cloud, dev));
  for (const [what, PolicyDocument, allowed] of trusts) {
    await t.test(`${what}: ${allowed ? 'allowed' : 'refused'}`, async () => {
      await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'app', PolicyDocument }));
      const answer = await control(cloud, 'POST', 'tasks', { roleArn });
      if (allowed) {
        await credentials(answer.body as unknown as Task);
        return;
      }
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'role-not-trusting']);
      const { hint } = answer.body['error'] as { hint: string };
      const id = /explain (\w+)/.exec(hint)![1]!;
      const { body } = await control(cloud, 'GET', `explain/${id}`);
      assert.equal((body['request'] as { action: string }).action, 'sts:AssumeRole');
    });
  }
});

test('an RCP that lets only services of the organisation in lets its tasks in', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const organizations = new OrganizationsClient(configOf(cloud, adminOf(cloud, central)));
  const { Roots } = await organizations.send(new ListRootsCommand({}));
  const RootId = Roots![0]!.Id!;
  const PolicyType = 'RESOURCE_CONTROL_POLICY';
  await organizations.send(new EnablePolicyTypeCommand({ RootId, PolicyType }));
  const attach = async (Name: string, organization: string): Promise<void> => {
    const Condition = { StringNotEquals: { 'aws:SourceOrgID': organization } };
    const Content = policyText({ Effect: 'Deny', Principal: '*', Action: 'sts:*', Resource: '*', Condition });
    const command = new CreatePolicyCommand({ Name, Content, Description: '', Type: PolicyType });
    const { Policy } = await organizations.send(command);
    await organizations.send(new AttachPolicyCommand({ PolicyId: Policy!.PolicySummary!.Id, TargetId: dev }));
  };
  await attach('own', 'o-stintlocal');
  const task = await startTask(cloud);
  await credentials(task);
  await attach('other', 'o-another000');
  assert.equal(await refusal(ask(task)), '400 AccessDenied');
});

test('what is no role, and no role’s ARN, is refused', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const start = (body: unknown) => control(cloud, 'POST', 'tasks', body).then((answer) => codeOf(answer));
  for (const other of [`arn:aws:iam::${dev}:role/missing`, `arn:aws:iam::${dev}:role/path/app`]) {
    assert.equal(await start({ roleArn: other }), 'no-such-role');
  }
  for (const body of [{}, { roleArn: 'app' }, { roleArn: `arn:aws:iam::${dev}:user/admin` }, { roleArn, x: 1 }, '{']) {
    assert.equal(await start(body), 'invalid-body');
  }
});

test('a role that is deleted, or trusts no more, gives nothing more', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const iam = iamOf(cloud, adminOf(cloud, dev));
  const task = await startTask(cloud);
  const keys = await credentials(task);
  const distrust = { RoleName: 'app', PolicyDocument: trustOf('ec2.amazonaws.com') };
  await iam.send(new UpdateAssumeRolePolicyCommand(distrust));
  assert.equal(await refusal(ask(task)), '400 AccessDenied');
  const { headers } = await ask(task);
  assert.equal((await control(cloud, 'GET', `explain/${String(headers['x-stint-explain-id'])}`)).status, 200);
  // As on AWS, what was given out stays good.
  await identity(cloud, keys);
  await iam.send(new DeleteRolePolicyCommand({ RoleName: 'app', PolicyName: 'own' }));
  await iam.send(new DeleteRoleCommand({ RoleName: 'app' }));
  assert.equal(await refusal(ask(task)), '400 NoCredentialsAssociated');
  await assert.rejects(identity(cloud, keys), { name: 'InvalidClientTokenId' });
  await createRole(cloud);
  assert.notEqual((await credentials(task)).accessKeyId, keys.accessKeyId);
});

test('sessions are renewed before they end, and the one before stays good until then', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const task = await startTask(cloud);
  const first = await credentials(task);
  cloud.clock.advance(4 * 3_600_000);
  assert.equal((await credentials(task)).accessKeyId, first.accessKeyId);
  cloud.clock.advance(3_600_000 + 60_000);
  const second = await credentials(task);
  assert.notEqual(second.accessKeyId, first.accessKeyId);
  await identity(cloud, first);
  cloud.clock.advance(3_600_000);
  await assert.rejects(identity(cloud, first), { name: 'ExpiredToken' });
  await identity(cloud, second);
});

test('a role assumed from a task is a role in a chain: an hour at most', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const iam = iamOf(cloud, adminOf(cloud, dev));
  const trust = policyText({ Effect: 'Allow', Principal: { AWS: dev }, Action: 'sts:AssumeRole' });
  const next = { RoleName: 'next', AssumeRolePolicyDocument: trust, MaxSessionDuration: 7200 };
  await iam.send(new CreateRoleCommand(next));
  const sts = stsOf(cloud, await credentials(await startTask(cloud)));
  const order = { RoleArn: `arn:aws:iam::${dev}:role/next`, RoleSessionName: 'next' };
  await sts.send(new AssumeRoleCommand(order));
  await assert.rejects(sts.send(new AssumeRoleCommand({ ...order, DurationSeconds: 7200 })), {
    name: 'ValidationError',
  });
});

test('a task ends when it is stopped, and with a reset', async () => {
  await using cloud = await startCloud();
  await createRole(cloud);
  const [stopped, reset] = [await startTask(cloud), await startTask(cloud)];
  const keys = await credentials(stopped);
  assert.equal((await control(cloud, 'DELETE', `tasks/${stopped.taskId}`)).status, 200);
  assert.equal(codeOf(await control(cloud, 'DELETE', `tasks/${stopped.taskId}`)), 'no-such-task');
  assert.equal(await refusal(ask(stopped)), '400 InvalidIdInRequest');
  await identity(cloud, keys);
  await control(cloud, 'POST', 'reset');
  assert.equal(await refusal(ask(reset)), '400 InvalidIdInRequest');
  await assert.rejects(identity(cloud, keys), { name: 'InvalidClientTokenId' });
});

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-tasks-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a task outlives a restart on kept state, with its session', async (t) => {
  const state = join(temporaryFolder(t), 'state');
  const first = await startCloud({ state });
  await createRole(first);
  const task = await startTask(first);
  const keys = await credentials(task);
  await first.stop();
  await using second = await startCloud({ state });
  const moved = { ...task, credentialsUri: task.credentialsUri.replace(first.endpoint, second.endpoint) };
  assert.equal((await credentials(moved)).accessKeyId, keys.accessKeyId);
});
