// Drift: what AWS shows otherwise than the definition says, who made it so, and when. CloudTrail knows who, where it
// may be read; where it may not, drift is told without a name.
import { isObject } from '../base/index.ts';
import type { Account, AwsAccounts } from '../aws/index.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import type { Change, Plan } from './plan.ts';
import { resourceKey, type SeenAccount } from './resources.ts';

interface Trace {
  /** ARN of who called, as CloudTrail has it. */
  readonly who: string;
  /** `2026-11-28T19:15:00Z`. */
  readonly when: string;
  readonly event: string;
}

export interface Drift {
  readonly change: Change;
  /** The last calls that wrote to it, newest first, of equal ones by one caller the newest; absent where CloudTrail may not be read. */
  readonly traces?: readonly Trace[] | undefined;
}

/** Of equal calls by one caller the newest counts, so that many small ones do not hide the one that matters. */
const mostTraces = 8;

/** Words in the names of events that tell which kind of thing they write to. */
const eventWords: Readonly<Record<Change['kind'], RegExp>> = {
  role: /Role(?!.*InstanceProfile)|AssumeRolePolicy/,
  user: /User|AccessKey|LoginProfile/,
  group: /Group/,
  policy: /^(?:Create|Delete|SetDefault)Policy/,
  'instance-profile': /InstanceProfile/,
  'password-policy': /AccountPasswordPolicy/,
  'oidc-provider': /OpenIDConnectProvider/,
  'saml-provider': /SAMLProvider/,
  'organization-policy': /Policy/,
};

/** Calls that CloudTrail may list under no name of what they wrote to: they are looked for one by one. */
const unnamed: Partial<Record<Change['kind'], readonly string[]>> = {
  'oidc-provider': [
    'AddClientIDToOpenIDConnectProvider',
    'RemoveClientIDFromOpenIDConnectProvider',
    'UpdateOpenIDConnectProviderThumbprint',
    'DeleteOpenIDConnectProvider',
    'CreateOpenIDConnectProvider',
  ],
  'saml-provider': ['UpdateSAMLProvider', 'DeleteSAMLProvider', 'CreateSAMLProvider'],
  'organization-policy': ['UpdatePolicy', 'AttachPolicy', 'DetachPolicy', 'DeletePolicy', 'CreatePolicy'],
};

function recordOf(text: string | undefined): Readonly<Record<string, unknown>> {
  const record: unknown = JSON.parse(text ?? '{}');
  return isObject(record) ? record : {};
}

function callerOf({ userIdentity }: Readonly<Record<string, unknown>>, user = 'somebody'): string {
  const arn = isObject(userIdentity) ? userIdentity['arn'] : undefined;
  return typeof arn === 'string' ? arn : user;
}

type Trail = Awaited<ReturnType<Account['cloudTrail']>>;
type Attribute = 'EventName' | 'ResourceName';

interface Listed extends Trace {
  readonly reads: boolean;
  readonly failed: boolean;
  /** What was asked, as a text to look into. */
  readonly asked: string;
}

async function look(trail: Trail, AttributeKey: Attribute, AttributeValue: string): Promise<Listed[]> {
  const LookupAttributes = [{ AttributeKey, AttributeValue }];
  const { Events = [] } = await trail.lookupEvents({ LookupAttributes, MaxResults: 50 });
  return Events.map(({ EventName = '', EventTime, Username, ReadOnly, CloudTrailEvent }) => {
    const record = recordOf(CloudTrailEvent);
    return {
      who: callerOf(record, Username),
      when: (EventTime ?? new Date(0)).toISOString().replace(/\.\d{3}Z$/, 'Z'),
      event: EventName,
      reads: ReadOnly === 'true',
      failed: record['errorCode'] !== undefined,
      asked: JSON.stringify(record['requestParameters'] ?? null),
    };
  });
}

/** Events about a thing: by its name, else by what is done to such things and what was asked then. */
async function eventsOf(trail: Trail, { kind, name }: Change, ids: readonly string[]): Promise<Listed[]> {
  if (kind === 'password-policy') return look(trail, 'EventName', 'UpdateAccountPasswordPolicy');
  // What makes a new version of a policy names the policy by its ARN alone, and comes after what made the policy.
  const arn = kind === 'policy' ? ids.find((id) => id.startsWith('arn:')) : undefined;
  const versions = arn === undefined ? [] : await look(trail, 'ResourceName', arn);
  const named = [...versions, ...(await look(trail, 'ResourceName', name))];
  if (named.length > 0) return named.toSorted((a, b) => b.when.localeCompare(a.when));
  const found: Listed[] = [];
  for (const event of unnamed[kind] ?? []) found.push(...(await look(trail, 'EventName', event)));
  return found
    .filter(({ asked }) => ids.some((id) => asked.includes(JSON.stringify(id))))
    .toSorted((a, b) => b.when.localeCompare(a.when));
}

async function tracesOf(account: Account, change: Change, ids: readonly string[]): Promise<Trace[] | undefined> {
  try {
    const listed = await eventsOf(await account.cloudTrail(), change, ids);
    const wrote = listed
      .filter(({ reads, failed, event }) => !reads && !failed && eventWords[change.kind].test(event))
      .map(({ who, when, event }) => ({ who, when, event }));
    const newest = Map.groupBy(wrote, ({ who, event }) => `${who} ${event}`);
    return [...newest.values()].slice(0, mostTraces).map(([trace]) => trace!);
  } catch (error) {
    // Whatever CloudTrail answers, or something in its place, the drift is told all the same: without a name.
    if (error instanceof Error && ('$metadata' in error || '$response' in error)) return undefined;
    throw error;
  }
}

/** What a thing may be called in a call: by name, ARN, or AWS's id. */
function idsOf({ accountId, kind, name }: Change, seen: readonly SeenAccount[]): string[] {
  const key = resourceKey({ kind, name });
  const had = seen.find(({ id }) => id === accountId)?.resources.find((it) => resourceKey(it) === key);
  return [name, had?.arn, had?.policyId].filter((id) => id !== undefined);
}

/** The changes of a plan as drift, each with who made it. Accounts side by side, one look-up at a time in each. */
export async function findDrift(plan: Plan, seen: readonly SeenAccount[], accounts: AwsAccounts): Promise<Drift[]> {
  const byAccount = [...Map.groupBy(plan.changes, ({ accountId }) => accountId)];
  const found = await forEachLimited(byAccount, accountsAtOnce, async ([id, changes]) => {
    const account = await accounts.account(id);
    const drifts: Drift[] = [];
    for (const change of changes) drifts.push({ change, traces: await tracesOf(account, change, idsOf(change, seen)) });
    return drifts;
  });
  return found.flat();
}
