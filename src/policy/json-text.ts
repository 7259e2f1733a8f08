// JSON (RFC 8259) read into nodes that know where they stand, because every problem of a policy names
// its place and a repeated key must be seen. Strict: no comments, no trailing commas, no BOM.

export interface JsonMember {
  readonly name: string;
  /** Offset of the name's opening quote. */
  readonly nameAt: number;
  readonly value: JsonNode;
}

/** `at` is the offset of the first character, `end` of the one behind the last. */
export type JsonNode =
  | { readonly type: 'object'; readonly at: number; readonly end: number; readonly members: readonly JsonMember[] }
  | { readonly type: 'array'; readonly at: number; readonly items: readonly JsonNode[] }
  | { readonly type: 'string'; readonly at: number; readonly value: string }
  | { readonly type: 'number'; readonly at: number; readonly text: string }
  | { readonly type: 'boolean'; readonly at: number; readonly value: boolean }
  | { readonly type: 'null'; readonly at: number };

export interface JsonError {
  readonly message: string;
  /** Offset in the text. */
  readonly at: number;
}

// A policy nests six levels; a text that nests more is refused before it can exhaust the stack.
const deepest = 32;

class JsonStop extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonNode {
    const node = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('the end of the text');
    return node;
  }

  #value(): JsonNode {
    this.#space();
    const at = this.#at;
    switch (this.#text[at]) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
      case '"':
        return { type: 'string', at, value: this.#string() };
      case 't':
        return this.#word('true', { type: 'boolean', at, value: true });
      case 'f':
        return this.#word('false', { type: 'boolean', at, value: false });
      case 'n':
        return this.#word('null', { type: 'null', at });
      default:
        return this.#number();
    }
  }

  #nested(read: () => JsonNode): JsonNode {
    if (++this.#depth > deepest) throw new JsonStop(`nested deeper than ${deepest} levels`, this.#at);
    const node = read();
    this.#depth -= 1;
    return node;
  }

  #object(): JsonNode {
    const at = this.#at++;
    const members: JsonMember[] = [];
    this.#space();
    if (this.#take('}')) return { type: 'object', at, end: this.#at, members };
    do {
      this.#space();
      const nameAt = this.#at;
      if (this.#text[nameAt] !== '"') throw this.#unexpected('a name in double quotes');
      const name = this.#string();
      this.#space();
      if (!this.#take(':')) throw this.#unexpected('`:`');
      members.push({ name, nameAt, value: this.#value() });
      this.#space();
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#unexpected('`,` or `}`');
    return { type: 'object', at, end: this.#at, members };
  }

  #array(): JsonNode {
    const at = this.#at++;
    const items: JsonNode[] = [];
    this.#space();
    if (this.#take(']')) return { type: 'array', at, items };
    do {
      items.push(this.#value());
      this.#space();
    } while (this.#take(','));
    if (!this.#take(']')) throw this.#unexpected('`,` or `]`');
    return { type: 'array', at, items };
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        return escaped ? this.#unescape(start, at + 1) : this.#text.slice(start + 1, at);
      }
      if (code === 0x5c) {
        escaped = true;
        at += 1;
      } else if (code < 0x20) {
        throw new JsonStop('a control character inside a string', at);
      }
    }
    throw new JsonStop('a string without its closing quote', start);
  }

  #unescape(start: number, end: number): string {
    try {
      return JSON.parse(this.#text.slice(start, end)) as string;
    } catch {
      throw new JsonStop('a string with an unknown escape', start);
    }
  }

  #number(): JsonNode {
    const at = this.#at;
    const pattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    pattern.lastIndex = at;
    const text = pattern.exec(this.#text)?.[0];
    if (text === undefined) throw this.#unexpected('a value');
    this.#at = at + text.length;
    return { type: 'number', at, text };
  }

  #word(word: string, node: JsonNode): JsonNode {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected('a value');
    this.#at += word.length;
    return node;
  }

  #take(sign: string): boolean {
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #unexpected(wanted: string): JsonStop {
    const found = this.#at < this.#text.length ? `\`${this.#text[this.#at]}\`` : 'the end of the text';
    return new JsonStop(`${found} where ${wanted} was expected`, this.#at);
  }
}

/** Reads one JSON text; the first error stops it. */
export function parseJsonText(text: string): { root: JsonNode } | { error: JsonError } {
  try {
    return { root: new Reader(text).document() };
  } catch (error) {
    if (error instanceof JsonStop) return { error: { message: error.message, at: error.at } };
    throw error;
  }
}

/** A finder of line and column (both from 1) for offsets of `text`; lines end with LF, CR or CR LF. */
export function placesOf(text: string): (at: number) => { line: number; column: number } {
  const starts = [0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), (end) => end.index + end[0].length)];
  return (at) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - starts[low]! + 1 };
  };
}
