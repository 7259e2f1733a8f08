// BatchGetItem and BatchWriteItem: allowed per table, each by its own permission.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { batchKeys } from './condition-keys.ts';
import type { Item, ItemRequest } from './dynalite.ts';
import { invalid } from './failures.ts';
import type { DynamoTable } from './model.ts';
import { permission, placeOf, type Place } from './places.ts';
import { act, checkDepth, checked } from './requests.ts';
import { storeOf } from './store.ts';

type GetInput = Parsed<Sdk.BatchGetItemInput>;
type WriteInput = Parsed<Sdk.BatchWriteItemInput>;

interface Batch<Part> {
  readonly RequestItems: Readonly<Record<string, Part>>;
  readonly ReturnConsumedCapacity?: string;
}

interface GetPart extends Omit<ItemRequest, 'TableName'> {
  readonly Keys: readonly Item[];
}

type WritePart = readonly {
  readonly PutRequest?: { readonly Item: Item };
  readonly DeleteRequest?: { readonly Key: Item };
}[];

interface Read<Part> {
  readonly batch: Batch<Part>;
  /** By the name that dynalite sees. */
  readonly places: ReadonlyMap<string, Place & { readonly given: string }>;
}

// A memo: permissions and handler of one call read its input once.
const reads = new WeakMap<object, Read<unknown>>();

function read<Part>(name: 'BatchGetItem' | 'BatchWriteItem', input: GetInput | WriteInput, call: Call): Read<Part> {
  const known = reads.get(input);
  if (known !== undefined) return known as Read<Part>;
  const places = new Map<string, Place & { readonly given: string }>();
  const requests: Record<string, unknown> = {};
  for (const [given, part] of Object.entries(input.RequestItems)) {
    const place = placeOf(call, given);
    // Two accounts may have a table of one name.
    const alias = places.has(place.name) ? `${place.name.slice(0, 240)}.${place.account}` : place.name;
    places.set(alias, { ...place, given });
    requests[alias] = part;
  }
  const batch = checked(name, { ...input, RequestItems: requests }, call) as unknown as Batch<Part>;
  const result = { batch, places };
  reads.set(input, result);
  return result;
}

/** Results by the names that the request used. */
function byGiven(values: object | undefined, places: Read<unknown>['places']): object {
  return Object.fromEntries(
    Object.entries(values ?? {}).map(([name, value]: [string, unknown]) => [places.get(name)?.given ?? name, value]),
  );
}

function namedTables(places: Read<unknown>['places']): ReadonlyMap<string, DynamoTable> {
  return new Map([...places].flatMap(([alias, { table }]) => (table === undefined ? [] : [[alias, table] as const])));
}

function permissionsOf<Part>(
  name: 'BatchGetItem' | 'BatchWriteItem',
  { batch, places }: Read<Part>,
  membersOf: (part: Part) => readonly Item[],
  requestOf: (part: Part) => object,
): Permission[] {
  return [...places].map(([alias, place]) => {
    const part = batch.RequestItems[alias]!;
    const { ReturnConsumedCapacity } = batch;
    const request = { ...requestOf(part), TableName: alias, ReturnConsumedCapacity } as ItemRequest;
    return permission(name, place, batchKeys(name, request, place.table, membersOf(part)));
  });
}

const batchGetItem = operation<GetInput, object>({
  permissions: (input, call) =>
    permissionsOf(
      'BatchGetItem',
      read<GetPart>('BatchGetItem', input, call),
      ({ Keys }) => Keys,
      (part) => part,
    ),
  async handle(input, call) {
    const { batch, places } = read<GetPart>('BatchGetItem', input, call);
    const result: Sdk.BatchGetItemOutput = await act('BatchGetItem', storeOf(call, namedTables(places)), batch);
    return {
      ...result,
      Responses: byGiven(result.Responses, places),
      UnprocessedKeys: byGiven(result.UnprocessedKeys, places),
    };
  },
});

function written(part: WritePart): readonly Item[] {
  return part.map(({ PutRequest, DeleteRequest }) => PutRequest?.Item ?? DeleteRequest!.Key);
}

/** @throws ValidationException */
function checkWrites({ batch }: Read<WritePart>): void {
  const parts = Object.values(batch.RequestItems);
  if (parts.reduce((sum, part) => sum + part.length, 0) > 25) {
    throw invalid('Too many items requested for the BatchWriteItem call');
  }
  for (const { PutRequest } of parts.flat()) checkDepth(PutRequest?.Item);
}

const batchWriteItem = operation<WriteInput, object>({
  permissions(input, call) {
    const requests = read<WritePart>('BatchWriteItem', input, call);
    checkWrites(requests);
    return permissionsOf('BatchWriteItem', requests, written, () => ({}));
  },
  handle(input, call) {
    const { batch, places } = read<WritePart>('BatchWriteItem', input, call);
    return act('BatchWriteItem', storeOf(call, namedTables(places)), batch);
  },
});

export const batchOperations = { BatchGetItem: batchGetItem, BatchWriteItem: batchWriteItem };
