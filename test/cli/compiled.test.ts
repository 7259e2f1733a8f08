import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';

interface Answer {
  readonly fromKept: boolean;
  readonly answer: string;
}

const loader = join(import.meta.dirname, '../../src/cli/compiled.ts');

/** A bundle in a folder of its own, and the process that loads it. */
function bundle(t: TestContext, hash = 'a'.repeat(20)) {
  const folder = mkdtempSync(join(tmpdir(), 'stint-compiled-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'hot.cjs');
  const write = (said: string, first = hash): void =>
    writeFileSync(
      file,
      `// ${first}\n(function(module,exports,stintUrl,stintImport){function say(){return ${JSON.stringify(said)}}\nmodule.exports={say,load:()=>stintImport('./other.mjs')};})\n`,
    );
  write('one');
  const script = `import { loadCompiled } from ${JSON.stringify(pathToFileURL(loader).href)};
const { exports, fromKept, keep } = loadCompiled(new URL(${JSON.stringify(pathToFileURL(file).href)}), 'saying', process.env);
const other = await exports.load();
console.log(JSON.stringify({ fromKept, answer: exports.say() + other.more }));
keep();`;
  writeFileSync(join(folder, 'other.mjs'), "export const more = '!';");
  const main = join(folder, 'main.mjs');
  writeFileSync(main, script);
  const load = (env: NodeJS.ProcessEnv = {}, ...flags: readonly string[]): Answer =>
    JSON.parse(execFileSync(process.execPath, [...flags, main], { env, encoding: 'utf8' })) as Answer;
  const place = join(folder, 'code');
  return { folder, file, write, load, place, code: () => join(place, readdirSync(place)[0]!) };
}

test('what V8 compiled in one run is taken by the next, and loads what lies beside it', (t) => {
  const { load, code } = bundle(t);
  assert.deepEqual(load(), { fromKept: false, answer: 'one!' });
  assert.deepEqual(load(), { fromKept: true, answer: 'one!' });
  assert.equal(statSync(code()).mode & 0o022, 0);
});

test('code of another text is not run, even one of the same length', (t) => {
  const { load, write } = bundle(t);
  load();
  write('two', 'b'.repeat(20));
  assert.deepEqual(load(), { fromKept: false, answer: 'two!' });
  assert.deepEqual(load(), { fromKept: true, answer: 'two!' });
});

const unsound: Readonly<Record<string, (code: string, t: TestContext) => void>> = {
  'others may write': (code) => chmodSync(code, 0o666),
  'the group may write': (code) => chmodSync(code, 0o620),
  'a link leads to': (code) => {
    copyFileSync(code, `${code}.elsewhere`);
    rmSync(code);
    symlinkSync(`${code}.elsewhere`, code);
  },
  'belongs to somebody else': (code, t) => {
    if (process.getuid?.() === 0) chownSync(code, 12_345, 12_345);
    else t.diagnostic('needs root: nothing is given away');
  },
  'is cut off': (code) => truncateSync(code, statSync(code).size - 8),
  'has no more than its head': (code) => truncateSync(code, 24),
  'is empty': (code) => truncateSync(code, 0),
  'is of nothing but zeros': (code) => writeFileSync(code, Buffer.alloc(statSync(code).size)),
  'has a head and zeros': (code) =>
    writeFileSync(code, Buffer.concat([readFileSync(code).subarray(0, 24), Buffer.alloc(9000)])),
};

for (const [what, harm] of Object.entries(unsound)) {
  test(`a file of code that ${what} is not used`, (t) => {
    const { load, code } = bundle(t);
    load();
    harm(code(), t);
    const owned = what !== 'belongs to somebody else' || process.getuid?.() === 0;
    assert.deepEqual(load(), { fromKept: !owned, answer: 'one!' });
    assert.deepEqual(load(), { fromKept: true, answer: 'one!' });
  });
}

test('flags of V8 and the variable that turns such caches off leave it alone', (t) => {
  const { load, place } = bundle(t);
  for (const answer of [
    load({ NODE_DISABLE_COMPILE_CACHE: '1' }),
    load({ NODE_OPTIONS: '--no-warnings' }),
    load({}, '--no-opt'),
  ])
    assert.deepEqual(answer, { fromKept: false, answer: 'one!' });
  assert.ok(!existsSync(place));
});

test('where nothing can be written the bundle runs all the same', (t) => {
  const { load, place } = bundle(t);
  writeFileSync(place, 'a file where the folder would be');
  assert.deepEqual(load(), { fromKept: false, answer: 'one!' });
  assert.deepEqual(load(), { fromKept: false, answer: 'one!' });
});

test('a bundle of another user keeps no code of ours', { skip: process.getuid?.() !== 0 }, (t) => {
  const { load, file, place } = bundle(t);
  chownSync(file, 12_345, 12_345);
  assert.deepEqual(load(), { fromKept: false, answer: 'one!' });
  assert.ok(!existsSync(place));
});
