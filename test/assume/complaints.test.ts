// What users of other tools complained of, each as a test. Issue numbers are those of the tools' repositories.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startAtTerminal } from './terminal.ts';
import {
  childEnvironment,
  keys,
  runStint,
  runStintHere,
  startSts,
  temporaryHome,
  type CountingSts,
  type Ended,
} from './support.ts';

const serial = 'arn:aws:iam::111111111111:mfa/alice';
const role = (name: string, ...lines: readonly string[]): string =>
  `[profile ${name}]\nrole_arn = arn:aws:iam::222222222222:role/${name}\n${lines.join('\n')}\n`;

interface Person {
  readonly home: string;
  readonly sts: CountingSts;
  readonly env: Record<string, string>;
  readonly run: (...args: readonly string[]) => Promise<Ended>;
}

async function person(t: TestContext, config: string, credentials?: string): Promise<Person> {
  const sts = await startSts(t);
  const home = temporaryHome(t, config, credentials);
  const env = childEnvironment(home, sts);
  const run: Person['run'] = (...args) => (args[0] === 'exec' ? runStint('main', args, env) : runStintHere(args, env));
  return { home, sts, env, run };
}

/** The calls of AWS: what, for how long, and whether a code went along. */
function calls({ sts }: Person): readonly string[] {
  return sts.calls.map(({ action, parameters }) => {
    const name = parameters.get('RoleArn')?.split('/')[1];
    const code = parameters.has('TokenCode') ? ' code' : '';
    return `${action}${name === undefined ? '' : ` ${name}`} ${parameters.get('DurationSeconds')}${code}`;
  });
}

async function succeeds(ended: Promise<Ended>): Promise<Ended> {
  const { code, stderr, ...rest } = await ended;
  assert.equal(code, 0, stderr);
  return { code, stderr, ...rest };
}

test('1 (99designs/aws-vault#246): a role may last as long as AWS allows, 12 hours', async (t) => {
  const alice = await person(t, role('dev', 'source_profile = central'));
  await succeeds(alice.run('credentials', 'dev', '--duration', '12h'));
  assert.deepEqual(calls(alice), ['AssumeRole dev 43200']);
});

test('2 (99designs/aws-vault#351): a long session with MFA and a role is one session, not a chain', async (t) => {
  const alice = await person(
    t,
    role('dev', 'source_profile = central', `mfa_serial = ${serial}`, 'duration_seconds = 28800'),
  );
  await succeeds(alice.run('credentials', 'dev', '--mfa-code', '123456'));
  assert.deepEqual(calls(alice), ['AssumeRole dev 28800 code']);
});

test('3 (99designs/aws-vault#532): one code serves every role of a source_profile', async (t) => {
  const lines = ['source_profile = central', `mfa_serial = ${serial}`];
  const alice = await person(t, role('one', ...lines) + role('two', ...lines));
  await succeeds(alice.run('credentials', 'one', '--mfa-code', '123456'));
  await succeeds(alice.run('credentials', 'two'));
  assert.deepEqual(calls(alice), ['GetSessionToken 43200 code', 'AssumeRole one 3600', 'AssumeRole two 3600']);
});

for (const [where, config] of Object.entries({
  'the source profile': `[profile central]\nmfa_serial = ${serial}\n${role('dev', 'source_profile = central')}`,
  'the profile of the role': role('dev', 'source_profile = central', `mfa_serial = ${serial}`),
  both: `[profile central]\nmfa_serial = ${serial}\n${role('dev', 'source_profile = central', `mfa_serial = ${serial}`)}`,
})) {
  test(`4 (99designs/aws-vault#648): mfa_serial means the same wherever it stands: in ${where}`, async (t) => {
    const alice = await person(t, config);
    await succeeds(alice.run('credentials', 'dev', '--mfa-code', '123456'));
    assert.deepEqual(calls(alice), ['GetSessionToken 43200 code', 'AssumeRole dev 3600']);
  });
}

test('5 (99designs/aws-vault#867): exec with an MFA device always runs with a session that showed it', async (t) => {
  const alice = await person(
    t,
    `[profile central]\nmfa_serial = ${serial}\n[profile plain]\nsource_profile = central\n`,
  );
  const show = ['--', process.execPath, '-e', 'console.log(process.env.AWS_ACCESS_KEY_ID)'];
  const { stdout } = await succeeds(alice.run('exec', 'central', '--mfa-code', '123456', ...show));
  assert.deepEqual([stdout, calls(alice)], ['ASIA0000000000000001\n', ['GetSessionToken 43200 code']]);
  const refused = await alice.run('exec', 'central', '--refresh', ...show);
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^error\[mfa-needed\]/);
});

test('6 (ByteNess/aws-vault#290): sessions of 12 hours work with MFA, and from duration_seconds as from --duration', async (t) => {
  const lines = ['source_profile = central', `mfa_serial = ${serial}`];
  const alice = await person(t, role('one', ...lines, 'duration_seconds = 43200') + role('two', ...lines));
  await succeeds(alice.run('credentials', 'one', '--mfa-code', '123456'));
  await succeeds(alice.run('credentials', 'two', '--duration', '12h', '--mfa-code', '654321'));
  assert.deepEqual(calls(alice), ['AssumeRole one 43200 code', 'AssumeRole two 43200 code']);
});

test('6 (ByteNess/aws-vault#290): the session that roles share with MFA lasts as AWS_CHAINED_SESSION_TOKEN_TTL says, up to 36 hours', async (t) => {
  const alice = await person(t, role('dev', 'source_profile = central', `mfa_serial = ${serial}`));
  const env = { ...alice.env, AWS_CHAINED_SESSION_TOKEN_TTL: '36h' };
  await succeeds(runStintHere(['credentials', 'dev', '--mfa-code', '123456'], env));
  assert.deepEqual(calls(alice), ['GetSessionToken 129600 code', 'AssumeRole dev 3600']);
});

test('7 (trek10inc/awsume#73): duration_seconds with MFA asks for a code once, not every time', async (t) => {
  const alice = await person(
    t,
    role('dev', 'source_profile = central', `mfa_serial = ${serial}`, 'duration_seconds = 7200'),
  );
  const first = await succeeds(alice.run('credentials', 'dev', '--mfa-code', '123456'));
  const second = await succeeds(alice.run('credentials', 'dev'));
  assert.equal(second.stdout, first.stdout);
  assert.equal(alice.sts.calls.length, 1);
});

test('8 (fwdcloudsec/granted#371, #768): roles of other accounts and in a chain reuse the kept MFA session', async (t) => {
  const mid = role('mid', 'source_profile = central', `mfa_serial = ${serial}`);
  const alice = await person(
    t,
    mid + role('end', 'source_profile = mid') + role('other', 'source_profile = central', `mfa_serial = ${serial}`),
  );
  await succeeds(alice.run('credentials', 'mid', '--mfa-code', '123456'));
  await succeeds(alice.run('credentials', 'end'));
  await succeeds(alice.run('credentials', 'other'));
  assert.deepEqual(calls(alice), [
    'GetSessionToken 43200 code',
    'AssumeRole mid 3600',
    'AssumeRole end 3600',
    'AssumeRole other 3600',
  ]);
});

test('9 (fwdcloudsec/granted#154): a chained role does not inherit a duration; what AWS cuts is told', async (t) => {
  const alice = await person(
    t,
    role('mid', 'source_profile = central', 'duration_seconds = 7200') + role('end', 'source_profile = mid'),
  );
  assert.equal((await succeeds(alice.run('credentials', 'end'))).stderr, '');
  assert.deepEqual(calls(alice), ['AssumeRole mid 7200', 'AssumeRole end 3600']);
  const { stderr } = await succeeds(alice.run('credentials', 'end', '--duration', '2h'));
  assert.match(stderr, /^note: 1h instead of 2h: AWS lets a role assumed with temporary credentials last 1h at most/);
});

test('10 (fwdcloudsec/granted#698): a chained role is had without assuming its source first', async (t) => {
  const alice = await person(t, role('mid', 'source_profile = central') + role('end', 'source_profile = mid'));
  await succeeds(alice.run('credentials', 'end'));
  assert.deepEqual(calls(alice), ['AssumeRole mid 3600', 'AssumeRole end 3600']);
});

/** A `ykman` that says what it is asked, wants a touch, and prints a code. */
function fakeYkman({ home, env }: Person, code: string): Record<string, string> {
  mkdirSync(join(home, 'bin'));
  const file = join(home, 'bin/ykman');
  writeFileSync(file, `#!/bin/sh\necho "$@" >> '${home}/asked'\necho 'Touch your YubiKey...' >&2\necho ${code}\n`);
  chmodSync(file, 0o755);
  return { ...env, PATH: `${home}/bin:${env['PATH']}` };
}

test('11 (99designs/aws-vault#230): the code comes from a YubiKey', async (t) => {
  const alice = await person(t, role('dev', 'source_profile = central', `mfa_serial = ${serial}`, 'mfa_ykman = true'));
  await succeeds(runStint('main', ['credentials', 'dev'], fakeYkman(alice, '112233')));
  assert.equal(readFileSync(join(alice.home, 'asked'), 'utf8'), `oath accounts code --single ${serial}\n`);
  assert.equal(alice.sts.calls[0]?.parameters.get('TokenCode'), '112233');
});

test('12 (99designs/aws-vault#801): what ykman says to the person is seen', async (t) => {
  const alice = await person(t, role('dev', 'source_profile = central', `mfa_serial = ${serial}`, 'mfa_ykman = true'));
  const { shows, ended } = startAtTerminal(['credentials', 'dev'], fakeYkman(alice, '112233'));
  await shows('Touch your YubiKey...');
  assert.equal((await ended).code, 0);
});

test('13 (99designs/aws-vault#802): without the YubiKey the terminal is asked instead', async (t) => {
  const alice = await person(t, role('dev', 'source_profile = central', `mfa_serial = ${serial}`, 'mfa_ykman = true'));
  const { shows, type, ended } = startAtTerminal(['credentials', 'dev'], { ...alice.env, PATH: '/bin' });
  await shows('ykman cannot be run');
  await shows(`MFA code of ${serial}: `);
  type('123456');
  assert.equal((await ended).code, 0);
  assert.equal(alice.sts.calls[0]?.parameters.get('TokenCode'), '123456');
});

test('14 (99designs/aws-vault#1267): as credential_process, with nothing but pipes, the terminal is asked all the same', async (t) => {
  const alice = await person(t, role('dev', 'source_profile = central', `mfa_serial = ${serial}`));
  const { shows, type, ended } = startAtTerminal(['credentials', 'dev'], alice.env);
  await shows(`MFA code of ${serial}: `);
  type('123456');
  const { code, stdout, stderr } = await ended;
  assert.deepEqual([code, (JSON.parse(stdout) as { Version: number }).Version], [0, 1]);
  assert.ok(!stderr.includes('SecretAccessKey'));
});

/** RFC 6238, as any keeper of secrets computes it. */
function totp(secret: string, now: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const hash = createHmac('sha1', secret).update(counter).digest();
  const number = hash.readUInt32BE(hash[19]! & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

test('15 (99designs/aws-vault#386): the secret of the device stays in what keeps it; mfa_process gets the code from there', async (t) => {
  assert.equal(totp('12345678901234567890', 59_000), '287082');
  const keeper = (home: string): string => `cat '${home}/code'`;
  const alice = await person(t, role('dev', 'source_profile = central', `mfa_serial = ${serial}`));
  const code = totp('12345678901234567890', Date.now());
  writeFileSync(join(alice.home, 'code'), code);
  writeFileSync(
    join(alice.home, '.aws/config'),
    `${readFileSync(join(alice.home, '.aws/config'), 'utf8')}mfa_process = ${keeper(alice.home)}\n`,
  );
  await succeeds(alice.run('credentials', 'dev'));
  assert.equal(alice.sts.calls[0]?.parameters.get('TokenCode'), code);
});

test('16 (trek10inc/awsume#37): the code is taken from the command line', async (t) => {
  const alice = await person(t, role('dev', 'source_profile = central', `mfa_serial = ${serial}`));
  await succeeds(alice.run('assume', 'dev', '--mfa-code', '123456'));
  assert.equal(alice.sts.calls[0]?.parameters.get('TokenCode'), '123456');
});

test('54 (99designs/aws-vault#771, PR #87): CloudTrail shows a person: session name, role_session_name, source identity', async (t) => {
  const config =
    role('plain', 'source_profile = central') +
    role('named', 'source_profile = central', 'role_session_name = alice@example.com', 'source_identity = alice');
  const alice = await person(t, config);
  await succeeds(alice.run('credentials', 'plain'));
  await succeeds(alice.run('credentials', 'named'));
  await succeeds(alice.run('credentials', 'plain', '--session-name', 'release-7', '--source-identity', 'bob'));
  assert.deepEqual(
    alice.sts.calls.map(({ parameters }) => [parameters.get('RoleSessionName'), parameters.get('SourceIdentity')]),
    [
      ['alice', null],
      ['alice@example.com', 'alice'],
      ['release-7', 'bob'],
    ],
  );
});

test('55 (Noovolari/leapp#228, #260, #416): what is in ~/.aws stays as it is, byte for byte, also its oddities', async (t) => {
  const config = `# mine\r\n[profile dev]\r\n  ; odd\r\nrole_arn=arn:aws:iam::222222222222:role/dev   \nsource_profile   =   central\n\n\n[other-tool]\nx = %(y)s\n`;
  const alice = await person(t, config, `# keep\n[central]\n${keys}\n[leapp]\nmanager = other`);
  const seen = (): readonly string[] =>
    readdirSync(join(alice.home, '.aws')).map((name) => {
      const file = join(alice.home, '.aws', name);
      const { mtimeMs, ino, mode } = statSync(file);
      return [name, mtimeMs, ino, mode, readFileSync(file, 'utf8')].join('\n');
    });
  const before = seen();
  for (const args of [
    ['assume', 'dev'],
    ['credentials', 'dev', '--refresh'],
    ['exec', 'dev', '--', 'true'],
    ['whoami', 'dev'],
    ['ls'],
    ['forget', '--all'],
  ])
    await succeeds(alice.run(...args));
  assert.deepEqual(seen(), before);
});
