// The address that a browser brings the answer to, and what a hostile page or neighbour may try with it.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { Secret } from '../../../src/base/index.ts';
import { openCallback, readCallback, type Callback } from '../../../src/assume/sources/sso-callback.ts';

const expected = { host: '127.0.0.1:4321', state: new Secret('right-state') };

interface Case {
  readonly method?: string;
  readonly url: string;
  readonly host?: string;
  readonly means: number | string;
}

const cases: Readonly<Record<string, Case>> = {
  'a code with our state': { url: '/oauth/callback?code=c1&state=right-state', means: 'code c1' },
  'a refusal with our state': {
    url: '/oauth/callback?error=access_denied&state=right-state',
    means: 'error access_denied',
  },
  'a refusal that would move the cursor': {
    url: '/oauth/callback?error=a%1b%5b2J&state=right-state',
    means: 'error a??2J',
  },
  'a code with another state': { url: '/oauth/callback?code=c1&state=wrong', means: 403 },
  'a code without state': { url: '/oauth/callback?code=c1', means: 403 },
  'a code with two states': { url: '/oauth/callback?code=c1&state=right-state&state=right-state', means: 403 },
  'a refusal without state': { url: '/oauth/callback?error=access_denied', means: 403 },
  'our state without a code': { url: '/oauth/callback?state=right-state', means: 400 },
  'two codes': { url: '/oauth/callback?code=a&code=b&state=right-state', means: 400 },
  'another Host': { url: '/oauth/callback?code=c1&state=right-state', host: 'evil.example:4321', means: 421 },
  'localhost as Host': { url: '/oauth/callback?code=c1&state=right-state', host: 'localhost:4321', means: 421 },
  'a POST': { method: 'POST', url: '/oauth/callback?code=c1&state=right-state', means: 405 },
  'another path': { url: '/favicon.ico', means: 404 },
  'an address that is none': { url: 'http://[', means: 404 },
};

for (const [name, { method = 'GET', url, host = expected.host, means }] of Object.entries(cases)) {
  test(`callback: ${name}`, () => {
    const answer = readCallback({ method, url, host }, expected);
    const text =
      typeof answer === 'number' ? answer : 'code' in answer ? `code ${answer.code.reveal()}` : `error ${answer.error}`;
    assert.equal(text, means);
  });
}

function get(callback: Callback, query: string, host?: string): Promise<number | string> {
  const { promise, resolve } = Promise.withResolvers<number | string>();
  const url = new URL(`${callback.redirectUri}?${query}`);
  const asked = request(url, { agent: false, ...(host === undefined ? {} : { headers: { host } }) }, (response) => {
    response.resume();
    response.on('end', () => resolve(response.statusCode ?? 0));
  });
  asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  asked.end();
  return promise;
}

test('hostile callbacks neither end the sign-in nor give it their code; the first right one does, and then nobody listens', async () => {
  const callback = await openCallback(new Secret('s'));
  assert.match(callback.redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/oauth\/callback$/);
  assert.equal(await get(callback, 'code=evil&state=x'), 403);
  assert.equal(await get(callback, 'code=evil&state=s', 'evil.example'), 421);
  assert.equal(await get(callback, 'error=access_denied'), 403);
  const [first, second] = await Promise.all([get(callback, 'code=good&state=s'), get(callback, 'code=later&state=s')]);
  assert.deepEqual(new Set([first, second]), new Set([200, 410]));
  const answer = await callback.answer;
  assert.equal('code' in answer ? answer.code.reveal() : '', first === 200 ? 'good' : 'later');
  callback.close();
  assert.equal(await get(callback, 'code=late&state=s'), 'ECONNREFUSED');
});
