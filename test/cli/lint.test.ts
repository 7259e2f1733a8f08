// `stint lint` as people and programs use it: places, snippets, kinds, levels, exit codes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runStint, type Finished } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-lint-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const lint = (...args: readonly string[]): Promise<Finished> => runStint(['lint', ...args], { cwd: folder, env: {} });

function write(name: string, content: string | object): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return name;
}

const policy = (...Statement: readonly object[]): object => ({ Version: '2012-10-17', Statement });
const good = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::reports/*' };

test('an error is told with place, line and cure, and ends with 1', async () => {
  const file = write('bad.json', policy({ ...good, Action: ['s3:GetObjekt'] }));
  const { code, stdout, stderr } = await lint(file);
  assert.equal(code, 1);
  assert.equal(
    stdout,
    'bad.json:7:9: error[invalid-action]: there is no action `s3:GetObjekt`\n' +
      '  7 |         "s3:GetObjekt"\n' +
      '    |         ^\n' +
      '  hint: did you mean `s3:GetObject`?\n',
  );
  assert.equal(stderr, '1 error\n');
});

test('a sound policy says nothing and ends with 0; warnings do not fail', async () => {
  const { code, stdout, stderr } = await lint(write('good.json', policy(good)));
  assert.deepEqual([code, stdout, stderr], [0, '', 'nothing found\n']);
  const warned = await lint(write('warned.json', policy({ ...good, Action: 'iam:PassRole', Resource: '*' })));
  assert.equal(warned.code, 0);
  assert.match(warned.stdout, /security\[pass-role-with-star-in-resource\]/);
});

test('suggestions are counted, and shown when asked for', async () => {
  const file = write('star.json', policy({ ...good, Action: 's3:*' }));
  const quiet = await lint(file);
  assert.equal(quiet.stdout, '');
  assert.match(quiet.stderr, /^nothing found\n\d of less weight not shown/);
  const loud = await lint(file, '--level', 'suggestion');
  assert.match(loud.stdout, /suggestion\[service-wildcard\]/);
});

test('kinds are told by their elements, and the user’s word wins', async () => {
  const trust = write(
    'trust.json',
    policy({ Effect: 'Allow', Principal: { AWS: '111111111111' }, Action: 'sts:AssumeRole' }),
  );
  const bucket = write('bucket.json', policy({ ...good, Principal: '*' }));
  const scp = write('scp.json', policy({ ...good, Effect: 'Deny' }));
  const { stdout } = await lint(trust, bucket, scp, '--json');
  const { files, findings } = JSON.parse(stdout) as {
    files: { kind: string }[];
    findings: { file: string; code: string }[];
  };
  assert.deepEqual(
    files.map(({ kind }) => kind),
    ['trust', 'resource', 'identity'],
  );
  assert.deepEqual(
    findings.map(({ file, code }) => `${file} ${code}`),
    ['trust.json bare-account-trust', 'bucket.json public-access'],
  );
  const forced = JSON.parse((await lint(scp, '--kind', 'scp', '--json')).stdout) as { files: { kind: string }[] };
  assert.equal(forced.files[0]!.kind, 'scp');
});

test('a definition is told at its own lines, what holds in several accounts once', async () => {
  const file = write(
    'stint.config.yaml',
    [
      'version: 1',
      'accounts:',
      '  central: { id: "111111111111", stage: central, central: true }',
      '  dev: { id: "222222222222", stage: dev }',
      '  test: { id: "333333333333", stage: test }',
      'people: { alice: { groups: [developers] } }',
      'groups: { developers: {} }',
      'roles:',
      '  app:',
      '    in: [dev, test]',
      '    trust: [{ group: developers }]',
      '    statements:',
      '      - { Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*", only: [dev] }',
      '      - { Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::x/*", Condition: { IpAddress: { "aws:SourceIp": 10.0.0.0/8 } } }',
      '  builder: { in: [dev, test], trust: [{ service: lambda.amazonaws.com }], managed: [AdministratorAccess] }',
      '  deployer:',
      '    in: [dev]',
      '    trust: [{ group: developers }]',
      '    statements:',
      '      - { Effect: Allow, Action: ["lambda:CreateFunction", "lambda:InvokeFunction"], Resource: "arn:aws:lambda:*:222222222222:function:app-*" }',
      '      - { Effect: Allow, Action: "iam:PassRole", Resource: "arn:aws:iam::222222222222:role/builder" }',
    ].join('\n'),
  );
  const { code, stdout } = await lint(file, '--json');
  const { findings } = JSON.parse(stdout) as {
    findings: { code: string; line: number; path: string; accounts: string[]; message: string }[];
  };
  assert.equal(code, 1);
  const mistake = findings.filter((it) => it.code === 'private-ip-address');
  assert.deepEqual(
    mistake.map(({ line, path, accounts }) => ({ line, path, accounts })),
    [{ line: 14, path: 'roles.app.statements[1].Condition.IpAddress.aws:SourceIp', accounts: ['dev', 'test'] }],
  );
  const ways = findings.filter((it) => it.code === 'escalation');
  assert.deepEqual(
    ways.map(({ line }) => line),
    [6, 16],
  );
  assert.match(
    ways[0]!.message,
    /^can become the administrator role builder in dev: assumes a role \(role deployer\) by `stint-assume`\[0\], then makes a function/,
  );
});

test('without a file it is the folder’s definition; what cannot be read is a coded failure', async () => {
  const { code, stdout } = await lint('--json');
  assert.equal(code, 1);
  assert.equal((JSON.parse(stdout) as { files: { kind: string }[] }).files[0]!.kind, 'definition');
  const missing = await lint('nowhere.json');
  assert.deepEqual([missing.code, missing.stdout], [1, '']);
  assert.match(missing.stderr, /^error\[file-unreadable\]: cannot read `nowhere.json`\nhint: /);
  const usage = await lint('bad.json', '--kind', 'poem');
  assert.equal(usage.code, 2);
});

test('half a file, nothing at all and a byte order mark are told, not thrown', async () => {
  const half = await lint(write('half.json', '{"Version": "2012-10-17", "Statement": ['));
  assert.match(half.stdout, /^half.json:1:\d+: error\[json-syntax-error\]/);
  const empty = await lint(write('empty.json', ''));
  assert.match(empty.stdout, /^empty.json:1:1: error\[json-syntax-error\]/);
  const marked = await lint(write('marked.json', `\uFEFF${JSON.stringify(policy(good))}`));
  assert.deepEqual([marked.code, marked.stdout], [0, '']);
});

test('the tutorial’s definition has no warning', async () => {
  for (const example of ['tutorial/stint.config.ts', 'tutorial-yaml/stint.config.yaml']) {
    const file = new URL(`../../examples/${example}`, import.meta.url).pathname;
    const { code, stdout } = await lint(file);
    assert.deepEqual([code, stdout], [0, ''], example);
  }
});

test('a file has no way to the terminal of whoever lints it: controls and turns of direction are told', async () => {
  const found = await lint(write('escape.json', policy({ ...good, Action: 's3:\u001B[2J\u202EGet' })));
  assert.match(found.stdout, /s3:\\u001b\[2J\\u202eGet/);
  const raw = await lint(write('raw.json', '{ "Version": \u001B[2J\u009B }'));
  const all = [found.stdout, found.stderr, raw.stdout, raw.stderr].join('');
  for (const hidden of ['\u001B', '\u009B', '\u202E']) assert.ok(!all.includes(hidden), JSON.stringify(all));
  assert.match(raw.stdout + raw.stderr, /\\u001b\[2J/);
});

test('what a policy says never begins a line of its own, where the log of a CI would take it for a command', async () => {
  const seen = await lint(write('action.json', policy({ ...good, Action: 's3:Get\n::add-mask::Object' })));
  const resource = write('resource.json', policy({ ...good, Resource: 'arn:aws:s3:::reports/\n::error::*' }));
  const compared = await runStint(['diff', write('before.json', policy(good)), resource], { cwd: folder, env: {} });
  for (const { stdout, stderr } of [seen, compared]) {
    assert.match(stdout, /\\n::/);
    assert.doesNotMatch(stdout + stderr, /^\s*::/m);
  }
});
