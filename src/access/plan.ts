// The plan: what would be called, in which order, and what that means. Pure: (wanted, seen) in, data out.
// Steps form a graph over (account, resource); their ids are stable from run to run.
import { canonicalJson } from '../base/index.ts';
import { rootArn, type Partition } from '../aws/index.ts';
import { groupAccess, type AccessChange } from './access-diff.ts';
import type { Adoption } from './adoption.ts';
import type { Wanted } from './compile.ts';
import type { Expiring } from './expiring.ts';
import type { DefaultInForce } from './defaults.ts';
import type { Detail } from './details.ts';
import type { ResolvePrincipal } from './documents.ts';
import type { Finding } from './findings.ts';
import { foldFindings } from './fold.ts';
import { leftBehind } from './left-behind.ts';
import type { Meaning } from './meaning.ts';
import { strangersIn } from './ownership.ts';
import { planAccount, type Draft } from './plan-account.ts';
import { resourceArn, resourceKey, type AccountRef, type Kind, type Resource, type SeenAccount } from './resources.ts';
import type { Call, StepScope } from './calls.ts';
import { Shared } from './share.ts';
import { trustPrincipals } from './steps.ts';

export interface Step extends Call {
  /** `dev/role/test_role#createRole`; a number follows where a resource needs a call twice. */
  readonly id: string;
  /** Account id. */
  readonly account: string;
  /** Position of the stage whose wave runs it. */
  readonly wave: number;
  readonly rank: number;
  /** Steps of this plan that must have succeeded before. */
  readonly after: readonly string[];
  readonly inverse: readonly Call[];
}

export interface Change {
  /** `dev/role/test_role`. */
  readonly id: string;
  readonly account: string;
  readonly accountId: string;
  readonly kind: Kind;
  readonly name: string;
  readonly action: 'add' | 'change' | 'destroy';
  readonly details: readonly Detail[];
  /** SHA-256 of what AWS showed of it, `absent` when nothing: a plan file holds it, and apply refuses when it moved. */
  readonly observed: string;
}

export interface Plan {
  readonly definition: string;
  readonly organization?: string | undefined;
  /** The accounts that were looked at, in the order of waves. */
  readonly accounts: readonly AccountRef[];
  readonly changes: readonly Change[];
  /** In an order in which they may be carried out one by one. */
  readonly steps: readonly Step[];
  /** The roles that groups gain and lose. */
  readonly access: readonly AccessChange[];
  /** Where a plan leads that does not lead to the definition: what the accounts shall hold then. */
  readonly towards?: Wanted | undefined;
  /** Who gains and loses which actions; put in where a plan is shown. */
  readonly meaning?: Meaning | undefined;
  readonly findings: readonly Finding[];
  /** What of the definition ends by itself, the soonest first. */
  readonly expiring: readonly Expiring[];
  /** People who shall have a console password and have none yet. Making one needs a place to show it once. */
  readonly passwords: readonly { readonly account: string; readonly user: string }[];
  readonly summary: { readonly add: number; readonly change: number; readonly destroy: number };
  readonly outputs: Readonly<Record<string, string>>;
  /** Every default, whether it is in force, and why not. */
  readonly defaults: readonly DefaultInForce[];
}

function arnIn(partition: Partition, account: string): (resource: Resource) => string {
  return (resource) => resourceArn(partition, account, resource);
}

/** Unique ids of every account looked at: AWS shows them in trust policies in place of deleted principals. */
export function principalResolver(seen: readonly SeenAccount[]): ResolvePrincipal {
  const byId = new Map(seen.flatMap(({ resources }) => resources.map(({ uniqueId, arn }) => [uniqueId, arn] as const)));
  return (uniqueId) => byId.get(uniqueId);
}

/**
 * Users and roles that this plan creates, in the order of creation. A role whose trust names one that comes not
 * strictly before itself is created closed, and opened afterwards; so neither cycles nor waves can block.
 */
function pendingPrincipals(wanted: Wanted, seen: readonly SeenAccount[], reverse: boolean): Map<string, number> {
  const pending = new Map<string, number>();
  for (const account of reverse ? wanted.accounts.toReversed() : wanted.accounts) {
    const known = seen.find(({ id }) => id === account.id);
    if (known === undefined) continue;
    const existing = new Set(known.resources.map(resourceKey));
    const created = account.resources.filter(
      (it) => (it.kind === 'user' || it.kind === 'role') && !existing.has(resourceKey(it)),
    );
    const ordered = [
      ...created.filter(({ kind }) => kind === 'user'),
      ...created.filter(({ kind }) => kind === 'role'),
    ];
    for (const resource of ordered) pending.set(arnIn(wanted.partition, account.id)(resource), pending.size);
  }
  return pending;
}

/** Steps with ids and edges, in one order that every account's own order and every edge agree with. */
function linkSteps(
  drafts: readonly Draft[],
  accounts: readonly AccountRef[],
  pendingWave: Map<string, number>,
  reverse: boolean,
): Step[] {
  const position = new Map(accounts.map(({ id }, index) => [id, index]));
  const wavesDown = reverse ? -1 : 1;
  // Not before the wave that makes what it needs.
  const latest = (waves: readonly number[]): number => wavesDown * Math.max(...waves.map((it) => wavesDown * it));
  const flat = drafts.flatMap(({ change, steps, wave }) =>
    steps.map((step) => ({
      step,
      change,
      wave: latest([wave, ...(step.needs ?? []).map((need) => pendingWave.get(need) ?? wave)]),
    })),
  );
  flat.sort(
    (a, b) =>
      wavesDown * (a.wave - b.wave) ||
      a.step.rank - b.step.rank ||
      wavesDown * (position.get(a.change.accountId)! - position.get(b.change.accountId)!),
  );
  const providers = new Map<string, string>();
  const calls = new Set<string>();
  const ids = new Map<string, number>();
  const result: Step[] = [];
  for (const { step, change, wave } of flat) {
    // A role and its profile, or a user and its group, that go together are parted by one and the same call.
    if (step.operation.startsWith('remove')) {
      const call = `${change.accountId} ${step.operation} ${canonicalJson(step.input)}`;
      if (calls.has(call)) continue;
      calls.add(call);
    }
    const base = `${change.id}#${step.operation}`;
    const count = (ids.get(base) ?? 0) + 1;
    ids.set(base, count);
    const id = count === 1 ? base : `${base}.${count}`;
    const after = (step.needs ?? []).map((need) => providers.get(need)).filter((it) => it !== undefined);
    if (step.provides !== undefined) providers.set(step.provides, id);
    const { operation, input, inverse, rank } = step;
    result.push({ id, account: change.accountId, wave, rank, operation, input, after, inverse });
  }
  return result;
}

function waveOfProviders(drafts: readonly Draft[]): Map<string, number> {
  const waves = new Map<string, number>();
  for (const { steps, wave } of drafts) {
    for (const { provides } of steps) if (provides !== undefined) waves.set(provides, wave);
  }
  return waves;
}

function withoutResources(wanted: Wanted): Wanted {
  return {
    ...wanted,
    accounts: wanted.accounts.map((account) => ({ ...account, resources: [], console: [] })),
    outputs: {},
    expiring: [],
    findings: [],
  };
}

/** Compares what is wanted with what AWS shows. Accounts that `seen` leaves out are left alone. */
export function planChanges(wanted: Wanted, seen: readonly SeenAccount[]): Plan {
  return makePlan(wanted, seen, undefined);
}

/** Plans nothing but the taking over of what was there before Stint. */
export function planAdoption(wanted: Wanted, seen: readonly SeenAccount[], adoption: Adoption): Plan {
  return makePlan({ ...wanted, findings: [] }, seen, undefined, adoption);
}

/** Plans the removal of everything that a definition made, later stages first: at once, unless it chooses a grace. */
export function planRemoval(wanted: Wanted, seen: readonly SeenAccount[]): Plan {
  const { grace, ...rest } = withoutResources(wanted);
  return makePlan(grace?.chosen === true ? { ...rest, grace } : rest, seen, wanted);
}

/** Plans the way back to a state of before: what is ours and not in it goes, later stages first. */
export function planReturn(before: Wanted, seen: readonly SeenAccount[]): Plan {
  const shown = before.accounts.map((account) => ({
    ...account,
    resources: seen.find(({ id }) => id === account.id)?.resources ?? [],
  }));
  return { ...makePlan(before, seen, { ...before, accounts: shown }), towards: before };
}

/** Equal calls of many accounts as one. */
function sharedDraft({ change, steps, wave }: Draft, shared: Shared): Draft {
  return {
    change: { ...change, details: shared.of(change.details) },
    steps: steps.map((step) => ({ ...step, input: shared.of(step.input), inverse: shared.of(step.inverse) })),
    wave,
  };
}

/** What ends in the accounts that are looked at. */
function expiringIn({ expiring = [] }: Wanted, accounts: readonly AccountRef[]): Expiring[] {
  const names = new Set(accounts.map(({ name }) => name));
  return expiring.flatMap((it) => {
    const held = it.accounts.filter((account) => names.has(account));
    return held.length > 0 || it.accounts.length === 0 ? [{ ...it, accounts: held }] : [];
  });
}

function makePlan(
  wanted: Wanted,
  seen: readonly SeenAccount[],
  takenDown: Wanted | undefined,
  adoption?: Adoption,
): Plan {
  const resolve = principalResolver(seen);
  const pending = pendingPrincipals(wanted, seen, takenDown !== undefined);
  const bySeen = new Map(seen.map((account) => [account.id, account]));
  const accounts = wanted.accounts.filter(({ id }) => bySeen.has(id));
  const shared = new Shared();
  const plans = accounts.map((account) => {
    const shown = bySeen.get(account.id)!;
    const arnOf = arnIn(wanted.partition, account.id);
    const scope: StepScope = {
      arnOf,
      accountRoot: rootArn(wanted.partition, account.id),
      resolve,
      seen: shown.resources,
      organization: shown.organization,
      strangersIn: (group) => strangersIn(group, shown, wanted.definition),
      trustIsLate: (role) => {
        const own = pending.get(arnOf(role)) ?? Number.MAX_SAFE_INTEGER;
        return trustPrincipals(role.trust).some((arn) => (pending.get(arn) ?? -1) >= Math.min(own, pending.size));
      },
    };
    const removed = takenDown?.accounts.find(({ id }) => id === account.id);
    const { drafts, findings } = planAccount(wanted, account, shown, scope, removed, adoption);
    return { drafts: drafts.map((draft) => sharedDraft(draft, shared)), findings };
  });
  const drafts = plans.flatMap(({ drafts }) => drafts);
  const changes = drafts.map(({ change }) => change);
  const count = (action: Change['action']): number => changes.filter((change) => change.action === action).length;
  return {
    definition: wanted.definition,
    ...(wanted.organization === undefined ? {} : { organization: wanted.organization }),
    accounts: accounts.map(({ id, name, stage }) => ({ id, name, stage })),
    changes,
    steps: linkSteps(drafts, accounts, waveOfProviders(drafts), takenDown !== undefined),
    access: groupAccess(wanted, seen),
    findings: [
      ...wanted.findings,
      ...(takenDown === undefined && adoption === undefined ? leftBehind(wanted, seen) : []),
      ...foldFindings(plans.flatMap(({ findings }) => findings)),
    ],
    passwords: accounts.flatMap((account) =>
      account.console
        .filter((user) => {
          const had = bySeen.get(account.id)!.resources.find((it) => it.kind === 'user' && it.name === user);
          return had === undefined || had.loginProfile === false;
        })
        .map((user) => ({ account: account.name, user })),
    ),
    expiring: expiringIn(wanted, accounts),
    summary: { add: count('add'), change: count('change'), destroy: count('destroy') },
    outputs: wanted.outputs,
    defaults: wanted.defaults,
  };
}
