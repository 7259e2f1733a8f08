// From tokens to a tree, with the errors of Go's text/template/parse/parse.go. Left out of Go's
// language: `define`, `template` and `block`, which no user name needs, and complex numbers.
import { quoteBytes, splitRunes, toText, unquote } from './quote.ts';
import { readTokens, type Token, type TokenType } from './lex.ts';
import { operandText, type Command, type Node, type Operand, type Pipeline } from './nodes.ts';

/** What is wrong with a template, in Go's words; `line` is counted from 1. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateError';
  }
}

/** @throws TemplateError `template: template:<line>: <what>`. `source` holds bytes. */
export function parseSource(source: string, isFunction: (name: string) => boolean): readonly Node[] {
  return new Parser(readTokens(source), isFunction).template();
}

type Control = 'if' | 'with' | 'range';
const operandTypes: ReadonlySet<TokenType> = new Set([
  'boolean',
  'char',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'raw',
  'string',
  'variable',
  'paren',
]);
/** Deeper than any name needs; guards the stack. */
const maxDepth = 100;

interface Block {
  readonly nodes: readonly Node[];
  readonly closedBy: 'else' | 'end';
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #isFunction: (name: string) => boolean;
  #next = 0;
  #variables: string[] = ['$'];
  #ranges = 0;
  #depth = 0;
  #actionLine = 0;

  constructor(tokens: readonly Token[], isFunction: (name: string) => boolean) {
    this.#tokens = tokens;
    this.#isFunction = isFunction;
  }

  template(): readonly Node[] {
    const nodes: Node[] = [];
    while (this.#peek().type !== 'end') {
      const node = this.#textOrAction();
      if (node === 'else' || node === 'end') this.#fail(`unexpected {{${node}}}`);
      nodes.push(node);
    }
    return nodes;
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)]!;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #peekPastSpace(): Token {
    while (this.#peek().type === 'space') this.#next++;
    return this.#peek();
  }

  #takePastSpace(): Token {
    this.#peekPastSpace();
    return this.#take();
  }

  #fail(text: string): never {
    // Go tells the line of the token it looked at last.
    const { line } = this.#tokens[Math.min(Math.max(this.#next - 1, 0), this.#tokens.length - 1)]!;
    throw new TemplateError(`template: template:${line}: ${text}`);
  }

  #unexpected(token: Token, context: string): never {
    if (token.type !== 'error') return this.#fail(`unexpected ${tokenText(token)} in ${context}`);
    if (this.#actionLine === 0 || this.#actionLine === token.line) return this.#fail(token.text);
    const where = ` in action started at template:${this.#actionLine}`;
    return this.#fail(token.text + (token.text.endsWith(' action') ? where.slice(' in action'.length) : where));
  }

  #textOrAction(): Node | 'else' | 'end' {
    const token = this.#takePastSpace();
    if (token.type === 'text') return { kind: 'text', text: token.text, at: token.at };
    if (token.type !== 'open') return this.#unexpected(token, 'input');
    this.#actionLine = token.line;
    try {
      return this.#action();
    } finally {
      this.#actionLine = 0;
    }
  }

  #action(): Node | 'else' | 'end' {
    const token = this.#peekPastSpace();
    if (token.type !== 'keyword') {
      const pipeline = this.#pipeline('command', 'close');
      return { kind: 'print', pipeline, at: token.at };
    }
    this.#take();
    switch (token.text) {
      case 'if':
      case 'with':
      case 'range':
        return this.#nested(() => this.#control(token.text as Control, token.at));
      case 'else':
        return this.#else();
      case 'end':
        this.#expectClose('end');
        return 'end';
      case 'break':
      case 'continue':
        return this.#breakOrContinue(token.text, token.at);
      default:
        return this.#fail(`{{${token.text}}} is not supported in names`);
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > maxDepth) this.#fail(`nested deeper than ${maxDepth}`);
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  #expectClose(context: string): void {
    const token = this.#takePastSpace();
    if (token.type !== 'close') this.#unexpected(token, context);
  }

  // `{{else if}}` and `{{else with}}` leave the rest of the action to whoever reads on.
  #else(): 'else' {
    const token = this.#peekPastSpace();
    if (token.type !== 'keyword' || (token.text !== 'if' && token.text !== 'with')) this.#expectClose('else');
    return 'else';
  }

  #breakOrContinue(kind: 'break' | 'continue', at: number): Node {
    this.#expectClose(`{{${kind}}}`);
    if (this.#ranges === 0) this.#fail(`{{${kind}}} outside {{range}}`);
    return { kind, at };
  }

  #control(kind: Control, at: number): Node {
    const known = this.#variables.length;
    const pipeline = this.#pipeline(kind, 'close');
    if (kind === 'range') this.#ranges++;
    const { nodes: body, closedBy } = this.#block();
    if (kind === 'range') this.#ranges--;
    const otherwise = closedBy === 'else' ? this.#otherwise(kind) : [];
    this.#variables.length = known;
    return { kind, pipeline, body, otherwise, at };
  }

  #otherwise(kind: Control): readonly Node[] {
    const token = this.#peek();
    if (token.type === 'keyword' && token.text === kind && kind !== 'range') {
      this.#take();
      return [this.#nested(() => this.#control(kind, token.at))];
    }
    const { nodes, closedBy } = this.#block();
    if (closedBy !== 'end') this.#fail('expected end; found {{else}}');
    return nodes;
  }

  #block(): Block {
    const nodes: Node[] = [];
    while (this.#peekPastSpace().type !== 'end') {
      const node = this.#textOrAction();
      if (node === 'else' || node === 'end') return { nodes, closedBy: node };
      nodes.push(node);
    }
    this.#take();
    return this.#fail('unexpected EOF');
  }

  #pipeline(context: string, end: 'close' | 'endparen'): Pipeline {
    const { at } = this.#peekPastSpace();
    const { variable, declares } = this.#declaration();
    const commands: Command[] = [];
    for (;;) {
      const token = this.#peekPastSpace();
      if (token.type === end) break;
      if (!operandTypes.has(token.type)) {
        this.#take();
        this.#unexpected(token, context);
      }
      commands.push(this.#command());
    }
    this.#take();
    this.#checkPipeline(commands, context);
    return { kind: 'pipeline', variable, declares, commands, at };
  }

  #declaration(): { variable: string | undefined; declares: boolean } {
    const from = this.#next;
    const token = this.#peek();
    if (token.type !== 'variable') return { variable: undefined, declares: false };
    this.#take();
    const { type } = this.#peekPastSpace();
    if (type !== 'declare' && type !== 'assign') {
      this.#next = from;
      return { variable: undefined, declares: false };
    }
    this.#take();
    this.#variables.push(token.text);
    return { variable: token.text, declares: type === 'declare' };
  }

  #checkPipeline(commands: readonly Command[], context: string): void {
    if (commands.length === 0) this.#fail(`missing value for ${context}`);
    for (const [index, { operands }] of commands.entries()) {
      if (index > 0 && ['boolean', 'dot', 'nil', 'number', 'string'].includes(operands[0]!.kind)) {
        this.#fail(`non executable command in pipeline stage ${index + 1}`);
      }
    }
  }

  #command(): Command {
    const { at } = this.#peekPastSpace();
    const operands: Operand[] = [];
    for (;;) {
      this.#peekPastSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const { type } = this.#peek();
      if (type === 'close' || type === 'endparen') break;
      const token = this.#take();
      if (type === 'pipe') break;
      if (type !== 'space') this.#unexpected(token, 'operand');
    }
    if (operands.length === 0) this.#fail('empty command');
    return { operands, at };
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined || this.#peek().type !== 'field') return term;
    const { at } = this.#peek();
    const fields: string[] = [];
    while (this.#peek().type === 'field') fields.push(this.#take().text.slice(1));
    // As Go: such a term stands where its second name does.
    if (term.kind === 'field') return { ...term, names: [...term.names, ...fields], at };
    if (term.kind === 'variable') return { ...term, fields, at };
    if (term.kind === 'pipeline' || term.kind === 'function') return { kind: 'chain', base: term, fields, at };
    return this.#fail(`unexpected . after term ${quoteBytes(operandText(term))}`);
  }

  #term(): Operand | undefined {
    const { type, text, at } = this.#peek();
    if (!operandTypes.has(type)) return undefined;
    this.#take();
    switch (type) {
      case 'identifier':
        if (!this.#isFunction(text)) this.#fail(`function ${quoteBytes(text)} not defined`);
        return { kind: 'function', name: text, at };
      case 'variable':
        if (!this.#variables.includes(text)) this.#fail(`undefined variable ${quoteBytes(text)}`);
        return { kind: 'variable', name: text, fields: [], at };
      case 'field':
        return { kind: 'field', names: [text.slice(1)], at };
      case 'boolean':
        return { kind: 'boolean', value: text === 'true', at };
      case 'paren':
        return this.#nested(() => this.#pipeline('parenthesized pipeline', 'endparen'));
      case 'dot':
      case 'nil':
        return { kind: type, at };
      default:
        return this.#constant(type, text, at);
    }
  }

  #constant(type: TokenType, text: string, at: number): Operand {
    if (type === 'raw') return { kind: 'string', value: text.slice(1, -1).replaceAll('\r', ''), text, at };
    if (type === 'number') return { kind: 'number', value: this.#number(text), text, at };
    const value = unquote(text);
    if (value === undefined)
      return this.#fail(type === 'char' ? `malformed character constant: ${text}` : 'invalid syntax');
    if (type === 'string') return { kind: 'string', value, text, at };
    const points = splitRunes(value);
    if (points.length === 0) return this.#fail('invalid syntax');
    if (points.length !== 1) return this.#fail(`malformed character constant: ${text}`);
    return { kind: 'number', value: BigInt(toText(points[0]!).codePointAt(0)!), text, at };
  }

  #number(text: string): bigint | number {
    const [, sign, digits] = /^([+-]?)(.*)$/s.exec(text) as unknown as [string, string, string];
    const plain = digits.replaceAll('_', '');
    if (/^(?:0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+|0|[1-9]\d*)$/.test(plain)) return signed(sign, BigInt(plain));
    if (/^0[0-7]+$/.test(plain)) return signed(sign, BigInt(`0o${plain.slice(1)}`));
    if (/^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(plain) && /[.eE]/.test(plain)) return Number(sign + plain);
    return this.#fail(`illegal number syntax: ${quoteBytes(text)}`);
  }
}

function signed(sign: string, value: bigint): bigint {
  return sign === '-' ? -value : value;
}

function tokenText({ type, text }: Token): string {
  if (type === 'end') return 'EOF';
  if (type === 'keyword' || type === 'nil' || type === 'dot') return `<${text}>`;
  return text.length > 10 ? `${quoteBytes(text.slice(0, 10))}...` : quoteBytes(text);
}
