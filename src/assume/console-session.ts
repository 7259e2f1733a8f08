// Which session signs in to the console, and how long it may say that it lasts.
import { personName } from './environment.ts';
import { failure } from './failures.ts';
import type { Credentials, SessionRequest } from './model.ts';
import { limits, planSession, usual } from './session-plan.ts';
import { obtainSession, type SessionTools } from './session.ts';

export interface ConsoleSession {
  readonly session: Credentials;
  /** SessionDuration may be given with it: it is of a role, and no other role's session assumed that. */
  readonly mayNameDuration: boolean;
}

/**
 * A session policy that takes nothing away: a federated user may do what both the IAM user's policies and this one
 * allow, and without any session policy nothing at all.
 */
const allowAll = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});
const longestFederatedName = 32;

/** The name of a federated user, in the 2 to 32 letters that STS allows. */
export function federatedName(name: string): string {
  const allowed = name.replace(/[^\w+=,.@-]/g, '-').slice(0, longestFederatedName);
  return allowed.length < 2 ? `${allowed}-stint` : allowed;
}

/** True when one AssumeRole of long-term keys or of a token, or Identity Center, makes the session: no role is chained. */
function isFirstHand(request: SessionRequest): boolean {
  const { source, roles, mfaSerial, durationSeconds } = request;
  if (roles.length === 0) return source.kind === 'sso';
  const isLongTerm = source.kind === 'keys' && source.credentials.sessionToken === undefined;
  if (!isLongTerm && source.kind !== 'web-identity') return false;
  const { steps } = planSession({
    source: isLongTerm ? 'long-term' : 'web-identity',
    mfa: mfaSerial !== undefined,
    roles: roles.map((role) => role.durationSeconds),
    durationSeconds,
  });
  return steps.length === 1;
}

async function federate(
  request: SessionRequest,
  keys: Credentials,
  name: string,
  tools: SessionTools,
): Promise<ConsoleSession> {
  tools.note(`signing in as the federated user \`${name}\`: keys of an IAM user cannot, a session made of them can`);
  if (request.mfaSerial !== undefined) {
    tools.note('GetFederationToken takes no MFA code: what policies allow only with MFA is denied in this session');
  }
  const durationSeconds = Math.min(request.durationSeconds ?? usual.role, limits.getSessionToken);
  const session = await tools.sts(request).getFederationToken(keys, { name, policy: allowAll, durationSeconds });
  return { session, mayNameDuration: false };
}

async function refuseUserSession(request: SessionRequest, session: Credentials, tools: SessionTools): Promise<void> {
  const { arn } = await tools.sts(request).getCallerIdentity(session);
  if (!/:user\/|:root$/.test(arn)) return;
  throw failure('console-unavailable', `\`${arn}\` cannot sign in with a session of GetSessionToken`, {
    hint: 'AWS signs in sessions of roles and federated users: name a role, or begin with the long-term keys',
  });
}

/**
 * The session that signs in for the request: the role's, or for the keys of an IAM user one of GetFederationToken.
 * @throws Failure `console-unavailable`, and all that `obtainSession` throws.
 */
export async function consoleSession(request: SessionRequest, tools: SessionTools): Promise<ConsoleSession> {
  const mayNameDuration = isFirstHand(request);
  if (request.roles.length > 0) return { session: await obtainSession(request, tools), mayNameDuration };
  // Neither GetFederationToken nor the sign-in takes what GetSessionToken gives, so the MFA session is not made.
  const alone = { ...request, mfaSerial: undefined, durationSeconds: undefined };
  const session = await obtainSession(alone, tools);
  if (session.sessionToken === undefined)
    return federate(request, session, federatedName(personName(tools.env)), tools);
  await refuseUserSession(request, session, tools);
  return { session, mayNameDuration };
}
