// Pagination as Organizations does it: NextToken in and out, 20 items at most.
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

/** One page of a list whose order stays. @throws InvalidInputException for a token that was not given out */
export function pageOf<Item>(list: readonly Item[], input: PageInput): Page<Item> {
  const start = input.NextToken === undefined ? 0 : Number(Buffer.from(input.NextToken, 'base64url').toString());
  if (!Number.isSafeInteger(start) || start < 0) {
    throw invalidInput('You provided an invalid NextToken.', 'INVALID_NEXT_TOKEN');
  }
  const end = start + Math.min(input.MaxResults ?? pageSize, pageSize);
  const items = list.slice(start, end);
  return end < list.length ? { items, NextToken: Buffer.from(String(end)).toString('base64url') } : { items };
}
