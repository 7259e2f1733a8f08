// The login with AWS IAM: proves who the caller is by a signed GetCallerIdentity, which only the server sends
// to STS. The keys never leave this machine.
// Source: Vault's auth method aws, login over iam (reference/vault-api.md 2.1).
import { systemClock } from '../../base/index.ts';
import { signRequest } from '../../assume/index.ts';
import { readChoices } from '../assume-options.ts';
import { currentCredentials } from '../assume-session.ts';
import type { Io } from '../command.ts';

export interface AwsLogin {
  readonly role?: string | undefined;
  /** Value of `X-Vault-AWS-IAM-Server-ID`, where the server asks for one. */
  readonly serverId?: string | undefined;
  readonly region?: string | undefined;
}

const body = 'Action=GetCallerIdentity&Version=2011-06-15';

/** The body of the login, signed with the credentials that SDKs would use in this process. */
export async function awsLoginBody(io: Io, login: AwsLogin): Promise<Readonly<Record<string, string | undefined>>> {
  const choices = readChoices(login.region === undefined ? {} : { region: login.region });
  const { request, session } = await currentCredentials(io, choices);
  const { signingRegion: region, url: endpoint } = request.sts;
  const url = new URL('/', endpoint);
  const headers = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    'content-length': String(body.length),
    ...(login.serverId === undefined ? {} : { 'x-vault-aws-iam-server-id': login.serverId }),
  };
  const scope = { service: 'sts', region, now: systemClock.now() };
  const signed = signRequest({ method: 'POST', url, headers, body }, session, scope);
  return {
    role: login.role,
    iam_http_request_method: 'POST',
    iam_request_url: base64(url.href),
    iam_request_body: base64(body),
    iam_request_headers: base64(JSON.stringify(signed)),
  };
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
