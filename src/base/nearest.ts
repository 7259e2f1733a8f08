// The name that somebody probably meant.

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/**
 * The one of `names` that is at most 3 letters from `word` (case does not count), the nearest first; else undefined.
 * A name of which not one letter would be left is not near.
 */
export function nearestName(word: string, names: Iterable<string>): string | undefined {
  const lower = word.slice(0, 100).toLowerCase();
  let best: { name: string; far: number } | undefined;
  for (const name of names) {
    const far = distance(lower, name.toLowerCase());
    if (far <= 3 && far < Math.max(lower.length, name.length) && (best === undefined || far < best.far))
      best = { name, far };
  }
  return best?.name;
}
