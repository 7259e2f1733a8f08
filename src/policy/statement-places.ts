// Where the statements of a policy stand in its text, for answers that point at them.
import { parseJsonText, placesOf, type JsonNode } from './json-text.ts';

/** Both from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** A statement in the text of its policy. */
export interface StatementPlace {
  readonly start: TextPlace;
  readonly end: TextPlace;
}

/**
 * Start and end of each statement as IAM's simulator counts, which points behind the last token it has read: a lone
 * statement starts behind its brace, the first of a list behind the bracket, the others where the one before ends.
 * Seen in recorded answers, such as LocalStack's test_iam.snapshot.json. The text is one that `parsePolicy` took.
 */
export function statementPlaces(text: string): readonly StatementPlace[] {
  const parsed = parseJsonText(text);
  if ('error' in parsed || parsed.root.type !== 'object') return [];
  const node = parsed.root.members.find(({ name }) => name === 'Statement')?.value;
  if (node?.type !== 'array' && node?.type !== 'object') return [];
  const place = placesOf(text);
  const items: readonly JsonNode[] = node.type === 'array' ? node.items : [node];
  let start = node.at + 1;
  return items.flatMap((each) => {
    if (each.type !== 'object') return [];
    const found = { start: place(start), end: place(each.end) };
    start = each.end;
    return [found];
  });
}
