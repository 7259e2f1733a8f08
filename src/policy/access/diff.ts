// What a change means: who gains and who loses which access, in which accounts, and which roles open to whom. By
// effective permissions, not by text; changes that are the same for many are told once.
import { canonicalJson } from '../../base/index.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { ActionClasses } from './classes.ts';
import type { AccountDetails, NamedDocument, RoleDetails, UserDetails } from './details.ts';
import type { Directory } from './directory.ts';
import { grantsOf, type Facts, type Grant, type Grants, type GrantScope } from './grants.ts';
import { anyAccount, LocalFacts } from './local.ts';
import type { Shelf } from './shelf.ts';
import { groupsOf, type Subject } from './subjects.ts';
import { trustDiff, type TrustDiff, type TrustShift } from './trust-diff.ts';

export interface ChangedPrincipal {
  /** A `workload` is a role that only services or identity providers may become. */
  readonly kind: 'person' | 'group' | 'role' | 'workload';
  readonly name: string;
  readonly arn: string;
  /** Name or id of its account. */
  readonly account: string;
  /** Whether it is there on one side only. */
  readonly state: 'new' | 'gone' | 'changed';
  /** Groups that a person joins and leaves. */
  readonly joins?: readonly string[] | undefined;
  readonly leaves?: readonly string[] | undefined;
  /** Whether a person has no policies of its own but to become roles, so that everything else comes by groups. */
  readonly byGroups?: true | undefined;
}

/** One change, for all principals for which it is the same. In resources `{account}` stands for the account of each. */
export interface AccessChange extends Grants {
  readonly principals: readonly ChangedPrincipal[];
}

/** One change of trust, for all roles for which it is the same. */
export interface TrustChange extends TrustDiff {
  readonly roles: readonly ChangedPrincipal[];
}

export interface AccessDiff {
  readonly changes: readonly AccessChange[];
  readonly trust: readonly TrustChange[];
}

interface Pair {
  readonly kind: 'user' | 'group' | 'role';
  readonly before: Subject | undefined;
  readonly after: Subject | undefined;
  readonly account: AccountDetails;
}

// IAM takes names of one kind that differ in case for one name.
const nameOf = ({ name }: Subject): string => name.toLowerCase();

/** Everybody of the accounts that both sides looked at: what only one side looked at is no change. */
function pairsOf(before: Directory, after: Directory): Pair[] {
  const shared = after.details.accounts.filter(({ id }) => before.account(id) !== undefined);
  return shared.flatMap((account) =>
    (['group', 'user', 'role'] as const).flatMap((kind) => {
      const old = new Map(before.subjectsIn(account.id, kind).map((it) => [nameOf(it), it]));
      const fresh = new Map(after.subjectsIn(account.id, kind).map((it) => [nameOf(it), it]));
      return [...new Set([...fresh.keys(), ...old.keys()])].map((name): Pair => {
        const [was, is] = [old.get(name), fresh.get(name)];
        return { kind, before: was, after: is, account: (is ?? was)!.account };
      });
    }),
  );
}

function factsOf(subject: Subject | undefined): Facts {
  if (subject === undefined) return { policies: [], scps: [] };
  const { account, user, role } = subject;
  const group = subject.kind === 'group' ? account.groups.find(({ arn }) => arn === subject.arn) : undefined;
  const policies = [
    ...(user ?? role ?? group)!.policies,
    ...(user === undefined ? [] : groupsOf(account, user).flatMap((it) => it.policies)),
  ];
  return { policies, boundary: (user ?? role)?.boundary, scps: account.scps };
}

/** Whether something of a user itself changed. Changes of its groups' policies are told of the groups. */
function isOwnChange(before: UserDetails, after: UserDetails, local: LocalFacts, account: string): boolean {
  const own = (user: UserDetails): string =>
    canonicalJson([
      local.keyOf({ policies: user.policies, boundary: user.boundary, scps: [] }, account),
      user.groups.map((name) => name.toLowerCase()).toSorted(),
      user.tags,
    ]);
  return own(before) !== own(after);
}

class Differ {
  readonly #scope: GrantScope;
  readonly #local = new LocalFacts();
  readonly #known = new Map<string, Grants>();
  readonly #byText = new Map<string, Grants>();
  readonly #numbers = new Map<Grants, number>();

  constructor(catalog: Catalog, shelf: Shelf) {
    this.#scope = { catalog, classes: new ActionClasses(catalog), shelf };
  }

  /** `undefined`: nothing about it changed. */
  grants(pair: Pair): Grants | undefined {
    const { id } = pair.account;
    const [before, after] = [factsOf(pair.before), factsOf(pair.after)];
    const [old, fresh] = [this.#local.keyOf(before, id), this.#local.keyOf(after, id)];
    if (!this.#isTouched(pair, old === fresh)) return undefined;
    const subject = (pair.after ?? pair.before)!;
    const context = () => [...subject.known].map(([key, value]) => [key, value.replaceAll(id, anyAccount)] as const);
    const isPersonal = this.#local.isPersonal(before, id) || this.#local.isPersonal(after, id);
    const onInstances = !subject.isAbsent('ec2:roledelivery');
    const key = canonicalJson([pair.kind, old, fresh, onInstances, isPersonal ? context() : null]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = grantsOf(
      this.#scope,
      JSON.parse(JSON.stringify(subject.principal).replaceAll(id, anyAccount)) as Subject['principal'],
      { known: new Map(context()), isAbsent: subject.isAbsent },
      this.#local.of(before, id),
      this.#local.of(after, id),
    );
    // All grants are made in one place, so that equal ones have one text as they stand.
    const text = JSON.stringify(found);
    const same = this.#byText.get(text) ?? found;
    this.#byText.set(text, same);
    this.#known.set(key, same);
    return same;
  }

  /** Equal for equal grants. */
  numberOf(grants: Grants): number {
    const number = this.#numbers.get(grants) ?? this.#numbers.size;
    this.#numbers.set(grants, number);
    return number;
  }

  #isTouched({ before, after, account }: Pair, sameFacts: boolean): boolean {
    if (before === undefined || after === undefined) return true;
    const tags = ({ user, role }: Subject): string => JSON.stringify((user ?? role)?.tags ?? {});
    if (sameFacts) return tags(before) !== tags(after);
    if (before.user === undefined || after.user === undefined) return true;
    const scps = (it: AccountDetails): string => this.#local.keyOf({ policies: [], scps: it.scps }, account.id);
    return (
      scps(before.account) !== scps(after.account) || isOwnChange(before.user, after.user, this.#local, account.id)
    );
  }
}

/** Whether nobody but services and identity providers may become the role. */
function isWorkload({ trust }: RoleDetails): boolean {
  const statements = [trust.Statement].flat() as readonly { readonly Effect?: string; readonly Principal?: unknown }[];
  const allows = statements.filter(({ Effect }) => Effect === 'Allow');
  return (
    allows.length > 0 &&
    allows.every(({ Principal }) => typeof Principal === 'object' && Principal !== null && !('AWS' in Principal))
  );
}

/** Whether a policy does nothing but let roles be assumed. */
function onlyAssumes({ document }: NamedDocument): boolean {
  const statements = [document?.Statement ?? [{}]].flat() as readonly { readonly Action?: unknown }[];
  return statements.every(({ Action }) =>
    [Action]
      .flat()
      .every((it) => typeof it === 'string' && /^sts:(?:AssumeRole|SetSourceIdentity|TagSession)$/.test(it)),
  );
}

function principalOf({ before, after, account }: Pair): ChangedPrincipal {
  const subject = (after ?? before)!;
  const kinds = { user: 'person', group: 'group', role: 'role' } as const;
  const state = before === undefined ? 'new' : after === undefined ? 'gone' : 'changed';
  const kind = subject.role !== undefined && isWorkload(subject.role) ? 'workload' : kinds[subject.kind];
  const [was, is] = [before?.user?.groups ?? [], after?.user?.groups ?? []];
  const byGroups = kind === 'person' && [before, after].every((it) => (it?.user?.policies ?? []).every(onlyAssumes));
  const joins = is.filter((group) => !was.includes(group));
  const leaves = was.filter((group) => !is.includes(group));
  return {
    kind,
    name: subject.name,
    arn: subject.arn,
    account: account.name ?? account.id,
    state,
    ...(joins.length === 0 ? {} : { joins }),
    ...(leaves.length === 0 ? {} : { leaves }),
    ...(byGroups ? { byGroups } : {}),
  };
}

const withAccount = (text: string): string => text.replaceAll(anyAccount, '{account}');

function shown(grant: Grant): Grant {
  return {
    ...grant,
    resources: grant.resources.map(withAccount),
    except: grant.except.map(withAccount),
    conditions: grant.conditions.map(withAccount),
  };
}

function groupedBy<Item, Value>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  make: (items: readonly Item[]) => Value,
): Value[] {
  return [...Map.groupBy(items, keyOf).values()].map(make);
}

/**
 * What changes from `before` to `after`, in the accounts that both hold. Pure; equal meaning is no change: order, one
 * value or a list, the case of actions, and statements that add nothing do not matter.
 */
export function accessDiff(catalog: Catalog, before: Directory, after: Directory): AccessDiff {
  const { shelf } = after;
  const differ = new Differ(catalog, shelf);
  const pairs = pairsOf(before, after);
  const changed = pairs.flatMap((pair) => {
    const grants = differ.grants(pair);
    if (grants === undefined || grants.gains.length + grants.loses.length === 0) return [];
    const principal = principalOf(pair);
    return [{ principal, grants, key: `${principal.kind} ${principal.state} ${differ.numberOf(grants)}` }];
  });
  const changes = groupedBy(
    changed,
    ({ key }) => key,
    (alike): AccessChange => ({
      principals: alike.map(({ principal }) => principal),
      gains: alike[0]!.grants.gains.map(shown),
      loses: alike[0]!.grants.loses.map(shown),
    }),
  );
  return { changes, trust: trustChanges(pairs, shelf) };
}

function trustChanges(pairs: readonly Pair[], shelf: Shelf): TrustChange[] {
  const shifts = pairs.flatMap((pair) => {
    const { before, after, account } = pair;
    const [old, fresh] = [before?.role?.trust, after?.role?.trust];
    if ((old === undefined && fresh === undefined) || JSON.stringify(old) === JSON.stringify(fresh)) return [];
    const compiled = (role: Subject | undefined) =>
      role?.role && shelf.attached({ name: 'trust', document: role.role.trust }, 'trust').policy;
    const { widened, narrowed } = trustDiff(compiled(before), compiled(after));
    if (widened.length + narrowed.length === 0) return [];
    const local = (shift: TrustShift): TrustShift =>
      JSON.parse(JSON.stringify(shift).replaceAll(account.id, '{account}')) as TrustShift;
    const role = principalOf(pair);
    const diff = { widened: widened.map(local), narrowed: narrowed.map(local) };
    return [{ role, diff, key: canonicalJson([role.state, diff as never]) }];
  });
  return groupedBy(
    shifts,
    ({ key }) => key,
    (alike): TrustChange => ({ roles: alike.map(({ role }) => role), ...alike[0]!.diff }),
  );
}
