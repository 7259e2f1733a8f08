// Issuers that the embedded AWS asks for their keys.
import * as Iam from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { refused } from '../iam/clients.ts';
import { control, send } from '../support.ts';
import { makeCertificate } from './certificate.ts';
import { signed, startIssuer, strangersKey, testToken } from './issuer.ts';
import { arnOf, startWebIdentities, type WebIdentities } from './web-identities.ts';

let cloud: WebIdentities['cloud'];
let admin: WebIdentities['admin'];
let makeProvider: WebIdentities['makeProvider'];
let makeRole: WebIdentities['makeRole'];
let assume: WebIdentities['assume'];
before(async () => {
  ({ cloud, admin, makeProvider, makeRole, assume } = await startWebIdentities());
});
after(() => cloud.stop());

const claimsFor = (issuer: string, more: object = {}) => {
  const now = Math.floor(cloud.clock.now() / 1000);
  return { iss: issuer, sub: 'alice', aud: 'my-app', iat: now, exp: now + 600, ...more };
};

test('an issuer on this machine is asked for its keys', async () => {
  await using issuer = await startIssuer();
  await makeProvider(issuer.url, ['my-app']);
  const role = await makeRole('own-issuer', arnOf(issuer.url));
  const answer = await assume(role, await issuer.sign(claimsFor(issuer.url)));
  assert.equal(answer.SubjectFromWebIdentityToken, 'alice');
  assert.deepEqual(issuer.asked, ['/.well-known/openid-configuration', '/keys']);
  const forged = await signed(claimsFor(issuer.url), strangersKey);
  await refused(assume(role, forged), 'InvalidIdentityToken', 'signature');
  const otherKey = await signed(claimsFor(issuer.url), strangersKey, 'key-2');
  await refused(
    assume(role, otherKey),
    'InvalidIdentityToken',
    "Couldn't retrieve verification key from your identity provider,  please",
  );
  const { exp: _, ...endless } = claimsFor(issuer.url);
  await refused(assume(role, await issuer.sign(endless)), 'InvalidIdentityToken', 'exp');
  const none = [{ alg: 'none' }, claimsFor(issuer.url)].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  await refused(assume(role, `${none.join('.')}.`), 'InvalidIdentityToken');
});

test('the test issuer itself may be registered, and found by discovery', async () => {
  const url = `${cloud.endpoint}/_stint/oidc`;
  await makeProvider(url, ['my-app']);
  const role = await makeRole('test-issuer', arnOf(url));
  await assume(role, await testToken(cloud, { audience: 'my-app' }));
  const { status, text } = await send(`${url}/.well-known/openid-configuration`);
  const found = JSON.parse(text) as { issuer: string; jwks_uri: string };
  assert.deepEqual([status, found.issuer], [200, url]);
  const { keys } = JSON.parse((await send(found.jwks_uri)).text) as { keys: { d?: string; kty: string }[] };
  assert.deepEqual([keys[0]!.kty, keys[0]!.d], ['EC', undefined]);
  assert.equal((await send(`${url}/other`)).status, 404);
});

test('an issuer beyond this machine is not asked', async () => {
  await makeProvider('https://far.example.com', ['my-app']);
  const role = await makeRole('far', arnOf('https://far.example.com'));
  const token = await signed(claimsFor('https://far.example.com'), strangersKey);
  await refused(assume(role, token), 'IDPCommunicationError', '--outside-issuers');
});

test('an issuer that redirects, answers too much, nonsense or not at all gives no key', async () => {
  const answers: Readonly<Record<string, Parameters<typeof startIssuer>[0]>> = {
    redirects: {
      instead: (_request, response) => (response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), true),
    },
    floods: { instead: (_request, response) => (response.end('x'.repeat(70_000)), true) },
    babbles: { instead: (_request, response) => (response.end('<html>'), true) },
    'sends elsewhere': { instead: (_request, response) => (response.end('{"jwks_uri":"file:///etc/passwd"}'), true) },
    'hangs up': { instead: (request) => (request.socket.destroy(), true) },
  };
  for (const [name, options] of Object.entries(answers)) {
    await using issuer = await startIssuer(options);
    await makeProvider(issuer.url, ['my-app']);
    const role = await makeRole(`issuer-${name.replace(/ /g, '-')}`, arnOf(issuer.url));
    const token = await issuer.sign(claimsFor(issuer.url));
    await assert.rejects(assume(role, token), (error: Error) => {
      assert.match(error.name, /^(?:IDPCommunicationError|InvalidIdentityToken)/, name);
      return true;
    });
  }
});

test('while an issuer is slow, other calls go on', async () => {
  const reached = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  await using issuer = await startIssuer({
    instead: (_request, response) => {
      reached.resolve();
      void answered.promise.then(() => response.end('{}'));
      return true;
    },
  });
  await makeProvider(issuer.url, ['my-app']);
  const role = await makeRole('patient', arnOf(issuer.url));
  const waiting = assume(role, await issuer.sign(claimsFor(issuer.url)));
  await reached.promise;
  await admin.iam.send(new Iam.CreateUserCommand({ UserName: 'meanwhile' }));
  answered.resolve();
  await refused(waiting, 'InvalidIdentityToken', "Couldn't retrieve verification key");
});

test('a certificate that no authority vouches for is trusted by a thumbprint of its top, and only by that', async () => {
  const authority = makeCertificate('authority', { isAuthority: true });
  const leaf = makeCertificate('leaf', { issuer: authority });
  const alone = makeCertificate('alone');
  const { createHash } = await import('node:crypto');
  const thumbprint = ({ base64 }: typeof leaf) =>
    createHash('sha1').update(Buffer.from(base64, 'base64')).digest('hex');
  const attempt = async (name: string, tls: { key: string; cert: string }, thumbprints: string[]) => {
    await using issuer = await startIssuer({ tls });
    await makeProvider(issuer.url, ['my-app'], thumbprints);
    const role = await makeRole(name, arnOf(issuer.url));
    return await assume(role, await issuer.sign(claimsFor(issuer.url)));
  };
  const chain = { key: leaf.key, cert: leaf.cert + authority.cert };
  await attempt('by-authority', chain, [thumbprint(authority).toUpperCase()]);
  await attempt('by-self', alone, [thumbprint(alone)]);
  await refused(attempt('by-leaf', chain, [thumbprint(leaf)]), 'IDPCommunicationError', 'thumbprint');
  await refused(attempt('by-none', chain, []), 'IDPCommunicationError', 'thumbprint');
  // A stranger who appends the pinned certificate to a chain of its own.
  const grafted = { key: alone.key, cert: alone.cert + authority.cert };
  await refused(attempt('grafted', grafted, [thumbprint(authority)]), 'IDPCommunicationError', 'thumbprint');
});

test('tokens are signed only for who holds the control token, and an order is checked', async () => {
  const { status } = await send(`${cloud.endpoint}/_stint/tokens`, { method: 'POST', body: '{}' });
  assert.equal(status, 401);
  const orders: object[] = [
    {},
    { subject: 'a' },
    { subject: 'a', audience: [] },
    { subject: 'a', audience: 'b', issuer: 'no address' },
    { subject: 'a', audience: 'b', claims: { sub: 'c' } },
    { subject: 'a', audience: 'b', expiresIn: 'soon' },
    { subject: 'a', audience: 'b', extra: 1 },
  ];
  for (const order of orders)
    assert.equal((await control(cloud, 'POST', 'tokens', order)).status, 400, JSON.stringify(order));
});
