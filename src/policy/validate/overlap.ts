// Whether two patterns have a text in common.

/** A star stands for any text, a question mark for one character; a variable may come out as anything. */
function signsOf(pattern: string): string {
  return pattern.replace(/\$\{[^}]*\}/g, '*').replace(/\*+/g, '*');
}

/**
 * Whether some text fits both patterns, in which `*` and `?` are wildcards and `${…}` stands for any text. Walks the
 * pairs of places that can be reached; the work is the product of the lengths at most.
 */
export function overlaps(left: string, right: string): boolean {
  const [a, b] = [signsOf(left), signsOf(right)];
  if (startsApart(a, b)) return false;
  let row = new Set<number>([0]);
  // Places in `b` that can be reached having read `a` up to `at`.
  for (let at = 0; ; at++) {
    spread(row, a[at], b);
    if (at === a.length) return row.has(b.length);
    const next = new Set<number>();
    for (const place of row) {
      if (a[at] === '*') {
        next.add(place);
      } else if (b[place] === '*') {
        next.add(place);
      } else if (place < b.length && (a[at] === b[place] || a[at] === '?' || b[place] === '?')) {
        next.add(place + 1);
      }
    }
    if (next.size === 0) return false;
    row = next;
  }
}

/** Splits at the first five colons; fewer parts where there are fewer. */
function segmentsOf(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/**
 * Whether some ARN fits both a format of AWS's (`arn:*:sqs:*:*:*`) and a pattern of a policy. An open part of the format
 * holds something and no colon, but for the last; the account is left empty where AWS itself owns the resource.
 */
export function arnsOverlap(format: string, pattern: string): boolean {
  const [wanted, given] = [segmentsOf(format), segmentsOf(pattern)];
  if (given.length < 6) return overlaps(format, pattern);
  return wanted.every(
    (part, index) => (part === '' || index === 4 || given[index] !== '') && overlaps(part, given[index]!),
  );
}

/** Adds what can be reached in `b` without going on in `a`: past a star of `b`, and past anything while `a` has a star. */
function spread(row: Set<number>, sign: string | undefined, b: string): void {
  for (let place = Math.min(...row); place < b.length; place++) {
    if (row.has(place) && (b[place] === '*' || sign === '*')) row.add(place + 1);
  }
}

/** Whether the two differ before either has its first wildcard: so it is with most pairs. */
function startsApart(a: string, b: string): boolean {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [x, y] = [a[at]!, b[at]!];
    if (x === '*' || y === '*') return false;
    if (x !== y && x !== '?' && y !== '?') return true;
  }
  return false;
}
