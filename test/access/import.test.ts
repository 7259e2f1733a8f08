import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { foundInTerraform, importFound, variableFindings, type Imported } from '../../src/access/index.ts';
import { isFailure } from '../../src/base/index.ts';
import { files, imported, leftToDo, partsOf, textOf } from './import-support.ts';

const codesOf = ({ made }: { made: Imported }): string[] => [...new Set(made.findings.map(({ code }) => code))].sort();

describe('what is made of Terraform plans to nothing against what Terraform shows:', () => {
  for (const file of files) test(file, () => assert.deepEqual(leftToDo(imported(file)), []));
  test('several states in one definition', () => {
    assert.deepEqual(leftToDo(imported('part-1/state.json', 'part-2/state.json')), []);
  });
});

describe("the tutorial's traps:", () => {
  const traps: readonly (readonly [what: string, files: readonly string[], code: string, place: RegExp])[] = [
    ['two roles of one name', ['part-2/twice.plan.json'], 'duplicate-name', /two are named `test_role`/],
    [
      'a forced password change that is denied without MFA',
      ['part-1/state.json'],
      'lock-out',
      /must change the password/,
    ],
    ['trust in a bare account', ['part-2/state.json'], 'bare-account-trust', /whole account without any condition/],
    ['an instance without IMDSv2', ['part-2/state.json'], 'imdsv2-not-required', /aws_instance\.app` lets IMDSv1/],
    ['a plan that leaves IMDSv2 to the image', ['part-2/plan.json'], 'imdsv2-not-required', /its image decides/],
    ['a password in the state', ['part-1/state.json'], 'secret-in-state', /aws_iam_user_login_profile\.administrator/],
    ['a key in the state', ['part-1/raw.tfstate.json'], 'secret-in-state', /aws_iam_access_key\.administrator/],
  ];
  for (const [what, names, code, place] of traps) {
    test(what, () => {
      const { made } = imported(...names);
      const found = made.findings.filter((finding) => finding.code === code).map(({ message }) => message);
      assert.ok(
        found.some((message) => place.test(message)),
        `${code} among ${found.join('\n')}`,
      );
    });
  }
  test('a variable that is used and not declared, with its place', () => {
    const findings = variableFindings([{ file: 'main.tf', text: textOf('part-2/undeclared.tf.txt') }]);
    assert.deepEqual(
      findings.map(({ severity, code, message }) => [severity, code, message.split(',')[0]]),
      [
        ['error', 'variable-undeclared', 'main.tf:5: `var.region` is used but not declared'],
        ['error', 'variable-undeclared', 'main.tf:6: `var.central_id` is used but not declared'],
      ],
    );
  });
  test('an estate without traps has none of them', () => {
    assert.deepEqual(codesOf(imported('estate/state.json')), ['terraform-exclusive-attachment']);
  });
});

describe('variables in the text of a configuration', () => {
  const declared = 'variable "a" {\n  default = "x"\n}\n';
  const texts: readonly (readonly [what: string, text: string, undeclared: readonly string[]])[] = [
    ['declared after their use', `locals { x = var.a }\n${declared}`, []],
    ['used in a template', 'locals { x = "a ${var.b} c" }', ['b']],
    ['used in a template in a template', 'locals { x = "${upper("${var.b}")}" }', ['b']],
    ['used in a heredoc', 'locals {\n  x = <<-EOT\n    ${var.b} var.no\n  EOT\n  y = var.c\n}', ['b', 'c']],
    ['escaped', 'locals { x = "$${var.b} %%{ if var.c }" }', []],
    ['in comments', '# var.b\n// var.c\n/* var.d\n var.e */', []],
    ['that only look like variables', 'locals { x = my.var.b, y = self_var.c }', []],
    ['declared in a comment only', '# variable "b" {}\nlocals { x = var.b }', ['b']],
    ['in a text that does not end', 'locals { x = "${var.b', ['b']],
  ];
  for (const [what, text, undeclared] of texts) {
    test(what, () => {
      const names = variableFindings([{ file: 'f.tf', text }]).map(
        ({ message }) => /`var\.([\w-]+)`/.exec(message)![1],
      );
      assert.deepEqual(names, undeclared);
    });
  }
});

test('roles that look alike over accounts are one entry, and what differs is said with `only`', () => {
  const { roles, accounts } = partsOf(imported('estate/plan.json'));
  assert.deepEqual(Object.keys(accounts), ['central', 'dev', 'test']);
  assert.deepEqual(Object.keys(roles!).sort(), ['reader', 'support', 'worker-0', 'worker-1']);
  assert.deepEqual(roles!['reader'], {
    in: ['dev', 'test'],
    description: 'Made by the role module',
    trust: [{ account: 'central', mfa: true }],
    managed: ['ReadOnlyAccess'],
    boundary: 'boundary',
    session: '2h',
  });
  const inline = (roles!['worker-0'] as unknown as { inline: { queue: readonly { only?: readonly string[] }[] } })
    .inline;
  assert.deepEqual(
    inline.queue.map(({ only }) => only),
    [undefined, ['dev'], ['test']],
  );
});

test('guard rails and SAML providers of a state are entries, and one that is attached to nothing is told of', () => {
  const { made } = imported('organization/state.json');
  const { guardrails, providers, accounts } = made.definition as Record<string, Record<string, object>>;
  assert.deepEqual(Object.keys(accounts!), ['central', 'account-333333333333', 'account-444444444444']);
  assert.deepEqual(guardrails!['frozen'], {
    on: { ou: ['Sandbox', 'Sandbox/Trials'] },
    type: 'scp',
    tags: { Team: 'platform' },
    statements: [{ Sid: 'Frozen', Effect: 'Deny', Action: ['ec2:RunInstances', 'iam:CreateUser'], Resource: '*' }],
    name: 'frozen',
  });
  assert.deepEqual(
    Object.entries(guardrails!).map(([name, entry]) => [name, (entry as { on: unknown }).on]),
    [
      ['frozen', { ou: ['Sandbox', 'Sandbox/Trials'] }],
      ['own-data', ['account-333333333333', 'account-444444444444']],
      ['stay', 'organization'],
    ],
  );
  assert.deepEqual(providers, { okta: { saml: textOf('organization/metadata.xml') } });
  assert.deepEqual(partsOf({ made }).roles!['guest']!.trust, [{ saml: { provider: 'okta' } }]);
  const told = made.findings.map(({ code, resource, message }) => `${code} ${resource}: ${message}`);
  assert.deepEqual(told, [
    'not-taken-over organization-policy/tagged: is attached to nothing, so it was not taken over',
  ]);
});

test('what another tool says it manages is only watched', () => {
  assert.equal(partsOf(imported('estate/state.json')).roles!['deploy']!.mode, 'observe');
});

/** The same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
}

const strangers: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  '',
  'x',
  [],
  {},
  ['x'],
  { a: 1 },
  '{"Version":"2012-10-17"}',
  '${var.x}',
  '__proto__',
];

/** A value with one of its parts replaced by something that Terraform never writes there. */
function disturbed(value: unknown, random: () => number): unknown {
  if (random() < 0.02) return strangers[Math.floor(random() * strangers.length)];
  if (Array.isArray(value)) return value.map((item) => disturbed(item, random));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, disturbed(member, random)]));
}

test('whatever a Terraform file holds, it is read or refused with a code, and its secrets stay behind', () => {
  let taken = 0;
  for (const file of ['part-1/state.json', 'part-2/twice.plan.json', 'estate/plan.json', 'estate/raw.tfstate.json']) {
    const json = JSON.parse(textOf(file)) as unknown;
    for (let seed = 1; seed <= 40; seed++) {
      const text = JSON.stringify(disturbed(json, generator(seed)));
      try {
        const { found, findings } = foundInTerraform([{ file, text }], 'default', []);
        const made = importFound({ found, findings }, 0);
        assert.doesNotMatch(JSON.stringify(made), /FAKE-?SECRET/, `${file} ${seed}`);
        taken++;
      } catch (error) {
        assert.ok(
          isFailure(error),
          `${file} with seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`,
        );
        assert.doesNotMatch(error.message, /FAKE-?SECRET/);
      }
    }
  }
  assert.ok(taken > 40, 'most are read');
});
