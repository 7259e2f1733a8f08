// What a run did, taken back. The journal's inverses are carried out on paper, last call first, on what AWS shows now:
// that is the state to return to, and the plan that leads there is a plan as any other. What somebody has changed
// since the run is left as it is, and told. Pure.
import type { Call } from './calls.ts';
import type { Wanted } from './compile.ts';
import type { ResolvePrincipal } from './documents.ts';
import type { Finding } from './findings.ts';
import { isOwned } from './ownership.ts';
import { planReturn, principalResolver, type Plan } from './plan.ts';
import {
  resourceKey,
  type Document,
  type InstanceProfileResource,
  type OrganizationPolicyResource,
  type Resource,
  type SeenAccount,
  type SeenResource,
  type WantedAccount,
} from './resources.ts';
import type { Run, RunEntry } from './runs.ts';
import { afterCall, sameState, type AccountState } from './simulate.ts';

/** What a run's journal says of where it ran: enough to look there again. No definition is needed. */
export function undoScope(run: Run): Wanted {
  const { definition, organization, partition, executor, stages, accounts } = run;
  const known = (id: string): Resource[] =>
    run.entries.flatMap(({ account, operation, input }): Resource[] => {
      if (account !== id) return [];
      if (typeof input['InstanceProfileName'] === 'string') return [profileNamed(input)];
      return operation.startsWith('organizations.') && typeof input['PolicyName'] === 'string'
        ? [railNamed(input)]
        : [];
    });
  const calls = (id: string, pattern: RegExp): boolean =>
    run.entries.some(({ account, operation }) => account === id && pattern.test(operation));
  const look = (id: string): NonNullable<WantedAccount['look']> => [
    'password-policy',
    ...(calls(id, /Provider/) ? (['providers'] as const) : []),
    ...(calls(id, /^organizations\./) ? (['organization'] as const) : []),
  ];
  return {
    definition,
    ...(organization === undefined ? {} : { organization }),
    partition,
    ...(executor === undefined ? {} : { executor }),
    stages,
    accounts: accounts
      .filter(({ id }) => run.entries.some(({ account }) => account === id))
      .map((account): WantedAccount => ({
        ...account,
        resources: known(account.id),
        console: [],
        look: look(account.id),
      })),
    defaults: [],
    outputs: {},
    findings: [],
  };
}

/** Tags of instance profiles are read only where a profile may be ours: those that the run named. */
function profileNamed(input: Call['input']): InstanceProfileResource {
  return { kind: 'instance-profile', name: input['InstanceProfileName'] as string, path: '/', tags: {} };
}

/** The organisation is read only where a guard rail is wanted or left: one that the run removed is neither. */
function railNamed({ PolicyName, Type }: Call['input']): OrganizationPolicyResource {
  const type = Type as OrganizationPolicyResource['type'];
  const document: Document = { Version: '2012-10-17', Statement: [] };
  return {
    kind: 'organization-policy',
    name: PolicyName as string,
    type,
    document,
    description: '',
    targets: [],
    tags: {},
  };
}

interface Return {
  readonly state: AccountState;
  readonly findings: Finding[];
}

const stateOf = (account: SeenAccount): AccountState => new Map(account.resources.map((it) => [resourceKey(it), it]));

/** `role/test_role` of `dev/role/test_role#createRole`. */
const resourceOf = ({ step }: RunEntry): string => step.slice(step.indexOf('/') + 1).replace(/#.*$/, '');

function left(account: SeenAccount, entry: RunEntry, code: string, message: string): Finding {
  return {
    severity: 'warning',
    code,
    account: account.name,
    resource: resourceOf(entry),
    message: `${entry.operation}: ${message}: left as it is`,
  };
}

/** The state after the calls, or why it cannot be told. */
function afterCalls(state: AccountState, calls: readonly Call[]): AccountState | 'call' | 'absent' | 'in-use' {
  let now = state;
  for (const call of calls) {
    const effect = afterCall(now, call);
    if ('unknown' in effect) return effect.unknown;
    now = effect.state;
  }
  return now;
}

/** One entry taken back, where AWS shows what it wrote. */
function takeBack(
  account: SeenAccount,
  state: AccountState,
  entry: RunEntry,
  resolve: ResolvePrincipal,
): { readonly state: AccountState; readonly finding?: Finding } {
  // A call that was refused, or whose answer never came, may have written all the same: it is judged by what AWS shows.
  const told = (code: string, message: string): { state: AccountState; finding?: Finding } =>
    entry.outcome === 'done' ? { state, finding: left(account, entry, code, message) } : { state };
  if (entry.operation === 'deletePolicyVersion') return { state };
  if (entry.operation === 'organizations.enablePolicyType') {
    return told('not-undoable', 'switching it off again would take off what others have attached since');
  }
  if (entry.inverse.length === 0) return told('not-undoable', 'what it removed cannot be brought back');
  const back = afterCalls(state, entry.inverse);
  if (typeof back !== 'string' && sameState(back, state, resolve)) return { state };
  const again = afterCall(state, entry);
  const shown = !('unknown' in again) && sameState(again.state, state, resolve);
  if (!shown) return told('changed-since', 'AWS shows something else than the run wrote');
  if (typeof back !== 'string') return { state: back };
  if (back === 'in-use') return told('changed-since', 'something that the run did not make hangs on it');
  return told('not-undoable', `this Stint does not know what \`${entry.inverse[0]!.operation}\` leads to`);
}

function returned(account: SeenAccount, run: Run, resolve: ResolvePrincipal): Return {
  const findings: Finding[] = [];
  let state = stateOf(account);
  for (const entry of run.entries.toReversed()) {
    if (entry.account !== account.id) continue;
    const done = takeBack(account, state, entry, resolve);
    state = done.state;
    if (done.finding !== undefined) findings.push(done.finding);
  }
  return { state, findings: findings.toReversed() };
}

/** AWS shows unique ids in place of some principals; what is written holds their ARNs. */
function withArns(document: Document, resolve: ResolvePrincipal): Document {
  const Statement = document.Statement.map((statement) => {
    const { Principal } = statement;
    if (Principal === undefined || Principal === '*' || Principal['AWS'] === undefined) return statement;
    const { AWS } = Principal;
    const arns = typeof AWS === 'string' ? (resolve(AWS) ?? AWS) : AWS.map((it) => resolve(it) ?? it);
    return { ...statement, Principal: { ...Principal, AWS: arns } };
  });
  return { ...document, Statement };
}

function wantedAgain(resource: SeenResource, resolve: ResolvePrincipal): Resource {
  return resource.kind === 'role' ? { ...resource, trust: withArns(resource.trust, resolve) } : resource;
}

/**
 * The plan that takes a run back, as far as AWS still shows what it wrote. Findings `changed-since` and
 * `not-undoable` tell what stays. Ownership counts as in every plan.
 */
export function planUndo(run: Run, seen: readonly SeenAccount[]): Plan {
  const resolve = principalResolver(seen);
  const scope = undoScope(run);
  const owned = (it: SeenResource | undefined): boolean => it !== undefined && isOwned(it, run.definition);
  const findings: Finding[] = [];
  const accounts = scope.accounts.map((account): WantedAccount => {
    const shown = seen.find(({ id }) => id === account.id);
    if (shown === undefined) return account;
    const before = stateOf(shown);
    const { state, findings: told } = returned(shown, run, resolve);
    findings.push(...told);
    const resources = [...state]
      .filter(([key, it]) => it.kind === 'password-policy' || owned(it) || owned(before.get(key)))
      .map(([, it]) => wantedAgain(it, resolve));
    return { ...account, resources };
  });
  const plan = planReturn({ ...scope, accounts }, seen);
  return { ...plan, findings: [...findings, ...plan.findings] };
}
