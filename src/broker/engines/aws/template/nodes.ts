// The tree of a parsed template, and its parts written as Go writes them in errors.

interface At {
  /** Offset in bytes. */
  readonly at: number;
}

export type Operand =
  | (At & { readonly kind: 'field'; readonly names: readonly string[] })
  | (At & { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] })
  | (At & { readonly kind: 'chain'; readonly base: Operand; readonly fields: readonly string[] })
  | (At & { readonly kind: 'function'; readonly name: string })
  | (At & { readonly kind: 'dot' })
  | (At & { readonly kind: 'nil' })
  | (At & { readonly kind: 'boolean'; readonly value: boolean })
  | (At & { readonly kind: 'number'; readonly value: bigint | number; readonly text: string })
  | (At & { readonly kind: 'string'; readonly value: string; readonly text: string })
  | Pipeline;

export interface Command extends At {
  readonly operands: readonly Operand[];
}

export interface Pipeline extends At {
  readonly kind: 'pipeline';
  readonly variable: string | undefined;
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

export type Node =
  | (At & { readonly kind: 'text'; readonly text: string })
  | (At & { readonly kind: 'print'; readonly pipeline: Pipeline })
  | (At & {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    })
  | (At & { readonly kind: 'break' | 'continue' });

function dotted(names: readonly string[]): string {
  return names.map((name) => `.${name}`).join('');
}

export function operandText(operand: Operand): string {
  switch (operand.kind) {
    case 'field':
      return dotted(operand.names);
    case 'variable':
      return operand.name + dotted(operand.fields);
    case 'chain':
      return (
        (operand.base.kind === 'pipeline' ? `(${operandText(operand.base)})` : operandText(operand.base)) +
        dotted(operand.fields)
      );
    case 'function':
      return operand.name;
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'boolean':
      return String(operand.value);
    case 'number':
    case 'string':
      return operand.text;
    case 'pipeline':
      break;
  }
  const assigned = operand.variable === undefined ? '' : `${operand.variable} ${operand.declares ? ':=' : '='} `;
  return assigned + operand.commands.map(commandText).join(' | ');
}

export function commandText({ operands }: Command): string {
  return operands
    .map((operand) => (operand.kind === 'pipeline' ? `(${operandText(operand)})` : operandText(operand)))
    .join(' ');
}
