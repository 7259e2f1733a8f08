// Start URLs of one's own domain: where they lead, and what of that is believed.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { isFailure } from '../../../src/base/index.ts';
import { httpSender } from '../../../src/assume/http.ts';
import { isPortal, portalAddress, portalRegion } from '../../../src/assume/sources/sso-address.ts';

const portals: Readonly<Record<string, string | undefined>> = {
  'https://d-1234567890.awsapps.com/start': undefined,
  'https://start.us-gov-home.awsapps.com/directory/d-1': undefined,
  'https://start.home.awsapps.cn/directory/d-1': undefined,
  'https://ssoins-1.portal.eu-west-1.app.aws': 'eu-west-1',
  'https://ssoins-1.eu-west-1.portal.amazonaws.com': 'eu-west-1',
  'https://ssoins-1.cn-north-1.portal.amazonaws.com.cn': 'cn-north-1',
  'https://ssoins-1.portal.cn-north-1.app.amazonwebservices.com.cn': 'cn-north-1',
  'https://ssoins-1.eusc-de-east-1.portal.amazonaws.eu': 'eusc-de-east-1',
  'https://ssoins-1.portal.eusc-de-east-1.api.amazonwebservices.eu': 'eusc-de-east-1',
  'https://identitycenter.amazonaws.com/ssoins-1': undefined,
  'https://identitycenter.us-gov.amazonaws.com/ssoins-1': undefined,
};

for (const [address, region] of Object.entries(portals)) {
  test(`a portal of AWS, of ${region ?? 'no region in its name'}: ${address}`, () => {
    assert.equal(isPortal(new URL(address)), true);
    assert.equal(portalRegion(new URL(address)), region);
  });
}

const others = [
  'https://aws.example.com/start',
  'https://awsapps.com.evil.example/start',
  'https://evil-awsapps.com/start',
  'https://evil.example/.awsapps.com',
  'https://awsapps.com@evil.example/',
  'http://corp.awsapps.com/start',
];

for (const address of others) {
  test(`no portal of AWS: ${address}`, () => assert.equal(isPortal(new URL(address)), false));
}

interface Answer {
  readonly status: number;
  readonly location?: string;
}

/** What becomes of a start URL that is answered like that, for a session of eu-west-1; and what was asked. */
async function follow(t: TestContext, answer: (request: IncomingMessage) => Answer) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    request.resume();
    asked.push(`${request.method} ${request.url}`);
    const { status, location } = answer(request);
    response.writeHead(status, { connection: 'close', ...(location === undefined ? {} : { location }) }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const startUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/start`;
  const session = { startUrl, region: 'eu-west-1', scopes: [], place: 'config:2', oidcUrl: '', portalUrl: '' };
  const found = portalAddress(session, { send: httpSender({}), wait: async () => {} });
  return { startUrl, asked, found };
}

test('an address of one’s own domain stands for the portal that it leads to', async (t) => {
  const target = { status: 302, location: 'https://ssoins-1.portal.eu-west-1.app.aws/?x=1#/' };
  const { asked, found } = await follow(t, () => target);
  assert.equal(await found, 'https://ssoins-1.portal.eu-west-1.app.aws');
  assert.deepEqual(asked, ['HEAD /start']);
});

test('a server that knows no HEAD is asked by GET', async (t) => {
  const { asked, found } = await follow(t, ({ method }) =>
    method === 'HEAD' ? { status: 405 } : { status: 301, location: 'https://d-1.awsapps.com/start/' },
  );
  assert.equal(await found, 'https://d-1.awsapps.com/start');
  assert.deepEqual(asked, ['HEAD /start', 'GET /start']);
});

const nowhere: Readonly<Record<string, Answer>> = {
  'answers with a page': { status: 200 },
  'is not there': { status: 404 },
  'leads to a host that is not of AWS': { status: 302, location: 'https://d-1.awsapps.com.evil.example/start' },
  'leads to a portal without TLS': { status: 302, location: 'http://d-1.awsapps.com/start' },
  'leads to no address': { status: 302, location: 'https://' },
  'leads on, without saying where': { status: 302 },
};

for (const [what, answer] of Object.entries(nowhere)) {
  test(`an address that ${what} is left to AWS as it is, and only asked once`, async (t) => {
    const { startUrl, asked, found } = await follow(t, () => answer);
    assert.equal(await found, startUrl);
    assert.equal(asked.length, 1);
  });
}

test('a portal of another region than sso_region is told with file, line and the cure', async (t) => {
  const { found } = await follow(t, () => ({
    status: 307,
    location: 'https://ssoins-1.us-east-1.portal.amazonaws.com',
  }));
  await assert.rejects(
    () => found,
    (error) =>
      isFailure(error) &&
      error.code === 'setting-invalid' &&
      /^config:2: .*a portal in us-east-1, and sso_region is eu-west-1$/.test(error.message) &&
      error.hint === 'write `sso_region = us-east-1`',
  );
});
