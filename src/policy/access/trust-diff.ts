// Who may newly become a role and who no longer, and under which conditions fewer or more: the Allows of a trust
// policy, principal by principal.
import { canonicalJson } from '../../base/index.ts';
import type { ConditionSource } from '../conditions.ts';
import type { CompiledPolicy } from '../document.ts';
import { operatorKind, readOperator } from '../operators.ts';
import { accountOf } from '../principals.ts';
import { conditionText } from './condition-text.ts';

export interface TrustShift {
  /** `account 111111111111`, an ARN, a service, a provider, `everyone`. */
  readonly principal: string;
  /** What must hold for it, in words; of a shift of conditions, those on the new side. */
  readonly conditions: readonly string[];
  /** The conditions before, of somebody who was trusted already. */
  readonly formerly?: readonly string[] | undefined;
}

export interface TrustDiff {
  readonly widened: readonly TrustShift[];
  readonly narrowed: readonly TrustShift[];
}

/** One way in: a statement's conditions. */
interface WayIn {
  readonly conditions: ReadonlyMap<string, ConditionSource>;
  readonly key: string;
}

/** End of the ARN of somebody who is nobody: a trust that asks for him is closed. */
export const nobody = ':user/stint/nobody';

const isClosed = ({ operator, key, values }: ConditionSource): boolean =>
  operator === 'ArnEquals' && key.toLowerCase() === 'aws:principalarn' && values.every((arn) => arn.endsWith(nobody));

const sameOperator = (operator: string): string =>
  operator.replace('ArnEquals', 'ArnLike').replace('ArnNotEquals', 'ArnNotLike');

function keyOf({ operator, key, values }: ConditionSource): string {
  const folded = /Bool|Null/.test(operator) ? values.map((value) => value.toLowerCase()) : values;
  return canonicalJson([sameOperator(operator), key.toLowerCase(), [...new Set(folded)].toSorted()]);
}

function wayOf(conditions: readonly ConditionSource[]): WayIn {
  const byKey = new Map(conditions.map((condition) => [keyOf(condition), condition]));
  return { conditions: byKey, key: canonicalJson([...byKey.keys()].toSorted()) };
}

function principalName(type: string, name: string): string {
  const account = accountOf(name);
  if (name === '*') return 'everyone';
  return type === 'AWS' && account !== undefined ? `account ${account}` : name;
}

/** By principal: the ways in that the policy gives it, and the denials that hold for it. */
function waysOf(policy: CompiledPolicy, allows: boolean): Map<string, Map<string, WayIn>> {
  const found = new Map<string, Map<string, WayIn>>();
  for (const statement of policy.statements) {
    const { source } = statement;
    if (statement.allows !== allows || source.principal === undefined || source.conditions.some(isClosed)) continue;
    const names = Object.entries(source.principal.who).flatMap(([type, list]: [string, readonly string[]]) =>
      list.map((name) => principalName(type, name)),
    );
    const way = wayOf(source.conditions);
    for (const name of names) found.set(name, (found.get(name) ?? new Map<string, WayIn>()).set(way.key, way));
  }
  return found;
}

const wordsOf = ({ conditions }: WayIn): string[] =>
  [...conditions.values()].map((condition) => conditionText(condition)).toSorted();

/**
 * Whether whoever passes `narrow` passes `wide` too: each condition of the wide one is there, with no more values, or for
 * a negated operator no fewer.
 */
function includes(wide: WayIn, narrow: WayIn): boolean {
  return [...wide.conditions].every(([key, wanted]) => {
    if (narrow.conditions.has(key)) return true;
    const negated = operatorKind(readOperator(wanted.operator)?.name ?? '')?.negated === true;
    return [...narrow.conditions.values()].some((held) => {
      if (
        sameOperator(held.operator) !== sameOperator(wanted.operator) ||
        held.key.toLowerCase() !== wanted.key.toLowerCase()
      )
        return false;
      const [few, many] = negated ? [wanted.values, held.values] : [held.values, wanted.values];
      return few.every((value) => many.includes(value));
    });
  });
}

/** Ways of `these` that none of `those` includes already. */
function beyond(
  these: ReadonlyMap<string, WayIn> | undefined,
  those: ReadonlyMap<string, WayIn> | undefined,
): readonly WayIn[] {
  return [...(these?.values() ?? [])].filter(
    (way) => ![...(those?.values() ?? [])].some((other) => includes(other, way)),
  );
}

function shifts(
  these: ReadonlyMap<string, ReadonlyMap<string, WayIn>>,
  those: ReadonlyMap<string, ReadonlyMap<string, WayIn>>,
): TrustShift[] {
  return [...these].flatMap(([principal, ways]) => {
    const others = those.get(principal);
    return beyond(ways, others).map((way): TrustShift => {
      const formerly = others && [...others.values()].flatMap(wordsOf);
      return {
        principal,
        conditions: wordsOf(way),
        ...(formerly === undefined ? {} : { formerly: [...new Set(formerly)] }),
      };
    });
  });
}

/** A denial that is there on one side only, told as what it takes away. */
function denials(
  these: ReadonlyMap<string, ReadonlyMap<string, WayIn>>,
  those: ReadonlyMap<string, ReadonlyMap<string, WayIn>>,
): TrustShift[] {
  return [...these].flatMap(([principal, ways]) =>
    [...ways.values()]
      .filter((way) => !those.get(principal)?.has(way.key))
      .map((way): TrustShift => ({
        principal,
        conditions: [...way.conditions.values()].map((it) => conditionText(it)),
      })),
  );
}

/** The difference of two trust policies by meaning; `undefined` stands for a role that is not there. */
export function trustDiff(before: CompiledPolicy | undefined, after: CompiledPolicy | undefined): TrustDiff {
  const none = new Map<string, Map<string, WayIn>>();
  const ways = (policy: CompiledPolicy | undefined, allows: boolean) =>
    policy === undefined ? none : waysOf(policy, allows);
  const [old, fresh] = [ways(before, true), ways(after, true)];
  const [oldDenials, freshDenials] = [ways(before, false), ways(after, false)];
  const gone = before === undefined || after === undefined;
  return {
    widened: [...shifts(fresh, old), ...(gone ? [] : denials(oldDenials, freshDenials))],
    narrowed: [...shifts(old, fresh), ...(gone ? [] : denials(freshDenials, oldDenials))],
  };
}
