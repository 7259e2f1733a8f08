import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineAccess } from '../../src/index.ts';

test('a definition passes through unchanged', () => {
  const definition = defineAccess({ version: 1, accounts: { dev: { id: '222222222222', stage: 'dev' } } });
  assert.equal(definition.accounts.dev.id, '222222222222');
});

test('names that the definition does not declare do not compile', () => {
  // The compiler is the judge: `npm run check` fails when one of these lines is no error.
  defineAccess({
    version: 1,
    accounts: { dev: { id: '222222222222', stage: 'dev' } },
    // @ts-expect-error: no account has this stage
    stages: ['prod'],
    policies: { read: { statements: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }] } },
    groups: { developers: {} },
    people: {
      // @ts-expect-error: no such group
      alice: { groups: ['developer'] },
    },
    roles: {
      reader: {
        // @ts-expect-error: no such account
        in: ['dve'],
        // @ts-expect-error: no such group
        trust: [{ group: 'develpers' }],
        // @ts-expect-error: no such policy
        policies: ['reed'],
      },
    },
  });
});
