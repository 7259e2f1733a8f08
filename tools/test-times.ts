// Loaded before test files (`--import`): writes what each file took to the file that TEST_TIMES names, a line of JSON each.
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { afterEach, beforeEach, type TestContext } from 'node:test';

/** Milliseconds that a test file took; what came before the first test is `(load)`. */
export interface FileTime {
  readonly file: string;
  readonly wall: number;
  /** User and system time of the process and of the children it has waited for; 0 where there is no /proc. */
  readonly cpu: number;
}

const tickMilliseconds = 10;
const files = new Map<string, { wall: number; cpu: number }>();
let before = { wall: 0, cpu: 0 };

/** The CPU time of this process and of its ended children so far. Source: proc_pid_stat(5), fields 14 to 17. */
function cpuSoFar(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15);
    return fields.reduce((sum, field) => sum + Number(field) * tickMilliseconds, 0);
  } catch {
    return 0;
  }
}

function spentOn(file: string): void {
  const now = { wall: performance.now(), cpu: cpuSoFar() };
  const sum = files.get(file) ?? { wall: 0, cpu: 0 };
  files.set(file, { wall: sum.wall + now.wall - before.wall, cpu: sum.cpu + now.cpu - before.cpu });
  before = now;
}

beforeEach(() => {
  if (files.size === 0) spentOn('(load)');
});
afterEach((context) => spentOn(relative('.', (context as TestContext).filePath ?? '')));

process.on('exit', () => {
  const lines = [...files].map(
    ([file, { wall, cpu }]) => `${JSON.stringify({ file, wall: Math.round(wall), cpu } satisfies FileTime)}\n`,
  );
  writeFileSync(process.env['TEST_TIMES']!, lines.join(''));
});
