// Which account a session is in, for programs that are told of it beside the keys.
import { parseRoleArn } from './arn.ts';
import type { SessionRequest } from './model.ts';

const accountId = /^\d{12}$/;

/**
 * The account of the session that a request names, when the request tells it: that of the last role, else that of the
 * source. Undefined for keys, which name their account to AWS only.
 */
export function sessionAccount({ roles, source }: Pick<SessionRequest, 'roles' | 'source'>): string | undefined {
  const role = roles.at(-1);
  if (role !== undefined) return parseRoleArn(role.roleArn)?.account;
  const told =
    source.kind === 'sso' ? source.accountId : source.kind === 'login' ? source.loginSession.split(':')[4] : undefined;
  return told !== undefined && accountId.test(told) ? told : undefined;
}
