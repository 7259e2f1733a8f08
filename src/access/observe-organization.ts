// The guard rails of an organisation, and the ids that making them needs. Asked once, for the management account.
import type { Organizations } from '@aws-sdk/client-organizations';
import { parseDocument } from './documents.ts';
import { definitionTag, tagsOf } from './ownership.ts';
import type {
  OrganizationPolicyResource,
  SeenAccount,
  SeenOrganization,
  SeenResource,
  WantedAccount,
} from './resources.ts';

/** The kinds of policies that are guard rails. */
export const guardrailKinds = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY'] as const;

interface Page {
  readonly NextToken?: string | undefined;
}

/** All pages of a list. */
export async function pages<Answer extends Page>(
  read: (token: { NextToken?: string }) => Promise<Answer>,
): Promise<Answer[]> {
  const all: Answer[] = [];
  let token: string | undefined;
  do {
    const page = await read(token === undefined ? {} : { NextToken: token });
    all.push(page);
    token = page.NextToken;
  } while (token !== undefined);
  return all;
}

/** Ids of the units that guard rails name, by path from the root; those that do not exist are left out. */
async function readUnits(
  client: Organizations,
  root: string,
  paths: readonly string[],
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const children = new Map<string, Promise<Map<string, string>>>();
  const childrenOf = (parent: string): Promise<Map<string, string>> => {
    const known = children.get(parent);
    if (known !== undefined) return known;
    const listed = pages((token) => client.listOrganizationalUnitsForParent({ ParentId: parent, ...token })).then(
      (all) =>
        new Map(all.flatMap((page) => page.OrganizationalUnits ?? []).map(({ Name = '', Id = '' }) => [Name, Id])),
    );
    children.set(parent, listed);
    return listed;
  };
  for (const path of paths) {
    let id: string | undefined = root;
    for (const part of path.split('/')) id = id === undefined ? undefined : (await childrenOf(id)).get(part);
    if (id !== undefined) found[path] = id;
  }
  return found;
}

/** One organisation policy, its targets by the paths of the units that `organization` knows. */
export async function readOrganizationPolicy(
  client: Organizations,
  PolicyId: string,
  organization: SeenOrganization,
): Promise<SeenResource> {
  const [{ Policy }, attached, tagged] = await Promise.all([
    client.describePolicy({ PolicyId }),
    pages((token) => client.listTargetsForPolicy({ PolicyId, ...token })),
    pages((token) => client.listTagsForResource({ ResourceId: PolicyId, ...token })),
  ]);
  const paths = new Map(Object.entries(organization.units).map(([path, id]) => [id, `ou/${path}`]));
  const targets = attached
    .flatMap((page) => page.Targets ?? [])
    .map(({ TargetId = '' }) => (TargetId === organization.root ? 'root' : (paths.get(TargetId) ?? TargetId)));
  return {
    kind: 'organization-policy',
    name: Policy?.PolicySummary?.Name ?? '',
    type: Policy?.PolicySummary?.Type as OrganizationPolicyResource['type'],
    document: parseDocument(encodeURIComponent(Policy?.Content ?? '{}')),
    description: Policy?.PolicySummary?.Description ?? '',
    targets: targets.sort(),
    tags: tagsOf(tagged.flatMap((page) => page.Tags ?? [])),
    arn: Policy?.PolicySummary?.Arn,
    policyId: PolicyId,
  };
}

/** Whether a policy whose name tells nothing is ours by its mark: a guard rail may have a name of its own. */
async function isMarked(client: Organizations, ResourceId: string, definition: string): Promise<boolean> {
  try {
    const tagged = await pages((token) => client.listTagsForResource({ ResourceId, ...token }));
    return tagsOf(tagged.flatMap((page) => page.Tags ?? []))[definitionTag] === definition;
  } catch (error) {
    // Whoever may see only what Stint names sees no other: as before, it is nobody's.
    if (error instanceof Error && error.name.startsWith('AccessDenied')) return false;
    throw error;
  }
}

/** Ids of the policies that are wanted, are called as ours are, or are marked as ours. */
async function candidates(client: Organizations, wanted: WantedAccount, definition: string): Promise<string[]> {
  const names = new Set(
    wanted.resources.flatMap((it) =>
      it.kind === 'organization-policy' ? [it.name, ...(it.was === undefined ? [] : [it.was])] : [],
    ),
  );
  const listed = await Promise.all(
    guardrailKinds.map((Filter) => pages((token) => client.listPolicies({ Filter, ...token }))),
  );
  const policies = listed.flat().flatMap((page) => page.Policies ?? []);
  const found = policies.map(async ({ Id = '', Name = '', AwsManaged }) => {
    if (names.has(Name) || Name.startsWith(`stint-${definition}-`)) return [Id];
    return AwsManaged !== true && (await isMarked(client, Id, definition)) ? [Id] : [];
  });
  return (await Promise.all(found)).flat();
}

/** The organisation as far as guard rails need it; nothing where none is wanted and none is left of ours. */
export async function readOrganization(
  client: Organizations,
  wanted: WantedAccount,
  definition: string,
): Promise<Pick<SeenAccount, 'organization' | 'resources'> | undefined> {
  const ids = await candidates(client, wanted, definition);
  const policies = wanted.resources.filter((it) => it.kind === 'organization-policy');
  if (ids.length === 0 && policies.length === 0) return undefined;
  const [{ Organization }, roots] = await Promise.all([client.describeOrganization({}), client.listRoots({})]);
  const root = roots.Roots?.[0];
  const paths = policies
    .flatMap(({ targets }) => targets)
    .filter((target) => target.startsWith('ou/'))
    .map((target) => target.slice(3));
  const organization: SeenOrganization = {
    management: Organization?.MasterAccountId ?? '',
    root: root?.Id ?? '',
    units: await readUnits(client, root?.Id ?? '', [...new Set(paths)]),
    policyTypes: (root?.PolicyTypes ?? []).filter(({ Status }) => Status === 'ENABLED').map(({ Type = '' }) => Type),
  };
  return {
    organization,
    resources: await Promise.all(ids.map((id) => readOrganizationPolicy(client, id, organization))),
  };
}
