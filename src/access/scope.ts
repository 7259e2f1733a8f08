// What a run looks at, and as whom: the chosen accounts of a definition, and credentials that are the right ones.
import { nearestName } from '../base/index.ts';
import type { AwsAccounts, Caller } from '../aws/index.ts';
import type { Wanted } from './compile.ts';
import { accessFailure } from './failures.ts';
import type { WantedAccount } from './resources.ts';

export interface RunScope {
  readonly wanted: Wanted;
  readonly accounts: AwsAccounts;
  /** Names or ids of the only accounts to look at. */
  readonly only?: readonly string[] | undefined;
  /** Account id that the credentials must belong to. */
  readonly expectAccount?: string | undefined;
}

/** The wanted accounts that a run looks at. @throws Failure `account-unknown`. */
export function chosenAccounts({ wanted, only }: RunScope): WantedAccount[] {
  for (const choice of only ?? []) {
    if (wanted.accounts.some(({ id, name }) => id === choice || name === choice)) continue;
    const names = wanted.accounts.map(({ name }) => name);
    const near = nearestName(choice, names);
    throw accessFailure('account-unknown', `the definition holds no account \`${choice}\``, {
      hint: near === undefined ? `it holds ${names.join(', ')}` : `did you mean \`${near}\`?`,
    });
  }
  if (only === undefined || only.length === 0) return [...wanted.accounts];
  return wanted.accounts.filter(({ id, name }) => only.includes(id) || only.includes(name));
}

/** The organisation that the caller's account is in; `undefined` when AWS does not tell. */
async function organizationOf(accounts: AwsAccounts): Promise<{ id?: string | undefined; why?: string }> {
  try {
    const organizations = await accounts.organizations();
    return { id: (await organizations.describeOrganization({})).Organization?.Id };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** Refuses to go on with somebody else's credentials. @throws Failure `wrong-account`, `wrong-organization`. */
export async function checkCaller(context: RunScope): Promise<Caller> {
  const { accounts, wanted, expectAccount } = context;
  const caller = await accounts.caller();
  if (expectAccount !== undefined && caller.account !== expectAccount) {
    throw accessFailure(
      'wrong-account',
      `the credentials are of account \`${caller.account}\`, not \`${expectAccount}\``,
      {
        hint: 'choose another `AWS_PROFILE`, or expect this account',
      },
    );
  }
  if (caller.partition !== wanted.partition) {
    throw accessFailure(
      'wrong-account',
      `the credentials are of partition \`${caller.partition}\`, the definition is for \`${wanted.partition}\``,
      {
        hint: `set \`partition: ${caller.partition}\`, or choose other credentials`,
      },
    );
  }
  if (wanted.organization === undefined) return caller;
  const { id, why } = await organizationOf(accounts);
  if (id === wanted.organization) return caller;
  const found =
    id === undefined
      ? `AWS does not tell the organisation (${why ?? 'none'})`
      : `the credentials are of organisation \`${id}\``;
  throw accessFailure('wrong-organization', `${found}; the definition is for \`${wanted.organization}\``, {
    hint: 'choose credentials of that organisation that may call `organizations:DescribeOrganization`',
  });
}
