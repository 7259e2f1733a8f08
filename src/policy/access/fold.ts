// Long lists of actions in the words of the policies that they come from.
import type { Catalog } from '../catalog/catalog.ts';

export interface Folded {
  /** `s3:Get*` or `s3:GetObject`. */
  readonly text: string;
  /** How many of the actions it stands for. */
  readonly count: number;
}

/** Up to as many actions are told one by one. */
const few = 3;

/**
 * `actions` as the fewest of `patterns` that cover nothing else among the actions of the same `isKind`, and the rest
 * one by one. Patterns of whole services are tried as well.
 */
export function foldActions(
  catalog: Catalog,
  actions: readonly string[],
  patterns: Iterable<string>,
  isKind: (action: string) => boolean,
): readonly Folded[] {
  const one = (action: string): Folded => ({ text: action, count: 1 });
  if (actions.length <= few) return actions.map(one);
  const left = new Set(actions);
  const all = new Set(actions);
  const services = [...new Set(actions.map((action) => `${action.split(':', 1)[0]!}:*`))];
  const candidates = [...new Set([...patterns, ...(services.length > 1 ? ['*'] : []), ...services])]
    .filter((pattern) => /[*?]/.test(pattern))
    .map((pattern) => ({ pattern, covered: catalog.expandActions(pattern).filter(isKind) }))
    .filter(({ covered }) => covered.length > 1 && covered.every((action) => all.has(action)))
    .toSorted((a, b) => b.covered.length - a.covered.length);
  const folded: Folded[] = [];
  for (const { pattern, covered } of candidates) {
    const fresh = covered.filter((action) => left.has(action));
    if (fresh.length <= 1) continue;
    folded.push({ text: pattern, count: covered.length });
    for (const action of fresh) left.delete(action);
  }
  return [...folded, ...[...left].map(one)];
}
