// The policy simulator over the wire.
import {
  AttachUserPolicyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  GetContextKeysForCustomPolicyCommand,
  GetContextKeysForPrincipalPolicyCommand,
  PutUserPolicyCommand,
  SimulateCustomPolicyCommand,
  SimulatePrincipalPolicyCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { policyText } from '../clients.ts';
import { adminOf, central, dev, iamOf } from '../support.ts';

let cloud: Cloud;
let iam: IAMClient;
before(async () => {
  cloud = await startCloud({ port: 0 });
  iam = iamOf(cloud, adminOf(cloud, central));
});
after(() => cloud.stop());

const photos = 'arn:aws:s3:::photos/cat.jpg';
const allowRead = policyText({ Effect: 'Allow', Action: 's3:Get*', Resource: 'arn:aws:s3:::photos/*' });

test('an attached policy is named, and its statement pointed at, as AWS does', async () => {
  await iam.send(new CreateUserCommand({ UserName: 'ann' }));
  // Recorded on AWS: LocalStack, tests/aws/services/iam/test_iam.snapshot.json, test_simulate_principle_policy.
  const document =
    '{"Version": "2012-10-17", "Statement": {"Sid": "", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}';
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: 'put', PolicyDocument: document }));
  await iam.send(new AttachUserPolicyCommand({ UserName: 'ann', PolicyArn: Policy!.Arn }));
  const answer = await iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: `arn:aws:iam::${central}:user/ann`,
      ActionNames: ['s3:PutObject', 's3:GetObjectVersion'],
      ResourceArns: ['arn:aws:s3:::photos'],
    }),
  );
  const statement = {
    SourcePolicyId: 'put',
    SourcePolicyType: 'IAM Policy',
    StartPosition: { Line: 1, Column: 41 },
    EndPosition: { Line: 1, Column: 113 },
  };
  assert.deepEqual(answer.EvaluationResults, [
    {
      EvalActionName: 's3:PutObject',
      EvalResourceName: 'arn:aws:s3:::photos',
      EvalDecision: 'allowed',
      MatchedStatements: [statement],
      MissingContextValues: [],
      OrganizationsDecisionDetail: { AllowedByOrganizations: true },
      EvalDecisionDetails: {},
      ResourceSpecificResults: [
        {
          EvalResourceName: 'arn:aws:s3:::photos',
          EvalResourceDecision: 'allowed',
          MatchedStatements: [statement],
          MissingContextValues: [],
        },
      ],
    },
    {
      EvalActionName: 's3:GetObjectVersion',
      EvalResourceName: 'arn:aws:s3:::photos',
      EvalDecision: 'implicitDeny',
      MatchedStatements: [],
      MissingContextValues: [],
      OrganizationsDecisionDetail: { AllowedByOrganizations: true },
      EvalDecisionDetails: {},
      ResourceSpecificResults: [
        {
          EvalResourceName: 'arn:aws:s3:::photos',
          EvalResourceDecision: 'implicitDeny',
          MatchedStatements: [],
          MissingContextValues: [],
        },
      ],
    },
  ]);
  assert.equal(answer.IsTruncated, false);
});

test('without resources the result stands alone, for all resources', async () => {
  const { EvaluationResults } = await iam.send(
    new SimulateCustomPolicyCommand({
      PolicyInputList: [policyText({ Effect: 'Allow', Action: 'codecommit:ListRepositories', Resource: '*' })],
      ActionNames: ['codecommit:ListRepositories'],
    }),
  );
  const [{ MatchedStatements, ...rest }] = EvaluationResults as [NonNullable<typeof EvaluationResults>[0]];
  assert.equal(MatchedStatements![0]!.SourcePolicyId, 'PolicyInputList.1');
  assert.deepEqual(rest, {
    EvalActionName: 'codecommit:ListRepositories',
    EvalResourceName: '*',
    EvalDecision: 'allowed',
    MissingContextValues: [],
  });
});

async function custom(input: Partial<ConstructorParameters<typeof SimulateCustomPolicyCommand>[0]>) {
  const { EvaluationResults } = await iam.send(
    new SimulateCustomPolicyCommand({
      PolicyInputList: [allowRead],
      ActionNames: ['s3:GetObject'],
      ResourceArns: [photos],
      ...input,
    }),
  );
  return EvaluationResults![0]!;
}

test('an explicit deny wins and is the only statement shown', async () => {
  const denied = await custom({
    PolicyInputList: [allowRead, policyText({ Effect: 'Deny', Action: 's3:*', Resource: '*' })],
  });
  assert.equal(denied.EvalDecision, 'explicitDeny');
  assert.deepEqual(
    denied.MatchedStatements?.map(({ SourcePolicyId }) => SourcePolicyId),
    ['PolicyInputList.2'],
  );
});

test('a boundary limits, and the result says so', async () => {
  const boundary = policyText({ Effect: 'Allow', Action: 'ec2:*', Resource: '*' });
  const limited = await custom({ PermissionsBoundaryPolicyInputList: [boundary] });
  assert.equal(limited.EvalDecision, 'implicitDeny');
  assert.deepEqual(limited.PermissionsBoundaryDecisionDetail, { AllowedByPermissionsBoundary: false });
  const wide = policyText({ Effect: 'Allow', Action: '*', Resource: '*' });
  const free = await custom({ PermissionsBoundaryPolicyInputList: [wide] });
  assert.equal(free.EvalDecision, 'allowed');
  assert.deepEqual(free.PermissionsBoundaryDecisionDetail, { AllowedByPermissionsBoundary: true });
});

test('service control policies that are given bind, level by level', async () => {
  const full = policyText({ Effect: 'Allow', Action: '*', Resource: '*' });
  const noPhotos = policyText({ Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::photos/*' });
  const level = (...texts: string[]) => ({ ServiceControlPolicyInputList: texts });
  const free = await custom({ OrderedOrganizationPolicyInputList: [level(full), level(full)] });
  assert.deepEqual(
    [free.EvalDecision, free.OrganizationsDecisionDetail],
    ['allowed', { AllowedByOrganizations: true }],
  );
  const bound = await custom({ OrderedOrganizationPolicyInputList: [level(full), level(full, noPhotos)] });
  assert.deepEqual(
    [bound.EvalDecision, bound.OrganizationsDecisionDetail],
    ['explicitDeny', { AllowedByOrganizations: false }],
  );
});

test('context decides, and what is missing is named', async () => {
  const document = policyText({
    Effect: 'Allow',
    Action: 'dynamodb:*',
    Resource: 'arn:aws:dynamodb:us-west-2:111111111111:table/${aws:username}',
    Condition: { DateGreaterThan: { 'aws:CurrentTime': '2015-08-16T12:00:00Z' } },
  });
  const table = 'arn:aws:dynamodb:us-west-2:111111111111:table/ann';
  const input = { PolicyInputList: [document], ActionNames: ['dynamodb:CreateBackup'], ResourceArns: [table] };
  const missing = await custom(input);
  assert.deepEqual(
    [missing.EvalDecision, missing.MissingContextValues],
    ['implicitDeny', ['aws:username', 'aws:CurrentTime']],
  );
  const entry = (ContextKeyName: string, value: string, ContextKeyType: 'string' | 'date') => ({
    ContextKeyName,
    ContextKeyValues: [value],
    ContextKeyType,
  });
  const name = entry('aws:username', 'ann', 'string');
  const early = await custom({
    ...input,
    ContextEntries: [name, entry('aws:CurrentTime', '2014-01-01T00:00:00Z', 'date')],
  });
  assert.equal(early.EvalDecision, 'implicitDeny');
  const late = await custom({
    ...input,
    ContextEntries: [name, entry('aws:CurrentTime', '2016-01-01T00:00:00Z', 'date')],
  });
  assert.deepEqual([late.EvalDecision, late.MissingContextValues], ['allowed', []]);
  const { ContextKeyNames } = await iam.send(new GetContextKeysForCustomPolicyCommand({ PolicyInputList: [document] }));
  assert.deepEqual(ContextKeyNames, ['aws:username', 'aws:CurrentTime']);
});

test('a resource policy of another account must allow as well, and each side is told', async () => {
  const CallerArn = `arn:aws:iam::${central}:user/ann`;
  const bucketPolicy = policyText({
    Effect: 'Allow',
    Principal: { AWS: CallerArn },
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::photos/*',
  });
  const owner = { CallerArn, ResourceOwner: `arn:aws:iam::${dev}:root` };
  const alone = await custom(owner);
  assert.equal(alone.EvalDecision, 'implicitDeny');
  assert.deepEqual(alone.EvalDecisionDetails, { 'IAM Policy': 'allowed', 'Resource Policy': 'implicitDeny' });
  const both = await custom({ ...owner, ResourcePolicy: bucketPolicy });
  assert.equal(both.EvalDecision, 'allowed');
  assert.deepEqual(both.EvalDecisionDetails, { 'IAM Policy': 'allowed', 'Resource Policy': 'allowed' });
  assert.deepEqual(
    both.MatchedStatements?.map(({ SourcePolicyId }) => SourcePolicyId),
    ['PolicyInputList.1', 'ResourcePolicy'],
  );
  const oneSided = await custom({
    ...owner,
    ResourcePolicy: bucketPolicy,
    PolicyInputList: [policyText({ Effect: 'Allow', Action: 'ec2:*', Resource: '*' })],
  });
  assert.equal(oneSided.EvalDecision, 'implicitDeny');
});

test('several resources have one result, which is the strictest, and one each', async () => {
  const both = await custom({ ResourceArns: [photos, 'arn:aws:s3:::other/x'] });
  assert.equal(both.EvalDecision, 'implicitDeny');
  assert.deepEqual(
    both.ResourceSpecificResults?.map((one) => [one.EvalResourceName, one.EvalResourceDecision]),
    [
      [photos, 'allowed'],
      ['arn:aws:s3:::other/x', 'implicitDeny'],
    ],
  );
});

test('results come in pages', async () => {
  const ActionNames = Array.from({ length: 5 }, (_, index) => `s3:Get${index}`);
  const seen: (string | undefined)[] = [];
  let Marker: string | undefined;
  do {
    const page = await iam.send(
      new SimulateCustomPolicyCommand({ PolicyInputList: [allowRead], ActionNames, MaxItems: 2, Marker }),
    );
    seen.push(...page.EvaluationResults!.map(({ EvalActionName }) => EvalActionName));
    assert.equal(page.IsTruncated, page.Marker !== undefined);
    ({ Marker } = page);
  } while (Marker !== undefined);
  assert.deepEqual(seen, ActionNames);
});

test('an inline policy is named with its carrier; keys of a principal are listed', async () => {
  await iam.send(new CreateUserCommand({ UserName: 'bob' }));
  const document = policyText({
    Effect: 'Allow',
    Action: 's3:*',
    Resource: '*',
    Condition: { StringEquals: { 'aws:PrincipalTag/team': '${aws:RequestTag/team}' } },
  });
  await iam.send(new PutUserPolicyCommand({ UserName: 'bob', PolicyName: 'own', PolicyDocument: document }));
  const PolicySourceArn = `arn:aws:iam::${central}:user/bob`;
  const team = (key: string) => ({ ContextKeyName: key, ContextKeyValues: ['red'], ContextKeyType: 'string' as const });
  const { EvaluationResults } = await iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn,
      ActionNames: ['s3:GetObject'],
      ContextEntries: [team('aws:PrincipalTag/team'), team('aws:RequestTag/team')],
    }),
  );
  assert.equal(EvaluationResults![0]!.MatchedStatements![0]!.SourcePolicyId, 'user_bob_own');
  const { ContextKeyNames } = await iam.send(new GetContextKeysForPrincipalPolicyCommand({ PolicySourceArn }));
  assert.deepEqual(ContextKeyNames, ['aws:PrincipalTag/team', 'aws:RequestTag/team']);
});

const answered =
  (code: string, status: number, message?: string) =>
  (error: Error & { Code?: string; $metadata?: { httpStatusCode?: number } }) => {
    assert.deepEqual([error.name, error.$metadata?.httpStatusCode], [code, status], error.message);
    if (message !== undefined) assert.equal(error.message, message);
    return true;
  };

test('what cannot be simulated is refused in the words of AWS', async () => {
  const source = (PolicySourceArn: string, more: object = {}) =>
    iam.send(new SimulatePrincipalPolicyCommand({ PolicySourceArn, ActionNames: ['s3:GetObject'], ...more }));
  await iam.send(new CreateGroupCommand({ GroupName: 'readers' }));
  await source(`arn:aws:iam::${central}:group/readers`);
  const session = `arn:aws:sts::${central}:assumed-role/admin/me`;
  await assert.rejects(
    source(session),
    answered(
      'InvalidInputException',
      400,
      `Invalid Entity Arn: ${session} does not clearly define entity type and name.`,
    ),
  );
  await assert.rejects(
    source(`arn:aws:iam::${dev}:user/admin`),
    answered(
      'InvalidInputException',
      400,
      `Invalid Policy Source Arn: caller's account ${central} does not have access to policies in account ${dev}`,
    ),
  );
  await assert.rejects(
    source(`arn:aws:iam::${central}:user/nobody`),
    answered('NoSuchEntityException', 404, 'The user with name nobody cannot be found.'),
  );
  const ResourcePolicy = policyText({ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: '*' });
  await assert.rejects(
    source(`arn:aws:iam::${central}:group/readers`, { ResourcePolicy }),
    answered('InvalidInputException', 400, 'Invalid caller - Caller must be an IAM user in this context.'),
  );
  for (const input of [
    { PolicyInputList: ['{'] },
    { ActionNames: ['s3:*'] },
    { ActionNames: ['nothing'] },
    { ResourceArns: ['photos'] },
    { ResourceHandlingOption: 'EC2-VPC-EBS' },
    { ContextEntries: [{ ContextKeyName: 'a:b', ContextKeyValues: ['x'], ContextKeyType: 'numeric' as const }] },
  ]) {
    await assert.rejects(custom(input), answered('InvalidInputException', 400), JSON.stringify(input));
  }
});
