// Why a field cannot be read, in the words in which Vault's language tells it (mapstructure, strconv, time);
// what would be right goes into the hint of the failure.
import type { FieldType } from './fields.ts';

/** Vault's name of a type that a value was to be decoded into; the others are told in our words. */
const goTypes: { readonly [T in FieldType]?: string } = {
  string: 'string',
  int: 'int',
  float: 'float64',
  boolean: 'bool',
};
const parsers: Readonly<Record<string, string>> = {
  int: 'strconv.ParseInt',
  float64: 'strconv.ParseFloat',
  bool: 'strconv.ParseBool',
};

export function fieldProblem(type: FieldType, given: unknown): string | undefined {
  if (type === 'seconds' || type === 'signedSeconds') return durationProblem(given);
  if (type === 'list' || type === 'strings') {
    const items: readonly unknown[] = Array.isArray(given) ? (given as readonly unknown[]) : [given];
    const at = items.findIndex((item) => typeof item === 'object');
    const text = `'[${at}]' expected type 'string', got unconvertible type '${goType(items[at])}', value: '${goValue(items[at])}'`;
    return `1 error(s) decoding:\n\n* ${text}`;
  }
  if (type === 'map') return pairProblem(given);
  const wanted = goTypes[type];
  if (wanted === undefined) return undefined;
  if (typeof given === 'object') return `'' expected type '${wanted}', got unconvertible type '${goType(given)}'`;
  return `'' cannot parse value as '${wanted}': ${parsers[wanted] ?? 'strconv.Unquote'}: invalid syntax`;
}

/** The first of `k=v` that is none. */
function pairProblem(given: unknown): string | undefined {
  const items: readonly unknown[] = Array.isArray(given) ? (given as readonly unknown[]) : [given];
  const bad = items
    .filter((item) => typeof item !== 'object')
    .map(goValue)
    .find((item) => item.indexOf('=') <= 0);
  return bad === undefined ? undefined : `invalid key pair ${JSON.stringify(bad)}`;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  return typeof value === 'object' && value !== null ? 'map[string]interface {}' : typeof value;
}

/** As `%v` prints it. */
function goValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return value === null ? '<nil>' : JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${members.map(([name, member]) => `${name}:${goValue(member)}`).join(' ')}]`;
}

/** Why a text is no duration. */
export function durationProblem(given: unknown): string {
  if (typeof given !== 'string' && typeof given !== 'number') return 'could not parse duration from input';
  const text = String(given);
  if (/^-\d/.test(text)) return `cannot provide negative value '${text}'`;
  const unit = /^\d+(?:\.\d+)?([a-z]+)$/i.exec(text)?.[1];
  if (/^\d*\.\d*$/.test(text) && /\d/.test(text)) return `time: missing unit in duration ${JSON.stringify(text)}`;
  if (unit === undefined) return `time: invalid duration ${JSON.stringify(text)}`;
  return `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`;
}
