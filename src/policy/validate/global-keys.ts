// AWS's global condition keys (IAM user guide, "AWS global condition context keys"), and the keys that services of the
// trust policy bring: their types, and whether a request can hold several values of them.
import type { KeyType } from './catalog.ts';

export interface KeyFacts {
  readonly type: KeyType;
  readonly multivalued: boolean;
}

const one = (type: KeyType): KeyFacts => ({ type, multivalued: false });
const many = (type: KeyType): KeyFacts => ({ type, multivalued: true });

const spelled: ReadonlyMap<string, KeyFacts> = new Map([
  ['aws:AssumedRoot', one('Bool')],
  ['aws:CalledVia', many('String')],
  ['aws:CalledViaFirst', one('String')],
  ['aws:CalledViaLast', one('String')],
  ['aws:ChatbotSourceArn', one('ARN')],
  ['aws:CurrentTime', one('Date')],
  ['aws:Ec2InstanceSourcePrivateIPv4', one('IPAddress')],
  ['aws:Ec2InstanceSourceVpc', one('String')],
  ['aws:EpochTime', one('Date')],
  ['aws:FederatedProvider', one('String')],
  ['aws:IsMcpServiceAction', one('Bool')],
  ['aws:MultiFactorAuthAge', one('Numeric')],
  ['aws:MultiFactorAuthPresent', one('Bool')],
  ['aws:PrincipalAccount', one('String')],
  ['aws:PrincipalArn', one('ARN')],
  ['aws:PrincipalIsAWSService', one('Bool')],
  ['aws:PrincipalOrgID', one('String')],
  // Named by a policy of AWS's own and nowhere described.
  ['aws:PrincipalOrgMasterAccountId', one('String')],
  ['aws:PrincipalOrgPaths', many('String')],
  ['aws:PrincipalServiceName', one('String')],
  ['aws:PrincipalServiceNamesList', many('String')],
  ['aws:PrincipalType', one('String')],
  ['aws:referer', one('String')],
  ['aws:RequestedRegion', one('String')],
  ['aws:ResourceAccount', one('String')],
  ['aws:ResourceOrgID', one('String')],
  ['aws:ResourceOrgPaths', many('String')],
  ['aws:SecureTransport', one('Bool')],
  ['aws:SourceAccount', one('String')],
  ['aws:SourceArn', one('ARN')],
  ['aws:SourceIdentity', one('String')],
  ['aws:SourceIp', one('IPAddress')],
  ['aws:SourceOrgID', one('String')],
  ['aws:SourceOrgPaths', many('String')],
  ['aws:SourceVpc', one('String')],
  ['aws:SourceVpcArn', one('ARN')],
  ['aws:SourceVpce', one('String')],
  ['aws:TagKeys', many('String')],
  ['aws:TokenIssueTime', one('Date')],
  ['aws:UserAgent', one('String')],
  ['aws:userid', one('String')],
  ['aws:username', one('String')],
  ['aws:ViaAWSMCPService', one('Bool')],
  ['aws:ViaAWSService', one('Bool')],
  ['aws:VpceAccount', one('String')],
  ['aws:VpceOrgID', one('String')],
  ['aws:VpceOrgPaths', many('String')],
  ['aws:VpcSourceIp', one('IPAddress')],
]);

const keys: ReadonlyMap<string, KeyFacts> = new Map([...spelled].map(([key, facts]) => [key.toLowerCase(), facts]));

const tagKeys = ['aws:PrincipalTag', 'aws:RequestTag', 'aws:ResourceTag'];

/** Global keys that end in the key of a tag, in lower case. */
export const tagKeyPrefixes: readonly string[] = tagKeys.map((key) => key.toLowerCase());

/** The keys as AWS spells them, for cures. */
export const globalKeyNames: readonly string[] = [...spelled.keys(), ...tagKeys.map((key) => `${key}/`)];

/** What AWS says of a global key, in lower case; nothing when there is no such key. */
export function globalKey(lower: string): KeyFacts | undefined {
  const slash = lower.indexOf('/');
  if (slash > 0 && tagKeyPrefixes.includes(lower.slice(0, slash))) return one('String');
  return keys.get(lower);
}
