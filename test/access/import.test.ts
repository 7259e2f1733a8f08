import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  compileDefinition,
  foundInTerraform,
  importFound,
  variableFindings,
  type Imported,
} from '../../src/access/index.ts';
import type { Found } from '../../src/access/import/found.ts';
import { definitionSchema } from '../../src/access/model.ts';
import { planChanges } from '../../src/access/plan.ts';
import type { SeenResource, Statement } from '../../src/access/resources.ts';
import { isFailure } from '../../src/base/index.ts';
import { runStint, type Finished } from '../cli/support.ts';

const cases = new URL('../cases/access/terraform/', import.meta.url);
const textOf = (file: string): string => readFileSync(new URL(file, cases), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'stint-import-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const files = [
  'part-1/state.json',
  'part-1/raw.tfstate.json',
  'part-2/state.json',
  'part-2/plan.json',
  'part-2/twice.plan.json',
  'estate/state.json',
  'estate/plan.json',
  'estate/raw.tfstate.json',
  'estate/change.plan.json',
  'organization/plan.json',
  'organization/state.json',
  'organization/change.plan.json',
];

function imported(...names: readonly string[]): { made: Imported; found: Found } {
  const { found, findings } = foundInTerraform(
    names.map((file) => ({ file, text: textOf(file) })),
    'default',
    [],
  );
  return { made: importFound({ found, findings }, 0), found };
}

const codesOf = ({ made }: { made: Imported }): string[] => [...new Set(made.findings.map(({ code }) => code))].sort();

interface Made {
  readonly accounts: Readonly<Record<string, { id: string; stage: string }>>;
  readonly roles?: Readonly<Record<string, { in: unknown; trust: readonly object[]; mode?: string }>>;
}

const partsOf = ({ made }: { made: Imported }): Made => made.definition as unknown as Made;

/** What a plan against the very accounts that were imported has to do, and to say in error. */
function leftToDo({ made, found }: { made: Imported; found: Found }): readonly string[] {
  const text = JSON.stringify(made.definition).replaceAll(
    /\$\{var\.(\w+)\}/g,
    (_, name: string) => found.variables[name]!,
  );
  const wanted = compileDefinition(definitionSchema.parse(JSON.parse(text)), 0);
  const doubled = new Set<string>();
  const seen = found.accounts.map(({ id, name, stage, resources, organization }) => ({
    id,
    name,
    stage,
    ...(organization === undefined ? {} : { organization }),
    resources: resources.filter(({ kind, name: own }) => {
      const key = `${id} ${kind}/${own}`;
      return doubled.has(key) ? false : doubled.add(key);
    }),
  }));
  const plan = planChanges(wanted, seen);
  return [
    ...plan.changes.map(({ id, action }) => `${action} ${id}`),
    ...plan.findings
      .filter(({ code }) => ['foreign-resource', 'misplaced'].includes(code))
      .map(({ account, resource, message }) => `${account} ${resource} ${message}`),
  ];
}

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

interface TrustCase {
  readonly name: string;
  readonly statement: Statement;
  readonly entry: object;
}

const trustCases = JSON.parse(readFileSync(new URL('../cases/access/import-trust.json', import.meta.url), 'utf8')) as {
  cases: readonly TrustCase[];
};

const role = (name: string, ...Statement: readonly Statement[]): SeenResource => ({
  kind: 'role',
  name,
  path: '/',
  trust: { Version: '2012-10-17', Statement },
  sessionSeconds: 3600,
  description: '',
  attached: [],
  inline: {},
  tags: {},
});

const lambda: Statement = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };

function foundOf(devRoles: readonly SeenResource[]): Found {
  const account = (id: string, name: string, resources: readonly SeenResource[]): Found['accounts'][number] => ({
    id,
    name,
    stage: name,
    resources,
    logins: new Set(),
    partly: new Map(),
  });
  return {
    name: 'default',
    partition: 'aws',
    organization: 'o-stintlocal',
    central: 'central',
    accounts: [
      account('111111111111', 'central', []),
      account('222222222222', 'dev', [role('ci', lambda), ...devRoles]),
      account('444444444444', 'prod', [role('ci', lambda)]),
    ],
    variables: {},
    addresses: new Map(),
  };
}

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

const stint = (cwd: string, ...args: readonly string[]): Promise<Finished> =>
  runStint(args, { cwd, env: { PATH: process.env['PATH'], STINT_HOME: join(folder, 'home') } });

/** Everything in the folder, as one text. */
const everythingIn = (path: string): string =>
  readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((it) => it.isFile())
    .map((it) => readFileSync(join(it.parentPath, it.name), 'utf8'))
    .join('\n');

test('`stint init --from-terraform` writes a definition that loads, and no secret of any file goes anywhere', async () => {
  for (const [index, file] of files.entries()) {
    const cwd = join(folder, `run-${index}`);
    mkdirSync(cwd);
    const path = new URL(file, cases).pathname;
    const { code, stdout, stderr } = await stint(cwd, 'init', '--from-terraform', path);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^stint\.config\.yaml: \d+ accounts, /);
    assert.equal((await stint(cwd, 'output')).code, 0);
    const json = await stint(cwd, 'init', '--from-terraform', path, '--force', '--json');
    for (const text of [stdout, stderr, json.stdout, json.stderr, everythingIn(cwd)])
      assert.doesNotMatch(text, /FAKE-?SECRET/);
  }
});

test('a file that exists is not written over, and nothing is left behind when something is refused', async () => {
  const cwd = join(folder, 'refused');
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'stint.config.yaml'), '# mine');
  const state = new URL('estate/state.json', cases).pathname;
  const taken = await stint(cwd, 'init', '--from-terraform', state);
  assert.match(taken.stderr, /error\[definition-exists\].*\nhint: .*--force/);
  assert.equal(readFileSync(join(cwd, 'stint.config.yaml'), 'utf8'), '# mine');
  assert.match(
    (await stint(cwd, 'init', '--from-terraform', 'absent.json', '--force')).stderr,
    /error\[terraform-unreadable\]/,
  );
  assert.match(
    (await stint(cwd, 'init', '--from-terraform', state, '--config', 'no/such/folder.yaml')).stderr,
    /error\[definition-unwritable\]/,
  );
  assert.equal((await stint(cwd, 'init', '--from-aws', '--from-terraform', state)).code, 2);
  assert.equal((await stint(cwd, 'init', '--source', '.')).code, 2);
  const nameless = await stint(cwd, 'init', '--force', '--from-terraform', new URL('part-1/plan.json', cases).pathname);
  assert.match(nameless.stderr, /error\[terraform-no-accounts\]/);
  assert.deepEqual(readdirSync(cwd), ['stint.config.yaml']);
});

test('accounts get the names that are given for them', async () => {
  const cwd = join(folder, 'named');
  mkdirSync(cwd);
  const state = new URL('part-2/state.json', cases).pathname;
  const { code, stderr } = await stint(
    cwd,
    'init',
    '--from-terraform',
    state,
    '--account',
    '222222222222=shop-prod:prod',
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /error\[bare-account-trust\] shop-prod role\/test_role/, 'an error in production');
  assert.match(
    readFileSync(join(cwd, 'stint.config.yaml'), 'utf8'),
    /shop-prod: \{ id: '222222222222', stage: prod \}/,
  );
});

test('a plain `stint init` writes a definition to go on from', async () => {
  const cwd = join(folder, 'plain');
  mkdirSync(cwd);
  assert.equal((await stint(cwd, 'init')).code, 0);
  assert.equal((await stint(cwd, 'output')).code, 0);
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
