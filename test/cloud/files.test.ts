// The organisation file and the credentials file.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import {
  defaultCredentialsFile,
  readCredentialsFile,
  writeCredentialsFile,
  type CloudCredentials,
} from '../../src/cloud/credentials-file.ts';
import { parseOrganization } from '../../src/cloud/organization-file.ts';

const example = `version: 1
id: o-exampleorg1
management: "111111111111"
accounts:
  - { id: "111111111111", name: central, stage: central }
  - id: "222222222222"
    name: prod
    stage: prod
    ou: Workloads/Prod
quotas:
  RolesPerAccount: 3
`;

test('an organisation file is read from YAML and from JSON', () => {
  const expected = {
    id: 'o-exampleorg1',
    management: '111111111111',
    accounts: [
      { id: '111111111111', name: 'central', stage: 'central', ou: '', email: 'aws-central@example.com' },
      { id: '222222222222', name: 'prod', stage: 'prod', ou: 'Workloads/Prod', email: 'aws-prod@example.com' },
    ],
    quotas: { RolesPerAccount: 3 },
  };
  assert.deepEqual(parseOrganization(example, 'org.yaml'), expected);
  const json = JSON.stringify({
    version: 1,
    id: expected.id,
    management: expected.management,
    accounts: expected.accounts.map(({ id, name, stage, ou }) => ({ id, name, stage, ...(ou === '' ? {} : { ou }) })),
    quotas: expected.quotas,
  });
  assert.deepEqual(parseOrganization(json, 'org.json'), expected);
  const delayed = parseOrganization(`${example}\npropagation: {iam: "2s", organizations: 1m, s3: 0}\n`, 'org.yaml');
  assert.deepEqual(delayed.propagation, { iam: 2000, organizations: 60_000, s3: 0 });
});

// What is changed in the example, and what the refusal must say: its place, and what was probably meant.
const badOrganizations: readonly [string, string, RegExp, RegExp?][] = [
  ['RolesPerAccount', 'RolesPerAcount', /11:3: unknown name `RolesPerAcount`/, /`RolesPerAccount`/],
  ['quotas:', 'propagation: {iam: 2s, iamm: 1s}\nquotas:', /10:24: unknown name `iamm`/, /`iam`/],
  ['quotas:', 'propagation: {iam: soon}\nquotas:', /10:20: `propagation\.iam`: `soon` is not a duration/],
  ['quotas:', 'propagation: {kms: 2d}\nquotas:', /10:20: `propagation\.kms`: the longest delay is a day/],
  ['quotas:', 'quota:', /10:1: unknown name `quota`/, /`quotas`/],
  ['    stage: prod', '    stag: prod', /8:5|7:|6:/, /`stage`|shape/],
  ['"222222222222"', '"2222"', /6:9: `accounts\.1\.id`: an account id has 12 digits/],
  ['"222222222222"', '222222222222', /6:9/],
  ['"222222222222"', '"111111111111"', /6:9: the id `111111111111` is given twice/],
  ['name: prod', 'name: central', /7:11: the name `central` is given twice/],
  ['management: "111111111111"', 'management: "999999999999"', /3:13: the management account `999999999999`/],
  ['o-exampleorg1', 'exampleorg1', /2:5/],
  ['Workloads/Prod', '/Prod', /9:9/],
  ['RolesPerAccount: 3', 'RolesPerAccount: -3', /11:20/],
  ['version: 1', 'version: one', /1:10/],
  ['version: 1\n', '', /1:1/],
  ['quotas:', 'id: o-exampleorg2\nquotas:', /10:1/],
  ['quotas:', 'quotas: {', /1[123]:/],
  ['accounts:', 'accounts: []\nx:', /./],
];

test('a broken organisation file is refused with its place and the cure', () => {
  for (const [from, to, message, hint = /./] of badOrganizations) {
    assert.ok(example.includes(from), from);
    assert.throws(
      () => parseOrganization(example.replace(from, to), 'org.yaml'),
      (error) => {
        assert.ok(isFailure(error), String(error));
        assert.equal(error.code, 'organization-invalid');
        assert.match(error.message, message, to);
        assert.match(error.hint ?? '', hint, to);
        return true;
      },
    );
  }
});

test('an organisation file that is nothing, a list, a bomb or newer is refused', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h']
    .map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index]}`).join(',')}]`)
    .join('\n')}\n`;
  for (const text of ['', '[]', 'text', 'null', bomb, '{"version":1', '\u0000', '- a: b\n c']) {
    assert.throws(
      () => parseOrganization(text, 'org.yaml'),
      (error) => isFailure(error) && error.code === 'organization-invalid',
      text.slice(0, 20),
    );
  }
  assert.throws(
    () => parseOrganization(example.replace('version: 1', 'version: 2'), 'org.yaml'),
    (error) => isFailure(error) && error.code === 'organization-newer',
  );
});

const credentials: CloudCredentials = {
  version: 1,
  endpoint: 'http://127.0.0.1:1',
  region: 'us-east-1',
  controlToken: 'token',
  managementAccount: '111111111111',
  accounts: {},
};

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-files-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the credentials file is for its owner only, also where a readable one was', (context) => {
  const file = join(scratch(context), 'new', 'credentials.json');
  writeCredentialsFile(file, credentials);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readCredentialsFile(file), credentials);
  writeFileSync(file, 'old', { mode: 0o644 });
  writeCredentialsFile(file, credentials);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), credentials);
});

test('what is no credentials file is refused with a code', (context) => {
  const folder = scratch(context);
  const cases: [string | undefined, string][] = [
    [undefined, 'credentials-missing'],
    ['', 'credentials-unreadable'],
    ['{}', 'credentials-unreadable'],
    ['null', 'credentials-unreadable'],
    [JSON.stringify({ ...credentials, accounts: undefined }), 'credentials-unreadable'],
    [JSON.stringify({ ...credentials, version: 2 }), 'credentials-newer'],
  ];
  for (const [text, code] of cases) {
    const file = join(folder, `${code}-${text?.length}`);
    if (text !== undefined) writeFileSync(file, text);
    assert.throws(
      () => readCredentialsFile(file),
      (error) => isFailure(error) && error.code === code,
      text,
    );
  }
  assert.throws(
    () => writeCredentialsFile(join(folder, 'credentials-unreadable-0', 'below'), credentials),
    (error) => isFailure(error) && error.code === 'credentials-unwritable',
  );
});

test('the credentials file lies with the state, else under STINT_HOME, else in the XDG state folder', () => {
  assert.equal(defaultCredentialsFile({ STINT_HOME: '/a' }, '/s'), '/s/credentials.json');
  assert.equal(defaultCredentialsFile({ STINT_HOME: '/a', HOME: '/h' }), '/a/cloud/credentials.json');
  assert.equal(defaultCredentialsFile({ XDG_STATE_HOME: '/x', HOME: '/h' }), '/x/stint/cloud/credentials.json');
  assert.equal(defaultCredentialsFile({ HOME: '/h' }), '/h/.local/state/stint/cloud/credentials.json');
});
