// TransactGetItems and TransactWriteItems. A call runs alone and everything it wrote is undone when it
// throws: so the writes are simply made one after another, and the first that may not be undoes all.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { isFailure, type Failure } from '../../../base/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { isRepeated } from './client-tokens.ts';
import { conditionKeys } from './condition-keys.ts';
import { documentsOf, withDocuments } from './documents.ts';
import { db, type actions, type ItemRequest } from './dynalite.ts';
import { invalid, tableNotFound, translated } from './failures.ts';
import { actOn, readItemRequest, storedItem } from './items.ts';
import { permission, type Place } from './places.ts';
import { viewOf } from './store.ts';

type WriteInput = Parsed<Sdk.TransactWriteItemsInput>;
type GetInput = Parsed<Sdk.TransactGetItemsInput>;
type PartInput = Pick<Sdk.Put, 'TableName' | 'ReturnValuesOnConditionCheckFailure'>;

interface Part {
  /** IAM's name of the permission. */
  readonly action: string;
  /** dynalite's action; a check reads its condition by the rules of a delete and deletes nothing. */
  readonly by: keyof typeof actions;
  readonly input: PartInput;
  readonly request: ItemRequest;
  readonly place: Place;
}

const kinds = {
  ConditionCheck: ['ConditionCheckItem', 'DeleteItem'],
  Put: ['PutItem', 'PutItem'],
  Update: ['UpdateItem', 'UpdateItem'],
  Delete: ['DeleteItem', 'DeleteItem'],
} as const;

const mostItems = 100;

function checkCount(items: readonly object[]): void {
  if (items.length >= 1 && items.length <= mostItems) return;
  const bound = items.length === 0 ? 'greater than or equal to 1' : `less than or equal to ${mostItems}`;
  throw invalid(
    `1 validation error detected: Value '${items.length === 0 ? '[]' : '[structure]'}' at 'transactItems' failed to satisfy constraint: Member must have length ${bound}`,
  );
}

// A memo: permissions and handler of one call read its input once.
const reads = new WeakMap<object, readonly Part[]>();

function partsOf(input: WriteInput, call: Call): readonly Part[] {
  let parts = reads.get(input);
  if (parts === undefined) {
    checkCount(input.TransactItems);
    parts = input.TransactItems.map((one) => partOf(one, call));
    checkDistinct(parts);
    reads.set(input, parts);
  }
  return parts;
}

function partOf(one: Sdk.TransactWriteItem, call: Call): Part {
  const given = Object.entries(one).filter(([, value]) => value !== undefined) as [keyof typeof kinds, PartInput][];
  const [kind, input] = given[0] ?? [];
  if (kind === undefined || input === undefined || given.length > 1) {
    throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
  }
  const [action, by] = kinds[kind];
  return { action, by, input, ...readItemRequest(by, input, call) };
}

function checkDistinct(parts: readonly Part[]): void {
  const seen = new Set<string>();
  for (const { place, request } of parts) {
    if (place.table === undefined) continue;
    const key = `${place.arn} ${keyOf(place, request) ?? seen.size}`;
    if (seen.has(key)) throw invalid('Transaction request cannot include multiple operations on one item');
    seen.add(key);
  }
}

/** Undefined when the request has no key of the table: its own refusal comes later. */
function keyOf({ table }: Place, { Key, Item }: ItemRequest): string | undefined {
  const names = table!.keys.map(({ AttributeName }) => AttributeName);
  const values = names.map((name) => (Key ?? Item)?.[name]);
  return values.includes(undefined) ? undefined : JSON.stringify(values);
}

function permissionsOf(parts: readonly Omit<Part, 'by' | 'input'>[], enclosing: string): Permission[] {
  return parts.map(({ action, request, place }) =>
    permission(action, place, conditionKeys(action, request, place.table, enclosing)),
  );
}

/** One of the service's reasons for not doing a transaction; `None` for a part that would have gone well. */
interface Reason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: unknown;
}

const reasonCodes: Readonly<Record<string, string>> = {
  ConditionalCheckFailedException: 'ConditionalCheckFailed',
  ValidationException: 'ValidationError',
};

async function doPart(part: Part, call: Call): Promise<Reason> {
  if (part.place.table === undefined) throw tableNotFound();
  try {
    if (part.action === 'ConditionCheckItem') checkCondition(part, call);
    else await actOn(part.by, part, part.input, call);
    return { Code: 'None' };
  } catch (error) {
    const code = isFailure(error) ? reasonCodes[error.code] : undefined;
    if (code === undefined) throw error;
    const { message, detail } = error as Failure;
    return { Code: code, Message: message, ...(detail as Pick<Reason, 'Item'> | undefined) };
  }
}

function checkCondition({ request, place, input }: Part, call: Call): void {
  const wrongKey = db.validateKey(request.Key!, viewOf(place.table!));
  if (wrongKey !== null && wrongKey !== undefined) throw translated(wrongKey);
  const item = storedItem(call, place.table!, request);
  const seen = item === undefined ? undefined : withDocuments(item, documentsOf(request));
  const refusal = db.checkConditional(request, seen);
  if (refusal === null || refusal === undefined) return;
  const shown = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && item !== undefined;
  throw awsFailure(
    'ConditionalCheckFailedException',
    'The conditional request failed',
    shown ? { fields: { Item: item } } : {},
  );
}

/** A transaction reads or writes each item twice. */
function consumed(
  parts: readonly { readonly request: ItemRequest; readonly place: Place }[],
  asked: string | undefined,
  of: 'Read' | 'Write',
) {
  if (asked === undefined || asked === 'NONE') return {};
  const units = new Map<string, number>();
  for (const { place, request } of parts) {
    const size = request.Item === undefined ? 1 : Math.max(1, Math.ceil(db.itemSize(request.Item) / 1024));
    units.set(place.name, (units.get(place.name) ?? 0) + 2 * size);
  }
  return {
    ConsumedCapacity: [...units].map(([TableName, CapacityUnits]) => ({
      TableName,
      CapacityUnits,
      [`${of}CapacityUnits`]: CapacityUnits,
      ...(asked === 'INDEXES' ? { Table: { CapacityUnits, [`${of}CapacityUnits`]: CapacityUnits } } : {}),
    })),
  };
}

const transactWriteItems = operation<WriteInput, Sdk.TransactWriteItemsOutput>({
  permissions: (input, call) => permissionsOf(partsOf(input, call), 'TransactWriteItems'),
  async handle(input, call) {
    const parts = partsOf(input, call);
    if (isRepeated(input, call)) return consumed(parts, input.ReturnConsumedCapacity, 'Read');
    const reasons: Reason[] = [];
    for (const part of parts) reasons.push(await doPart(part, call));
    if (reasons.some(({ Code }) => Code !== 'None')) {
      const codes = reasons.map(({ Code }) => Code).join(', ');
      throw awsFailure(
        'TransactionCanceledException',
        `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
        { fields: { CancellationReasons: reasons } },
      );
    }
    return consumed(parts, input.ReturnConsumedCapacity, 'Write');
  },
  depth: 'consumed capacity counts written items only, not what they replace; item collection metrics are not given',
});

function getsOf(input: GetInput, call: Call) {
  checkCount(input.TransactItems);
  return input.TransactItems.map(({ Get }) => {
    if (Get === undefined) throw invalid('TransactItems must contain Get');
    return { action: 'GetItem', input: Get, ...readItemRequest('GetItem', Get, call) };
  });
}

const transactGetItems = operation<GetInput, Sdk.TransactGetItemsOutput>({
  permissions: (input, call) => permissionsOf(getsOf(input, call), 'TransactGetItems'),
  async handle(input, call) {
    const gets = getsOf(input, call);
    const Responses: Sdk.ItemResponse[] = [];
    for (const get of gets) {
      const { Item } = (await actOn('GetItem', get, get.input, call)) as Sdk.ItemResponse;
      Responses.push(Item === undefined ? {} : { Item });
    }
    return { Responses, ...consumed(gets, input.ReturnConsumedCapacity, 'Read') };
  },
});

export const transactionOperations = {
  TransactWriteItems: transactWriteItems,
  TransactGetItems: transactGetItems,
};
