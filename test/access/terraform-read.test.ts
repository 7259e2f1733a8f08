import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { terraformPlanDetails } from '../../src/access/index.ts';
import { statementText } from '../../src/access/documents.ts';
import type { SeenAccount, SeenResource } from '../../src/access/resources.ts';
import { readTerraform, terraformAccess } from '../../src/access/terraform/index.ts';
import { isFailure } from '../../src/base/index.ts';

const folder = new URL('../cases/access/terraform/', import.meta.url);
const textOf = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

interface Expected {
  readonly [file: string]: {
    readonly accounts: readonly string[];
    readonly before?: readonly string[];
    readonly unknowns?: readonly string[];
    readonly logins?: readonly string[];
    readonly hosts?: readonly string[];
    readonly findings: readonly string[];
  };
}

const expected = JSON.parse(textOf('expected.json')) as Expected;

function lineOf(it: SeenResource): string {
  if (it.kind === 'password-policy') return `password policy ${it.settings.MinimumPasswordLength} characters`;
  const parts = [`${it.kind}${'path' in it ? it.path : '/'}${it.name}`];
  if (it.kind === 'oidc-provider') parts.push(`takes ${it.clientIds.join(' ')}`);
  if ('groups' in it && it.groups.length > 0) parts.push(`in ${it.groups.join(' ')}`);
  if ('attached' in it && it.attached.length > 0) {
    parts.push(`has ${it.attached.map((arn) => arn.slice(arn.lastIndexOf('/') + 1)).join(' ')}`);
  }
  if ('inline' in it) {
    for (const [name, { Statement }] of Object.entries(it.inline)) {
      parts.push(`${name}: ${Statement.map(statementText).join('; ')}`);
    }
  }
  if (it.kind === 'policy') parts.push(it.document.Statement.map(statementText).join('; '));
  if (it.kind === 'organization-policy') {
    parts.push(it.document.Statement.map(statementText).join('; '), `binds ${it.targets.join(' ')}`);
  }
  if (it.kind === 'saml-provider') parts.push(`metadata of ${it.metadata.length} characters`);
  if (it.kind === 'instance-profile') parts.push(`holds ${it.role}`);
  if (it.kind === 'role') {
    parts.push(it.trust.Statement.map(statementText).join('; ') || 'trust unknown');
    if (it.sessionSeconds !== 3600) parts.push(`session ${it.sessionSeconds}`);
    if (it.description !== '') parts.push(it.description);
  }
  if ('boundary' in it) parts.push(`bounded by ${it.boundary}`);
  if ('tags' in it) parts.push(...Object.entries(it.tags).map(([key, value]) => `${key}=${value}`));
  return parts.join(', ');
}

const linesOf = (accounts: readonly SeenAccount[]): string[] =>
  accounts.flatMap(({ id, resources }) => resources.map((it) => `${id} ${lineOf(it)}`)).sort();

/** Everything that a file says, in lines. */
function told(file: string): Expected[string] {
  const access = terraformAccess(readTerraform(file, textOf(file)));
  return {
    accounts: linesOf(access.accounts),
    ...(file.endsWith('plan.json') ? { before: linesOf(terraformPlanDetails(file, textOf(file)).before) } : {}),
    unknowns: access.unknowns.map((it) => `${it.account} ${it.resource} ${it.what} (${it.address})`),
    logins: access.logins.map((it) => `${it.account} ${it.user}${it.mustChange ? ' must change' : ''}`),
    hosts: access.hosts.map(
      (it) => `${it.account} ${it.address} ${it.unknown ? 'not known' : (it.httpTokens ?? 'not said')}`,
    ),
    findings: access.findings.map(({ severity, code, message }) => `${severity} ${code}: ${message}`),
  };
}

describe('what Terraform 1.11 shows of', () => {
  for (const [file, lines] of Object.entries(expected)) {
    test(file, () => assert.deepEqual(told(file), lines));
  }
});

test('a state and a plan without changes say the same of an account, whichever of its forms is read', () => {
  const accounts = (file: string): readonly string[] => told(file).accounts;
  assert.deepEqual(accounts('estate/raw.tfstate.json'), accounts('estate/state.json'));
  assert.deepEqual(told('estate/change.plan.json').before, accounts('estate/state.json'));
});

test('no secret of any file comes out of the reader, in whatever it returns', () => {
  const marked = /FAKE-?SECRET/;
  let files = 0;
  for (const file of Object.keys(expected)) {
    if (marked.test(textOf(file))) files++;
    const read = readTerraform(file, textOf(file));
    const access = terraformAccess(read);
    const everything = JSON.stringify([read, access, [...access.addresses], terraformPlanDetails(file, textOf(file))]);
    assert.doesNotMatch(everything, marked, file);
  }
  assert.ok(files >= 5, 'the cases hold secrets to be left behind');
});

/** The failure of reading `text`. */
function refusal(text: string): { code: string; message: string; hint: string | undefined } {
  try {
    readTerraform('given.json', text);
  } catch (error) {
    assert.ok(isFailure(error), String(error));
    return { code: error.code, message: error.message, hint: error.hint };
  }
  return assert.fail('it was read');
}

const refused: readonly (readonly [what: string, text: string, code: string, hint: RegExp])[] = [
  [
    'an encrypted state of OpenTofu',
    '{"meta":{},"encrypted_data":"FAKE-SECRET","encryption_version":"v0"}',
    'terraform-encrypted',
    /tofu show -json/,
  ],
  ['an unknown major version', '{"format_version":"2.0","values":{}}', 'terraform-version', /newer/],
  ['a version before the first', '{"format_version":"0.2","values":{}}', 'terraform-version', /1\.1/],
  ['a raw state of another version', '{"version":3,"lineage":"x","modules":[]}', 'terraform-version', /show -json/],
  ['a binary plan', 'PK\u0003\u0004FAKE-SECRET', 'terraform-unreadable', /show -json FILE > plan\.json/],
  ['a text cut off', '{"format_version":"1.0","values":{"secret":"FAKE-SECRET', 'terraform-unreadable', /show -json/],
  ['HCL', 'resource "aws_iam_role" "r" {}', 'terraform-unreadable', /show -json/],
  ['some other JSON', '{"a":1}', 'terraform-unreadable', /show -json/],
  ['a list', '[]', 'terraform-unreadable', /show -json/],
  ['null', 'null', 'terraform-unreadable', /show -json/],
];

describe('refused with its cure, and without quoting the text:', () => {
  for (const [what, text, code, hint] of refused) {
    test(what, () => {
      const failure = refusal(text);
      assert.equal(failure.code, code);
      assert.match(failure.hint ?? '', hint);
      assert.doesNotMatch(failure.message, /SECRET/);
    });
  }
});

interface Part {
  readonly address: string;
  readonly type: string;
  readonly values: object;
  readonly sensitive?: object;
  readonly depends?: readonly string[];
}

/** A state as `terraform show -json` prints it. */
function state(parts: readonly Part[], version = '1.0'): string {
  const resources = parts.map(({ address, type, values, sensitive = {}, depends = [] }) => ({
    address,
    mode: 'managed',
    type,
    name: address.slice(address.lastIndexOf('.') + 1),
    values,
    sensitive_values: sensitive,
    depends_on: depends,
  }));
  return JSON.stringify({ format_version: version, of_later: {}, values: { root_module: { resources, of_later: 1 } } });
}

const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ec2.amazonaws.com' } },
});
const role = (address: string, account: string): Part => ({
  address,
  type: 'aws_iam_role',
  values: { name: 'same', path: '/', arn: `arn:aws:iam::${account}:role/same`, assume_role_policy: trust },
});
const attachment = (address: string, policy: string, depends: readonly string[]): Part => ({
  address,
  type: 'aws_iam_role_policy_attachment',
  values: { role: 'same', policy_arn: `arn:aws:iam::aws:policy/${policy}` },
  depends,
});
const read = (text: string) => terraformAccess(readTerraform('given.json', text));

test('properties of a later minor version are passed over', () => {
  assert.equal(read(state([role('aws_iam_role.a', '222222222222')], '1.9')).accounts.length, 1);
});

test('of two roles of one name in two accounts each gets what was made after it', () => {
  const { accounts, findings } = read(
    state([
      role('aws_iam_role.a', '222222222222'),
      role('aws_iam_role.b', '333333333333'),
      attachment('aws_iam_role_policy_attachment.a', 'ReadOnlyAccess', ['aws_iam_role.a']),
      attachment('aws_iam_role_policy_attachment.b', 'SecurityAudit', ['aws_iam_role.b']),
    ]),
  );
  assert.deepEqual(findings, []);
  assert.deepEqual(
    linesOf(accounts).map((line) => line.slice(0, 48)),
    ['222222222222 role/same, has ReadOnlyAccess, trust', '333333333333 role/same, has SecurityAudit, trust '].map(
      (it) => it.slice(0, 48),
    ),
  );
});

test('what nothing places is an error finding, and given to no account', () => {
  const { accounts, findings } = read(
    state([
      role('aws_iam_role.a', '222222222222'),
      role('aws_iam_role.b', '333333333333'),
      attachment('aws_iam_role_policy_attachment.x', 'AdministratorAccess', []),
    ]),
  );
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['terraform-account-unknown'],
  );
  assert.doesNotMatch(JSON.stringify(accounts), /AdministratorAccess/);
});

test('a policy marked as sensitive is left out, told of, and unknown rather than empty', () => {
  const inline: Part = {
    address: 'aws_iam_role_policy.p',
    type: 'aws_iam_role_policy',
    values: { role: 'same', name: 'p', policy: '{"Version":"2012-10-17","Statement":[{"Sid":"FAKESECRET"}]}' },
    sensitive: { policy: true },
  };
  const { findings, unknowns, accounts } = read(state([role('aws_iam_role.a', '222222222222'), inline]));
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['terraform-sensitive'],
  );
  assert.deepEqual(unknowns, [
    { account: '222222222222', resource: 'role/same', what: 'policy p', address: 'aws_iam_role_policy.p' },
  ]);
  assert.doesNotMatch(JSON.stringify([findings, accounts]), /FAKESECRET/);
});

test('a policy that is no JSON is an error finding, a type that is not read a warning', () => {
  const broken: Part = {
    address: 'aws_iam_role_policy.p',
    type: 'aws_iam_role_policy',
    values: { role: 'same', name: 'p', policy: 'no JSON FAKE-SECRET' },
  };
  const group: Part = { address: 'aws_iam_future.f', type: 'aws_iam_future', values: { a: 'FAKE-SECRET' } };
  const { findings } = read(state([role('aws_iam_role.a', '222222222222'), broken, group]));
  assert.deepEqual(
    findings.map(({ severity, code }) => `${severity} ${code}`),
    ['warning terraform-not-read', 'error terraform-policy-broken'],
  );
  assert.doesNotMatch(JSON.stringify(findings), /FAKE/);
});
