import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFailure, Secret } from '../../src/base/index.ts';
import { browserCommands, containerAddress, openBrowser } from '../../src/assume/console-browser.ts';
import { consoleDestination, customSignin, signinEndpoints } from '../../src/assume/console-place.ts';
import { withoutSecrets } from '../../src/assume/environment.ts';
import { federatedName } from '../../src/assume/console-session.ts';
import { consoleSeconds, signinLink, signinToken } from '../../src/assume/console-signin.ts';
import type { HttpAnswer, HttpLoss, HttpRequest } from '../../src/assume/http.ts';

interface Refusable {
  readonly name: string;
  readonly refused?: string;
  readonly hint?: string;
}

interface Cases {
  readonly places: readonly (Refusable & {
    readonly partition: string;
    readonly region?: string;
    readonly env?: Record<string, string>;
    readonly settings?: Record<string, string>;
    readonly endpoints?: readonly string[];
    readonly page?: string;
  })[];
  readonly pages: readonly (Refusable & {
    readonly service?: string;
    readonly destination?: string;
    readonly page?: string;
  })[];
  readonly browsers: readonly (Refusable & {
    readonly platform: NodeJS.Platform;
    readonly env?: Record<string, string>;
    readonly command?: string;
    readonly container?: boolean;
    readonly commands?: readonly (readonly string[])[];
  })[];
}

const cases = JSON.parse(readFileSync(join(import.meta.dirname, '../cases/assume/console.json'), 'utf8')) as Cases;

function check({ refused, hint }: Refusable, work: () => void): void {
  if (refused === undefined) return work();
  assert.throws(work, (error) => {
    assert.ok(isFailure(error));
    assert.equal(error.code, refused);
    assert.ok(error.hint!.includes(hint ?? ''), error.hint);
    return true;
  });
}

for (const { name, partition, region, env = {}, settings = {}, endpoints, page, ...rest } of cases.places) {
  test(`the sign-in endpoint and the console: ${name}`, () => {
    check(rest as Refusable, () => {
      const place = { partition, region };
      assert.deepEqual(signinEndpoints(place, customSignin(env, { settings })), endpoints);
      if (page !== undefined) assert.equal(consoleDestination({}, place), page);
    });
  });
}

for (const { name, service, destination, page, ...rest } of cases.pages) {
  test(`the page of the console: ${name}`, () => {
    check(rest as Refusable, () =>
      assert.equal(consoleDestination({ service, destination }, { partition: 'aws', region: 'eu-west-1' }), page),
    );
  });
}

for (const { name, platform, env = {}, command, container = false, commands, ...rest } of cases.browsers) {
  test(`the browser: ${name}`, () => {
    const line = command === undefined ? undefined : { line: command, place: '--browser' };
    const url = 'https://signin.aws.amazon.com/federation?a=b&c=$(id) `x`\' "';
    check(rest as Refusable, () => {
      const found = browserCommands({ url, profile: 'team one', command: line, container }, env, platform);
      assert.deepEqual(
        found.map((words) => words.map((word) => word.replace(url, 'URL'))),
        commands,
      );
    });
  });
}

test('40 (fwdcloudsec/granted#741, #727): each target has a Firefox container of its own, and production is red', () => {
  const address = containerAddress('https://x/?a=b&c=d', { name: 'team/prod audit' });
  assert.equal(
    address,
    'ext+granted-containers:name=team%2Fprod%20audit&url=https%3A%2F%2Fx%2F%3Fa%3Db%26c%3Dd&color=red&icon=briefcase',
  );
  const color = (name: string): string => /color=(\w+)/.exec(containerAddress('u', { name }))![1]!;
  for (const name of ['prod', 'PROD-admin', 'x.production', 'live/x', 'prd']) assert.equal(color(name), 'red');
  for (const name of ['dev', 'product', 'preprodx', 'olive', 'liver']) assert.notEqual(color(name), 'red');
  assert.equal(color('dev/test_role'), color('dev/test_role'));
  assert.match(containerAddress('u', { name: 'x', color: 'pink', icon: 'fence' }), /color=pink&icon=fence$/);
  assert.throws(() => containerAddress('u', { name: 'x', color: 'grey' }), /`--color` does not take `grey`/);
});

const session = {
  accessKeyId: 'ASIA1',
  secretAccessKey: new Secret('the secret'),
  sessionToken: new Secret('the token'),
};

/** A sign-in endpoint that answers as told and remembers what it was asked. */
function endpoint(answers: readonly (HttpAnswer | HttpLoss)[]): {
  asked: HttpRequest[];
  send: (request: HttpRequest) => Promise<HttpAnswer | HttpLoss>;
} {
  const asked: HttpRequest[] = [];
  return { asked, send: async (request) => (asked.push(request), answers[asked.length - 1]!) };
}

const good: HttpAnswer = { status: 200, body: '{"SigninToken":"T"}' };
const bad: HttpAnswer = { status: 400, body: '<h1>Bad</h1><p>The session has ended.</p><p>the secret</p>' };
const one = { endpoints: ['https://one'], session };

test('the session is posted, so that no secret stands in an address', async () => {
  const { asked, send } = endpoint([good]);
  const { token, durationTaken } = await signinToken({ ...one, durationSeconds: 3600 }, send);
  assert.deepEqual([token.reveal(), durationTaken, asked.length], ['T', true, 1]);
  assert.equal(asked[0]!.url.href, 'https://one/federation');
  const form = new URLSearchParams(asked[0]!.body);
  assert.deepEqual([form.get('Action'), form.get('SessionDuration')], ['getSigninToken', '3600']);
  assert.deepEqual(JSON.parse(form.get('Session')!), {
    sessionId: 'ASIA1',
    sessionKey: 'the secret',
    sessionToken: 'the token',
  });
});

test('where posting is not taken, the documented GET is', async () => {
  const { asked, send } = endpoint([{ status: 405, body: '' }, good]);
  await signinToken(one, send);
  assert.deepEqual(
    asked.map(({ method, url, body }) => [method, url.searchParams.get('Action'), body === '']),
    [
      ['POST', null, false],
      ['GET', 'getSigninToken', true],
    ],
  );
});

test('a duration that AWS refuses is left out, and that is told', async () => {
  const { asked, send } = endpoint([bad, good]);
  assert.equal((await signinToken({ ...one, durationSeconds: 3600 }, send)).durationTaken, false);
  assert.equal(new URLSearchParams(asked[1]!.body).has('SessionDuration'), false);
});

test('a region without a sign-in endpoint of its own falls back to the partition’s', async () => {
  const lost: HttpLoss = { lost: 'ENOTFOUND', sent: false };
  const { asked, send } = endpoint([lost, good]);
  const found = await signinToken({ endpoints: ['https://one', 'https://two'], session }, send);
  assert.deepEqual([found.endpoint, asked.length], ['https://two', 2]);
  const timeout = endpoint([{ lost: 'ETIMEDOUT', sent: false }]);
  await assert.rejects(signinToken({ endpoints: ['https://one', 'https://two'], session }, timeout.send), {
    code: 'signin-unreachable',
  });
});

const refusals: Readonly<Record<string, readonly HttpAnswer[]>> = {
  'a page': [bad, bad],
  'no token': [
    { status: 200, body: '{}' },
    { status: 200, body: 'null' },
  ],
  'a token that is no text': [
    { status: 200, body: '{"SigninToken":1}' },
    { status: 200, body: '[' },
  ],
  'a failure of its own': [{ status: 503, body: 'the secret' }],
};
for (const [what, answers] of Object.entries(refusals)) {
  test(`a sign-in that answers ${what} is refused without telling a secret`, async () => {
    const { send } = endpoint(answers);
    await assert.rejects(signinToken(one, send), (error) => {
      assert.ok(isFailure(error));
      assert.equal(error.code, 'signin-refused');
      assert.doesNotMatch(`${error.message}${error.hint}`, /the secret|the token/);
      return true;
    });
  });
}

test('the link names where to go, who made it and the token, and may sign out first', () => {
  const made = { endpoint: 'https://one', token: new Secret('T&='), durationTaken: true };
  const link = signinLink(made, { destination: 'https://c/?a=b#c', issuer: 'https://portal/', logoutFirst: false });
  assert.equal(
    link.reveal(),
    'https://one/federation?Action=login&Issuer=https%3A%2F%2Fportal%2F&Destination=https%3A%2F%2Fc%2F%3Fa%3Db%23c&SigninToken=T%26%3D',
  );
  const url = new URL(signinLink(made, { destination: 'https://c/', logoutFirst: true }).reveal());
  assert.equal(url.origin + url.pathname, 'https://one/oauth');
  assert.equal(url.searchParams.get('Action'), 'logout');
  assert.match(url.searchParams.get('redirect_uri')!, /^https:\/\/one\/federation\?Action=login&Destination=/);
  assert.equal(String(link), '[secret]');
});

test('the console session lasts what AWS takes', () => {
  assert.deepEqual([1, 900.7, 43_200, 50_000].map(consoleSeconds), [900, 900, 43_200, 43_200]);
});

test('a federated user has a name that STS takes', () => {
  assert.equal(federatedName('alice.von-der.wiese@example.com-and-more'), 'alice.von-der.wiese@example.com-');
  assert.equal(federatedName('a'), 'a-stint');
  assert.equal(federatedName('a b/c'), 'a-b-c');
});

test('a browser gets no keys', () => {
  const env = { PATH: '/bin', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't', VAULT_TOKEN: 'v', AWS_REGION: 'r' };
  assert.deepEqual(withoutSecrets(env), { PATH: '/bin', AWS_REGION: 'r' });
});

test('the next command is tried when one is not there, not when one fails', async () => {
  await openBrowser([['/none/such'], ['true', 'x']], { PATH: process.env['PATH'] });
  // However long a busy machine takes to run it.
  await assert.rejects(openBrowser([['false'], ['true']], { PATH: process.env['PATH'] }, 600_000), {
    code: 'browser-failed',
    message: 'no browser was opened: `false` (exit code 1)',
  });
  await assert.rejects(openBrowser([['/none/such']], {}), { code: 'browser-failed' });
});
