// `stint sso login`, `logout`, `ls` and `profiles`, as typed.
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startIdentityCenter, type IdentityCenter } from '../idc/identity-center.ts';
import { cacheFile, config, openedIn, personEnvironment, putToken } from '../idc/person.ts';
import { runStintHere, temporaryHome, type Ended } from '../support.ts';

interface Machine {
  readonly idc: IdentityCenter;
  readonly home: string;
  readonly env: Record<string, string>;
  readonly stint: (line: string) => Promise<Ended>;
}

async function machine(t: TestContext, text = config): Promise<Machine> {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, text);
  const env = personEnvironment(home, idc);
  return { idc, home, env, stint: (line) => runStintHere(line.split(' '), env) };
}

test('login signs in anew, for a profile, a session, or the only one there is', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  for (const [index, line] of ['sso login', 'sso login corp', 'sso login dev', 'sso login chained'].entries()) {
    const { code, stdout, stderr } = await stint(line);
    assert.deepEqual([code, stdout], [0, ''], stderr);
    assert.equal(openedIn(home).length, index + 1);
  }
  assert.ok(existsSync(cacheFile(home, 'corp')));
  assert.ok(!existsSync(cacheFile(home, 'https://corp.awsapps.com/start')));
  await stint('sso login old');
  assert.ok(existsSync(cacheFile(home, 'https://corp.awsapps.com/start')));
});

test('login without a browser shows the address, and with --device-code a code', async (t) => {
  const { home, stint } = await machine(t);
  const { code, stderr } = await stint('sso login --device-code');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /enter the code {2}ABCD-EFGH/);
  assert.deepEqual(openedIn(home), []);
});

test('login that is not clear says which there are', async (t) => {
  const two = `${config}[sso-session other]\nsso_start_url = https://o.awsapps.com/start\nsso_region = eu-west-1\n`;
  const { stint } = await machine(t, two);
  assert.match((await stint('sso login')).stderr, /which session\?\nhint: name one of `corp`, `other`/);
  assert.match((await stint('sso login crop')).stderr, /did you mean `corp`\?/);
  assert.match((await stint('sso login central')).stderr, /does not lead to IAM Identity Center/);
});

test('logout ends the sign-in at AWS and here, and forgets what was had through it', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  await stint('credentials dev');
  const { code, stderr } = await stint('sso logout');
  assert.deepEqual(
    [code, stderr],
    [0, 'signed out of `https://corp.awsapps.com/start`, and 1 kept session forgotten\n'],
  );
  assert.equal(idc.count('/logout'), 1);
  assert.ok(!existsSync(cacheFile(home, 'corp')));
  assert.match((await stint('credentials dev')).stderr, /^error\[sso-sign-in-needed\]/);
  assert.equal((await stint('sso logout corp')).stderr, 'nobody was signed in\n');
});

test('logout leaves the sign-ins and files of others', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  const other = cacheFile(home, 'other');
  writeFileSync(other, '{"accessToken": "theirs"}');
  await stint('sso logout');
  assert.equal(readFileSync(other, 'utf8'), '{"accessToken": "theirs"}');
});

test('ls gives accounts and roles page by page, at most 20 calls a second, and slows down when throttled', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  idc.accounts = Array.from({ length: 40 }, (_, index) => ({
    accountId: String(100_000_000_000 + index),
    accountName: `account-${String(index).padStart(3, '0')}`,
    emailAddress: '',
    roles: ['B', 'A'],
  }));
  idc.moods.pageSize = 25;
  let roles = 0;
  idc.moods.instead = ({ path }) =>
    path === '/assignment/roles' && ++roles === 10 ? { status: 429, body: { message: 'slow down' } } : undefined;
  const { code, stdout, stderr } = await stint('sso ls');
  assert.equal(code, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(lines.slice(1, 4), [
    '100000000000  account-000  A',
    '100000000000  account-000  B',
    '100000000001  account-001  A',
  ]);
  assert.deepEqual([lines.length, new Set(lines).size], [81, 81]);
  assert.deepEqual([idc.count('/assignment/accounts'), idc.count('/assignment/roles')], [2, 41]);
  // 42 calls begin at least 41 twentieths of a second apart; a tenth is for what the network adds to the first.
  const [first, last] = [idc.calls[0]!.at, idc.calls.at(-1)!.at];
  assert.ok(last - first > 0.9 * 41 * 50, `${last - first} ms`);
});

test('ls without a sign-in and a terminal says how to sign in', async (t) => {
  const { stint } = await machine(t);
  const { code, stdout, stderr } = await stint('sso ls --json');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /a sign-in to `https:\/\/corp\.awsapps\.com\/start` is needed.*\nhint: run `stint sso login corp`/,
  );
});

test('ls --json is one value, and names from AWS cannot move the cursor', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  idc.accounts = [
    { accountId: '222222222222', accountName: 'd\u001b[2Jev\nx', emailAddress: 'e', roles: ['A', 'bad role'] },
  ];
  assert.deepEqual(JSON.parse((await stint('sso ls --json')).stdout), {
    version: 1,
    roles: [{ account: '222222222222', name: 'd?[2Jev?x', email: 'e', role: 'A' }],
  });
});

test('profiles shows what it would write, writes it with a backup, and the profiles work', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  const file = join(home, '.aws/config');
  const shown = await stint('sso profiles');
  assert.match(shown.stdout, /^\+\[profile dev\/Admin\]\n\+sso_session = corp\n/);
  assert.equal(readFileSync(file, 'utf8'), config);
  const written = await stint('sso profiles --write');
  assert.equal(written.stdout, shown.stdout);
  assert.match(written.stderr, /3 profiles are in .*; what it was is in `(.*)`/);
  const backup = readdirSync(join(home, '.aws')).find((name) => name.endsWith('.bak'))!;
  assert.equal(readFileSync(join(home, '.aws', backup), 'utf8'), config);
  assert.equal((await stint('credentials prod/ReadOnly')).code, 0);
  assert.match((await stint('sso profiles --write')).stderr, /^nothing to change/);
});

test('a list that is empty takes no profile away', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  await stint('sso profiles --write');
  const before = readFileSync(join(home, '.aws/config'), 'utf8');
  idc.accounts = [];
  assert.match((await stint('sso profiles --write')).stderr, /nothing is changed/);
  assert.equal(readFileSync(join(home, '.aws/config'), 'utf8'), before);
});

test('profiles keeps a linked file linked, and its mode', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  const [file, real] = [join(home, '.aws/config'), join(home, 'dotfiles-config')];
  renameSync(file, real);
  symlinkSync(real, file);
  const { mode } = statSync(real);
  assert.equal((await stint('sso profiles --write')).code, 0);
  assert.ok(lstatSync(file).isSymbolicLink());
  assert.equal(statSync(real).mode, mode);
  assert.match(readFileSync(real, 'utf8'), /\[profile prod\/ReadOnly\]/);
});

test('profiles refuses options that are none, before anything is written', async (t) => {
  const { idc, home, stint } = await machine(t);
  putToken(home, idc, {});
  const odd = await stint('sso profiles --write --name {account}');
  assert.deepEqual([odd.code, /gives two profiles the name `dev`/.test(odd.stderr)], [2, true], odd.stderr);
  assert.equal((await stint('sso profiles --region eu/west')).code, 2);
  assert.equal(readFileSync(join(home, '.aws/config'), 'utf8'), config);
});
