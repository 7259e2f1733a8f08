// Pagination as IAM does it: Marker in, IsTruncated and Marker out.
import { validationError } from './failures.ts';

/** AWS's default and largest page of most lists. */
const pageSize = 100;

export interface PageInput {
  readonly Marker?: string | undefined;
  readonly MaxItems?: number | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly IsTruncated: boolean;
  readonly Marker?: string;
}

/** The row id a marker stands for. @throws ValidationError `Invalid Marker.` */
export function afterMarker(marker: string | undefined): string | undefined {
  if (marker === undefined) return undefined;
  const id = Buffer.from(marker, 'base64url').toString('utf8');
  if (id.length < 2 || !id.startsWith('@')) throw validationError('Invalid Marker.');
  return id.slice(1);
}

function markerFor(id: string): string {
  return Buffer.from(`@${id}`).toString('base64url');
}

/**
 * One page of `rows`, which begin after `afterMarker(input.Marker)`. Rows for which `shape` gives
 * undefined are passed over. Stops reading at the first row beyond the page.
 */
export function pageOf<Row, Item>(
  rows: Iterable<readonly [id: string, row: Row]>,
  input: PageInput,
  shape: (row: Row, id: string) => Item | undefined,
): Page<Item> {
  const size = input.MaxItems ?? pageSize;
  const items: Item[] = [];
  let last = '';
  for (const [id, row] of rows) {
    const item = shape(row, id);
    if (item === undefined) continue;
    if (items.length === size) return { items, IsTruncated: true, Marker: markerFor(last) };
    items.push(item);
    last = id;
  }
  return { items, IsTruncated: false };
}

/** A page of a list that is already in memory, in the order given; `idOf` tells its items apart. */
export function pageOfList<Item>(list: readonly Item[], input: PageInput, idOf: (item: Item) => string): Page<Item> {
  const after = afterMarker(input.Marker);
  const start = after === undefined ? 0 : list.findIndex((item) => idOf(item) === after) + 1;
  return pageOf(
    list.slice(start).map((item) => [idOf(item), item] as const),
    input,
    (item) => item,
  );
}
