// What one principal gains and loses from one state to another, by what its policies mean together: group policies,
// boundary and SCPs included. Every resource that a policy names is a place at which both states are asked.
import { canonicalJson } from '../../base/index.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { preparePrincipal } from '../prepare.ts';
import type { CompiledStatement } from '../document.ts';
import type { AttachedPolicy, PreparedPrincipal, Principal } from '../types.ts';
import { answerOf, type Answer, type Need } from './answer.ts';
import { ActionClasses } from './classes.ts';
import { needTexts } from './condition-text.ts';
import type { NamedDocument } from './details.ts';
import { globContains } from './globs.ts';
import type { PartialContext } from './hedge.ts';
import { accessKinds, appliesTo, kindOf, type AccessKind } from './kinds.ts';
import type { Shelf } from './shelf.ts';

/** Everything that decides for a principal in one state. */
export interface Facts {
  readonly policies: readonly NamedDocument[];
  readonly boundary?: NamedDocument | undefined;
  readonly scps: readonly (readonly NamedDocument[])[];
}

export interface Grant {
  readonly kind: AccessKind;
  /** All of them, sorted. */
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Parts of the resources for which it is not so. */
  readonly except: readonly string[];
  /** What has to be so, in words; all of it. Empty: always. */
  readonly conditions: readonly string[];
  /** The conditions on the other side, where the actions were, or stay, allowed under others. */
  readonly otherwise?: readonly string[] | undefined;
  /** Action patterns of the policies from which it comes, and the names of those policies. */
  readonly patterns: readonly string[];
  readonly policies: readonly string[];
}

export interface Grants {
  readonly gains: readonly Grant[];
  readonly loses: readonly Grant[];
}

interface Verdict {
  readonly allowed: boolean;
  /** By an exact key: what has to be so, in words. */
  readonly needs: ReadonlyMap<string, string>;
  readonly by: readonly AttachedPolicy[];
}

interface Side {
  readonly prepared: PreparedPrincipal;
  readonly allows: readonly CompiledStatement[];
  readonly others: readonly CompiledStatement[];
}

/** A change at one place for one class of actions. */
interface Shift {
  readonly sign: 'gain' | 'loss';
  readonly resource: string;
  readonly actions: readonly string[];
  readonly conditions: readonly string[];
  readonly otherwise: readonly string[] | undefined;
  readonly except: readonly string[];
  readonly by: readonly AttachedPolicy[];
  /** Equal for shifts that differ only in their place. */
  readonly label: string;
}

function sideOf(shelf: Shelf, { policies, boundary, scps }: Facts): Side {
  const identity = policies.map((policy) => shelf.attached(policy, 'identity'));
  const edge = boundary && shelf.attached(boundary, 'identity');
  const levels = scps.map((level) => level.map((policy) => shelf.attached(policy, 'scp')));
  const all = identity.flatMap(({ policy }) => policy.statements);
  const limits = [...(edge === undefined ? [] : [edge]), ...levels.flat()].flatMap(({ policy }) => policy.statements);
  return {
    prepared: preparePrincipal({ identity, boundary: edge, scps: levels }),
    allows: all.filter(({ allows }) => allows),
    others: [...all.filter(({ allows }) => !allows), ...limits],
  };
}

/** An exact text for what a need asks, equal for needs of equal meaning. */
function needKey(need: Need): string {
  const refs = 'unless' in need ? [need.unless] : need.oneOf;
  const parts = refs.map(({ attached, index }) => {
    const { conditions, resource } = attached.policy.statements[index]!.source;
    const varying = (resource?.values ?? []).filter((text) => text.includes('${')).toSorted();
    return canonicalJson([
      conditions
        .map(({ operator, key, values }) => canonicalJson([operator, key.toLowerCase(), values.toSorted()]))
        .toSorted(),
      varying,
    ]);
  });
  return canonicalJson(['unless' in need ? 'unless' : 'one of', [...new Set(parts)].toSorted()]);
}

const nothing: Verdict = { allowed: false, needs: new Map(), by: [] };

function verdictOf(answer: Answer, context: PartialContext): Verdict {
  if (answer.answer === 'denied') return nothing;
  const own = 'attached' in answer.by ? [answer.by.attached] : [];
  if (answer.answer === 'allowed') return { allowed: true, needs: new Map(), by: own };
  const needs = new Map(answer.needs.map((need) => [needKey(need), needTexts([need], context)[0] ?? '']));
  const others = answer.needs.flatMap((need) =>
    'oneOf' in need && need.policyType === 'identity' ? need.oneOf.map(({ attached }) => attached) : [],
  );
  return { allowed: true, needs, by: [...own, ...others] };
}

/** What has to be so. That an unknown policy allows and that it does not deny is said once. */
function textsOf({ needs }: Verdict): string[] {
  const texts = new Set(needs.values());
  const isSaid = (text: string): boolean => texts.has(text.replace(/^unless (.*) denies it$/, 'if $1 allows it'));
  return [...texts]
    .filter((text) => text !== '' && !(text.startsWith('unless ') && isSaid(text) && text.endsWith(' denies it')))
    .toSorted();
}

const isSubset = (some: Verdict, all: Verdict): boolean => [...some.needs.keys()].every((key) => all.needs.has(key));

/** Which way it went, or `undefined` when both verdicts mean the same. */
function shiftOf(before: Verdict, after: Verdict): Pick<Shift, 'sign' | 'conditions' | 'otherwise' | 'by'> | undefined {
  if (!before.allowed && !after.allowed) return undefined;
  if (!before.allowed) return { sign: 'gain', conditions: textsOf(after), otherwise: undefined, by: after.by };
  if (!after.allowed) return { sign: 'loss', conditions: textsOf(before), otherwise: undefined, by: before.by };
  if (isSubset(before, after) && isSubset(after, before)) return undefined;
  // Fewer conditions are more access; other ones may be.
  const sign = isSubset(before, after) ? 'loss' : 'gain';
  return sign === 'gain'
    ? { sign, conditions: textsOf(after), otherwise: textsOf(before), by: after.by }
    : { sign, conditions: textsOf(before), otherwise: textsOf(after), by: before.by };
}

const variable = /\$\{\s*([^\s*?$,}][^,}]*?)\s*(?:,\s*'([^']*)'\s*)?\}/g;

/** The resources that statements name: variables by their value, or `*` where only the request tells it. */
function placesOf(statements: readonly CompiledStatement[], { known, isAbsent }: PartialContext): readonly string[] {
  const filled = (text: string): string =>
    text.replaceAll(variable, (_, key: string, fallback: string | undefined) => {
      const value = known.get(key.toLowerCase());
      if (typeof value === 'string') return value;
      return isAbsent(key.toLowerCase()) ? (fallback ?? '*') : '*';
    });
  const texts = statements.flatMap(({ source }) => source.resource?.values ?? ['*']);
  // In documents of the old version a variable is plain text, so that the text counts as it stands too.
  return [...new Set(['*', ...texts.flatMap((text) => (text.includes('${') ? [filled(text), text] : [text]))])];
}

export interface GrantScope {
  readonly catalog: Catalog;
  readonly classes: ActionClasses;
  readonly shelf: Shelf;
}

/** What changes for `principal`. `context`: what is known of its requests. */
export function grantsOf(
  { catalog, classes, shelf }: GrantScope,
  principal: Principal,
  context: PartialContext,
  before: Facts,
  after: Facts,
): Grants {
  const [old, fresh] = [sideOf(shelf, before), sideOf(shelf, after)];
  const others = [...old.others, ...fresh.others];
  const allows = [...old.allows, ...fresh.allows];
  const places = placesOf([...allows, ...others], context);
  const fitting = new Map(places.map((arn) => [arn, appliesTo(catalog, arn)]));
  const nesting = nestingOf(places);
  const shifts = classes.of(allows, others).flatMap((actions) => {
    const ask = ({ prepared }: Side, arn: string): Verdict =>
      verdictOf(
        answerOf({ principal, policies: prepared, action: actions[0]!, resource: { arn, rcps: [] }, context }),
        context,
      );
    const visits = places.map((arn): Visit => ({ arn, before: ask(old, arn), after: ask(fresh, arn) }));
    return broadestOf(
      visits.flatMap((visit) => shiftAt(visit, visits, actions, nesting)),
      nesting,
    ).map((shift) => ({
      ...shift,
      actions: actions.filter(fitting.get(shift.resource)!),
    }));
  });
  return { gains: joined(catalog, shifts, 'gain'), loses: joined(catalog, shifts, 'loss') };
}

interface Visit {
  readonly arn: string;
  readonly before: Verdict;
  readonly after: Verdict;
}

/** For each place the others that take it in. */
type Nesting = ReadonlyMap<string, readonly string[]>;

function nestingOf(places: readonly string[]): Nesting {
  return new Map(places.map((place) => [place, places.filter((it) => it !== place && globContains(it, place))]));
}

function shiftAt(
  { arn, before, after }: Visit,
  visits: readonly Visit[],
  actions: readonly string[],
  nesting: Nesting,
): Shift[] {
  const shift = shiftOf(before, after);
  if (shift === undefined) return [];
  const stays = shift.sign === 'loss';
  const isExcepted = (it: Visit): boolean =>
    it.after.allowed === stays && (shift.otherwise === undefined || !stays) && nesting.get(it.arn)!.includes(arn);
  const except = visits.filter(isExcepted).map((it) => it.arn);
  const label = JSON.stringify([shift.sign, shift.conditions, shift.otherwise ?? null, except]);
  return [{ ...shift, resource: arn, actions, except, label }];
}

/** Without those that a broader resource tells already. */
function broadestOf(shifts: readonly Shift[], nesting: Nesting): readonly Shift[] {
  const told = new Map<string, Set<string>>();
  for (const { label, resource } of shifts) {
    const resources = told.get(label);
    if (resources === undefined) told.set(label, new Set([resource]));
    else resources.add(resource);
  }
  return shifts.filter(({ label, resource }) => {
    const alike = told.get(label)!;
    return !nesting.get(resource)!.some((broader) => alike.has(broader));
  });
}

interface Group {
  readonly shifts: readonly Shift[];
  readonly kind: AccessKind;
  readonly actions: string[];
}

/** For every action, the shifts of one sign that are about it, as their numbers: `3 4`. */
function shiftsByAction(shifts: readonly Shift[], sign: Shift['sign']): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [number, shift] of shifts.entries()) {
    if (shift.sign !== sign) continue;
    for (const action of shift.actions) {
      const held = found.get(action);
      found.set(action, held === undefined ? `${number}` : `${held} ${number}`);
    }
  }
  return found;
}

/** Shifts of one sign as grants: actions of one kind that change in the same places stand together. */
function joined(catalog: Catalog, shifts: readonly Shift[], sign: Shift['sign']): Grant[] {
  // Of thousands of actions most change as others do: what is looked at is each kind and set of shifts, not each action.
  const sets = Map.groupBy(shiftsByAction(shifts, sign), ([action, set]) => `${kindOf(catalog, action)} ${set}`);
  const groups = new Map<string, Group>();
  for (const alikes of sets.values()) {
    const [first, set] = alikes[0]!;
    const kind = kindOf(catalog, first);
    const found = set.split(' ').map((number) => shifts[Number(number)]!);
    for (const alike of Map.groupBy(found, ({ label }) => label).values()) {
      const key = [kind, alike[0]!.label, ...alike.map(({ resource }) => resource).toSorted()].join('\n');
      const group = groups.get(key) ?? { shifts: alike, kind, actions: [] };
      groups.set(key, group);
      for (const [action] of alikes) group.actions.push(action);
    }
  }
  return [...groups.values()]
    .map((group) => grantOf(group))
    .toSorted(
      (a, b) => accessKinds.indexOf(a.kind) - accessKinds.indexOf(b.kind) || b.actions.length - a.actions.length,
    );
}

function grantOf({ shifts, kind, actions }: Group): Grant {
  const { conditions, otherwise, except } = shifts[0]!;
  const by = [...new Set(shifts.flatMap((shift) => shift.by))];
  const patterns = by.flatMap(({ policy }) =>
    policy.statements
      .filter(({ allows, source }) => allows && !source.action.not)
      .flatMap(({ source }) => source.action.values),
  );
  return {
    kind,
    actions: actions.toSorted(),
    resources: shifts.map(({ resource }) => resource).toSorted(),
    except,
    conditions,
    otherwise,
    patterns: [...new Set(patterns)],
    policies: [...new Set(by.flatMap(({ arn, name }) => name ?? arn ?? []))].toSorted(),
  };
}
