// Applies a parsed template to its data, as Go's text/template/exec.go does, within limits: a template
// is written by an administrator, but it runs in a server that others need.
import { plainText } from './format.ts';
import { functions, longestText, type GoFunction, type Parameter, type Sources } from './functions.ts';
import { commandText, operandText, type Command, type Node, type Operand, type Pipeline } from './nodes.ts';
import { TemplateError } from './parse.ts';
import { quoteBytes, toText } from './quote.ts';
import { GoStruct, isTrue, kindOf, typeName, type Value } from './values.ts';

/** Commands one run may carry out; the default template needs 7. */
const maxSteps = 10_000;

/** Names that a template may call. */
export function isFunction(name: string): boolean {
  return name === 'and' || name === 'or' || Object.hasOwn(functions, name);
}

/** What a command got from the one before it in its pipeline. */
type Final = Value | undefined;
type Flow = 'on' | 'break' | 'continue';

/**
 * The text that the template makes. `source` is what `nodes` were read from.
 * @throws TemplateError `template: template:<line>:<column>: executing "template" at <…>: …`.
 */
export function evaluate(nodes: readonly Node[], source: string, data: GoStruct, sources: Sources): string {
  return new Run(source, data, sources).text(nodes);
}

class Run {
  readonly #source: string;
  readonly #sources: Sources;
  readonly #variables: { readonly name: string; value: Value }[];
  readonly #data: GoStruct;
  #output = '';
  /** What was evaluated last; Go tells the place of some errors by it. */
  #last: Operand | undefined;
  #steps = 0;

  constructor(source: string, data: GoStruct, sources: Sources) {
    this.#source = source;
    this.#data = data;
    this.#sources = sources;
    this.#variables = [{ name: '$', value: data }];
  }

  text(nodes: readonly Node[]): string {
    this.#walk(nodes, this.#data);
    return this.#output;
  }

  #fail(at: number, context: string, text: string): never {
    const before = this.#source.slice(0, at);
    const line = before.split('\n').length;
    const column = at - (before.lastIndexOf('\n') + 1);
    throw new TemplateError(
      `template: template:${line}:${column}: executing "template" at <${toText(context)}>: ${toText(text)}`,
    );
  }

  #failAt(operand: Operand, text: string): never {
    return this.#fail(operand.at, operandText(operand), text);
  }

  #walk(nodes: readonly Node[], dot: Value): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot);
      if (flow !== 'on') return flow;
    }
    return 'on';
  }

  #node(node: Node, dot: Value): Flow {
    switch (node.kind) {
      case 'text':
        this.#write(node.text, node.at, node.text);
        return 'on';
      case 'print':
        this.#print(node.pipeline, dot);
        return 'on';
      case 'break':
      case 'continue':
        return node.kind;
      default:
        return this.#scoped(() => this.#control(node, dot));
    }
  }

  #scoped<T>(work: () => T): T {
    const known = this.#variables.length;
    try {
      return work();
    } finally {
      this.#variables.length = known;
    }
  }

  #write(text: string, at: number, context: string): void {
    this.#output += text;
    if (this.#output.length > longestText) this.#fail(at, context, `the output is longer than ${longestText} bytes`);
  }

  #print(pipeline: Pipeline, dot: Value): void {
    const value = this.#pipeline(pipeline, dot);
    if (pipeline.variable !== undefined) return;
    this.#write(value === null ? '<no value>' : plainText(value), pipeline.at, operandText(pipeline));
  }

  #control(node: Node & { readonly kind: 'if' | 'with' | 'range' }, dot: Value): Flow {
    const value = this.#pipeline(node.pipeline, dot);
    if (node.kind === 'range') return this.#range(node, value, dot);
    if (isTrue(value)) return this.#walk(node.body, node.kind === 'with' ? value : dot);
    return this.#walk(node.otherwise, dot);
  }

  #range(node: Node & { readonly kind: 'if' | 'with' | 'range' }, value: Value, dot: Value): Flow {
    if (typeof value !== 'bigint') {
      return this.#failAt(node.pipeline, `range can't iterate over ${plainText(value)}`);
    }
    if (value <= 0n) return this.#walk(node.otherwise, dot);
    const { variable } = node.pipeline;
    for (let index = 0n; index < value; index++) {
      this.#step(node.pipeline);
      const flow = this.#scoped(() => {
        if (variable !== undefined) this.#variables.push({ name: variable, value: index });
        return this.#walk(node.body, index);
      });
      if (flow === 'break') break;
    }
    return 'on';
  }

  #step(operand: Operand): void {
    if (++this.#steps > maxSteps) this.#failAt(operand, `more than ${maxSteps} steps`);
  }

  #pipeline(pipeline: Pipeline, dot: Value): Value {
    let value: Final;
    for (const command of pipeline.commands) value = this.#command(command, dot, value);
    const result = value!;
    if (pipeline.variable !== undefined) this.#assign(pipeline, result);
    return result;
  }

  #assign(pipeline: Pipeline, value: Value): void {
    const { variable, declares } = pipeline;
    const known = this.#variables.findLast(({ name }) => name === variable);
    if (declares) this.#variables.push({ name: variable!, value });
    else if (known === undefined) this.#failAt(this.#last ?? pipeline, `undefined variable: ${variable}`);
    else known.value = value;
  }

  #command(command: Command, dot: Value, final: Final): Value {
    const [first, ...rest] = command.operands as readonly [Operand, ...Operand[]];
    this.#step(first);
    if (first.kind === 'function') return this.#call(first, command, dot, final);
    const isField = first.kind === 'field' || first.kind === 'variable' || first.kind === 'chain';
    if ((rest.length > 0 || final !== undefined) && !isField) {
      this.#failAt(first, `can't give argument to non-function ${operandText(first)}`);
    }
    if (first.kind === 'nil') this.#failAt(first, 'nil is not a command');
    return this.#operand(first, dot, rest.length > 0 || final !== undefined);
  }

  #operand(operand: Operand, dot: Value, hasArguments = false): Value {
    if (operand.kind !== 'pipeline' && operand.kind !== 'chain') this.#last = operand;
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'boolean':
      case 'number':
      case 'string':
        return operand.value;
      case 'field':
        return this.#fields(operand, dot, operand.names, hasArguments);
      case 'variable':
        return this.#variable(operand, hasArguments);
      case 'chain':
        return this.#chain(operand, this.#operand(operand.base, dot), hasArguments);
      case 'function':
        return this.#call(operand, { operands: [operand], at: operand.at }, dot, undefined);
      default:
        return this.#pipeline(operand, dot);
    }
  }

  #chain(operand: Operand & { readonly kind: 'chain' }, base: Value, hasArguments: boolean): Value {
    return this.#fields(this.#last ?? operand, base, operand.fields, hasArguments);
  }

  #variable(operand: Operand & { readonly kind: 'variable' }, hasArguments: boolean): Value {
    const known = this.#variables.findLast(({ name }) => name === operand.name);
    if (known === undefined) return this.#failAt(operand, `undefined variable: ${operand.name}`);
    const { value } = known;
    if (operand.fields.length > 0) return this.#fields(operand, value, operand.fields, hasArguments);
    if (hasArguments) this.#failAt(operand, `can't give argument to non-function ${operandText(operand)}`);
    return value;
  }

  #fields(operand: Operand, from: Value, names: readonly string[], hasArguments: boolean): Value {
    return names.reduce((value: Value, name, index) => {
      if (value === null) return this.#failAt(operand, `nil data; no entry for key ${quoteBytes(name)}`);
      const found = value instanceof GoStruct && Object.hasOwn(value.fields, name) ? value.fields[name] : undefined;
      if (found === undefined) {
        return this.#failAt(operand, `can't evaluate field ${name} in type ${typeName(value)}`);
      }
      if (hasArguments && index === names.length - 1) {
        this.#failAt(operand, `${name} has arguments but cannot be invoked as function`);
      }
      return found;
    }, from);
  }

  #call(called: Operand & { readonly kind: 'function' }, command: Command, dot: Value, final: Final): Value {
    const { name } = called;
    const given = command.operands.slice(1);
    const count = given.length + (final === undefined ? 0 : 1);
    if (name === 'and' || name === 'or') return this.#andOr(called, given, dot, final);
    const callee = functions[name]!;
    this.#checkCount(called, callee, count);
    const args = given.map((operand, index) => this.#argument(operand, dot, parameterOf(callee, index)));
    if (final !== undefined) args.push(this.#checkType(called, final, parameterOf(callee, given.length)));
    try {
      return callee.call(args, this.#sources);
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      return this.#fail(command.at, commandText(command), `error calling ${name}: ${(error as Error).message}`);
    }
  }

  #checkCount(called: Operand & { readonly kind: 'function' }, { parameters, rest }: GoFunction, count: number): void {
    const { length } = parameters;
    if (rest === undefined ? count === length : count >= length) return;
    const want = rest === undefined ? `want ${length}` : `want at least ${length}`;
    this.#failAt(called, `wrong number of args for ${called.name}: ${want} got ${count}`);
  }

  // As Go: the first argument that decides is the result; the ones after it are not evaluated.
  #andOr(called: Operand & { readonly kind: 'function' }, given: readonly Operand[], dot: Value, final: Final): Value {
    if (given.length === 0 && final === undefined) {
      this.#failAt(called, `wrong number of args for ${called.name}: want at least 1 got 0`);
    }
    let value: Value = null;
    for (const operand of given) {
      value = this.#argument(operand, dot, 'any');
      if (isTrue(value) === (called.name === 'or')) return value;
    }
    return final ?? value;
  }

  #argument(operand: Operand, dot: Value, wanted: Parameter): Value {
    const isConstant = operand.kind === 'boolean' || operand.kind === 'number' || operand.kind === 'string';
    const value = this.#operand(operand, dot);
    if (wanted === 'any') return value;
    if (operand.kind === 'nil') this.#failAt(operand, `cannot assign nil to ${wanted}`);
    if (isConstant && kindOf(value) !== wanted) {
      // A whole number such as 3.0 serves where an int is wanted.
      if (wanted === 'int' && typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
      this.#failAt(operand, `expected ${wanted === 'int' ? 'integer' : wanted}; found ${operandText(operand)}`);
    }
    return this.#checkType(operand, value, wanted);
  }

  #checkType(operand: Operand, value: Value, wanted: Parameter): Value {
    if (wanted === 'any' || kindOf(value) === wanted) return value;
    return this.#failAt(operand, `wrong type for value; expected ${wanted}; got ${typeName(value)}`);
  }
}

function parameterOf({ parameters, rest }: GoFunction, index: number): Parameter {
  return parameters[index] ?? rest ?? 'any';
}
