import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AdjustableClock, Failure, Secret } from '../../src/base/index.ts';
import { mfaAsker, profileMfaCommand, type MfaTools } from '../../src/assume/mfa.ts';
import { MfaMemory } from '../../src/assume/mfa-memory.ts';
import type { MfaCommand } from '../../src/assume/model.ts';
import { loadProfiles } from '../../src/assume/profiles.ts';
import { failureOf } from '../base/support.ts';
import { startAtTerminal } from './terminal.ts';
import { childEnvironment, runStint, startSts, temporaryHome, type CountingSts } from './support.ts';

const serial = 'arn:aws:iam::111111111111:mfa/alice';
const start = Date.parse('2026-01-01T00:00:10Z');

interface Bench {
  readonly home: string;
  readonly notes: string[];
  /** The pauses that were made; each lets the clock go on. */
  readonly pauses: number[];
  readonly tools: MfaTools;
  readonly memory: MfaMemory;
}

/** Everything an asker needs, with a clock that goes on only by waiting. */
function bench(t: TestContext, given: Partial<MfaTools> = {}): Bench {
  const home = temporaryHome(t, '');
  let now = start;
  const clock = new AdjustableClock({ now: () => now });
  const [notes, pauses]: [string[], number[]] = [[], []];
  const wait = async (millis: number): Promise<void> => {
    pauses.push(millis);
    now += millis;
  };
  const memory = new MfaMemory(join(home, 'mfa'), clock, wait);
  const env = { PATH: `${home}/bin:${process.env['PATH']}`, HOME: home, ...given.env };
  const askPerson = async (): Promise<Secret> => {
    throw new Failure('mfa-needed', 'there is nobody');
  };
  const note = (line: string): void => void notes.push(line);
  return { home, notes, pauses, memory, tools: { clock, wait, note, askPerson, memory, ...given, env } };
}

/** A command that prints the lines of `codes` one after the other, the last again and again. */
function printing(home: string, codes: readonly string[], name = 'codes'): string {
  mkdirSync(join(home, 'bin'), { recursive: true });
  const [file, list] = [join(home, 'bin', name), join(home, `${name}.list`)];
  writeFileSync(list, `${codes.join('\n')}\n`);
  writeFileSync(
    file,
    `#!/bin/sh\necho "$@" >> '${home}/${name}.args'\nhead -n 1 '${list}'\n[ $(wc -l < '${list}') -gt 1 ] && sed -i 1d '${list}'\nexit 0\n`,
  );
  chmodSync(file, 0o755);
  return file;
}

const byProcess = (line: string): MfaCommand => ({ kind: 'process', line, place: 'config:5' });

test('a code that is given is spent with its first sending, and how long to wait is told', async (t) => {
  const { tools } = bench(t, { code: new Secret('123456') });
  const first = await mfaAsker(tools)({ serial });
  assert.deepEqual([first.code.reveal(), first.again], ['123456', false]);
  const found = await failureOf(mfaAsker(tools)({ serial }));
  assert.equal(found.code, 'mfa-reused');
  assert.match(found.hint ?? '', /^wait 21 s for the next one/);
  assert.ok(!`${found.message}${found.hint ?? ''}`.includes('123456'));
});

test('a code is spent for its device only, and until AWS would not take it any more', async (t) => {
  const { memory, tools } = bench(t);
  const code = new Secret('123456');
  assert.equal(await memory.claim(serial, code), true);
  assert.equal(await memory.claim('arn:aws:iam::111111111111:mfa/bob', code), true);
  assert.equal(await memory.claim(serial, code), false);
  await tools.wait(179_000);
  assert.equal(await memory.claim(serial, code), false);
  await tools.wait(1000);
  assert.equal(await memory.claim(serial, code), true);
});

test('a code that never reached AWS may be given again', async (t) => {
  const { tools } = bench(t, { code: new Secret('123456') });
  await (await mfaAsker(tools)({ serial })).unsent();
  assert.equal((await mfaAsker(tools)({ serial })).code.reveal(), '123456');
});

test('what is remembered of codes is private, and tells none of them', async (t) => {
  const { home, memory } = bench(t);
  await memory.claim(serial, new Secret('123456'));
  await memory.claim('GAHT12345678', new Secret('123456'));
  assert.equal(statSync(join(home, 'mfa')).mode & 0o777, 0o700);
  const hashes = new Set<string>();
  for (const name of readdirSync(join(home, 'mfa'))) {
    assert.equal(statSync(join(home, 'mfa', name)).mode & 0o777, 0o600);
    const text = readFileSync(join(home, 'mfa', name), 'utf8');
    for (const part of ['123456', 'alice', 'GAHT']) assert.ok(!`${name}${text}`.includes(part), text);
    for (const [hash] of text.matchAll(/[0-9a-f]{64}/g)) hashes.add(hash);
  }
  assert.equal(hashes.size, 2);
});

test('what is remembered survives damage: the process that asked still knows', async (t) => {
  const { home, memory } = bench(t);
  const code = new Secret('123456');
  await memory.claim(serial, code);
  for (const name of readdirSync(join(home, 'mfa'))) {
    if (name.endsWith('.json')) writeFileSync(join(home, 'mfa', name), '{"salt":');
  }
  assert.equal(await memory.claim(serial, code), false);
});

test('without a folder a code is spent for this process', async () => {
  const memory = new MfaMemory(undefined, new AdjustableClock({ now: () => start }), async () => {});
  assert.equal(await memory.claim(serial, new Secret('123456')), true);
  assert.equal(await memory.claim(serial, new Secret('123456')), false);
});

test('mfa_process prints the code; it is run by a shell, knows the device, and may print blanks', async (t) => {
  const { tools } = bench(t);
  const command = byProcess(`[ "$AWS_MFA_SERIAL" = '${serial}' ] && echo ' 123456 ' | cat`);
  const { code, again } = await mfaAsker(tools)({ serial, command });
  assert.deepEqual([code.reveal(), again], ['123456', false]);
});

test('a second need waits for the next code of the command', async (t) => {
  const { home, tools, notes, pauses } = bench(t);
  const command = byProcess(printing(home, ['111111', '111111', '222222']));
  const ask = mfaAsker(tools);
  assert.equal((await ask({ serial, command })).code.reveal(), '111111');
  assert.equal((await ask({ serial, command })).code.reveal(), '222222');
  assert.deepEqual(pauses, [21_000]);
  assert.deepEqual(notes, [`the code of ${serial} was sent already: waiting 21 s for the next one`]);
});

test('a command that prints one code for ever is given up', async (t) => {
  const { home, tools, pauses } = bench(t);
  const command = byProcess(printing(home, ['111111']));
  const ask = mfaAsker(tools);
  await ask({ serial, command });
  assert.equal((await failureOf(ask({ serial, command }))).code, 'mfa-reused');
  assert.equal(pauses.length, 2);
});

const badCommands: Readonly<Record<string, RegExp>> = {
  'exit 4': /^config:5: the mfa_process ended with exit code 4/,
  'echo hunter2': /^config:5: the mfa_process did not print six digits/,
  'printf 12345': /did not print six digits/,
  true: /did not print six digits/,
  'yes 123456 2>/dev/null': /printed far more than it should/,
};

for (const [line, says] of Object.entries(badCommands)) {
  test(`an mfa_process that fails is told with its place, and without what it printed: ${line}`, async (t) => {
    const found = await failureOf(mfaAsker(bench(t).tools)({ serial, command: byProcess(line) }));
    assert.equal(found.code, 'process-failed');
    assert.match(found.message, says);
    assert.ok(!`${found.message}${found.hint ?? ''}`.includes('hunter2'));
  });
}

test('where the command of a profile fails, the person is asked instead', async (t) => {
  const { tools, notes } = bench(t, { askPerson: async () => new Secret('654321') });
  const command: MfaCommand = { kind: 'ykman', place: 'config:4' };
  const { code, again } = await mfaAsker({ ...tools, env: { PATH: '/nowhere' } })({ serial, command });
  assert.deepEqual([code.reveal(), again], ['654321', true]);
  assert.match(notes[0] ?? '', /^config:4: ykman cannot be run: .* asking on the terminal instead$/);
});

test('where the command of the command line fails, nobody is asked instead', async (t) => {
  const given = { command: byProcess('exit 1'), askPerson: async () => new Secret('654321') };
  assert.equal((await failureOf(mfaAsker(bench(t, given).tools)({ serial }))).code, 'process-failed');
});

test('ykman is asked for the account that is named like the device', async (t) => {
  const { home, tools } = bench(t, { command: { kind: 'ykman', place: '--mfa-ykman' } });
  printing(home, ['123456'], 'ykman');
  assert.equal((await mfaAsker(tools)({ serial })).code.reveal(), '123456');
  assert.equal(readFileSync(join(home, 'ykman.args'), 'utf8'), `oath accounts code --single ${serial}\n`);
});

test('ykman is asked for the account and the key that profile and environment name', async (t) => {
  const env = { YKMAN_OATH_CREDENTIAL_NAME: 'other', YKMAN_OATH_DEVICE_SERIAL: '7' };
  const { home, tools } = bench(t, { env });
  printing(home, ['123456', '654321'], 'ykman');
  await mfaAsker(tools)({ serial, command: { kind: 'ykman', account: 'AWS:alice', place: 'config:4' } });
  await mfaAsker(tools)({ serial, command: { kind: 'ykman', place: 'config:4' } });
  assert.equal(
    readFileSync(join(home, 'ykman.args'), 'utf8'),
    '--device 7 oath accounts code --single AWS:alice\n--device 7 oath accounts code --single other\n',
  );
});

test('without ykman the cure is told', async (t) => {
  const { home, tools } = bench(t, { command: { kind: 'ykman', place: '--mfa-ykman' } });
  const found = await failureOf(mfaAsker({ ...tools, env: { PATH: home } })({ serial }));
  assert.match(found.message, /^--mfa-ykman: ykman cannot be run: `ykman` \(ENOENT\)/);
});

const order: readonly { name: string; given: Partial<MfaTools>; command?: MfaCommand; code: string }[] = [
  {
    name: 'a code that is given ranks before every command',
    given: { code: new Secret('111111'), command: byProcess('echo 222222') },
    command: byProcess('echo 333333'),
    code: '111111',
  },
  {
    name: 'the command of the command line ranks before that of the profile',
    given: { command: byProcess('echo 222222') },
    command: byProcess('echo 333333'),
    code: '222222',
  },
  {
    name: 'the command of the profile ranks before AWS_VAULT_PROMPT',
    given: { env: { AWS_VAULT_PROMPT: 'ykman' } },
    command: byProcess('echo 333333'),
    code: '333333',
  },
];

for (const { name, given, command, code } of order) {
  test(`where the code comes from: ${name}`, async (t) => {
    assert.equal((await mfaAsker(bench(t, given).tools)({ serial, command })).code.reveal(), code);
  });
}

test('AWS_VAULT_PROMPT=ykman, as people have it from aws-vault, asks the YubiKey', async (t) => {
  const { home, tools } = bench(t, { env: { AWS_VAULT_PROMPT: 'ykman' } });
  printing(home, ['123456'], 'ykman');
  assert.equal((await mfaAsker(tools)({ serial })).code.reveal(), '123456');
});

const profileCommands: Readonly<Record<string, MfaCommand | undefined>> = {
  'mfa_process = pass otp aws # work': { kind: 'process', line: 'pass otp aws # work', place: '/h/.aws/config:2' },
  'mfa_ykman = true': { kind: 'ykman', account: undefined, place: '/h/.aws/config:2' },
  'mfa_ykman = AWS:alice': { kind: 'ykman', account: 'AWS:alice', place: '/h/.aws/config:2' },
  'mfa_ykman = false': undefined,
  'region = eu-west-1': undefined,
};

for (const [line, expected] of Object.entries(profileCommands)) {
  test(`what a profile says of its codes: ${line}`, () => {
    const text = (file: string): string | undefined =>
      file === '/h/.aws/config' ? `[profile a]\n${line}\n` : undefined;
    const { profiles } = loadProfiles({ HOME: '/h' }, text);
    assert.deepEqual(profileMfaCommand(profiles.get('a')!), expected);
  });
}

/** Roles for longer than an hour, so that each needs a code of its own. */
const config = [1, 2, 3, 4, 5]
  .map(
    (number) =>
      `[profile long${number}]\nrole_arn = arn:aws:iam::222222222222:role/long${number}\nsource_profile = central\nmfa_serial = ${serial}\nduration_seconds = 7200\n`,
  )
  .join('');

function codesSent(sts: CountingSts): readonly (string | null)[] {
  return sts.calls.map(({ parameters }) => parameters.get('TokenCode'));
}

test('of five processes at once with one code, one sends it, and the others say why not', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  const ended = await Promise.all(
    [1, 2, 3, 4, 5].map((number) => runStint('stint-credentials', [`long${number}`, '--mfa-code', '123456'], env)),
  );
  assert.deepEqual(codesSent(sts), ['123456']);
  assert.equal(ended.filter(({ code }) => code === 0).length, 1);
  for (const { stderr } of ended.filter(({ code }) => code !== 0)) assert.match(stderr, /^error\[mfa-reused\]/);
});

test('a code is sent again when the first sending met nobody', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  const args = ['long1', '--mfa-code', '123456'];
  const lost = await runStint('stint-credentials', args, { ...env, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });
  assert.match(lost.stderr, /^error\[sts-unreachable\]/);
  assert.equal((await runStint('stint-credentials', args, env)).code, 0);
});

test('at a terminal a wrong code is asked for three times, each time with the cure, and then no more', async (t) => {
  const sts = await startSts(t);
  const message = 'MultiFactorAuthentication failed with invalid MFA one time pass code. ';
  sts.refuse = () => ({ status: 403, code: 'AccessDenied', message });
  const { type, shows, ended } = startAtTerminal(
    ['credentials', 'long1'],
    childEnvironment(temporaryHome(t, config), sts),
  );
  for (const code of ['111111', '222222', '333333']) {
    await shows(`MFA code of ${serial}: `);
    type(code);
  }
  const { code, stdout, stderr } = await ended;
  assert.deepEqual([code, stdout, codesSent(sts)], [1, '', ['111111', '222222', '333333']]);
  assert.match(
    stderr,
    /note: \S+config:4: AWS refused the code of .*; each code works once: wait for the next one; .* \(try 2 of 3\)/,
  );
  assert.match(stderr, /error\[mfa-refused\]/);
});

test('at a terminal a code that was sent already is asked for anew, and not sent', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  await runStint('stint-credentials', ['long1', '--mfa-code', '111111'], env);
  const { type, shows, ended } = startAtTerminal(['credentials', 'long2'], env);
  await shows('MFA code of');
  type('11111');
  await shows('MFA code of');
  type('111111');
  await shows('was sent already');
  await shows('MFA code of');
  type('222222');
  assert.equal((await ended).code, 0);
  assert.deepEqual(codesSent(sts), ['111111', '222222']);
});

test('mfa_process and --mfa-process speak to the terminal, whatever stdin and stderr are', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, `${config}mfa_process = echo "touch the key" >&2; read answer; echo $answer\n`);
  const { type, shows, ended } = startAtTerminal(['credentials', 'long5'], childEnvironment(home, sts));
  await shows('touch the key');
  type('555555');
  assert.equal((await ended).code, 0);
  const { code } = await runStint(
    'stint-credentials',
    ['long1', '--mfa-process', 'echo 666666'],
    childEnvironment(home, sts),
  );
  assert.equal(code, 0);
  assert.deepEqual(codesSent(sts), ['555555', '666666']);
});

test('--mfa-ykman takes the code from the YubiKey', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  printing(home, ['777777'], 'ykman');
  const { PATH = '', ...env } = childEnvironment(home, sts);
  const { code } = await runStint('main', ['credentials', 'long1', '--mfa-ykman'], {
    ...env,
    PATH: `${home}/bin:${PATH}`,
  });
  assert.equal(code, 0);
  assert.deepEqual(codesSent(sts), ['777777']);
});

for (const args of [
  ['--mfa-process', 'true', '--mfa-ykman'],
  ['--mfa-process', ' '],
]) {
  test(`options for codes that make no sense are refused: ${args.join(' ')}`, async (t) => {
    const { code, stderr } = await runStint(
      'stint-credentials',
      ['long1', ...args],
      childEnvironment(temporaryHome(t, config)),
    );
    assert.equal(code, 2);
    assert.match(stderr, /^error\[invalid-option\]/);
  });
}

test('a clock that is an hour off is told, with the cure', async (t) => {
  const sts = await startSts(t);
  sts.now = () => Date.now() + 3_600_000;
  sts.refuse = () => ({
    status: 403,
    code: 'SignatureDoesNotMatch',
    message: 'Signature expired: 20260101T000000Z is now earlier than 20260101T005500Z',
  });
  const { stderr } = await runStint(
    'stint-credentials',
    ['long1', '--mfa-code', '123456'],
    childEnvironment(temporaryHome(t, config), sts),
  );
  assert.match(stderr, /^error\[clock-skew\]: AWS refused the time of this machine: it is 60 min behind/);
  assert.match(stderr, /hint: set this machine's clock right/);
});

test('a code that is refused while the clock is off names the clock, of which codes are made', async (t) => {
  const sts = await startSts(t);
  sts.now = () => Date.now() - 240_000;
  sts.refuse = () => ({
    status: 403,
    code: 'AccessDenied',
    message: 'MultiFactorAuthentication failed with invalid MFA one time pass code.',
  });
  const { stderr } = await runStint(
    'stint-credentials',
    ['long1', '--mfa-process', 'echo 123456'],
    childEnvironment(temporaryHome(t, config), sts),
  );
  assert.match(stderr, /^error\[mfa-refused\]/);
  assert.match(stderr, /hint: this machine's clock is 4 min ahead, and codes that are made here are wrong by as much/);
});
