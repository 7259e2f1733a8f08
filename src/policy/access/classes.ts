// Actions that no policy at hand tells apart are decided together: of twenty thousand actions a few classes are left.
import type { Catalog } from '../catalog/catalog.ts';
import type { CompiledStatement } from '../document.ts';

/** Which actions statements cover; kept, since the same policies are met again and again. */
export class ActionClasses {
  readonly #catalog: Catalog;
  readonly #covered = new Map<string, ReadonlySet<string>>();
  readonly #classes = new Map<string, readonly (readonly string[])[]>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /**
   * Classes of the actions that one of `allows` covers: two actions of one class are covered by the same statements of
   * `allows` and `others`. Names that the catalogue has not stand as the policy has them.
   */
  of(allows: readonly CompiledStatement[], others: readonly CompiledStatement[]): readonly (readonly string[])[] {
    const keyOf = ({ source }: CompiledStatement): string => JSON.stringify(source.action);
    const statements = [...new Map([...allows, ...others].map((it) => [keyOf(it), it])).values()];
    const key = JSON.stringify([[...new Set(allows.map(keyOf))], statements.map(keyOf)]);
    const known = this.#classes.get(key);
    if (known !== undefined) return known;
    const covered = statements.map((it) => this.#coveredBy(it, keyOf(it)));
    const universe = new Set(allows.flatMap((it) => [...this.#coveredBy(it, keyOf(it))]));
    const classes = new Map<string, string[]>();
    for (const action of universe) {
      const isUnknown = this.#catalog.action(action) === undefined;
      const signature = covered
        .map((set, index) => (set.has(action) || (isUnknown && statements[index]!.coversAction(action)) ? '1' : '0'))
        .join('');
      const members = classes.get(signature);
      if (members === undefined) classes.set(signature, [action]);
      else members.push(action);
    }
    const found = [...classes.values()];
    this.#classes.set(key, found);
    return found;
  }

  #coveredBy({ source: { action } }: CompiledStatement, key: string): ReadonlySet<string> {
    const known = this.#covered.get(key);
    if (known !== undefined) return known;
    const named = new Set(action.values.flatMap((pattern) => this.#named(pattern)));
    const covered = action.not ? new Set(this.#catalog.expandActions('*').filter((it) => !named.has(it))) : named;
    this.#covered.set(key, covered);
    return covered;
  }

  /** An action without wildcard that the catalogue has not is one all the same: AWS adds some every week. */
  #named(pattern: string): readonly string[] {
    const found = this.#catalog.expandActions(pattern);
    return found.length === 0 && !/[*?]/.test(pattern) ? [pattern] : found;
  }
}
