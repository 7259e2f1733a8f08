// Patterns of resources compared with one another: both sides may hold `*` and `?`.

/** Whether some text matches both patterns. */
export function globsOverlap(one: string, other: string): boolean {
  // Nearly all that are compared part here; what follows takes a step for each pair of signs.
  const literal = Math.min(literalStart(one), literalStart(other));
  if (one.slice(0, literal) !== other.slice(0, literal)) return false;
  if (literal === one.length || literal === other.length) return globContains(one, other) || globContains(other, one);
  // Row by row over `one`: which places of `other` can be reached.
  let row = startRow(other);
  for (const sign of one) {
    const next = Array.from({ length: other.length + 1 }, () => false);
    next[0] = sign === '*' && row[0]!;
    for (let at = 1; at <= other.length; at++) {
      const against = other[at - 1]!;
      if (sign === '*' || against === '*') next[at] = row[at]! || next[at - 1]! || row[at - 1]!;
      else next[at] = row[at - 1]! && (sign === against || sign === '?' || against === '?');
    }
    row = next;
  }
  return row[other.length]!;
}

/** How many signs come before the first wildcard. */
function literalStart(pattern: string): number {
  const found = pattern.search(/[*?]/);
  return found < 0 ? pattern.length : found;
}

function startRow(pattern: string): boolean[] {
  const row = [true];
  for (let at = 1; at <= pattern.length; at++) row.push(row[at - 1]! && pattern[at - 1] === '*');
  return row;
}

/** Whether `broad` matches every text that `narrow` matches. Says no where it cannot tell. */
export function globContains(broad: string, narrow: string): boolean {
  let [at, inNarrow] = [0, 0];
  // The last `*` of `broad`, and up to where it has taken `narrow` in: a part that does not fit lets it take one more sign.
  let [star, taken] = [-1, 0];
  while (inNarrow < narrow.length) {
    const [against, sign] = [broad[at], narrow[inNarrow]];
    if (against === '*') {
      star = at++;
      taken = inNarrow;
    } else if (sign !== '*' && (against === sign || against === '?')) {
      // A `*` of the narrow one may stand for anything, so only a `*` of the broad one can take it in.
      at++;
      inNarrow++;
    } else if (star >= 0) {
      at = star + 1;
      inNarrow = ++taken;
    } else return false;
  }
  while (broad[at] === '*') at++;
  return at === broad.length;
}
