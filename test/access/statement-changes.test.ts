import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { driftLines } from '../../src/access/index.ts';
import type { Change } from '../../src/access/plan.ts';
import type { Document, Statement } from '../../src/access/resources.ts';
import { briefDetails, documentDetails } from '../../src/access/statement-changes.ts';

interface Case {
  readonly name: string;
  readonly before: readonly Statement[];
  readonly after: readonly Statement[];
  readonly version?: Document['Version'];
  readonly place?: string;
  readonly ids?: Readonly<Record<string, string>>;
  readonly brief: readonly string[];
}

const cases = parse(
  readFileSync(new URL('../cases/access/statement-changes.yaml', import.meta.url), 'utf8'),
) as readonly Case[];

const detailsOf = ({ before, after, version = '2012-10-17', place, ids = {} }: Case) =>
  documentDetails(
    { Version: version, Statement: before },
    { Version: '2012-10-17', Statement: after },
    (id) => ids[id],
    place,
  );

describe('what is told of two documents:', () => {
  for (const it of cases) {
    test(it.name, () => {
      const lines = briefDetails(detailsOf(it)).flatMap(({ sign, text, parts = [] }) => [
        `${sign} ${text}`,
        ...parts.map((part) => `    ${part.sign} ${part.text}`),
      ]);
      assert.deepEqual(lines, it.brief);
    });
  }
});

function changeOf(name: string): Change {
  return {
    id: 'dev/policy/p',
    account: 'dev',
    accountId: '222222222222',
    kind: 'policy',
    name: 'p',
    action: 'change',
    details: detailsOf(cases.find((it) => it.name === name)!),
    observed: '',
  };
}

test('drift tells it the other way round: what AWS has and the definition has not was gained there', () => {
  assert.deepEqual(driftLines(changeOf('a resource for another'), false), [
    'dev/policy/p was changed',
    '    ~ statement One',
    '        + on arn:aws:s3:::old/*',
    '        - on arn:aws:s3:::new/*',
  ]);
  assert.deepEqual(driftLines(changeOf('another name for the same statement'), false).slice(1), [
    '    ~ statement New',
    '        ~ Sid New -> Old',
  ]);
  assert.deepEqual(driftLines(changeOf('an action more, in another order and case'), true), [
    'dev/policy/p was changed',
    '    + allow s3:GetObject, s3:ListBucket on arn:aws:s3:::a, arn:aws:s3:::a/*',
    '    - allow S3:listbucket, s3:getobject, s3:PutObject on arn:aws:s3:::a/*, arn:aws:s3:::a',
  ]);
});
