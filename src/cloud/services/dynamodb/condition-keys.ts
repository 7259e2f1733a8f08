// DynamoDB's condition keys: which attributes, keys and results a request is about.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
import type { Item, ItemRequest } from './dynalite.ts';
import type { DynamoTable } from './model.ts';

type Keys = Record<string, string | readonly string[] | undefined>;

/** Operations that say how much of an item comes back. */
const selecting: ReadonlySet<string> = new Set(['GetItem', 'Query', 'Scan', 'BatchGetItem']);
/** Operations that may give back what they wrote. */
const returning: ReadonlySet<string> = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem']);

/** The keys of one request to one table. `enclosing` is the transaction's operation. */
export function conditionKeys(
  operation: string,
  request: ItemRequest,
  table: DynamoTable | undefined,
  enclosing?: string,
): Keys {
  const attributes = attributesOf(request);
  return {
    'dynamodb:Attributes': attributes.length === 0 ? undefined : attributes,
    'dynamodb:LeadingKeys': leadingKeys(leadingValues(request, table)),
    'dynamodb:ReturnConsumedCapacity': request.ReturnConsumedCapacity ?? 'NONE',
    'dynamodb:Select': selecting.has(operation) ? selectOf(request) : undefined,
    'dynamodb:ReturnValues': returning.has(operation) ? (request.ReturnValues ?? 'NONE') : undefined,
    'dynamodb:EnclosingOperation': enclosing,
  };
}

/** The keys of a batch's part for one table: of all its items together. */
export function batchKeys(
  operation: string,
  request: ItemRequest,
  table: DynamoTable | undefined,
  members: readonly Item[],
): Keys {
  const single = conditionKeys(operation, request, table);
  const attributes = new Set([...attributesOf(request), ...members.flatMap((item) => Object.keys(item))]);
  const hash = table?.keys[0]?.AttributeName;
  return {
    ...single,
    'dynamodb:Attributes': [...attributes],
    'dynamodb:LeadingKeys': leadingKeys(hash === undefined ? [] : members.map((item) => item[hash])),
  };
}

/** Top-level names of every attribute that the request gives, asks for or looks at. */
function attributesOf(request: ItemRequest): readonly string[] {
  const { Key, Item: item, KeyConditions, AttributeUpdates, Expected, QueryFilter, ScanFilter } = request;
  const named = [Key, item, KeyConditions, AttributeUpdates, Expected, QueryFilter, ScanFilter];
  const looked = [request._condition?.pathHeads, request._filter?.pathHeads];
  const paths = request._projection?.paths ?? request.AttributesToGet ?? [];
  const updated = (request._updates?.sections ?? []).flatMap(({ path, val }) => [String(path[0]), ...headsIn(val)]);
  return [
    ...new Set([
      ...[...named, ...looked].flatMap((values) => Object.keys(values ?? {})),
      ...paths.map((path) => (typeof path === 'string' ? path : String(path[0]))),
      ...updated,
    ]),
  ];
}

/** Attributes that the right side of a `SET` reads. */
function headsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return [String(value[0])];
  const { args } = (typeof value === 'object' && value !== null ? value : {}) as { readonly args?: readonly unknown[] };
  return (args ?? []).flatMap(headsIn);
}

/** The values of the partition key of the table, or of the index a query reads. */
function leadingValues({ Key, Item: item, KeyConditions, IndexName }: ItemRequest, table: DynamoTable | undefined) {
  const index =
    IndexName === undefined
      ? undefined
      : [...(table?.globalIndexes ?? []), ...(table?.localIndexes ?? [])].find(({ name }) => name === IndexName);
  const hash = (index ?? table)?.keys[0]?.AttributeName;
  if (hash === undefined) return [];
  return [Key?.[hash], item?.[hash], ...(KeyConditions?.[hash]?.AttributeValueList ?? [])];
}

function leadingKeys(values: readonly (Item[string] | undefined)[]): readonly string[] | undefined {
  const texts = values.flatMap((value) => (value === undefined ? [] : Object.values(value).filter(isText)));
  return texts.length === 0 ? undefined : [...new Set(texts)];
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** API reference, Query, "Select": what counts when the request does not say. */
function selectOf({ Select, _projection, AttributesToGet, IndexName }: ItemRequest): string {
  if (Select !== undefined) return Select;
  if (_projection !== undefined || AttributesToGet !== undefined) return 'SPECIFIC_ATTRIBUTES';
  return IndexName === undefined ? 'ALL_ATTRIBUTES' : 'ALL_PROJECTED_ATTRIBUTES';
}
