// Policies under a context of which only a part is known. A statement that hangs on an unknown key is uncertain, and
// one hedged context says of all of them at once which way they fall: for the caller, or against. Since an Allow more
// never refuses and a Deny more never allows, the two decisions enclose that of every full context.
import type { Condition } from '../conditions.ts';
import { statementKeys } from '../context-keys.ts';
import type { CompiledPolicy, CompiledStatement } from '../document.ts';
import { wildcardMatcher } from '../pattern.ts';
import type { Context } from '../types.ts';
import { Layers } from './layers.ts';

/** What is known of a request's context. Keys are lower-case. */
export interface PartialContext {
  readonly known: Context;
  /** Keys that the request surely has not; every other key that is not `known` is unknown. */
  readonly isAbsent: (key: string) => boolean;
}

/** Whether nobody knows if, and with which value, a request has the key. */
export function isUnknown({ known, isAbsent }: PartialContext, key: string): boolean {
  return !known.has(key) && !isAbsent(key);
}

/** A context that answers for uncertain statements too. For the evaluator it holds the known keys. */
export class HedgedContext extends Layers {
  readonly partial: PartialContext;
  readonly #forCaller: boolean;
  readonly #favoured: ReadonlySet<CompiledStatement>;

  /** `favoured`: statements that fall for the caller though all others fall against. */
  constructor(partial: PartialContext, forCaller: boolean, favoured: ReadonlySet<CompiledStatement> = new Set()) {
    super([partial.known]);
    this.partial = partial;
    this.#forCaller = forCaller;
    this.#favoured = favoured;
  }

  /** Whether an uncertain statement applies. */
  applies(statement: CompiledStatement): boolean {
    return (this.#forCaller || this.#favoured.has(statement)) === statement.allows;
  }
}

const variables = /\$\{\s*([^\s*?$,}][^,}]*?)\s*(?:,[^}]*)?\}/g;

const leftToCaller = new Set(['sts:sourceidentity', 'sts:rolesessionname']);

/** Whether the caller meets a condition of an Allow by leaving its key out of the request: `…IfExists` on what he sends. */
export function canBeLeftOut({ key, operator }: Condition['source'], allows: boolean): boolean {
  return allows && operator.endsWith('IfExists') && leftToCaller.has(key.toLowerCase());
}

class HedgedCondition implements Condition {
  readonly source: Condition['source'];
  readonly #inner: Condition;
  readonly #owner: CompiledStatement;
  readonly #canBeLeftOut: boolean;
  /** The key and the variables in the values; none where the key is left out unless it is known. */
  readonly keys: readonly string[];

  constructor(inner: Condition, owner: CompiledStatement, hasVariables: boolean) {
    this.source = inner.source;
    this.#inner = inner;
    this.#owner = owner;
    const { key, values } = inner.source;
    const named = hasVariables ? values.flatMap((text) => Array.from(text.matchAll(variables), (it) => it[1]!)) : [];
    this.#canBeLeftOut = canBeLeftOut(inner.source, owner.allows);
    this.keys = this.#canBeLeftOut ? [] : [...new Set([key, ...named].map((text) => text.toLowerCase()))];
  }

  holds(context: Context): boolean {
    if (!(context instanceof HedgedContext)) return this.#inner.holds(context);
    if (this.#canBeLeftOut && isUnknown(context.partial, this.source.key.toLowerCase())) return true;
    const uncertain = this.keys.some((key) => isUnknown(context.partial, key));
    return uncertain ? context.applies(this.#owner) : this.#inner.holds(context);
  }
}

/** A statement that knows what it hangs on. */
export class HedgedStatement implements CompiledStatement {
  readonly index: number;
  readonly source: CompiledStatement['source'];
  readonly allows: boolean;
  readonly principal: CompiledStatement['principal'];
  readonly conditions: readonly HedgedCondition[];
  readonly #inner: CompiledStatement;
  /** Nothing of its policy is known. */
  readonly isUnreadable: boolean;
  /** Resources with variables: the keys, and the resources with `*` in place of the variables. */
  readonly #varying: readonly { readonly keys: readonly string[]; readonly matches: (arn: string) => boolean }[];

  constructor(inner: CompiledStatement, hasVariables: boolean, unreadable: boolean) {
    this.#inner = inner;
    this.isUnreadable = unreadable;
    this.index = inner.index;
    this.source = inner.source;
    this.allows = inner.allows;
    this.principal = inner.principal;
    this.conditions = inner.conditions.map((condition) => new HedgedCondition(condition, this, hasVariables));
    this.#varying = (hasVariables ? (inner.source.resource?.values ?? []) : [])
      .map((text) => ({
        keys: Array.from(text.matchAll(variables), ([, key]) => key!.toLowerCase()),
        matches: wildcardMatcher(text.replaceAll(/\$\{[^}]*\}/g, '*')),
      }))
      .filter(({ keys }) => keys.length > 0);
  }

  coversAction(action: string): boolean {
    return this.#inner.coversAction(action);
  }

  coversResource(arn: string, context: Context): boolean {
    if (!(context instanceof HedgedContext)) return this.#inner.coversResource(arn, context);
    return this.#isUncertain(arn, context.partial) ? context.applies(this) : this.#inner.coversResource(arn, context);
  }

  /** Keys on which it hangs, as the policy spells them, whether this resource is covered or the conditions hold. */
  unknownKeys(partial: PartialContext): readonly string[] {
    const leftOut = this.conditions
      .filter(({ keys }) => keys.length === 0)
      .map(({ source }) => source.key.toLowerCase());
    return statementKeys(this.source, true).filter(
      (key) => isUnknown(partial, key.toLowerCase()) && !leftOut.includes(key.toLowerCase()),
    );
  }

  /** Its conditions of which nobody knows whether they hold. */
  unknownConditions(partial: PartialContext): readonly Condition['source'][] {
    return this.conditions
      .filter(({ keys }) => keys.some((key) => isUnknown(partial, key)))
      .map(({ source }) => source);
  }

  // A variable of an unknown key may stand for any text; what does not even match `*` is out.
  #isUncertain(arn: string, partial: PartialContext): boolean {
    if (this.isUnreadable) return true;
    return this.#varying.some(({ keys, matches }) => keys.some((key) => isUnknown(partial, key)) && matches(arn));
  }
}

/** The policy with statements that a `HedgedContext` can bend. `unreadable`: nothing of it is known. */
export function hedgePolicy(policy: CompiledPolicy, unreadable = false): CompiledPolicy {
  const hasVariables = policy.document.version === '2012-10-17';
  const statements = policy.statements.map((it) => new HedgedStatement(it, hasVariables, unreadable));
  return {
    ...policy,
    statements,
    statementsFor: (action) => policy.statementsFor(action).map(({ index }) => statements[index]!),
  };
}
