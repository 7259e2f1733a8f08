// Runs test files: `node tools/test.ts [--at-once N] [--files-each N] GLOB…`. Files of one folder share a process,
// a few at a time: a process of its own for each file would spend half of the time on loading the same modules.
// Ends with `N passed, N failed, N skipped`; exits 1 when a test failed or a process did not end well.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Groups of at most `each` files, all of one folder. */
function groups(files: readonly string[], each: number): readonly (readonly string[])[] {
  const byFolder = Map.groupBy(files, (file) => dirname(file));
  return [...byFolder.values()].flatMap((folder) =>
    Array.from({ length: Math.ceil(folder.length / each) }, (_, index) =>
      folder.slice(index * each, (index + 1) * each),
    ),
  );
}

function runGroup(files: readonly string[]): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const flags = ['--test', '--test-isolation=none', '--test-reporter=spec'];
  const child = spawn(process.execPath, [...flags, ...files], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  child.on('error', reject);
  child.on('close', (code) => resolve({ code, output }));
  return promise;
}

/** The counts that Node's reporter ends with. A process that ended badly before it counted has one failure. */
function countsOf({ code, output }: Ended): Counts {
  const count = (name: string): number => Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  return { passed: count('pass'), failed: failed === 0 && code !== 0 ? 1 : failed, skipped: count('skipped') };
}

/** What to read when a group failed: the failing tests if Node listed them, else everything. */
function complaint({ output }: Ended): string {
  const from = output.indexOf('✖ failing tests:');
  return from === -1 ? output : output.slice(from);
}

const { values, positionals } = parseArgs({
  options: {
    'at-once': { type: 'string', default: String(availableParallelism() + 1) },
    'files-each': { type: 'string', default: '10' },
  },
  allowPositionals: true,
});
// What takes longest comes first, so that no core waits for it at the end: the order of the globs counts.
const files = positionals.flatMap((glob) => globSync(glob).sort());
if (files.length === 0) throw new Error(`no test file fits ${positionals.join(' ')}`);

const waiting = [...groups(files, Number(values['files-each']))];
let total: Counts = { passed: 0, failed: 0, skipped: 0 };

async function worker(): Promise<void> {
  for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
    const began = performance.now();
    const ended = await runGroup(group);
    const { passed, failed, skipped } = countsOf(ended);
    total = { passed: total.passed + passed, failed: total.failed + failed, skipped: total.skipped + skipped };
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const mark = failed === 0 ? '✔' : '✖';
    const skips = skipped === 0 ? '' : `, ${skipped} skipped`;
    console.log(`${mark} ${passed} passed, ${failed} failed${skips} in ${seconds} s: ${group.join(' ')}`);
    for (const line of ended.output.match(/^\s*﹣ .*# .*$/gm) ?? []) console.log(line);
    if (failed > 0) console.log(complaint(ended));
  }
}

await Promise.all(Array.from({ length: Number(values['at-once']) }, worker));
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
