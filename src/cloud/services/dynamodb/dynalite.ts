// dynalite (Apache-2.0) as this service uses it: how it reads expressions, checks requests and acts on
// items. Its HTTP server, its signatures and its LevelDB stay outside: `Store` takes LevelDB's place.
//
// INVARIANT: imports nothing but dynalite. The build puts this one file and dynalite together in
// dist/lib, so that who installs the package gets neither dynalite nor LevelDB's native add-on.
import batchGetItem from 'dynalite/actions/batchGetItem.js';
import batchWriteItem from 'dynalite/actions/batchWriteItem.js';
import deleteItem from 'dynalite/actions/deleteItem.js';
import getItem from 'dynalite/actions/getItem.js';
import putItem from 'dynalite/actions/putItem.js';
import query from 'dynalite/actions/query.js';
import scan from 'dynalite/actions/scan.js';
import updateItem from 'dynalite/actions/updateItem.js';
import dbModule from 'dynalite/db/index.js';
import batchGetItemRules from 'dynalite/validations/batchGetItem.js';
import batchWriteItemRules from 'dynalite/validations/batchWriteItem.js';
import createTableRules from 'dynalite/validations/createTable.js';
import deleteItemRules from 'dynalite/validations/deleteItem.js';
import getItemRules from 'dynalite/validations/getItem.js';
import validationsModule from 'dynalite/validations/index.js';
import listTablesRules from 'dynalite/validations/listTables.js';
import putItemRules from 'dynalite/validations/putItem.js';
import queryRules from 'dynalite/validations/query.js';
import scanRules from 'dynalite/validations/scan.js';
import updateItemRules from 'dynalite/validations/updateItem.js';
import updateTableRules from 'dynalite/validations/updateTable.js';

/** One value on the wire: `{"S": "text"}`; bytes are base64 text. */
export type AttributeValue = Readonly<Record<string, unknown>>;
export type Item = Readonly<Record<string, AttributeValue>>;

/** `['a', 0, 'b']` for `a[0].b`; a name alone where a parser shortens it. */
type Path = string | readonly (string | number)[];

interface Condition {
  readonly AttributeValueList?: readonly AttributeValue[];
}

/** A request of an item operation; members that begin with `_` are dynalite's, made of the expressions. */
export interface ItemRequest {
  TableName: string;
  readonly Key?: Item;
  readonly Item?: Item;
  readonly IndexName?: string;
  readonly Select?: string;
  readonly ReturnValues?: string;
  readonly ReturnConsumedCapacity?: string;
  readonly AttributesToGet?: readonly string[];
  readonly ProjectionExpression?: string;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeValues?: Item;
  readonly Expected?: Readonly<Record<string, unknown>>;
  readonly QueryFilter?: Readonly<Record<string, unknown>>;
  readonly ScanFilter?: Readonly<Record<string, unknown>>;
  readonly AttributeUpdates?: Readonly<Record<string, unknown>>;
  readonly KeyConditions?: Readonly<Record<string, Condition>>;
  readonly Limit?: number;
  readonly _projection?: { readonly paths: readonly Path[] };
  readonly _condition?: { readonly pathHeads: Readonly<Record<string, true>> };
  readonly _filter?: { readonly pathHeads: Readonly<Record<string, true>> };
  readonly _updates?: { readonly sections: readonly UpdateSection[] };
}

export interface UpdateSection {
  readonly path: readonly (string | number)[];
  /** Of `SET`: a path, a value, or a function or sum with `args` of these. */
  readonly val?: unknown;
}

/** A table as dynalite sees it. */
export interface TableView {
  readonly TableName: string;
  readonly TableStatus: string;
  readonly KeySchema: readonly { readonly AttributeName: string }[];
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: string }[];
  readonly LocalSecondaryIndexes?: readonly object[] | undefined;
  readonly GlobalSecondaryIndexes?: readonly object[] | undefined;
}

export type Done<Value> = (error: unknown, value?: Value) => void;

/** The bounds of a walk over keys; `limit` -1: none. */
export interface Range {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Rows in order of their keys, which are ASCII. */
export interface Shelf {
  get(key: string, done: Done<Item>): void;
  put(key: string, item: Item, done: Done<void>): void;
  del(key: string, done: Done<void>): void;
  lock(key: string, work: (release: <Callback>(callback: Callback) => Callback) => void): void;
  createValueStream(range: Range): NodeJS.EventEmitter;
}

/** What dynalite keeps tables and items in. */
export interface Store {
  readonly options: { readonly maxItemSize: number };
  getTable(name: string, checkStatus: boolean | Done<TableView>, done?: Done<TableView>): void;
  getItemDb(table: string): Shelf;
  getIndexDb(kind: string, table: string, index: string): Shelf;
}

/** A refusal of dynalite has `statusCode` and `body`. */
type Action = (store: Store, request: never, done: Done<object>) => void;

export interface Rules {
  readonly types: object;
  readonly custom?: (request: never, store: Store) => string | undefined;
}

interface Validations {
  checkTypes(input: object, types: object): object;
  checkValidations(request: object, types: object, custom: Rules['custom'], store: Store): void;
}

interface Functions {
  /** The refusal, or null. */
  validateKey(key: Item, table: TableView): unknown;
  createKey(item: Item, table: TableView): string;
  checkConditional(request: ItemRequest, item: Item | undefined): unknown;
  itemSize(item: Item): number;
  updateIndexes(
    store: Store,
    table: TableView,
    before: Item | undefined,
    after: Item | undefined,
    done: Done<void>,
  ): void;
}

type ActionName =
  | 'BatchGetItem'
  | 'BatchWriteItem'
  | 'DeleteItem'
  | 'GetItem'
  | 'PutItem'
  | 'Query'
  | 'Scan'
  | 'UpdateItem';

export const actions: Readonly<Record<ActionName, Action>> = {
  BatchGetItem: batchGetItem,
  BatchWriteItem: batchWriteItem,
  DeleteItem: deleteItem,
  GetItem: getItem,
  PutItem: putItem,
  Query: query,
  Scan: scan,
  UpdateItem: updateItem,
};

export const rules: Readonly<Record<ActionName | 'CreateTable' | 'ListTables' | 'UpdateTable', Rules>> = {
  BatchGetItem: batchGetItemRules,
  BatchWriteItem: batchWriteItemRules,
  CreateTable: createTableRules,
  DeleteItem: deleteItemRules,
  GetItem: getItemRules,
  ListTables: listTablesRules,
  PutItem: putItemRules,
  Query: queryRules,
  Scan: scanRules,
  UpdateItem: updateItemRules,
  UpdateTable: updateTableRules,
};

export const db: Functions = dbModule;
export const validations: Validations = validationsModule;
