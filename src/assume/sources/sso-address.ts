// Start URLs of one's own domain that lead to an access portal of AWS. AWS knows the portal's address alone, so a sign-in
// follows one redirect to find it, as the AWS CLI does since 2.35; the token is kept under the address as configured.
// https://aws.amazon.com/blogs/security/regional-routing-for-aws-access-portals-implementing-custom-vanity-domains-for-iam-identity-center/
import { failure } from '../failures.ts';
import type { HttpAnswer, HttpLoss } from '../http.ts';
import type { SsoSession } from '../model.ts';
import type { CallTools } from './json-call.ts';

/** Domains below which AWS alone has hosts. */
const awsDomains = [
  'awsapps.com',
  'awsapps.cn',
  'app.aws',
  'portal.amazonaws.com',
  'portal.amazonaws.com.cn',
  'portal.amazonaws.eu',
  'app.amazonwebservices.com.cn',
  'api.amazonwebservices.eu',
];
/** Addresses of issuers; their path names the instance. */
const awsHosts = /^identitycenter\.(?:us-gov\.)?amazonaws\.(?:com|com\.cn|eu)$/;
/** `ssoins-1.portal.eu-west-1.app.aws` and `ssoins-1.eu-west-1.portal.amazonaws.com`. */
const regionIn = /^[^.]+\.(?:portal\.([a-z0-9-]+)\.(?:app|api)|([a-z0-9-]+)\.portal)\.[a-z.]+$/;

const redirects = [301, 302, 303, 307, 308];
const patience = 10_000;

/** True for an access portal of AWS, as far as its address says. */
export function isPortal({ protocol, hostname }: URL): boolean {
  const owned = awsDomains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
  return protocol === 'https:' && (owned || awsHosts.test(hostname));
}

/** The region in the name of a portal's host; undefined for hosts that serve every region. */
export function portalRegion({ hostname }: URL): string | undefined {
  const found = regionIn.exec(hostname);
  return found === null ? undefined : (found[1] ?? found[2]);
}

async function askWhere(url: URL, session: SsoSession, { send, signal }: CallTools): Promise<HttpAnswer | HttpLoss> {
  const ask = (method: 'HEAD' | 'GET'): Promise<HttpAnswer | HttpLoss> =>
    send({ method, url, headers: {}, body: '', caBundle: session.caBundle, patience, signal });
  const answer = await ask('HEAD');
  return 'status' in answer && [405, 501].includes(answer.status) ? ask('GET') : answer;
}

/**
 * The start URL that AWS knows: the configured one, or the portal that it leads to. What leads nowhere is left to AWS to
 * judge, whose domains may be more than are known here.
 * @throws Failure `setting-invalid` for a portal of another region than the configured one.
 */
export async function portalAddress(session: SsoSession, tools: CallTools): Promise<string> {
  const url = new URL(session.startUrl);
  if (isPortal(url)) return session.startUrl;
  const answer = await askWhere(url, session, tools);
  const location = 'status' in answer && redirects.includes(answer.status) ? answer.location : undefined;
  const portal = location === undefined ? null : URL.parse(location, url);
  if (portal === null || !isPortal(portal)) return session.startUrl;
  const region = portalRegion(portal);
  if (region !== undefined && region !== session.region) {
    throw failure(
      'setting-invalid',
      `${session.place}: \`${session.startUrl}\` leads to a portal in ${region}, and sso_region is ${session.region}`,
      { hint: `write \`sso_region = ${region}\`` },
    );
  }
  return `${portal.origin}${portal.pathname.replace(/\/+$/, '')}`;
}
