import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { compileDefinition, writeExport, type Wanted } from '../../src/access/index.ts';
import { definitionSchema } from '../../src/access/model.ts';
import { isFailure } from '../../src/base/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-export-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const fresh = (): string => join(folder, `${++count}`);

const accounts = {
  central: { id: '111111111111', stage: 'central', central: true },
  dev: { id: '222222222222', stage: 'dev' },
};
const ec2 = { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }] };

const wantedOf = (roles: object, over: object = {}): Wanted =>
  compileDefinition(definitionSchema.parse({ version: 1, name: 'd', accounts, roles, ...over }), 0);

interface Choices {
  readonly singleRoot?: boolean;
  readonly jsonOnly?: boolean;
  readonly imports?: boolean;
  readonly marks?: boolean;
}

function exportTo(target: string, wanted: Wanted, choices: Choices = {}): ReturnType<typeof writeExport> {
  return writeExport(wanted, target, {
    singleRoot: true,
    jsonOnly: false,
    imports: true,
    marks: true,
    home: 'central',
    entryRole: 'Enter',
    ...choices,
  });
}

const textIn = (target: string, file: string): string => readFileSync(join(target, file), 'utf8');
const jsonIn = (
  target: string,
  file: string,
): Record<string, Record<string, Record<string, Record<string, unknown>>>> => JSON.parse(textIn(target, file)) as never;

/** IAM's variables and everything else that Terraform would take for a template. */
const tricky = [
  'arn:aws:s3:::home/${aws:username}/*',
  'arn:aws:s3:::x/%{y}',
  'arn:aws:s3:::x/$${z}',
  'arn:aws:s3:::"q"\\',
];
const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: tricky };

test('a provider has in each account the audiences that it takes there', () => {
  const github = {
    issuer: 'https://token.actions.githubusercontent.com',
    in: ['dev', 'central'],
    per: [{ in: ['central'], audiences: ['release'] }],
  };
  const target = fresh();
  exportTo(target, wantedOf({ r: ec2 }, { providers: { github } }));
  const audiences = (account: string) =>
    /client_id_list\s*=\s*(\[[^\]]*\])/.exec(textIn(target, `account-${account}.tf`))?.[1];
  assert.deepEqual([audiences('dev'), audiences('central')], ['["sts.amazonaws.com"]', '["release"]']);
});

describe('what Terraform would take for a template is escaped', () => {
  const wanted = wantedOf({ r: { ...ec2, statements: [statement] } });
  test('in HCL', () => {
    const target = fresh();
    exportTo(target, wanted);
    const text = textIn(target, 'account-dev.tf');
    assert.ok(text.includes('"arn:aws:s3:::home/$${aws:username}/*"'), text);
    assert.ok(text.includes('"arn:aws:s3:::x/%%{y}"'));
    assert.ok(text.includes('"arn:aws:s3:::x/$$${z}"'));
    assert.ok(text.includes(String.raw`"arn:aws:s3:::\"q\"\\"`));
  });
  test('in JSON, where the policy is one text', () => {
    const target = fresh();
    exportTo(target, wanted, { jsonOnly: true });
    const { policy } = jsonIn(target, 'account-dev.tf.json')['resource']!['aws_iam_role_policy']!['dev__r__stint']!;
    const unescaped = String(policy).replaceAll(/([$%])\1\{/g, '$1{');
    assert.equal(
      String(policy)
        .replaceAll(/[$%]{2}\{/g, '')
        .match(/[$%]\{/),
      null,
      String(policy),
    );
    assert.deepEqual((JSON.parse(unescaped) as { Statement: object[] }).Statement, [statement]);
  });
});

test('names that Terraform cannot spell, and names that only look alike, stay apart', () => {
  const target = fresh();
  exportTo(
    target,
    wantedOf({
      a: { ...ec2, name: 'x.y' },
      b: { ...ec2, name: 'x_y' },
      c: { ...ec2, name: 'x@y' },
      d: { ...ec2, name: '1' },
    }),
  );
  const names = [...textIn(target, 'account-dev.tf').matchAll(/^resource "aws_iam_role" "(.*)"/gm)].map(
    ([, name]) => name!,
  );
  assert.equal(new Set(names).size, 4);
  assert.ok(names.includes('dev__x_y'));
  for (const name of names) assert.match(name, /^[A-Za-z_][\w-]*$/);
});

test('attachments of two policies of one name stay apart', () => {
  const target = fresh();
  const managed = ['arn:aws:iam::222222222222:policy/a/p', 'arn:aws:iam::222222222222:policy/b/p'];
  exportTo(target, wantedOf({ r: { ...ec2, managed } }));
  const found = [...textIn(target, 'account-dev.tf').matchAll(/^resource "aws_iam_role_policy_attachment" "(.*)"/gm)];
  assert.equal(new Set(found.map(([, name]) => name)).size, 2);
});

test('a root for each account holds its own resources, enters it by role, and refuses any other account', () => {
  const target = fresh();
  exportTo(target, wantedOf({ r: ec2 }, { people: { alice: {} } }), { singleRoot: false });
  assert.deepEqual(readdirSync(target).sort(), ['central', 'dev']);
  const dev = textIn(target, 'dev/providers.tf');
  assert.match(dev, /role_arn = "arn:aws:iam::222222222222:role\/\$\{var\.entry_role\}"/);
  assert.match(dev, /allowed_account_ids = \["222222222222"\]/);
  assert.match(dev, /default     = "Enter"/);
  assert.doesNotMatch(textIn(target, 'central/providers.tf'), /assume_role/);
  assert.doesNotMatch(textIn(target, 'dev/account-dev.tf'), /alice|provider/);
});

test('what an earlier export held and the definition no longer does is forgotten by Terraform, not destroyed', () => {
  const target = fresh();
  exportTo(target, wantedOf({ r: ec2, s: ec2 }));
  const [again] = exportTo(target, wantedOf({ r: ec2 }));
  assert.deepEqual(again!.removed, ['aws_iam_role.dev__s']);
  assert.match(
    textIn(target, 'removed.tf'),
    /removed \{\n {2}from = aws_iam_role\.dev__s\n {2}lifecycle \{\n {4}destroy = false\n {2}\}\n\}/,
  );
  assert.deepEqual(exportTo(target, wantedOf({ r: ec2 }))[0]!.removed, ['aws_iam_role.dev__s'], 'until it is back');
  assert.deepEqual(exportTo(target, wantedOf({ r: ec2, s: ec2 }))[0]!.removed, []);
  assert.ok(!existsSync(join(target, 'removed.tf')));
});

test("without marks no tag of Stint is written, and a thing's own tags stay", () => {
  const target = fresh();
  exportTo(target, wantedOf({ r: { ...ec2, tags: { team: 'core' } }, s: ec2 }), { marks: false });
  const text = textIn(target, 'account-dev.tf');
  assert.doesNotMatch(text, /"stint:/);
  assert.match(text, /tags = \{\n {4}team = "core"\n {2}\}/);
});

test('changing the syntax leaves no file of the other one behind', () => {
  const target = fresh();
  exportTo(target, wantedOf({ r: ec2 }));
  exportTo(target, wantedOf({ r: ec2 }), { jsonOnly: true, imports: false });
  assert.deepEqual(readdirSync(target).sort(), ['account-dev.tf.json', 'providers.tf.json', 'stint-export.json']);
});

function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(isFailure(error), String(error));
    return error.code;
  }
  return assert.fail('it was written');
}

test('files of others and exports of another definition are left as they are', () => {
  const target = fresh();
  exportTo(target, wantedOf({ r: ec2 }));
  assert.equal(
    refusalOf(() => exportTo(target, wantedOf({ r: ec2 }, { name: 'other' }))),
    'export-folder-taken',
  );
  const taken = mkdtempSync(join(folder, 'taken-'));
  writeFileSync(join(taken, 'providers.tf'), '# mine');
  assert.equal(
    refusalOf(() => exportTo(taken, wantedOf({ r: ec2 }))),
    'export-folder-taken',
  );
  assert.deepEqual(readdirSync(taken), ['providers.tf']);
  writeFileSync(join(taken, 'stint-export.json'), '{"version":2}');
  assert.equal(
    refusalOf(() => exportTo(taken, wantedOf({ r: ec2 }))),
    'export-folder-taken',
  );
  assert.equal(
    refusalOf(() => exportTo(join(taken, 'providers.tf'), wantedOf({ r: ec2 }))),
    'export-unwritable',
  );
});
