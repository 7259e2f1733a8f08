import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { importFound } from '../../src/access/index.ts';
import type { SeenResource, Statement } from '../../src/access/resources.ts';
import { foundOf, lambda, leftToDo, partsOf, role } from './import-support.ts';

interface TrustCase {
  readonly name: string;
  readonly statement: Statement;
  readonly entry: object;
}

const trustCases = JSON.parse(readFileSync(new URL('../cases/access/import-trust.json', import.meta.url), 'utf8')) as {
  cases: readonly TrustCase[];
};

describe('trust is put back into entries:', () => {
  for (const { name, statement, entry } of trustCases.cases) {
    test(name, () => {
      const made = importFound({ found: foundOf([role('tested', statement)]), findings: [] }, 0);
      assert.deepEqual(partsOf({ made }).roles!['tested']!.trust, [entry]);
      assert.deepEqual(leftToDo({ made, found: foundOf([role('tested', statement)]) }), []);
    });
  }
});

test('two roles of one name in AWS that are not alike are two entries, and trust in them finds the right one', () => {
  const found = foundOf([]);
  const accounts = found.accounts.map((account) =>
    account.name !== 'prod'
      ? account
      : {
          ...account,
          resources: [
            {
              ...role('ci', { ...lambda, Principal: { Service: 'ec2.amazonaws.com' } }),
              sessionSeconds: 7200,
            } as SeenResource,
          ],
        },
  );
  const trusting = role('t', {
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::444444444444:role/ci' },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-stintlocal' } },
  });
  const all = {
    ...found,
    accounts: accounts.map((it) => (it.name === 'dev' ? { ...it, resources: [...it.resources, trusting] } : it)),
  };
  const made = importFound({ found: all, findings: [] }, 0);
  const { roles } = partsOf({ made });
  assert.deepEqual(Object.keys(roles!).sort(), ['ci', 'ci-prod', 't']);
  assert.deepEqual(roles!['t']!.trust, [{ role: 'prod/ci-prod' }]);
  assert.deepEqual(leftToDo({ made, found: all }), []);
});

test('what no definition can hold is left out by entry, with its reason, and the rest is taken over', () => {
  const good = role('good', lambda);
  const found = foundOf([
    good,
    { ...role('strange', lambda), description: 'übergroß 漢' } as SeenResource,
    {
      ...role('broken', lambda),
      inline: { p: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'nonsense', Resource: '*' }] } },
    } as SeenResource,
    role('1odd@name', lambda),
  ]);
  const made = importFound({ found, findings: [] }, 0);
  const { roles } = partsOf({ made });
  assert.deepEqual(Object.keys(roles!).sort(), ['ci', 'good', 'role-1odd-name']);
  assert.deepEqual(
    made.findings.filter(({ code }) => code === 'not-taken-over').map(({ message }) => message.split(',')[0]),
    ['`roles.strange` is not taken over', '`roles.broken` is not taken over'],
  );
  assert.deepEqual(leftToDo({ made, found }), []);
});

test('providers of issuers that look alike stay apart', () => {
  const provider = (name: string): SeenResource => ({
    kind: 'oidc-provider',
    name,
    clientIds: ['a'],
    thumbprints: [],
    tags: {},
  });
  const names = [
    'oidc.eks.eu-west-1.amazonaws.com/id/AAAA1111BBBB2222CCCC3333DDDD4444',
    'oidc.eks.eu-west-1.amazonaws.com/id/EEEE1111BBBB2222CCCC3333DDDD4444',
    'id.example.com/a/b',
    'id.example.com/a-b',
    `${'long.'.repeat(20)}example.com`,
    `${'long.'.repeat(20)}example.org`,
  ];
  const made = importFound({ found: foundOf(names.map(provider)), findings: [] }, 0);
  const providers = (made.definition as { providers: Record<string, { issuer: string }> }).providers;
  assert.deepEqual(
    Object.values(providers)
      .map(({ issuer }) => issuer)
      .sort(),
    names.map((name) => `https://${name}`).sort(),
  );
});

describe('a text in AWS that a definition would take for a variable', () => {
  const Resource = 'arn:aws:s3:::${var.bucket}/*';
  const reader = {
    ...role('reader', lambda),
    inline: { p: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:Get*', Resource }] } },
  } as SeenResource;
  test('stays as it is', () => {
    const found = foundOf([reader]);
    const made = importFound({ found, findings: [] }, 0);
    assert.deepEqual(made.definition['variables'], { bucket: { default: '${var.bucket}' } });
    assert.equal(partsOf({ made }).roles!['reader']!.mode, undefined);
    assert.deepEqual(leftToDo({ made, found }), []);
  });
  test('is only watched where the name is that of a variable with another value', () => {
    const found = { ...foundOf([reader]), variables: { bucket: '222222222222' } };
    const made = importFound({ found, findings: [] }, 0);
    assert.equal(partsOf({ made }).accounts['dev']!.id, '${var.bucket}');
    assert.equal(partsOf({ made }).roles!['reader']!.mode, 'observe');
    assert.deepEqual(leftToDo({ made, found }), []);
  });
});
