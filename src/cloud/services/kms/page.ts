// Pagination as KMS does it: Limit and Marker in, NextMarker and Truncated out.
import { invalidMarker } from './failures.ts';

export interface PageInput {
  readonly Limit?: number | undefined;
  readonly Marker?: string | undefined;
}

export interface Page<Item> {
  readonly items: Item[];
  readonly page: { readonly Truncated: boolean; readonly NextMarker?: string };
}

/** The row id after which a page begins. @throws InvalidMarkerException */
export function afterMarker(marker: string | undefined): string | undefined {
  if (marker === undefined) return undefined;
  const id = Buffer.from(marker, 'base64url').toString('utf8');
  if (!id.startsWith('@')) throw invalidMarker();
  return id.slice(1);
}

/** One page of `rows`, which begin after the marker. Rows for which `shape` gives undefined are passed over. */
export function pageOf<Row, Item>(
  rows: Iterable<readonly [id: string, row: Row]>,
  { Limit }: PageInput,
  sizes: { readonly usual: number; readonly most: number },
  shape: (row: Row, id: string) => Item | undefined,
): Page<Item> {
  const size = Math.min(Limit ?? sizes.usual, sizes.most);
  const items: Item[] = [];
  let last = '';
  for (const [id, row] of rows) {
    const item = shape(row, id);
    if (item === undefined) continue;
    if (items.length === size) {
      return { items, page: { Truncated: true, NextMarker: Buffer.from(`@${last}`).toString('base64url') } };
    }
    items.push(item);
    last = id;
  }
  return { items, page: { Truncated: false } };
}

/** A page of a short list; markers are positions in it. */
export function pageOfList<Item>(
  list: readonly Item[],
  input: PageInput,
  sizes: { readonly usual: number; readonly most: number },
): Page<Item> {
  const start = Number(afterMarker(input.Marker) ?? '0');
  if (!Number.isSafeInteger(start)) throw invalidMarker();
  const rows = list.slice(start).map((item, index) => [String(start + index + 1), item] as const);
  return pageOf(rows, input, sizes, (item) => item);
}
