// AWS's global condition keys (IAM user guide, "AWS global condition context keys"), and the keys that services of the
// trust policy bring: their types, and whether a request can hold several values of them.
import type { KeyType } from './catalog.ts';

export interface KeyFacts {
  readonly type: KeyType;
  readonly multivalued: boolean;
}

const one = (type: KeyType): KeyFacts => ({ type, multivalued: false });
const many = (type: KeyType): KeyFacts => ({ type, multivalued: true });

const keys: ReadonlyMap<string, KeyFacts> = new Map([
  ['aws:assumedroot', one('Bool')],
  ['aws:calledvia', many('String')],
  ['aws:calledviafirst', one('String')],
  ['aws:calledvialast', one('String')],
  ['aws:chatbotsourcearn', one('ARN')],
  ['aws:currenttime', one('Date')],
  ['aws:ec2instancesourceprivateipv4', one('IPAddress')],
  ['aws:ec2instancesourcevpc', one('String')],
  ['aws:epochtime', one('Date')],
  ['aws:federatedprovider', one('String')],
  ['aws:ismcpserviceaction', one('Bool')],
  ['aws:multifactorauthage', one('Numeric')],
  ['aws:multifactorauthpresent', one('Bool')],
  ['aws:principalaccount', one('String')],
  ['aws:principalarn', one('ARN')],
  ['aws:principalisawsservice', one('Bool')],
  ['aws:principalorgid', one('String')],
  // Named by a policy of AWS's own and nowhere described.
  ['aws:principalorgmasteraccountid', one('String')],
  ['aws:principalorgpaths', many('String')],
  ['aws:principalservicename', one('String')],
  ['aws:principalservicenameslist', many('String')],
  ['aws:principaltype', one('String')],
  ['aws:referer', one('String')],
  ['aws:requestedregion', one('String')],
  ['aws:resourceaccount', one('String')],
  ['aws:resourceorgid', one('String')],
  ['aws:resourceorgpaths', many('String')],
  ['aws:securetransport', one('Bool')],
  ['aws:sourceaccount', one('String')],
  ['aws:sourcearn', one('ARN')],
  ['aws:sourceidentity', one('String')],
  ['aws:sourceip', one('IPAddress')],
  ['aws:sourceorgid', one('String')],
  ['aws:sourceorgpaths', many('String')],
  ['aws:sourcevpc', one('String')],
  ['aws:sourcevpcarn', one('ARN')],
  ['aws:sourcevpce', one('String')],
  ['aws:tagkeys', many('String')],
  ['aws:tokenissuetime', one('Date')],
  ['aws:useragent', one('String')],
  ['aws:userid', one('String')],
  ['aws:username', one('String')],
  ['aws:viaawsmcpservice', one('Bool')],
  ['aws:viaawsservice', one('Bool')],
  ['aws:vpceaccount', one('String')],
  ['aws:vpceorgid', one('String')],
  ['aws:vpceorgpaths', many('String')],
  ['aws:vpcsourceip', one('IPAddress')],
]);

/** Global keys that end in the key of a tag. */
export const tagKeyPrefixes: readonly string[] = ['aws:principaltag', 'aws:requesttag', 'aws:resourcetag'];

/** Spelling for people of the keys that get named in cures. */
export const globalKeyNames: readonly string[] = [...keys.keys(), ...tagKeyPrefixes.map((prefix) => `${prefix}/`)];

/** What AWS says of a global key, in lower case; nothing when there is no such key. */
export function globalKey(lower: string): KeyFacts | undefined {
  const slash = lower.indexOf('/');
  if (slash > 0 && tagKeyPrefixes.includes(lower.slice(0, slash))) return one('String');
  return keys.get(lower);
}
