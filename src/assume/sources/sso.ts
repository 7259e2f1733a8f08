// A role of IAM Identity Center: its credentials for the token of its session. This file is the whole flow.
import { formatDuration, type Millis, type Secret } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { Credentials } from '../model.ts';
import type { SourceOf, SourceTools } from './source.ts';
import { roleCredentials } from './sso-portal.ts';
import { callTools, ssoToken } from './sso-token.ts';

/**
 * Asks with a token, and once more with a new one when AWS has ended it before its time.
 * @throws Failure `sso-refused` when the new one is refused as well.
 */
export async function withToken<Answer>(
  wanted: Parameters<typeof ssoToken>[0],
  tools: SourceTools,
  ask: (token: Secret) => Promise<Answer | 'token-refused'>,
): Promise<Answer> {
  const token = await ssoToken(wanted, tools);
  const answer = await ask(token);
  if (answer !== 'token-refused') return answer;
  tools.explain(`AWS has ended the sign-in to \`${wanted.session.startUrl}\` before its time`);
  const again = await ask(await ssoToken({ ...wanted, refused: token, anew: false }, tools));
  if (again !== 'token-refused') return again;
  throw failure('sso-refused', `${wanted.session.place}: IAM Identity Center refuses the token it has just given`, {
    hint: 'check sso_region and sso_start_url',
  });
}

function checkClock({ place }: SourceOf<'sso'>, expiration: Millis, date: string | undefined, now: Millis): void {
  if (expiration > now) return;
  const skew = now - Date.parse(date ?? '');
  const off = Number.isNaN(skew)
    ? ''
    : `: this machine's clock is ${formatDuration(Math.round(Math.abs(skew) / 1000))} ${skew > 0 ? 'ahead' : 'behind'}`;
  throw failure('clock-skew', `${place}: AWS gave credentials that have ended already${off}`, {
    hint: "set this machine's clock, for example with NTP",
  });
}

/**
 * The credentials of the role.
 * @throws Failure as `ssoToken`, and `sso-refused`, `clock-skew`.
 */
export async function readSso(source: SourceOf<'sso'>, tools: SourceTools): Promise<Credentials> {
  const { session, profile, place } = source;
  const wanted = { session, asker: { profile, place } };
  tools.explain(`GetRoleCredentials ${source.roleName} of account ${source.accountId}`);
  const given = await withToken(wanted, tools, (token) => roleCredentials(source, token, callTools(tools)));
  const { date, ...credentials } = given;
  checkClock(source, credentials.expiration, date, tools.clock.now());
  return credentials;
}
