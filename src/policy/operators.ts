// The condition operators: their names, and one tester per family that says whether a request value
// matches any of the policy's values. Set qualifiers, `IfExists` and missing keys are in conditions.ts.
import { compileArnPattern } from './arn-pattern.ts';
import { compilePattern, type TextPattern } from './pattern.ts';
import type { Context } from './types.ts';
import { rangeContains, readBinary, readBoolean, readDate, readIpRange, readNumber } from './values.ts';

/** True when the request's value matches one of the policy's values. */
export type ValueTest = (seen: string, context: Context) => boolean;

interface OperatorKind {
  /** `StringNotEquals` and its like: holds when no value matches. */
  readonly negated: boolean;
  readonly compile: (values: readonly string[], variables: boolean) => ValueTest;
}

export type Qualifier = 'ForAllValues' | 'ForAnyValue' | undefined;

export interface Operator {
  readonly qualifier: Qualifier;
  /** Name without qualifier and suffix. */
  readonly name: string;
  readonly ifExists: boolean;
}

const anyOf =
  (patterns: readonly TextPattern[]): ValueTest =>
  (seen, context) => {
    for (const pattern of patterns) if (pattern.matches(seen, context)) return true;
    return false;
  };

const text =
  (wildcards: boolean, ignoreCase: boolean) =>
  (values: readonly string[], variables: boolean): ValueTest =>
    anyOf(values.map((value) => compilePattern(value, { variables, wildcards, ignoreCase })));

/** Compares typed values: both sides are read once, what cannot be read matches nothing. */
const typed =
  <Value>(read: (text: string) => Value | undefined, match: (seen: Value, wanted: Value) => boolean) =>
  (values: readonly string[]): ValueTest => {
    const wanted = values.map(read).filter((value) => value !== undefined);
    return (seen) => {
      const value = read(seen);
      if (value === undefined) return false;
      for (const other of wanted) if (match(value, other)) return true;
      return false;
    };
  };

const arns = (values: readonly string[], variables: boolean): ValueTest =>
  anyOf(values.map((value) => compileArnPattern(value, variables)));

/** A boolean may come from a variable, so the policy's text is compared after substitution. */
function booleans(values: readonly string[], variables: boolean): ValueTest {
  const test = text(false, true)(values, variables);
  return (seen, context) => readBoolean(seen) !== undefined && test(seen, context);
}

const numeric = (match: (seen: number, wanted: number) => boolean): OperatorKind['compile'] => typed(readNumber, match);
const date = (match: (seen: number, wanted: number) => boolean): OperatorKind['compile'] => typed(readDate, match);
const same = <Value>(seen: Value, wanted: Value): boolean => seen === wanted;
const less = (seen: number, wanted: number): boolean => seen < wanted;
const lessOrSame = (seen: number, wanted: number): boolean => seen <= wanted;
const more = (seen: number, wanted: number): boolean => seen > wanted;
const moreOrSame = (seen: number, wanted: number): boolean => seen >= wanted;
const ips = typed(readIpRange, (seen, wanted) => rangeContains(wanted, seen));

const holds = (compile: OperatorKind['compile']): OperatorKind => ({ negated: false, compile });
const fails = (compile: OperatorKind['compile']): OperatorKind => ({ negated: true, compile });

// Names are compared with case, as the grammar writes them. `Null` is not here: it asks for the key, not for its value.
const operators: ReadonlyMap<string, OperatorKind> = new Map([
  ['StringEquals', holds(text(false, false))],
  ['StringNotEquals', fails(text(false, false))],
  ['StringEqualsIgnoreCase', holds(text(false, true))],
  ['StringNotEqualsIgnoreCase', fails(text(false, true))],
  ['StringLike', holds(text(true, false))],
  ['StringNotLike', fails(text(true, false))],
  ['NumericEquals', holds(numeric(same))],
  ['NumericNotEquals', fails(numeric(same))],
  ['NumericLessThan', holds(numeric(less))],
  ['NumericLessThanEquals', holds(numeric(lessOrSame))],
  ['NumericGreaterThan', holds(numeric(more))],
  ['NumericGreaterThanEquals', holds(numeric(moreOrSame))],
  ['DateEquals', holds(date(same))],
  ['DateNotEquals', fails(date(same))],
  ['DateLessThan', holds(date(less))],
  ['DateLessThanEquals', holds(date(lessOrSame))],
  ['DateGreaterThan', holds(date(more))],
  ['DateGreaterThanEquals', holds(date(moreOrSame))],
  ['Bool', holds(booleans)],
  ['BinaryEquals', holds(typed(readBinary, same))],
  ['IpAddress', holds(ips)],
  ['NotIpAddress', fails(ips)],
  ['ArnEquals', holds(arns)],
  ['ArnLike', holds(arns)],
  ['ArnNotEquals', fails(arns)],
  ['ArnNotLike', fails(arns)],
]);

/** The operator's kind by its bare name; `undefined` for `Null`. */
export function operatorKind(name: string): OperatorKind | undefined {
  return operators.get(name);
}

/** Reads `ForAnyValue:StringLikeIfExists` and the like; `undefined` when there is no such operator. */
export function readOperator(written: string): Operator | undefined {
  const parts = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(written);
  if (parts === null) return undefined;
  const [, qualifier, name, suffix] = parts;
  if (name === 'Null') return suffix === undefined && qualifier === undefined ? plain('Null') : undefined;
  if (!operators.has(name!)) return undefined;
  return { qualifier: qualifier as Qualifier, name: name!, ifExists: suffix !== undefined };
}

const plain = (name: string): Operator => ({ qualifier: undefined, name, ifExists: false });
