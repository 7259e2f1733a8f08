// Where the statements of a policy stand in its text, for answers that point at them.
import { parseJsonText, placesOf, type JsonNode } from './json-text.ts';

/** Both from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/**
 * Start and end of each statement, as IAM's simulator counts: each is the column behind a brace. The text is one that
 * `parsePolicy` took.
 */
export function statementPlaces(text: string): readonly { readonly start: TextPlace; readonly end: TextPlace }[] {
  const parsed = parseJsonText(text);
  if ('error' in parsed || parsed.root.type !== 'object') return [];
  const node = parsed.root.members.find(({ name }) => name === 'Statement')?.value;
  const nodes: readonly JsonNode[] = node?.type === 'array' ? node.items : node === undefined ? [] : [node];
  const place = placesOf(text);
  return nodes.flatMap((each) => (each.type === 'object' ? [{ start: place(each.at + 1), end: place(each.end) }] : []));
}
