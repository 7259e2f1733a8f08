// Reads HCL version 1, and JSON as the same tree: blocks with keys, and values with their places.
// No package on npm reads version 1; what policies need of it is small. Source: hashicorp/hcl v1 (hcl/parser).
import { HclError, HclScanner, type HclToken, type Place } from './hcl-scanner.ts';

export type HclValue = Place &
  (
    | { readonly kind: 'text' | 'number' | 'boolean' | 'null'; readonly text: string }
    | { readonly kind: 'list'; readonly items: readonly HclValue[] }
    | { readonly kind: 'object'; readonly items: readonly HclItem[] }
  );

export interface HclItem extends Place {
  /** `path "a" {…}` has two, `comment = "x"` has one. */
  readonly keys: readonly string[];
  /** The line of `=` or `:`; 0 for a block. */
  readonly assignLine: number;
  readonly value: HclValue;
}

/**
 * The items of a document; a text that begins with `{` is JSON.
 * @throws HclError
 */
export function parseHcl(text: string): { readonly json: boolean; readonly items: readonly HclItem[] } {
  const json = text.trimStart().startsWith('{');
  const reader = new HclReader(new HclScanner(text, json));
  return { json, items: json ? reader.jsonDocument() : reader.document() };
}

/** The value as plain data, as parameter rules of policies compare it. */
export function plain(value: HclValue): unknown {
  switch (value.kind) {
    case 'number':
      return Number(value.text);
    case 'boolean':
      return value.text === 'true';
    case 'null':
      return null;
    case 'text':
      return value.text;
    case 'list':
      return value.items.map(plain);
    default:
      return Object.fromEntries(value.items.map((item) => [item.keys[0]!, plain(item.value)]));
  }
}

// Deep enough for everything a policy says, and no way to fill the stack.
const deepest = 32;

class HclReader {
  readonly #scanner: HclScanner;
  #token: HclToken;

  constructor(scanner: HclScanner) {
    this.#scanner = scanner;
    this.#token = scanner.next();
  }

  document(): readonly HclItem[] {
    return this.#items('EOF', 0);
  }

  jsonDocument(): readonly HclItem[] {
    const root = this.#value(0);
    if (this.#token.kind !== 'EOF') throw new HclError(this.#token, `expected: EOF got: ${this.#token.kind}`);
    return root.kind === 'object' ? root.items : [];
  }

  #items(end: 'EOF' | 'RBRACE', depth: number): readonly HclItem[] {
    const items: HclItem[] = [];
    while (this.#token.kind !== end) {
      if (this.#token.kind === 'EOF') throw new HclError(this.#token, 'object expected closing RBRACE got: EOF');
      items.push(this.#item(depth));
      if (this.#token.kind === 'COMMA') this.#take();
    }
    return items;
  }

  #item(depth: number): HclItem {
    const start = this.#token;
    const names: HclToken[] = [];
    while (this.#token.kind === 'IDENT' || this.#token.kind === 'STRING') names.push(this.#take());
    const keys = names.map(({ value }) => value);
    const { kind, line } = this.#token;
    const place = { line: start.line, column: start.column, keys };
    if (kind === 'ASSIGN' || kind === 'COLON') {
      if (names.length === 0) throw new HclError(this.#token, 'no object keys found!');
      if (names.length > 1) throw new HclError(this.#token, `nested object expected: LBRACE got: ${kind}`);
      this.#take();
      return { ...place, assignLine: line, value: this.#value(depth + 1) };
    }
    if (kind === 'LBRACE' && names.length > 0) return { ...place, assignLine: 0, value: this.#value(depth + 1) };
    if (names.length === 0 || (kind !== 'RBRACE' && kind !== 'EOF')) {
      throw new HclError(this.#token, `expected: IDENT | STRING | ASSIGN | LBRACE got: ${kind}`);
    }
    const written = names.map(({ text }) => text).join(' ');
    throw new HclError(this.#token, `key '${written}' expected start of object ('{') or assignment ('=')`);
  }

  #value(depth: number): HclValue {
    const token = this.#take();
    const place = { line: token.line, column: token.column };
    if (depth > deepest) throw new HclError(token, `more than ${deepest} levels`);
    switch (token.kind) {
      case 'STRING':
      case 'HEREDOC':
        return { ...place, kind: 'text', text: token.value };
      case 'NUMBER':
      case 'FLOAT':
        return { ...place, kind: 'number', text: token.text };
      case 'BOOL':
        return { ...place, kind: 'boolean', text: token.text };
      case 'NULL':
        return { ...place, kind: 'null', text: '' };
      case 'LBRACE': {
        const items = this.#items('RBRACE', depth);
        this.#take();
        return { ...place, kind: 'object', items };
      }
      case 'LBRACK':
        return { ...place, kind: 'list', items: this.#list(depth) };
      default:
        throw new HclError(token, `Unknown token: ${token.line}:${token.column} ${token.kind} ${token.text}`);
    }
  }

  #list(depth: number): readonly HclValue[] {
    const items: HclValue[] = [];
    for (;;) {
      const { kind } = this.#token;
      if (kind === 'RBRACK') break;
      if (!['STRING', 'HEREDOC', 'NUMBER', 'FLOAT', 'BOOL', 'NULL', 'LBRACE', 'LBRACK'].includes(kind)) {
        throw new HclError(this.#token, `unexpected token while parsing list: ${kind}`);
      }
      items.push(this.#value(depth + 1));
      const after = this.#token;
      if (after.kind !== 'COMMA' && after.kind !== 'RBRACK') {
        throw new HclError(after, `error parsing list, expected comma or list end, got: ${after.kind}`);
      }
      if (after.kind === 'COMMA') this.#take();
    }
    this.#take();
    return items;
  }

  #take(): HclToken {
    const token = this.#token;
    if (token.kind !== 'EOF') this.#token = this.#scanner.next();
    return token;
  }
}
