// Patterns of resources compared with one another: both sides may hold `*` and `?`.

/** Whether some text matches both patterns. */
export function globsOverlap(one: string, other: string): boolean {
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

function startRow(pattern: string): boolean[] {
  const row = [true];
  for (let at = 1; at <= pattern.length; at++) row.push(row[at - 1]! && pattern[at - 1] === '*');
  return row;
}

/** Whether `broad` matches every text that `narrow` matches. Says no where it cannot tell. */
export function globContains(broad: string, narrow: string): boolean {
  // Nearly all that are compared part here; what follows takes a step for each pair of signs.
  const literal = broad.search(/[*?]/);
  if (literal < 0) return broad === narrow;
  if (!narrow.startsWith(broad.slice(0, literal))) return false;
  let row = startRow(broad);
  for (const sign of narrow) {
    const next = Array.from({ length: broad.length + 1 }, () => false);
    for (let at = 1; at <= broad.length; at++) {
      const against = broad[at - 1]!;
      // A `*` of the narrow one may stand for anything, so only a `*` of the broad one can take it in.
      if (against === '*') next[at] = row[at]! || next[at - 1]!;
      else if (sign !== '*') next[at] = row[at - 1]! && (against === sign || against === '?');
    }
    row = next;
    for (let at = 1; at <= broad.length; at++) if (broad[at - 1] === '*' && row[at - 1]!) row[at] = true;
  }
  return row[broad.length]!;
}
