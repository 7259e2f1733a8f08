// Values for every member of a schema, made from the SDK's own run-time schemas, so that the judge of
// the wire tables is not the table itself.
import { NormalizedSchema } from '@smithy/core/schema';

type Schema = ReturnType<typeof NormalizedSchema.of>;

export type Fullness = 'minimal' | 'full';

const maxDepth = 7;

/** An input or output of the schema: required members only, or every member, nested ones included. */
export function sampleOf(schema: unknown, fullness: Fullness): Record<string, unknown> {
  const normalized = NormalizedSchema.of(schema as never);
  return normalized.isStructSchema() ? structure(normalized, fullness, 0) : {};
}

function structure(schema: Schema, fullness: Fullness, depth: number): Record<string, unknown> {
  const raw = schema.getSchema() as unknown as readonly unknown[];
  const required = typeof raw[6] === 'number' ? raw[6] : 0;
  const values: Record<string, unknown> = {};
  let index = 0;
  for (const [name, member] of schema.structIterator()) {
    if (index++ >= required && fullness === 'minimal') continue;
    const value = valueOf(member, fullness, depth + 1, name);
    if (value !== undefined) values[name] = value;
    // Of a union, exactly one member is there.
    if (schema.isUnionSchema() && value !== undefined) break;
  }
  // A nested structure without members cannot be told from none on most wires.
  const first = [...schema.structIterator()][0];
  if (depth > 0 && Object.keys(values).length === 0 && first !== undefined) {
    values[first[0]] = valueOf(first[1], fullness, depth + 1, first[0]);
  }
  return values;
}

function valueOf(schema: Schema, fullness: Fullness, depth: number, name: string): unknown {
  if (schema.isListSchema()) {
    if (depth > maxDepth) return undefined;
    const item = valueOf(schema.getValueSchema(), fullness, depth + 1, name);
    return item === undefined ? undefined : [item, item];
  }
  if (schema.isMapSchema()) {
    const prefix = (schema.getMergedTraits() as Record<string, unknown>)['httpPrefixHeaders'];
    const value = prefix === undefined ? valueOf(schema.getValueSchema(), fullness, depth + 1, name) : `${name}-value`;
    return value === undefined ? undefined : { 'a-key': value, 'b-key': value };
  }
  if (schema.isStructSchema()) return depth > maxDepth ? undefined : structure(schema, fullness, depth);
  return simple(schema, name);
}

function simple(schema: Schema, name: string): unknown {
  const traits = schema.getMergedTraits() as Record<string, unknown>;
  const inHeader = traits['httpHeader'] !== undefined || traits['httpPrefixHeaders'] !== undefined;
  if (schema.isBooleanSchema()) return true;
  if (schema.isNumericSchema()) return traits['httpResponseCode'] ? 200 : 12_345;
  if (schema.isTimestampSchema()) return new Date(Date.UTC(2026, 0, 2, 3, 4, 5));
  if (schema.isBlobSchema()) return new TextEncoder().encode(`${name} \u0000\u00ff bytes`);
  return inHeader ? `${name}-value` : `${name} <&> "v" 'é' ü\u{1F600} +%/ 100%`;
}
