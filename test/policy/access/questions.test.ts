// `can` and `who-can` over one small company, cases as data.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFailure } from '../../../src/base/index.ts';
import { can, Directory, whoCan, type AuthorizationDetails, type Question } from '../../../src/policy/index.ts';

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../cases/policy/access/${name}.json`, import.meta.url), 'utf8'));

interface CanCase extends Question {
  readonly name: string;
  readonly principal: string;
  readonly answer?: string;
  readonly policy?: string;
  readonly statement?: number;
  readonly sid?: string;
  readonly missing?: string;
  readonly needs?: readonly string[];
  readonly keys?: readonly string[];
  readonly unknownPolicies?: readonly string[];
  readonly failure?: string;
  readonly hint?: string;
}

const directory = new Directory(read('company') as AuthorizationDetails);

for (const { name, principal, ...wanted } of read('can') as readonly CanCase[]) {
  test(`can: ${name}`, () => {
    if (wanted.failure !== undefined) {
      assert.throws(
        () => directory.find(principal),
        (error) => isFailure(error) && error.code === wanted.failure && error.hint === wanted.hint,
      );
      return;
    }
    const got = can(directory, directory.find(principal), wanted);
    assert.equal(got.answer, wanted.answer, JSON.stringify(got));
    if (wanted.policy !== undefined) assert.equal(got.by?.policy, wanted.policy);
    if (wanted.statement !== undefined) assert.equal(got.by?.statement, wanted.statement);
    if (wanted.sid !== undefined) assert.equal(got.by?.sid, wanted.sid);
    if (wanted.missing !== undefined) assert.equal(got.missing, wanted.missing);
    if (wanted.needs !== undefined) assert.deepEqual(got.needs, wanted.needs);
    if (wanted.keys !== undefined) assert.deepEqual(got.keys, wanted.keys);
    if (wanted.unknownPolicies !== undefined) assert.deepEqual(got.unknownPolicies, wanted.unknownPolicies);
  });
}

interface WhoCase extends Question {
  readonly name: string;
  readonly ways: readonly string[];
}

for (const { name, ways, ...question } of read('who-can') as readonly WhoCase[]) {
  test(`who-can: ${name}`, () => {
    const got = whoCan(directory, question).map(({ actor, through, needs }) => {
      const path = through.map((arn) => arn.slice(arn.lastIndexOf('/') + 1)).join(' > ');
      return `${actor.kind} ${actor.id}${path === '' ? '' : ` through ${path}`}${needs.length === 0 ? '' : `: ${needs.join(', ')}`}`;
    });
    assert.deepEqual(got.toSorted(), ways.toSorted());
  });
}

test('a name that several principals have is refused', () => {
  const details = read('company') as AuthorizationDetails;
  const twice = new Directory({
    accounts: [
      details.accounts[1]!,
      {
        ...details.accounts[1]!,
        id: '333333333333',
        name: 'test',
        roles: details.accounts[1]!.roles.map((it) => ({ ...it, arn: it.arn.replace('2'.repeat(12), '3'.repeat(12)) })),
      },
    ],
  });
  assert.throws(
    () => twice.find('reader'),
    (error) => isFailure(error) && error.code === 'principal-ambiguous',
  );
  assert.equal(twice.find('test/reader').account.id, '333333333333');
});
