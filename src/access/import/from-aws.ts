// From live accounts to what an import starts from. Reads only; an account that cannot be read is told of, and the
// others go on.
import { isFailure } from '../../base/index.ts';
import type { Account, AwsAccounts } from '../../aws/index.ts';
import { accessFailure } from '../failures.ts';
import type { Finding } from '../findings.ts';
import { observeAccount } from '../observe.ts';
import { isOwned, tagsOf } from '../ownership.ts';
import { accountsAtOnce, forEachLimited } from '../parallel.ts';
import type { SeenAccount, SeenResource } from '../resources.ts';
import type { Found, FoundAccount } from './found.ts';
import type { AccountLabel } from './from-terraform.ts';
import { readOrganization, type FoundOrganization, type Member } from './organization.ts';
import { carriedArns } from './policies.ts';
import { ownerOf } from './reserved.ts';
import { accountName, guessStage } from './selectors.ts';

export interface FoundInAws {
  readonly found: Found;
  readonly findings: readonly Finding[];
}

interface ChosenMember extends Member {
  readonly stage: string;
}

/** The accounts to read: those asked for by id or name, else all. @throws Failure `account-unknown`. */
function chosenMembers(known: readonly Member[], labels: readonly AccountLabel[]): ChosenMember[] {
  const taken = new Set<string>();
  const member = ({ id, name, ou }: Member, stage?: string): ChosenMember => {
    const spelt = accountName(name, taken);
    taken.add(spelt.toLowerCase());
    return { id, name: spelt, stage: stage ?? guessStage(spelt, ou), ...(ou === undefined ? {} : { ou }) };
  };
  if (labels.length === 0) return known.map((it) => member(it));
  return labels.map((label) => {
    const match = known.find(({ id, name }) => id === label.id || name === label.id);
    if (match !== undefined) return member({ ...match, name: label.name ?? match.name }, label.stage);
    if (/^\d{12}$/.test(label.id)) {
      return member({ id: label.id, name: label.name ?? `account-${label.id}` }, label.stage);
    }
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

type Seen = SeenAccount & { readonly logins: ReadonlySet<string>; readonly ou?: string | undefined };

/** Descriptions and tags of the policies that something carries: no bulk read shows them. One call each. */
async function withPolicyDetails(iam: Account['iam'], resources: readonly SeenResource[]): Promise<SeenResource[]> {
  const carried = carriedArns(resources);
  return Promise.all(
    resources.map(async (it): Promise<SeenResource> => {
      if (it.kind !== 'policy' || !carried.has(it.arn ?? '')) return it;
      const { Policy } = await iam.getPolicy({ PolicyArn: it.arn });
      const description = Policy?.Description ? { description: Policy.Description } : {};
      return { ...it, ...description, tags: tagsOf(Policy?.Tags) };
    }),
  );
}

async function readMember(accounts: AwsAccounts, member: ChosenMember): Promise<Seen | Finding> {
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
    const resources = await withPolicyDetails(account.iam, seen.resources);
    const { ou } = member;
    return {
      ...seen,
      resources,
      logins: new Set(users.filter((_, index) => having[index])),
      ...(ou === undefined ? {} : { ou }),
    };
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

/** Where people live: where those of the definition do, else the management account when it has any, else most of them. */
function centralName(seen: readonly Seen[], management: string | undefined, name: string): string | undefined {
  const counted = seen
    .map((account) => ({ account, people: account.resources.filter(isPeople) }))
    .filter(({ people }) => people.length > 0)
    .sort((a, b) => b.people.length - a.people.length);
  const own = counted.find(({ people }) => people.some((it) => isOwned(it, name)));
  const managed = counted.find(({ account }) => account.id === management);
  return (
    (own ?? managed ?? counted[0])?.account.name ?? seen.find(({ id }) => id === management)?.name ?? seen[0]?.name
  );
}

/** The name that was chosen; else that of the one definition whose things are there. */
function definitionName(seen: readonly Seen[], chosen: string | undefined, findings: Finding[]): string {
  if (chosen !== undefined) return chosen;
  const names = [...new Set(seen.flatMap(({ resources }) => resources.flatMap((it) => ownerOf(it) ?? [])))].sort();
  if (names.length === 1) return names[0]!;
  if (names.length > 1) {
    findings.push({
      severity: 'warning',
      code: 'several-definitions',
      message: `the accounts hold things of the definitions ${names.map((it) => `\`${it}\``).join(', ')}`,
      hint: 'name the one to read back: `--name NAME`',
    });
  }
  return 'default';
}

/** Guard rails are of the management account: without it there is no place for them. */
function withGuardrails(seen: readonly Seen[], organization: FoundOrganization, findings: Finding[]): Seen[] {
  const { guardrails, management } = organization;
  const count = guardrails.length;
  if (count > 0 && !seen.some(({ id }) => id === management)) {
    findings.push({
      severity: 'warning',
      code: 'not-taken-over',
      message: `${count} guard rails of the organisation are made in its management account, which was not read`,
      hint: `import account \`${management}\` as well`,
    });
  }
  return seen.map((account) =>
    account.id === management && count > 0
      ? { ...account, resources: [...account.resources, ...guardrails], organization: organization.seen }
      : account,
  );
}

const toFound = ({ id, name, stage, resources, logins, ou, organization }: Seen): FoundAccount => ({
  id,
  name,
  stage,
  resources,
  logins,
  partly: new Map(),
  ...(ou === undefined ? {} : { ou }),
  ...(organization === undefined ? {} : { organization }),
});

/**
 * Reads the accounts that the caller can enter. Without a `name` it is that of the definition that made what is there.
 * @throws Failure `account-unknown`, `account-unreadable` when none can be read, `no-aws-credentials`.
 */
export async function foundInAws(
  accounts: AwsAccounts,
  name: string | undefined,
  labels: readonly AccountLabel[],
): Promise<FoundInAws> {
  const caller = await accounts.caller();
  const organization = await readOrganization(accounts);
  const alone = [{ id: caller.account, name: `account-${caller.account}` }];
  const members = chosenMembers(organization.members.length > 0 ? organization.members : alone, labels);
  const read = await forEachLimited(members, accountsAtOnce, (member) => readMember(accounts, member));
  const findings = [...organization.findings, ...read.filter((it): it is Finding => !isSeen(it))];
  const seen = withGuardrails(read.filter(isSeen), organization, findings);
  if (seen.length === 0) {
    throw accessFailure('account-unreadable', findings.at(-1)?.message ?? 'there is no account to read', {
      hint: findings.at(-1)?.hint ?? 'name one with `--account`',
    });
  }
  const definition = definitionName(seen, name, findings);
  const central = centralName(seen, organization.management, definition);
  const management = seen.find(({ id }) => id === organization.management)?.name;
  return {
    found: {
      name: definition,
      partition: caller.partition,
      ...(organization.id === undefined ? {} : { organization: organization.id }),
      ...(central === undefined ? {} : { central }),
      ...(management === undefined ? {} : { management }),
      accounts: seen.map(toFound),
      variables: {},
      addresses: new Map(),
    },
    findings,
  };
}
