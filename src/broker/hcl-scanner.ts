// The words of HCL version 1 and of JSON, each with its place: the language policies are written in.
// Source: hashicorp/hcl v1 (hcl/scanner, hcl/strconv); texts of errors are the ones its users know.

export type TokenKind =
  | 'IDENT'
  | 'NUMBER'
  | 'FLOAT'
  | 'BOOL'
  | 'NULL'
  | 'STRING'
  | 'HEREDOC'
  | 'LBRACK'
  | 'RBRACK'
  | 'LBRACE'
  | 'RBRACE'
  | 'COMMA'
  | 'PERIOD'
  | 'ASSIGN'
  | 'COLON'
  | 'ADD'
  | 'SUB'
  | 'EOF';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface HclToken extends Place {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** What a string stands for; of other words the text. */
  readonly value: string;
}

const punctuation: Readonly<Record<string, TokenKind>> = {
  '[': 'LBRACK',
  ']': 'RBRACK',
  '{': 'LBRACE',
  '}': 'RBRACE',
  ',': 'COMMA',
  '.': 'PERIOD',
  '=': 'ASSIGN',
  '+': 'ADD',
  '-': 'SUB',
};
const identifier = /[\p{L}_][\p{L}\p{Nd}_.-]*/uy;
const number = /-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)/y;
const escape = /\\(?:[abfnrtv\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y;
const escaped: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** A text that is no HCL, with the place where it stops being it. */
export class HclError extends Error {
  constructor({ line, column }: Place, message: string) {
    super(`At ${line}:${column}: ${message}`);
    this.name = 'HclError';
  }
}

export class HclScanner {
  readonly #text: string;
  readonly #json: boolean;
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string, json: boolean) {
    this.#text = text.replaceAll('\r\n', '\n');
    this.#json = json;
  }

  /** @throws HclError */
  next(): HclToken {
    this.#skipSpace();
    const start = this.#at;
    const place = this.#place(start);
    if (start >= this.#text.length) return { ...place, kind: 'EOF', text: '', value: '' };
    const { kind, value } = this.#word(this.#text[start]!);
    const text = this.#text.slice(start, this.#at);
    this.#countLines(start);
    return { ...place, kind, text, value: value ?? text };
  }

  #word(first: string): { readonly kind: TokenKind; readonly value?: string } {
    if (first === '"') return { kind: 'STRING', value: this.#json ? this.#jsonString() : this.#string() };
    if (first === '<' && !this.#json) return { kind: 'HEREDOC', value: this.#heredoc() };
    if (first === ':' && this.#json) return this.#single('COLON');
    const digits = this.#match(number);
    if (digits !== undefined) return { kind: /^-?(?:0[xX]|\d+$)/.test(digits) ? 'NUMBER' : 'FLOAT' };
    const word = this.#match(identifier);
    if (word === 'true' || word === 'false') return { kind: 'BOOL' };
    if (word === 'null' && this.#json) return { kind: 'NULL', value: '' };
    if (word !== undefined && !this.#json) return { kind: 'IDENT' };
    const kind = Object.hasOwn(punctuation, first) ? punctuation[first] : undefined;
    if (word !== undefined || kind === undefined || (this.#json && kind === 'ASSIGN'))
      throw this.#error('illegal char');
    return this.#single(kind);
  }

  #single(kind: TokenKind): { readonly kind: TokenKind } {
    this.#at++;
    return { kind };
  }

  // Inside `${…}` quotes do not end the string and nothing is unescaped.
  #string(): string {
    let value = '';
    let braces = 0;
    for (this.#at++; ;) {
      const character = this.#text[this.#at];
      if (character === undefined || (character === '\n' && braces === 0)) throw this.#error('literal not terminated');
      if (character === '"' && braces === 0) break;
      if (character === '\\') {
        value += this.#escape(braces > 0);
        continue;
      }
      if (braces === 0 ? this.#text.startsWith('${', this.#at) : character === '{') braces++;
      else if (braces > 0 && character === '}') braces--;
      const taken = braces === 1 && character === '$' ? '${' : character;
      value += taken;
      this.#at += taken.length;
    }
    this.#at++;
    return value;
  }

  #escape(verbatim: boolean): string {
    const found = this.#match(escape);
    if (found === undefined) throw this.#error('illegal char escape');
    if (verbatim) return found;
    const code = found[1]!;
    if (Object.hasOwn(escaped, code)) return escaped[code]!;
    if (code === '\\' || code === '"') return code;
    const point = /[xuU]/.test(code) ? Number.parseInt(found.slice(2), 16) : Number.parseInt(found.slice(1), 8);
    if (point > 0x10_ffff) throw this.#error('illegal char escape');
    return String.fromCodePoint(point);
  }

  #jsonString(): string {
    const found = this.#match(/"(?:[^"\\\n]|\\.)*"/y);
    if (found === undefined) throw this.#error('literal not terminated');
    try {
      return JSON.parse(found) as string;
    } catch {
      throw this.#error('illegal char escape');
    }
  }

  // `<<EOT` keeps the lines as they are; `<<-EOT` takes the closing word's indent off every line,
  // when every line has it.
  #heredoc(): string {
    const opening = this.#match(/<<(-?)([\p{L}\p{Nd}_]+)\n/uy);
    if (opening === undefined) throw this.#error('invalid characters in heredoc anchor');
    const word = opening.slice(opening[2] === '-' ? 3 : 2, -1);
    const rest = this.#text.slice(this.#at);
    const end = new RegExp(`^([^\\S\\n]*)${word}\\r*$`, 'mu').exec(rest);
    if (end === null || rest[end.index + end[0].length] !== '\n') throw this.#error('heredoc not terminated');
    this.#at += end.index + end[0].length + 1;
    const body = rest.slice(0, end.index);
    const indent = end[1]!;
    if (opening[2] !== '-' || indent === '') return body;
    const lines = body.slice(0, -1).split('\n');
    if (!lines.every((line) => line.startsWith(indent))) return body;
    return lines.map((line) => `${line.slice(indent.length)}\n`).join('');
  }

  #skipSpace(): void {
    for (;;) {
      const start = this.#at;
      this.#match(/[ \t\n\r]+/y);
      if (!this.#json) this.#comment();
      if (this.#at === start) return;
      this.#countLines(start);
    }
  }

  #comment(): void {
    if (this.#match(/#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\//y) !== undefined) return;
    if (this.#text.startsWith('/*', this.#at)) throw this.#error('comment not terminated');
    if (this.#text[this.#at] === '/') throw this.#error("expected '/' for comment");
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #countLines(from: number): void {
    for (let at = this.#text.indexOf('\n', from); at >= 0 && at < this.#at; at = this.#text.indexOf('\n', at + 1)) {
      this.#line++;
      this.#lineStart = at + 1;
    }
  }

  #place(at: number): Place {
    return { line: this.#line, column: at - this.#lineStart + 1 };
  }

  #error(message: string): HclError {
    return new HclError(this.#place(this.#at), message);
  }
}
