// The exchange at the sign-in endpoint: a session becomes a sign-in token, the token a link.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
import { Secret } from '../base/index.ts';
import { failure } from './failures.ts';
import type { HttpAnswer, HttpLoss, SendHttp } from './http.ts';
import type { Credentials } from './model.ts';

export interface SigninAsk {
  /** The preferred first; the next is asked when the name of one before it is not known. */
  readonly endpoints: readonly string[];
  /** Of a role or a federated user. */
  readonly session: Credentials;
  /** How long the console session lasts; undefined for as long as the session, which is all that chained ones allow. */
  readonly durationSeconds?: number | undefined;
  readonly caBundle?: string | undefined;
}

export interface SigninToken {
  /** The endpoint that gave it, and takes it. */
  readonly endpoint: string;
  /** Good for a sign-in within 15 minutes. */
  readonly token: Secret;
  /** False when AWS refused the wanted duration, so that the console session lasts as long as the session. */
  readonly durationTaken: boolean;
}

const shortest = 900;
const longest = 43_200;

/** Seconds that SessionDuration takes, nearest to `seconds`. */
export function consoleSeconds(seconds: number): number {
  return Math.floor(Math.min(Math.max(seconds, shortest), longest));
}

/** The token in an answer; undefined when it holds none. */
function tokenIn(answer: HttpAnswer | HttpLoss): Secret | undefined {
  if (!('status' in answer) || answer.status !== 200) return undefined;
  try {
    const { SigninToken: token } = JSON.parse(answer.body) as { SigninToken?: unknown };
    return typeof token === 'string' && token !== '' ? new Secret(token) : undefined;
  } catch {
    return undefined;
  }
}

function form({ session }: SigninAsk, durationSeconds: number | undefined): string {
  // SECURITY: the session goes to the sign-in endpoint and nowhere else.
  const handed = {
    sessionId: session.accessKeyId,
    sessionKey: session.secretAccessKey.reveal(),
    sessionToken: session.sessionToken?.reveal() ?? '',
  };
  return new URLSearchParams({
    Action: 'getSigninToken',
    ...(durationSeconds === undefined ? {} : { SessionDuration: String(durationSeconds) }),
    Session: JSON.stringify(handed),
  }).toString();
}

/** Posted, so that no secret stands in an address that a proxy may log; GET is what AWS documents and what is left. */
const ways = ['POST', 'GET'] as const;

function refusal(endpoint: string, answer: HttpAnswer | HttpLoss): Error {
  if ('lost' in answer) {
    return failure('signin-unreachable', `no answer from \`${endpoint}\` (${answer.lost})`, {
      hint: 'check the network, the region, AWS_ENDPOINT_URL_SIGNIN, HTTPS_PROXY and AWS_CA_BUNDLE',
    });
  }
  // SECURITY: the page may repeat what was asked, so of its text only a plain sentence is shown.
  const text = /<p>([\w .,:'-]{1,200})<\/p>/.exec(answer.body)?.[1];
  const why = text === undefined ? '' : `: ${text}`;
  return failure('signin-refused', `\`${endpoint}\` gave no sign-in token (${answer.status})${why}`, {
    hint: 'only live sessions of a role or a federated user may sign in; `--refresh` fetches a new one',
  });
}

async function askEndpoint(endpoint: string, ask: SigninAsk, send: SendHttp): Promise<SigninToken | Error> {
  const durations = ask.durationSeconds === undefined ? [undefined] : [ask.durationSeconds, undefined];
  let last: HttpAnswer | HttpLoss | undefined;
  for (const method of ways) {
    // AWS answers 400 to a duration that the session may not have, as of role chaining.
    for (const durationSeconds of durations) {
      const text = form(ask, durationSeconds);
      const url = new URL(`${endpoint}/federation${method === 'GET' ? `?${text}` : ''}`);
      const headers = method === 'GET' ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
      last = await send({ method, url, headers, body: method === 'GET' ? '' : text, caBundle: ask.caBundle });
      const token = tokenIn(last);
      if (token !== undefined) return { endpoint, token, durationTaken: durationSeconds === ask.durationSeconds };
      if ('lost' in last) return refusal(endpoint, last);
      if (last.status !== 400) break;
    }
    if (last !== undefined && 'status' in last && last.status >= 500) break;
  }
  return refusal(endpoint, last!);
}

/** @throws Failure `signin-refused`, `signin-unreachable`; none of them holds a secret. */
export async function signinToken(ask: SigninAsk, send: SendHttp): Promise<SigninToken> {
  let problem: Error | undefined;
  for (const endpoint of ask.endpoints) {
    const result = await askEndpoint(endpoint, ask, send);
    if (!(result instanceof Error)) return result;
    problem = result;
    if (!result.message.endsWith('(ENOTFOUND)')) break;
  }
  throw problem!;
}

export interface LinkParts {
  readonly destination: string;
  /** Where AWS sends people whose session has ended. */
  readonly issuer?: string | undefined;
  /** Ends the session that the browser has before. */
  readonly logoutFirst: boolean;
}

/**
 * The link that signs in.
 * SECURITY: whoever has it within 15 minutes becomes the session, so it is a secret.
 */
export function signinLink({ endpoint, token }: SigninToken, parts: LinkParts): Secret {
  const login = new URLSearchParams({
    Action: 'login',
    ...(parts.issuer === undefined ? {} : { Issuer: parts.issuer }),
    Destination: parts.destination,
    SigninToken: token.reveal(),
  });
  const link = `${endpoint}/federation?${login.toString()}`;
  if (!parts.logoutFirst) return new Secret(link);
  const logout = new URLSearchParams({ Action: 'logout', redirect_uri: link });
  return new Secret(`${endpoint}/oauth?${logout.toString()}`);
}
