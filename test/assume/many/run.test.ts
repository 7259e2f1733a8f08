// What commands print, through readers that take their time.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/index.ts';
import { loadMany } from '../../../src/assume/index.ts';
import { runProgram, temporaryHome } from '../support.ts';

const { execMany } = await loadMany();

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('what a command printed before its end is taken, also when the reader is free again in the last moment', async (t) => {
  const env = { PATH: process.env['PATH'] ?? '' };
  const go = join(temporaryHome(t, ''), 'go');
  await runProgram('mkfifo', [go], env);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { promise: free, resolve: release } = Promise.withResolvers<void>();
  let taken = '';
  const told = Promise.withResolvers<number>();
  const stdout = (chunk: Buffer): Promise<void> => {
    if (taken === '') told.resolve(Number(chunk.toString()));
    taken += chunk.toString();
    return free;
  };
  // More than Node reads ahead, and no more than a pipe holds besides.
  const script = 'echo $$; read _ <"$0"; head -c 70000 /dev/zero | tr "\\0" x; echo end';
  const running = execMany(['x'], 'sh', ['-c', script, go], {
    jobs: 1,
    failFast: false,
    clock: systemClock,
    environment: async () => env,
    output: () => ({ stdout, stderr: () => undefined }),
    onEnd: () => undefined,
    tell: () => undefined,
  });
  const pid = await told.promise;
  writeFileSync(go, '\n');
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
  release();
  await free;
  // So long nobody waits for a word after the end; what was printed lies in the pipe.
  t.mock.timers.tick(200);
  await running;
  assert.equal(taken, `${pid}\n${'x'.repeat(70_000)}end\n`);
});
