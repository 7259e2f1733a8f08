// Parts of a request kept as they came: tables hold JSON, so a date is kept by its milliseconds.

/** A date becomes its milliseconds under a name no document has. */
export function toKept(value: unknown): unknown {
  if (value instanceof Date) return { '#date': value.getTime() };
  if (Array.isArray(value)) return value.map(toKept);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toKept(member)]));
}

/** What `toKept` was given. */
export function fromKept(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromKept);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if ('#date' in value) return new Date(value['#date'] as number);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fromKept(member)]));
}
