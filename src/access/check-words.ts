// Words of AWS that a definition misspells: actions, services, condition keys, ARNs. What AWS may have added lately is
// not refused: only what looks like a misprint of something known.
import { loadCatalog, validatePolicy, type Catalog, type LintKind } from '../policy/index.ts';
import type { Definition, StatementEntry } from './model.ts';
import type { Path, Problem } from './problems.ts';

interface Place {
  readonly path: Path;
  readonly statement: StatementEntry;
  readonly kind: LintKind;
}

interface Carrier {
  readonly statements?: readonly StatementEntry[] | undefined;
  readonly inline?: Readonly<Record<string, readonly StatementEntry[]>> | undefined;
}

function carried(entry: Carrier, path: Path, kind: LintKind = 'identity'): Place[] {
  const lists: readonly (readonly [Path, readonly StatementEntry[]])[] = [
    [[...path, 'statements'], entry.statements ?? []],
    ...Object.entries(entry.inline ?? {}).map(([name, list]) => [[...path, 'inline', name], list] as const),
  ];
  return lists.flatMap(([place, list]) =>
    list.map((statement, index): Place => ({ path: [...place, index], statement, kind })),
  );
}

/** Every statement that a definition writes, with its place. */
function statementPlaces(definition: Definition): Place[] {
  const entries = (part: 'policies' | 'groups' | 'people' | 'roles'): [string, Carrier][] =>
    Object.entries(definition[part] ?? {});
  return [
    ...(['policies', 'groups', 'people', 'roles'] as const).flatMap((part) =>
      entries(part).flatMap(([name, entry]) => carried(entry, [part, name])),
    ),
    ...Object.entries(definition.roles ?? {}).flatMap(([name, { per = [] }]) =>
      per.flatMap((variant, index) => carried(variant, ['roles', name, 'per', index])),
    ),
    ...Object.entries(definition.guardrails ?? {}).flatMap(([name, entry]) =>
      carried(entry, ['guardrails', name], entry.type),
    ),
  ];
}

/** `$.Statement[0].Condition.StringEquals.aws:key` from the statement on; a condition key may hold points itself. */
function pathWithin(place: string): Path {
  const inside = place.replace(/^\$\.Statement(?:\[0\])?\.?/, '');
  const condition = /^Condition\.([^.[]+)\.(.+)$/.exec(inside);
  if (condition !== null) return ['Condition', condition[1]!, condition[2]!.replace(/\[\d+\]$/, '')];
  return [...inside.matchAll(/([A-Za-z]\w*)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index));
}

function problemsOf({ path, statement, kind }: Place, catalog: Catalog): Problem[] {
  const { only: _only, except: _except, expires: _expires, reason: _reason, owner: _owner, ...rest } = statement;
  const own = kind === 'rcp' ? { ...rest, Principal: '*' } : rest;
  return validatePolicy({ Version: '2012-10-17', Statement: [own] }, { kind, catalog })
    .filter(({ severity, code }) => severity === 'error' && /^invalid-|^missing-arn-field$/.test(code))
    .map(({ path: place, message, cure }) => ({ path: [...path, ...pathWithin(place)], message, hint: cure }));
}

/** Words in statements that AWS does not know, and that look like misprints of words it knows. */
export async function wordProblems(definition: Definition): Promise<Problem[]> {
  const places = statementPlaces(definition);
  if (places.length === 0) return [];
  const catalog = await loadCatalog();
  return places.flatMap((place) => problemsOf(place, catalog));
}
