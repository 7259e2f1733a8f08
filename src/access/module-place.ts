// Where a value of a definition stands in the text of the module that makes it. A module is a program: literals are
// followed as they are written, and where something is computed the nearest place before it is told.

const opening: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' };

/** The offset behind a comment, text or template that begins at `at`; `at` itself where none does. */
function behindText(text: string, at: number): number {
  const two = text.slice(at, at + 2);
  if (two === '//' || two === '/*') {
    const end = text.indexOf(two === '//' ? '\n' : '*/', at + 2);
    return end < 0 ? text.length : end + (two === '//' ? 1 : 2);
  }
  const quote = text[at];
  if (quote !== "'" && quote !== '"' && quote !== '`') return at;
  for (let next = at + 1; next < text.length; next++) {
    if (text[next] === '\\') next++;
    else if (text[next] === quote) return next + 1;
  }
  return text.length;
}

/** The first offset from `at` on that is neither blank nor in a comment. */
function skipBlanks(text: string, at: number): number {
  for (let next = at; next < text.length;) {
    if (/\s/.test(text[next]!)) next++;
    else if (text.startsWith('//', next) || text.startsWith('/*', next)) next = behindText(text, next);
    else return next;
  }
  return text.length;
}

/** The offset of the next comma of the same depth, or of the bracket that closes it. */
function endOfItem(text: string, at: number): number {
  const closing: string[] = [];
  for (let next = at; next < text.length;) {
    const char = text[next]!;
    const behind = behindText(text, next);
    if (behind > next) next = behind;
    else {
      const close = opening[char];
      if (close !== undefined) closing.push(close);
      else if (closing.length > 0 && char === closing.at(-1)) closing.pop();
      else if (closing.length === 0 && /[,}\])]/.test(char)) return next;
      next++;
    }
  }
  return text.length;
}

interface Found {
  /** Where it is told: the key of a member, the beginning of an element. */
  readonly at: number;
  /** Where its value begins. */
  readonly value: number;
}

/** `key:` at an offset; what is computed or spread is none. */
function keyAt(text: string, at: number): { readonly key: string; readonly behind: number } | undefined {
  const quoted = text[at] === "'" || text[at] === '"';
  const end = quoted ? behindText(text, at) : at + (/^[\w$]+/.exec(text.slice(at))?.[0].length ?? 0);
  if (end === at) return undefined;
  const behind = skipBlanks(text, end);
  return { key: quoted ? text.slice(at + 1, end - 1) : text.slice(at, end), behind };
}

/** A member of an object, or an element of a list, whose bracket stands at `open`. */
function inside(text: string, open: number, part: string | number): Found | undefined {
  let index = 0;
  for (let at = skipBlanks(text, open + 1); at < text.length && !/[}\])]/.test(text[at]!); index++) {
    if (text.startsWith('...', at)) return undefined;
    if (text[open] === '[' && index === part) return { at, value: at };
    const member = text[open] === '{' ? keyAt(text, at) : undefined;
    if (member?.key === part) {
      return { at, value: text[member.behind] === ':' ? skipBlanks(text, member.behind + 1) : at };
    }
    const end = endOfItem(text, at);
    if (text[end] !== ',') return undefined;
    at = skipBlanks(text, end + 1);
  }
  return undefined;
}

/** Where the definition itself begins: what is handed to `defineAccess`, or exported. */
function beginning(text: string): number | undefined {
  for (const start of [/\bdefineAccess\s*\(\s*(?=\{)/g, /\bexport\s+default\s+(?=\{)/g]) {
    const found = start.exec(text);
    if (found !== null) return found.index + found[0].length;
  }
  return undefined;
}

/** The offset of what is at `path`, or of the last part of it that the text spells out. */
export function moduleOffset(text: string, path: readonly (string | number)[]): number {
  let at = 0;
  let value = beginning(text);
  for (const [depth, part] of path.entries()) {
    if (value === undefined) return searched(text, path.slice(depth), at);
    const found = text[value] === '{' || text[value] === '[' ? inside(text, value, part) : undefined;
    if (found === undefined) return typeof part === 'number' ? at : searched(text, [part], at, at);
    at = found.at;
    value = found.value;
  }
  return at;
}

/** The keys of `path` one after the other, as words: near, where a value is made elsewhere in the module. */
function searched(text: string, path: readonly (string | number)[], from: number, otherwise = 0): number {
  let at = from;
  for (const part of path) {
    if (typeof part === 'number') continue;
    const escaped = part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    const pattern = new RegExp(String.raw`(?<![\w$])(['"]?)${escaped}\1\s*[:,}\n]`, 'g');
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = found.index;
  }
  return at === from && otherwise > 0 ? otherwise : at;
}
