// Every check of the linter: documents that have what it looks for, and documents that nearly do.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import {
  checkGroups,
  loadCatalog,
  validatePolicy,
  type LintKind,
  type PolicyFinding,
} from '../../../src/policy/index.ts';

interface CheckCase {
  readonly check: string;
  /** `identity` where it is not said. */
  readonly kind?: LintKind;
  readonly resourceType?: string;
  readonly partition?: string;
  readonly sensitive?: readonly { readonly action: string; readonly resource: string }[];
  /** A document, or the text of one. */
  readonly has: object | string;
  readonly near: object | string;
}

const folder = new URL('../../cases/policy/validate/', import.meta.url);
const cases = readdirSync(folder).flatMap(
  (file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as CheckCase[],
);
const checks = checkGroups.flatMap((group) => group.checks);
const catalog = await loadCatalog();

function findings(
  { kind = 'identity', resourceType, partition, sensitive }: CheckCase,
  policy: object | string,
): readonly PolicyFinding[] {
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy, null, 2);
  return validatePolicy(text, { kind, resourceType, partition, sensitive, catalog });
}

for (const [index, each] of cases.entries()) {
  test(`${each.check}: found where it is, not where it nearly is (case ${index})`, () => {
    const found = findings(each, each.has);
    const row = checks.find(({ id }) => id === each.check);
    assert.ok(row, 'there is such a check');
    const own = found.filter(({ code }) => code === each.check);
    assert.ok(own.length > 0, `found only ${found.map(({ code }) => code).join(', ') || 'nothing'}`);
    for (const { severity, message, cure, sources, line, column, path } of own) {
      assert.deepEqual({ severity, sources }, { severity: row.severity, sources: row.sources });
      assert.ok(message.length > 0 && cure.length > 0 && path.startsWith('$'));
      assert.ok(line! >= 1 && column! >= 1);
    }
    const near = findings(each, each.near).map(({ code }) => code);
    assert.ok(!near.includes(each.check), `the near miss has ${near.join(', ')}`);
  });
}

test('every check has a case, and every id is one check', () => {
  const tried = new Set(cases.map(({ check }) => check));
  assert.deepEqual(
    checks.map(({ id }) => id).filter((id) => !tried.has(id)),
    [],
  );
  assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length);
});
