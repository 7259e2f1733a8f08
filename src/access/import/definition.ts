// A definition made of what was found. It is compiled and planned against the very same accounts before it is given
// away: what would not come to an empty plan is only observed, and told why.
import { isFailure, type Failure } from '../../base/index.ts';
import { compileDefinition, type Wanted } from '../compile.ts';
import { canonicalDocument } from '../documents.ts';
import type { Finding } from '../findings.ts';
import { definitionSchema, type Definition, type RoleEntry } from '../model.ts';
import { ownedPath } from '../ownership.ts';
import { managedElsewhere } from '../adoption.ts';
import { planChanges } from '../plan.ts';
import type { RoleResource, SeenAccount, SeenResource, Statement } from '../resources.ts';
import { compileTrust } from '../trust.ts';
import { asFound, type Found, type FoundAccount, type Imported, type Note } from './found.ts';
import { groupEntry, passwordPolicy, personEntry } from './people.ts';
import { ownPolicies, type OwnPolicies } from './policies.ts';
import { providerKey, rawTrust, trustProposals, type TrustDraft } from './trust.ts';
import { reservedWhy } from './reserved.ts';
import { draftRole, groupRoles, roleEntry, type RoleGroup } from './roles.ts';
import { selectorFor } from './selectors.ts';

type Entry = Readonly<Record<string, unknown>>;

const isKey = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(name);

/** Defaults that put something into what is compiled: each is left on where that costs nothing. */
const weighty = ['organizationFence', 'mfaMaxAge', 'sourceIdentity', 'imdsv2'] as const;

type Defaults = Readonly<Record<string, unknown>>;

/** Accounts, organisation and people: what trust refers to. */
function skeleton(found: Found, defaults: Defaults): Entry {
  const idVariables = new Map(Object.entries(found.variables).map(([name, id]) => [id, name]));
  const used = found.accounts.flatMap(({ id }) => idVariables.get(id) ?? []);
  return {
    version: 1,
    name: found.name,
    ...(found.organization === undefined ? {} : { organization: found.organization }),
    ...(found.partition === 'aws' ? {} : { partition: found.partition }),
    ...(used.length === 0
      ? {}
      : { variables: Object.fromEntries(used.map((name) => [name, { default: found.variables[name] }])) }),
    accounts: Object.fromEntries(
      found.accounts.map(({ id, name, stage, ou }) => [
        name,
        {
          id: idVariables.has(id) ? `\${var.${idVariables.get(id)}}` : id,
          stage,
          ...(name === found.central ? { central: true } : {}),
          ...(ou === undefined ? {} : { ou }),
        },
      ]),
    ),
    stages: [...new Set(found.accounts.map(({ stage }) => stage))].sort((a, b) => stageRank(a) - stageRank(b)),
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
  };
}

const stageRank = (stage: string): number => ['central', 'other', 'dev', 'test', 'staging', 'prod'].indexOf(stage);

/** The definition as `load` would have it: variables put in. */
function parsed(found: Found, definition: Entry): Definition | undefined {
  const text = JSON.stringify(definition).replaceAll(
    /\$\{var\.(\w+)\}/g,
    (whole, name: string) => found.variables[name] ?? whole,
  );
  return definitionSchema.safeParse(JSON.parse(text)).data;
}

/** The account as far as a definition speaks of it, and what was left out. */
function withoutReserved(found: Found): { found: Found; left: Map<string, number> } {
  const left = new Map<string, number>();
  const accounts = found.accounts.map((account) => {
    const kept: SeenResource[] = [];
    for (const resource of account.resources) {
      const why = reservedWhy(resource);
      if (why === undefined) kept.push(resource);
      else left.set(why, (left.get(why) ?? 0) + 1);
    }
    const roles = new Set(kept.filter(({ kind }) => kind === 'role').map(({ name }) => name));
    const resources = kept.filter(
      (it) => it.kind !== 'instance-profile' || (it.role !== undefined && roles.has(it.role)),
    );
    return { ...account, resources };
  });
  return { found: { ...found, accounts }, left };
}

const isRole = (it: SeenResource): it is Extract<SeenResource, { kind: 'role' }> => it.kind === 'role';

/** Two of one name in an account cannot both be there: the first is taken. */
function distinctRoles(account: FoundAccount, findings: Finding[]): RoleResource[] {
  const seen = new Map<string, RoleResource>();
  for (const role of account.resources.filter(isRole)) {
    const key = role.name.toLowerCase();
    if (!seen.has(key)) seen.set(key, role);
    else {
      findings.push({
        severity: 'error',
        code: 'duplicate-name',
        account: account.name,
        resource: `role/${role.name}`,
        message: `two are named \`${role.name}\` in one account: the second role cannot be created, and was not taken over`,
        hint: 'give one of them another name',
      });
    }
  }
  return [...seen.values()];
}

/** Compiles proposals for trust statements; answers the first that comes to the same. */
class TrustReader {
  readonly #found: Found;
  readonly #definition: Definition | undefined;
  readonly #known = new Map<string, TrustDraft>();
  /** How many statements no entry says. */
  raw = 0;

  constructor(found: Found, frame: Entry) {
    this.#found = found;
    const names = found.accounts.flatMap(({ resources }) => resources.filter(isRole));
    const stub = (role: RoleResource): Entry => ({
      in: found.accounts.map(({ name }) => name),
      trust: [{ service: 'ec2.amazonaws.com' }],
      path: role.path,
    });
    const roles = Object.fromEntries(names.filter(({ name }) => isKey(name)).map((role) => [role.name, stub(role)]));
    this.#definition = parsed(found, { ...frame, roles });
  }

  read(account: FoundAccount, statement: Statement): TrustDraft {
    const document = { Version: '2012-10-17', Statement: [statement] } as const;
    const wanted = canonicalDocument(document);
    const key = `${account.name} ${wanted}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const context = { found: this.#found, accountId: account.id };
    const draft =
      trustProposals(context, statement).find((it) => this.#compiles(account, it) === wanted) ?? rawTrust(statement);
    if ('statement' in draft) this.raw++;
    this.#known.set(key, draft);
    return draft;
  }

  #compiles(account: FoundAccount, draft: TrustDraft): string | undefined {
    const definition = this.#definition;
    if (definition === undefined) return undefined;
    try {
      const role = { in: [account.name], trust: [draft] } as unknown as RoleEntry;
      const scope = { definition, partition: this.#found.partition, account: account.name, accountId: account.id };
      return canonicalDocument(compileTrust(scope, role).document);
    } catch (error) {
      // A proposal may name what the definition does not hold; it is then no proposal. Coded refusals are such, too.
      if (isFailure(error) || error instanceof TypeError) return undefined;
      throw error;
    }
  }
}

interface Frame {
  readonly definition: Entry;
  readonly own: OwnPolicies;
  readonly reader: TrustReader;
}

function frameOf(found: Found, defaults: Defaults): Frame {
  const own = ownPolicies(found, isKey, ownedPath(found.name));
  const central = found.accounts.find(({ name }) => name === found.central);
  const of = <Kind extends SeenResource['kind']>(kind: Kind) =>
    (central?.resources ?? []).filter((it): it is Extract<SeenResource, { kind: Kind }> => it.kind === kind);
  const groups = of('group').filter(({ name }) => isKey(name));
  const people = of('user').map((user) => ({
    ...user,
    groups: user.groups.filter((group) => groups.some(({ name }) => name === group)),
  }));
  const password = passwordPolicy(found);
  const definition = {
    ...skeleton(found, defaults),
    ...(password.entry === undefined ? {} : { passwordPolicy: password.entry }),
    ...(Object.keys(own.entries).length === 0 ? {} : { policies: own.entries }),
    ...(groups.length === 0
      ? {}
      : { groups: Object.fromEntries(groups.map((it) => [it.name, groupEntry(found, central!, it, own)])) }),
    ...(people.length === 0
      ? {}
      : { people: Object.fromEntries(people.map((it) => [it.name, personEntry(found, central!, it, own)])) }),
    ...providersOf(found),
  };
  return { definition, own, reader: new TrustReader(found, definition) };
}

type OidcProvider = Extract<SeenResource, { kind: 'oidc-provider' }>;

/** OIDC providers of all accounts by issuer. Those of SAML need their metadata beside the definition: left to people. */
function providersOf(found: Found): { providers?: Entry } {
  const all = found.accounts.flatMap((account) =>
    account.resources
      .filter((it): it is OidcProvider => it.kind === 'oidc-provider')
      .map((provider) => ({ account: account.name, provider })),
  );
  const entries = [...Map.groupBy(all, ({ provider }) => provider.name)].map(([issuer, list]): [string, Entry] => {
    const { clientIds, thumbprints } = list[0]!.provider;
    return [
      providerKey(issuer),
      {
        in: selectorFor(found.accounts, new Set(list.map(({ account }) => account))),
        issuer: `https://${issuer}`,
        ...(clientIds.length === 0 ? {} : { audiences: clientIds }),
        ...(thumbprints.length === 0 ? {} : { thumbprints }),
      },
    ];
  });
  return entries.length === 0 ? {} : { providers: Object.fromEntries(entries) };
}

interface Drafted {
  readonly frame: Frame;
  readonly groups: readonly RoleGroup[];
  readonly findings: readonly Finding[];
}

function draftRoles(found: Found, defaults: Defaults): Drafted {
  const frame = frameOf(found, defaults);
  const findings: Finding[] = [];
  const drafts = found.accounts.flatMap((account) =>
    distinctRoles(account, findings)
      .filter(({ name }) => !account.partly.has(`role/${name}`))
      .map((role) => {
        const trust = role.trust.Statement.map((statement) => frame.reader.read(account, statement));
        return draftRole(found, account, role, trust, frame.own);
      }),
  );
  return { frame, groups: groupRoles(drafts, isKey), findings };
}

/** Defaults are switched off only where they would change more than they describe. */
function chooseDefaults(found: Found): Defaults {
  let defaults: Defaults = {};
  let best = draftRoles(found, defaults).frame.reader.raw;
  for (const name of weighty) {
    if (name === 'imdsv2' || best === 0) continue;
    const tried = { ...defaults, [name]: asFound };
    const { raw } = draftRoles(found, tried).frame.reader;
    if (raw < best) [defaults, best] = [tried, raw];
  }
  return defaults;
}

/** References to roles name the account and the entry: entries of one name in AWS may be several here. */
function withRoleKeys(entry: Entry, groups: readonly RoleGroup[], holders: readonly string[]): Entry {
  const keyOf = (account: string, name: string): string | undefined =>
    groups.find((group) => group.name === name && group.drafts.some((draft) => draft.account.name === account))?.key;
  const trust = (entry['trust'] as readonly TrustDraft[]).map((draft) => {
    if (typeof draft['role'] !== 'string') return draft;
    const [account, name] = draft['role'].includes('/') ? draft['role'].split('/') : [holders[0]!, draft['role']];
    const key = keyOf(account!, name!);
    if (key === undefined) return draft;
    return { ...draft, role: draft['role'].includes('/') ? `${account}/${key}` : key };
  });
  return { ...entry, trust };
}

function assembled(found: Found, { frame, groups }: Drafted): Entry {
  const roles = groups.map((group): [string, Entry] => [
    group.key,
    withRoleKeys(
      roleEntry(found, group),
      groups,
      group.drafts.map(({ account }) => account.name),
    ),
  ]);
  return { ...frame.definition, ...(roles.length === 0 ? {} : { roles: Object.fromEntries(roles) }) };
}

/** The accounts as `observe` shows them. */
const seenAccounts = (found: Found): SeenAccount[] =>
  found.accounts.map(({ id, name, stage, resources, logins }) => ({
    id,
    name,
    stage,
    resources: resources.map((it) => (it.kind === 'user' ? { ...it, loginProfile: logins.has(it.name) } : it)),
  }));

/** Entries of the definition by what they make. */
function entryPath(
  found: Found,
  groups: readonly RoleGroup[],
  account: string,
  resource: string,
): (string | number)[] | undefined {
  const slash = resource.indexOf('/');
  const [kind, name] = [resource.slice(0, slash), resource.slice(slash + 1)];
  if (kind === 'user') return ['people', name];
  if (kind === 'group') return ['groups', name];
  if (kind === 'policy') return ['policies', name];
  if (kind === 'oidc-provider') return ['providers', providerKey(name)];
  const role =
    kind === 'role'
      ? name
      : found.accounts
          .find((it) => it.name === account)
          ?.resources.find((it) => it.kind === 'instance-profile' && it.name === name);
  const roleName = typeof role === 'object' && role.kind === 'instance-profile' ? role.role : role;
  const group = groups.find((it) => it.name === roleName && it.drafts.some((draft) => draft.account.name === account));
  return group === undefined ? undefined : ['roles', group.key];
}

function wantedOf(found: Found, definition: Entry): Wanted | undefined {
  const sound = parsed(found, definition);
  return sound === undefined ? undefined : compileDefinition(sound, 0);
}

/** What would be written, and what is in the way: with these, the plan would not be empty. */
function unequal(found: Found, wanted: Wanted): { account: string; resource: string; message: string }[] {
  const plan = planChanges(wanted, seenAccounts(found));
  const changed = plan.changes
    .filter(({ kind }) => kind !== 'password-policy')
    .map(({ account, kind, name, details }) => ({
      account,
      resource: `${kind}/${name}`,
      message: details.map(({ sign, text }) => `${sign} ${text}`).join('; '),
    }));
  const foreign = plan.findings
    .filter(({ code }) => code === 'foreign-resource' || code === 'misplaced')
    .map(({ account = '', resource = '', message }) => ({ account, resource, message }));
  return [...changed, ...foreign];
}

function withMode(definition: Entry, path: readonly (string | number)[]): Entry {
  const [part, name] = path as [string, string];
  const entries = definition[part] as Record<string, Entry>;
  if (entries[name] === undefined) return definition;
  return { ...definition, [part]: { ...entries, [name]: { ...entries[name], mode: 'observe' } } };
}

/** Marks as observed what another tool manages. */
function elsewhereNotes(found: Found, groups: readonly RoleGroup[]): Note[] {
  return found.accounts.flatMap((account) =>
    account.resources.flatMap((it): Note[] => {
      const mark = 'tags' in it ? managedElsewhere(it.tags) : undefined;
      const path = mark === undefined ? undefined : entryPath(found, groups, account.name, `${it.kind}/${it.name}`);
      return path === undefined ? [] : [{ path, text: `\`${mark}\` says that another tool manages it: only watched` }];
    }),
  );
}

function outsideCentral(found: Found): Finding[] {
  return found.accounts
    .filter(({ name }) => name !== found.central)
    .flatMap((account) =>
      account.resources
        .filter(({ kind }) => kind === 'user' || kind === 'group')
        .map(({ kind, name }): Finding => ({
          severity: 'warning',
          code: 'outside-central',
          account: account.name,
          resource: `${kind}/${name}`,
          message: `is a ${kind} outside the central account: a definition has people and groups there only, so it was not taken over`,
          hint: 'give the person a role in this account, and remove the user',
        })),
    );
}

function partlyFindings(found: Found): Finding[] {
  return found.accounts.flatMap((account) =>
    [...account.partly].map(([resource, why]): Finding => ({
      severity: 'warning',
      code: 'seen-partly',
      account: account.name,
      resource,
      message: `${why}; it was not taken over`,
      hint: 'apply it, and import again, or write it by hand',
    })),
  );
}

function leftFindings(found: Found, { frame }: Drafted): Finding[] {
  const { others } = passwordPolicy(found);
  return [
    ...frame.own.left.map(({ text }): Finding => ({ severity: 'info', code: 'not-taken-over', message: text })),
    ...others.map((account): Finding => ({
      severity: 'warning',
      code: 'not-taken-over',
      account,
      message: 'has another password policy than most accounts; a definition sets one',
      hint: 'add the account to `passwordPolicy.in` to give it the same',
    })),
    ...found.accounts.flatMap((account) =>
      account.resources
        .filter(({ kind }) => kind === 'saml-provider')
        .map(({ name }): Finding => ({
          severity: 'info',
          code: 'not-taken-over',
          account: account.name,
          resource: `saml-provider/${name}`,
          message: 'a SAML provider is trusted by its ARN; its metadata is not taken over',
        })),
    ),
  ];
}

const internal = (): Failure | Error => new Error('what was imported does not fit the schema');

/** Makes a definition of what was found. Nothing is left out without a finding or a count. */
export function importDefinition(all: Found): Imported {
  const { found, left } = withoutReserved(all);
  const defaults = chooseDefaults(found);
  const drafted = draftRoles(found, defaults);
  let definition = assembled(found, drafted);
  let wanted = wantedOf(found, definition);
  if (wanted === undefined) throw internal();
  if (unequal(found, wanted).some(({ message }) => /ec2:RoleDelivery/i.test(message))) {
    definition = { ...definition, defaults: { ...defaults, imdsv2: asFound } };
    wanted = wantedOf(found, definition)!;
  }
  const notes: Note[] = elsewhereNotes(found, drafted.groups);
  for (const { account, resource, message } of unequal(found, wanted)) {
    const path = entryPath(found, drafted.groups, account, resource);
    if (path === undefined) continue;
    notes.push({ path, text: `${account}: a definition cannot say all of it, so it is only watched (${message})` });
  }
  for (const { path } of notes) definition = withMode(definition, path);
  wanted = wantedOf(found, definition) ?? wanted;
  const compiled = wanted.findings.filter(({ code }) => !code.startsWith('default-off-') && code !== 'policy-unused');
  return {
    definition,
    notes,
    findings: [
      ...drafted.findings,
      ...compiled,
      ...outsideCentral(found),
      ...partlyFindings(found),
      ...leftFindings(found, drafted),
    ],
    left: [...left].map(([why, count]) => ({ why, count })),
  };
}
