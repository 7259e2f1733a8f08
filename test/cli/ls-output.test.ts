// `stint ls` writes without the stream that Node has for standard output, and leaves what has to wait to that stream.
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { childEnvironment, mainFile, runStint, temporaryHome } from '../assume/support.ts';

const count = 2000;
const config = Array.from(
  { length: count },
  (_, index) =>
    `[profile account${index}]\nrole_arn = arn:aws:iam::${200_000_000_000 + index}:role/admin\nsource_profile = central\n`,
).join('');

interface Listing {
  readonly home: string;
  readonly env: Record<string, string>;
  /** Starts `stint ls --json`, which prints several times what a pipe holds. */
  readonly start: (stdout: 'pipe' | number) => ChildProcess;
}

function listing(t: TestContext): Listing {
  const home = temporaryHome(t, config);
  const env = childEnvironment(home);
  const start = (stdout: 'pipe' | number): ChildProcess =>
    spawn(process.execPath, [mainFile, 'ls', '--json'], { env, stdio: ['ignore', stdout, 'pipe'] });
  return { home, env, start };
}

async function ended(child: ChildProcess): Promise<readonly [code: number | null, stderr: string]> {
  const [stderr, [code]] = await Promise.all([
    text(child.stderr!),
    once(child, 'close') as Promise<[code: number | null]>,
  ]);
  return [code, stderr];
}

const targetsIn = (json: string): number => (JSON.parse(json) as { targets: unknown[] }).targets.length;

test('a file and a pipe get the same, whole', async (t) => {
  const { home, env, start } = listing(t);
  const file = join(home, 'out');
  const handle = openSync(file, 'w');
  assert.deepEqual(await ended(start(handle)), [0, '']);
  closeSync(handle);
  const { stdout } = await runStint('main', ['ls', '--json'], env);
  assert.equal(readFileSync(file, 'utf8'), stdout);
  assert.equal(targetsIn(stdout), count + 1);
});

test('a pipe that takes no more for now gets the rest later', { skip: process.platform === 'win32' }, async (t) => {
  const { home, start } = listing(t);
  const pipe = join(home, 'pipe');
  execFileSync('sh', ['-c', 'mkfifo "$0"', pipe]);
  // Opened for both, so that nobody waits for the other end; a write that would have to wait fails instead.
  const handle = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  const child = start(handle);
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'inherit'] });
  closeSync(handle);
  const [[code, stderr], json] = await Promise.all([ended(child), text(reader.stdout)]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(targetsIn(json), count + 1);
});

test('a reader that leaves early ends nothing', async (t) => {
  const child = listing(t).start('pipe');
  child.stdout!.destroy();
  assert.deepEqual(await ended(child), [0, '']);
});

test('a list that cannot be written is a failure', { skip: process.platform !== 'linux' }, async (t) => {
  const full = openSync('/dev/full', 'w');
  const child = listing(t).start(full);
  closeSync(full);
  const [code, stderr] = await ended(child);
  assert.deepEqual(
    [code, stderr.split('\n')[0]],
    [1, 'error[output-unwritable]: standard output cannot be written (ENOSPC)'],
  );
});
