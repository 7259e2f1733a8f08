// One line of a Condition block, compiled: operator, key, values. Source of every rule: IAM user guide,
// "Condition operators" and "Creating a condition with multiple keys or values".
import { operatorKind, readOperator, type Qualifier, type ValueTest } from './operators.ts';
import type { Context } from './types.ts';
import { readBoolean } from './values.ts';

/** A condition as the document has it. */
export interface ConditionSource {
  /** `ForAnyValue:StringLikeIfExists`. */
  readonly operator: string;
  /** As written; compared without case. */
  readonly key: string;
  readonly values: readonly string[];
}

export interface Condition {
  readonly source: ConditionSource;
  holds(context: Context): boolean;
}

export interface ConditionOptions {
  /** `${key}` is a variable: version 2012-10-17. */
  readonly variables: boolean;
  /**
   * What an undefined comparison counts as: several request values without a set qualifier. False in an Allow and
   * true in a Deny, so that doubt refuses.
   */
  readonly onDoubt: boolean;
}

class NullCondition implements Condition {
  readonly source: ConditionSource;
  readonly #key: string;
  readonly #wanted: readonly boolean[];

  constructor(source: ConditionSource) {
    this.source = source;
    this.#key = source.key.toLowerCase();
    this.#wanted = source.values.map(readBoolean).filter((value) => value !== undefined);
  }

  holds(context: Context): boolean {
    return this.#wanted.includes(valueOf(context, this.#key) === undefined);
  }
}

/** A key with an empty list of values is absent. */
function valueOf(context: Context, key: string): string | readonly string[] | undefined {
  const value = context.get(key);
  return typeof value === 'object' && value.length === 0 ? undefined : value;
}

class ValueCondition implements Condition {
  readonly source: ConditionSource;
  readonly #key: string;
  readonly #qualifier: Qualifier;
  readonly #ifExists: boolean;
  readonly #negated: boolean;
  readonly #onDoubt: boolean;
  readonly #test: ValueTest;

  constructor(source: ConditionSource, options: ConditionOptions) {
    const operator = readOperator(source.operator)!;
    const kind = operatorKind(operator.name)!;
    this.source = source;
    this.#key = source.key.toLowerCase();
    this.#qualifier = operator.qualifier;
    this.#ifExists = operator.ifExists;
    this.#negated = kind.negated;
    this.#onDoubt = options.onDoubt;
    this.#test = kind.compile(source.values, options.variables);
  }

  holds(context: Context): boolean {
    const value = valueOf(context, this.#key);
    if (value === undefined) return this.#absent();
    if (this.#qualifier !== undefined) return this.#set(value, context);
    if (typeof value === 'string') return this.#one(value, context);
    return value.length === 1 ? this.#one(value[0]!, context) : this.#onDoubt;
  }

  #one(value: string, context: Context): boolean {
    return this.#test(value, context) !== this.#negated;
  }

  #absent(): boolean {
    if (this.#ifExists) return true;
    if (this.#qualifier === undefined) return this.#negated;
    return this.#qualifier === 'ForAllValues';
  }

  /** An empty text is a null data set: all of nothing holds, any of nothing does not. */
  #set(value: string | readonly string[], context: Context): boolean {
    const values = typeof value === 'string' ? (value === '' ? [] : [value]) : value;
    return this.#qualifier === 'ForAllValues'
      ? values.every((each) => this.#one(each, context))
      : values.some((each) => this.#one(each, context));
  }
}

/** Compiles a condition whose operator exists (the grammar has checked it). */
export function compileCondition(source: ConditionSource, options: ConditionOptions): Condition {
  return readOperator(source.operator)!.name === 'Null'
    ? new NullCondition(source)
    : new ValueCondition(source, options);
}
