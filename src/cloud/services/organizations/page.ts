// Pagination as Organizations does it: NextToken in and out, 20 items at most. A token names the last item
// given, so that a page costs what it holds and changes between two pages do no harm.
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
  const id = Buffer.from(token, 'base64url').toString();
  if (id.length < 2 || !id.startsWith('@')) {
    throw invalidInput('You provided an invalid NextToken.', 'INVALID_NEXT_TOKEN');
  }
  return id.slice(1);
}

/** One page of rows that are in order of their ids and begin after the one given to `rowsAfter`. */
export function pageOf<Item>(rowsAfter: (after: string | undefined) => Rows<Item>, input: PageInput): Page<Item> {
  const size = input.MaxResults ?? pageSize;
  const items: Item[] = [];
  let last = '';
  for (const [id, item] of rowsAfter(afterToken(input.NextToken))) {
    if (items.length === size) return { items, NextToken: Buffer.from(`@${last}`).toString('base64url') };
    items.push(item);
    last = id;
  }
  return { items };
}

/** One page of a short list in its own order; `idOf` tells its items apart. */
export function pageOfList<Item>(list: readonly Item[], input: PageInput, idOf: (item: Item) => string): Page<Item> {
  const rows = list.map((item) => [idOf(item), item] as const);
  return pageOf(
    (after) => (after === undefined ? rows : rows.slice(rows.findIndex(([id]) => id === after) + 1)),
    input,
  );
}
