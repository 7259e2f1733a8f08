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
import { isFailure, Secret } from '../../src/base/index.ts';
import {
  checkCredentialsText,
  withoutExpired,
  withSection,
  type SectionContent,
} from '../../src/assume/credentials-file-text.ts';
import { cleanSections, writeSection, type CredentialsFileTools } from '../../src/assume/credentials-file.ts';
import { loadProfiles } from '../../src/assume/profiles.ts';
import { childEnvironment, keys, runProgram, runStint, startSts, temporaryHome } from './support.ts';

const end = Date.parse('2026-01-01T01:00:00Z');

function content(name = 'lent', serial = '1'): SectionContent {
  const session = {
    accessKeyId: `ASIA${serial}`,
    secretAccessKey: new Secret(`secret ${serial}`),
    sessionToken: new Secret(`token ${serial}`),
    expiration: end,
  };
  return { name, session, region: 'eu-west-1' };
}

const section = (serial = '1', eol = '\n'): string =>
  [
    '[lent]',
    'manager = stint',
    `aws_access_key_id = ASIA${serial}`,
    `aws_secret_access_key = secret ${serial}`,
    `aws_session_token = token ${serial}`,
    'region = eu-west-1',
    'expiration = 2026-01-01T01:00:00Z',
    '',
  ].join(eol);

/** Files as people have them; each must survive byte for byte. */
const files: Readonly<Record<string, string>> = {
  'an empty file': '',
  'one section': '[a]\naws_access_key_id = A\n',
  'comments, blank lines and odd spacing':
    '# mine\n\n[ a ]   # why\n  ; x\naws_access_key_id=A\n\taws = 1\n\n\n; end\n[b]\nk\t=\tv ; c\n\n\n',
  'the line ends of Windows': '[a]\r\naws_access_key_id = A\r\n\r\n# c\r\n',
  'mixed line ends': '[a]\r\nx = 1\n\r\n[b]\ny = 2\r\n',
  'a byte order mark': '\u00EF\u00BB\u00BF[a]\nx = 1\n',
  'letters that are no UTF-8': '[a]\nx = \u00FF\u00FE\u00E9\n',
  'duplicate sections and keys': '[a]\nx = 1\nx = 2\n[a]\nx = 3\n',
  'a section of another tool':
    '[lent-too]\nmanager = awsume\naws_access_key_id = A\nexpiration = 2020-01-01 00:00:00\n',
  'what would break a format string': '[a]\nx = 50%%\ny = %(x)s ${z} $(id)\n',
};

for (const [what, text] of Object.entries(files)) {
  test(`a section is added to, changed in and taken from ${what}, and the rest stays byte for byte`, () => {
    const eol = /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n';
    const first = withSection(text, content(), 'f');
    assert.ok(first.startsWith(text));
    assert.ok(first.endsWith(section('1', eol)));
    assert.equal(withSection(first, content('lent', '2'), 'f'), first.replace(section('1', eol), section('2', eol)));
    const { text: after, removed } = withoutExpired(first, end);
    assert.deepEqual(removed, ['lent']);
    assert.equal(after, text);
    assert.equal(withoutExpired(first, end - 1).text, first);
  });
}

test('a section in the middle changes in its place', () => {
  const around = (middle: string): string => `[a]\nx = 1\n\n${middle}# about b\n[b]\ny = 2\n`;
  assert.equal(withSection(around(section('1')), content('lent', '2'), 'f'), around(section('2')));
  assert.equal(withoutExpired(around(section('1')), end).text, '[a]\nx = 1\n# about b\n[b]\ny = 2\n');
});

test('a file without a last line end gets one, and nothing else', () => {
  assert.equal(withSection('[a]\nx = 1', content(), 'f'), `[a]\nx = 1\n\n${section()}`);
  const owned = section().trimEnd();
  assert.equal(withSection(owned, content('lent', '2'), 'f'), section('2'));
  assert.equal(withSection('[lent]\nmanager=stint', content(), 'f'), section());
});

test('lines of others inside a section of Stint stay', () => {
  const mixed = section().replace('region', 'output = json\n# mine\ns3 =\n  max = 1\nregion');
  const changed = withSection(mixed, content('lent', '2'), 'f');
  assert.equal(changed, `${section('2')}output = json\n# mine\ns3 =\n  max = 1\n`);
  assert.equal(withoutExpired(mixed, end).text, '[lent]\noutput = json\n# mine\ns3 =\n  max = 1\n');
});

test('a value that goes on in indented lines goes as a whole', () => {
  const folded = '[lent]\nmanager = stint\naws_session_token = a\n  b\n\tc\noutput = json\n';
  assert.equal(withSection(folded, content(), 'f'), `${section()}output = json\n`);
});

const foreign: Readonly<Record<string, string>> = {
  'without a manager': '[a]\n\n[lent]\naws_access_key_id = A\n',
  'of another manager': '[a]\n\n[lent]\nmanager = awsume\n',
  'with a comment as manager': '[a]\n\n[lent]\n# manager = stint\n',
  'of two managers': '[lent]\nmanager = x\nmanager = stint\n',
  'that is there twice, once not ours': `${section()}[a]\n[lent]\nx = 1\n`,
};
for (const [what, text] of Object.entries(foreign)) {
  test(`55 (Noovolari/leapp#228, #260, #416): a section ${what} is never touched`, () => {
    assert.throws(
      () => withSection(text, content(), 'f'),
      (error) =>
        isFailure(error) && error.code === 'section-foreign' && /^f:\d+: `\[lent\]` was not/.test(error.message),
    );
    const { text: after } = withoutExpired(text, end + 1);
    assert.ok(text.endsWith(after) || after === text);
  });
}

/** The sections of others, without blank lines: what a change may never touch. A comment that follows a section which went stays, below another. */
function foreignParts(text: string, comments = true): readonly string[] {
  return text
    .split(/^(?=\[)/m)
    .filter((part) => !/^manager = stint\r?$/m.test(part))
    .map((part) => part.replaceAll(comments ? /^\r?\n/gm : /^(?:[#;].*)?\r?\n/gm, '').trimEnd())
    .filter((part) => part !== '');
}

/** True when `parts` are among `all`, in that order. */
function holds(all: readonly string[], parts: readonly string[]): boolean {
  let next = 0;
  for (const part of all) if (part === parts[next]) next++;
  return next === parts.length;
}

test('55 (Noovolari/leapp#228, #260, #416): whatever a file holds, sections of others come out as they went in', () => {
  const pieces = [
    '[a]',
    '[lent]',
    '[lent ] # x',
    'manager = stint',
    'manager = x',
    'k = v',
    '  c = d',
    '# c',
    ';',
    '',
    'expiration = 2020-01-01T00:00:00Z',
    'aws_access_key_id = 1',
    'region',
    '\tregion = x',
  ];
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  let written = 0;
  for (let round = 0; round < 5000; round++) {
    const lines = Array.from(
      { length: next(14) },
      () => pieces[next(pieces.length)]! + (next(4) === 0 ? '\r\n' : '\n'),
    );
    const text = lines.join('');
    try {
      checkCredentialsText(text, 'f');
    } catch (error) {
      assert.ok(isFailure(error) && error.code === 'config-syntax');
      continue;
    }
    const before = foreignParts(text);
    assert.ok(
      holds(foreignParts(withoutExpired(text, end).text, false), foreignParts(text, false)),
      JSON.stringify(text),
    );
    let changed: string;
    try {
      changed = withSection(text, content(), 'f');
    } catch (error) {
      assert.ok(isFailure(error) && error.code === 'section-foreign', JSON.stringify(text));
      continue;
    }
    assert.deepEqual(foreignParts(changed), before, JSON.stringify(text));
    assert.equal(withSection(changed, content(), 'f'), changed);
    written++;
  }
  assert.ok(written > 500, String(written));
});

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

const config = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/x
source_profile = central
region = eu-west-3
[profile settings]
region = eu-west-1
`;

test('`--write-profile` writes what SDKs read, and replaces only what it wrote', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const file = join(home, '.aws/credentials');
  const before = readFileSync(file, 'utf8');
  const done = await runStint('main', ['credentials', 'dev', '--write-profile', 'settings'], env);
  assert.deepEqual([done.code, done.stdout], [0, '']);
  assert.match(
    done.stderr,
    /^note: .*mode 644.*\nwrote `\[settings\]` to .*credentials, until \d{4}-.*; as it was before: /,
  );
  const { profiles } = loadProfiles({ HOME: home }, (path) => readFileSync(path, 'utf8'));
  const written = profiles.get('settings')!.settings;
  assert.deepEqual(
    ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'].map((key) => written.get(key)?.value),
    ['ASIA0000000000000001', `secret/1<&>'"$`, 'token 1 `x`'],
  );
  const again = await runStint('main', ['credentials', 'dev', '--write-profile', 'settings', '--refresh'], env);
  assert.equal(again.code, 0);
  assert.match(readFileSync(file, 'utf8'), /ASIA0000000000000002/);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /ASIA0000000000000001/);
  assert.ok(readFileSync(file, 'utf8').startsWith(before));
  const cleaned = await runStint('main', ['credentials', '--clean'], env);
  assert.match(cleaned.stderr, /^nothing of Stint has ended/);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/expiration = .*/, 'expiration = 2020-01-01T00:00:00Z'));
  assert.equal((await runStint('main', ['credentials', '--clean'], env)).stderr, 'removed settings\n');
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('a name that is taken, or none, is refused before a session is fetched', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const refused = async (name: string): Promise<string> => {
    const { code, stderr, stdout } = await runStint('main', ['credentials', 'dev', '--write-profile', name], env);
    assert.notEqual(code, 0);
    assert.equal(stdout, '');
    return /^error\[([\w-]+)\]/.exec(stderr)?.[1] ?? stderr;
  };
  assert.equal(await refused('dev'), 'invalid-option');
  for (const name of ['a]', '', ' a', 'a\nb', '#a', 'a  b', 'x'.repeat(200)]) {
    assert.equal(await refused(name), 'invalid-option', JSON.stringify(name));
  }
  writeFileSync(join(home, '.aws/config'), `${config}[profile sso]\nsso_session = x\n`);
  assert.equal(await refused('sso'), 'section-foreign');
  assert.equal(sts.calls.length, 0);
  assert.equal(await refused('central'), 'section-foreign');
});

test('five writers at once leave five sections', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const names = ['p1', 'p2', 'p3', 'p4', 'p5'];
  const ended = await Promise.all(
    names.map((name) => runStint('main', ['credentials', 'dev', '--write-profile', name], env)),
  );
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 0, 0, 0],
  );
  const text = readFileSync(join(home, '.aws/credentials'), 'utf8');
  assert.deepEqual([...text.matchAll(/^\[(p\d)\]/gm)].map((match) => match[1]!).toSorted(), names);
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

test('caches of other tools stay as they are, whatever Stint does', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const theirs = ['.aws/cli/cache/0a1b.json', '.aws/boto/cache/2c3d.json', '.awsume/cache/aws-credentials-AKIA'];
  for (const name of theirs) {
    mkdirSync(join(home, name, '..'), { recursive: true });
    writeFileSync(join(home, name), `{"Credentials":{"of":"${name}"}}`, { mode: 0o600 });
  }
  const look = (): readonly unknown[] =>
    theirs.map((name) => {
      const { mtimeMs, mode, ino } = statSync(join(home, name));
      return [readFileSync(join(home, name), 'utf8'), mtimeMs, mode, ino, readdirSync(join(home, name, '..'))];
    });
  const before = look();
  for (const args of [
    ['credentials', 'dev'],
    ['credentials', 'dev', '--write-profile', 'p', '--refresh'],
    ['credentials', '--clean'],
    ['forget', 'dev'],
    ['forget', '--all'],
    ['ls'],
  ]) {
    assert.equal((await runStint('main', args, env)).code, 0);
  }
  assert.deepEqual(look(), before);
});
