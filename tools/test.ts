// Runs test files: `node tools/test.ts [--at-once N] [--files-each N] [--slowest N] GLOB…`. Files of one area
// (test/AREA/…) share a process, some at a time: a process of its own for each file would spend half of the time on
// loading the same modules.
// `--slowest N` tells at the end which N files took most, and what loading each group took.
// Ends with `N passed, N failed, N skipped`; exits 1 when a test failed or a process did not end well.
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import type { FileTime } from './test-times.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  /** Empty when nobody asked for times. */
  readonly times: readonly FileTime[];
}

/**
 * Groups of at most `each` files, all of one area and of nearly the same size. Files with neighbouring names are alike,
 * and what is slow has slow neighbours: they are dealt out like cards.
 */
function groups(files: readonly string[], each: number): readonly (readonly string[])[] {
  const byArea = Map.groupBy(files, areaOf);
  return [...byArea.values()].flatMap((area) => {
    const count = Math.ceil(area.length / each);
    return Array.from({ length: count }, (_, group) => area.filter((__, index) => index % count === group));
  });
}

/** The folder of `test/` in which a file lies, at whatever depth. */
function areaOf(file: string): string {
  return file.split(sep).slice(0, 2).join(sep);
}

/** The times that a group wrote down, its loading under the name of its area. */
function timesOf(file: string, area: string): readonly FileTime[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => JSON.parse(line) as FileTime)
    .map((time) => ({ ...time, file: time.file === '(load)' ? `${area} (loading)` : time.file }));
}

const { NODE_COMPILE_CACHE: cache } = process.env;
/** The folder of compiled files from wherever a test starts a process. */
const compileCache = cache === undefined ? {} : { NODE_COMPILE_CACHE: resolve(cache) };

function runGroup(files: readonly string[], timesFile: string | undefined): Promise<Ended> {
  const { promise, resolve: ended, reject } = Promise.withResolvers<Ended>();
  const timed = timesFile === undefined ? [] : ['--import', new URL('test-times.ts', import.meta.url).href];
  const flags = [...timed, '--test', '--test-isolation=none', '--test-reporter=spec'];
  const child = spawn(process.execPath, [...flags, ...files], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...compileCache, ...(timesFile === undefined ? {} : { TEST_TIMES: timesFile }) },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  child.on('error', reject);
  child.on('close', (code) => {
    const times = timesFile === undefined ? [] : timesOf(timesFile, areaOf(files[0]!));
    ended({ code, output, times });
  });
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
    'files-each': { type: 'string', default: '20' },
    slowest: { type: 'string', default: '0' },
  },
  allowPositionals: true,
});
// What takes longest comes first, so that no core waits for it at the end: the order of the globs counts.
const files = positionals.flatMap((glob) => globSync(glob).sort());
if (files.length === 0) throw new Error(`no test file fits ${positionals.join(' ')}`);

const waiting = [...groups(files, Number(values['files-each']))];
const slowest = Number(values.slowest);
const timesFolder = slowest > 0 ? mkdtempSync(join(tmpdir(), 'test-times-')) : undefined;
const times: FileTime[] = [];
let total: Counts = { passed: 0, failed: 0, skipped: 0 };

async function worker(): Promise<void> {
  for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
    const began = performance.now();
    const timesFile = timesFolder === undefined ? undefined : join(timesFolder, String(waiting.length));
    const ended = await runGroup(group, timesFile);
    times.push(...ended.times);
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
if (timesFolder !== undefined) {
  rmSync(timesFolder, { recursive: true });
  const inSeconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(1).padStart(6);
  console.log('CPU s  wall s');
  for (const { file, wall, cpu } of times.toSorted((one, other) => other.cpu - one.cpu).slice(0, slowest)) {
    console.log(`${inSeconds(cpu)} ${inSeconds(wall)}  ${file}`);
  }
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
