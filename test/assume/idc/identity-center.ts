// An IAM Identity Center on a loopback port: token service, authorize page and portal, with the answers AWS gives. It
// checks what AWS checks and counts every call. https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/
import { createHash, randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { serveJson, type Asked, type Given } from './serve.ts';

interface Client {
  readonly secret: string;
  readonly scopes: readonly string[];
  readonly grantTypes: readonly string[] | undefined;
  readonly redirectUris: readonly string[];
}

interface Code {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
}

interface Device {
  readonly clientId: string;
  answers: readonly string[];
}

export interface IdcAccount {
  readonly accountId: string;
  readonly accountName: string;
  readonly emailAddress: string;
  readonly roles: readonly string[];
}

/** What the person at the browser, and AWS, do next. */
export interface IdcMoods {
  /** OAuth error the authorize page brings instead of a code. */
  authorize: 'approve' | 'access_denied' | 'nothing';
  /** Answers of CreateToken for a device code before the token: `authorization_pending`, `slow_down`… */
  device: readonly string[];
  /** Seconds a token lives. */
  tokenSeconds: number;
  /** Milliseconds since 1970 by which role credentials are dated. */
  now: () => number;
  /** Most items a page has. */
  pageSize: number;
  /** An answer instead of the usual one. */
  instead: (asked: Asked, count: number) => Given | undefined;
}

export class IdentityCenter {
  url = '';
  readonly calls: Asked[] = [];
  readonly moods: IdcMoods = {
    authorize: 'approve',
    device: [],
    tokenSeconds: 28_800,
    now: () => Date.now(),
    pageSize: 100,
    instead: () => undefined,
  };
  accounts: readonly IdcAccount[] = [
    { accountId: '222222222222', accountName: 'dev', emailAddress: 'dev@example.com', roles: ['Admin', 'ReadOnly'] },
    { accountId: '444444444444', accountName: 'prod', emailAddress: 'prod@example.com', roles: ['ReadOnly'] },
  ];
  readonly #clients = new Map<string, Client>();
  readonly #codes = new Map<string, Code>();
  readonly #devices = new Map<string, Device>();
  readonly #refreshTokens = new Map<string, string>();
  readonly #tokens = new Set<string>();
  #serial = 0;

  /** Paths asked for, in order. */
  get paths(): readonly string[] {
    return this.calls.map(({ path }) => path);
  }

  count(path: string): number {
    return this.paths.filter((each) => each === path).length;
  }

  /** Ends every sign-in at AWS's side: tokens and what renews them. */
  endSignIns(): void {
    this.#tokens.clear();
    this.#refreshTokens.clear();
  }

  /** Ends the access tokens alone. */
  endTokens(): void {
    this.#tokens.clear();
  }

  /** What somebody has who is signed in. */
  signedIn(): Readonly<Record<'accessToken' | 'refreshToken' | 'clientId' | 'clientSecret', string>> {
    const serial = ++this.#serial;
    const [clientId, clientSecret] = [`client-${serial}`, `client-secret-${serial}`];
    const scopes = ['sso:account:access'];
    this.#clients.set(clientId, { secret: clientSecret, scopes, grantTypes: undefined, redirectUris: [] });
    this.#tokens.add(`token-${serial}`);
    this.#refreshTokens.set(`refresh-${serial}`, clientId);
    return { accessToken: `token-${serial}`, refreshToken: `refresh-${serial}`, clientId, clientSecret };
  }

  answer(asked: Asked): Given | undefined {
    this.calls.push(asked);
    const instead = this.moods.instead(asked, this.calls.length);
    if (instead !== undefined) return instead;
    const routes: Readonly<Record<string, (asked: Asked) => Given | undefined>> = {
      'POST /client/register': (each) => this.#register(each),
      'GET /authorize': (each) => this.#authorize(each),
      'POST /device_authorization': (each) => this.#deviceAuthorization(each),
      'POST /token': (each) => this.#token(each),
      'GET /federation/credentials': (each) => this.#withToken(each, () => this.#credentials(each)),
      'GET /assignment/accounts': (each) => this.#withToken(each, () => this.#accountList(each)),
      'GET /assignment/roles': (each) => this.#withToken(each, () => this.#roleList(each)),
      'POST /logout': (each) => this.#withToken(each, () => this.#logout(each)),
    };
    const route = routes[`${asked.method} ${asked.path}`];
    return route === undefined ? { status: 404, body: { message: 'no such operation' } } : route(asked);
  }

  #register({ body }: Asked): Given {
    if (body['clientType'] !== 'public' || typeof body['clientName'] !== 'string')
      return oauth('invalid_client_metadata', 'clientType must be public');
    const grantTypes = body['grantTypes'] as string[] | undefined;
    const redirectUris = (body['redirectUris'] ?? []) as string[];
    if (grantTypes?.includes('authorization_code') === true && (redirectUris.length === 0 || !body['issuerUrl']))
      return oauth('invalid_redirect_uri', 'a code needs redirectUris and issuerUrl');
    const clientId = `client-${++this.#serial}`;
    const secret = `client-secret-${this.#serial}`;
    this.#clients.set(clientId, { secret, scopes: (body['scopes'] ?? []) as string[], grantTypes, redirectUris });
    const clientSecretExpiresAt = Math.floor(this.moods.now() / 1000) + 90 * 86_400;
    return { status: 200, body: { clientId, clientSecret: secret, clientIdIssuedAt: 0, clientSecretExpiresAt } };
  }

  #authorize({ query }: Asked): Given | undefined {
    const client = this.#clients.get(query.get('client_id') ?? '');
    const redirect = URL.parse(query.get('redirect_uri') ?? '');
    const withoutPort = redirect === null ? '' : `${redirect.protocol}//${redirect.hostname}${redirect.pathname}`;
    // As AWS: the port of a loopback address is free, the rest is what was registered.
    if (redirect === null || client?.redirectUris.includes(withoutPort) !== true)
      return oauth('invalid_request', 'unknown client or redirect_uri');
    if (query.get('code_challenge_method') !== 'S256' || query.get('response_type') !== 'code')
      return oauth('invalid_request', 'PKCE is required');
    const scopes = (query.get('scopes') ?? '').split(' ');
    if (!scopes.every((scope) => client.scopes.includes(scope))) return oauth('invalid_scope', 'scopes');
    if (this.moods.authorize === 'nothing') return undefined;
    redirect.searchParams.set('state', query.get('state') ?? '');
    if (this.moods.authorize === 'access_denied') redirect.searchParams.set('error', 'access_denied');
    else {
      const code = `code-${randomUUID()}`;
      const challenge = query.get('code_challenge') ?? '';
      this.#codes.set(code, {
        clientId: query.get('client_id')!,
        redirectUri: query.get('redirect_uri')!,
        challenge,
      });
      redirect.searchParams.set('code', code);
    }
    return { status: 302, headers: { location: redirect.href }, body: {} };
  }

  #deviceAuthorization({ body }: Asked): Given {
    const clientId = String(body['clientId']);
    const client = this.#clients.get(clientId);
    if (client?.secret !== body['clientSecret'] || client?.grantTypes?.includes('authorization_code') === true)
      return oauth('invalid_client', 'unknown client', 401);
    const deviceCode = `device-${++this.#serial}`;
    this.#devices.set(deviceCode, { clientId, answers: this.moods.device });
    return {
      status: 200,
      body: {
        deviceCode,
        userCode: 'ABCD-EFGH',
        verificationUri: `${this.url}/device`,
        verificationUriComplete: `${this.url}/device?user_code=ABCD-EFGH`,
        expiresIn: 600,
        interval: 1,
      },
    };
  }

  #token({ body }: Asked): Given {
    const clientId = String(body['clientId']);
    const client = this.#clients.get(clientId);
    if (client?.secret !== body['clientSecret']) return oauth('invalid_client', 'unknown client', 401);
    const grants: Readonly<Record<string, () => Given | undefined>> = {
      authorization_code: () => this.#refuseCode(clientId, body),
      'urn:ietf:params:oauth:grant-type:device_code': () => this.#refuseDevice(clientId, body),
      refresh_token: () => this.#refuseRefresh(clientId, body),
    };
    const grant = grants[String(body['grantType'])];
    if (grant === undefined) return oauth('unsupported_grant_type', 'grantType');
    return grant() ?? this.#issue(clientId, client!);
  }

  #refuseCode(clientId: string, body: Asked['body']): Given | undefined {
    const code = this.#codes.get(String(body['code']));
    this.#codes.delete(String(body['code']));
    const challenge = createHash('sha256').update(String(body['codeVerifier'])).digest('base64url');
    const sound =
      code?.clientId === clientId && code.challenge === challenge && code.redirectUri === body['redirectUri'];
    return sound ? undefined : oauth('invalid_grant', 'the code, its verifier or redirectUri is wrong');
  }

  #refuseDevice(clientId: string, body: Asked['body']): Given | undefined {
    const device = this.#devices.get(String(body['deviceCode']));
    if (device?.clientId !== clientId) return oauth('invalid_grant', 'unknown device code');
    const [next, ...later] = device.answers;
    device.answers = later;
    return next === undefined ? undefined : oauth(next, `the answer is ${next}`);
  }

  /** A refresh token is good once: the answer brings the next. */
  #refuseRefresh(clientId: string, body: Asked['body']): Given | undefined {
    const token = String(body['refreshToken']);
    const owner = this.#refreshTokens.get(token);
    this.#refreshTokens.delete(token);
    return owner === clientId ? undefined : oauth('invalid_grant', 'Invalid refresh token provided');
  }

  #issue(clientId: string, client: Client): Given {
    const serial = ++this.#serial;
    const accessToken = `token-${serial}`;
    this.#tokens.add(accessToken);
    const refreshable = client.scopes.includes('sso:account:access');
    if (refreshable) this.#refreshTokens.set(`refresh-${serial}`, clientId);
    const refresh = refreshable ? { refreshToken: `refresh-${serial}` } : {};
    return { status: 200, body: { accessToken, expiresIn: this.moods.tokenSeconds, tokenType: 'Bearer', ...refresh } };
  }

  #withToken({ headers }: Asked, then: () => Given): Given {
    if (this.#tokens.has(String(headers['x-amz-sso_bearer_token']))) return then();
    return {
      status: 401,
      headers: { 'x-amzn-errortype': 'UnauthorizedException' },
      body: { message: 'Session token not found or invalid' },
    };
  }

  #credentials({ query }: Asked): Given {
    const account = this.accounts.find(({ accountId }) => accountId === query.get('account_id'));
    if (account?.roles.includes(query.get('role_name') ?? '') !== true)
      return { status: 403, headers: { 'x-amzn-errortype': 'ForbiddenException' }, body: { message: 'No access' } };
    const serial = ++this.#serial;
    const roleCredentials = {
      accessKeyId: `ASIA${String(serial).padStart(16, '0')}`,
      secretAccessKey: `role/secret+${serial}`,
      sessionToken: `role-token-${serial}`,
      // AWS's only service with milliseconds.
      expiration: this.moods.now() + 3_600_000,
    };
    return { status: 200, body: { roleCredentials } };
  }

  #accountList({ query }: Asked): Given {
    const from = Number(query.get('next_token') ?? '0');
    const to = from + Math.min(Number(query.get('max_result') ?? '20'), this.moods.pageSize);
    const accountList = this.accounts.slice(from, to).map(({ roles: _roles, ...account }) => account);
    return { status: 200, body: { accountList, nextToken: to < this.accounts.length ? String(to) : null } };
  }

  #roleList({ query }: Asked): Given {
    const account = this.accounts.find(({ accountId }) => accountId === query.get('account_id'));
    if (account === undefined) return { status: 403, body: { message: 'No access' } };
    const roleList = account.roles.map((roleName) => ({ roleName, accountId: account.accountId }));
    return { status: 200, body: { roleList, nextToken: null } };
  }

  #logout({ headers }: Asked): Given {
    this.#tokens.delete(String(headers['x-amz-sso_bearer_token']));
    return { status: 200, body: {} };
  }
}

function oauth(error: string, description: string, status = 400): Given {
  return { status, body: { error, error_description: description } };
}

/** Starts one; it ends with the test. */
export async function startIdentityCenter(t: TestContext): Promise<IdentityCenter> {
  const idc = new IdentityCenter();
  idc.url = await serveJson(t, (asked) => idc.answer(asked));
  return idc;
}
