// `stint explain` knows every code that Stint shows. The codes are taken from the sources, so that none is forgotten.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { explainedCodes } from '../../src/cli/explain-codes.ts';
import { findingKinds } from '../../src/access/index.ts';
import { runStint } from './support.ts';

const root = join(import.meta.dirname, '../..');
const sources = (pattern: string): string[] =>
  globSync(pattern, { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'));

/** Codes of findings that the sources of access as code make. */
function findingCodes(): Set<string> {
  const found = sources('src/access/**/*.ts').flatMap((text) => [
    ...text.matchAll(/\bcode: '([a-z][a-z-]+)'/g),
    ...text.matchAll(/\b(?:finding|terraformFinding)\(\s*(?:resource|'\w+'),\s*'([a-z-]+)'/g),
  ]);
  return new Set(found.map(([, code]) => code!));
}

/** Codes of failures that the sources throw, by the tables that declare them and by the calls. */
function failureCodes(): Set<string> {
  const found = sources('src/**/*.ts').flatMap((text) => [
    ...text.matchAll(/\b(?:access|aws|broker|cli|cloud|cloudVerb|policy)Failure\(\s*'([a-z-]+)'/g),
  ]);
  return new Set(found.map(([, code]) => code!));
}

test('every code of a finding and of a failure is explained', async () => {
  const known = await explainedCodes();
  const codes = [...findingCodes(), ...failureCodes()];
  assert.ok(codes.length > 150, `${codes.length} codes`);
  assert.deepEqual(
    codes.filter((code) => !known.has(code)),
    [],
  );
});

test('no finding is explained that nothing makes', () => {
  const made = findingCodes();
  const text = sources('src/access/**/*.ts').join('\n');
  const left = Object.keys(findingKinds).filter(
    (code) => !made.has(code) && !code.startsWith('default-off-') && text.split(`'${code}'`).length < 3,
  );
  assert.deepEqual(left, []);
});

test('every explanation says what it is, and a finding what to do', async () => {
  for (const some of (await explainedCodes()).values()) {
    for (const { is, lines } of some) {
      assert.ok(lines[0]!.length > 20, lines[0]);
      if (is === 'finding' || is === 'check')
        assert.ok(
          lines.some((line) => /^cure: .{5}/.test(line)),
          lines[0],
        );
    }
  }
});

test('a code is explained as it is copied, with all that it stands for', async () => {
  const stint = (...args: readonly string[]) => runStint(['explain', ...args], { cwd: root, env: {} });
  const finding = await stint('warning[trust-cycle]');
  assert.match(finding.stdout, /^warning\[trust-cycle\]: roles trust each other in a ring.*\ncure: /);
  assert.match((await stint('lease-held')).stdout, /^error\[lease-held\]: another run is applying/);
  const two = JSON.parse((await stint('account-unreadable', '--json')).stdout) as {
    is: string;
    also: { is: string }[];
  };
  assert.deepEqual([two.is, ...two.also.map(({ is }) => is)], ['finding', 'error']);
  assert.match((await stint('default-off-mfa')).stdout, /`defaults\.mfa` is off/);
});
