// The live table of an apply on a real terminal, of which Python is the other end.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { root, run, skipUnless, startCloudProcess, temporaryFolder } from './support.ts';

const skip = skipUnless('python');

const members = Array.from({ length: 20 }, (_, index) => ({
  id: String(200_000_000_000 + index),
  name: `account-${index}`,
  stage: index < 12 ? 'dev' : 'prod',
}));
const central = { id: '111111111111', name: 'central', stage: 'central' };

const definition = {
  version: 1,
  organization: 'o-terminal00',
  accounts: {
    central: { id: central.id, stage: central.stage, central: true },
    ...Object.fromEntries(members.map(({ id, name, stage }) => [name, { id, stage }])),
  },
  stages: ['central', 'dev', 'prod'],
  roles: Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [
      `role_${index}`,
      { in: { stage: ['dev', 'prod'] }, trust: [{ service: 'ec2.amazonaws.com' }], managed: ['ReadOnlyAccess'] },
    ]),
  ),
};

interface Shown {
  readonly code: number;
  readonly text: string;
  /** Where the text was when the terminal's person did something; null where it never came to that. */
  readonly after: number | null;
}

async function applyAt(t: TestContext, columns: number, drawn: number, what: string): Promise<Shown> {
  const folder = temporaryFolder(t);
  const [organization, config] = [join(folder, 'organization.json'), join(folder, 'stint.config.json')];
  const accounts = [central, ...members];
  writeFileSync(organization, JSON.stringify({ version: 1, id: 'o-terminal00', management: central.id, accounts }));
  writeFileSync(config, JSON.stringify(definition));
  const cloud = await startCloudProcess(t, '--org', organization);
  // So slow that the table is drawn many times, however fast the machine.
  await cloud.delay('AttachRolePolicy', 100, 400);
  const command = [process.execPath, join(root, 'src/cli/main.ts'), 'apply', '--yes', '--config', config];
  const program = [join(root, 'test/clients/programs/in_terminal.py'), String(columns), '24', String(drawn), what];
  const { stdout, stderr } = await run('python', [...program, ...command], cloud.admin('central'));
  assert.equal(stderr, '');
  const shown = JSON.parse(stdout) as Shown;
  assert.ok(shown.after !== null, shown.text);
  return shown;
}

const up = new RegExp(String.raw`\r?${String.fromCodePoint(27)}\[\d+A`, 'g');

/** The lines of every picture of the table: what stands between its being erased and being erased again. */
function pictures(text: string): string[][] {
  const [, ...drawn] = text.split('\u001b[J');
  return drawn.map((picture) =>
    picture
      .replaceAll(up, '')
      .split(/\r+\n/)
      .filter((line) => line.trim() !== ''),
  );
}

describe('an apply to 20 accounts, on a terminal', { skip }, () => {
  test('shows each of them, and nothing of it is left when it has ended', async (t) => {
    const { code, text } = await applyAt(t, 100, 3, 'nothing');
    assert.equal(code, 0, text);
    const shown = pictures(text);
    const lines = shown.flat().join('\n');
    for (const { name, stage } of members)
      assert.match(lines, new RegExp(`^${name} +${stage} +[#.]{20} +\\d+/40 `, 'm'));
    assert.match(lines, /^\d+\/800 steps, about \d+\w+ left$/m);
    assert.deepEqual(shown.at(-1), [
      'Roles ready: read back only: 400 that let in only services.',
      'Applied: 400 added, 0 changed, 0 destroyed.',
    ]);
  });

  test('fits 40 columns, also when it is made so in the middle', async (t) => {
    for (const [columns, what] of [
      [40, 'nothing'],
      [100, 'narrow'],
    ] as const) {
      const { code, text, after } = await applyAt(t, columns, 4, what);
      assert.equal(code, 0, text);
      // What was drawn while the size changed may be of either size.
      const late = pictures(text.slice(after!)).slice(2, -1).flat();
      assert.ok(late.length > 0, text);
      for (const line of late) assert.ok(line.length < 40, line);
      assert.ok(
        late.some((line) => /^account-\d+ +.*\d+\/40 (?:begun|done|waiting)$/.test(line)),
        late.join('\n'),
      );
    }
  });

  test('stops when Ctrl-C is typed, says so at once, and leaves the terminal to the next command', async (t) => {
    const { code, text, after } = await applyAt(t, 100, 4, 'interrupt');
    assert.equal(code, 1, text);
    const last = pictures(text.slice(after!)).at(-1)!;
    assert.match(last[0]!, /^error\[interrupted\]: stopped on request; \d+ steps were not started$/);
    assert.match(last[1]!, /^hint: apply again to go on/);
    assert.doesNotMatch(last.join('\n'), /\^C|#/);
  });
});
