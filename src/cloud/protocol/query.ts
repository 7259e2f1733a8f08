// The query protocols: awsQuery (IAM, STS) and its dialect ec2Query. Input is a form whose dotted
// names are read by shape; output and errors are XML. The two differ only by what `Dialect` says.
import { awsFailure } from '../failures.ts';
import type { FormNode } from './form.ts';
import type { Member, OperationModel, ServiceModel, Structure } from './model.ts';
import { shapeOf, structureOf } from './models.ts';
import { readScalar } from './scalar.ts';
import { element, escapeXml, writeMembers, xmlDeclaration } from './xml-writer.ts';

export interface Dialect {
  /** Lists of a form have no `member` between name and number, and names start with a capital. */
  readonly ec2: boolean;
}

const ignored: ReadonlySet<string> = new Set(['Action', 'Version', 'AWSAccessKeyId', 'Signature', 'Timestamp']);

/**
 * The operation's input from the form, typed by its shape.
 * @throws `MalformedInput` (awsQuery), `InvalidParameterValue` and `UnknownParameter` (EC2), all 400.
 */
export function readQueryInput(
  model: ServiceModel,
  operation: OperationModel,
  root: FormNode,
  dialect: Dialect,
): object {
  const shape: Structure =
    operation.input === undefined ? { kind: 'structure', members: {} } : structureOf(model, operation.input);
  return new FormReader(model, dialect).structure(shape, root, '');
}

class FormReader {
  readonly #model: ServiceModel;
  readonly #dialect: Dialect;

  constructor(model: ServiceModel, dialect: Dialect) {
    this.#model = model;
    this.#dialect = dialect;
  }

  structure(shape: Structure, node: FormNode, place: string): object {
    const values: Record<string, unknown> = {};
    const known = new Set<string>();
    for (const [name, member] of Object.entries(shape.members)) {
      const wireName = this.#wireName(name, member);
      known.add(wireName);
      const child = node.children?.get(wireName);
      if (child === undefined) continue;
      const value = this.#value(member, child, place + wireName);
      if (value !== undefined) values[name] = value;
    }
    if (this.#dialect.ec2) this.#refuseUnknown(node, known, place);
    return values;
  }

  // EC2 refuses parameters it does not know; IAM and STS pass over them.
  #refuseUnknown(node: FormNode, known: ReadonlySet<string>, place: string): void {
    for (const name of node.children?.keys() ?? []) {
      if (known.has(name) || (place === '' && ignored.has(name))) continue;
      throw awsFailure('UnknownParameter', `The parameter ${place}${name} is not recognized`, { status: 400 });
    }
  }

  #wireName(name: string, member: Member): string {
    if (!this.#dialect.ec2) return member.xmlName ?? name;
    if (member.ec2Name !== undefined) return member.ec2Name;
    const plain = member.xmlName ?? name;
    return plain.charAt(0).toUpperCase() + plain.slice(1);
  }

  #value(member: Member, node: FormNode, place: string): unknown {
    const shape = shapeOf(this.#model, member);
    if (shape === undefined) return this.#scalar(member, node, place);
    if (shape.kind === 'structure') return this.structure(shape, node, `${place}.`);
    if (shape.kind === 'list') return this.#list(shape.member, member.flattened === true, node, place);
    return this.#map(shape, member.flattened === true, node, place);
  }

  #scalar(member: Member, node: FormNode, place: string): unknown {
    if (node.value === undefined) return undefined;
    const value = readScalar(member, node.value);
    if (value !== undefined) return value;
    // AWS's words for a value that is not of its type differ by service; neither repeats a secret.
    const shown = member.sensitive === true ? '' : ` (${node.value.slice(0, 200)})`;
    if (!this.#dialect.ec2)
      throw awsFailure('MalformedInput', `Invalid value${shown} for parameter ${place}`, { status: 400 });
    const kind = member.target === 'number' ? 'integer' : (member.target ?? 'string');
    throw awsFailure(
      'InvalidParameterValue',
      `Invalid value${shown} for parameter ${place} is invalid. Expected: '${kind}'.`,
      {
        status: 400,
      },
    );
  }

  #list(item: Member, flattened: boolean, node: FormNode, place: string): unknown[] | undefined {
    const flat = flattened || this.#dialect.ec2;
    const holder = flat ? node : node.children?.get(item.xmlName ?? 'member');
    if (holder?.children === undefined) {
      // `Tags=` is how an empty list is written.
      return node.value === '' && node.children === undefined ? [] : undefined;
    }
    return numbered(holder, place).map(([index, child]) => this.#value(item, child, `${place}.${index}`));
  }

  #map(shape: { key: Member; value: Member }, flattened: boolean, node: FormNode, place: string): object | undefined {
    const holder = flattened ? node : node.children?.get('entry');
    if (holder?.children === undefined) return node.value === '' ? {} : undefined;
    const entries = numbered(holder, place).map(([index, entry]): [string, unknown] => {
      const key = entry.children?.get(shape.key.xmlName ?? 'key')?.value;
      const value = entry.children?.get(shape.value.xmlName ?? 'value');
      if (key === undefined || value === undefined) {
        throw awsFailure('MalformedInput', `The entry ${place}.${index} has no key or no value`, { status: 400 });
      }
      return [key, this.#value(shape.value, value, `${place}.${index}`)];
    });
    return Object.fromEntries(entries);
  }
}

/** Children `1`, `2`… in the order of their numbers; gaps are passed over, as AWS does. */
function numbered(node: FormNode, place: string): [number, FormNode][] {
  const items: [number, FormNode][] = [];
  for (const [name, child] of node.children ?? []) {
    if (!/^\d{1,9}$/.test(name)) {
      throw awsFailure('MalformedInput', `The parameter ${place}.${name} should end in a number`, { status: 400 });
    }
    items.push([Number(name), child]);
  }
  return items.sort(([a], [b]) => a - b);
}

/** The answer of awsQuery: `XResponse` around `XResult` and the request id. */
export function writeQueryOutput(
  model: ServiceModel,
  name: string,
  operation: OperationModel,
  output: object,
  requestId: string,
): string {
  const result =
    operation.output === undefined
      ? ''
      : `<${name}Result>${writeMembers({ model, timeForm: 'seconds' }, structureOf(model, operation.output), output as Record<string, unknown>)}</${name}Result>`;
  const metadata = `<ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata>`;
  return `<${name}Response xmlns="${model.xmlNamespace}">${result}${metadata}</${name}Response>`;
}

/** The answer of EC2: members directly in the response; an operation without output answers `return`. */
export function writeEc2Output(
  model: ServiceModel,
  name: string,
  operation: OperationModel,
  output: object,
  requestId: string,
): string {
  const members =
    operation.output === undefined
      ? '<return>true</return>'
      : writeMembers(
          { model, timeForm: 'milliseconds' },
          structureOf(model, operation.output),
          output as Record<string, unknown>,
        );
  return `${xmlDeclaration}<${name}Response xmlns="${model.xmlNamespace}">${element('requestId', requestId)}${members}</${name}Response>`;
}

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  /** Further members of the error's shape. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export function writeQueryError(namespace: string, error: WireError, requestId: string): string {
  const type = error.status < 500 ? 'Sender' : 'Receiver';
  const body =
    element('Type', type) + element('Code', error.code) + element('Message', error.message) + errorFields(error);
  return `<ErrorResponse xmlns="${escapeXml(namespace)}"><Error>${body}</Error>${element('RequestId', requestId)}</ErrorResponse>`;
}

export function writeEc2Error(error: WireError, requestId: string): string {
  const body = element('Code', error.code) + element('Message', error.message) + errorFields(error);
  return `${xmlDeclaration}<Response><Errors><Error>${body}</Error></Errors>${element('RequestID', requestId)}</Response>`;
}

/** Simple members of an error as elements; XML errors of AWS hold nothing deeper. */
export function errorFields(error: WireError): string {
  return Object.entries(error.fields)
    .filter(([name, value]) => isSimple(value) && !/^(?:type|code|message)$/i.test(name))
    .map(([name, value]) => element(name, String(value)))
    .join('');
}

function isSimple(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
