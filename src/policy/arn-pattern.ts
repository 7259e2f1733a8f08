// ARN operators compare the six segments of an ARN one by one, so that `*` never crosses one of the first five
// colons (IAM user guide, "Amazon Resource Name (ARN) condition operators").
import { hasVariable, substitute, TokenMatcher, tokensOf, type TextPattern, type Token } from './pattern.ts';
import type { Context } from './types.ts';

/** Splits at the first five colons; `undefined` when there are fewer. The last segment keeps its colons. */
function segmentsOf(value: string): readonly string[] | undefined {
  const segments: string[] = [];
  let from = 0;
  for (let count = 0; count < 5; count++) {
    const colon = value.indexOf(':', from);
    if (colon < 0) return undefined;
    segments.push(value.slice(from, colon));
    from = colon + 1;
  }
  segments.push(value.slice(from));
  return segments;
}

/** The same for a pattern: only colons of its text count, also of text that a variable brought. */
function segmentTokens(tokens: readonly Token[]): readonly TokenMatcher[] | undefined {
  const segments: Token[][] = [[]];
  for (const token of tokens) {
    if (typeof token !== 'string') {
      segments.at(-1)!.push(token);
      continue;
    }
    const parts = token.split(':');
    const own = parts.splice(0, 7 - segments.length);
    const rest = parts.length === 0 ? '' : `:${parts.join(':')}`;
    own.forEach((part, index) => {
      if (index > 0) segments.push([]);
      segments.at(-1)!.push(index === own.length - 1 ? part + rest : part);
    });
  }
  return segments.length === 6 ? segments.map((segment) => new TokenMatcher(segment)) : undefined;
}

class ArnPattern implements TextPattern {
  readonly #tokens: readonly Token[];
  /** Absent while a variable has to be filled in first. */
  readonly #fixed: readonly TokenMatcher[] | undefined;
  readonly #varies: boolean;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#varies = hasVariable(tokens);
    this.#fixed = this.#varies ? undefined : segmentTokens(tokens);
  }

  matches(value: string, context: Context): boolean {
    const segments = segmentsOf(value);
    const patterns = this.#varies ? this.#filled(context) : this.#fixed;
    if (segments === undefined || patterns === undefined || segments[0] !== 'arn') return false;
    for (let index = 0; index < 6; index++) if (!patterns[index]!.matches(segments[index]!)) return false;
    return true;
  }

  #filled(context: Context): readonly TokenMatcher[] | undefined {
    const filled = substitute(this.#tokens, context);
    return filled && segmentTokens(filled);
  }
}

/** Compiles a value of an ARN operator; one that has not six segments matches nothing. */
export function compileArnPattern(text: string, variables: boolean): TextPattern {
  return new ArnPattern(tokensOf(text, { variables, wildcards: true, ignoreCase: false }));
}
