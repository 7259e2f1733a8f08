// What is asked of the sign-in endpoint, told from what else arrives at the one port; its parameters, read.
import type { Failure } from '../../base/index.ts';
import { awsFailure } from '../failures.ts';
import type { HttpRequest } from '../http.ts';

export type SigninAction = 'getSigninToken' | 'login' | 'logout' | 'switchrole';

export interface SigninRequest {
  readonly action: SigninAction;
  readonly parameters: URLSearchParams;
}

/** Sign-in hosts of the partitions, with and without a region before them. */
const signinHost =
  /(?:^|\.)signin\.(?:aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com|amazonaws-eusc\.eu)(?::\d+)?$/i;

const federationActions: ReadonlySet<string> = new Set(['getSigninToken', 'login', 'logout']);

/**
 * Undefined for a request to a service. `/federation` and `/switchrole` could be buckets too: on another host than the
 * sign-in endpoint's own they count when the request is unsigned and has the parameters that no service takes.
 */
export function readSigninRequest(request: HttpRequest): SigninRequest | undefined {
  const { path, headers, query } = request;
  const known = path === '/federation' || path === '/oauth' || path === '/switchrole';
  if (!known || headers['authorization'] !== undefined || /(?:^|&)X-Amz-Algorithm=/i.test(query)) return undefined;
  const parameters = parametersOf(request);
  const isOwnHost = signinHost.test(headers['host'] ?? '');
  if (path === '/switchrole') {
    return isOwnHost || parameters.has('roleName') ? { action: 'switchrole', parameters } : undefined;
  }
  const action = parameters.get('Action') ?? '';
  if (!federationActions.has(action) || (path === '/oauth' && action !== 'logout')) return undefined;
  return { action: action as SigninAction, parameters };
}

/** Of the query, and of a form that was posted. */
function parametersOf({ method, query, headers, body }: HttpRequest): URLSearchParams {
  const parameters = new URLSearchParams(query);
  const isForm = (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  if (method !== 'POST' || !isForm) return parameters;
  for (const [name, value] of new URLSearchParams(Buffer.from(body).toString('utf8'))) parameters.append(name, value);
  return parameters;
}

/** What becomes the endpoint's 400 page. */
export function refusal(message: string): Failure {
  return awsFailure('BadRequest', message, { status: 400 });
}

/** The credentials that `Session` hands in. */
interface Handed {
  readonly sessionId: string;
  readonly sessionKey: string;
  readonly sessionToken: string;
}

/** @throws what becomes the 400 page */
export function readSession(text: string | undefined): Handed {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    value = undefined;
  }
  const { sessionId, sessionKey, sessionToken } = (value ?? {}) as Partial<Record<keyof Handed, unknown>>;
  if (typeof sessionId !== 'string' || typeof sessionKey !== 'string' || typeof sessionToken !== 'string') {
    throw refusal('Session must be a JSON object with sessionId, sessionKey and sessionToken.');
  }
  return { sessionId, sessionKey, sessionToken };
}

/** @throws what becomes the 400 page */
export function readDestination(text: string | undefined): URL {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw refusal('Destination must be the address of a console page.');
  }
  return url;
}
