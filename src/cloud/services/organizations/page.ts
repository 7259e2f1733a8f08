// Pagination as Organizations does it: NextToken in and out, 20 items at most.
import { idOfMarker, takePage } from '../page.ts';
import { invalidInput } from './failures.ts';

const pageSize = 20;

export interface PageInput {
  readonly NextToken?: string | undefined;
  readonly MaxResults?: number | undefined;
}

export interface Page<Item> {
  readonly items: Item[];
  readonly NextToken?: string;
}

type Rows<Item> = Iterable<readonly [id: string, item: Item]>;

/** The id a token stands for. @throws InvalidInputException for a token that was not given out */
function afterToken(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const id = idOfMarker(token);
  if (id === undefined) throw invalidInput('You provided an invalid NextToken.', 'INVALID_NEXT_TOKEN');
  return id;
}

/** One page of rows that are in order of their ids and begin after the one given to `rowsAfter`. */
export function pageOf<Item>(rowsAfter: (after: string | undefined) => Rows<Item>, input: PageInput): Page<Item> {
  const rows = rowsAfter(afterToken(input.NextToken));
  const { items, marker } = takePage(rows, input.MaxResults ?? pageSize, (item) => item);
  return marker === undefined ? { items } : { items, NextToken: marker };
}

/** One page of a short list in its own order; `idOf` tells its items apart. */
export function pageOfList<Item>(list: readonly Item[], input: PageInput, idOf: (item: Item) => string): Page<Item> {
  const rows = list.map((item) => [idOf(item), item] as const);
  return pageOf(
    (after) => (after === undefined ? rows : rows.slice(rows.findIndex(([id]) => id === after) + 1)),
    input,
  );
}
