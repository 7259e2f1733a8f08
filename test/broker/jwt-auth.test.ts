import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { boundProblem, claimOf, identityOf, type ClaimRule } from '../../src/broker/auth/jwt/claims.ts';
import { globMatches } from '../../src/broker/globs.ts';
import { validityProblem } from '../../src/broker/auth/jwt/validity.ts';
import { issuerServer, signer, testServer, type Signer } from './issuers.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

type After = Parameters<typeof testBroker>[0];

interface JwtAuth extends TestBroker {
  readonly config: (body: Record<string, unknown>) => Promise<Reply>;
  readonly role: (name: string, body: Record<string, unknown>) => Promise<Reply>;
  readonly login: (jwt: string | undefined, role?: string) => Promise<Reply>;
}

async function jwtAuth(after: After): Promise<JwtAuth> {
  const broker = await testBroker(after);
  const { call } = broker;
  await call('POST', '/v1/sys/auth/jwt', { body: { type: 'jwt' } });
  return Object.assign(Object.create(broker) as TestBroker, {
    config: (body: Record<string, unknown>) => call('POST', '/v1/auth/jwt/config', { body }),
    role: (name: string, body: Record<string, unknown>) => call('POST', `/v1/auth/jwt/role/${name}`, { body }),
    login: (jwt: string | undefined, role?: string) =>
      call('POST', '/v1/auth/jwt/login', { token: null, body: { role, jwt } }),
  });
}

function told(reply: Reply): readonly [number, string | undefined] {
  return [reply.status, reply.body?.errors?.[0]];
}

function authOf(reply: Reply): Readonly<Record<string, unknown>> {
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['auth'] as Readonly<Record<string, unknown>>;
}

// A token that says nothing else begins 150 s before its end.
const soon = (): number => Math.floor(Date.now() / 1000) + 100;
const jwtRole = { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'stint' };

/** A mount with one key, and the role `dev`. */
async function keyed(after: After, more: Record<string, unknown> = {}): Promise<JwtAuth & { key: Signer }> {
  const [auth, key] = [await jwtAuth(after), await signer()];
  assert.equal((await auth.config({ jwt_validation_pubkeys: key.pem, ...more })).status, 204);
  assert.equal((await auth.role('dev', { ...jwtRole, token_policies: 'dev' })).status, 204);
  return Object.assign(Object.create(auth) as JwtAuth, { key });
}

describe('the auth method jwt', () => {
  test('who brings a token that the key signed logs in', async (t) => {
    const { key, login, call } = await keyed((end) => t.after(end), { default_role: 'Dev' });
    const jwt = await key.sign({ sub: 'ann', aud: 'stint', exp: soon() });
    const auth = authOf(await login(jwt));
    assert.deepEqual([auth['token_policies'], auth['metadata']], [['default', 'dev'], { role: 'dev' }]);
    const self = await call('GET', '/v1/auth/token/lookup-self', { token: String(auth['client_token']) });
    assert.equal(self.body.data['display_name'], 'jwt-ann');
    authOf(await login(jwt, 'DEV'));
  });

  test('a token is renewed as long as its role is there', async (t) => {
    const { key, login, call } = await keyed((end) => t.after(end));
    const auth = authOf(await login(await key.sign({ sub: 'ann', aud: 'stint', exp: soon() }), 'dev'));
    const renew = (): Promise<Reply> =>
      call('POST', '/v1/auth/token/renew-self', { token: String(auth['client_token']), body: {} });
    assert.equal((await renew()).status, 200);
    await call('DELETE', '/v1/auth/jwt/role/dev');
    const text = '1 error occurred:\n\t* failed to renew entry: role dev does not exist during renewal\n\n';
    assert.deepEqual(told(await renew()), [500, text]);
  });

  test('what is missing or wrong is told as Vault tells it', async (t) => {
    const { key, login, config, role } = await keyed((end) => t.after(end), { bound_issuer: 'me' });
    const jwt = (claims: Record<string, unknown>): Promise<string> =>
      key.sign({ iss: 'me', sub: 'ann', aud: 'stint', exp: soon(), ...claims });
    const now = Math.floor(Date.now() / 1000);
    const validating = (text: string): string => `error validating token: ${text}`;
    const forged = await (await signer()).sign({ iss: 'me', sub: 'ann', aud: 'stint', exp: soon() });
    const wrongKey = validating(
      'error verifying token signature: no known key successfully validated the token signature',
    );
    for (const [token, text] of [
      ['', 'missing token'],
      ['x', wrongKey],
      ['a.b.c', wrongKey],
      [forged, wrongKey],
      [`${await jwt({})}x`, wrongKey],
      [await jwt({ iss: 'other' }), validating('invalid issuer (iss) claim')],
      [await jwt({ aud: 'x' }), /invalid audience \(aud\) claim: audience claim does not match any expected audience$/],
      [await jwt({ exp: now - 61 }), validating('invalid expiration time (exp) claim: token is expired')],
      [await jwt({ nbf: now + 120 }), validating('invalid not before (nbf) claim: token not yet valid')],
      [
        await jwt({ iat: now + 120, nbf: now }),
        validating('invalid issued at (iat) claim: token issued in the future'),
      ],
      [
        await key.sign({ iss: 'me', sub: 'ann', aud: 'stint' }),
        validating('no issued at (iat), not before (nbf), or expiration time (exp) claims in token'),
      ],
      [await jwt({ exp: 'never' }), /a time in the token is no number/],
      [await jwt({ sub: undefined }), 'claim "sub" not found in token'],
      [await jwt({ sub: 5 }), 'claim "sub" could not be converted to string'],
    ] as const) {
      const [status, error] = told(await login(token, 'dev'));
      assert.equal(status, 400, String(text));
      if (typeof text === 'string') assert.equal(error, text);
      else assert.match(String(error), text);
    }
    assert.deepEqual(told(await login(await jwt({}))), [400, 'missing role']);
    assert.deepEqual(told(await login(await jwt({}), 'none')), [400, 'role "none" could not be found']);
    await role('browser', { user_claim: 'sub', allowed_redirect_uris: 'http://localhost/cb' });
    assert.deepEqual(told(await login(await jwt({}), 'browser')), [400, 'role with oidc role_type is not allowed']);
    await role('any', { ...jwtRole, bound_audiences: '', bound_subject: 'ann' });
    assert.deepEqual(told(await login(await jwt({}), 'any')), [
      400,
      'audience claim found in JWT but no audiences bound to the role',
    ]);
    authOf(await login(await jwt({ aud: undefined }), 'any'));
    await config({ jwt_validation_pubkeys: key.pem, jwt_supported_algs: 'RS256' });
    assert.deepEqual(told(await login(await jwt({}), 'dev')), [
      400,
      validating('invalid algorithm (alg) header parameter: token signed with unexpected algorithm'),
    ]);
  });

  test('a token that is not signed, or signed with the public key as a secret, proves nothing', async (t) => {
    const [auth, key] = [await jwtAuth((end) => t.after(end)), await signer('RS256')];
    await auth.config({ jwt_validation_pubkeys: [key.pem] });
    await auth.role('dev', jwtRole);
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = encode({ sub: 'ann', aud: 'stint', exp: soon() });
    const none = `${encode({ alg: 'none' })}.${claims}.`;
    const hmac = `${encode({ alg: 'HS256' })}.${claims}`;
    const confused = `${hmac}.${createHmac('sha256', key.pem).update(hmac).digest('base64url')}`;
    const right = await key.sign({ sub: 'ann', aud: 'stint', exp: soon() });
    const swapped = [right.split('.')[0], encode({ sub: 'root', aud: 'stint', exp: soon() }), right.split('.')[2]].join(
      '.',
    );
    for (const token of [none, confused, swapped]) {
      assert.match(String(told(await auth.login(token, 'dev'))[1]), /no known key successfully validated/);
    }
    authOf(await auth.login(right, 'dev'));
  });

  test('claims must be what the role asks for, and become metadata', async (t) => {
    const { key, login, role } = await keyed((end) => t.after(end));
    const jwt = await key.sign({
      sub: 'ann',
      aud: ['stint', 'other'],
      exp: soon(),
      project: 'a/b',
      admin: true,
      level: 3,
      nested: { team: 'core', list: ['x', 'y'] },
      'a/b': { '~c': 'deep' },
      groups: ['dev', 'ops', ''],
    });
    for (const [bound, text] of [
      [{ project: 'a/b' }, undefined],
      [{ project: ['z', 'a/b'], admin: true, level: 3 }, undefined],
      [{ '/nested/team': 'core', '/nested/list': ['y'] }, undefined],
      [{ '/nested/list/0': 'x', '/a~1b/~0c': 'deep' }, undefined],
      [{ project: 'a/*' }, 'error validating claims: claim "project" does not match any associated bound claim values'],
      [{ level: '3' }, 'error validating claims: claim "level" does not match any associated bound claim values'],
      [{ none: 'x' }, 'error validating claims: claim "none" is missing'],
      [{ '/nested/none': 'x' }, 'error validating claims: claim "/nested/none" is missing'],
      [{ constructor: 'x' }, 'error validating claims: claim "constructor" is missing'],
      [{ nested: 'x' }, /received claim is not a string, bool, int or list/],
      [{ project: {} }, /bound claim is not a string, bool, int or list/],
    ] as const) {
      await role('bound', { ...jwtRole, bound_claims: bound });
      const reply = await login(jwt, 'bound');
      if (text === undefined) authOf(reply);
      else if (typeof text === 'string') assert.deepEqual(told(reply), [400, text]);
      else assert.match(String(told(reply)[1]), text);
    }
    await role('glob', { ...jwtRole, bound_claims_type: 'glob', bound_claims: { project: ['z*', '*/b'] } });
    authOf(await login(jwt, 'glob'));
    await role('mapped', {
      ...jwtRole,
      user_claim: '/nested/team',
      user_claim_json_pointer: true,
      groups_claim: 'groups',
      claim_mappings: { project: 'project', '/nested/team': 'team', none: 'never' },
    });
    assert.deepEqual(authOf(await login(jwt, 'mapped'))['metadata'], { project: 'a/b', team: 'core', role: 'mapped' });
    await role('mapped', { ...jwtRole, claim_mappings: { level: 'level' } });
    assert.deepEqual(told(await login(jwt, 'mapped')), [400, `error converting claim 'level' to string`]);
    await role('grouped', { ...jwtRole, groups_claim: 'none' });
    assert.deepEqual(told(await login(jwt, 'grouped')), [
      400,
      'failed to fetch groups: "none" claim not found in token',
    ]);
  });

  test('keys are fetched from an address, anew when a token names another one', async (t) => {
    const after = (end: () => Promise<void> | void): void => t.after(end);
    const [auth, first, next] = [await jwtAuth(after), await signer('ES256', 'first'), await signer('RS256', 'next')];
    let keys: readonly Signer[] = [first];
    const server = await issuerServer(after, () => keys);
    assert.equal((await auth.config({ jwks_url: `${server.url}/keys` })).status, 204);
    await auth.role('dev', jwtRole);
    const claims = { sub: 'ann', aud: 'stint', exp: soon() };
    authOf(await auth.login(await first.sign(claims), 'dev'));
    authOf(await auth.login(await first.sign(claims), 'dev'));
    assert.equal(server.asked.length, 2, 'once by the check of the configuration, once for the first login');
    assert.deepEqual(told(await auth.login(await next.sign(claims), 'dev')), [
      400,
      'error validating token: error verifying token signature: failed to verify id token signature',
    ]);
    for (let tries = 0; tries < 20; tries++) await auth.login(await next.sign(claims), 'dev');
    assert.ok(server.asked.length <= 3, 'unknown keys do not make the server ask again and again');
    keys = [next];
    await auth.config({ jwks_url: `${server.url}/keys` });
    authOf(await auth.login(await next.sign(claims), 'dev'));
  });

  test('a token that names no key is tried with each, and one that brings its own key proves nothing', async (t) => {
    const after = (end: () => Promise<void> | void): void => t.after(end);
    const [auth, one, two, stranger] = [
      await jwtAuth(after),
      await signer(),
      await signer('ES256', 'two'),
      await signer(),
    ];
    const server = await issuerServer(after, () => [one, two]);
    const hostile = await issuerServer(after, () => [stranger]);
    await auth.config({ jwks_url: `${server.url}/keys` });
    await auth.role('dev', jwtRole);
    const claims = { sub: 'ann', aud: 'stint', exp: soon() };
    for (const key of [one, two]) authOf(await auth.login(await key.sign(claims, { kid: undefined }), 'dev'));
    for (const header of [
      { kid: undefined },
      { kid: 'one', jwk: stranger.jwk },
      { kid: undefined, jku: `${hostile.url}/keys` },
      { kid: '../../etc/passwd' },
      { crit: ['b64'], b64: false },
    ]) {
      const token = await stranger.sign(claims, header).catch(() => 'not even signed');
      assert.match(String(told(await auth.login(token, 'dev'))[1]), /failed to verify id token signature$/);
    }
    assert.deepEqual(hostile.asked, []);
  });

  test('keys are found by discovery, at the issuer that was configured and no other', async (t) => {
    const after = (end: () => Promise<void> | void): void => t.after(end);
    const [auth, key] = [await jwtAuth(after), await signer()];
    let document: Record<string, unknown> = {};
    const server = await issuerServer(
      after,
      () => [key],
      () => document,
    );
    const elsewhere = await issuerServer(after, () => [key]);
    assert.equal((await auth.config({ oidc_discovery_url: server.url, bound_issuer: server.url })).status, 204);
    await auth.role('dev', jwtRole);
    authOf(await auth.login(await key.sign({ iss: server.url, sub: 'ann', aud: 'stint', exp: soon() }), 'dev'));
    document = { issuer: elsewhere.url };
    assert.deepEqual(told(await auth.config({ oidc_discovery_url: server.url })), [
      400,
      `error checking oidc discovery URL: issuer did not match the returned issuer, expected "${server.url}" got "${elsewhere.url}"`,
    ]);
    document = { jwks_uri: 'file:///etc/passwd' };
    assert.match(String(told(await auth.config({ oidc_discovery_url: server.url }))[1]), /has no usable jwks_uri$/);
    const redirecting = await testServer(after, (_, response) =>
      response.writeHead(302, { location: elsewhere.url }).end(),
    );
    elsewhere.asked.length = 0;
    assert.match(String(told(await auth.config({ oidc_discovery_url: redirecting.url }))[1]), /discovery URL: 302/);
    assert.deepEqual(told(await auth.config({ jwks_url: `${redirecting.url}/keys` })), [
      400,
      'error checking jwks URL',
    ]);
    assert.deepEqual(elsewhere.asked, [], 'no redirect is followed');
    const endless = await testServer(after, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('x'.repeat(1024 * 1024));
    });
    assert.match(String(told(await auth.config({ oidc_discovery_url: endless.url }))[1]), /the answer is too long$/);
  });

  test('a configuration is checked, replaced as a whole, and read without its secret', async (t) => {
    const after = (end: () => Promise<void> | void): void => t.after(end);
    const [auth, key] = [await jwtAuth(after), await signer('EdDSA')];
    const { url } = await issuerServer(after, () => [key]);
    const one =
      "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs', 'oidc_discovery_url', or 'provider_config' must be set";
    for (const [body, text] of [
      [{}, one],
      [{ jwks_url: `${url}/keys`, jwt_validation_pubkeys: key.pem }, one],
      [
        { oidc_discovery_url: url, oidc_client_id: 'x' },
        "both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC",
      ],
      [
        { oidc_discovery_url: `${url}/.well-known/openid-configuration` },
        "'oidc_discovery_url' contains '.well-known' component",
      ],
      [
        { jwks_url: `${url}/keys`, oidc_client_id: 'x', oidc_client_secret: 'y' },
        "'oidc_discovery_url' must be set for OIDC",
      ],
      [{ jwt_validation_pubkeys: 'x' }, 'error parsing public key: data does not contain any valid public keys'],
      [
        { jwt_validation_pubkeys: key.pem, jwt_supported_algs: 'HS256' },
        'invalid jwt_supported_algs: unsupported signing algorithm "HS256"',
      ],
      [
        { jwt_validation_pubkeys: key.pem, oidc_response_types: 'x' },
        "invalid response_types [x]. 'code' and 'id_token' are allowed",
      ],
      [{ jwt_validation_pubkeys: key.pem, oidc_response_mode: 'x' }, 'invalid response_mode: "x"'],
      [{ jwks_url: 'http://127.0.0.1:9/keys' }, 'error checking jwks URL'],
      [{ jwks_url: 'file:///etc/passwd' }, 'jwks_url: `file:///etc/passwd` is not an http or https address'],
      [
        { jwt_validation_pubkeys: key.pem, provider_config: { provider: 'x' } },
        'invalid provider_config: provider "x" not found in custom providers',
      ],
    ] as const) {
      assert.deepEqual(told(await auth.config(body)), [400, text]);
    }
    assert.equal((await auth.call('GET', '/v1/auth/jwt/config')).status, 404);
    const dead = await auth.config({ jwks_url: 'http://127.0.0.1:9/keys', skip_jwks_validation: true });
    assert.deepEqual([dead.status, dead.body['warnings']], [200, ['error checking jwks URL']]);
    await auth.config({
      oidc_discovery_url: url,
      oidc_client_id: 'me',
      oidc_client_secret: 'hidden',
      default_role: 'Dev',
    });
    const { body } = await auth.call('GET', '/v1/auth/jwt/config');
    assert.deepEqual(body.data, {
      bound_issuer: '',
      default_role: 'dev',
      jwks_ca_pem: '',
      jwks_url: '',
      jwt_supported_algs: [],
      jwt_validation_pubkeys: [],
      namespace_in_state: true,
      oidc_client_id: 'me',
      oidc_discovery_ca_pem: '',
      oidc_discovery_url: url,
      oidc_response_mode: '',
      oidc_response_types: [],
      provider_config: {},
      status: 'valid',
    });
  });

  test('a role is checked in the words of Vault, and read as it was written', async (t) => {
    const auth = await jwtAuth((end) => t.after(end));
    for (const [body, text] of [
      [{ role_type: 'x' }, "invalid 'role_type': x"],
      [{ role_type: 'jwt' }, 'a user claim must be defined on the role'],
      [
        { role_type: 'jwt', user_claim: 'sub' },
        'must have at least one bound constraint when creating/updating a role',
      ],
      [{ user_claim: 'sub' }, "'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified."],
      [{ ...jwtRole, bound_claims_type: 'x' }, "invalid 'bound_claims_type': x"],
      [{ ...jwtRole, bound_claims_type: 'glob', bound_claims: { a: 1 } }, 'claim is not a string: 1'],
      [
        { ...jwtRole, claim_mappings: { a: 'role' } },
        'metadata key "role" is reserved and may not be a mapping destination',
      ],
      [{ ...jwtRole, claim_mappings: { a: 'x', b: 'x' } }, 'multiple keys are mapped to metadata key "x"'],
      [{ ...jwtRole, ttl: '2h', max_ttl: '1h' }, 'ttl should not be greater than max ttl'],
      [{ ...jwtRole, callback_mode: 'direct' }, "invalid 'callback_mode': direct"],
      [{ ...jwtRole, token_type: 'x' }, `invalid 'token_type' value "x"`],
    ] as const) {
      assert.deepEqual(told(await auth.role('dev', body)), [400, text]);
    }
    const leeways = { expiration_leeway: '5m', not_before_leeway: -1, clock_skew_leeway: '-1s' };
    assert.equal((await auth.role('Dev', { ...jwtRole, ...leeways, num_uses: 3, policies: 'x' })).status, 204);
    const { data } = (await auth.call('GET', '/v1/auth/jwt/role/dev')).body;
    assert.deepEqual(
      [
        data['expiration_leeway'],
        data['not_before_leeway'],
        data['clock_skew_leeway'],
        data['num_uses'],
        data['policies'],
      ],
      [300, -1, -1, 3, ['x']],
    );
    assert.deepEqual([data['bound_claims'], data['callback_mode'], data['user_claim']], [null, 'client', 'sub']);
    assert.deepEqual((await auth.call('LINK', '/v1/auth/jwt/role')).body.data, { keys: ['dev'] });
    await auth.call('DELETE', '/v1/auth/jwt/role/DEV');
    assert.equal((await auth.call('GET', '/v1/auth/jwt/role/dev')).status, 404);
  });
});

describe('claims', () => {
  const rule: ClaimRule = {
    boundClaims: {},
    boundClaimsType: 'string',
    userClaim: 'sub',
    userClaimJsonPointer: false,
    groupsClaim: '',
    claimMappings: {},
  };

  test('a pattern of stars is matched in time that does not grow with its stars', () => {
    for (const [pattern, text, matches] of [
      ['*', '', true],
      ['a*', 'a', true],
      ['a*b', 'ab', true],
      ['a*b', 'a', false],
      ['*a*b*', 'xxaxxbxx', true],
      ['ab*ba', 'aba', false],
      ['a*a*a', 'aa', false],
      ['plain', 'plain', true],
      ['plain', 'plainly', false],
    ] as const) {
      assert.equal(globMatches(pattern, text), matches, `${pattern} ${text}`);
    }
    const began = process.cpuUsage().user;
    assert.equal(globMatches(`${'*a'.repeat(5000)}b`, 'a'.repeat(100_000)), false);
    // Of the processor, which others have as well.
    assert.ok(process.cpuUsage().user - began < 1_000_000);
  });

  test('members of objects that nobody wrote are no claims', () => {
    for (const name of ['__proto__', 'toString', '/toString', '/a/length', '/a/0/x']) {
      assert.equal(claimOf({ a: ['b'] }, name), undefined, name);
    }
    assert.throws(() => identityOf({ ...rule, userClaim: 'toString' }, {}, 'r'), /not found in token/);
    assert.equal(boundProblem({ ...rule, boundClaims: { x: 'y' } }, { x: null }), 'claim "x" is missing');
  });

  test('times that a token leaves out are made of the others and the leeways', () => {
    const none = {
      issuer: '',
      subject: '',
      audiences: [],
      expirationLeeway: 0,
      notBeforeLeeway: 0,
      clockSkewLeeway: -1,
    };
    const at = (claims: Record<string, number>, now: number, expected = none): boolean =>
      validityProblem(claims, expected, now * 1000) === undefined;
    assert.ok(at({ iat: 1000 }, 1150) && !at({ iat: 1000 }, 1151), 'ends 150 s after it was issued');
    assert.ok(at({ exp: 1000 }, 850) && !at({ exp: 1000 }, 849), 'begins 150 s before its end');
    assert.ok(at({ nbf: 1000 }, 1150) && !at({ nbf: 1000 }, 999));
    const strict = { ...none, expirationLeeway: -1, notBeforeLeeway: -1 };
    assert.ok(!at({ iat: 1000 }, 1001, strict) && at({ iat: 1000 }, 1000, strict));
    const skewed = { ...none, clockSkewLeeway: 0 };
    assert.ok(at({ iat: 1000, exp: 1100 }, 1160, skewed) && !at({ iat: 1000, exp: 1100 }, 1161, skewed));
  });
});
