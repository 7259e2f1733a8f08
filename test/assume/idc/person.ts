// What a person has who sits at the machine: profiles, a browser, tokens of earlier sign-ins.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../support.ts';
import type { IdentityCenter } from './identity-center.ts';

/** A sign-in session, a role of it, and a role assumed from that. */
export const config = `[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile dev]
sso_session = corp
sso_account_id = 222222222222
sso_role_name = ReadOnly
[profile dev-admin]
sso_session = corp
sso_account_id = 222222222222
sso_role_name = Admin
[profile chained]
role_arn = arn:aws:iam::333333333333:role/deploy
source_profile = dev
[profile old]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 222222222222
sso_role_name = ReadOnly
`;

/** Where the AWS CLI keeps the token of a session, or of a start URL. */
export function cacheFile(home: string, name: string): string {
  return join(home, '.aws/sso/cache', `${createHash('sha1').update(name).digest('hex')}.json`);
}

/** Puts a token there that `idc` knows, as the AWS CLI writes it, `endsIn` seconds before its end. Returns the file. */
export function putToken(
  home: string,
  idc: IdentityCenter,
  { endsIn = 3600, name = 'corp', extra = {} }: { endsIn?: number; name?: string; extra?: Record<string, unknown> },
): string {
  const file = cacheFile(home, name);
  const time = (seconds: number): string =>
    new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d{3}Z$/, 'Z');
  mkdirSync(join(home, '.aws/sso/cache'), { recursive: true });
  const token = {
    startUrl: 'https://corp.awsapps.com/start',
    region: 'eu-west-1',
    ...idc.signedIn(),
    expiresAt: time(endsIn),
    registrationExpiresAt: time(90 * 86_400),
    ...extra,
  };
  writeFileSync(file, JSON.stringify(token));
  return file;
}

/** The environment of a person whose AWS is `idc`, with the test's browser. */
export function personEnvironment(home: string, idc: IdentityCenter): Record<string, string> {
  return {
    ...childEnvironment(home),
    AWS_ENDPOINT_URL_SSO: idc.url,
    AWS_ENDPOINT_URL_SSO_OIDC: idc.url,
    BROWSER: `"${process.execPath}" "${fileURLToPath(new URL('./browser.ts', import.meta.url))}"`,
    OPENED: join(home, 'opened'),
  };
}

/** Waits until the browser, a process of its own that nobody waits for, has been given an address. */
export async function opened(home: string): Promise<void> {
  while (openedIn(home).length === 0) await new Promise((resolve) => setImmediate(resolve));
}

/** The addresses the browser was given. */
export function openedIn(home: string): readonly string[] {
  const file = join(home, 'opened');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}
