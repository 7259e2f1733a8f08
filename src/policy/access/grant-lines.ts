// What somebody gains or loses as lines for people: by the names of policies where they give much, else by kind of access
// and action.
import type { Catalog } from '../catalog/catalog.ts';
import { foldActions } from './fold.ts';
import type { Grant } from './grants.ts';
import { accessKinds, appliesTo, kindOf, kindWords, type AccessKind } from './kinds.ts';

export interface LineOptions {
  /** How many things a list names before it counts the rest; one more is named rather than counted. */
  readonly most?: number | undefined;
  /** Which kinds of access are told as one. */
  readonly classOf?: ((kind: AccessKind) => AccessKind) | undefined;
}

/** `dev, test and 18 more`. */
export function shortList(items: readonly string[], most = 3): string {
  if (items.length <= most + 1) return items.join(', ');
  return `${items.slice(0, most - 1).join(', ')} and ${items.length - most + 1} more`;
}

export const counted = (count: number): string => count.toLocaleString('en-US');

export function sideText(conditions: readonly string[]): string {
  return conditions.length === 0 ? 'without condition' : conditions.join(', ');
}

/** Where, except where, and under which conditions, as the end of a line. */
export function suffixOf({ resources, except, conditions, otherwise }: Grant, sign: '+' | '-', most = 3): string {
  const places = resources.length === 1 && resources[0] === '*' ? '' : ` on ${shortList(resources, most)}`;
  const without = except.length === 0 ? '' : ` except ${shortList(except, most)}`;
  const change = otherwise === undefined ? '' : ` (${sign === '+' ? 'formerly' : 'now'} ${sideText(otherwise)})`;
  return `${places}${without}${conditions.map((it) => `, ${it}`).join('')}${change}`;
}

export interface GrantLine {
  readonly text: string;
  readonly kind: AccessKind;
  /** Position in `accessKinds`; losses come after all gains. */
  readonly gravity: number;
  /** What the line is of; of one that tells a whole policy there is more than one kind. */
  readonly grants: readonly Grant[];
}

const width = Math.max(...Object.values(kindWords).map(({ length }) => length));

/** How the text of a line begins, in a column. */
export const kindColumn = (kind: AccessKind): string => kindWords[kind].padEnd(width);

export const gravityOf = (kind: AccessKind, sign: '+' | '-'): number =>
  accessKinds.indexOf(kind) + (sign === '+' ? 0 : accessKinds.length);

/** Grants of kinds that are told as one, put together where nothing but the kind tells them apart. */
function classed(grants: readonly Grant[], classOf: (kind: AccessKind) => AccessKind): readonly Grant[] {
  const alike = Map.groupBy(grants, ({ kind, actions: _actions, ...rest }) => JSON.stringify([classOf(kind), rest]));
  return [...alike.values()].map((some) => ({
    ...some[0]!,
    kind: classOf(some[0]!.kind),
    actions: some.flatMap(({ actions }) => actions).toSorted(),
  }));
}

/** Lines for grants of one sign. What a policy gives by many patterns is told by its name, with how many of each kind. */
export function grantLines(
  catalog: Catalog,
  all: readonly Grant[],
  sign: '+' | '-',
  { most = 3, classOf = (kind) => kind }: LineOptions = {},
): GrantLine[] {
  const grants = classed(all, classOf);
  const suffix = (grant: Grant): string => suffixOf(grant, sign, most);
  const bundles = Map.groupBy(grants, (grant) => JSON.stringify([suffixOf(grant, sign, Infinity), grant.policies]));
  return [...bundles.values()].flatMap((bundle): GrantLine[] => {
    const folded = bundle.map((grant) => {
      const fitting = grant.resources.map((resource) => appliesTo(catalog, resource));
      const isAlike = (action: string): boolean =>
        classOf(kindOf(catalog, action)) === grant.kind && fitting.some((fits) => fits(action));
      return { grant, texts: foldActions(catalog, grant.actions, grant.patterns, isAlike) };
    });
    const isAll = folded.length > 1 && folded.every(({ texts }) => texts.length === 1 && texts[0]!.text === '*');
    const { policies, kind } = bundle[0]!;
    if (isAll || (policies.length === 1 && folded.some(({ texts }) => texts.length > most + 1))) {
      const counts = bundle.map((grant) => `${counted(grant.actions.length)} ${kindWords[grant.kind]}`);
      const what = isAll ? 'everything' : policies[0]!;
      const text = `${sign} ${what}${suffix(bundle[0]!)}: ${counts.join(', ')}`;
      return [{ text, kind, gravity: gravityOf(kind, sign), grants: bundle }];
    }
    return folded.map(({ grant, texts }) => {
      const actions = texts.map(({ text, count }) => (count > 1 ? `${text} (${counted(count)})` : text));
      const rest = grant.actions.length - texts.slice(0, most).reduce((sum, { count }) => sum + count, 0);
      const shown =
        texts.length <= most + 1 ? actions.join(', ') : `${actions.slice(0, most).join(', ')} and ${rest} more`;
      return {
        text: `${sign} ${kindColumn(grant.kind)}  ${shown}${suffix(grant)}`,
        kind: grant.kind,
        gravity: gravityOf(grant.kind, sign),
        grants: [grant],
      };
    });
  });
}
