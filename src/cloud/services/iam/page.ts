// Pagination as IAM does it: Marker in, IsTruncated and Marker out.
import { idOfMarker, takePage } from '../page.ts';
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
  const id = idOfMarker(marker);
  if (id === undefined) throw validationError('Invalid Marker.');
  return id;
}

/** One page of `rows`, which begin after `afterMarker(input.Marker)`; as `takePage`. */
export function pageOf<Row, Item>(
  rows: Iterable<readonly [id: string, row: Row]>,
  input: PageInput,
  shape: (row: Row, id: string) => Item | undefined,
): Page<Item> {
  const { items, marker } = takePage(rows, input.MaxItems ?? pageSize, shape);
  return marker === undefined ? { items, IsTruncated: false } : { items, IsTruncated: true, Marker: marker };
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
