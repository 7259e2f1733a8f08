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

test('names in trusts, variations, providers and guard rails are judged too, and the right ones compile', () => {
  const read = { Effect: 'Allow', Action: 's3:Get*', Resource: '*' } as const;
  const definition = defineAccess({
    version: 1,
    accounts: {
      central: { id: '111111111111', stage: 'central', central: true },
      prod: { id: '444444444444', stage: 'prod' },
    },
    groups: { developers: { except: ['prod'] } },
    people: { alice: { groups: ['developers'] } },
    providers: { okta: { saml: '<EntityDescriptor/>', in: ['prod'] } },
    roles: {
      reader: {
        in: { stage: ['prod'] },
        trust: [{ group: 'developers', only: ['prod'] }, { saml: { provider: 'okta' } }, { account: '999999999999' }],
        statements: [{ ...read, except: ['central'] }],
        per: [{ in: { stage: 'prod' }, session: '1h', expires: '2027-01-01', reason: 'INC-7' }],
      },
      next: { in: ['prod'], trust: [{ role: 'reader' }, { role: 'prod/reader' }] },
      wrong: {
        in: ['prod'],
        // @ts-expect-error: no such role
        trust: [{ role: 'raeder' }],
      },
      worse: {
        in: ['prod'],
        trust: [
          // @ts-expect-error: no such account
          { role: 'pord/reader' },
        ],
        // @ts-expect-error: no such stage
        per: [{ in: { stage: 'porduction' }, session: '1h' }],
      },
      worst: {
        in: ['prod'],
        trust: [
          // @ts-expect-error: no such provider
          { saml: { provider: 'otka' } },
        ],
      },
    },
    guardrails: {
      whole: { on: 'organization', type: 'scp', use: ['deny-root'] },
      // @ts-expect-error: no such account
      part: { on: ['porduction'], type: 'scp', use: ['deny-root'] },
    },
  });
  assert.equal(definition.roles?.reader.per?.[0]?.session, '1h');
});
