// Tokens as the AWS CLI and the SDKs keep them: which are taken, and what for.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Secret } from '../../../src/base/index.ts';
import type { SsoSession } from '../../../src/assume/model.ts';
import { judgeToken, mayRenew, readToken, tokenFile, writeToken } from '../../../src/assume/sources/sso-cache.ts';
import { temporaryHome } from '../support.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const session: SsoSession = {
  name: 'corp',
  startUrl: 'https://corp.awsapps.com/start',
  region: 'eu-west-1',
  scopes: [],
  place: 'config:1',
  oidcUrl: 'http://127.0.0.1:1',
  portalUrl: 'http://127.0.0.1:1',
};
const kept = {
  startUrl: 'https://corp.awsapps.com/start',
  region: 'eu-west-1',
  accessToken: 'a',
  expiresAt: '2026-01-01T01:00:00Z',
  refreshToken: 'r',
  clientId: 'c',
  clientSecret: 's',
  registrationExpiresAt: '2026-02-01T00:00:00Z',
};

function put(t: TestContext, text: string): string {
  const home = temporaryHome(t, '');
  mkdirSync(join(home, '.aws/sso/cache'), { recursive: true });
  writeFileSync(tokenFile(session, { HOME: home }), text);
  return home;
}

const files: Readonly<Record<string, readonly [object | string, string]>> = {
  'as the AWS CLI writes it': [kept, 'good, renewable'],
  'as older tools wrote the times': [
    { ...kept, expiresAt: '2026-01-01T01:00:00UTC', registrationExpiresAt: '2026-02-01T00:00:00UTC' },
    'good, renewable',
  ],
  'with an end in the fractions of the JavaScript SDK': [
    { ...kept, expiresAt: '2026-01-01T01:00:00.123Z' },
    'good, renewable',
  ],
  'of a start URL that ends otherwise': [{ ...kept, startUrl: 'https://corp.awsapps.com/start/#/' }, 'good, renewable'],
  'without what renews it': [{ ...kept, refreshToken: undefined }, 'good'],
  'whose client has ended': [{ ...kept, registrationExpiresAt: '2025-12-31T00:00:00Z' }, 'good'],
  'that ends within five minutes': [{ ...kept, expiresAt: '2026-01-01T00:04:00Z' }, 'ending, renewable'],
  'that has ended': [{ ...kept, expiresAt: '2025-12-31T23:00:00Z' }, 'ended, renewable'],
  'of another start URL': [{ ...kept, startUrl: 'https://evil.awsapps.com/start' }, 'none'],
  'of another region': [{ ...kept, region: 'us-east-1' }, 'none'],
  'without a token': [{ ...kept, accessToken: '' }, 'none'],
  'without an end': [{ ...kept, expiresAt: 'soon' }, 'none'],
  'with a token that is a number': [{ ...kept, accessToken: 7 }, 'none'],
  'cut off in the middle': ['{"accessToken": "a", "expi', 'none'],
  'that is a list': ['[]', 'none'],
  'that is empty': ['', 'none'],
};

for (const [name, [content, expected]] of Object.entries(files)) {
  test(`a token ${name} is ${expected}`, (t) => {
    const home = put(t, typeof content === 'string' ? content : JSON.stringify(content));
    const token = readToken(session, { HOME: home });
    assert.equal(`${judgeToken(token, now)}${mayRenew(token, now) ? ', renewable' : ''}`, expected);
  });
}

test('a folder in the place of the file is no token', (t) => {
  const home = temporaryHome(t, '');
  mkdirSync(tokenFile(session, { HOME: home }), { recursive: true });
  assert.equal(readToken(session, { HOME: home }), undefined);
});

test('a renewal keeps what other tools wrote, and the refresh token when it brings no new one', (t) => {
  const home = put(t, JSON.stringify({ ...kept, theirs: [1] }));
  const env = { HOME: home };
  const before = readToken(session, env);
  const client = { clientId: 'c', clientSecret: new Secret('s'), expiresAt: now + 1000 };
  writeToken(session, env, { accessToken: new Secret('b'), expiresIn: 60 }, { client, before, now });
  assert.deepEqual(JSON.parse(readFileSync(tokenFile(session, env), 'utf8')), {
    ...kept,
    theirs: [1],
    accessToken: 'b',
    expiresAt: '2026-01-01T00:01:00Z',
    registrationExpiresAt: '2026-01-01T00:00:01Z',
  });
  assert.equal(readdirSync(join(home, '.aws/sso/cache')).length, 1);
});
