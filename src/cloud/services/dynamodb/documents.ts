// Equality of maps and lists. dynalite compares them as JavaScript compares objects, which no two of are
// the same; so what it reads is made of the very objects of the request wherever it says the same.
import { canonicalJson } from '../../../base/index.ts';
import type { AttributeValue, Item, ItemRequest } from './dynalite.ts';

/** Maps and lists of a request's values, by their text. */
type Documents = ReadonlyMap<string, unknown>;

const noDocuments: Documents = new Map();

/** The maps and lists that the request's conditions may compare with. */
export function documentsOf(request: ItemRequest): Documents {
  const { ExpressionAttributeValues: values, Expected, QueryFilter, ScanFilter } = request;
  if ((values ?? Expected ?? QueryFilter ?? ScanFilter) === undefined) return noDocuments;
  const found = new Map<string, unknown>();
  collect([values, Expected, QueryFilter, ScanFilter], found);
  return found;
}

function collect(value: unknown, found: Map<string, unknown>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, one] of Object.entries(value)) {
    if ((name === 'M' || name === 'L') && typeof one === 'object') found.set(canonicalJson({ [name]: one }), one);
    collect(one, found);
  }
}

/** The item, with the request's objects in the place of equal ones. */
export function withDocuments(item: Item, documents: Documents): Item {
  if (documents.size === 0) return item;
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, shared(value, documents)]));
}

function shared(value: AttributeValue, documents: Documents): AttributeValue {
  const { M, L } = value as { readonly M?: Item; readonly L?: readonly AttributeValue[] };
  if (M === undefined && L === undefined) return value;
  const same = documents.get(canonicalJson(value));
  if (M !== undefined) return { M: same ?? withDocuments(M, documents) };
  return { L: same ?? L!.map((one) => shared(one, documents)) };
}
