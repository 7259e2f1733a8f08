// Inputs and judgement from the SDK's own run-time schemas: the smallest and the fullest input of an operation, and
// what of an answer is not as its schema has it.
import { NormalizedSchema } from '@smithy/core/schema';

type Schema = ReturnType<typeof NormalizedSchema.of>;

export type Fullness = 'smallest' | 'fullest';

/**
 * Values for members, the first that is there of `Operation.Member`, `service.Member` and `Member`. `null` leaves the
 * member out.
 */
export type Values = Readonly<Record<string, unknown>>;

const deepest = 6;

/** An input of the operation `name`: required members, or all. */
export function inputOf(
  service: string,
  name: string,
  operation: readonly unknown[],
  fullness: Fullness,
  values: Values,
): object {
  const schema = NormalizedSchema.of(operation[4] as never);
  const given = (member: string): unknown =>
    [`${name}.${member}`, `${service}.${member}`, member].map((key) => values[key]).find((one) => one !== undefined);
  return schema.isStructSchema() ? structure(schema, { fullness, given }, 0) : {};
}

interface Making {
  readonly fullness: Fullness;
  given(member: string): unknown;
}

function requiredCount(schema: Schema): number {
  const count = (schema.getSchema() as unknown as readonly unknown[])[6];
  return typeof count === 'number' ? count : 0;
}

function structure(schema: Schema, making: Making, depth: number): object {
  const made: Record<string, unknown> = {};
  const required = requiredCount(schema);
  for (const [index, [name, member]] of [...schema.structIterator()].entries()) {
    if (index >= required && making.fullness === 'smallest') continue;
    const given = making.given(name);
    // Of what exists already only a fixture knows the id; a made-up one would be not found, and hide the rest.
    if (given === undefined && index >= required && /(?:Ids?|Arns?|Tokens?)$/.test(name)) continue;
    const value = given === undefined ? valueOf(member, making, depth + 1) : given;
    if (value === null || value === undefined) continue;
    made[name] = value;
    if (schema.isUnionSchema()) break;
  }
  return made;
}

function valueOf(schema: Schema, making: Making, depth: number): unknown {
  if (depth > deepest) return undefined;
  if (schema.isListSchema()) {
    const item = valueOf(schema.getValueSchema(), making, depth + 1);
    return item === undefined ? undefined : [item];
  }
  if (schema.isMapSchema()) {
    const value = valueOf(schema.getValueSchema(), making, depth + 1);
    return value === undefined ? undefined : { subject: value };
  }
  if (schema.isStructSchema()) return structure(schema, making, depth);
  if (schema.isBooleanSchema()) return false;
  if (schema.isNumericSchema()) return 1;
  if (schema.isTimestampSchema()) return new Date('2026-01-01T00:00:00Z');
  return schema.isBlobSchema() ? new TextEncoder().encode('subject') : 'subject';
}

/** Each place of `answer` that its schema forbids, with what is wrong there; empty when it is as it should be. */
export function faultsOf(schema: unknown, answer: object): readonly string[] {
  const normalized = NormalizedSchema.of(schema as never);
  return normalized.isStructSchema() ? structureFaults(normalized, answer as Record<string, unknown>, '') : [];
}

function structureFaults(schema: Schema, value: Readonly<Record<string, unknown>>, place: string): readonly string[] {
  const required = requiredCount(schema);
  return [...schema.structIterator()].flatMap(([name, member], index) => {
    const one = value[name];
    if (one === undefined || one === null) return index < required ? [`${place}${name} is missing`] : [];
    return valueFaults(member, one, `${place}${name}`);
  });
}

function valueFaults(schema: Schema, value: unknown, place: string): readonly string[] {
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) return [`${place} is no list`];
    return value.flatMap((item, index) => valueFaults(schema.getValueSchema(), item, `${place}.${index}`));
  }
  if (typeof value !== 'object' || value === null) return simpleFaults(schema, value, place);
  if (schema.isMapSchema()) {
    return Object.entries(value).flatMap(([key, one]) => valueFaults(schema.getValueSchema(), one, `${place}.${key}`));
  }
  if (schema.isStructSchema()) return structureFaults(schema, value as Record<string, unknown>, `${place}.`);
  return simpleFaults(schema, value, place);
}

function simpleFaults(schema: Schema, value: unknown, place: string): readonly string[] {
  const isRight = schema.isBooleanSchema()
    ? typeof value === 'boolean'
    : schema.isNumericSchema()
      ? Number.isFinite(value)
      : schema.isTimestampSchema()
        ? value instanceof Date && !Number.isNaN(value.getTime())
        : schema.isBlobSchema()
          ? typeof value === 'object'
          : typeof value === 'string';
  return isRight ? [] : [`${place} is ${String(value)}`];
}
