// A definition made of what was found. It is compiled and planned against the very same accounts before it is given
// away: what would not come to an empty plan is only observed, and told why.
import type { Millis } from '../../base/index.ts';
import { managedElsewhere } from '../adoption.ts';
import { compileDefinition, type Wanted } from '../compile.ts';
import type { Finding } from '../findings.ts';
import { ownedPath } from '../ownership.ts';
import { planChanges } from '../plan.ts';
import type { SeenAccount } from '../resources.ts';
import { foldFindings } from './folding.ts';
import { asFound, isKey, isRole, type Entry, type Found, type Imported, type Note } from './found.ts';
import { frameOf, withPlainVariables, type Defaults } from './frame.ts';
import { groupGrants, type GroupGrants } from './grants.ts';
import { readGuardrails, type Guardrails } from './guardrails.ts';
import { leftFindings, outsideCentral, partlyFindings, withoutReserved } from './left.ts';
import { withoutPending } from './pending.ts';
import { ownPolicies } from './policies.ts';
import { readProviders, withoutPlainPlaces, type Providers } from './providers.ts';
import { readReach } from './reach.ts';
import { draftRole, isImdsSafe, profileOf, type RoleDraft, type RoleScope } from './role-drafts.ts';
import { chooseSession, groupRoles, roleEntry, type RoleGroup, type SessionDefault } from './roles.ts';
import { parsed, soundDefinition } from './sound.ts';
import type { TrustDraft } from './trust.ts';
import { TrustReader } from './trust-reader.ts';

/** Defaults that put something into trust: each is left on where that costs nothing. */
const weighty = ['organizationFence', 'mfaMaxAge', 'sourceIdentity'] as const;

interface Parts {
  readonly scope: RoleScope;
  readonly providers: Providers;
  readonly grants: GroupGrants;
  /** Defaults that are not to be chosen. */
  readonly fixed?: Defaults | undefined;
  /** Those that are chosen whatever roles say. */
  readonly chosen: Defaults;
}

function partsOf(found: Found, now: Millis, chosen: Defaults, fixed: Defaults | undefined): Parts {
  const hosts = found.accounts.flatMap((account) =>
    account.resources.filter(isRole).filter(({ name }) => profileOf(account, name) !== undefined),
  );
  const grants = groupGrants(found);
  const scope: RoleScope = {
    found,
    reach: readReach(found, grants),
    policies: ownPolicies(found, isKey, ownedPath(found.name), now),
    now,
    imdsv2: fixed === undefined ? hosts.every(isImdsSafe) : typeof fixed['imdsv2'] !== 'object',
  };
  return { scope, providers: readProviders(found), grants, fixed, chosen };
}

interface Drafted {
  readonly raw: number;
  readonly drafts: readonly RoleDraft[];
}

function draftRoles({ scope, providers, grants }: Parts, defaults: Defaults): Drafted {
  const { found, now } = scope;
  const frame = frameOf(scope, providers, defaults);
  const reader = new TrustReader({ found, frame, providers, grants, now });
  const drafts = found.accounts.flatMap((account) =>
    account.resources
      .filter(isRole)
      .filter(({ name }) => !account.partly.has(`role/${name}`))
      .map((role) => draftRole(scope, account, role, reader.read(account, role))),
  );
  return { drafts, raw: reader.raw };
}

/** Defaults are switched off only where they would change more than they describe. */
function chooseDefaults(parts: Parts): { readonly defaults: Defaults; readonly drafts: readonly RoleDraft[] } {
  const { fixed, chosen } = parts;
  if (fixed !== undefined) return { defaults: fixed, drafts: draftRoles(parts, fixed).drafts };
  let defaults: Defaults = parts.scope.imdsv2 ? chosen : { ...chosen, imdsv2: asFound };
  let best = draftRoles(parts, defaults);
  for (const name of weighty) {
    if (best.raw === 0) break;
    const tried = { ...defaults, [name]: asFound };
    const drafted = draftRoles(parts, tried);
    if (drafted.raw < best.raw) [defaults, best] = [tried, drafted];
  }
  return { defaults, drafts: best.drafts };
}

const place = (account: string, name: string): string => `${account}/${name}`;

/** Trust in roles by the names of their entries: in the same account by the name alone. */
function withRoleKeys(groups: readonly RoleGroup[]): RoleGroup[] {
  const keys = new Map(
    groups.flatMap(({ key, drafts }) => drafts.map(({ account, name }) => [place(account.name, name), key] as const)),
  );
  const named = (draft: TrustDraft, account: string): TrustDraft => {
    const { role } = draft;
    if (typeof role !== 'string') return draft;
    const holder = role.slice(0, role.indexOf('/'));
    const key = keys.get(role) ?? role.slice(holder.length + 1);
    return { ...draft, role: holder === account ? key : place(holder, key) };
  };
  return groups.map((group) => ({
    ...group,
    drafts: group.drafts.map((draft) => ({
      ...draft,
      trust: draft.trust.map((it) => named(it, draft.account.name)),
    })),
  }));
}

interface Assembled {
  readonly definition: Entry;
  readonly groups: readonly RoleGroup[];
  readonly guardrails: Guardrails;
  readonly findings: readonly Finding[];
}

function assembled(parts: Parts): Assembled {
  const { scope, providers, fixed } = parts;
  const { found, now } = scope;
  const { defaults, drafts } = chooseDefaults(parts);
  const session = fixed === undefined ? chooseSession(drafts) : (fixed['session'] as SessionDefault);
  const groups = withRoleKeys(groupRoles(drafts, isKey));
  const roles = Object.fromEntries(groups.map((group) => [group.key, roleEntry(found, group, session)]));
  const frame = frameOf(scope, providers, session === undefined ? defaults : { session, ...defaults });
  const sound = soundDefinition(found, { ...frame, ...(groups.length === 0 ? {} : { roles }) });
  const definition = parsed(found, sound.definition);
  if (definition === undefined) throw new Error('what was imported does not fit the schema');
  const guardrails = readGuardrails(found, definition, now);
  const { providers: all, ...rest } = sound.definition;
  const whole = {
    ...rest,
    ...(all === undefined ? {} : { providers: withoutPlainPlaces(all as Readonly<Record<string, Entry>>, definition) }),
    ...(Object.keys(guardrails.entries).length === 0 ? {} : { guardrails: guardrails.entries }),
  };
  const again = soundDefinition(found, whole);
  return {
    definition: again.definition,
    groups,
    guardrails,
    findings: [...sound.findings, ...again.findings, ...guardrails.findings],
  };
}

/** The accounts as `observe` shows them. */
const seenAccounts = (found: Found): SeenAccount[] =>
  found.accounts.map(({ id, name, stage, resources, logins, organization }) => ({
    id,
    name,
    stage,
    resources: resources.map((it) => (it.kind === 'user' ? { ...it, loginProfile: logins.has(it.name) } : it)),
    ...(organization === undefined ? {} : { organization }),
  }));

type EntryPath = readonly [part: string, name: string];

/** Finds entries of the definition by what they make. */
class Places {
  readonly #found: Found;
  readonly #providers: Providers;
  readonly #guardrails: Guardrails;
  readonly #roles: ReadonlyMap<string, string>;

  constructor(found: Found, providers: Providers, { groups, guardrails }: Assembled) {
    this.#found = found;
    this.#providers = providers;
    this.#guardrails = guardrails;
    this.#roles = new Map(
      groups.flatMap(({ key, drafts }) => drafts.map((it) => [place(it.account.name, it.name), key] as const)),
    );
  }

  #roleOf(account: string, kind: string, name: string): string | undefined {
    if (kind === 'role') return name;
    const profile = this.#found.accounts
      .find((it) => it.name === account)
      ?.resources.find((it) => it.kind === 'instance-profile' && it.name === name);
    return profile?.kind === 'instance-profile' ? profile.role : undefined;
  }

  find(account: string, resource: string): EntryPath | undefined {
    const slash = resource.indexOf('/');
    const [kind, name] = [resource.slice(0, slash), resource.slice(slash + 1)];
    const entry = (part: string, key: string | undefined): EntryPath | undefined =>
      key === undefined ? undefined : [part, key];
    switch (kind) {
      case 'user':
        return ['people', name];
      case 'group':
        return ['groups', name];
      case 'policy':
        return ['policies', name];
      case 'oidc-provider':
      case 'saml-provider':
        return entry('providers', this.#providers.entryOf(account, { kind, name }));
      case 'organization-policy':
        return entry('guardrails', this.#guardrails.keys.get(name));
    }
    const role = this.#roleOf(account, kind, name);
    return role === undefined ? undefined : entry('roles', this.#roles.get(place(account, role)));
  }
}

function wantedOf(found: Found, definition: Entry, now: Millis): Wanted {
  const sound = parsed(found, definition);
  if (sound === undefined) throw new Error('what was imported does not fit the schema');
  return compileDefinition(sound, now);
}

interface Unequal {
  readonly account: string;
  readonly resource: string;
  readonly message: string;
}

/** What would be written, and what is in the way: with these, the plan would not be empty. */
function unequal(found: Found, wanted: Wanted): Unequal[] {
  const plan = planChanges(wanted, seenAccounts(found));
  const changed = plan.changes
    .filter(({ kind }) => kind !== 'password-policy')
    .map(({ account, kind, name, action, details }) => ({
      account,
      resource: `${kind}/${name}`,
      message: action === 'destroy' ? 'is removed' : details.map(({ sign, text }) => `${sign} ${text}`).join('; '),
    }));
  const foreign = plan.findings
    .filter(({ code }) => code === 'foreign-resource' || code === 'misplaced')
    .map(({ account = '', resource = '', message }) => ({ account, resource, message }));
  return [...changed, ...foreign];
}

/** Entries that are only watched from here on; those that the definition does not hold stay as they are. */
function withMode(definition: Entry, [part, name]: EntryPath): Entry {
  const entries = (definition[part] ?? {}) as Record<string, Entry>;
  if (entries[name] === undefined) return definition;
  return { ...definition, [part]: { ...entries, [name]: { ...entries[name], mode: 'observe' } } };
}

/** Marks as observed what another tool manages. */
function elsewhereNotes(found: Found, places: Places): Note[] {
  return found.accounts.flatMap((account) =>
    account.resources.flatMap((it): Note[] => {
      const mark = 'tags' in it ? managedElsewhere(it.tags) : undefined;
      const path = mark === undefined ? undefined : places.find(account.name, `${it.kind}/${it.name}`);
      return path === undefined ? [] : [{ path, text: `\`${mark}\` says that another tool manages it: only watched` }];
    }),
  );
}

/** Remarks about entries, one for all accounts that have the same. */
function unequalNotes(all: readonly Unequal[], places: Places): Note[] {
  const found = all.flatMap((it) => {
    const path = places.find(it.account, it.resource);
    return path === undefined || it.message === 'is removed' ? [] : [{ ...it, path }];
  });
  return [...Map.groupBy(found, ({ path, message }) => JSON.stringify([path, message])).values()].map((list) => ({
    path: list[0]!.path,
    text: `${list.map(({ account }) => account).join(', ')}: a definition cannot say all of it, so it is only watched (${list[0]!.message})`,
  }));
}

/** What the plan would still change, whatever the definition says. */
function stillChanged(found: Found, wanted: Wanted): Finding[] {
  return unequal(found, wanted).map(({ account, resource, message }) => ({
    severity: 'warning',
    code: 'import-incomplete',
    account,
    resource,
    message:
      message === 'is removed' ? 'is made by no entry: the next apply removes it' : `is not as in AWS: ${message}`,
    hint: 'see to it before the first apply',
  }));
}

/**
 * Makes a definition of what was found. Nothing is left out without a finding or a count. `now` is the instant at which
 * ends count.
 */
export function importDefinition(all: Found, now: Millis, fixed?: Defaults): Imported {
  const doubled: Finding[] = [];
  const pending = withoutPending(all);
  const { found, left } = withoutReserved(withPlainVariables(pending.found), doubled);
  const parts = partsOf(found, now, pending.grace === undefined ? {} : { grace: pending.grace }, fixed);
  const made = assembled(parts);
  const places = new Places(found, parts.providers, made);
  const first = unequal(found, wantedOf(found, made.definition, now));
  const notes = [...elsewhereNotes(found, places), ...unequalNotes(first, places)];
  const definition = notes.reduce<Entry>((whole, { path }) => withMode(whole, path as EntryPath), made.definition);
  const wanted = wantedOf(found, definition, now);
  const compiled = wanted.findings.filter(({ code }) => !code.startsWith('default-off-') && code !== 'policy-unused');
  const findings = [
    ...doubled,
    ...pending.findings,
    ...made.findings,
    ...stillChanged(found, wanted),
    ...compiled,
    ...outsideCentral(found),
    ...partlyFindings(found),
    ...leftFindings(found, pending.found, parts.scope.policies),
  ];
  return {
    definition,
    notes,
    findings: foldFindings(findings),
    left: [...left].map(([why, count]) => ({ why, count })),
  };
}
