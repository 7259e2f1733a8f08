// Sign-ins against a token service on loopback, with a person and a browser of the test's own.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AdjustableClock, isFailure } from '../../../src/base/index.ts';
import { httpSender } from '../../../src/assume/http.ts';
import type { SsoSession } from '../../../src/assume/model.ts';
import { signIn, type SignedIn, type SignInWorld } from '../../../src/assume/sources/sso-sign-in.ts';
import { startIdentityCenter, type IdentityCenter } from '../idc/identity-center.ts';
import { serveJson } from '../idc/serve.ts';
import { temporaryHome } from '../support.ts';

interface Desk {
  readonly idc: IdentityCenter;
  readonly home: string;
  /** Lines the person saw. */
  readonly seen: string[];
  /** Pauses in milliseconds. */
  readonly pauses: number[];
  readonly stop: AbortController;
  /** Settles when the person has seen the first line. */
  readonly shown: Promise<void>;
  readonly signIn: (how?: {
    deviceCode?: boolean;
    scopes?: readonly string[];
    name?: string;
    startUrl?: string;
  }) => Promise<SignedIn>;
}

/** A person who follows every address that is shown, unless `idle`. */
async function desk(t: TestContext, { idle = false }: { idle?: boolean } = {}): Promise<Desk> {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, '');
  const [seen, pauses, stop] = [[] as string[], [] as number[], new AbortController()];
  const clock = new AdjustableClock();
  const { promise: shown, resolve: show } = Promise.withResolvers<void>();
  const world = (deviceCode: boolean): SignInWorld => ({
    env: { HOME: home },
    platform: 'linux',
    clock,
    send: httpSender({}),
    wait: (millis, signal) => {
      // Ten minutes are the browser's patience: they end when the test says so.
      if (millis >= 600_000 && signal?.aborted === false)
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      pauses.push(millis);
      clock.advance(millis);
      return Promise.resolve();
    },
    person: {
      deviceCode,
      browser: false,
      signal: stop.signal,
      tell: (line) => {
        seen.push(line);
        show();
        const url = /^ {2}(http\S+\/authorize\S+)$/.exec(line)?.[1];
        if (url !== undefined && !idle) void fetch(url, { headers: { connection: 'close' } });
      },
    },
  });
  const session = (scopes: readonly string[], name: string, startUrl: string): SsoSession => ({
    name,
    startUrl,
    region: 'eu-west-1',
    scopes,
    place: 'config:1',
    oidcUrl: idc.url,
    portalUrl: idc.url,
  });
  return {
    idc,
    home,
    seen,
    pauses,
    stop,
    shown,
    signIn: ({ deviceCode = false, scopes = [], name = 'corp', startUrl = 'https://corp.awsapps.com/start' } = {}) =>
      signIn(session(scopes, name, startUrl), world(deviceCode)),
  };
}

const failed =
  (code: string, says: RegExp) =>
  (error: unknown): boolean =>
    isFailure(error) && error.code === code && says.test(error.message) && error.hint !== undefined;

test('the browser brings a code, PKCE proves whose it is, and the token can be renewed (aws-sso-cli#1233)', async (t) => {
  const { idc, signIn: go } = await desk(t);
  const { issued } = await go();
  assert.notEqual(issued.refreshToken, undefined);
  assert.deepEqual(idc.paths, ['/client/register', '/authorize', '/token']);
  const registered = idc.calls[0]!.body;
  assert.deepEqual(registered['grantTypes'], ['authorization_code', 'refresh_token']);
  assert.deepEqual(registered['redirectUris'], ['http://127.0.0.1/oauth/callback']);
  assert.equal(registered['issuerUrl'], 'https://corp.awsapps.com/start');
  const verifier = String(idc.calls[2]!.body['codeVerifier']);
  assert.match(verifier, /^[\w.~-]{43,128}$/);
});

test('sso_registration_scopes go to the registration and the sign-in; without any, the one that makes tokens renewable does (ByteNess/aws-vault#445)', async (t) => {
  const { idc, signIn: go } = await desk(t);
  await go({ scopes: ['sso:account:access', 'codewhisperer:completions'] });
  assert.deepEqual(idc.calls[0]!.body['scopes'], ['sso:account:access', 'codewhisperer:completions']);
  assert.equal(idc.calls[1]!.query.get('scopes'), 'sso:account:access codewhisperer:completions');
  await go({ name: 'other' });
  assert.deepEqual(idc.calls[3]!.body['scopes'], ['sso:account:access']);
});

test('with scopes that give no refresh token the token is taken without one', async (t) => {
  const { signIn: go } = await desk(t);
  assert.equal((await go({ scopes: ['codewhisperer:completions'], deviceCode: true })).issued.refreshToken, undefined);
});

test('a start URL of one’s own domain is followed, and AWS gets the portal’s address', async (t) => {
  const { idc, signIn: go } = await desk(t);
  const portal = 'https://ssoins-1.eu-west-1.portal.amazonaws.com';
  const url = await serveJson(t, () => ({ status: 302, headers: { location: portal }, body: {} }));
  await go({ startUrl: url });
  await go({ startUrl: url, deviceCode: true });
  const told = idc.calls.map(({ body }) => body['issuerUrl'] ?? body['startUrl']).filter((each) => each !== undefined);
  assert.deepEqual(told, [portal, portal]);
});

test('a registered client serves the next sign-in, where the AWS CLI keeps its own', async (t) => {
  const { idc, home, signIn: go } = await desk(t);
  await go();
  // What the AWS CLI hashes: Python's JSON with sorted keys.
  const key =
    '{"region": "eu-west-1", "scopes": null, "session_name": "corp", "startUrl": "https://corp.awsapps.com/start", "tool": "botocore"}';
  const file = join(home, '.aws/sso/cache', `${createHash('sha1').update(key).digest('hex')}.json`);
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(file, 'utf8'))).sort(), [
    'clientId',
    'clientSecret',
    'expiresAt',
    'grantTypes',
    'scopes',
  ]);
  await go();
  assert.equal(idc.count('/client/register'), 1);
});

test('a client that ends soon, one of the other kind, and one with fewer scopes are not begun with', async (t) => {
  const { idc, home, signIn: go } = await desk(t);
  const key =
    '{"region": "eu-west-1", "scopes": null, "session_name": "corp", "startUrl": "https://corp.awsapps.com/start", "tool": "botocore"}';
  const folder = join(home, '.aws/sso/cache');
  const file = join(folder, `${createHash('sha1').update(key).digest('hex')}.json`);
  const far = new Date(Date.now() + 86_400_000).toISOString();
  const soon = new Date(Date.now() + 60_000).toISOString();
  const client = { clientId: 'x', clientSecret: 'y', expiresAt: far, scopes: ['sso:account:access'] };
  mkdirSync(folder, { recursive: true });
  const grantTypes = ['authorization_code', 'refresh_token'];
  for (const kept of [
    { ...client, grantTypes, expiresAt: soon },
    client,
    { ...client, grantTypes, scopes: [] },
    'damaged',
  ]) {
    writeFileSync(file, JSON.stringify(kept));
    await go();
  }
  assert.equal(idc.count('/client/register'), 4);
});

test('a code on another device is asked for as slowly as AWS wants: five seconds more after slow_down', async (t) => {
  const { idc, seen, pauses, signIn: go } = await desk(t);
  idc.moods.device = ['authorization_pending', 'slow_down', 'authorization_pending'];
  await go({ deviceCode: true });
  assert.deepEqual(pauses, [1000, 6000, 6000]);
  assert.deepEqual(
    seen.map((line) => line.replace(idc.url, '')),
    [
      'sign in to IAM Identity Center in a browser on any device:',
      '  /device',
      'and enter the code  ABCD-EFGH  (or go to /device?user_code=ABCD-EFGH)',
    ],
  );
  assert.equal(idc.calls[0]!.body['grantTypes'], undefined);
});

test('a code that is refused, or not entered in time, ends the sign-in and says so', async (t) => {
  const { idc, signIn: go } = await desk(t);
  idc.moods.device = ['authorization_pending', 'access_denied'];
  await assert.rejects(go({ deviceCode: true }), failed('sso-sign-in-failed', /^config:1: .*access_denied/));
  idc.moods.device = ['expired_token'];
  await assert.rejects(go({ deviceCode: true }), failed('sso-sign-in-failed', /not entered in time/));
  idc.moods.device = Array.from({ length: 700 }, () => 'authorization_pending');
  await assert.rejects(go({ deviceCode: true }), failed('sso-sign-in-failed', /not entered in time/));
});

test('a refusal in the browser ends the sign-in and says so', async (t) => {
  const { idc, signIn: go } = await desk(t);
  idc.moods.authorize = 'access_denied';
  await assert.rejects(go(), failed('sso-sign-in-failed', /the browser brought `access_denied`/));
});

test('throttling and faults of the token service are tried again, a refusal is not', async (t) => {
  const { idc, pauses, signIn: go } = await desk(t);
  idc.moods.instead = (_, count) =>
    [
      { status: 429, body: {} },
      { status: 500, body: {} },
    ][count - 1];
  await go();
  assert.deepEqual(pauses, [500, 200]);
  idc.moods.instead = () => ({ status: 400, body: { error: 'invalid_scope', error_description: 'no such scope' } });
  const before = idc.calls.length;
  await assert.rejects(go({ name: 'other' }), failed('sso-sign-in-failed', /no such scope \(invalid_scope\)/));
  assert.equal(idc.calls.length, before + 1);
});

test('an end by the person while a browser or a code is waited for keeps no token', async (t) => {
  const { home, stop, shown, signIn: go } = await desk(t, { idle: true });
  const byBrowser = go();
  await shown;
  stop.abort();
  await assert.rejects(byBrowser, failed('interrupted', /./));
  await assert.rejects(go({ deviceCode: true }), failed('interrupted', /./));
  assert.ok(!existsSync(join(home, '.aws/sso/cache', `${createHash('sha1').update('corp').digest('hex')}.json`)));
});

test('what AWS sends is printed without its control letters', async (t) => {
  const { idc, seen, signIn: go } = await desk(t);
  idc.moods.instead = ({ path }) =>
    path === '/device_authorization'
      ? {
          status: 200,
          body: {
            deviceCode: 'd',
            userCode: 'A\u001b[2JB',
            verificationUri: 'https://x/\u0007',
            expiresIn: 5,
            interval: 1,
          },
        }
      : undefined;
  await assert.rejects(go({ deviceCode: true }), failed('sso-sign-in-failed', /unknown device code/));
  assert.ok(
    seen.every((line) => /^[\x20-\x7e]*$/.test(line)),
    JSON.stringify(seen),
  );
});
