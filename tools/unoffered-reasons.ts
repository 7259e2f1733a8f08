// Why operations of the embedded AWS are not offered, per group: for docs/cloud.md. A name that matches none
// of its service's groups is listed without a reason.
import type { ServiceId } from '../src/cloud/call.ts';

export interface Reason {
  /** Of the operation's name. */
  readonly names: RegExp;
  readonly why: string;
}

export const unofferedReasons: Readonly<Partial<Record<ServiceId, readonly Reason[]>>> = {
  iam: [
    { names: /Delegation(Request|Token)/, why: 'a partner asks for access and a person approves it in the console' },
    { names: /HumanReadableSummary/, why: 'a text that AWS writes about a policy or request' },
    { names: /AcquireRole|AccountProperties|RoleTemplate/, why: 'roles that AWS makes from templates of its own' },
  ],
  sts: [
    { names: /DelegatedAccessToken|ScopedCredentials/, why: 'delegation to partners, which IAM does not offer here' },
  ],
  s3: [
    { names: /Metadata|Annotation|SelectObject|Torrent|WriteGetObject/, why: 'services on top of stored objects' },
    {
      names: /Analytics|Inventory|IntelligentTiering|Metrics|RestoreObject/,
      why: 'nothing here measures or tiers storage',
    },
    { names: /LegalHold|Retention|ObjectLock/, why: 'object lock needs versions of objects' },
    { names: /Director|CreateSession|RenameObject/, why: 'directory buckets' },
  ],
  kms: [{ names: /CustomKeyStore/, why: 'key stores outside AWS need a hardware module' }],
  dynamodb: [
    { names: /Backup|Export|Import|GlobalTable|Replica/, why: 'copies of tables elsewhere' },
    { names: /Kinesis|ContributorInsights|Bulk|SearchVectors/, why: 'services on top of tables' },
  ],
  cloudtrail: [
    { names: /EventDataStore|Quer|Dashboard|Channel|Import|Federation|Insight/, why: 'CloudTrail Lake and Insights' },
    {
      names: /Trail|Selectors|Logging|EventConfiguration/,
      why: 'trails deliver nowhere here; read the log by LookupEvents',
    },
  ],
  organizations: [
    { names: /Handshake|Invite|Leave|Responsibility/, why: 'invitations go to accounts outside this world' },
    { names: /GovCloud/, why: 'an account of another partition' },
  ],
};
