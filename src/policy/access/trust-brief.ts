// Who may newly become what, and who no longer, a line for everybody for whom it is so. What good practice demands of
// everybody is said once, so that a way in without it stands out.
import type { BriefOptions } from './diff-brief.ts';
import type { ChangedPrincipal, TrustChange } from './diff.ts';
import { sideText } from './grant-lines.ts';
import type { TrustShift } from './trust-diff.ts';

interface Entry {
  readonly sign: '+' | '-';
  /** `alice of central`, `ec2.amazonaws.com`. */
  readonly who: string;
  readonly role: ChangedPrincipal;
  /** Without those that `guarded` says, and who it is. */
  readonly conditions: readonly string[];
  /** The longest age of the MFA, where the way in is guarded. */
  readonly guarded?: string | undefined;
  readonly formerly?: readonly string[] | undefined;
}

const mfaAge = /^with MFA of the last (.+)$/;
const isOwnName = (text: string): boolean => text.startsWith('with source identity ');
const isFence = (text: string): boolean => text.startsWith('within organisation ');

/** The age of the MFA that the conditions demand, if they demand all of it: MFA, source identity, organisation. */
function guardOf(conditions: readonly string[], sameAccount: boolean): string | undefined {
  const age = conditions.map((it) => mfaAge.exec(it)?.[1]).find((it) => it !== undefined);
  const whole = conditions.includes('with MFA') && conditions.some(isOwnName);
  return whole && (sameAccount || conditions.some(isFence)) ? age : undefined;
}

const isGuard = (text: string): boolean => text === 'with MFA' || mfaAge.test(text) || isOwnName(text) || isFence(text);

/** `{ who: 'alice of central', rest: ['until 2030-01-01'] }` of an account's trust in some of its people. */
function whoOf(
  { principal, conditions }: TrustShift,
  own: string,
  nameOf: BriefOptions['nameOf'],
): { readonly who: string; readonly rest: readonly string[]; readonly sameAccount: boolean } {
  const [, account] = /^account (\d{12}|\{account\})$/.exec(principal) ?? [];
  const [, holder, kind, name] =
    /^arn:[^:]+:iam::(\d{12}|\{account\}):(user|role)\/(?:.*\/)?([^/]+)$/.exec(principal) ?? [];
  const place = (id: string): string => (id === '{account}' ? own : nameOf(id));
  const sameAccount = (account ?? holder) === '{account}';
  if (holder !== undefined) {
    return { who: `${kind === 'role' ? 'role ' : ''}${name} of ${place(holder)}`, rest: conditions, sameAccount };
  }
  if (account === undefined) return { who: principal, rest: conditions, sameAccount };
  const as = conditions.find((text) => /^as (?!arn:)[^*]+$/.test(text));
  const rest = conditions.filter((text) => text !== as);
  const who = as === undefined ? `everybody whom ${place(account)} lets` : `${as.slice(3)} of ${place(account)}`;
  return { who, rest, sameAccount };
}

function entryOf(
  shift: TrustShift,
  sign: Entry['sign'],
  role: ChangedPrincipal,
  nameOf: BriefOptions['nameOf'],
): Entry {
  const { who, rest, sameAccount } = whoOf(shift, role.account, nameOf);
  const { formerly } = shift;
  const guarded = formerly === undefined ? guardOf(rest, sameAccount) : undefined;
  const conditions = guarded === undefined ? rest : rest.filter((text) => !isGuard(text));
  return { sign, who, role, conditions, guarded, ...(formerly === undefined ? {} : { formerly }) };
}

/** `alice, bob of central` out of `alice of central` and `bob of central`. */
function joinedWho(entries: readonly Entry[]): string {
  const all = [...new Set(entries.map(({ who }) => who))];
  const places = Map.groupBy(all, (who) => / of [^ ]+$/.exec(who)?.[0] ?? '');
  return [...places]
    .map(([place, whos]) => `${whos.map((who) => who.slice(0, who.length - place.length)).join(', ')}${place}`)
    .join(', ');
}

const isBare = ({ principal, conditions }: TrustShift): boolean =>
  principal === 'everyone' || (principal.startsWith('account ') && !conditions.some((text) => text.startsWith('as ')));

/** ARNs of the roles of which it is told, name by name, who may newly become them, and who no longer. */
export function toldRoles(trust: readonly TrustChange[]): Readonly<Record<'+' | '-', ReadonlySet<string>>> {
  const of = (shiftsOf: (change: TrustChange) => readonly TrustShift[]): ReadonlySet<string> =>
    new Set(
      trust
        .filter((change) => shiftsOf(change).length > 0 && !shiftsOf(change).some(isBare))
        .flatMap(({ roles }) => roles.map(({ arn }) => arn)),
    );
  return { '+': of(({ widened }) => widened), '-': of(({ narrowed }) => narrowed) };
}

const words = { person: '', group: '', role: 'role ', workload: 'role ' } as const;

/** `role reader in dev, test; operator in test`. */
function rolesText(entries: readonly Entry[], label: BriefOptions['label']): string {
  const byRole = Map.groupBy(entries, ({ role }) => role.name);
  const places = Map.groupBy(byRole, ([, some]) => [...new Set(some.map(({ role }) => role.account))].join('\n'));
  const parts = [...places.entries()].map(
    ([accounts, named]) => `${named.map(([name]) => name).join(', ')} in ${label(accounts.split('\n'))}`,
  );
  return `${words[entries[0]!.role.kind]}${parts.join('; ')}`;
}

function entryText(entries: readonly Entry[], label: BriefOptions['label']): string {
  const { sign, conditions, guarded, formerly } = entries[0]!;
  const verb = sign === '+' ? 'may become' : 'may no longer become';
  const suffix = [...conditions, ...(guarded === undefined ? [] : ['guarded'])].map((it) => `, ${it}`).join('');
  const change = formerly === undefined ? '' : ` (${sign === '+' ? 'formerly' : 'now'} ${sideText(formerly)})`;
  return `  ${sign} ${joinedWho(entries)} ${verb} ${rolesText(entries, label)}${suffix}${change}`;
}

/** What `guarded` stands for, where somebody is. */
function legend(entries: readonly Entry[], label: BriefOptions['label']): string[] {
  const guarded = entries.filter((it) => it.guarded !== undefined);
  if (guarded.length === 0) return [];
  const ages = [...Map.groupBy(guarded, (it) => it.guarded!)].map(([age, some]) => ({
    age,
    accounts: [...new Set(some.map(({ role }) => role.account))],
  }));
  const text = ages.map(({ age, accounts }) => (ages.length === 1 ? age : `${age} in ${label(accounts)}`)).join(', ');
  return [`  guarded: with MFA of the last ${text}, under their own name as source identity, within the organisation`];
}

/** Lines for every change of trust: the wider ones first. */
export function trustLines(trust: readonly TrustChange[], { label, nameOf }: BriefOptions): string[] {
  const entries = trust.flatMap(({ roles, widened, narrowed }) =>
    roles.flatMap((role) => [
      ...widened.map((shift) => entryOf(shift, '+', role, nameOf)),
      ...narrowed.map((shift) => entryOf(shift, '-', role, nameOf)),
    ]),
  );
  const rest = ({ sign, conditions, guarded, formerly }: Entry): unknown[] => [
    sign,
    conditions,
    guarded !== undefined,
    formerly ?? null,
  ];
  const byRole = Map.groupBy(entries, (it) => JSON.stringify([it.role.arn, ...rest(it)]));
  const alike = Map.groupBy([...byRole.values()], (some) =>
    JSON.stringify([joinedWho(some), some[0]!.role.kind, ...rest(some[0]!)]),
  );
  const blocks = [...alike.values()].map((some) => some.flat());
  const told = (sign: Entry['sign']): string[] =>
    blocks.filter((some) => some[0]!.sign === sign).map((some) => entryText(some, label));
  return [...legend(entries, label), ...told('+'), ...told('-')];
}
