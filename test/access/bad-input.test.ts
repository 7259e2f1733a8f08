// What bad input gets, whichever door it comes through: a code, the place, the line with a mark, and what to write
// instead. From `plan`, `apply` and `lint` alike; nothing is called on the way.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { runStint, type Finished } from '../cli/support.ts';

interface Case {
  readonly name: string;
  readonly path: readonly string[];
  readonly value: unknown;
  /** The code of the failure; else `warning` is that of a finding, which lets all go on, `error` of one that blocks. */
  readonly code?: string;
  readonly warning?: string;
  readonly error?: string;
  /** What stands on the line that is told. */
  readonly line: string;
  readonly says: string;
  readonly hint: string;
}

const file = JSON.parse(readFileSync(new URL('../cases/access/bad-input.json', import.meta.url), 'utf8')) as {
  readonly base: object;
  readonly cases: readonly Case[];
};

const json = (definition: object): string => `${JSON.stringify(definition, null, 2)}\n`;
/** As people write it: keys without quotes, a comment that has the same words, a part made before. */
const typescript = (definition: object): string =>
  `import { defineAccess } from 'stint';\n\n// in: trust: expires: not here\nconst note = \`roles: { app: \${1} }\`;\n\nexport default defineAccess(${json(
    definition,
  )
    .trimEnd()
    .replaceAll(/^(\s*)"([A-Za-z]\w*)":/gm, '$1$2:')});\nvoid note;\n`;
const doors = { 'stint.config.yaml': stringify, 'stint.config.json': json, 'stint.config.ts': typescript } as const;

const folder = mkdtempSync(join(tmpdir(), 'stint-bad-input-'));
let cloud: Cloud;
before(async () => {
  cloud = await startCloud();
});
after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

function definitionOf({ path, value }: Case): object {
  const whole = structuredClone(file.base) as Record<string, unknown>;
  let at = whole;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[path.at(-1)!] = value;
  return whole;
}

function stint(cwd: string, ...args: readonly string[]): Promise<Finished> {
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts['111111111111']!;
  const env = {
    STINT_HOME: join(folder, 'home'),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return runStint(args, { cwd, env });
}

/** The place told beside `says`, which must be where the file has `line`, with that line shown and marked. */
function checkPlace(told: string, { says, line }: Case, name: string, text: string): void {
  const lines = told.split('\n');
  const at = lines.findIndex((it) => it.includes(says));
  assert.notEqual(at, -1, told);
  const near = lines.slice(at, at + 4).join('\n');
  const [, row, column] = new RegExp(`${name.replaceAll('.', '[.]')}:(\\d+):(\\d+)`).exec(near) ?? [];
  assert.ok(row !== undefined, near);
  const written = text.split('\n')[Number(row) - 1]!;
  assert.ok(written.includes(line), `${row}: ${written}\n${near}`);
  assert.match(written.slice(Number(column) - 1), /^\S/);
  assert.match(near, new RegExp(`^  ${row} \\| .*\n +\\| +\\^$`, 'm'));
}

describe('what bad input gets', () => {
  for (const it of file.cases) {
    for (const [name, write] of Object.entries(doors)) {
      test(`${it.name} in ${name}`, async () => {
        const cwd = mkdtempSync(join(folder, 'case-'));
        mkdirSync(cwd, { recursive: true });
        const text = write(definitionOf(it));
        writeFileSync(join(cwd, name), text);
        for (const args of [['plan'], ['apply', '--yes'], ['lint', name]]) {
          const { code, stdout, stderr } = await stint(cwd, ...args);
          const told = `${stdout}\n${stderr}`;
          if (it.code !== undefined) {
            assert.equal(code, 1, told);
            assert.match(stderr, new RegExp(`^error\\[${it.code}\\]: `));
          } else if (it.warning !== undefined) assert.match(told, new RegExp(`warning\\[${it.warning}\\]`));
          else {
            assert.equal(code, 1, told);
            assert.match(told, new RegExp(`error\\[${it.error}\\]`));
          }
          assert.ok(told.includes(it.hint), told);
          checkPlace(told, it, name, text);
        }
      });
    }
  }
});

test('a plan against another organisation or another account is refused', async () => {
  const cwd = mkdtempSync(join(folder, 'case-'));
  const { base } = file;
  writeFileSync(join(cwd, 'stint.config.json'), json({ ...base, organization: 'o-somebodyelse' }));
  for (const verb of [['plan'], ['apply', '--yes']]) {
    const { code, stderr } = await stint(cwd, ...verb);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error\[wrong-organization\]: the credentials are of organisation `o-stintlocal`; the definition is for `o-somebodyelse`\nhint: /,
    );
  }
  writeFileSync(join(cwd, 'stint.config.json'), json(base));
  for (const verb of [['plan'], ['apply', '--yes']]) {
    const { code, stderr } = await stint(cwd, ...verb, '--expect-account', '222222222222');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error\[wrong-account\]: the credentials are of account `111111111111`, not `222222222222`\nhint: /,
    );
  }
});

test('a plan file tells the places that its definition had', async () => {
  const cwd = mkdtempSync(join(folder, 'case-'));
  const ring = file.cases.find(({ warning }) => warning === 'trust-cycle')!;
  writeFileSync(join(cwd, 'stint.config.json'), json(definitionOf(ring)));
  assert.equal((await stint(cwd, 'plan', '-o', 'next.plan')).code, 0);
  rmSync(join(cwd, 'stint.config.json'));
  const { code, stderr } = await stint(cwd, 'apply', 'next.plan', '--yes');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /warning\[trust-cycle\] dev role\/app: .*\n {2}at stint\.config\.json:\d+:\d+\n/);
});

test('the error of a finding that blocks an apply has its place', async () => {
  const cwd = mkdtempSync(join(folder, 'case-'));
  const roles = {
    app: {
      in: ['dev'],
      trust: [{ service: 'ec2.amazonaws.com' }],
      statements: [
        {
          Effect: 'Allow',
          Action: 's3:GetObject',
          Resource: 'arn:aws:s3:::x/*',
          Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
        },
      ],
    },
  };
  writeFileSync(join(cwd, 'stint.config.yaml'), stringify({ ...file.base, roles }));
  const { code, stderr } = await stint(cwd, 'apply', '--yes');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /error\[private-ip-address\] dev role\/app: .*\n {2}at stint\.config\.yaml:\d+:\d+\n {2}\d+ \| +aws:SourceIp: 10\.0\.0\.0\/8\n +\| +\^\n/,
  );
});
