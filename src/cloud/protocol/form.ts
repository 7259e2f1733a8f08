// `application/x-www-form-urlencoded` parameters, strictly: bounded in size, number and depth, refused
// when they are not UTF-8 or named twice. Names with dots become a tree that the shapes then read.
import { awsFailure } from '../failures.ts';
import { uriDecode } from './scalar.ts';

/** A parameter and those whose names go on after its dot. */
export interface FormNode {
  value?: string;
  children?: Map<string, FormNode>;
}

export interface Form {
  readonly root: FormNode;
  readonly action: string | undefined;
  readonly version: string | undefined;
}

// The largest real request is a CreatePolicy of 131,072 characters, three bytes each when encoded.
const maxBytes = 1_048_576;
const maxParameters = 20_000;
const maxDepth = 24;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of a body. @throws `MalformedInput` when it is not UTF-8. */
export function bodyText(body: Uint8Array): string {
  try {
    return strictUtf8.decode(body);
  } catch {
    throw awsFailure('MalformedInput', 'The request body is not valid UTF-8', { status: 400 });
  }
}

/**
 * Parameters of the query and of the body together.
 * @throws `RequestEntityTooLarge` 413, `MalformedInput` 400, `InvalidQueryParameter` 400 (a name given twice).
 */
export function readForm(query: string, body: Uint8Array): Form {
  if (query.length + body.length > maxBytes) {
    throw awsFailure('RequestEntityTooLarge', `The request is larger than ${maxBytes} bytes`, { status: 413 });
  }
  const root: FormNode = {};
  const seen = { count: 0 };
  addParameters(root, query, seen);
  addParameters(root, bodyText(body), seen);
  return { root, action: root.children?.get('Action')?.value, version: root.children?.get('Version')?.value };
}

function addParameters(root: FormNode, text: string, seen: { count: number }): void {
  for (let start = 0; start < text.length;) {
    const found = text.indexOf('&', start);
    const end = found === -1 ? text.length : found;
    if (end > start) addParameter(root, text.slice(start, end), seen);
    start = end + 1;
  }
}

function addParameter(root: FormNode, pair: string, seen: { count: number }): void {
  if (++seen.count > maxParameters) {
    throw awsFailure('MalformedInput', `The request has more than ${maxParameters} parameters`, { status: 400 });
  }
  const equals = pair.indexOf('=');
  const name = decodeFormText(equals === -1 ? pair : pair.slice(0, equals));
  if (/^x-amz-/i.test(name)) return;
  const node = nodeAt(root, name);
  if (node.value !== undefined) {
    throw awsFailure('InvalidQueryParameter', `The parameter ${name} occurs more than once`, { status: 400 });
  }
  node.value = equals === -1 ? '' : decodeFormText(pair.slice(equals + 1));
}

function decodeFormText(text: string): string {
  const decoded = uriDecode(text.includes('+') ? text.replaceAll('+', ' ') : text);
  if (decoded === undefined) {
    throw awsFailure('MalformedInput', 'The request has a parameter that is not percent-encoded UTF-8', {
      status: 400,
    });
  }
  return decoded;
}

function nodeAt(root: FormNode, name: string): FormNode {
  let node = root;
  const parts = name.split('.', maxDepth + 1);
  if (parts.length > maxDepth) {
    throw awsFailure('MalformedInput', `The request has a parameter nested deeper than ${maxDepth}`, { status: 400 });
  }
  for (const part of parts) {
    node.children ??= new Map();
    let child = node.children.get(part);
    if (child === undefined) node.children.set(part, (child = {}));
    node = child;
  }
  return node;
}
