// Building the context of a request.
import type { Context } from './types.ts';

export type ContextValue = string | number | boolean | readonly (string | number | boolean)[];

/**
 * A context from keys as people and AWS write them: keys become lower-case, values text, `undefined` is left out.
 * A list makes the key multivalued, even with one value in it.
 */
export function contextOf(record: Readonly<Record<string, ContextValue | undefined>>): Context {
  const context = new Map<string, string | readonly string[]>();
  for (const key in record) {
    const value = record[key];
    if (value === undefined) continue;
    context.set(key.toLowerCase(), typeof value === 'object' ? value.map(String) : String(value));
  }
  return context;
}
