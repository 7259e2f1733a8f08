// What changes in one account: each wanted resource against what is there, then what is ours and wanted no more.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/index.ts';
import { adopt, foldObserved, foreignFinding, type Adoption } from './adoption.ts';
import type { StepDraft, StepScope } from './calls.ts';
import type { Wanted } from './compile.ts';
import { changeDetails, sameSettings, type Detail } from './details.ts';
import type { Finding } from './findings.ts';
import { missingJudge } from './missing-findings.ts';
import { isOwned, isProtected, strangersIn, withoutOthers } from './ownership.ts';
import {
  deletedFinding,
  driftFinding,
  inUseFinding,
  misplacedFinding,
  protectedFinding,
  targetFindings,
  unreadFindings,
} from './account-findings.ts';
import type { Change } from './plan.ts';
import { removalSteps } from './removal.ts';
import { formerOf, withRenames } from './renames.ts';
import { resourceKey, type Resource, type SeenAccount, type SeenResource, type WantedAccount } from './resources.ts';
import { closedTrust } from './documents.ts';
import { graceIn, hangsOn, pendingFinding, removalFate, softened, type Grace } from './soft-delete.ts';
import { wantedSteps } from './steps.ts';

export interface Draft {
  readonly change: Change;
  readonly steps: readonly StepDraft[];
  readonly wave: number;
}

export interface AccountPlan {
  readonly drafts: Draft[];
  readonly findings: Finding[];
}

function observedHash(seen: SeenResource | undefined): string {
  return seen === undefined ? 'absent' : createHash('sha256').update(canonicalJson(seen)).digest('hex');
}

/** Lines for the users whom a change takes out of a group of ours. */
function strangerDetails(resource: Resource, scope: StepScope): Detail[] {
  if (resource.kind !== 'group' || resource.mode === 'additive') return [];
  return scope
    .strangersIn(resource.name)
    .map((user): Detail => ({ sign: '-', text: `member ${user}, put in by others` }));
}

/** Ours to remove: what is marked as ours, and the password policy while it is exactly the one that was wanted. */
function isRemovable(resource: SeenResource, wanted: Wanted, takenDown: WantedAccount | undefined): boolean {
  if (resource.kind !== 'password-policy') return isOwned(resource, wanted.definition);
  const own = takenDown?.resources.find((it) => it.kind === 'password-policy');
  return own !== undefined && sameSettings(own.settings, resource.settings);
}

/** One account's part of a plan while it is made. */
class AccountPlanner {
  readonly #wanted: Wanted;
  readonly #account: WantedAccount;
  readonly #seen: SeenAccount;
  readonly #scope: StepScope;
  readonly #takenDown: WantedAccount | undefined;
  readonly #missing: (want: Resource) => Finding[];
  readonly #byKey: ReadonlyMap<string, SeenResource>;
  /** Keys of what stays, or goes as the former self of something renamed. */
  readonly #kept = new Set<string>();
  readonly #renamed = new Map<string, Resource>();
  #gone: readonly SeenResource[] | undefined;
  readonly plan: AccountPlan = { drafts: [], findings: [] };

  constructor(
    wanted: Wanted,
    account: WantedAccount,
    seen: SeenAccount,
    scope: StepScope,
    takenDown: WantedAccount | undefined,
  ) {
    this.#wanted = wanted;
    this.#account = account;
    this.#seen = seen;
    this.#scope = scope;
    this.#takenDown = takenDown;
    // On the way back to a state of before, what is long missing there is no reason to stop.
    this.#missing =
      takenDown === undefined ? missingJudge(account, seen, (resource) => scope.arnOf(resource)) : () => [];
    this.#byKey = new Map(seen.resources.map((it) => [resourceKey(it), it]));
  }

  #draft(
    action: Change['action'],
    resource: Resource,
    before: SeenResource | undefined,
    steps: readonly StepDraft[],
    more: readonly Detail[] = [],
  ): void {
    const { id: accountId, name: account, stage } = this.#account;
    const after = action === 'destroy' ? undefined : resource;
    const successor = action === 'destroy' ? this.#renamed.get(resourceKey(resource)) : undefined;
    const change: Change = {
      id: `${account}/${resource.kind}/${resource.name}`,
      account,
      accountId,
      kind: resource.kind,
      name: resource.name,
      action,
      details: [
        ...changeDetails(before, after, this.#scope.resolve),
        ...strangerDetails(resource, this.#scope),
        ...more,
      ],
      observed: observedHash(before),
    };
    // Guard rails bind every account, and what was renamed may be trusted in every account: both come last, and with
    // what was renamed what hangs on it: AWS deletes no policy that something still carries.
    const last =
      resource.kind === 'organization-policy' || successor !== undefined || this.#goesWithRenamed(action, before);
    const wave = last ? this.#wanted.stages.length : this.#wanted.stages.indexOf(stage);
    this.plan.drafts.push({ change, steps, wave });
  }

  /** What is there of a wanted resource: under its name, or under the one it had. */
  #present(want: Resource): SeenResource | undefined {
    const had = this.#byKey.get(resourceKey(want));
    const former = formerOf(want, this.#byKey);
    if (former === undefined || !isOwned(former, this.#wanted.definition)) return had;
    if (had === undefined && (want.kind === 'user' || want.kind === 'group')) {
      this.#kept.add(resourceKey(former));
      return former;
    }
    this.#renamed.set(resourceKey(former), want);
    return had;
  }

  /** Takes a wanted resource over, where that is meant; does nothing else. */
  adopt(want: Resource, adoption: Adoption): void {
    const had = this.#byKey.get(resourceKey(want));
    const taken = adopt(this.#account, want, had, this.#wanted.definition, adoption, this.#scope);
    this.plan.findings.push(...taken.findings);
    if (taken.steps.length > 0) this.#draft('change', want, had, taken.steps, taken.details);
  }

  /** Makes a wanted resource what it shall be, or tells why that cannot be. */
  want(want: Resource): void {
    const { findings } = this.plan;
    const had = this.#present(want);
    this.#kept.add(resourceKey(want));
    if (want.mode === 'observe') return this.#observe(want, had);
    if (want.kind === 'password-policy') {
      const settings = had?.kind === 'password-policy' ? had.settings : undefined;
      if (settings !== undefined && sameSettings(settings, want.settings)) return;
    } else if (had !== undefined && !isOwned(had, this.#wanted.definition)) {
      findings.push(foreignFinding(this.#account, want, had, this.#scope));
      return;
    }
    if (had !== undefined) {
      findings.push(
        ...misplacedFinding(this.#account, want, had),
        ...deletedFinding(this.#account, had, this.#scope.resolve),
      );
    }
    findings.push(...targetFindings(this.#account, want, this.#seen), ...this.#missing(want));
    const { definition } = this.#wanted;
    const own = had === undefined ? undefined : withoutOthers(want, had, this.#seen.resources, definition);
    const steps = wantedSteps(want, own, this.#scope);
    if (steps.length > 0) this.#draft(had === undefined ? 'add' : 'change', want, own, steps);
  }

  #observe(want: Resource, had: SeenResource | undefined): void {
    const same =
      had !== undefined &&
      (want.kind === 'password-policy'
        ? had.kind === 'password-policy' && sameSettings(want.settings, had.settings)
        : wantedSteps(want, had, this.#scope).every(({ operation }) => /^(?:un)?tag/.test(operation)));
    if (same) return;
    const details = changeDetails(had, want, this.#scope.resolve).filter(({ text }) => !text.startsWith('tag stint:'));
    this.plan.findings.push(driftFinding(this.#account, want, had, details));
  }

  #meant(had: SeenResource): Resource | undefined {
    return this.#takenDown?.resources.find((it) => resourceKey(it) === resourceKey(had));
  }

  #isToGo(had: SeenResource): boolean {
    if (this.#kept.has(resourceKey(had)) || !isRemovable(had, this.#wanted, this.#takenDown)) return false;
    return this.#meant(had)?.mode !== 'observe';
  }

  #isRenamed(had: SeenResource): boolean {
    return this.#renamed.has(resourceKey(had));
  }

  #isKept(had: SeenResource): boolean {
    return !this.#isRenamed(had) && (isProtected(had) || this.#meant(had)?.protect === true);
  }

  #goesWithRenamed(action: Change['action'], had: SeenResource | undefined): boolean {
    if (action !== 'destroy' || had === undefined) return false;
    return this.#leaving().some((it) => this.#isRenamed(it) && hangsOn(had, it));
  }

  /** Everything that goes; known when all that is wanted was looked at. */
  #leaving(): readonly SeenResource[] {
    return (this.#gone ??= this.#seen.resources.filter((it) => this.#isToGo(it) && !this.#isKept(it)));
  }

  #soften(had: SeenResource, grace: Grace, fate: 'soften' | 'wait'): void {
    this.plan.findings.push(pendingFinding(this.#account, had, grace));
    if (fate === 'wait') return;
    const soft = softened(had, closedTrust(this.#scope.accountRoot), grace);
    this.#draft('change', soft, had, wantedSteps(soft, had, this.#scope));
  }

  /** Removes what is ours and wanted no more, unless it is protected; after a time of grace where there is one. */
  remove(had: SeenResource): void {
    if (!this.#isToGo(had)) return;
    if (this.#isKept(had)) {
      this.plan.findings.push(protectedFinding(this.#account, had, this.#meant(had) !== undefined));
      return;
    }
    const grace = graceIn(this.#wanted.grace, this.#account.stage);
    // What was renamed goes without a time of grace, since its successor is there, and holds nothing back with it.
    const holding = this.#leaving().filter((it) => !this.#isRenamed(it));
    const fate = this.#isRenamed(had) ? 'remove' : removalFate(had, holding, grace);
    if (grace !== undefined && fate !== 'remove') return this.#soften(had, grace, fate);
    this.plan.findings.push(...inUseFinding(this.#account, had, this.#seen, this.#wanted.definition));
    this.#draft('destroy', had, had, removalSteps(had, this.#scope));
  }
}

/** A member whom the definition wants in the group is none whom others put there, whoever made the user. */
function wantsMember(account: WantedAccount, user: string, group: string): boolean {
  return account.resources.some((it) => it.kind === 'user' && it.name === user && it.groups.includes(group));
}

/** Compares what one account shall hold with what it holds. `takenDown` is what a removal of everything had wanted. */
export function planAccount(
  wanted: Wanted,
  account: WantedAccount,
  shown: SeenAccount,
  scope: StepScope,
  takenDown: WantedAccount | undefined,
  adoption: Adoption | undefined,
): AccountPlan {
  const seen = withRenames(account, shown, wanted.definition);
  const own: StepScope = {
    ...scope,
    seen: seen.resources,
    strangersIn: (group) =>
      strangersIn(group, seen, wanted.definition).filter((user) => !wantsMember(account, user, group)),
  };
  const planner = new AccountPlanner(wanted, account, seen, own, takenDown);
  if (adoption === undefined) {
    for (const want of account.resources) planner.want(want);
    for (const had of seen.resources) planner.remove(had);
  } else for (const want of account.resources) planner.adopt(want, adoption);
  return { ...planner.plan, findings: [...unreadFindings(account, seen), ...foldObserved(planner.plan.findings)] };
}
