import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/base/index.ts';
import type { Environment } from '../../../src/assume/model.ts';
import { tokenFileSource } from '../../../src/assume/named-sources.ts';
import { requestIdentity } from '../../../src/assume/cache.ts';
import { readIdentityToken } from '../../../src/assume/sources/web-identity.ts';
import { failureOf } from '../../base/support.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'stint-token-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const tools = (env: Environment = {}) => ({
  env: { PATH: process.env['PATH'], ...env },
  clock: systemClock,
  wait: async () => {},
  send: async () => ({ lost: 'nothing is sent', sent: false }),
  note: () => undefined,
  explain: () => undefined,
});

const fileSource = (file: string) => ({ kind: 'web-identity', from: 'x', token: { file }, place: 'config:4' }) as const;
const processSource = (line: string) =>
  ({ kind: 'web-identity', from: 'x', token: { process: line, profile: 'ci' }, place: 'config:4' }) as const;

test('a token is read anew each time, without what an editor puts around it', async (t) => {
  const file = join(folder(t), 'token');
  for (const [text, token] of [
    ['a.b.c\n', 'a.b.c'],
    ['\ufeffd.e.f\r\n', 'd.e.f'],
  ] as const) {
    writeFileSync(file, text);
    assert.equal((await readIdentityToken(fileSource(file), tools())).identityToken.reveal(), token);
  }
});

const bad: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
  'an empty one': ['\n', /is empty/],
  'one with blanks': ['hunter2 hunter2', /blanks or letters/],
  'one with a NUL': ['a\0b', /blanks or letters/],
  'one that STS would not take': ['x'.repeat(20_001), /more than 20000/],
};

for (const [name, [text, says]] of Object.entries(bad)) {
  test(`a token file that holds no token is told by its place, and not repeated: ${name}`, async (t) => {
    const file = join(folder(t), 'token');
    writeFileSync(file, text);
    const found = await failureOf(readIdentityToken(fileSource(file), tools()));
    assert.equal(found.code, 'token-refused');
    assert.match(found.message, /^config:4: /);
    assert.match(found.message, says);
    assert.ok(!`${found.message}${found.hint ?? ''}`.includes('hunter2'));
  });
}

test('a token file that is not there is told by its name', async () => {
  const found = await failureOf(readIdentityToken(fileSource('/nowhere/token'), tools()));
  assert.match(found.message, /^config:4: the token file `\/nowhere\/token` cannot be read \(ENOENT\)/);
});

test('web_identity_token_process is run by a shell, as aws-vault runs it', async () => {
  const found = await readIdentityToken(processSource('printf "%s\\n" "a.$X.c" | tr a z'), tools({ X: 'b' }));
  assert.equal(found.identityToken.reveal(), 'z.b.c');
});

test('web_identity_token_process that fails is told with its place and without its output', async () => {
  const found = await failureOf(readIdentityToken(processSource('echo hunter2; exit 3'), tools()));
  assert.equal(found.code, 'process-failed');
  assert.match(found.message, /^config:4: the web_identity_token_process ended with exit code 3/);
  assert.ok(!found.message.includes('hunter2'));
});

test('web_identity_token_process that asks for its own profile is found out', async () => {
  const env = { STINT_PROCESS_PROFILES: 'ci' };
  const found = await failureOf(readIdentityToken(processSource('echo a.b.c'), tools(env)));
  assert.equal(found.code, 'profile-circular');
});

function jwt(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
}

test('a session is kept for the subject of the token, not for whoever puts a token into that file later', () => {
  const identity = (token: string | undefined): string =>
    requestIdentity({
      target: 'ci',
      source: tokenFileSource('/t', 'config:4', 'x', {}, () => token),
      roles: [{ roleArn: 'arn:aws:iam::222222222222:role/x', sessionName: 'ci' }],
      sts: { url: 'https://sts.amazonaws.com', signingRegion: 'us-east-1' },
      settings: {},
    });
  const alice = { iss: 'https://issuer.example.com', sub: 'alice', aud: 'sts.amazonaws.com' };
  assert.equal(identity(jwt({ ...alice, exp: 1 })), identity(jwt({ ...alice, exp: 2 })));
  assert.notEqual(identity(jwt(alice)), identity(jwt({ ...alice, sub: 'bob' })));
  assert.notEqual(identity(jwt(alice)), identity(undefined));
  assert.ok(!identity(jwt(alice)).includes('c2ln'), 'the token is part of the identity');
});
