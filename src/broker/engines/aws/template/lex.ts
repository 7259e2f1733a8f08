// Tokens of a Go template. Text is handled as bytes (one character each, 0 to 255), because Go counts
// and cuts bytes; the facts are those of Go's text/template/parse/lex.go.
import { toText } from './quote.ts';

export type TokenType =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'pipe'
  | 'declare'
  | 'assign'
  | 'paren'
  | 'endparen'
  | 'string'
  | 'raw'
  | 'char'
  | 'number'
  | 'boolean'
  | 'nil'
  | 'dot'
  | 'field'
  | 'variable'
  | 'identifier'
  | 'keyword'
  | 'other'
  | 'end'
  | 'error';

export interface Token {
  readonly type: TokenType;
  readonly text: string;
  /** Offset in bytes, and line from 1. */
  readonly at: number;
  readonly line: number;
}

const keywords = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with']);
const trimmed = /^[ \t\r\n]*/;
const punctuation: Readonly<Record<string, TokenType>> = { '|': 'pipe', '=': 'assign' };

/** All tokens; the last one is `end`, or `error` with Go's text for what stopped the reading. */
export function readTokens(source: string): readonly Token[] {
  const lexer = new Lexer(source);
  lexer.run();
  return lexer.tokens;
}

/** Thrown inside, and turned into the last token. */
class Stop extends Error {}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #source: string;
  #at = 0;
  #parens = 0;
  /** Line that begins at `#counted`, or that the tokens so far reached. */
  #line = 1;
  #counted = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): void {
    try {
      while (this.#text()) this.#action();
      this.#add('end', '', this.#at);
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      this.#add('error', error.message, this.#at);
    }
  }

  #add(type: TokenType, text: string, at: number): void {
    for (let next = this.#source.indexOf('\n', this.#counted); next >= 0 && next < at;) {
      this.#line++;
      this.#counted = next + 1;
      next = this.#source.indexOf('\n', this.#counted);
    }
    this.tokens.push({ type, text, at, line: this.#line });
  }

  get #rest(): string {
    return this.#source.slice(this.#at);
  }

  /** Text up to the next action; false at the end of the template. */
  #text(): boolean {
    const from = this.#at;
    const found = this.#source.indexOf('{{', from);
    const end = found < 0 ? this.#source.length : found;
    const trims = found >= 0 && /^-[ \t\r\n]/.test(this.#source.slice(end + 2));
    const text = this.#source.slice(from, end);
    const kept = trims ? text.replace(/[ \t\r\n]+$/, '') : text;
    if (kept !== '') this.#add('text', kept, from);
    this.#at = end;
    return found >= 0;
  }

  #action(): void {
    const from = this.#at;
    const marker = /^\{\{(?:-(?=[ \t\r\n]))?/.exec(this.#rest)![0].length;
    const afterSpace = marker === 3 ? 1 : 0;
    if (this.#source.startsWith('/*', from + marker + afterSpace)) return this.#comment(from + marker + afterSpace);
    this.#add('open', '{{', from);
    this.#at = from + marker;
    this.#parens = 0;
    while (!this.#closes()) this.#inside();
  }

  #comment(from: number): void {
    const end = this.#source.indexOf('*/', from);
    if (end < 0) throw new Stop('unclosed comment');
    this.#at = end + 2;
    const close = /^(?:[ \t\r\n]-)?\}\}/.exec(this.#rest);
    if (close === null) throw new Stop('comment ends before closing delimiter');
    this.#at += close[0].length;
    if (close[0].length > 2) this.#skipSpace();
  }

  #skipSpace(): void {
    this.#at += trimmed.exec(this.#rest)![0].length;
  }

  #closes(): boolean {
    const close = /^(?:[ \t\r\n]-)?\}\}/.exec(this.#rest)?.[0];
    if (close === undefined) return false;
    if (this.#parens > 0) throw new Stop('unclosed left paren');
    this.#add('close', '}}', this.#at);
    this.#at += close.length;
    if (close.length > 2) this.#skipSpace();
    return true;
  }

  #inside(): void {
    const [next] = this.#rest;
    if (next === undefined) throw new Stop('unclosed action');
    if (/[ \t\r\n]/.test(next)) return this.#space();
    if (next === '"' || next === '`' || next === "'") return this.#quoted(next);
    if (next === '$') return this.#name('variable');
    if (next === '.' && !/^\.\d/.test(this.#rest)) return this.#name('field');
    if (/[.+\-\d]/.test(next)) return this.#number();
    if (/\w/.test(next) || this.#letter()) return this.#word();
    return this.#symbol(next);
  }

  // A space before ` -}}` belongs to the closing delimiter.
  #space(): void {
    const run = /^[ \t\r\n]+/.exec(this.#rest)![0];
    const closes = this.#source.startsWith('-}}', this.#at + run.length);
    const length = closes ? run.length - 1 : run.length;
    if (length > 0) this.#take('space', length);
  }

  #take(type: TokenType, length: number): void {
    this.#add(type, this.#source.slice(this.#at, this.#at + length), this.#at);
    this.#at += length;
  }

  #quoted(quote: string): void {
    const pattern = { '"': /^"(?:[^"\\\n]|\\[^\n])*"/, "'": /^'(?:[^'\\\n]|\\[^\n])*'/, '`': /^`[^`]*`/ }[quote]!;
    const found = pattern.exec(this.#rest);
    if (found !== null)
      return this.#take(({ '"': 'string', "'": 'char', '`': 'raw' } as const)[quote]!, found[0].length);
    const kinds = { '"': 'quoted string', "'": 'character constant', '`': 'raw quoted string' } as const;
    throw new Stop(`unterminated ${kinds[quote as keyof typeof kinds]}`);
  }

  #name(type: 'variable' | 'field'): void {
    const text = /^[.$][\w\x80-\xff]*/.exec(this.#rest)![0];
    this.#checkTerminated(text);
    this.#take(text === '.' ? 'dot' : type, text.length);
  }

  #word(): void {
    const text = /^[\w\x80-\xff]+/.exec(this.#rest)![0];
    this.#checkTerminated(text);
    if (keywords.has(text)) return this.#take('keyword', text.length);
    if (text === 'nil') return this.#take('nil', text.length);
    this.#take(text === 'true' || text === 'false' ? 'boolean' : 'identifier', text.length);
  }

  #checkTerminated(text: string): void {
    const next = this.#source.slice(this.#at + text.length);
    if (next === '' || /^[ \t\r\n.,|:()]/.test(next) || next.startsWith('}}')) return;
    throw new Stop(`bad character ${unicodeName(next)}`);
  }

  #number(): void {
    const pattern = /^[+-]?(?:0[xX][\da-fA-F_]*|0[oO][0-7_]*|0[bB][01_]*|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)/;
    const text = pattern.exec(this.#rest)![0];
    const next = this.#source[this.#at + text.length];
    if (next !== undefined && /[\w\x80-\xff]/.test(next)) throw new Stop(`bad number syntax: "${text}${next}"`);
    this.#take('number', text.length);
  }

  /** A letter or digit beyond ASCII comes next. */
  #letter(): boolean {
    return this.#rest > '\x80' && /^[\p{L}\p{N}]/u.test(toText(this.#rest.slice(0, 4)));
  }

  #symbol(next: string): void {
    if (next === ':' && !this.#source.startsWith(':=', this.#at)) throw new Stop('expected :=');
    if (next === ':') return this.#take('declare', 2);
    if (next === '(') this.#parens++;
    if (next === ')' && --this.#parens < 0) throw new Stop('unexpected right paren');
    if (next === '(' || next === ')') return this.#take(next === '(' ? 'paren' : 'endparen', 1);
    if (next < ' ' || next > '~') throw new Stop(`unrecognized character in action: ${unicodeName(this.#rest)}`);
    this.#take(punctuation[next] ?? 'other', 1);
  }
}

/** The first character of `rest`, as Go's `%#U` tells it. */
function unicodeName(rest: string): string {
  const character = String.fromCodePoint(toText(rest.slice(0, 4)).codePointAt(0)!);
  const name = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  return /^[\p{C}\p{Z}]$/u.test(character) && character !== ' ' ? name : `${name} '${character}'`;
}
