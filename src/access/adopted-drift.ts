// Drift taken into the definition: what its entries would have to say so that AWS is as they say. Pure. What is wanted
// and what is seen are read back in the same way; where the two differ, an entry takes over what is seen, and keeps
// everything else as its author wrote it.
import { canonicalJson, type Millis } from '../base/index.ts';
import { compileDefinition, type Wanted } from './compile.ts';
import type { Drift } from './drift.ts';
import { definitionYaml, importFound, type Found } from './import/index.ts';
import { definitionSchema, type Definition } from './model.ts';
import { ownMarks, withoutOthers } from './ownership.ts';
import { outputProblems } from './outputs.ts';
import { planChanges, type Change } from './plan.ts';
import { pathText } from './problems.ts';
import { referenceProblems } from './references.ts';
import { resourceArn, resourceKey, type SeenAccount, type SeenResource } from './resources.ts';
import { managementAccount } from './selectors.ts';
import { deletedAt } from './soft-delete.ts';

type Entry = Readonly<Record<string, unknown>>;

/** An entry that would have to be otherwise. */
interface Adopted {
  /** `roles reader`; the password policy has no name. */
  readonly path: readonly string[];
  /** As it would have to be; undefined where it would have to go. */
  readonly entry: Entry | undefined;
}

export interface DriftScope {
  readonly definition: Definition;
  readonly wanted: Wanted;
  readonly seen: readonly SeenAccount[];
  readonly drifts: readonly Drift[];
  readonly now: Millis;
}

const sections = ['policies', 'groups', 'people', 'roles', 'providers', 'guardrails'] as const;

interface Side {
  readonly id: string;
  readonly resources: readonly SeenResource[];
  readonly logins: readonly string[];
}

/** One side, read back into entries with the defaults of the definition. */
function entriesOf({ definition, wanted, seen, now }: DriftScope, sides: readonly Side[]): Entry {
  const management = managementAccount(definition);
  const accounts = wanted.accounts.map(({ id, name, stage }): Found['accounts'][number] => {
    const side = sides.find((it) => it.id === id);
    const organization = seen.find((it) => it.id === id)?.organization;
    const ou = definition.accounts[name]?.ou;
    return {
      id,
      name,
      stage,
      resources: side?.resources ?? [],
      logins: new Set(side?.logins),
      partly: new Map(),
      ...(ou === undefined ? {} : { ou }),
      ...(organization === undefined ? {} : { organization }),
    };
  });
  const found: Found = {
    name: wanted.definition,
    partition: wanted.partition,
    organization: wanted.organization,
    central: Object.entries(definition.accounts).find(([, account]) => account.central === true)?.[0],
    management,
    accounts,
    variables: {},
    addresses: new Map(),
  };
  return managedEntries(importFound({ found, findings: [] }, now, definition.defaults ?? {}).definition);
}

/** What an import cannot say it only watches. Here that would hide the drift: it stays one, and is told. */
function managedEntries(definition: Entry): Entry {
  const parted = sections.map((section) => {
    const entries = Object.entries((definition[section] ?? {}) as Readonly<Record<string, Entry>>);
    return [section, Object.fromEntries(entries.map(([key, { mode: _watched, ...entry }]) => [key, entry]))];
  });
  return { ...definition, ...Object.fromEntries(parted) };
}

/** What the definition wants, as if AWS showed it. */
function wantedSides({ wanted }: DriftScope): Side[] {
  return wanted.accounts.map(({ id, resources, console }) => ({
    id,
    resources: resources.map((it) => ({ ...it, arn: resourceArn(wanted.partition, id, it) })),
    logins: console,
  }));
}

/** The same with what drifted as AWS shows it: what is not there is left out, and what should not be there is in. */
function seenSides(scope: DriftScope): Side[] {
  const { wanted, seen, drifts } = scope;
  const drifted = new Set(drifts.map(({ change }) => `${change.accountId} ${resourceKey(change)}`));
  return wantedSides(scope).map(({ id, resources, logins }) => {
    const shown = seen.find((it) => it.id === id)?.resources ?? [];
    const isDrift = (it: SeenResource): boolean => drifted.has(`${id} ${resourceKey(it)}`);
    const want = new Map(resources.map((it) => [resourceKey(it), it]));
    const moved = shown.filter(isDrift).map((it) => {
      const meant = want.get(resourceKey(it));
      return meant === undefined ? it : withoutOthers(meant, it, shown, wanted.definition);
    });
    return { id, resources: [...resources.filter((it) => !isDrift(it)), ...moved], logins };
  });
}

const same = (a: unknown, b: unknown): boolean => canonicalJson(a ?? null) === canonicalJson(b ?? null);

/** The author's entry, with the members that are otherwise in AWS. */
function merged(own: Entry | undefined, before: Entry, after: Entry): Entry {
  const names = [...new Set([...Object.keys(own ?? {}), ...Object.keys(after)])];
  const taken = names.map((name) => [name, same(before[name], after[name]) ? own?.[name] : after[name]] as const);
  return Object.fromEntries(taken.filter(([, value]) => value !== undefined));
}

/** What AWS does not tell, or not in its author's letters, and an entry keeps whatever else becomes of it. */
const untold = ['reason', 'marked', 'mode', 'was', 'only', 'except'];

/** The entry as it is read, with what AWS does not tell. */
function whole(own: Entry | undefined, after: Entry): Entry {
  const kept = Object.entries(own ?? {}).filter(([name]) => untold.includes(name));
  return { ...after, ...Object.fromEntries(kept) };
}

const parts: Readonly<Record<string, string>> = {
  role: 'roles',
  person: 'people',
  policy: 'policies',
  provider: 'providers',
  guardrail: 'guardrails',
};

/** `roles reader` for a thing of the definition, by its marks; a profile has its place in the entry of its role. */
function pathOf(it: SeenResource, beside: readonly SeenResource[], definition: string): string | undefined {
  if (it.kind === 'password-policy') return 'passwordPolicy';
  if (it.kind === 'group') return `groups ${it.name}`;
  if (it.kind === 'policy') return `policies ${it.name}`;
  if (it.kind === 'instance-profile') {
    const role = beside.find(({ kind, name }) => kind === 'role' && name === it.role);
    return role === undefined ? undefined : pathOf(role, beside, definition);
  }
  const [part, key] = (ownMarks(it.tags, definition)?.id ?? '').split('/');
  return parts[part!] === undefined ? undefined : `${parts[part!]} ${key}`;
}

/** The entries that what drifted was made by. Others may be otherwise as well, by what follows: that is an apply's. */
function meantPaths({ wanted, seen }: DriftScope, drifts: readonly { readonly change: Change }[]): ReadonlySet<string> {
  const paths = drifts.flatMap(({ change }) => {
    const want = wanted.accounts.find(({ id }) => id === change.accountId)?.resources ?? [];
    const had = seen.find(({ id }) => id === change.accountId)?.resources ?? [];
    return [want, had].flatMap((list) =>
      list
        .filter((it) => resourceKey(it) === resourceKey(change))
        .flatMap((it) => pathOf(it, list, wanted.definition) ?? []),
    );
  });
  return new Set(paths);
}

/** `asRead`: the entries that are taken as they are read, because their author's members do not go with what is new. */
function adoptedEntries(scope: DriftScope, before: Entry, after: Entry, asRead: ReadonlySet<string>): Adopted[] {
  const { definition, drifts } = scope;
  const meant = meantPaths(scope, drifts);
  const living = scope.seen.map((it) => ({
    ...it,
    resources: it.resources.filter((resource) => deletedAt(resource) === undefined),
  }));
  const there = meantPaths({ ...scope, wanted: { ...scope.wanted, accounts: [] }, seen: living }, drifts);
  const inSections = sections.flatMap((section) => {
    const [own, old, fresh] = [definition, before, after].map((it) => ((it as Entry)[section] ?? {}) as Entry);
    return [...new Set([...Object.keys(old!), ...Object.keys(fresh!)])]
      .filter((key) => meant.has(`${section} ${key}`) && !same(old![key], fresh![key]))
      .flatMap((key): Adopted[] => {
        const entry = fresh![key] as Entry | undefined;
        const was = (old![key] ?? {}) as Entry;
        const path = [section, key];
        // What AWS has and no entry can say is told as that; to take its entry out would remove it.
        if (entry === undefined) return there.has(path.join(' ')) ? [] : [{ path, entry }];
        const mine = own![key] as Entry | undefined;
        return [{ path, entry: asRead.has(path.join(' ')) ? whole(mine, entry) : merged(mine, was, entry) }];
      });
  });
  const password = after['passwordPolicy'] as Entry | undefined;
  return same(before['passwordPolicy'], password)
    ? inSections
    : [...inSections, { path: ['passwordPolicy'], entry: password }];
}

/** The definition with the entries in place of its own. */
function replaced(definition: Definition, adopted: readonly Adopted[]): Entry {
  const result: Record<string, unknown> = { ...definition };
  for (const { path, entry } of adopted) {
    const [section, key] = path as [string, string | undefined];
    if (key === undefined) result[section] = entry;
    else {
      const { [key]: _old, ...others } = (result[section] ?? {}) as Entry;
      result[section] = entry === undefined ? others : { ...others, [key]: entry };
    }
  }
  return result;
}

interface Outcome {
  /** Ids of what would be drift all the same. */
  readonly left: readonly string[];
  /** Ids of what an apply would then change, because it follows from what was taken over. */
  readonly follows: readonly string[];
}

/** What comes of the entries; undefined where the definition would not be sound. */
function outcomeOf(scope: DriftScope, adopted: readonly Adopted[]): Outcome | undefined {
  // Outputs may name what is gone: that is for their author to mend, and told apart.
  const { outputs: _outputs, ...definition } = scope.definition;
  const parsed = definitionSchema.safeParse(replaced(definition, adopted));
  if (!parsed.success || referenceProblems(parsed.data).length > 0) return undefined;
  const meant = new Set(scope.drifts.map(({ change }) => change.id));
  const plan = planChanges(compileDefinition(parsed.data, scope.now), scope.seen);
  const [left, follows] = [true, false].map((own) =>
    plan.changes.map(({ id }) => id).filter((id) => meant.has(id) === own),
  );
  return { left: left!, follows: follows! };
}

export interface Adoption extends Outcome {
  /** Entries in YAML, to be put in place of those of the same names. */
  readonly yaml: string;
}

/** What else the definition has to say otherwise, by place. */
function brokenOutputs({ definition }: DriftScope, adopted: readonly Adopted[]): string[] {
  const parsed = definitionSchema.safeParse(replaced(definition, adopted));
  const problems = parsed.success ? outputProblems(parsed.data) : [];
  return problems.map(({ path, message }) => `${pathText(path)}: ${message}.`);
}

const shown = 5;

function followText(ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const names = ids.slice(0, shown).join(', ');
  const more = ids.length > shown ? ` and ${ids.length - shown} more` : '';
  return [`An apply then changes what follows from it: ${names}${more}.`];
}

/** What the definition would have to say so that nothing of the drift is any. */
export function adoptDrift(scope: DriftScope): Adoption {
  const before = entriesOf(scope, wantedSides(scope));
  const after = entriesOf(scope, seenSides(scope));
  const all = { left: scope.drifts.map(({ change }) => change.id), follows: [] };
  const tried = (asRead: ReadonlySet<string>) => {
    const adopted = adoptedEntries(scope, before, after, asRead);
    return { adopted, ...(outcomeOf(scope, adopted) ?? all) };
  };
  const first = tried(new Set());
  const failed = scope.drifts.filter(({ change }) => first.left.includes(change.id));
  const second = failed.length === 0 ? first : tried(meantPaths(scope, failed));
  const { adopted, left, follows } = second.left.length < first.left.length ? second : first;
  const gone = adopted.filter(({ entry }) => entry === undefined).map(({ path }) => path.join('.'));
  const kept = replaced(
    {} as Definition,
    adopted.filter(({ entry }) => entry !== undefined),
  );
  const lines = [
    'As AWS has it now: put these in place of the entries of the same names.',
    ...gone.map((name) => `Take out \`${name}\`: AWS has it no more.`),
    ...left.map((id) => `${id}: no entry says it as AWS has it.`),
    ...brokenOutputs(scope, adopted),
    ...followText(follows),
  ];
  return { yaml: definitionYaml({ definition: kept, notes: [], findings: [], left: [] }, { lines }), left, follows };
}
