import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { cleanSections, writeSection, type CredentialsFileTools } from '../../src/assume/credentials-file.ts';
import { keys, runProgram, temporaryHome } from './support.ts';
import { content, end, section } from './credentials-file-support.ts';

interface Place {
  readonly home: string;
  readonly file: string;
  readonly tools: CredentialsFileTools;
  readonly notes: string[];
}

function place(t: TestContext, text = `[central]\n${keys}`): Place {
  const home = temporaryHome(t, '', text);
  const file = join(home, '.aws/credentials');
  chmodSync(file, 0o600);
  const notes: string[] = [];
  return { home, file, notes, tools: { file, note: (line) => notes.push(line), lock: async () => () => undefined } };
}

test('the file is replaced whole, private, with the one before beside it', async (t) => {
  const { file, tools, notes } = place(t);
  const before = readFileSync(file, 'utf8');
  const backup = await writeSection(content(), tools);
  assert.equal(readFileSync(file, 'utf8'), `${before}\n${section()}`);
  assert.equal(backup, `${file}.stint-backup`);
  assert.equal(readFileSync(backup, 'utf8'), before);
  assert.deepEqual(
    [file, backup].map((each) => statSync(each).mode & 0o777),
    [0o600, 0o600],
  );
  assert.deepEqual(await cleanSections(end, tools), ['lent']);
  assert.equal(readFileSync(file, 'utf8'), before);
  assert.deepEqual(await cleanSections(end, tools), []);
  assert.deepEqual(notes, []);
  assert.deepEqual(readdirSync(join(file, '..')).toSorted(), ['config', 'credentials', 'credentials.stint-backup']);
});

test('a file and a folder that are not there are made, private', async (t) => {
  const { home, tools } = place(t);
  const file = join(home, 'new/folder/credentials');
  assert.equal(await writeSection(content(), { ...tools, file }), undefined);
  assert.equal(readFileSync(file, 'utf8').trimStart(), section());
  assert.deepEqual([statSync(file).mode & 0o777, statSync(join(file, '..')).mode & 0o777], [0o600, 0o700]);
});

test('a link stays a link, and the file it leads to is changed', async (t) => {
  const { home, file, tools } = place(t);
  const real = join(home, 'dotfiles');
  mkdirSync(real);
  writeFileSync(join(real, 'creds'), '[a]\nx = 1\n', { mode: 0o600 });
  rmSync(file);
  symlinkSync('../dotfiles/creds', file);
  await writeSection(content(), tools);
  assert.equal(readlinkSync(file), '../dotfiles/creds');
  assert.equal(readFileSync(join(real, 'creds'), 'utf8'), `[a]\nx = 1\n\n${section()}`);
  rmSync(join(real, 'creds'));
  await writeSection(content(), tools);
  assert.equal(readlinkSync(file), '../dotfiles/creds');
  rmSync(file);
  symlinkSync('credentials', file);
  await assert.rejects(writeSection(content(), tools), { code: 'credentials-file-unwritable' });
});

test('a file that others may read becomes private, and that is told', async (t) => {
  const { file, tools, notes } = place(t);
  chmodSync(file, 0o644);
  await writeSection(content(), tools);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(notes.length, 1);
  chmodSync(file, 0o700);
  await writeSection(content('other'), tools);
  assert.equal(statSync(file).mode & 0o777, 0o700);
});

const broken: Readonly<Record<string, { text: string; code: string; message: RegExp }>> = {
  'a line that is no setting': { text: '[a]\nx = 1\nwhat\n', code: 'config-syntax', message: /credentials:3: `what`/ },
  'a broken heading': { text: '[a]\nx = 1\n[b\n', code: 'config-syntax', message: /credentials:3: / },
  'settings before any section': { text: 'x = 1\n', code: 'config-syntax', message: /credentials:1: / },
  'a zero byte': { text: '[a]\nx = \0\n', code: 'credentials-file-unsafe', message: /credentials:2: / },
};
for (const [what, { text, code, message }] of Object.entries(broken)) {
  test(`a file with ${what} is refused with its place, and stays`, async (t) => {
    const { file, tools } = place(t, text);
    await assert.rejects(writeSection(content(), tools), { code, message });
    await assert.rejects(cleanSections(end, tools), { code, message });
    assert.equal(readFileSync(file, 'utf8'), text);
    assert.equal(existsSync(`${file}.stint-backup`), false);
  });
}

test('a huge file, a folder, a read-only file are refused and stay', async (t) => {
  const { file, tools } = place(t);
  truncateSync(file, 200_000_000);
  await assert.rejects(writeSection(content(), tools), { code: 'credentials-file-unsafe', message: /200000000 bytes/ });
  assert.equal(statSync(file).size, 200_000_000);
  truncateSync(file, 0);
  chmodSync(file, 0o400);
  await assert.rejects(writeSection(content(), tools), { code: 'credentials-file-unsafe', message: /read-only/ });
  rmSync(file);
  mkdirSync(file);
  await assert.rejects(writeSection(content(), tools), { code: 'credentials-file-unsafe', message: /ordinary/ });
});

test('another tool that writes at the same time loses nothing', async (t) => {
  const { file, tools } = place(t, '[a]\nx = 1\n');
  let looks = 0;
  // The lock is taken before the first look: a writer that knows no lock comes in between the looks.
  const { statSync: stat } = process.getBuiltinModule('node:fs');
  const fs = process.getBuiltinModule('node:fs');
  t.mock.method(fs, 'statSync', ((path: string, options: object) => {
    if (path === file && ++looks === 2) fs.appendFileSync(file, '[b]\ny = 2\n');
    return stat(path, options as { throwIfNoEntry: false });
  }) as typeof fs.statSync);
  await writeSection(content(), tools);
  assert.equal(readFileSync(file, 'utf8'), `[a]\nx = 1\n[b]\ny = 2\n\n${section()}`);
});

test('killed at any moment, it leaves the old file or the new one', async (t) => {
  const { home, file } = place(t, `${`# line\n`.repeat(200_000)}[a]\nx = 1\n`);
  const before = readFileSync(file, 'utf8');
  const script = `
    import { writeSection } from '${join(import.meta.dirname, '../../src/assume/credentials-file.ts')}';
    import { Secret } from '${join(import.meta.dirname, '../../src/base/index.ts')}';
    const session = { accessKeyId: 'A', secretAccessKey: new Secret('s'), expiration: 0 };
    process.stdout.write('ready');
    for (let n = 0; ; n++) await writeSection({ name: 'p' + (n % 2), session, region: 'r' + n }, { file: ${JSON.stringify(file)}, note: () => {}, lock: async () => () => {} });
  `;
  writeFileSync(join(home, 'loop.mjs'), script);
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, [join(home, 'loop.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    // As many turns of the event loop as the round says: each kill hits another instruction.
    for (let turn = 0; turn < round * 40; turn++) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const after = readFileSync(file, 'utf8');
    assert.ok(after.startsWith(before));
    assert.match(after.slice(before.length), /^(?:\n\[p\d\]\nmanager = stint\n[\s\S]*expiration = .*\n)*$/);
  }
});

test('a disk that is full leaves the old file', async (t) => {
  const { home, file } = place(t, `${`# line\n`.repeat(20_000)}[a]\nx = 1\n`);
  const before = readFileSync(file, 'utf8');
  const script = `
    import { writeSection } from '${join(import.meta.dirname, '../../src/assume/credentials-file.ts')}';
    import { Secret } from '${join(import.meta.dirname, '../../src/base/index.ts')}';
    const session = { accessKeyId: 'A', secretAccessKey: new Secret('s') };
    await writeSection({ name: 'p', session }, { file: ${JSON.stringify(file)}, note: () => {}, lock: async () => () => {} }).catch((error) => console.log(error.code));
  `;
  writeFileSync(join(home, 'full.mjs'), script);
  // 64 blocks of 1 KiB: less than the file has.
  const limited = `ulimit -f 64; exec "$0" "$1"`;
  const { stdout } = await runProgram('bash', ['-c', limited, process.execPath, join(home, 'full.mjs')], {
    PATH: process.env['PATH'] ?? '',
  });
  assert.equal(stdout, 'credentials-file-unwritable\n');
  assert.equal(readFileSync(file, 'utf8'), before);
  assert.deepEqual(readdirSync(join(file, '..')).toSorted(), ['config', 'credentials']);
});
