import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../src/base/index.ts';
import { baseEnvironment } from '../../src/assume/environment.ts';
import {
  changedEnvironment,
  clearingChange,
  processJson,
  sessionChange,
  shellLines,
  type Shell,
} from '../../src/assume/exporters.ts';
import type { Credentials, Environment, SessionRequest } from '../../src/assume/model.ts';
import { runProgram } from './support.ts';

const nasty = [
  'it\'s "x"',
  '$(touch /tmp/x) `id` $HOME',
  'a\\b\\',
  'two\nlines',
  "'",
  ' lead and trail ',
  '!!',
  'ü\u2019',
  '',
] as const;

function session(token: string): Credentials {
  return {
    accessKeyId: 'ASIA1',
    secretAccessKey: new Secret(`s/${token}`),
    sessionToken: new Secret(token),
    expiration: Date.parse('2026-01-02T03:04:05.678Z'),
  };
}

function request(overrides: Partial<SessionRequest> = {}): SessionRequest {
  return {
    target: 'dev/test_role',
    source: { kind: 'keys', from: 'x', credentials: session('base') },
    roles: [],
    sts: { url: 'https://sts.amazonaws.com', signingRegion: 'us-east-1' },
    region: 'eu-west-1',
    settings: {},
    ...overrides,
  };
}

test('a real shell that evaluates the lines has exactly the values, whatever is in them', async () => {
  for (const text of nasty) {
    const lines = shellLines('sh', sessionChange({}, request({ target: text }), session(text))).join('\n');
    const script = `${lines}\nprintf '%s|%s|%s' "$AWS_SESSION_TOKEN" "$AWS_SECRET_ACCESS_KEY" "$STINT_TARGET"`;
    const { stdout, stderr } = await runProgram('sh', ['-c', script], { PATH: process.env['PATH'] ?? '' });
    assert.deepEqual([stdout, stderr], [`${text}|s/${text}|${text}`, '']);
  }
});

test('the lines unset what would compete before they set, and never set a profile beside keys', async () => {
  const env = {
    AWS_PROFILE: 'old',
    AWS_SECURITY_TOKEN: 'old',
    AWS_ROLE_ARN: 'old',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'old',
    HOME: '/h',
  };
  const [first, ...rest] = shellLines('sh', sessionChange(env, request(), session('t')));
  assert.match(first ?? '', /^unset .*\bAWS_PROFILE\b/);
  assert.ok(rest.every((line) => /^export [A-Z_]+='/.test(line) && !line.startsWith('export AWS_PROFILE')));
  const changed = changedEnvironment(env, sessionChange(env, request(), session('t')));
  assert.deepEqual(
    Object.keys(changed).filter((name) =>
      ['AWS_PROFILE', 'AWS_SECURITY_TOKEN', 'AWS_ROLE_ARN', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'].includes(name),
    ),
    [],
  );
  assert.deepEqual(
    [changed['HOME'], changed['AWS_REGION'], changed['AWS_DEFAULT_REGION'], changed['AWS_CREDENTIAL_EXPIRATION']],
    ['/h', 'eu-west-1', 'eu-west-1', '2026-01-02T03:04:05Z'],
  );
});

test('without a region the old one does not stay behind', () => {
  const env = { AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: 'us-east-1' };
  const changed = changedEnvironment(env, sessionChange(env, request({ region: undefined }), session('t')));
  assert.deepEqual([changed['AWS_REGION'], changed['AWS_DEFAULT_REGION']], [undefined, undefined]);
});

/** The environment after assuming one target after the other in one shell. */
function assumeInTurn(start: Environment, ...requests: readonly SessionRequest[]): Environment {
  return requests.reduce(
    (env, next, index) =>
      changedEnvironment(env, sessionChange(env, next, { ...session('t'), accessKeyId: `ASIA${index}` })),
    start,
  );
}

test('what one target exported besides keys is gone with the next, and what the person set stays', () => {
  const local = request({ settings: { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' } });
  assert.equal(assumeInTurn({}, local)['AWS_ENDPOINT_URL'], 'http://127.0.0.1:4566');
  assert.equal(assumeInTurn({}, local, request())['AWS_ENDPOINT_URL'], undefined);
  assert.equal(
    assumeInTurn({ AWS_ENDPOINT_URL: 'http://own' }, request(), request())['AWS_ENDPOINT_URL'],
    'http://own',
  );
});

/** Starts in which nothing of Stint is, and what a person may have there. */
const shellsBefore: Readonly<Record<string, Environment>> = {
  'with keys and a profile': {
    AWS_ACCESS_KEY_ID: 'AKIA1',
    AWS_SECRET_ACCESS_KEY: 's',
    AWS_SESSION_TOKEN: 't',
    AWS_PROFILE: 'own',
    AWS_REGION: 'us-east-1',
  },
  'with a mark that is none': { STINT_ORIGIN: '{"key":1', AWS_ACCESS_KEY_ID: 'AKIA1', AWS_DEFAULT_REGION: 'us-east-1' },
  empty: {},
};

for (const [what, start] of Object.entries(shellsBefore)) {
  test(`taking a session out of a shell ${what} that has none leaves everything as it is`, () => {
    const { STINT_ORIGIN: _, ...rest } = start;
    assert.deepEqual(changedEnvironment(start, clearingChange(start)), rest);
    assert.ok(clearingChange(start).unset.every((name) => name.startsWith('STINT_')));
  });
}

test('what a session took the place of comes back in the end: region, default profile, account', () => {
  const start = {
    AWS_PROFILE: 'central',
    AWS_DEFAULT_PROFILE: 'other',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-west-2',
    AWS_ACCOUNT_ID: '111111111111',
    HOME: '/h',
  };
  for (const regions of [['eu-west-1'], ['eu-west-1', 'us-east-1'], ['us-east-1', 'eu-west-1', 'eu-west-1']]) {
    const env = assumeInTurn(start, ...regions.map((region) => request({ region })));
    assert.deepEqual([env['AWS_REGION'], env['AWS_PROFILE']], [regions.at(-1), undefined]);
    assert.deepEqual(changedEnvironment(env, clearingChange(env)), start);
    const { AWS_REGION: region, AWS_DEFAULT_REGION: other } = baseEnvironment(env);
    assert.deepEqual([region, other], ['us-east-1', 'us-west-2'], 'the next target begins with the own region');
  }
});

test('what somebody changed after a session came stays as it is when the session goes', () => {
  const local = request({ settings: { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' } });
  const since = { AWS_REGION: 'us-west-2', AWS_ENDPOINT_URL: 'http://own', AWS_PROFILE: 'new' };
  const env = { ...assumeInTurn({ AWS_PROFILE: 'old', AWS_REGION: 'us-east-1' }, local), ...since };
  assert.deepEqual(changedEnvironment(env, clearingChange(env)), since);
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...base } = baseEnvironment(env);
  for (const [name, value] of Object.entries(since)) assert.equal(base[name], value);
  assert.equal(assumeInTurn(env, request())['AWS_ENDPOINT_URL'], 'http://own');
});

test('keys that were unset by hand leave the profile that was there before', () => {
  const start = { AWS_PROFILE: 'central', AWS_REGION: 'us-east-1' };
  const gone = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined };
  const env = { ...assumeInTurn(start, request()), ...gone };
  assert.equal(baseEnvironment(env)['AWS_PROFILE'], 'central');
  assert.deepEqual(changedEnvironment(env, clearingChange(env)), start);
});

test('own keys set after a session stay when it is taken out, and what it exported goes', () => {
  const local = request({ settings: { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' } });
  const own = { AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 'own' };
  const env = { ...assumeInTurn({ AWS_PROFILE: 'old', AWS_REGION: 'us-east-1' }, local), ...own };
  assert.deepEqual(changedEnvironment(env, clearingChange(env)), { ...own, AWS_REGION: 'us-east-1' });
  assert.deepEqual(baseEnvironment(env)['AWS_ENDPOINT_URL'], undefined, 'the next target is not sent there');
});

test('taking the session out brings the profile back that it began with', () => {
  const env = assumeInTurn(
    { AWS_PROFILE: 'central', HOME: '/h' },
    request({ settings: { AWS_CA_BUNDLE: '/x' } }),
    request(),
  );
  assert.equal(env['AWS_PROFILE'], undefined);
  assert.deepEqual(changedEnvironment(env, clearingChange(env)), { AWS_PROFILE: 'central', HOME: '/h' });
});

test('a token file or a container that a shell began with is there for the next target, and comes back in the end', () => {
  const start = {
    AWS_WEB_IDENTITY_TOKEN_FILE: '/t',
    AWS_ROLE_ARN: 'arn:aws:iam::222222222222:role/ci',
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/x',
    HOME: '/h',
  };
  for (const requests of [[request()], [request(), request({ settings: { AWS_CA_BUNDLE: '/x' } })]]) {
    const env = assumeInTurn(start, ...requests);
    assert.equal(env['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'], undefined);
    const base = baseEnvironment(env);
    for (const [name, value] of Object.entries(start)) assert.equal(base[name], value);
    assert.equal(base['AWS_ACCESS_KEY_ID'], undefined);
    assert.deepEqual(changedEnvironment(env, clearingChange(env)), start);
  }
  const moved = { ...assumeInTurn(start, request()), AWS_WEB_IDENTITY_TOKEN_FILE: '/new' };
  assert.equal(baseEnvironment(moved)['AWS_WEB_IDENTITY_TOKEN_FILE'], '/new');
});

test('the authorization token of a container stays in the shell that has it, and goes to no child', () => {
  const env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1/x',
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'hunter2',
  };
  const change = sessionChange(env, request(), session('t'));
  const lines = shellLines('sh', change).join('\n');
  assert.ok(!/AWS_CONTAINER_AUTHORIZATION_TOKEN\b/.test(lines) && !lines.includes('hunter2'), lines);
  assert.equal(changedEnvironment(env, change)['AWS_CONTAINER_AUTHORIZATION_TOKEN'], undefined);
});

test('credential_process JSON leaves out what the credentials do not have', () => {
  const keys: Credentials = { accessKeyId: 'AKIA1', secretAccessKey: new Secret('s') };
  assert.equal(processJson(request(), keys), '{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s"}');
});

test('fish and PowerShell quote every value as one word', () => {
  const change = { unset: ['AWS_REGION'], set: new Map([['X', String.raw`it's \ $x`]]) };
  assert.deepEqual(shellLines('fish', change), ['set -e -g AWS_REGION;', String.raw`set -gx X 'it\'s \\ $x';`]);
  const [, set] = shellLines('pwsh', { ...change, set: new Map([['X', "it\u2019s '$x'"]]) });
  assert.equal(set, "$env:X = 'it\u2019\u2019s ''$x'''");
});

const goldenClearing: Readonly<Record<Shell, readonly string[]>> = {
  sh: [
    'unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION STINT_TARGET STINT_ORIGIN',
    "export AWS_PROFILE='central'",
  ],
  fish: [
    'set -e -g AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION STINT_TARGET STINT_ORIGIN;',
    "set -gx AWS_PROFILE 'central';",
  ],
  pwsh: [
    "Remove-Item -ErrorAction SilentlyContinue 'Env:AWS_ACCESS_KEY_ID','Env:AWS_SECRET_ACCESS_KEY','Env:AWS_SESSION_TOKEN','Env:AWS_CREDENTIAL_EXPIRATION','Env:STINT_TARGET','Env:STINT_ORIGIN'",
    "$env:AWS_PROFILE = 'central'",
  ],
};

for (const [shell, lines] of Object.entries(goldenClearing)) {
  test(`${shell}: a session goes, and the profile comes back, in these words; without one there are none`, () => {
    const env = assumeInTurn({ AWS_PROFILE: 'central' }, request({ region: undefined }));
    assert.deepEqual(shellLines(shell as Shell, clearingChange(env)), lines);
    assert.deepEqual(shellLines(shell as Shell, clearingChange({ AWS_ACCESS_KEY_ID: 'AKIA1', AWS_PROFILE: 'x' })), []);
  });
}
