// The organisation around the accounts of an import: its members, where they lie, and its guard rails. Whoever may not
// ask for a part of it goes on without, and is told.
import type { Organizations } from '@aws-sdk/client-organizations';
import type { AwsAccounts } from '../../aws/index.ts';
import type { Finding } from '../findings.ts';
import { guardrailKinds, pages, readOrganizationPolicy } from '../observe-organization.ts';
import type { SeenOrganization, SeenResource } from '../resources.ts';

export interface Member {
  readonly id: string;
  readonly name: string;
  /** Path of its unit, `Workloads/Prod`; absent at the root, and where it may not be asked for. */
  readonly ou?: string | undefined;
}

export interface FoundOrganization {
  readonly id?: string | undefined;
  readonly management?: string | undefined;
  readonly members: readonly Member[];
  /** Every unit by its path; absent where the units may not be listed. */
  readonly seen?: SeenOrganization | undefined;
  readonly guardrails: readonly SeenResource[];
  readonly findings: readonly Finding[];
}

const refusal = (error: unknown, names: RegExp): string | undefined =>
  error instanceof Error && names.test(error.name) ? error.name : undefined;

const unasked = /AccessDenied|AWSOrganizationsNotInUse|UnknownEndpoint/;
/** Kinds of policies that an organisation, or an AWS of one's own, may not know. */
const unheard = /AccessDenied|PolicyTypeNotAvailable|InvalidInput|Validation|NotImplemented/;

interface Tree {
  readonly units: Record<string, string>;
  /** Path of the unit by id of the account. */
  readonly places: Map<string, string>;
}

/** Walks the units from the root down. Two calls a unit. */
async function readTree(client: Organizations, parent: string, path: string, tree: Tree): Promise<void> {
  const [units, accounts] = await Promise.all([
    pages((token) => client.listOrganizationalUnitsForParent({ ParentId: parent, ...token })),
    path === '' ? [] : pages((token) => client.listAccountsForParent({ ParentId: parent, ...token })),
  ]);
  for (const { Id } of accounts.flatMap(({ Accounts }) => Accounts ?? [])) {
    if (Id !== undefined) tree.places.set(Id, path);
  }
  for (const { Id, Name } of units.flatMap(({ OrganizationalUnits }) => OrganizationalUnits ?? [])) {
    if (Id === undefined || Name === undefined) continue;
    const own = path === '' ? Name : `${path}/${Name}`;
    tree.units[own] = Id;
    await readTree(client, Id, own, tree);
  }
}

/** Policies of one kind but those of AWS itself. */
async function readKind(
  client: Organizations,
  kind: (typeof guardrailKinds)[number],
  seen: SeenOrganization,
): Promise<SeenResource[]> {
  const listed = await pages((token) => client.listPolicies({ Filter: kind, ...token }));
  const own = listed.flatMap(({ Policies }) => Policies ?? []).filter(({ AwsManaged }) => AwsManaged !== true);
  return Promise.all(own.map(({ Id = '' }) => readOrganizationPolicy(client, Id, seen)));
}

const unread = (what: string, why: string): Finding => ({
  severity: 'warning',
  code: 'guardrails-unread',
  message: `${what} could not be read (${why}), so none was taken over`,
  hint: 'run it with the management account, or `organizations:Describe*` and `organizations:List*` there',
});

async function readGuardrails(
  client: Organizations,
  seen: SeenOrganization,
): Promise<{ guardrails: SeenResource[]; findings: Finding[] }> {
  const guardrails: SeenResource[] = [];
  const findings: Finding[] = [];
  for (const kind of guardrailKinds) {
    try {
      guardrails.push(...(await readKind(client, kind, seen)));
    } catch (error) {
      const why = refusal(error, unheard);
      if (why === undefined) throw error;
      const what = kind === 'SERVICE_CONTROL_POLICY' ? 'service control policies' : 'resource control policies';
      findings.push(unread(what, why));
    }
  }
  return { guardrails, findings };
}

type Structure = Pick<FoundOrganization, 'seen' | 'guardrails' | 'findings'> & { readonly places: Tree['places'] };

async function readStructure(client: Organizations, management: string): Promise<Structure> {
  const tree: Tree = { units: {}, places: new Map() };
  try {
    const root = (await client.listRoots({})).Roots?.[0];
    await readTree(client, root?.Id ?? '', '', tree);
    const policyTypes = (root?.PolicyTypes ?? []).filter(({ Status }) => Status === 'ENABLED');
    const seen: SeenOrganization = {
      management,
      root: root?.Id ?? '',
      units: tree.units,
      policyTypes: policyTypes.map(({ Type = '' }) => Type),
    };
    return { seen, places: tree.places, ...(await readGuardrails(client, seen)) };
  } catch (error) {
    const why = refusal(error, unheard);
    if (why === undefined) throw error;
    return { places: tree.places, guardrails: [], findings: [unread('units and guard rails', why)] };
  }
}

/** The organisation as the caller sees it: nothing where there is none, or the caller may not ask. */
export async function readOrganization(accounts: AwsAccounts): Promise<FoundOrganization> {
  try {
    const client = await accounts.organizations();
    const { Organization: it } = await client.describeOrganization({});
    const listed = await pages((token) => client.listAccounts(token));
    const management = it?.MasterAccountId;
    const { places, ...structure } = await readStructure(client, management ?? '');
    const members = listed
      .flatMap(({ Accounts }) => Accounts ?? [])
      .flatMap(({ Id, Name, Status }): Member[] => {
        if (Id === undefined || Status === 'SUSPENDED') return [];
        const ou = places.get(Id);
        return [{ id: Id, name: Name ?? `account-${Id}`, ...(ou === undefined ? {} : { ou }) }];
      });
    return { id: it?.Id, management, members, ...structure };
  } catch (error) {
    // Whoever may not ask sees one account, which is no failure of an import.
    if (refusal(error, unasked) !== undefined) return { members: [], guardrails: [], findings: [] };
    throw error;
  }
}
