import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadDefinition, type LoadedDefinition } from '../../src/access/index.ts';
import { failureOf } from '../base/support.ts';

const library = new URL('../../src/index.ts', import.meta.url);
const examples = new URL('../../examples/', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'stint-load-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly name: string;
  readonly file?: string;
  readonly text: string;
  readonly variables?: Record<string, string>;
  readonly env?: Record<string, string>;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
  /** Path in the definition to the value expected there. */
  readonly value?: readonly [string, unknown];
}

const cases = JSON.parse(
  readFileSync(new URL('../cases/access/load.json', import.meta.url), 'utf8'),
) as readonly Case[];

function load(file: string, extra: Partial<Case> = {}): Promise<LoadedDefinition> {
  return loadDefinition({
    cwd: folder,
    config: file,
    variables: { given: extra.variables, env: extra.env ?? {} },
    library,
  });
}

describe('definitions', () => {
  for (const [index, it] of cases.entries()) {
    test(it.name, async () => {
      const file = `case-${index}-${it.file ?? 'stint.config.yaml'}`;
      writeFileSync(join(folder, file), it.text);
      if (it.code === undefined) {
        const { definition } = await load(file, it);
        const [path, expected] = it.value!;
        const found = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], definition);
        assert.deepEqual(found, expected);
        return;
      }
      const failure = await failureOf(load(file, it));
      assert.equal(failure.code, it.code, failure.message);
      const told = failure.message.replaceAll(file, 'FILE').replaceAll(/\n {2}[ \d]* \|.*/g, '');
      if (it.message !== undefined) assert.equal(told, it.message);
      if (it.hint !== undefined) assert.equal(failure.hint, it.hint);
    });
  }
});

test('the TypeScript and the YAML tutorial are one definition', async () => {
  const [typescript, yaml] = await Promise.all(
    ['tutorial/stint.config.ts', 'tutorial-yaml/stint.config.yaml'].map((file) => load(join(examples, file))),
  );
  assert.equal(typescript!.canonical, yaml!.canonical);
  assert.equal(typescript!.hash, yaml!.hash);
});

test('a TypeScript definition sees no environment and may write no file', async () => {
  writeFileSync(
    join(folder, 'env.ts'),
    `export default { version: 1, accounts: { a: { id: '111111111111', stage: Object.keys(process.env).filter((k) => k !== 'NODE_CHANNEL_FD' && k !== 'NODE_CHANNEL_SERIALIZATION_MODE').join(',') || 'none' } } };`,
  );
  process.env['STINT_TEST_SECRET'] = 'hunter2';
  const { definition } = await load('env.ts').finally(() => delete process.env['STINT_TEST_SECRET']);
  assert.equal(definition.accounts['a']!.stage, 'none');
  writeFileSync(
    join(folder, 'write.ts'),
    `import { writeFileSync } from 'node:fs';\nwriteFileSync('x', '');\nexport default {};`,
  );
  const failure = await failureOf(load('write.ts'));
  assert.equal(failure.code, 'definition-unreadable');
  assert.match(failure.message, /^write\.ts:2:\d+: .*restricted/);
});

test('a definition that cannot be read shows the line with a mark, whichever door it comes through', async () => {
  writeFileSync(join(folder, 'broken.yaml'), 'version: 1\nroles:\n  a: 1\n  a: 2\n');
  writeFileSync(join(folder, 'broken.ts'), 'const a = 1;\nthrow new Error(String(a));\n');
  const yaml = await failureOf(load('broken.yaml'));
  assert.equal(yaml.message, 'broken.yaml:4:3: Map keys must be unique\n  4 |   a: 2\n    |   ^');
  const module = await failureOf(load('broken.ts'));
  assert.equal(module.message, 'broken.ts:2:7: 1\n  2 | throw new Error(String(a));\n    |       ^');
});

test('a TypeScript definition may not read files outside its project', async () => {
  writeFileSync(
    join(folder, 'read.ts'),
    `import { readFileSync } from 'node:fs';\nexport default readFileSync('/etc/hosts', 'utf8');`,
  );
  const failure = await failureOf(load('read.ts'));
  assert.match(failure.message, /restricted/);
});

test('an import of stint is the running Stint', async () => {
  writeFileSync(
    join(folder, 'typed.ts'),
    `import { defineAccess } from 'stint';\nexport default defineAccess({ version: 1, accounts: { a: { id: '111111111111', stage: 'dev' } } });`,
  );
  assert.equal((await load('typed.ts')).definition.accounts['a']!.id, '111111111111');
});

test('a folder with two definitions asks which one is meant, and one with none says so', async () => {
  const two = mkdtempSync(join(folder, 'two-'));
  writeFileSync(join(two, 'stint.config.yaml'), '');
  writeFileSync(join(two, 'stint.config.ts'), '');
  const options = { variables: { env: {} }, library };
  assert.equal((await failureOf(loadDefinition({ cwd: two, ...options }))).code, 'definition-ambiguous');
  assert.equal((await failureOf(loadDefinition({ cwd: examples, ...options }))).code, 'definition-missing');
});

test('values of variables rank: flag, then file, then environment, then default', async () => {
  const text =
    'version: 1\nvariables: { v: { default: d } }\naccounts: { a: { id: "111111111111", stage: "${var.v}" } }\n';
  writeFileSync(join(folder, 'rank.yaml'), text);
  writeFileSync(join(folder, 'values.yaml'), 'v: from-file\n');
  const stage = async (variables: Parameters<typeof loadDefinition>[0]['variables']): Promise<string> =>
    (await loadDefinition({ cwd: folder, config: 'rank.yaml', variables, library })).definition.accounts['a']!.stage;
  assert.equal(await stage({ env: {} }), 'd');
  assert.equal(await stage({ env: { STINT_VAR_v: 'from-env' } }), 'from-env');
  assert.equal(await stage({ env: { STINT_VAR_v: 'from-env' }, files: ['values.yaml'] }), 'from-file');
  assert.equal(await stage({ env: {}, files: ['values.yaml'], given: { v: 'from-flag' } }), 'from-flag');
});

test('a problem is shown with its line and a mark under its column, whatever the door', async () => {
  const yaml =
    'version: 1\naccounts: { dev: { id: "111111111111", stage: dev } }\nroles:\n  app: { in: [dve], trust: [] }\n';
  writeFileSync(join(folder, 'snippet.yaml'), yaml);
  const failure = await failureOf(load('snippet.yaml'));
  assert.match(
    failure.message,
    /^snippet\.yaml:4:21: .*\n {2}4 \| {3}app: \{ in: \[dve\], trust: \[\] \}\n {4}\| {21}\^$/,
  );
  const json =
    '{"version": 1, "accounts": {"dev": {"id": "111111111111", "stage": "dev"}},\n "roles": {"app": {"in": ["dve"]}}}';
  writeFileSync(join(folder, 'snippet.json'), json);
  assert.match((await failureOf(load('snippet.json'))).message, /snippet\.json:2:\d+: .*\n {2}2 \| {2}"roles"/);
  writeFileSync(join(folder, 'snippet.ts'), `export default ${json};\n`);
  assert.match((await failureOf(load('snippet.ts'))).message, /snippet\.ts:2:\d+: .*\n {2}2 \| {2}"roles"/);
});

test('a definition in a home folder under version control reads none of the credentials there', async () => {
  const home = mkdtempSync(join(folder, 'home-'));
  for (const name of ['.git', '.aws', 'work']) mkdirSync(join(home, name));
  writeFileSync(join(home, '.aws', 'credentials'), '[default]\naws_secret_access_key = never\n');
  const text = (place: string): string =>
    `import { readFileSync } from 'node:fs';\nexport default { version: 1, name: readFileSync(new URL('${place}', import.meta.url), 'utf8') };\n`;
  writeFileSync(join(home, 'inside.ts'), text('.aws/credentials'));
  writeFileSync(join(home, 'work', 'below.ts'), text('../.aws/credentials'));
  for (const file of [join(home, 'inside.ts'), join(home, 'work', 'below.ts')]) {
    const failure = await failureOf(load(file));
    assert.equal(failure.code, 'definition-unreadable');
    assert.match(failure.message, /Access to this API has been restricted/);
  }
  const plain = 'export default { version: 1, accounts: { dev: { id: "222222222222", stage: "dev" } } };\n';
  writeFileSync(join(home, 'plain.ts'), plain);
  assert.equal((await load(join(home, 'plain.ts'))).definition.version, 1);
});
