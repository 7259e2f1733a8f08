// Documents: failures with their place, the cache, the canonical form, sizes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import {
  canonicalPolicy,
  compilePolicy,
  createPolicyCache,
  parsePolicy,
  policyLimits,
  policySize,
  type DocumentKind,
} from '../../src/policy/index.ts';

const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
const text = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
const canonical = (document: object, kind: DocumentKind = 'identity'): string =>
  canonicalPolicy(compilePolicy(JSON.stringify(document), kind));

test('a malformed policy fails with AWS’s words, the place in the hint and every problem in the detail', () => {
  const bad =
    '{\n  "Version": "2012-10-17",\n  "Statement": [\n    { "Effect": "Allow", "Action": "Get", "Resource": "x" }\n  ]\n}';
  assert.throws(
    () => compilePolicy(bad, 'identity'),
    (failure: unknown) => {
      assert.ok(isFailure(failure));
      assert.equal(failure.code, 'malformed-policy');
      assert.equal(failure.status, 400);
      assert.equal(failure.message, 'Resource x must be in ARN format or "*".');
      assert.match(
        failure.hint!,
        /^the resource `x` is no ARN at line 4, column 55 \(`\$\.Statement\[0\]\.Resource`\): write `\*`/,
      );
      assert.equal((failure.detail as readonly unknown[]).length, 2);
      return true;
    },
  );
});

test('all problems are found at once, in the order in which AWS would name them', () => {
  const { problems } = parsePolicy(
    text({ Effect: 'Allow', Action: 'Get', Resource: 'x' }, { Effect: 'allow', Sid: '-', Resource: '*' }),
    'identity',
  );
  assert.deepEqual(
    problems.map(({ rule }) => rule),
    ['effect-case', 'sid', 'action-missing', 'resource', 'action'],
  );
});

test('a policy seen twice is compiled once per kind', () => {
  const cache = createPolicyCache();
  const first = compilePolicy(text(statement), 'identity', cache);
  assert.equal(compilePolicy(text(statement), 'identity', cache), first);
  assert.notEqual(compilePolicy(text(statement), 'session', cache), first);
  assert.notEqual(compilePolicy(text(statement), 'identity'), first);
});

test('the cache forgets the least recently used policy', () => {
  const cache = createPolicyCache(2);
  const [a, b, c] = ['s3:A', 's3:B', 's3:C'].map((Action) => text({ ...statement, Action })) as [
    string,
    string,
    string,
  ];
  compilePolicy(a, 'identity', cache);
  compilePolicy(b, 'identity', cache);
  compilePolicy(a, 'identity', cache);
  compilePolicy(c, 'identity', cache);
  assert.deepEqual(
    [a, b, c].map((document) => cache.get(document, 'identity') !== undefined),
    [true, false, true],
  );
});

test('a malformed policy is not kept', () => {
  const cache = createPolicyCache();
  assert.throws(() => compilePolicy('{}', 'identity', cache));
  assert.equal(cache.get('{}', 'identity'), undefined);
});

test('a table of actions does not grow without end', () => {
  const policy = compilePolicy(text({ ...statement, Action: 's3:*' }), 'identity');
  for (let index = 0; index < 10_000; index++) assert.equal(policy.statementsFor(`s3:Made${index}`).length, 1);
  assert.equal(policy.statementsFor('sqs:Made').length, 0);
});

test('a hostile pattern is matched without backtracking', () => {
  const policy = compilePolicy(text({ ...statement, Resource: `arn:aws:s3:::${'*a'.repeat(2000)}*b` }), 'identity');
  assert.equal(policy.statements[0]!.coversResource(`arn:aws:s3:::${'a'.repeat(50_000)}`, new Map()), false);
});

test('the canonical form is the same for a value and a list of it, whatever the order', () => {
  const one = {
    Version: '2012-10-17',
    Statement: { Sid: '', ...statement, Condition: { StringEquals: { 'aws:UserName': 'a' } } },
  };
  const two = {
    Statement: [
      {
        Condition: { StringEquals: { 'AWS:username': ['a', 'a'] } },
        Resource: ['*'],
        Action: ['S3:getobject'],
        Effect: 'Allow',
      },
    ],
    Version: '2012-10-17',
  };
  assert.equal(canonical(one), canonical(two));
});

test('the canonical form takes account id and root ARN for the same, and both spellings of everyone', () => {
  const trust = (Principal: unknown): object => ({
    Statement: { Effect: 'Allow', Principal, Action: 'sts:AssumeRole' },
  });
  assert.equal(
    canonical(trust({ AWS: '111111111111' }), 'trust'),
    canonical(trust({ AWS: ['arn:aws:iam::111111111111:root'] }), 'trust'),
  );
  assert.equal(canonical(trust('*'), 'trust'), canonical(trust({ AWS: '*' }), 'trust'));
  assert.notEqual(
    canonical(trust({ AWS: '111111111111' }), 'trust'),
    canonical(trust({ AWS: '222222222222' }), 'trust'),
  );
});

test('the canonical form keeps what changes the meaning', () => {
  const base = canonical({ Version: '2012-10-17', Statement: statement });
  const others: object[] = [
    { Statement: statement },
    { Version: '2012-10-17', Statement: { ...statement, Effect: 'Deny' } },
    { Version: '2012-10-17', Statement: { ...statement, Sid: 'A' } },
    { Version: '2012-10-17', Statement: { Effect: 'Allow', NotAction: 's3:GetObject', Resource: '*' } },
    { Version: '2012-10-17', Statement: { ...statement, Resource: 'arn:aws:s3:::A' } },
    { Version: '2012-10-17', Statement: { ...statement, Condition: { Bool: { 'aws:SecureTransport': true } } } },
  ];
  for (const other of others) assert.notEqual(canonical(other), base);
  assert.equal(canonical({ Version: '2008-10-17', Statement: statement }), canonical({ Statement: statement }));
});

test('the canonical form of a document is itself a document with the same form', () => {
  const document = {
    Version: '2012-10-17',
    Id: 'x',
    Statement: [
      {
        Sid: 'B',
        Effect: 'Deny',
        NotPrincipal: { AWS: ['111111111111'], Service: 'sns.amazonaws.com' },
        NotAction: 's3:*',
        NotResource: '*',
      },
      {
        Effect: 'Allow',
        Principal: '*',
        Action: ['s3:b', 's3:A'],
        Resource: '*',
        Condition: { ArnEquals: { 'k:A': 'arn:aws:s3:::x' }, Bool: { 'k:b': 'TRUE' } },
      },
    ],
  };
  const once = canonical(document, 'resource');
  assert.equal(canonicalPolicy(compilePolicy(once, 'resource')), once);
});

test('the canonical form keeps condition keys that are names of JavaScript', () => {
  const document = (key: string, value: string): string =>
    `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{${JSON.stringify(key)}:"${value}"}}}}`;
  for (const key of ['__proto__', 'constructor', 'toString']) {
    const [one, two] = ['a', 'b'].map((value) => canonicalPolicy(compilePolicy(document(key, value), 'identity')));
    assert.notEqual(one, two);
  }
});

test('a document full of problems is answered with the first hundred', () => {
  const { problems } = parsePolicy(`{"Statement":[${Array<string>(5000).fill('{"Bad":1}').join()}]}`, 'identity');
  assert.equal(problems.length, 100);
});

test('places count lines that end with LF, CR LF or CR', () => {
  const bad = '{\r\n"Version": "2012-10-17",\r"Statement": {\n  "Effect": 1, "Action": "*", "Resource": "*" } }';
  const [problem] = parsePolicy(bad, 'identity').problems;
  assert.deepEqual([problem!.rule, problem!.line, problem!.column], ['effect', 4, 13]);
});

test('white space counts in every kind but identity policies', () => {
  const document = '{ "Version" : "2012-10-17",\r\n\t"Statement": [] }';
  assert.equal(policySize(document, 'identity'), '{"Version":"2012-10-17","Statement":[]}'.length);
  for (const kind of ['trust', 'resource', 'session', 'scp', 'rcp'] as const) {
    assert.equal(policySize(document, kind), document.length);
  }
  assert.equal(policyLimits.managedPolicy, 6144);
});
