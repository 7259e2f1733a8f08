// Policies of resources that the embedded AWS has not: made by boto3 in moto, read by `can --live`, whose answer hangs on
// them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { runStint } from '../cli/support.ts';
import { startMoto } from './moto.ts';
import { installedClient, root, run, skipUnless, temporaryFolder } from './support.ts';

const account = '111111111111';
const documentOf = (statement: object): string => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });

/** What a role is asked about, and what is answered of a thing as it is made, and of one with the policy. */
const kinds: Readonly<Record<string, readonly [action: string, plain: string, closed: string]>> = {
  queue: ['sqs:SendMessage', 'allowed absent', 'denied counted'],
  // SNS writes a policy of its own to every topic.
  topic: ['sns:Publish', 'allowed counted', 'denied counted'],
  secret: ['secretsmanager:GetSecretValue', 'allowed absent', 'denied counted'],
  repository: ['ecr:BatchGetImage', 'allowed absent', 'denied counted'],
  stream: ['kinesis:GetRecords', 'allowed absent', 'denied counted'],
  function: ['lambda:InvokeFunction', 'allowed absent', 'allowed counted'],
};

test('policies of what only moto has decide live answers', { skip: skipUnless('moto_server') }, async (t) => {
  const moto = await startMoto(t, account, [account], []);
  const cwd = temporaryFolder(t);
  const accounts = { central: { id: account, stage: 'central', central: true } };
  writeFileSync(join(cwd, 'stint.config.json'), JSON.stringify({ version: 1, accounts }));
  const iam = await moto.iam(account);
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  await iam.send(new CreateRoleCommand({ RoleName: 'app', AssumeRolePolicyDocument: documentOf(trust) }));
  const PolicyDocument = documentOf({ Effect: 'Allow', Action: '*', Resource: '*' });
  await iam.send(new PutRolePolicyCommand({ RoleName: 'app', PolicyName: 'all', PolicyDocument }));

  const everyone = { AWS: `arn:aws:iam::${account}:role/app` };
  const deny = documentOf({ Sid: 'closed', Effect: 'Deny', Principal: everyone, Action: '*', Resource: '*' });
  const script = join(root, 'test/clients/python/resource_policies.py');
  const made = await run(installedClient('python3')!, [script, account, deny], {
    ...moto.env,
    AWS_DEFAULT_REGION: moto.env['AWS_REGION']!,
  });
  assert.equal(made.code, 0, made.stderr);
  const arns = JSON.parse(made.stdout) as Readonly<Record<string, readonly [string, string]>>;
  assert.deepEqual(Object.keys(arns).toSorted(), Object.keys(kinds).toSorted());
  for (const [kind, [action, ...expected]] of Object.entries(kinds)) {
    for (const [index, arn] of arns[kind]!.entries()) {
      const asked = ['can', 'central/app', action, arn, '--live', '--json'];
      const { stdout, stderr } = await runStint(asked, { cwd, env: moto.env });
      assert.notEqual(stdout, '', stderr);
      const told = JSON.parse(stdout) as { answer: string; resourcePolicy: string; findings: readonly object[] };
      assert.equal(`${told.answer} ${told.resourcePolicy}`, expected[index], `${kind}: ${stdout}`);
      assert.deepEqual(told.findings, []);
    }
  }
});
