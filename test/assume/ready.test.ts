// The index that shells read: when its entries answer without Node, and when they must not.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isoSeconds } from '../../src/base/index.ts';
import { processJson } from '../../src/assume/exporters.ts';
import { readEntry, writeEntry, type ReadyEntry } from '../../src/assume/ready-entry.ts';
import { ReadyStore } from '../../src/assume/ready.ts';
import { readChoices } from '../../src/cli/assume-options.ts';
import { assumeTarget } from '../../src/cli/assume-session.ts';
import type { Io } from '../../src/cli/command.ts';
import { processIo } from '../../src/cli/process-io.ts';
import { age, readyHome, type ReadyHome } from './ready-support.ts';
import { credentialsFile, mainFile, runProgram, runStint, type Ended } from './support.ts';

const config = `[profile central]
region = eu-west-1
[profile dev]
role_arn = arn:aws:iam::222222222222:role/test_role
source_profile = central
[profile a/b c]
role_arn = arn:aws:iam::222222222222:role/other
source_profile = central
[profile $(touch pwned) 'x"]
role_arn = arn:aws:iam::222222222222:role/quoted
source_profile = central
`;

const definition =
  'version: 1\naccounts: { dev: { id: "222222222222", stage: dev }, central: { id: "111111111111", stage: central, central: true } }\nstages: [central, dev]\ngroups: { developers: {} }\nroles: { test_role: { in: [dev], trust: [{ group: developers }] } }\n';

const shells = ['sh', 'bash'];

const process_ = processIo();

/** What `stint-credentials` prints and leaves behind, in this process. */
async function kept(home: ReadyHome, target = 'dev', env: Record<string, string> = {}): Promise<string> {
  const io = Object.create(process_, { env: { value: { ...home.env, ...env } }, cwd: { value: home.home } }) as Io;
  const { request, session } = await assumeTarget(io, target, readChoices({}));
  return `${processJson(request, session)}\n`;
}

test('a kept session is printed by the shell alone, the same text that Node prints', async (t) => {
  const home = await readyHome(t, config);
  for (const target of ['dev', 'a/b c', `$(touch pwned) 'x"`]) {
    const printed = await kept(home, target);
    for (const shell of shells) assert.equal((await home.answer(shell, target)).stdout, printed, `${shell} ${target}`);
  }
  assert.equal(home.sts.calls.length, 3);
});

test(
  'what cannot be written is a failure, from an entry as without',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const home = await readyHome(t, config);
    await runStint('main', ['credentials', 'dev'], home.env);
    const full = (...line: readonly string[]): Promise<Ended> =>
      runProgram('/bin/sh', ['-c', '"$@" >/dev/full', 'sh', ...line], home.env, home.home);
    for (const target of ['dev', 'central']) {
      for (const line of [
        [mainFile, 'credentials', target],
        [credentialsFile, target],
      ]) {
        const { code, stderr } = await full(process.execPath, ...line);
        assert.equal(code, 1, line.join(' '));
        assert.match(
          stderr,
          /^error\[output-unwritable\]: standard output cannot be written \(ENOSPC\)\nhint: [^\n]+\n$/,
        );
      }
    }
    // The script leaves it to Node, which tells it.
    const script = await home.answer('/bin/sh', 'dev');
    assert.equal(script.started, false);
    const node = join(home.home, '.cache/bin/node');
    writeFileSync(node, '#!/bin/sh\nexit 7\n');
    const env = { ...home.env, PATH: `${join(node, '..')}:${home.env['PATH'] ?? ''}` };
    const left = await runProgram(
      '/bin/sh',
      ['-c', '/bin/sh "$0" dev >/dev/full', join(node, '../stint-credentials')],
      env,
      home.home,
    );
    assert.equal(left.code, 7);
  },
);

test('in a folder that is gone, profiles are targets all the same', async (t) => {
  const home = await readyHome(t, config);
  const gone = `mkdir "$HOME/gone" && cd "$HOME/gone" && rmdir "$HOME/gone" && exec "$@"`;
  const there = (...line: readonly string[]): Promise<Ended> =>
    runProgram('/bin/sh', ['-c', gone, 'sh', process.execPath, ...line], home.env, home.home);
  for (const line of [
    ['credentials', 'dev'],
    ['credentials', 'dev'],
    ['exec', 'dev', '--', 'true'],
    ['ls'],
    ['whoami', 'dev'],
  ]) {
    const { code, stderr } = await there(mainFile, ...line);
    assert.deepEqual([code, stderr], [0, ''], line.join(' '));
  }
  assert.equal((await there(credentialsFile, 'dev')).code, 0);
});

test('entries are private, and nothing but entries and times is left in their folder', async (t) => {
  const home = await readyHome(t, config);
  await kept(home);
  await home.answer('sh', 'dev');
  assert.equal(statSync(home.ready).mode & 0o777, 0o700);
  const names = readdirSync(home.ready).sort();
  assert.deepEqual(
    names.map((name) => name.replace(/\d+$/, 'N')),
    ['at.N', 'at.N', 'now', 'swept', 't.dev'],
  );
  assert.equal(statSync(join(home.ready, 't.dev')).mode & 0o777, 0o600);
});

const rewrite = (home: ReadyHome, change: (text: string) => string): void => {
  const file = join(home.ready, 't.dev');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
};
const aws = (home: ReadyHome, name: string): string => join(home.home, '.aws', name);

/** What happens between two calls -> how it is done. */
const voided: Readonly<Record<string, (home: ReadyHome) => Record<string, string> | void | Promise<void>>> = {
  'the config is edited in place': (home) => appendFileSync(aws(home, 'config'), '# x\n'),
  'an older config is moved into its place': (home) => {
    const old = join(home.home, 'old');
    writeFileSync(old, config);
    utimesSync(old, 1_000_000_000, 1_000_000_000);
    renameSync(old, aws(home, 'config'));
  },
  'the credentials file is removed': (home) => rmSync(aws(home, 'credentials')),
  'another config is named': (home) => ({ AWS_CONFIG_FILE: aws(home, 'credentials') }),
  'another endpoint is named': () => ({ AWS_ENDPOINT_URL_STS: 'https://sts.example.com' }),
  'another person asks': () => ({ USER: 'bob' }),
  'the kept session is removed': (home) => {
    const sessions = join(home.ready, '..');
    for (const name of readdirSync(sessions)) if (name.endsWith('.json')) rmSync(join(sessions, name));
  },
  'the session is about to end': (home) => rewrite(home, (text) => text.replace(/^until=.*$/m, 'until=1000000000')),
  'the clock was set back before the session': (home) => {
    const sessions = join(home.ready, '..');
    const later = new Date(Date.now() + 3_600_000);
    for (const name of readdirSync(sessions))
      if (name.endsWith('.json')) utimesSync(join(sessions, name), later, later);
  },
  'the entry is half an entry': (home) => rewrite(home, (text) => text.slice(0, text.indexOf('ready'))),
  'the entry lacks its end': (home) => rewrite(home, (text) => text.replace(/^until=.*\n/m, '')),
  'the entry is of a newer Stint': (home) => rewrite(home, (text) => text.replace('stint-ready 1', 'stint-ready 2')),
  'the entry asks for something unknown': (home) =>
    rewrite(home, (text) => text.replace('ready\n', 'moon=full\nready\n')),
  'the entry is of another target': (home) => rewrite(home, (text) => text.replace('target=dev', 'target=prod')),
  'the entry is a link': (home) => {
    renameSync(join(home.ready, 't.dev'), join(home.home, 'entry'));
    symlinkSync(join(home.home, 'entry'), join(home.ready, 't.dev'));
  },
  'the entry is forgotten': async (home) => {
    await runStint('main', ['forget', 'dev'], home.env);
  },
};

for (const [what, change] of Object.entries(voided)) {
  test(`a shell leaves the answer to Stint when ${what}`, async (t) => {
    const home = await readyHome(t, config);
    await kept(home);
    assert.equal((await home.answer('sh', 'dev')).started, false);
    const env = (await change(home)) ?? {};
    for (const shell of shells) assert.equal((await home.answer(shell, 'dev', env)).started, true, shell);
  });
}

test('an entry holds in the millisecond in which its session was kept, and not before', async (t) => {
  const home = await readyHome(t, config);
  await kept(home);
  const sessions = join(home.ready, '..');
  const { kept: name } = readEntry(readFileSync(join(home.ready, 't.dev'), 'utf8'))!;
  const now = Date.now();
  utimesSync(join(sessions, name), now / 1000 + 0.0005, now / 1000 + 0.0005);
  const store = new ReadyStore(sessions);
  assert.ok(store.read('dev', home.env, '/', now));
  assert.equal(store.read('dev', home.env, '/', now - 1), undefined);
});

test('an entry of another user is not used', async (t) => {
  const home = await readyHome(t, config);
  await kept(home);
  const store = new ReadyStore(join(home.ready, '..'));
  assert.ok(store.read('dev', home.env, '/', Date.now()));
  // Only root can give a file away; for anybody else the mode is what can be wrong.
  if (process.getuid?.() === 0) chownSync(join(home.ready, 't.dev'), 12_345, 12_345);
  else chmodSync(join(home.ready, 't.dev'), 0o644);
  assert.equal(store.read('dev', home.env, '/', Date.now()), undefined);
  if (process.getuid?.() === 0) assert.equal((await home.answer('sh', 'dev')).started, true);
});

test('a folder that a link leads to elsewhere now is another folder', async (t) => {
  const home = await readyHome(t, config);
  renameSync(join(home.home, '.aws'), join(home.home, 'one'));
  mkdirSync(join(home.home, 'two'));
  for (const name of ['config', 'credentials'])
    copyFileSync(join(home.home, 'one', name), join(home.home, 'two', name));
  symlinkSync('one', join(home.home, '.aws'));
  for (const name of ['one', 'two']) age(join(home.home, name));
  await kept(home);
  assert.equal((await home.answer('sh', 'dev')).started, false);
  rmSync(join(home.home, '.aws'));
  symlinkSync('two', join(home.home, '.aws'));
  for (const shell of shells) assert.equal((await home.answer(shell, 'dev')).started, true, shell);
});

test('a config that was changed this very second makes no entry: its next change could look the same', async (t) => {
  const home = await readyHome(t, config);
  appendFileSync(aws(home, 'config'), '# now\n');
  await kept(home);
  assert.equal(existsSync(join(home.ready, 't.dev')), false);
  age(home.home);
  await kept(home);
  assert.equal(existsSync(join(home.ready, 't.dev')), true);
  assert.equal(home.sts.calls.length, 1);
});

test('a session fetched anew takes the place of the one that shells had', async (t) => {
  const home = await readyHome(t, config);
  const first = await kept(home);
  const { stdout: second } = await runStint('stint-credentials', ['dev', '--refresh'], home.env);
  assert.notEqual(first, second);
  assert.equal((await home.answer('sh', 'dev')).stdout, second);
});

test('options make no entry, and keys in the environment leave no secret in one', async (t) => {
  const home = await readyHome(t, config);
  await runStint('stint-credentials', ['dev', '--region', 'us-east-1'], home.env);
  assert.equal(existsSync(join(home.ready, 't.dev')), false);
  const keys = { AWS_ACCESS_KEY_ID: 'AKIAOTHER', AWS_SECRET_ACCESS_KEY: 'long-term-secret' };
  await kept(home, '222222222222:test_role', keys);
  const text = readFileSync(join(home.ready, 't.222222222222:test_role'), 'utf8');
  assert.doesNotMatch(text, /long-term-secret/);
  assert.equal((await home.answer('sh', '222222222222:test_role', keys)).started, false);
  assert.equal((await home.answer('sh', '222222222222:test_role')).started, true, 'without those keys');
});

test('a role of a definition answers in its folder, until the definition changes', async (t) => {
  const home = await readyHome(
    t,
    `[default]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = central\n`,
  );
  const file = join(home.home, 'stint.config.yaml');
  writeFileSync(file, definition);
  age(home.home);
  const env = { ...home.env, PWD: home.home };
  const first = await runStint('stint-credentials', ['dev/test_role'], env, home.home);
  assert.deepEqual([first.code, first.stderr], [0, '']);
  assert.equal((await home.answer('sh', 'dev/test_role', {}, home.home)).stdout, first.stdout);
  assert.equal((await home.answer('sh', 'dev/test_role', {}, home.ready)).started, true, 'another folder');
  appendFileSync(file, '# x\n');
  assert.equal((await home.answer('sh', 'dev/test_role', {}, home.home)).started, true);
});

const entry: ReadyEntry = {
  target: 'dev',
  until: 4_102_444_800,
  stamp: 1_700_000_000,
  kept: 'x.json',
  decisive: {
    env: { HOME: '/home/alice', AWS_PROFILE: '' },
    files: ['/a b'],
    absent: ['/c'],
    links: [['/d', '/e']],
    cwd: '/f',
  },
  json: '{"Version":1}',
  note: 'dev: until then',
  unset: ['AWS_PROFILE'],
  set: [['AWS_ACCESS_KEY_ID', 'a=b=c']],
};

test('an entry is read as it was written', () => {
  assert.deepEqual(readEntry(writeEntry(entry)!), entry);
});

const unwritable: Readonly<Record<string, Partial<ReadyEntry>>> = {
  'a target with a line break': { target: 'a\nset=PATH=/x' },
  'a value with a line break': { set: [['AWS_REGION', 'a\nb']] },
  'a value with a NUL': { set: [['AWS_REGION', 'a\0b']] },
  'a variable that programs load code by': { set: [['LD_PRELOAD', '/x']] },
  'a variable that is a calculation': { unset: ['AWS_A[$(id)]'] },
  'a look at a name that is none': { decisive: { ...entry.decisive, env: { 'X;id': '' } } },
};

for (const [what, change] of Object.entries(unwritable)) {
  test(`${what} is never written`, () => assert.equal(writeEntry({ ...entry, ...change }), undefined));
}

test('a hostile entry of our own runs nothing and sets nothing but variables of AWS and Stint', async (t) => {
  const home = await readyHome(t, config);
  await kept(home);
  const attacks = [
    'env=HOME$(touch pwned)=x',
    'env=x[$(touch pwned)]=x',
    'env=HOME=$(touch pwned)',
    'target=$(touch pwned)',
    'file=$(touch pwned)',
    'until=$(touch pwned)',
    'stamp=../../../../../etc/passwd',
    '$(touch pwned)',
  ];
  const file = join(home.ready, 't.dev');
  const sound = readFileSync(file, 'utf8');
  for (const attack of attacks) {
    writeFileSync(file, sound.replace('ready\n', `${attack}\nready\n`));
    for (const shell of shells) {
      assert.equal((await home.answer(shell, 'dev', {}, home.home)).started, true, `${shell}: ${attack}`);
      assert.equal(existsSync(join(home.home, 'pwned')), false, `${shell}: ${attack}`);
    }
  }
});

test('a hostile STINT_ORIGIN runs nothing', async (t) => {
  const home = await readyHome(t, config);
  await kept(home);
  const value = '"AWS_X":"$(touch pwned)`touch pwned`"';
  const origins = ['"AWS_A[$(touch pwned)]":"x"', '"AWS_X;touch pwned":"x"', value]
    .flatMap((pair) => [`"exported":{${pair}},"before":{}`, `"exported":{},"before":{${pair}}`])
    .concat('"exported":{"AWS_X":"1"},"before":{"PATH":"$(touch pwned)"}', '"exported":["$(touch pwned)"]');
  for (const rest of origins) {
    const origin = `{"key":"AKIA","base":"named",${rest}}`;
    for (const shell of shells) {
      const { started } = await home.answer(
        shell,
        'dev',
        { STINT_ORIGIN: origin, AWS_ACCESS_KEY_ID: 'AKIA' },
        home.home,
      );
      // What is only a value is compared, and does not hinder.
      assert.equal(started, !rest.includes(value), `${shell}: ${rest}`);
      assert.equal(existsSync(join(home.home, 'pwned')), false, `${shell}: ${rest}`);
    }
  }
});

test('the names of all targets are listed once, and again when a file or the folder says so', async (t) => {
  const home = await readyHome(t, config);
  const file = join(home.ready, 'names');
  const list = async (): Promise<string> => (await runStint('main', ['ls', '--names'], home.env, home.home)).stdout;
  const printed = await list();
  assert.deepEqual(printed.trimEnd().split('\n'), ['central', 'dev', 'a/b c', `$(touch pwned) 'x"`]);
  const text = readFileSync(file, 'utf8');
  assert.equal(text.slice(text.indexOf('\nready\n') + 7), `${printed}end\n`);
  writeFileSync(join(home.home, 'stint.config.yaml'), definition);
  age(home.home);
  assert.match(await list(), /^dev\/test_role$/m);
  const other = readFileSync(join(home.ready, `names.${home.home.replaceAll('/', '%')}`), 'utf8');
  assert.match(other, /^cwd=/m);
  assert.equal(readFileSync(file, 'utf8'), text);
});

test('where an entry of the definition ends, what shells were told ends with it', async (t) => {
  const home = await readyHome(t, config);
  const ends = Math.floor(Date.now() / 1000) + 1800;
  const limit = `expires: "${isoSeconds(ends * 1000)}"`;
  const file = join(home.home, 'stint.config.yaml');
  const open = definition.replace('group: developers', 'group: developers, mfa: { off: true, reason: none here }');
  writeFileSync(file, open.replace('in: [dev]', `in: [dev], ${limit}`));
  age(home.home);
  await kept(home, 'dev/test_role', { AWS_PROFILE: 'central' });
  const entry = readEntry(readFileSync(join(home.ready, 't.dev%test_role'), 'utf8'));
  assert.equal(entry?.until, ends);
  await runStint('main', ['ls', '--names'], home.env, home.home);
  const names = readFileSync(join(home.ready, `names.${home.home.replaceAll('/', '%')}`), 'utf8');
  assert.match(names, new RegExp(`^until=${ends}$`, 'm'));
  assert.ok(existsSync(join(home.ready, `at.${ends}`)));
});
