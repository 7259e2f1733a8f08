import assert from 'node:assert/strict';
import { request } from 'node:http';
import { before, describe, mock, test } from 'node:test';
import { Provider } from 'oidc-provider';
import { isAllowedRedirect } from '../../src/broker/auth/jwt/oidc.ts';
import { testServer } from './issuers.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

type After = Parameters<typeof testBroker>[0];

const redirectUri = 'http://localhost:8250/oidc/callback';

interface Page {
  readonly status: number;
  readonly location: string | undefined;
}

/** A browser that keeps cookies and follows no redirect by itself. */
class Browser {
  readonly #cookies = new Map<string, string>();

  open(address: string, form?: Readonly<Record<string, string>>): Promise<Page> {
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return new Promise((resolve, reject) => {
      const sent = request(address, {
        method: form === undefined ? 'GET' : 'POST',
        agent: false,
        headers: { cookie, ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }) },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        for (const line of response.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          this.#cookies.set(name, value);
        }
        response.resume().on('end', () => {
          resolve({ status: response.statusCode ?? 0, location: response.headers.location });
        });
      });
      sent.end(body);
    });
  }

  /** Logs in at the issuer, agrees, and returns the address the issuer sends back to. */
  async logIn(address: string, login: string): Promise<URL> {
    let next = new URL(address);
    for (let steps = 0; steps < 20; steps++) {
      const isForm = next.pathname.startsWith('/interaction/');
      const first = isForm && steps < 3;
      const page = await this.open(
        next.href,
        isForm ? (first ? { prompt: 'login', login, password: 'any' } : { prompt: 'consent' }) : undefined,
      );
      assert.ok(page.location !== undefined, `${next.href}: ${page.status}`);
      next = new URL(page.location, next);
      if (next.port === '8250') return next;
    }
    throw new Error('the issuer never came back');
  }
}

interface OidcAuth extends TestBroker {
  readonly issuer: string;
  /** Paths of the issuer that were asked for. */
  readonly asked: readonly string[];
  readonly role: (name: string, body: Record<string, unknown>) => Promise<Reply>;
  readonly authUrl: (body: Record<string, unknown>) => Promise<Reply>;
  readonly callback: (query: Record<string, string>) => Promise<Reply>;
  /** The whole way: address, browser, and what comes back. */
  readonly logIn: (body?: Record<string, unknown>, login?: string) => Promise<{ code: string; state: string }>;
}

async function oidcAuth(after: After, metadata: Record<string, unknown> = {}): Promise<OidcAuth> {
  const broker = await testBroker(after);
  const { call } = broker;
  let answer = (_: unknown, response: { end(): void }): void => response.end();
  const server = await testServer(after, (asked, response) => answer(asked, response));
  const provider = new Provider(server.url, {
    clients: [{ client_id: 'stint', client_secret: 'shared', redirect_uris: [redirectUri], ...metadata }],
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email'], groups: ['groups'] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, groups: ['dev', 'ops'] }),
    }),
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: true } },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  });
  answer = provider.callback() as typeof answer;
  await call('POST', '/v1/sys/auth/oidc', { body: { type: 'oidc', config: { listing_visibility: 'unauth' } } });
  const written = await call('POST', '/v1/auth/oidc/config', {
    body: {
      oidc_discovery_url: server.url,
      oidc_client_id: 'stint',
      oidc_client_secret: 'shared',
      default_role: 'people',
    },
  });
  assert.equal(written.status, 204, JSON.stringify(written.body));
  const role: OidcAuth['role'] = (name, body) => call('POST', `/v1/auth/oidc/role/${name}`, { body });
  await role('people', { user_claim: 'sub', allowed_redirect_uris: redirectUri, token_policies: 'people' });
  const authUrl: OidcAuth['authUrl'] = (body) =>
    call('POST', '/v1/auth/oidc/oidc/auth_url', { token: null, body: { redirect_uri: redirectUri, ...body } });
  return Object.assign(Object.create(broker) as TestBroker, {
    issuer: server.url,
    asked: server.asked,
    role,
    authUrl,
    callback: (query: Record<string, string>) =>
      call('GET', `/v1/auth/oidc/oidc/callback?${new URLSearchParams(query).toString()}`, { token: null }),
    logIn: async (body: Record<string, unknown> = {}, login = 'ann') => {
      const address = (await authUrl(body)).body.data['auth_url'] as string;
      const back = await new Browser().logIn(address, login);
      return { code: back.searchParams.get('code')!, state: back.searchParams.get('state')! };
    },
  });
}

function told(reply: Reply): readonly [number, string | undefined] {
  return [reply.status, reply.body?.errors?.[0]];
}

function authOf(reply: Reply): Readonly<Record<string, unknown>> {
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['auth'] as Readonly<Record<string, unknown>>;
}

const noState = [400, 'Vault login failed. Expired or missing OAuth state.'] as const;

describe('the auth method oidc, with an issuer', () => {
  // The provider warns on the console that it is set up for development.
  before(() => mock.method(console, 'warn', () => {}));

  test('says that its provider is silent, and to nobody where it is', async (t) => {
    const broker = await testBroker((end) => t.after(end));
    let silent = false;
    const server = await testServer(
      (end) => t.after(end),
      (_, response) => {
        response.statusCode = silent ? 500 : 200;
        const issuer = server.url;
        response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys`, authorization_endpoint: `${issuer}/auth` }));
      },
    );
    await broker.call('POST', '/v1/sys/auth/oidc', { body: { type: 'oidc' } });
    const client = { oidc_client_id: 'stint', oidc_client_secret: 'shared' };
    const body = { ...client, oidc_discovery_url: server.url, default_role: 'people' };
    assert.equal((await broker.call('POST', '/v1/auth/oidc/config', { body })).status, 204);
    const role = { user_claim: 'sub', allowed_redirect_uris: redirectUri };
    await broker.call('POST', '/v1/auth/oidc/role/people', { body: role });
    silent = true;
    await broker.restart();
    const asked = { token: null, body: { redirect_uri: redirectUri } };
    const reply = await broker.call('POST', '/v1/auth/oidc/oidc/auth_url', asked);
    assert.deepEqual(
      [reply.status, reply.body.data, reply.body['warnings']],
      [200, { auth_url: '' }, ['the provider of this mount cannot be asked now']],
    );
  });

  test('somebody logs in by browser, once', async (t) => {
    const { logIn, callback, call } = await oidcAuth((end) => t.after(end));
    const back = await logIn();
    const auth = authOf(await callback(back));
    assert.deepEqual([auth['token_policies'], auth['metadata']], [['default', 'people'], { role: 'people' }]);
    const self = await call('GET', '/v1/auth/token/lookup-self', { token: String(auth['client_token']) });
    assert.equal(self.body.data['display_name'], 'oidc-ann');
    assert.deepEqual(told(await callback(back)), noState);
  });

  test('the address asks for a code with PKCE, a nonce and the scopes of the role', async (t) => {
    const { authUrl, role, issuer } = await oidcAuth((end) => t.after(end));
    await role('people', {
      user_claim: 'sub',
      allowed_redirect_uris: redirectUri,
      oidc_scopes: 'email',
      max_age: '1h',
    });
    const url = new URL((await authUrl({})).body.data['auth_url'] as string);
    assert.equal(url.origin, issuer);
    const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(url.searchParams);
    assert.ok(state!.length > 20 && nonce!.length > 20 && challenge!.length === 43);
    assert.deepEqual(rest, {
      client_id: 'stint',
      code_challenge_method: 'S256',
      max_age: '3600',
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid email',
    });
  });

  test('what userinfo adds can be asked for and mapped', async (t) => {
    const { logIn, callback, role } = await oidcAuth((end) => t.after(end));
    const shared = { user_claim: 'email', allowed_redirect_uris: redirectUri, oidc_scopes: ['email', 'groups'] };
    await role('people', {
      ...shared,
      groups_claim: 'groups',
      bound_claims: { groups: 'ops' },
      claim_mappings: { email: 'mail' },
    });
    assert.deepEqual(authOf(await callback(await logIn()))['metadata'], { mail: 'ann@example.com', role: 'people' });
    await role('people', { ...shared, bound_claims: { groups: 'root' } });
    assert.deepEqual(told(await callback(await logIn())), [
      400,
      'Vault login failed. error validating claims: claim "groups" does not match any associated bound claim values',
    ]);
    await role('people', { ...shared, bound_claims: {}, bound_subject: 'bob' });
    assert.deepEqual(told(await callback(await logIn())), [
      400,
      'Vault login failed. sub claim does not match bound subject',
    ]);
    authOf(await callback(await logIn({}, 'bob')));
    await role('people', { ...shared, bound_subject: '', bound_audiences: 'other' });
    assert.deepEqual(told(await callback(await logIn())), [
      400,
      'Vault login failed. Error exchanging oidc code: "invalid id_token audiences".',
    ]);
  });

  test('a state is good for one answer, of whoever is first, and for five minutes', async (t) => {
    const { logIn, callback, clock, broker } = await oidcAuth((end) => t.after(end));
    const back = await logIn();
    const replies = await Promise.all([callback(back), callback(back), callback(back)]);
    assert.deepEqual(
      replies.map(({ status }) => status).sort((a, b) => a - b),
      [200, 400, 400],
    );
    const late = await logIn();
    clock.advance(300_000);
    assert.deepEqual(told(await callback(late)), noState);
    assert.deepEqual(told(await callback({ state: '', code: 'x' })), noState);
    assert.deepEqual(told(await callback({ state: 'made-up', code: 'x' })), noState);
    assert.ok(broker.address);
  });

  test('a login goes on after the server was started again', async (t) => {
    const auth = await oidcAuth((end) => t.after(end));
    const back = await auth.logIn();
    await auth.restart();
    authOf(await auth.callback(back));
  });

  test('a code of another login, or one that was made up, is worth nothing', async (t) => {
    const { logIn, callback } = await oidcAuth((end) => t.after(end));
    const [mine, other] = [await logIn(), await logIn({}, 'mallory')];
    const [status, text] = told(await callback({ state: mine.state, code: other.code }));
    assert.equal(status, 400);
    assert.match(String(text), /^Vault login failed\. Error exchanging oidc code: "invalid_grant/);
    assert.match(String(told(await callback({ state: other.state, code: 'made-up' }))[1]), /invalid_grant/);
  });

  test('who began a login with a nonce has to end it with that nonce', async (t) => {
    const { logIn, callback } = await oidcAuth((end) => t.after(end));
    const first = await logIn({ client_nonce: 'mine' });
    assert.deepEqual(told(await callback(first)), [400, 'invalid client_nonce']);
    assert.deepEqual(
      told(await callback({ ...first, client_nonce: 'mine' })),
      noState,
      'a wrong answer ends the login',
    );
    authOf(await callback({ ...(await logIn({ client_nonce: 'mine' })), client_nonce: 'mine' }));
  });

  test('errors of the issuer are told when they are known ones', async (t) => {
    const { authUrl, callback } = await oidcAuth((end) => t.after(end));
    const stateOf = async (): Promise<string> =>
      new URL((await authUrl({})).body.data['auth_url'] as string).searchParams.get('state')!;
    assert.deepEqual(told(await callback({ state: await stateOf(), error: 'access_denied' })), [
      400,
      'Vault login failed. access_denied',
    ]);
    assert.match(
      String(told(await callback({ state: await stateOf(), error: '<script>' }))[1]),
      /An unknown error occurred/,
    );
    assert.deepEqual(told(await callback({ state: await stateOf() })), [
      400,
      'Vault login failed. No code or id_token received.',
    ]);
  });

  test('nobody is sent back to an address that the role does not allow', async (t) => {
    const { authUrl, role } = await oidcAuth((end) => t.after(end));
    const addressFor = async (body: Record<string, unknown>): Promise<unknown> =>
      (await authUrl(body)).body.data['auth_url'];
    assert.equal(await addressFor({ redirect_uri: 'https://evil.example/' }), '');
    assert.equal(await addressFor({ redirect_uri: 'http://localhost:8250/other' }), '');
    assert.notEqual(await addressFor({ redirect_uri: 'http://localhost:9999/oidc/callback' }), '');
    await role('machine', { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'x' });
    assert.equal(await addressFor({ role: 'machine' }), '');
    assert.deepEqual(told(await authUrl({ redirect_uri: '' })), [400, 'missing redirect_uri']);
    assert.deepEqual(told(await authUrl({ role: 'none' })), [400, 'role "none" could not be found']);
    assert.ok(isAllowedRedirect('http://127.0.0.1:1/cb', ['http://127.0.0.1/cb']));
    for (const uri of [
      '',
      'x',
      'http://localhost.evil/cb',
      'http://localhost@evil/cb',
      'https://localhost/cb',
      'http://[::1]:1/cb',
    ]) {
      assert.ok(!isAllowedRedirect(uri, ['http://localhost/cb']), uri);
    }
  });

  test('an id token that is signed by another algorithm than was configured is refused', async (t) => {
    const { logIn, callback, call, issuer } = await oidcAuth((end) => t.after(end));
    const body = {
      oidc_discovery_url: issuer,
      oidc_client_id: 'stint',
      oidc_client_secret: 'shared',
      default_role: 'people',
    };
    await call('POST', '/v1/auth/oidc/config', { body: { ...body, jwt_supported_algs: 'ES256' } });
    assert.match(String(told(await callback(await logIn()))[1]), /signed with unsupported algorithm"\.$/);
    await call('POST', '/v1/auth/oidc/config', { body: { ...body, oidc_client_secret: 'wrong' } });
    assert.match(String(told(await callback(await logIn()))[1]), /Error exchanging oidc code: "invalid_client/);
  });

  test('a mount that shows itself is seen before anybody has logged in', async (t) => {
    const { call } = await oidcAuth((end) => t.after(end));
    const { data } = (await call('GET', '/v1/sys/internal/ui/mounts', { token: null })).body;
    assert.deepEqual(data['auth'], { 'oidc/': { type: 'oidc', description: '', options: {} } });
    await call('POST', '/v1/sys/auth/jwt', { body: { type: 'jwt' } });
    const none = await call('POST', '/v1/auth/jwt/oidc/auth_url', { token: null, body: { redirect_uri: redirectUri } });
    assert.deepEqual(told(none), [400, 'could not load configuration']);
  });
});
