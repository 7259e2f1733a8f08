// Text patterns of the IAM language: `*`, `?`, `${key}` with defaults and escapes. Compiled once.
// Matching is linear in practice and never backtracks, so a hostile pattern cannot stall a decision.
import type { Context } from './types.ts';

/** A run of characters between two `*`; `holes[i]` is 1 where the pattern has `?`. */
interface Chunk {
  readonly text: string;
  readonly holes: Uint8Array | undefined;
}

export type Token =
  | string
  | { readonly wild: '*' | '?' }
  | { readonly key: string; readonly fallback: string | undefined };

export interface PatternOptions {
  /** `${…}` is a variable or escape (documents of version 2012-10-17); otherwise plain text. */
  readonly variables: boolean;
  /** `*` and `?` are wildcards. */
  readonly wildcards: boolean;
  /** Compare without case. */
  readonly ignoreCase: boolean;
}

/** A compiled pattern. */
export interface TextPattern {
  matches(value: string, context: Context): boolean;
}

function chunkAt(chunk: Chunk, value: string, at: number): boolean {
  const { text, holes } = chunk;
  if (holes === undefined) return value.startsWith(text, at);
  for (let index = 0; index < text.length; index++) {
    if (holes[index] === 0 && text.charCodeAt(index) !== value.charCodeAt(at + index)) return false;
  }
  return true;
}

/** Leftmost place of `chunk` in `value` from `at` on that ends at or before `end`, or -1. */
function findChunk(chunk: Chunk, value: string, at: number, end: number): number {
  const last = end - chunk.text.length;
  if (chunk.holes === undefined) {
    const found = value.indexOf(chunk.text, at);
    return found <= last ? found : -1;
  }
  for (let place = at; place <= last; place++) if (chunkAt(chunk, value, place)) return place;
  return -1;
}

function matchChunks(chunks: readonly Chunk[], value: string): boolean {
  const first = chunks[0]!;
  if (chunks.length === 1) return value.length === first.text.length && chunkAt(first, value, 0);
  const last = chunks[chunks.length - 1]!;
  const end = value.length - last.text.length;
  let at = first.text.length;
  if (at > end || !chunkAt(first, value, 0) || !chunkAt(last, value, end)) return false;
  for (let index = 1; index < chunks.length - 1; index++) {
    const found = findChunk(chunks[index]!, value, at, end);
    if (found < 0) return false;
    at = found + chunks[index]!.text.length;
  }
  return true;
}

function chunksOf(tokens: readonly Token[]): Chunk[] {
  const chunks: Chunk[] = [];
  let text = '';
  let holes: number[] = [];
  const close = (): void => {
    const marks = holes.length === 0 ? undefined : new Uint8Array(text.length);
    for (const hole of holes) marks![hole] = 1;
    chunks.push({ text, holes: marks });
    text = '';
    holes = [];
  };
  for (const token of tokens) {
    if (typeof token === 'string') text += token;
    else if ('wild' in token) {
      if (token.wild === '*') close();
      else {
        holes.push(text.length);
        text += '?';
      }
    }
  }
  close();
  return chunks;
}

// `${*}`, `${?}`, `${$}` or `${key}` or `${key, 'default'}`.
// Each part ends where the next can only begin, so that no text makes the expression try twice.
const variable = /\$\{(?:([*?$])|([^},'"{]+)(?:,\s*'([^']*)'\s*)?)\}/y;

/** The parts of a pattern: plain text, wildcards, variables. */
export function tokensOf(text: string, options: PatternOptions): Token[] {
  const tokens: Token[] = [];
  let plain = '';
  const push = (token: Token): void => {
    if (plain !== '') tokens.push(plain);
    plain = '';
    tokens.push(token);
  };
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '$' && options.variables && text[at + 1] === '{') {
      variable.lastIndex = at;
      const found = variable.exec(text);
      if (found !== null) {
        at += found[0].length - 1;
        if (found[1] !== undefined) plain += found[1];
        else push({ key: found[2]!.trim().toLowerCase(), fallback: found[3] });
        continue;
      }
    }
    if (options.wildcards && (sign === '*' || sign === '?')) push({ wild: sign });
    else plain += sign;
  }
  if (plain !== '') tokens.push(plain);
  return tokens;
}

/** Compares a value with tokens that hold no variable. */
export class TokenMatcher {
  readonly #chunks: readonly Chunk[];
  /** The text itself, when nothing in it is a wildcard. */
  readonly #exact: string | undefined;
  /** The text before a single closing `*`. */
  readonly #prefix: string | undefined;

  constructor(tokens: readonly Token[]) {
    this.#chunks = chunksOf(tokens);
    const [first, second] = this.#chunks;
    const plain = first!.holes === undefined;
    this.#exact = plain && this.#chunks.length === 1 ? first!.text : undefined;
    this.#prefix = plain && this.#chunks.length === 2 && second!.text === '' ? first!.text : undefined;
  }

  matches(value: string): boolean {
    if (this.#exact !== undefined) return value === this.#exact;
    if (this.#prefix !== undefined) return value.startsWith(this.#prefix);
    return matchChunks(this.#chunks, value);
  }
}

export const hasVariable = (tokens: readonly Token[]): boolean =>
  tokens.some((token) => typeof token === 'object' && 'key' in token);

/**
 * Puts the request's values in place of variables: as plain text, so that a `*` in them is no wildcard. `undefined` when
 * one has neither value nor default. Only single-valued keys can be variables (IAM user guide, "Using variables in policies").
 */
export function substitute(tokens: readonly Token[], context: Context): readonly Token[] | undefined {
  const filled: Token[] = [];
  for (const token of tokens) {
    if (typeof token === 'string' || 'wild' in token) {
      filled.push(token);
      continue;
    }
    const value = context.get(token.key);
    const text = typeof value === 'string' ? value : token.fallback;
    if (text === undefined) return undefined;
    filled.push(text);
  }
  return filled;
}

class FixedPattern implements TextPattern {
  readonly #ignoreCase: boolean;
  readonly #matcher: TokenMatcher;

  constructor(tokens: readonly Token[], ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
    this.#matcher = new TokenMatcher(tokens);
  }

  matches(value: string): boolean {
    return this.#matcher.matches(this.#ignoreCase ? value.toLowerCase() : value);
  }
}

class VariablePattern implements TextPattern {
  readonly #tokens: readonly Token[];
  readonly #ignoreCase: boolean;

  constructor(tokens: readonly Token[], ignoreCase: boolean) {
    this.#tokens = tokens;
    this.#ignoreCase = ignoreCase;
  }

  matches(value: string, context: Context): boolean {
    const filled = substitute(this.#tokens, context);
    if (filled === undefined) return false;
    if (!this.#ignoreCase) return matchChunks(chunksOf(filled), value);
    const folded = filled.map((token) => (typeof token === 'string' ? token.toLowerCase() : token));
    return matchChunks(chunksOf(folded), value.toLowerCase());
  }
}

/** Compiles `text`; the pattern needs the context only when it holds a variable. */
export function compilePattern(text: string, options: PatternOptions): TextPattern {
  const tokens = tokensOf(text, options);
  if (hasVariable(tokens)) return new VariablePattern(tokens, options.ignoreCase);
  const folded = options.ignoreCase ? tokensOf(text.toLowerCase(), options) : tokens;
  return new FixedPattern(folded, options.ignoreCase);
}

/**
 * Whether values match `text`, in which `*` and `?` are wildcards. With `escapes` a backslash before one of them, or
 * before another backslash, makes it plain.
 */
export function wildcardMatcher(
  text: string,
  { ignoreCase = false, escapes = false }: { readonly ignoreCase?: boolean; readonly escapes?: boolean } = {},
): (value: string) => boolean {
  const folded = ignoreCase ? text.toLowerCase() : text;
  const parts = folded.match(escapes ? /\\[*?\\]|[*?]|[^*?\\]+|\\/g : /[*?]|[^*?]+/g) ?? [];
  const tokens = parts.map((part): Token => {
    if (part === '*' || part === '?') return { wild: part };
    return escapes && /^\\[*?\\]$/.test(part) ? part.slice(1) : part;
  });
  const matcher = new TokenMatcher(tokens);
  return (value) => matcher.matches(ignoreCase ? value.toLowerCase() : value);
}
