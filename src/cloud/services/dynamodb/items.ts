// Single items, queries and scans: authorised here, done by dynalite.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { isFailure } from '../../../base/index.ts';
import { operation, type Call, type Operation } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { conditionKeys } from './condition-keys.ts';
import { actions, db, type ItemRequest } from './dynalite.ts';
import { items, shelfOf, type DynamoTable } from './model.ts';
import { deepestNesting } from './nesting.ts';
import { permission, placeOf, type Place } from './places.ts';
import { act, checkDepth, checked } from './requests.ts';
import { storeOf, viewOf } from './store.ts';

type Input = Pick<Sdk.PutItemInput, 'TableName' | 'ReturnValuesOnConditionCheckFailure'>;

interface Read {
  readonly request: ItemRequest;
  readonly place: Place;
}

// A memo: permissions and handler of one call read its input once.
const reads = new WeakMap<object, Read>();

/** The checked request of `input`, with its table's name where an ARN was given. */
export function readItemRequest(name: keyof typeof actions, input: Input, call: Call): Read {
  let read = reads.get(input);
  if (read === undefined) {
    const place = placeOf(call, input.TableName);
    const request = checked(name, { ...input, TableName: place.name }, call);
    checkDepth(request.Item);
    // dynalite checks this of PutItem only.
    if (name === 'DeleteItem' && !['NONE', 'ALL_OLD'].includes(request.ReturnValues ?? 'NONE')) {
      throw awsFailure('ValidationException', 'ReturnValues can only be ALL_OLD or NONE', { status: 400 });
    }
    reads.set(input, (read = { request, place }));
  }
  return read;
}

/** Does one request to one table. @throws dynalite's refusals */
export async function actOn(name: keyof typeof actions, { request, place }: Read, input: Input, call: Call) {
  const named = new Map(place.table === undefined ? [] : [[place.name, place.table]]);
  try {
    return await act(name, storeOf(call, named, { fromTable: readsTable(request, place.table), request }), request);
  } catch (error) {
    const wanted = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
    const failed = isFailure(error) && error.code === 'ConditionalCheckFailedException';
    if (!wanted || !failed || place.table === undefined) throw error;
    const Item = storedItem(call, place.table, request);
    throw awsFailure(error.code, error.message, Item === undefined ? {} : { fields: { Item } });
  }
}

/** "If you query or scan a local secondary index … and request attributes that aren't projected", they come from the table. */
function readsTable(request: ItemRequest, table: DynamoTable | undefined): boolean {
  if (request.IndexName === undefined || table === undefined) return false;
  if (!table.localIndexes.some(({ name }) => name === request.IndexName)) return false;
  return request.Select === 'ALL_ATTRIBUTES' || (request._projection ?? request.AttributesToGet) !== undefined;
}

/** The item that a request with a key or a whole item is about, as it stands. */
export function storedItem(call: Call, table: DynamoTable, { Key, Item }: ItemRequest) {
  return call.world.table(items).get(shelfOf(table), db.createKey((Key ?? Item)!, viewOf(table)));
}

function itemOperation(name: 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Query' | 'Scan'): Operation {
  return operation<Input, object>({
    permissions(input, call) {
      const { request, place } = readItemRequest(name, input, call);
      return [permission(name, place, conditionKeys(name, request, place.table), request.IndexName)];
    },
    handle: (input, call) => actOn(name, readItemRequest(name, input, call), input, call),
    ...(name === 'GetItem' ? {} : { depth: `parentheses of a condition nest up to ${deepestNesting} levels` }),
  });
}

export const itemOperations = {
  GetItem: itemOperation('GetItem'),
  PutItem: itemOperation('PutItem'),
  UpdateItem: itemOperation('UpdateItem'),
  DeleteItem: itemOperation('DeleteItem'),
  Query: itemOperation('Query'),
  Scan: itemOperation('Scan'),
};
