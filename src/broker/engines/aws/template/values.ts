// The values of a template: Go's string (as bytes), int, float64 and bool, nil, and the struct that
// the template is applied to.

/** A struct of strings, with Go's name for its type; the strings hold bytes. */
export class GoStruct {
  readonly typeName: string;
  readonly fields: Readonly<Record<string, string>>;

  constructor(typeName: string, fields: Readonly<Record<string, string>>) {
    this.typeName = typeName;
    this.fields = fields;
  }
}

export type Value = string | bigint | number | boolean | null | GoStruct;

export type Kind = 'string' | 'int' | 'float64' | 'bool' | 'nil' | 'struct';

export function kindOf(value: Value): Kind {
  if (value === null) return 'nil';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'struct';
}

/** The Go type, as errors name it. */
export function typeName(value: Value): string {
  const kind = kindOf(value);
  if (kind === 'struct') return (value as GoStruct).typeName;
  return kind === 'nil' ? '<nil>' : kind;
}

/** Go's rule for `if`: the zero value of a type is false. */
export function isTrue(value: Value): boolean {
  return value !== null && value !== '' && value !== 0n && value !== 0 && value !== false;
}
