// A definition made of what was found. It is compiled and planned against the very same accounts before it is given
// away: what would not come to an empty plan is only observed, and told why.
import { managedElsewhere } from '../adoption.ts';
import { compileDefinition, type Wanted } from '../compile.ts';
import type { Finding } from '../findings.ts';
import { planChanges } from '../plan.ts';
import type { SeenAccount } from '../resources.ts';
import { asFound, isRole, type Found, type Imported, type Note } from './found.ts';
import { frameOf, isKey, type Defaults, type Entry, type Frame } from './frame.ts';
import { leftFindings, outsideCentral, partlyFindings, withoutReserved } from './left.ts';
import { parsed, soundDefinition } from './sound.ts';
import { draftRole, groupRoles, roleEntry, type RoleGroup } from './roles.ts';
import { providerKey, type TrustDraft } from './trust.ts';
import { TrustReader } from './trust-reader.ts';

/** Defaults that put something into what is compiled: each is left on where that costs nothing. */
const weighty = ['organizationFence', 'mfaMaxAge', 'sourceIdentity', 'imdsv2'] as const;

interface Drafted {
  readonly reader: TrustReader;
  readonly frame: Frame;
  readonly groups: readonly RoleGroup[];
}

function draftRoles(found: Found, defaults: Defaults): Drafted {
  const frame = frameOf(found, defaults);
  const reader = new TrustReader(found, frame.definition);
  const drafts = found.accounts.flatMap((account) =>
    account.resources
      .filter(isRole)
      .filter(({ name }) => !account.partly.has(`role/${name}`))
      .map((role) => {
        const trust = role.trust.Statement.map((statement) => reader.read(account, statement));
        return draftRole(found, account, role, trust, frame.own);
      }),
  );
  return { frame, reader, groups: groupRoles(drafts, isKey) };
}

/** Defaults are switched off only where they would change more than they describe. */
function chooseDefaults(found: Found): Defaults {
  let defaults: Defaults = {};
  let best = draftRoles(found, defaults).reader.raw;
  for (const name of weighty) {
    if (name === 'imdsv2' || best === 0) continue;
    const tried = { ...defaults, [name]: asFound };
    const { raw } = draftRoles(found, tried).reader;
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

/** Makes a definition of what was found. Nothing is left out without a finding or a count. */
export function importDefinition(all: Found): Imported {
  const doubled: Finding[] = [];
  const { found, left } = withoutReserved(all, doubled);
  const defaults = chooseDefaults(found);
  const drafted = draftRoles(found, defaults);
  const sound = soundDefinition(found, assembled(found, drafted));
  let { definition } = sound;
  let wanted = wantedOf(found, definition);
  if (wanted === undefined) throw new Error('what was imported does not fit the schema');
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
      ...doubled,
      ...sound.findings,
      ...compiled,
      ...outsideCentral(found),
      ...partlyFindings(found),
      ...leftFindings(found, drafted.frame),
    ],
    left: [...left].map(([why, count]) => ({ why, count })),
  };
}
