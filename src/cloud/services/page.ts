// Pages of lists, for services to dress in their own names. A marker names the last item given, so that a page costs
// what it holds and changes between two pages do no harm.

export interface PagePart<Item> {
  readonly items: Item[];
  /** Where the next page begins; absent at the end. */
  readonly marker?: string;
}

/**
 * At most `size` items of `rows`. Rows for which `shape` gives undefined are passed over. Stops reading at the first
 * row beyond the page.
 */
export function takePage<Row, Item>(
  rows: Iterable<readonly [id: string, row: Row]>,
  size: number,
  shape: (row: Row, id: string) => Item | undefined,
): PagePart<Item> {
  const items: Item[] = [];
  let last = '';
  for (const [id, row] of rows) {
    const item = shape(row, id);
    if (item === undefined) continue;
    if (items.length === size) return { items, marker: Buffer.from(`@${last}`).toString('base64url') };
    items.push(item);
    last = id;
  }
  return { items };
}

/** The id of the row that a marker names; undefined for one that was not given out. */
export function idOfMarker(marker: string): string | undefined {
  const id = Buffer.from(marker, 'base64url').toString('utf8');
  return id.length > 1 && id.startsWith('@') ? id.slice(1) : undefined;
}
