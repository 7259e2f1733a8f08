// Live answers with exactly the generated rights, and without each of them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { IAM } from '@aws-sdk/client-iam';
import { executorPolicy, executorTrust, liveHubPolicy, livePolicy } from '../../src/access/index.ts';
import type { Document } from '../../src/access/resources.ts';
import { documentOf, ids, LiveWorld, type Keys } from './live-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-live-rights-'));
const hubPrincipal = `arn:aws:iam::${ids['central']}:user/hub`;
const scope = { partition: 'aws', definition: 'default', hubAccount: ids['central']!, hubPrincipal } as const;
let world: LiveWorld;
let hub: Keys;

const iamOf = (account: string): IAM => new IAM(world.options(world.admin(account)));

/** Gives the hub, and the role by which it enters every other account, these rights. */
async function allow(live: Document, ofHub: Document): Promise<void> {
  const own = documentOf(...live.Statement);
  for (const account of ['dev', 'prod']) {
    await iamOf(account).putRolePolicy({ RoleName: 'stint-executor', PolicyName: 'live', PolicyDocument: own });
  }
  const iam = iamOf('central');
  await iam.putUserPolicy({ UserName: 'hub', PolicyName: 'live', PolicyDocument: own });
  await iam.putUserPolicy({ UserName: 'hub', PolicyName: 'organization', PolicyDocument: JSON.stringify(ofHub) });
}

before(async () => {
  world = await LiveWorld.start(folder);
  const reads = JSON.stringify(executorPolicy(scope, true));
  const central = iamOf('central');
  await central.createUser({ UserName: 'hub' });
  // A user's own policies have 2,048 characters at most.
  const { Policy } = await central.createPolicy({ PolicyName: 'reads', PolicyDocument: reads });
  await central.attachUserPolicy({ UserName: 'hub', PolicyArn: Policy!.Arn! });
  const enter = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: 'arn:aws:iam::*:role/stint-executor' };
  await central.putUserPolicy({ UserName: 'hub', PolicyName: 'enter', PolicyDocument: documentOf(enter) });
  for (const account of ['dev', 'prod']) {
    const AssumeRolePolicyDocument = JSON.stringify(executorTrust(scope));
    const iam = iamOf(account);
    await iam.createRole({ RoleName: 'stint-executor', AssumeRolePolicyDocument });
    await iam.putRolePolicy({ RoleName: 'stint-executor', PolicyName: 'reads', PolicyDocument: reads });
  }
  const { AccessKey } = await central.createAccessKey({ UserName: 'hub' });
  hub = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
  const accounts = Object.fromEntries(
    ['central', 'dev', 'prod'].map((name) => [
      name,
      { id: ids[name], stage: name, ...(name === 'central' ? { central: true } : {}) },
    ]),
  );
  const definition = { version: 1, executor: 'stint-executor', accounts };
  writeFileSync(join(folder, 'stint.config.json'), JSON.stringify(definition));
});
after(async () => {
  await world.cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Event {
  readonly seq: number;
  readonly service: string;
  readonly operation: string;
  readonly principalArn: string | null;
  readonly errorCode: string | null;
}

/** What the hub and the executors called since. */
async function eventsSince(seq: number): Promise<Event[]> {
  const events: Event[] = [];
  for (let after = seq; ;) {
    const answer = await fetch(`${world.cloud.endpoint}/_stint/events?after=${after}&limit=1000`, {
      headers: { 'x-stint-control': world.cloud.controlToken },
    });
    const page = (await answer.json()) as { events: Event[]; next: number };
    if (page.events.length === 0) return events.filter(({ principalArn }) => /hub|executor/.test(principalArn ?? ''));
    events.push(...page.events);
    after = page.next;
  }
}

const asked: readonly (readonly [string, string, string])[] = [
  ['dev/worker', 's3:GetObject', 'arn:aws:s3:::prod-world/x'],
  ['dev/worker', 'kms:Decrypt', 'alias/prod-shared'],
  ['dev/worker', 'dynamodb:GetItem', 'table/prod-shared'],
  ['dev/idle', 'kms:GenerateDataKey', 'alias/dev-granted'],
];

test('answers come with exactly the generated rights: nothing more is called, and nothing less is told', async () => {
  await allow(livePolicy('aws'), liveHubPolicy());
  for (const [principal, action, resource] of asked) {
    const args = ['can', principal, action, world.arnOf(resource), '--live', '--json'];
    const { stdout, stderr } = await world.stint(hub, args);
    const { answer, findings } = JSON.parse(stdout) as { answer: string; findings: readonly object[] };
    assert.equal(answer, 'allowed', stdout + stderr);
    assert.deepEqual(findings, []);
  }
  const events = await eventsSince(0);
  const refused = events.filter(({ errorCode }) => /AccessDenied/.test(errorCode ?? ''));
  // Whose bucket it is, is found out: each account that has it not refuses.
  assert.deepEqual([...new Set(refused.map(({ operation }) => operation))], ['GetBucketPolicy']);
});

test('`doctor` prints these rights beside those of a plan', async () => {
  const args = ['doctor', '--executor-policy', '--read-only', '--hub', hubPrincipal];
  const printed = async (...more: readonly string[]): Promise<object> =>
    JSON.parse((await world.stint(hub, [...args, ...more])).stdout) as object;
  const plain = await printed();
  const live = { livePolicy: livePolicy('aws'), liveHubPolicy: liveHubPolicy() };
  assert.deepEqual(await printed('--live'), { ...plain, ...live });
});

const usedFor: Readonly<Record<string, string>> = {
  GetBucketPublicAccessBlock: 'GetPublicAccessBlock',
  ListAllMyBuckets: 'ListBuckets',
};

test('every right on what the embedded AWS has is used', async () => {
  const used = new Set((await eventsSince(0)).map(({ service, operation }) => `${service}:${operation}`));
  const rights = livePolicy('aws').Statement.flatMap(({ Action }) => Action ?? []);
  const here = rights.filter((right) => /^(?:s3|kms|dynamodb):/.test(right));
  const unused = here.filter((right) => {
    const [service, action = ''] = right.split(':');
    return !used.has(`${service}:${usedFor[action] ?? action}`);
  });
  assert.deepEqual(unused, []);
});

const without = (policy: Document, right: string): Document => ({
  ...policy,
  Statement: policy.Statement.map((it) => ({
    ...it,
    Action: [it.Action ?? []].flat().filter((action) => action !== right),
  })).filter(({ Action }) => Action.length > 0),
});

/** What an answer says without a right. */
const needed: readonly (readonly [right: string, asks: number, code: string])[] = [
  ['s3:GetBucketPolicy', 0, 'resource-policy-unread'],
  ['s3:GetBucketPolicyStatus', 0, 'resource-policy-unread'],
  ['s3:GetBucketPublicAccessBlock', 0, 'resource-policy-unread'],
  ['kms:GetKeyPolicy', 1, 'resource-policy-unread'],
  ['kms:ListGrants', 3, 'key-grants-unread'],
  ['dynamodb:GetResourcePolicy', 2, 'resource-policy-unread'],
  ...['ListRoots', 'ListParents', 'ListPoliciesForTarget', 'DescribePolicy'].map(
    (name) => [`organizations:${name}`, 2, 'guardrails-unread'] as const,
  ),
];

for (const [right, at, code] of needed) {
  test(`without ${right} no answer is certain`, async () => {
    await allow(without(livePolicy('aws'), right), without(liveHubPolicy(), right));
    const [principal, action, resource] = asked[at]!;
    const args = ['can', principal, action, world.arnOf(resource), '--live', '--json'];
    const { stdout, code: exit } = await world.stint(hub, args);
    const told = JSON.parse(stdout) as { answer: string; findings: readonly { code: string }[] };
    assert.equal(told.answer, 'depends', stdout);
    assert.equal(exit, 3);
    assert.ok(
      told.findings.some((finding) => finding.code === code),
      stdout,
    );
  });
}
