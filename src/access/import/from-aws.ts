// From live accounts to what an import starts from. Reads only; an account that cannot be read is told of, and the
// others go on.
import { isFailure } from '../../base/index.ts';
import type { Account, AwsAccounts } from '../../aws/index.ts';
import { accessFailure } from '../failures.ts';
import type { Finding } from '../findings.ts';
import { observeAccount } from '../observe.ts';
import { accountsAtOnce, forEachLimited } from '../parallel.ts';
import type { SeenAccount, SeenResource } from '../resources.ts';
import type { Found, FoundAccount } from './found.ts';
import type { AccountLabel } from './from-terraform.ts';
import { accountName, guessStage } from './selectors.ts';

export interface FoundInAws {
  readonly found: Found;
  readonly findings: readonly Finding[];
}

interface Member {
  readonly id: string;
  readonly name: string;
  readonly stage: string;
}

interface Organization {
  readonly id?: string | undefined;
  readonly management?: string | undefined;
  readonly members: readonly { readonly id: string; readonly name: string }[];
}

/** The organisation as the caller sees it: nothing where there is none, or the caller may not ask. */
async function readOrganization(accounts: AwsAccounts): Promise<Organization> {
  try {
    const client = await accounts.organizations();
    const { Organization: it } = await client.describeOrganization({});
    const members: { id: string; name: string }[] = [];
    let token: string | undefined;
    do {
      const page = await client.listAccounts(token === undefined ? {} : { NextToken: token });
      for (const { Id, Name, Status } of page.Accounts ?? []) {
        if (Id !== undefined && Status !== 'SUSPENDED') members.push({ id: Id, name: Name ?? `account-${Id}` });
      }
      token = page.NextToken;
    } while (token !== undefined);
    return { id: it?.Id, management: it?.MasterAccountId, members };
  } catch (error) {
    // Whoever may not ask sees one account, which is no failure of an import.
    if (error instanceof Error && /AccessDenied|AWSOrganizationsNotInUse|UnknownEndpoint/.test(error.name))
      return { members: [] };
    throw error;
  }
}

/** The accounts to read: those asked for by id or name, else all. @throws Failure `account-unknown`. */
function chosenMembers(known: readonly { id: string; name: string }[], labels: readonly AccountLabel[]): Member[] {
  const taken = new Set<string>();
  const member = (id: string, name: string, stage: string | undefined): Member => {
    const spelt = accountName(name, taken);
    taken.add(spelt);
    return { id, name: spelt, stage: stage ?? guessStage(spelt) };
  };
  if (labels.length === 0) return known.map(({ id, name }) => member(id, name, undefined));
  return labels.map((label) => {
    const match = known.find(({ id, name }) => id === label.id || name === label.id);
    if (match !== undefined) return member(match.id, label.name ?? match.name, label.stage);
    if (/^\d{12}$/.test(label.id)) return member(label.id, label.name ?? `account-${label.id}`, label.stage);
    throw accessFailure('account-unknown', `the organisation has no account \`${label.id}\``, {
      hint: `it has ${known.map(({ name }) => name).join(', ')}`,
    });
  });
}

async function hasPassword(iam: Account['iam'], user: string): Promise<boolean> {
  return iam.getLoginProfile({ UserName: user }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && error.name.startsWith('NoSuchEntity')) return false;
      throw error;
    },
  );
}

type Seen = SeenAccount & { readonly logins: ReadonlySet<string> };

async function readMember(accounts: AwsAccounts, member: Member): Promise<Seen | Finding> {
  try {
    const account = await accounts.account(member.id);
    const seen = await observeAccount(account, {
      ...member,
      resources: [],
      console: [],
      look: ['password-policy', 'providers'],
    });
    const users = seen.resources.filter(({ kind }) => kind === 'user').map(({ name }) => name);
    const having = await Promise.all(users.map((user) => hasPassword(account.iam, user)));
    return { ...seen, logins: new Set(users.filter((_, index) => having[index])) };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return {
      severity: 'warning',
      code: 'account-unreadable',
      account: member.name,
      message: `was not read, so nothing of it was taken over: ${error.message}`,
      hint: error.hint,
    };
  }
}

const isSeen = (it: Seen | Finding): it is Seen => 'resources' in it;

const isPeople = ({ kind }: SeenResource): boolean => kind === 'user' || kind === 'group';

/** Where people live: the management account when it has any, else the account with most of them. */
function centralName(seen: readonly Seen[], management: string | undefined): string | undefined {
  const counted = seen
    .map((account) => ({ account, people: account.resources.filter(isPeople).length }))
    .filter(({ people }) => people > 0)
    .sort((a, b) => b.people - a.people);
  const managed = counted.find(({ account }) => account.id === management);
  return (managed ?? counted[0])?.account.name ?? seen.find(({ id }) => id === management)?.name ?? seen[0]?.name;
}

/**
 * Reads the accounts that the caller can enter.
 * @throws Failure `account-unknown`, `account-unreadable` when none can be read, `no-aws-credentials`.
 */
export async function foundInAws(
  accounts: AwsAccounts,
  name: string,
  labels: readonly AccountLabel[],
): Promise<FoundInAws> {
  const caller = await accounts.caller();
  const organization = await readOrganization(accounts);
  const known =
    organization.members.length > 0
      ? organization.members
      : [{ id: caller.account, name: `account-${caller.account}` }];
  const members = chosenMembers(known, labels);
  const read = await forEachLimited(members, accountsAtOnce, (member) => readMember(accounts, member));
  const seen = read.filter(isSeen);
  const findings = read.filter((it): it is Finding => !isSeen(it));
  if (seen.length === 0) {
    throw accessFailure('account-unreadable', findings[0]?.message ?? 'there is no account to read', {
      hint: findings[0]?.hint ?? 'name one with `--account`',
    });
  }
  const central = centralName(seen, organization.management);
  return {
    found: {
      name,
      partition: caller.partition,
      ...(organization.id === undefined ? {} : { organization: organization.id }),
      ...(central === undefined ? {} : { central }),
      accounts: seen.map((account): FoundAccount => ({ ...account, partly: new Map() })),
      variables: {},
      addresses: new Map(),
    },
    findings,
  };
}
