// The SCPs and RCPs that bind accounts, as AWS Organizations has them at every level, whoever made them. What it does not
// show is `unread`, never taken for nothing.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
import type { Organizations } from '@aws-sdk/client-organizations';
import type { AwsAccounts } from '../aws/index.ts';
import type { NamedDocument, PolicyJson } from '../policy/index.ts';
import { guardrailKinds, pages } from './observe-organization.ts';

export type GuardrailKind = (typeof guardrailKinds)[number];
export type Levels = readonly (readonly NamedDocument[])[];

/** What binds one account; `why`: nobody could read it. */
export type Bound =
  | {
      readonly scps: Levels;
      readonly rcps: Levels;
      /** Where it lies in the organisation, as `aws:PrincipalOrgPaths` names it: `o-…/r-…/ou-…/`. */
      readonly path?: string | undefined;
      readonly why?: undefined;
    }
  | { readonly why: string };

export interface LiveGuardrails {
  /** Id of the organisation, where AWS tells it. */
  readonly organization?: string | undefined;
  readonly byAccount: ReadonlyMap<string, Bound>;
}

const nothing = { scps: [], rcps: [] } as const satisfies Bound;

/** AWS's own policies, which say the same for ever: reading them would take a call each. */
const ofAws: Readonly<Record<string, PolicyJson>> = {
  'p-FullAWSAccess': { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } },
  'p-RCPFullAWSAccess': {
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' },
  },
};

/** Beyond so many accounts, asking what each policy is attached to takes fewer calls than asking account by account. */
const manyAccounts = 12;

/** Why AWS did not show something. @throws the error itself where the run was broken off. */
function whyOf(error: unknown): string {
  const name = error instanceof Error ? error.name : String(error);
  if (name === 'AbortError') throw error;
  return name;
}
const isNotInUse = (error: unknown): boolean =>
  error instanceof Error && error.name.startsWith('AWSOrganizationsNotInUse');

interface Node {
  readonly id: string;
  /** `root`, `ou/Workloads/Dev`, `account/222222222222`. */
  readonly place: string;
}

const unitPlace = (above: string, name: string): string => (above === 'root' ? `ou/${name}` : `${above}/${name}`);

interface Listed {
  readonly id: string;
  readonly name: string;
}

/** One organisation, each of its facts asked for once. */
class OrganizationReader {
  readonly #client: Organizations;
  readonly #kinds: readonly GuardrailKind[];
  readonly #root: string;
  readonly #organization: string;
  readonly #lines = new Map<string, Promise<readonly Node[]>>();
  readonly #attached = new Map<string, Promise<readonly Listed[]>>();
  readonly #documents = new Map<string, Promise<PolicyJson | undefined>>();
  /** Set when all attachments were asked for at once: what is not among them has none. */
  #isWhole = false;

  constructor(client: Organizations, organization: string, { root, kinds }: Omit<Opened, 'client'>) {
    this.#client = client;
    this.#organization = organization;
    this.#root = root;
    this.#kinds = kinds;
    this.#lines.set(root, Promise.resolve([{ id: root, place: 'root' }]));
  }

  /** The levels above an account and its own, of these kinds. @throws what AWS refuses. */
  async boundOf(account: string, kinds: readonly GuardrailKind[]): Promise<Bound> {
    const line = await this.#lineOf(account);
    const asked = kinds.filter((kind) => this.#kinds.includes(kind));
    const [scps, rcps] = await Promise.all(guardrailKinds.map((kind) => this.#levels(kind, asked, line)));
    return { scps: scps!, rcps: rcps!, path: this.#pathOf(line) };
  }

  /** Of the management account, which nothing binds. @throws what AWS refuses. */
  async unboundOf(account: string): Promise<Bound> {
    return { ...nothing, path: this.#pathOf(await this.#lineOf(account)) };
  }

  #pathOf(line: readonly Node[]): string {
    return [this.#organization, ...line.slice(0, -1).map(({ id }) => id), ''].join('/');
  }

  /** The whole tree and all attachments, in a few calls for each unit and policy. @throws what AWS refuses. */
  async readWhole(): Promise<void> {
    await Promise.all([
      this.#readUnder([{ id: this.#root, place: 'root' }]),
      ...this.#kinds.map((kind) => this.#readAttachments(kind)),
    ]);
    this.#isWhole = true;
  }

  async #readUnder(line: readonly Node[]): Promise<void> {
    const { id: ParentId, place } = line.at(-1)!;
    const [units, accounts] = await Promise.all([
      pages((token) => this.#client.listOrganizationalUnitsForParent({ ParentId, ...token })),
      pages((token) => this.#client.listAccountsForParent({ ParentId, ...token })),
    ]);
    for (const { Id = '' } of accounts.flatMap(({ Accounts }) => Accounts ?? [])) {
      this.#lines.set(Id, Promise.resolve([...line, { id: Id, place: `account/${Id}` }]));
    }
    const under = units.flatMap(({ OrganizationalUnits }) => OrganizationalUnits ?? []);
    await Promise.all(
      under.map(({ Id = '', Name = Id }) => this.#readUnder([...line, { id: Id, place: unitPlace(place, Name) }])),
    );
  }

  async #readAttachments(kind: GuardrailKind): Promise<void> {
    const listed = await pages((token) => this.#client.listPolicies({ Filter: kind, ...token }));
    const found = new Map<string, Listed[]>();
    await Promise.all(
      listed
        .flatMap(({ Policies }) => Policies ?? [])
        .map(async ({ Id = '', Name = Id }) => {
          const targets = await pages((token) => this.#client.listTargetsForPolicy({ PolicyId: Id, ...token }));
          for (const { TargetId = '' } of targets.flatMap(({ Targets }) => Targets ?? [])) {
            found.set(TargetId, [...(found.get(TargetId) ?? []), { id: Id, name: Name }]);
          }
        }),
    );
    for (const [target, policies] of found) this.#attached.set(`${kind} ${target}`, Promise.resolve(policies));
  }

  /** From the root down to a node, that node included. */
  #lineOf(node: string): Promise<readonly Node[]> {
    const known = this.#lines.get(node) ?? this.#readLine(node);
    this.#lines.set(node, known);
    return known;
  }

  async #readLine(ChildId: string): Promise<readonly Node[]> {
    const { Parents } = await this.#client.listParents({ ChildId });
    const above = await this.#lineOf(Parents?.[0]?.Id ?? '');
    if (!ChildId.startsWith('ou-')) return [...above, { id: ChildId, place: `account/${ChildId}` }];
    // Only for people: its id will do.
    const name = await this.#client
      .describeOrganizationalUnit({ OrganizationalUnitId: ChildId })
      .then((it) => it.OrganizationalUnit?.Name ?? ChildId)
      .catch(() => ChildId);
    return [...above, { id: ChildId, place: unitPlace(above.at(-1)!.place, name) }];
  }

  #levels(kind: GuardrailKind, asked: readonly GuardrailKind[], line: readonly Node[]): Promise<Levels> {
    // A kind that is switched off binds nobody, whatever is attached.
    if (!asked.includes(kind)) return Promise.resolve([]);
    return Promise.all(
      line.map(async ({ id, place }) => {
        const attached = await this.#attachedTo(kind, id);
        return Promise.all(attached.map((policy) => this.#named(policy, place)));
      }),
    );
  }

  #attachedTo(kind: GuardrailKind, target: string): Promise<readonly Listed[]> {
    const key = `${kind} ${target}`;
    const known = this.#attached.get(key) ?? (this.#isWhole ? Promise.resolve([]) : this.#listAttached(kind, target));
    this.#attached.set(key, known);
    return known;
  }

  async #listAttached(Filter: GuardrailKind, TargetId: string): Promise<readonly Listed[]> {
    const listed = await pages((token) => this.#client.listPoliciesForTarget({ TargetId, Filter, ...token }));
    return listed.flatMap(({ Policies }) => Policies ?? []).map(({ Id: id = '', Name: name = id }) => ({ id, name }));
  }

  async #named({ id, name }: Listed, attachedTo: string): Promise<NamedDocument> {
    const read = this.#documents.get(id) ?? this.#readDocument(id);
    this.#documents.set(id, read);
    const document = await read;
    return document === undefined ? { name, attachedTo, unknown: true } : { name, attachedTo, document };
  }

  async #readDocument(PolicyId: string): Promise<PolicyJson | undefined> {
    if (Object.hasOwn(ofAws, PolicyId)) return ofAws[PolicyId];
    const { Policy } = await this.#client.describePolicy({ PolicyId });
    try {
      return JSON.parse(Policy?.Content ?? '') as PolicyJson;
    } catch {
      // A document that nobody can read is unknown.
      return undefined;
    }
  }
}

interface Opened {
  readonly client: Organizations;
  readonly root: string;
  readonly kinds: readonly GuardrailKind[];
}

async function rootOf(client: Organizations): Promise<Opened> {
  const { Roots } = await client.listRoots({});
  const [{ Id: root = '', PolicyTypes = [] } = {}] = Roots ?? [];
  const enabled = new Set(PolicyTypes.filter(({ Status }) => Status === 'ENABLED').map(({ Type }) => Type));
  return { client, root, kinds: guardrailKinds.filter((kind) => enabled.has(kind)) };
}

/** The organisation as the caller may read it; where it may not, as the management account does, if that can be entered. */
async function open(accounts: AwsAccounts, management: string | undefined): Promise<Opened> {
  try {
    return await rootOf(await accounts.organizations());
  } catch (error) {
    const { account } = await accounts.caller();
    if (management === undefined || management === account) throw error;
    return rootOf(await accounts.organizations(management)).catch(() => {
      throw error;
    });
  }
}

/** Whether an account that is not the caller's is in no organisation, as the caller's is in none. */
async function boundAlone(accounts: AwsAccounts, id: string): Promise<Bound> {
  if (id === (await accounts.caller()).account) return nothing;
  try {
    await (await accounts.organizations(id)).describeOrganization({});
    return { why: 'it is of an organisation that the caller is not of' };
  } catch (error) {
    return isNotInUse(error) ? nothing : { why: whyOf(error) };
  }
}

async function each(ids: readonly string[], bound: (id: string) => Promise<Bound>): Promise<Map<string, Bound>> {
  const read = ids.map(async (id) => [id, await bound(id).catch((error: unknown) => ({ why: whyOf(error) }))] as const);
  return new Map(await Promise.all(read));
}

/**
 * What binds accounts: of which kinds it is asked, by id. `known`: accounts that may be entered, of which one may be the
 * management account. Never fails: what AWS does not show is told account by account.
 */
export async function readGuardrails(
  accounts: AwsAccounts,
  wanted: ReadonlyMap<string, readonly GuardrailKind[]>,
  known: ReadonlySet<string>,
  many = manyAccounts,
): Promise<LiveGuardrails> {
  const ids = [...wanted.keys()];
  let organization: string | undefined;
  try {
    const { Organization } = await (await accounts.organizations()).describeOrganization({});
    organization = Organization?.Id;
    const master = Organization?.MasterAccountId;
    const { client, ...opened } = await open(accounts, known.has(master ?? '') ? master : undefined);
    const reader = new OrganizationReader(client, organization ?? '', opened);
    if (ids.length > many) await reader.readWhole();
    // Neither kind binds the management account.
    const byAccount = await each(ids, (id) =>
      id === master ? reader.unboundOf(id) : reader.boundOf(id, wanted.get(id)!),
    );
    return { organization, byAccount };
  } catch (error) {
    if (isNotInUse(error)) return { byAccount: await each(ids, (id) => boundAlone(accounts, id)) };
    const why = whyOf(error);
    return { organization, byAccount: new Map(ids.map((id) => [id, { why }])) };
  }
}
