// Conditions whose parentheses nest deep, before dynalite reads them: its parser reads the inside of each pair several
// times, so that nine levels, which clients make of ten conditions in a row, take seconds. Promises: pairs that say
// nothing are taken away, so the meaning stays; what is left is read in milliseconds or refused. Expressions of up to
// two levels are not touched.
import { invalid } from './failures.ts';

interface Group {
  readonly parts: (string | Group)[];
  hasAnd: boolean;
  hasOr: boolean;
}

/** Each level takes five times as long as the one before: six take 0.1 s, nine 14 s. */
export const deepestNesting = 6;
const untouched = 2;

// A path (`a.b`) and a name or value of the request (`#a`, `:v`) are one word.
const tokens = /[()]|[#:\w.-]+|[^()#:\w.-]+/g;

/**
 * The expression with fewer parentheses; as it was when they do not pair.
 * @throws ValidationException for pairs that only hold another pair, and for what is nested too deep
 */
export function lessNested(name: string, expression: string): string {
  if (depthOf(expression) <= untouched) return expression;
  const whole = groupOf(expression);
  if (whole === undefined) return expression;
  if (holdsOnlyAPair(whole)) throw invalid(`Invalid ${name}: The expression has redundant parentheses;`);
  const written = inside(whole);
  if (depthOf(written) > deepestNesting) {
    throw invalid(`Invalid ${name}: The embedded AWS reads parentheses up to ${deepestNesting} levels deep;`);
  }
  return written;
}

function depthOf(text: string): number {
  let depth = 0;
  let most = 0;
  for (const sign of text) {
    if (sign === '(') most = Math.max(most, (depth += 1));
    else if (sign === ')') depth -= 1;
  }
  return most;
}

const emptyGroup = (): Group => ({ parts: [], hasAnd: false, hasOr: false });

/** Undefined when parentheses do not pair. */
function groupOf(expression: string): Group | undefined {
  const open: Group[] = [];
  let group = emptyGroup();
  let isBetween = false;
  for (const token of expression.match(tokens) ?? []) {
    if (token === '(') {
      const inner = emptyGroup();
      group.parts.push(inner);
      open.push(group);
      group = inner;
      continue;
    }
    if (token === ')') {
      const outer = open.pop();
      if (outer === undefined) return undefined;
      group = outer;
      continue;
    }
    const word = token.toUpperCase();
    if (word === 'AND' && !isBetween) group.hasAnd = true;
    if (word === 'OR') group.hasOr = true;
    // The next AND belongs to it.
    if (word === 'BETWEEN' || word === 'AND') isBetween = word === 'BETWEEN';
    group.parts.push(token);
  }
  return open.length === 0 ? group : undefined;
}

const isBlank = (part: string | Group): boolean => typeof part === 'string' && part.trim() === '';
const solid = (group: Group): (string | Group)[] => group.parts.filter((part) => !isBlank(part));

/** Whether a pair in `group` holds nothing but a pair: `((a))`. */
function holdsOnlyAPair(group: Group): boolean {
  const left: Group[] = [group];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const part of solid(next)) {
      if (typeof part === 'string') continue;
      const [only, ...more] = solid(part);
      if (more.length === 0 && typeof only === 'object') return true;
      left.push(part);
    }
  }
  return false;
}

/** What stands in the group, with the pairs that its place needs. */
function inside(group: Group): string {
  const row = solid(group);
  return group.parts
    .map((part) => {
      if (typeof part === 'string') return part;
      const at = row.indexOf(part);
      return isNeeded(part, group, row[at - 1], row[at + 1]) ? `(${inside(part)})` : ` ${inside(part)} `;
    })
    .join('');
}

function isNeeded(
  part: Group,
  group: Group,
  before: string | Group | undefined,
  after: string | Group | undefined,
): boolean {
  const isCondition = part.hasAnd || part.hasOr;
  const stands = (neighbour: string | Group | undefined): boolean =>
    neighbour === undefined || (typeof neighbour === 'string' && /^(?:AND|OR)$/i.test(neighbour.trim()));
  if (!isCondition || !stands(before) || !stands(after)) return true;
  // AND binds tighter than OR.
  return part.hasOr && group.hasAnd;
}
