// The portal of IAM Identity Center: the accounts and roles of a person who is signed in, and their credentials.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_Operations.html
import { Secret, type Millis } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { Credentials, SsoSession } from '../model.ts';
import { callJson, type CallTools, type JsonAnswer } from './json-call.ts';

/** An answer that is what was asked for, or the portal's refusal of the token. */
type Portal<Value> = Value | 'token-refused';

const service = 'IAM Identity Center';

async function ask(
  session: SsoSession,
  token: Secret,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  tools: CallTools,
): Promise<JsonAnswer> {
  const url = new URL(session.portalUrl + path);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  // SECURITY: the token leaves in the one header that the portal reads it from.
  const headers = (): Record<string, string> => ({ 'x-amz-sso_bearer_token': token.reveal() });
  const method = path === '/logout' ? 'POST' : 'GET';
  return callJson({ method, url: url.href, headers, caBundle: session.caBundle, service }, tools);
}

function messageOf({ body }: JsonAnswer): string {
  const message = body['message'] ?? body['Message'];
  return typeof message === 'string' ? message.slice(0, 300) : 'no reason given';
}

function notPortal({ portalUrl }: SsoSession): Error {
  return failure('sso-failed', `\`${portalUrl}\` answered something that is not from IAM Identity Center`, {
    hint: 'check sso_region, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SSO and endpoint_url of the profile',
  });
}

export interface RoleWanted {
  readonly session: SsoSession;
  readonly accountId: string;
  readonly roleName: string;
  /** `file:line` that asks for it. */
  readonly place: string;
}

/**
 * Credentials of a role.
 * @throws Failure `sso-refused`, `sso-failed`, `sso-unreachable`.
 */
export async function roleCredentials(
  wanted: RoleWanted,
  token: Secret,
  tools: CallTools,
): Promise<Portal<Credentials & { readonly expiration: Millis; readonly date?: string | undefined }>> {
  const { session, accountId, roleName, place } = wanted;
  const query = { account_id: accountId, role_name: roleName };
  const answer = await ask(session, token, '/federation/credentials', query, tools);
  if (answer.status === 401) return 'token-refused';
  if (answer.status !== 200 && answer.status < 400) throw notPortal(session);
  if (answer.status !== 200) {
    const who = `role \`${roleName}\` of account ${accountId}`;
    throw failure('sso-refused', `${place}: IAM Identity Center refused ${who}: ${messageOf(answer)}`, {
      hint: '`stint sso ls` lists the accounts and roles that are yours; correct sso_account_id and sso_role_name, or ask for the assignment',
    });
  }
  const given = (answer.body['roleCredentials'] ?? {}) as Readonly<Record<string, unknown>>;
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = given;
  const texts = typeof accessKeyId === 'string' && typeof secretAccessKey === 'string';
  // Milliseconds since 1970, where everything else of AWS has seconds or ISO 8601.
  if (!texts || typeof sessionToken !== 'string' || typeof expiration !== 'number') throw notPortal(session);
  return {
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: new Secret(sessionToken),
    expiration,
    date: answer.date,
  };
}

/** One page of a list of the portal. */
export interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  /** Mark of the next page. */
  readonly next: string | undefined;
}

/** Which key of the answer holds the list. */
const lists: Readonly<Record<string, string>> = {
  '/assignment/accounts': 'accountList',
  '/assignment/roles': 'roleList',
};

/** The page of the list at `path` that follows the mark. @throws Failure as `roleCredentials`. */
export async function portalPage(
  session: SsoSession,
  token: Secret,
  where: { readonly path: string; readonly query: Readonly<Record<string, string>>; readonly next: string | undefined },
  tools: CallTools,
): Promise<Portal<Page>> {
  const query = { max_result: '100', next_token: where.next, ...where.query };
  const answer = await ask(session, token, where.path, query, tools);
  if (answer.status === 401) return 'token-refused';
  if (answer.status !== 200 && answer.status < 400) throw notPortal(session);
  if (answer.status !== 200) {
    throw failure('sso-refused', `IAM Identity Center refused the list: ${messageOf(answer)}`, {
      hint: 'ask who administers it; `stint sso login` signs in anew',
    });
  }
  const items: unknown = answer.body[lists[where.path]!];
  if (!Array.isArray(items)) throw notPortal(session);
  const next = answer.body['nextToken'];
  return {
    items: items.filter((item) => typeof item === 'object' && item !== null) as Page['items'],
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
}

/** Ends the sign-in at AWS; one that has ended already is no error. @throws Failure `sso-failed`, `sso-unreachable`. */
export async function endSignIn(session: SsoSession, token: Secret, tools: CallTools): Promise<void> {
  await ask(session, token, '/logout', {}, tools);
}
