// The linter as a whole: places, kinds, order, and the quiet that AWS's own policies deserve.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import {
  loadCatalog,
  parsePolicy,
  severityRank,
  validatePolicy,
  type PolicyFinding,
} from '../../../src/policy/index.ts';

const catalog = await loadCatalog();
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const lint = (policy: string | object): readonly PolicyFinding[] =>
  validatePolicy(policy, { kind: 'identity', catalog });

const packed = JSON.parse(read('../../../src/policy/generated/managed-policies.json')) as {
  readonly index: string;
  readonly blocks: readonly string[];
};
const unpack = (text: string): string[] => brotliDecompressSync(Buffer.from(text, 'base64')).toString().split('\n');
const blocks = packed.blocks.map(unpack);
/** Name, with its path, and document. */
const managed = unpack(packed.index).map((line) => {
  const [name, , , , block, place] = line.split(' ');
  return [name!, blocks[Number(block)]![Number(place)]!] as const;
});

const about = managed.map(([name, text]) => ({ name, found: lint(text) }));

test('of the policies that AWS manages none has an error, and the security warnings are the reviewed ones', () => {
  assert.ok(managed.length > 1000);
  const loud = about.flatMap(({ name, found }) =>
    found
      .filter(({ severity }) => severity === 'error' || severity === 'security')
      .map(({ severity, code }) => `${severity} ${code} ${name}`),
  );
  const reviewed = JSON.parse(read('../../cases/policy/managed/findings.json')) as readonly string[];
  assert.deepEqual([...new Set(loud)].sort(), reviewed);
});

test('warnings about them stay few: one in three documents at most has any', () => {
  const warned = about.filter(({ found }) => found.some(({ severity }) => severity === 'warning'));
  assert.ok(warned.length * 3 < managed.length, `${warned.length} of ${managed.length}`);
});

test('trust as it should be written is met with silence', () => {
  const trusts = JSON.parse(read('../../cases/policy/managed/trusts.json')) as Readonly<Record<string, object>>;
  for (const [name, document] of Object.entries(trusts)) {
    const found = validatePolicy(document, { kind: 'trust', catalog });
    assert.deepEqual(
      found.map(({ code, message }) => `${code}: ${message}`),
      [],
      name,
    );
  }
});

test('a finding names its statement, its path, its line and its column', () => {
  const text =
    '{\n  "Version": "2012-10-17",\n  "Statement": [\n    { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" },\n    {\n      "Sid": "Write",\n      "Effect": "Allow",\n      "Action": ["s3:PutObjekt"],\n      "Resource": "arn:aws:s3:::reports/*"\n    }\n  ]\n}';
  const finding = lint(text).find(({ code }) => code === 'invalid-action');
  assert.deepEqual(finding, {
    code: 'invalid-action',
    severity: 'error',
    message: 'there is no action `s3:PutObjekt`',
    cure: 'did you mean `s3:PutObject`?',
    sources: ['Access Analyzer: Invalid action', 'parliament: UNKNOWN_ACTION'],
    statement: 1,
    sid: 'Write',
    path: '$.Statement[1].Action[0]',
    line: 8,
    column: 18,
  });
});

test('an object is judged as its text is, without lines', () => {
  const policy = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 's3:GetObjekt', Resource: '*' } };
  const [first] = lint(policy);
  assert.deepEqual(
    [first!.code, first!.statement, first!.path, first!.line],
    ['invalid-action', 0, '$.Statement.Action', undefined],
  );
  assert.deepEqual(
    lint(policy).map(({ code }) => code),
    lint(JSON.stringify(policy)).map(({ code }) => code),
  );
});

test('findings come in the order of the text, the worst first at one place', () => {
  const found = lint(
    JSON.stringify({
      Statement: [
        { Effect: 'Allow', Action: '*', Resource: '*' },
        { Effect: 'allow', Action: 'x', Resource: 'y' },
      ],
    }),
  );
  for (const [index, next] of found.slice(1).entries()) {
    const before = found[index]!;
    const place = (it: PolicyFinding): number => it.line! * 100_000 + it.column!;
    assert.ok(
      place(before) < place(next) ||
        (place(before) === place(next) && severityRank(before.severity) <= severityRank(next.severity)),
    );
  }
});

test('whatever AWS refuses to save is an error of the linter, and whatever text comes in, it answers', () => {
  const part = fc.oneof(
    fc.constantFrom(
      '*',
      'Allow',
      'Deny',
      's3:Get*',
      'arn:aws:s3:::b/*',
      '${aws:username}',
      '2012-10-17',
      '',
      'aws:TagKeys',
    ),
    fc.string({ maxLength: 8 }),
    fc.integer(),
    fc.constant(null),
  );
  const value = fc.oneof(
    part,
    fc.array(part, { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom('AWS', 'StringEquals', 'Null', 'x'),
      fc.oneof(part, fc.dictionary(fc.string({ maxLength: 4 }), part)),
      { maxKeys: 2 },
    ),
  );
  const name = fc.constantFrom(
    'Sid',
    'Effect',
    'Action',
    'NotAction',
    'Resource',
    'NotResource',
    'Condition',
    'Principal',
    'Other',
  );
  const statement = fc.oneof(fc.dictionary(name, value, { maxKeys: 6 }), part);
  const document = fc.record(
    { Version: part, Statement: fc.oneof(fc.array(statement, { maxLength: 3 }), statement) },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(document, fc.constantFrom('identity', 'trust', 'resource', 'scp', 'rcp', 'session'), (policy, kind) => {
      const text = JSON.stringify(policy);
      const refused = parsePolicy(text, kind).problems.length > 0;
      const errors = validatePolicy(text, { kind, catalog }).filter(({ severity }) => severity === 'error');
      assert.ok(!refused || errors.length > 0, text);
    }),
    { numRuns: 1500 },
  );
});

test('what is no JSON at all is one error with its place', () => {
  for (const text of ['', 'null', '[', '{"Statement": [}', '"text"', '{'.repeat(40), ' '.repeat(10)]) {
    const errors = lint(text).filter(({ severity }) => severity === 'error');
    assert.ok(errors.length >= 1 && errors[0]!.line! >= 1, text);
  }
});

test('a long hostile document is judged in bounded time', () => {
  const stars = `${'*a'.repeat(300)}*`;
  const text = JSON.stringify({
    Version: '2012-10-17',
    Statement: Array.from({ length: 40 }, () => ({
      Effect: 'Allow',
      Action: Array.from({ length: 20 }, (_, index) => `s3:${stars}${index}`),
      Resource: Array.from({ length: 20 }, (_, index) => `arn:aws:s3:::${stars}${index}`),
    })),
  });
  const started = process.cpuUsage();
  lint(text);
  const used = process.cpuUsage(started);
  assert.ok(used.user + used.system < 20_000_000, `${used.user} µs`);
});
