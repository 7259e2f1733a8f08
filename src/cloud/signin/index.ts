// The sign-in endpoint of the console: temporary credentials become a sign-in token, the token a console session.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
// SECURITY: a token is got with live credentials only. Pages show and change nothing but the cookie; a browser is sent
// to addresses of this machine only, and to no other site.
import { timingSafeEqual } from 'node:crypto';
import { isFailure, isoSeconds, type Clock, type Random } from '../../base/index.ts';
import type { Credential } from '../credential.ts';
import type { Events } from '../events.ts';
import { isLoopback, type HttpRequest, type HttpResponse } from '../http.ts';
import { findCredential, principalOf } from '../services/iam/lookup.ts';
import type { State } from '../state.ts';
import type { World } from '../world.ts';
import { page } from './page.ts';
import { readDestination, readSession, refusal, type SigninAction, type SigninRequest } from './request.ts';
import {
  closeConsoleSession,
  consoleSession,
  issueSigninToken,
  openConsoleSession,
  spendSigninToken,
  type ConsoleSession,
} from './tokens.ts';

export { readSigninRequest } from './request.ts';

export interface SigninParts {
  readonly state: State;
  readonly world: World;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events;
}

/** What an action comes to: the answer, and whose credentials it was about. */
interface Outcome {
  readonly response: HttpResponse;
  readonly credential?: Credential | undefined;
  readonly resource?: string | undefined;
}

/** Names in the event log; https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html */
const eventNames: Readonly<Record<SigninAction, string>> = {
  getSigninToken: 'GetSigninToken',
  login: 'ConsoleLogin',
  logout: 'ConsoleLogout',
  switchrole: 'SwitchRole',
};

/** Answers one request of the sign-in endpoint. */
export async function answerSignin(
  asked: SigninRequest,
  request: HttpRequest,
  parts: SigninParts,
  requestId: string,
): Promise<HttpResponse> {
  const exchange = new Signin(asked, request, parts);
  let outcome: Outcome;
  let errorCode: string | null = null;
  try {
    outcome = await parts.state.transaction(() => exchange.answer());
  } catch (error) {
    if (!isFailure(error)) throw error;
    errorCode = error.code;
    outcome = { response: refusalPage(error.message, asked) };
  }
  const { world, events, clock } = parts;
  const { credential, resource, response } = outcome;
  const principal = credential === undefined ? undefined : principalOf(credential, world);
  events.record(clock.now(), {
    account: credential?.account ?? '',
    service: 'signin',
    operation: eventNames[asked.action],
    principalArn: principal !== undefined && 'arn' in principal ? principal.arn : null,
    resource: resource ?? null,
    decision: null,
    errorCode,
    explainId: null,
    requestId,
    faultId: null,
    visibleAt: null,
  });
  return request.method === 'HEAD' ? { ...response, body: '' } : response;
}

/** Who made the link is told by it, so that its reader knows whom to ask for another. */
function refusalPage(text: string, { action, parameters }: SigninRequest): HttpResponse {
  const issuer = action === 'login' ? parameters.get('Issuer') : null;
  const facts = issuer === null || issuer === '' ? [] : [['Link made by', issuer] as const];
  return page(400, { title: 'Amazon Web Services Sign-In: 400 Bad Request', text, facts });
}

const cookieName = 'stint-console';

class Signin {
  readonly #asked: SigninRequest;
  readonly #request: HttpRequest;
  readonly #parts: SigninParts;

  constructor(asked: SigninRequest, request: HttpRequest, parts: SigninParts) {
    this.#asked = asked;
    this.#request = request;
    this.#parts = parts;
  }

  /** @throws Failure what becomes the 400 page */
  answer(): Outcome {
    const { action } = this.#asked;
    const { method } = this.#request;
    if (method !== 'GET' && method !== 'HEAD' && !(method === 'POST' && action === 'getSigninToken')) {
      throw refusal(`The method ${method.slice(0, 16)} is not taken here.`);
    }
    switch (action) {
      case 'getSigninToken':
        return this.#getSigninToken();
      case 'login':
        return this.#login();
      case 'logout':
        return this.#logout();
      default:
        return this.#switchRole();
    }
  }

  #parameter(name: string): string | undefined {
    // Names are told with case by the page, and without it by AWS: clients send `sessionDuration` too.
    for (const [key, value] of this.#asked.parameters) if (key.toLowerCase() === name.toLowerCase()) return value;
    return undefined;
  }

  #getSigninToken(): Outcome {
    const { world, random, clock } = this.#parts;
    const credential = this.#handedIn();
    const now = clock.now();
    const seconds = this.#duration(credential);
    const until = seconds === undefined ? credential.session!.expiresAt : now + seconds * 1000;
    const SigninToken = issueSigninToken(world, random, now, { accessKeyId: credential.accessKeyId, until });
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    return { credential, response: { status: 200, headers, body: JSON.stringify({ SigninToken }) } };
  }

  /** The credentials of `Session`, which must be a role's or federated user's and alive. */
  #handedIn(): Credential {
    const { world, clock } = this.#parts;
    const { sessionId, sessionKey, sessionToken } = readSession(this.#parameter('Session'));
    const credential = findCredential(sessionId, world);
    const session = credential?.session;
    const isTrue =
      credential !== undefined &&
      session !== undefined &&
      isSame(credential.secretAccessKey.reveal(), sessionKey) &&
      isSame(session.token.reveal(), sessionToken);
    if (!isTrue) throw refusal('The credentials in Session are not valid temporary credentials.');
    if (session.expiresAt <= clock.now()) throw refusal('The credentials in Session have expired.');
    if (credential.kind !== 'role' && credential.kind !== 'federated-user') {
      throw refusal('The credentials in Session must come from AssumeRole or GetFederationToken.');
    }
    return credential;
  }

  #duration(credential: Credential): number | undefined {
    const text = this.#parameter('SessionDuration');
    if (text === undefined) return undefined;
    const seconds = Number(text);
    if (!/^\d{1,9}$/.test(text) || seconds < 900 || seconds > 43_200) {
      throw refusal('SessionDuration must be a number of seconds from 900 to 43200.');
    }
    // "Do not use the SessionDuration parameter if you got the temporary credentials with GetFederationToken", and not
    // with a session that was got by another role's session: both fail.
    if (credential.kind === 'federated-user' || credential.session?.chained === true) {
      throw refusal('SessionDuration cannot be given for credentials of GetFederationToken or of role chaining.');
    }
    return seconds;
  }

  #login(): Outcome {
    const { world, random, clock } = this.#parts;
    const now = clock.now();
    const destination = readDestination(this.#parameter('Destination'));
    const token = this.#parameter('SigninToken') ?? '';
    // A look ahead (HEAD) takes nothing.
    if (this.#request.method === 'HEAD') return { response: page(200, { title: 'Sign in', text: '' }) };
    const session = spendSigninToken(world, token, now);
    const credential = session === undefined ? undefined : this.#live(session);
    if (session === undefined || credential === undefined) {
      throw refusal(
        'The sign-in token is not valid: it was used, is older than 15 minutes, or was never made. Ask your administrator for a new link.',
      );
    }
    const cookie = openConsoleSession(world, random, now, session);
    const maxAge = Math.floor((session.until - now) / 1000);
    const headers = { 'set-cookie': `${cookieName}=${cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}` };
    const response = isLoopback(destination.hostname)
      ? { status: 302, headers: { ...headers, ...away, location: destination.href }, body: '' }
      : this.#welcome(session, credential, destination, headers);
    return { credential, response, resource: destination.origin };
  }

  #welcome(session: ConsoleSession, credential: Credential, destination: URL, headers: object): HttpResponse {
    const content = {
      title: 'Signed in to the console',
      text: 'This is where the AWS console would open. The embedded AWS has none and goes to no other site.',
      facts: [...this.#who(credential), ['Session ends', isoSeconds(session.until)], ['Destination', destination.href]],
    } as const;
    return page(200, content, headers);
  }

  #who(credential: Credential): readonly (readonly [string, string])[] {
    const { world } = this.#parts;
    const principal = principalOf(credential, world);
    const name = world.account(credential.account)?.name;
    return [
      ['Account', name === undefined ? credential.account : `${credential.account} (${name})`],
      ['Signed in as', 'arn' in principal ? principal.arn : ''],
    ];
  }

  /** The credential behind a session whose user or role still exists. */
  #live(session: ConsoleSession): Credential | undefined {
    return findCredential(session.accessKeyId, this.#parts.world);
  }

  #cookie(): string | undefined {
    const found = new RegExp(`(?:^|;\\s*)${cookieName}=([\\w-]+)`).exec(this.#request.headers['cookie'] ?? '');
    return found?.[1];
  }

  #logout(): Outcome {
    const { world, clock } = this.#parts;
    const cookie = this.#cookie();
    const session = cookie === undefined ? undefined : consoleSession(world, cookie, clock.now());
    if (cookie !== undefined) closeConsoleSession(world, cookie, clock.now());
    const headers = { 'set-cookie': `${cookieName}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0` };
    const next = URL.parse(this.#parameter('redirect_uri') ?? '');
    const response =
      next !== null && /^https?:$/.test(next.protocol) && isLoopback(next.hostname)
        ? { status: 302, headers: { ...headers, ...away, location: next.href }, body: '' }
        : page(200, { title: 'Signed out', text: 'The console session of this browser has ended.' }, headers);
    return { credential: session && this.#live(session), response };
  }

  /** https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-console.html */
  #switchRole(): Outcome {
    const { world, clock } = this.#parts;
    const account = this.#parameter('account') ?? '';
    const roleName = this.#parameter('roleName') ?? '';
    const isAccount = /^(?:\d{12}|[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9])$/.test(account);
    if (!isAccount || !/^(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/.test(roleName) || roleName.length > 512) {
      throw refusal(
        'A link to switch roles names an account (12 digits or an alias) and a role: account=…&roleName=….',
      );
    }
    const cookie = this.#cookie();
    const session = cookie === undefined ? undefined : consoleSession(world, cookie, clock.now());
    const credential = session && this.#live(session);
    const role = `arn:${world.partition}:iam::${account}:role/${roleName}`;
    const displayName = this.#parameter('displayName')?.slice(0, 64);
    const name = world.account(account)?.name;
    const content = {
      title: 'Switch role',
      text: 'This is the role that the AWS console would switch to, if its trust policy and your own policies allow sts:AssumeRole.',
      facts: [
        ['Account', name === undefined ? account : `${account} (${name})`],
        ['Role', role],
        ...(displayName === undefined ? [] : [['Display name', displayName] as const]),
        ...(credential === undefined ? [['Signed in as', 'nobody'] as const] : this.#who(credential).slice(1)),
      ],
    } as const;
    return { credential, resource: role, response: page(200, content) };
  }
}

const away = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };

function isSame(known: string, given: string): boolean {
  const [one, other] = [Buffer.from(known), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}
