// What every command has alike: help with examples, wrong lines told in one form, streams that fail.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, globSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Command } from 'commander';
import type { CommandModule, Io } from '../../src/cli/command.ts';
import { processIo } from '../../src/cli/process-io.ts';
import { addTalkOptions, talkingIo, withDoubleDashes } from '../../src/cli/usage.ts';
import { printFailure, say } from '../../src/cli/output.ts';
import { runStint } from './support.ts';

interface Case {
  readonly line: string;
  readonly code: number;
  readonly error: string;
  readonly hint: string;
}

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const cases = JSON.parse(readFileSync(join(import.meta.dirname, '../cases/cli/usage.json'), 'utf8')) as readonly Case[];
const folder = mkdtempSync(join(tmpdir(), 'stint-usage-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const options = { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, STINT_HOME: join(folder, 'home') } };

describe('a wrong command line', () => {
  for (const { line, code, error, hint } of cases) {
    test(`\`stint ${line}\` is told what is wrong and what cures it`, async () => {
      const { code: given, stdout, stderr } = await runStint(line.split(' '), options);
      assert.deepEqual([given, stdout, stderr], [code, '', `${error}\nhint: ${hint}\n`]);
    });
  }
});

async function everyCommand(): Promise<Command> {
  const program = new Command('stint').exitOverride();
  for (const file of globSync(join(import.meta.dirname, '../../src/cli/commands/*.ts'))) {
    ((await import(file)) as CommandModule).register(program, processIo());
  }
  return program;
}

function withBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withBelow)];
}

test('the help of every command, however deep, says what it does and shows two examples', async () => {
  const program = await everyCommand();
  const all = program.commands.flatMap(withBelow);
  assert.ok(all.length > 30);
  for (const command of all) {
    let page = '';
    command.configureOutput({ writeOut: (text) => (page += text) }).outputHelp();
    const shown = page.split('Examples:\n')[1]?.match(/^ +\S.*$/gm) ?? [];
    assert.ok(shown.length >= 2, `${command.name()} shows ${shown.length} examples`);
    assert.notEqual(command.description(), '', command.name());
  }
});

test('every command takes --quiet, which keeps notes back, and --verbose, which tells causes', async () => {
  const program = await everyCommand();
  const talk = { quiet: false, verbose: false };
  addTalkOptions(program, talk);
  for (const command of program.commands.flatMap(withBelow)) {
    const flags = command.options.map(({ long }) => long);
    assert.ok(flags.includes('--quiet') && flags.includes('--verbose'), command.name());
  }
  let told = '';
  const stderr = { write: (text: string) => (told += text) };
  const io = talkingIo({ ...processIo(), stderr } as unknown as Io, talk);
  Object.assign(talk, { quiet: true, verbose: true });
  say(io, 'a note');
  const { cliFailure } = await import('../../src/cli/failures.ts');
  printFailure(io, cliFailure('usage', 'wrong', { hint: 'right', cause: new Error('why') }));
  assert.equal(told, 'error[usage]: wrong\nhint: right\ncause: Error: why\n');
});

test('long options in Vault’s spelling are taken, values and names unknown to the command are left alone', async () => {
  const program = await everyCommand();
  const spelt = (line: string): string => withDoubleDashes(program, line.split(' ')).join(' ');
  assert.equal(spelt('lease revoke -force -prefix aws/creds'), 'lease revoke --force --prefix aws/creds');
  assert.equal(spelt('secrets enable -path=team/aws aws'), 'secrets enable --path=team/aws aws');
  assert.equal(spelt('write secret/a -prefix b=- -'), 'write secret/a -prefix b=- -');
});

test('a reader that leaves early ends nothing', async () => {
  const child = spawn(process.execPath, [main, '--help'], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number];
  assert.deepEqual([code, stderr], [0, '']);
});

test('an output that cannot be written is a failure', { skip: process.platform !== 'linux' }, async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [main, '--help'], { ...options, stdio: ['ignore', full, 'pipe'] });
  let stderr = '';
  child.stderr!.on('data', (text: Buffer) => (stderr += text.toString()));
  closeSync(full);
  const [code] = (await once(child, 'close')) as [number];
  assert.deepEqual(
    [code, stderr.split('\n')[0]],
    [1, 'error[output-unwritable]: standard output cannot be written (ENOSPC)'],
  );
});
