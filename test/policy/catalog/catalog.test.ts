import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCatalog, managedDocuments } from '../../../src/policy/index.ts';
import { exposedBy } from '../../../src/policy/catalog/data-actions.ts';

const catalog = await loadCatalog();

test('a pattern is expanded to the actions it covers, without case and in the spelling of AWS', () => {
  assert.deepEqual(catalog.expandActions('STS:assume*'), [
    'sts:AssumeRole',
    'sts:AssumeRoleWithSAML',
    'sts:AssumeRoleWithWebIdentity',
    'sts:AssumeRoot',
  ]);
  assert.deepEqual(catalog.expandActions('s3:getobject'), ['s3:GetObject']);
  assert.deepEqual(catalog.expandActions('s3:Ge?Object'), ['s3:GetObject']);
  assert.deepEqual(catalog.expandActions('s3:NoSuchAction'), []);
  assert.deepEqual(catalog.expandActions('nosuchservice:*'), []);
  assert.deepEqual(catalog.expandActions('nonsense'), []);
});

test('a star covers every action of every service', () => {
  const all = catalog.expandActions('*');
  assert.equal(all.length, new Set(all).size);
  assert.equal(all.length, catalog.expandActions('*:*').length);
  assert.ok(all.length > 20_000, `${all.length}`);
  assert.ok(catalog.services.length > 400, `${catalog.services.length}`);
});

test('actions have the access level that AWS gives them', () => {
  const levels = {
    's3:ListAllMyBuckets': 'List',
    's3:GetObject': 'Read',
    's3:PutObject': 'Write',
    'iam:PutRolePolicy': 'Permissions management',
    'ec2:CreateTags': 'Tagging',
    'sts:AssumeRole': 'Write',
    's3:Misspelt': undefined,
  };
  for (const [action, level] of Object.entries(levels)) assert.equal(catalog.levelOf(action), level, action);
});

test('a misspelt action is answered with the nearest one', () => {
  const near = {
    's3:GetObjct': 's3:GetObject',
    's3:getobject': 's3:GetObject',
    'iamm:PassRole': 'iam:PassRole',
    'sts:AssumRole': 'sts:AssumeRole',
    nonsense: undefined,
    's3:Qqqqqqqqqqqqqqq': undefined,
  };
  for (const [typed, meant] of Object.entries(near)) assert.equal(catalog.nearestAction(typed), meant, typed);
});

test('the form of an ARN tells which actions can be asked for it', () => {
  const bucket = catalog.actionsFor('arn:aws:s3:::reports');
  assert.ok(bucket.includes('s3:ListBucket') && !bucket.includes('s3:GetObject'));
  const object = catalog.actionsFor('arn:aws:s3:::reports/2027/*');
  assert.ok(object.includes('s3:GetObject') && !object.includes('s3:ListBucket'));
  const index = catalog.actionsFor('arn:aws:dynamodb:us-east-1:111111111111:table/orders/index/by-day');
  assert.ok(index.includes('dynamodb:Query') && !index.includes('dynamodb:PutItem'));
  const role = catalog.actionsFor('arn:aws-cn:iam::111111111111:role/path/deployer');
  assert.ok(role.includes('sts:AssumeRole') && role.includes('iam:PassRole') && !role.includes('iam:GetUser'));
  assert.ok(catalog.actionsFor('arn:aws:apigateway:eu-west-1::/restapis/abc').includes('apigateway:DELETE'));
  assert.deepEqual(catalog.actionsFor('nonsense'), []);
});

test('condition keys of an action and their types are known', () => {
  assert.ok(catalog.conditionKeysOf('iam:PassRole').includes('iam:PassedToService'));
  assert.deepEqual(catalog.conditionKeysOf('iam:NoSuchAction'), []);
  assert.equal(catalog.conditionKey('ec2', 'EC2:ResourceTag/team')?.key, 'ec2:ResourceTag/${TagKey}');
  assert.equal(catalog.conditionKey('ec2', 'ec2:NoSuchKey'), undefined);
});

test('every action told as exposing data exists, and reads or hands out rather than lists', () => {
  const unknown = [...exposedBy.keys()].filter((action) => catalog.action(action) === undefined);
  assert.deepEqual(unknown, []);
  assert.equal(catalog.exposes('S3:GetObject'), 'objects');
  assert.equal(catalog.exposes('secretsmanager:GetSecretValue'), 'secrets');
  assert.equal(catalog.exposes('s3:ListBucket'), undefined);
});

test('documents of AWS managed policies are found by ARN, in the partition of the ARN', async () => {
  const arns = [
    'arn:aws:iam::aws:policy/AdministratorAccess',
    'arn:aws-cn:iam::aws:policy/job-function/ViewOnlyAccess',
    'arn:aws:iam::aws:policy/NoSuchPolicy',
    'arn:aws:iam::111111111111:policy/own',
  ];
  const found = await managedDocuments(arns);
  assert.deepEqual([...found.keys()], arns.slice(0, 2));
  assert.deepEqual([found.get(arns[0]!)!.Statement].flat(), [{ Effect: 'Allow', Action: '*', Resource: '*' }]);
});
