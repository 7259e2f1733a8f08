// The picker: every key as a row, and a person at a terminal.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  keysIn,
  pickerLines,
  pressKey,
  startPicker,
  type Choice,
  type PickerState,
} from '../../src/assume/picker-state.ts';
import { recentTargets } from '../../src/assume/recent.ts';
import { childEnvironment, runStint, startSts, temporaryHome } from './support.ts';
import { startAtTerminal } from './terminal.ts';

const choices: readonly Choice[] = [
  { name: 'dev/admin', detail: '222222222222  admin', production: false },
  { name: 'dev/reader', detail: '222222222222  reader', production: false },
  { name: 'prod/admin', detail: '444444444444  admin', production: true },
  { name: 'old', detail: '444444444444  dev-admin', production: false },
];

function names({ choices: all, matching }: PickerState): readonly string[] {
  return matching.map((index) => all[index]!.name);
}

/** The state after the keys, or what came of them. */
function type(text: string, recent: readonly string[] = []): PickerState | string {
  let state = startPicker(choices, recent);
  for (const key of keysIn(text)) {
    const step = pressKey(state, key);
    if (step === 'ended') return 'ended';
    if ('picked' in step) return `picked ${step.picked}`;
    state = step;
  }
  return state;
}

/** What is typed -> what is picked by it. */
const typed: Readonly<Record<string, string>> = {
  '\r': 'picked dev/admin',
  'read\r': 'picked dev/reader',
  'admin pr\r': 'picked prod/admin',
  'PROD\r': 'picked prod/admin',
  '4444 dev\r': 'picked old',
  '\x1b[B\x1b[B\r': 'picked prod/admin',
  '\x1b[B\x1b[A\r': 'picked dev/admin',
  '\x1b[A\r': 'picked dev/admin',
  '\x1b[F\r': 'picked old',
  '\x1b[6~\x1b[5~\r': 'picked dev/admin',
  '\x1b[F\x1b[H\r': 'picked dev/admin',
  'x\x7f\r': 'picked dev/admin',
  'dev read\x17\x17prod\r': 'picked prod/admin',
  'old\x15\r': 'picked dev/admin',
  'nothing\r\x15\r': 'picked dev/admin',
  '\x1b[25~\x01\r': 'picked dev/admin',
  '\x1b': 'ended',
  '\x03': 'ended',
  'dev\x04': 'ended',
};

for (const [text, result] of Object.entries(typed)) {
  test(`${JSON.stringify(text)} comes to \`${result}\``, () => assert.equal(type(text), result));
}

test('several words are looked for in any order, and what has them in its name comes first', () => {
  assert.deepEqual(names(type('admin dev') as PickerState), ['dev/admin', 'old']);
  assert.deepEqual(names(type('  ') as PickerState), ['dev/admin', 'dev/reader', 'prod/admin', 'old']);
});

test('what was used lately comes first, the latest before all; names that are gone are not shown', () => {
  const state = type('', ['old', 'gone', 'dev/reader']) as PickerState;
  assert.deepEqual(names(state), ['old', 'dev/reader', 'dev/admin', 'prod/admin']);
});

test('lines fit the terminal, mark production, and pass on nothing that a terminal obeys', () => {
  const state = startPicker([{ name: 'a\x1b[2Jb', detail: 'd'.repeat(200), production: true }], []);
  const lines = pickerLines(state, { columns: 20, rows: 10, color: false });
  for (const line of lines) assert.ok(Array.from(line).length < 20, line);
  assert.ok(lines[1]!.startsWith('> ! a[2Jb'));
  assert.ok(pickerLines(state, { columns: 80, rows: 10, color: true })[1]!.includes('\x1b[31m'));
});

test('the marked one stays in sight, and no more is drawn than the terminal has lines', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => ({ name: `n${index}`, detail: '', production: false }));
  let state = startPicker(many, []);
  for (let press = 0; press < 500; press++) state = pressKey(state, '\x1b[B') as PickerState;
  const lines = pickerLines(state, { columns: 80, rows: 12, color: false });
  assert.ok(lines.length <= 12);
  assert.ok(lines.some((line) => line.startsWith('>   n500')));
});

const config = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/test_role
source_profile = central
[profile my prod]
role_arn = arn:aws:iam::444444444444:role/admin
source_profile = central
`;

test('stint assume without a target lets a person pick one, and puts nothing else on stdout', async (t) => {
  const env = { ...childEnvironment(temporaryHome(t, config), await startSts(t)), TERM: 'xterm' };
  const typing = startAtTerminal(['assume'], env);
  await typing.shows('3 of 3');
  typing.type('prod');
  const { code, stdout } = await typing.ended;
  assert.equal(code, 0);
  assert.match(stdout, /^export STINT_TARGET='my prod'$/m);
  assert.ok(
    stdout.split('\n').every((line) => /^(?:export|unset) |^$/.test(line)),
    stdout,
  );
});

test('leaving the picker puts nothing into the shell and ends with 130', async (t) => {
  const env = { ...childEnvironment(temporaryHome(t, config), await startSts(t)), TERM: 'xterm' };
  const typing = startAtTerminal(['assume'], env);
  await typing.shows('3 of 3');
  typing.type('\x1b');
  const { code, stdout, stderr } = await typing.ended;
  assert.deepEqual([code, stdout], [130, '']);
  assert.match(stderr, /error\[interrupted\]/);
});

test('without a terminal a target is asked for by an error, and stint ls is a table', async (t) => {
  const env = childEnvironment(temporaryHome(t, config));
  const assume = await runStint('main', ['assume'], env);
  assert.deepEqual([assume.code, assume.stdout], [2, '']);
  assert.match(assume.stderr, /^error\[missing-target\]/);
  assert.match((await runStint('main', ['ls'], env)).stdout, /^TARGET +ACCOUNT/);
});

test('52 (fwdcloudsec/granted#140): targets used lately are remembered privately, and not at all where STINT_NO_RECENT says so', async (t) => {
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, await startSts(t));
  const sessions = join(home, '.cache', 'stint', 'sessions');
  await runStint('main', ['assume', 'my prod'], { ...env, STINT_NO_RECENT: '1' });
  assert.deepEqual(recentTargets(sessions, {}), []);
  await runStint('main', ['assume', 'my prod'], env);
  await runStint('main', ['assume', 'dev'], env);
  assert.deepEqual(recentTargets(sessions, {}), ['dev', 'my prod']);
  assert.deepEqual(recentTargets(sessions, { STINT_NO_RECENT: '1' }), []);
  const file = join(sessions, 'ready', 'recent');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await runStint('main', ['forget', '--all'], env);
  assert.throws(() => readFileSync(file), /ENOENT/);
});
