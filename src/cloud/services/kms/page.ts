// Pagination as KMS does it: Limit and Marker in, NextMarker and Truncated out.
import { idOfMarker, takePage } from '../page.ts';
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
  const id = idOfMarker(marker);
  if (id === undefined) throw invalidMarker();
  return id;
}

/** One page of `rows`, which begin after the marker; as `takePage`. */
export function pageOf<Row, Item>(
  rows: Iterable<readonly [id: string, row: Row]>,
  { Limit }: PageInput,
  sizes: { readonly usual: number; readonly most: number },
  shape: (row: Row, id: string) => Item | undefined,
): Page<Item> {
  const { items, marker } = takePage(rows, Math.min(Limit ?? sizes.usual, sizes.most), shape);
  return { items, page: marker === undefined ? { Truncated: false } : { Truncated: true, NextMarker: marker } };
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
