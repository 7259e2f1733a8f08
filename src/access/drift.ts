// Drift: what AWS shows otherwise than the definition says, who made it so, and when. CloudTrail knows who, where it
// may be read; where it may not, drift is told without a name.
import { isObject } from '../base/index.ts';
import type { Account, AwsAccounts } from '../aws/index.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import type { Change, Plan } from './plan.ts';

interface Trace {
  /** ARN of who called, as CloudTrail has it. */
  readonly who: string;
  /** `2026-11-28T19:15:00Z`. */
  readonly when: string;
  readonly event: string;
}

export interface Drift {
  readonly change: Change;
  /** The last calls that wrote to it, newest first; absent where CloudTrail may not be read. */
  readonly traces?: readonly Trace[] | undefined;
}

const mostTraces = 3;

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

function recordOf(text: string | undefined): Readonly<Record<string, unknown>> {
  const record: unknown = JSON.parse(text ?? '{}');
  return isObject(record) ? record : {};
}

function callerOf({ userIdentity }: Readonly<Record<string, unknown>>, user = 'somebody'): string {
  const arn = isObject(userIdentity) ? userIdentity['arn'] : undefined;
  return typeof arn === 'string' ? arn : user;
}

async function tracesOf(account: Account, { kind, name }: Change): Promise<Trace[] | undefined> {
  const attribute =
    kind === 'password-policy'
      ? { AttributeKey: 'EventName' as const, AttributeValue: 'UpdateAccountPasswordPolicy' }
      : { AttributeKey: 'ResourceName' as const, AttributeValue: name };
  try {
    const trail = await account.cloudTrail();
    const { Events = [] } = await trail.lookupEvents({ LookupAttributes: [attribute], MaxResults: 50 });
    return Events.map((event) => ({ ...event, record: recordOf(event.CloudTrailEvent) }))
      .filter(
        ({ ReadOnly, EventName = '', record }) =>
          ReadOnly !== 'true' && eventWords[kind].test(EventName) && record['errorCode'] === undefined,
      )
      .slice(0, mostTraces)
      .map(({ EventName = '', EventTime, Username, record }) => ({
        who: callerOf(record, Username),
        when: (EventTime ?? new Date(0)).toISOString().replace(/\.\d{3}Z$/, 'Z'),
        event: EventName,
      }));
  } catch (error) {
    // Who may not read it is told the drift all the same.
    if (error instanceof Error && /AccessDenied|UnknownOperation|InvalidAction|NotFound/.test(error.name))
      return undefined;
    throw error;
  }
}

/** The changes of a plan as drift, each with who made it. Accounts side by side, one look-up at a time in each. */
export async function findDrift(plan: Plan, accounts: AwsAccounts): Promise<Drift[]> {
  const byAccount = [...Map.groupBy(plan.changes, ({ accountId }) => accountId)];
  const found = await forEachLimited(byAccount, accountsAtOnce, async ([id, changes]) => {
    const account = await accounts.account(id);
    const drifts: Drift[] = [];
    for (const change of changes) drifts.push({ change, traces: await tracesOf(account, change) });
    return drifts;
  });
  return found.flat();
}
