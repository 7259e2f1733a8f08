// The store that dynalite works on: a view of the world's tables for one call. Items are rows of the
// world, so a call that throws leaves none, a reset empties them and `--state` keeps them.
import { Stream } from 'node:stream';
import type { Call } from '../../call.ts';
import { documentsOf, withDocuments } from './documents.ts';
import {
  db,
  type Done,
  type Item,
  type ItemRequest,
  type Range,
  type Shelf,
  type Store,
  type TableView,
} from './dynalite.ts';
import { items, shelfOf, type DynamoTable, type SecondaryIndex } from './model.ts';

/** DynamoDB developer guide, "Quotas": an item has at most 400 KB. */
const maxItemSize = 409_600;

/** The tables of one call by the names that the request has after `Places` read it. */
export type NamedTables = ReadonlyMap<string, DynamoTable>;

export interface StoreOptions {
  /** A local index gives whole items, as it does when a reader asks for more than it holds. */
  readonly fromTable?: boolean;
  /** The request whose conditions look at what is read. */
  readonly request?: ItemRequest;
}

export function storeOf(call: Call, named: NamedTables, { fromTable = false, request }: StoreOptions = {}): Store {
  const documents = request === undefined ? undefined : documentsOf(request);
  const read = (item: Item): Item => (documents === undefined ? item : withDocuments(item, documents));
  return {
    options: { maxItemSize },
    getTable(name, checkStatus, done = checkStatus as Done<TableView>) {
      const table = named.get(name);
      if (table === undefined) done(notFound);
      else done(null, viewOf(table, fromTable));
    },
    getItemDb: (name) => shelf(call, shelfOf(named.get(name)!), read),
    getIndexDb(kind, name, index) {
      const table = named.get(name)!;
      const place = shelfOf(table, index);
      if (!fromTable || kind.toLowerCase() !== 'local') return shelf(call, place, read);
      const [rows, own, view] = [call.world.table(items), shelfOf(table), viewOf(table)];
      return shelf(call, place, (entry) => read(rows.get(own, db.createKey(entry, view))!));
    },
  };
}

// The call without the table's name, as item operations answer.
const notFound = {
  statusCode: 400,
  body: {
    __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException',
    message: 'Requested resource not found',
  },
};

/** A table as dynalite sees it: the index kinds that it has none of are absent. */
export function viewOf(table: DynamoTable, fromTable: boolean = false): TableView {
  const indexes = (list: readonly SecondaryIndex[], whole: boolean) =>
    list.length === 0
      ? undefined
      : list.map(({ name, keys, projection }) => ({
          IndexName: name,
          KeySchema: keys,
          Projection: whole ? { ProjectionType: 'ALL' } : projection,
        }));
  return {
    TableName: table.name,
    TableStatus: 'ACTIVE',
    KeySchema: table.keys,
    AttributeDefinitions: table.attributes,
    LocalSecondaryIndexes: indexes(table.localIndexes, fromTable),
    GlobalSecondaryIndexes: indexes(table.globalIndexes, false),
  };
}

/** `read`: what is given for a row. */
function shelf(call: Call, place: string, read: (row: Item) => Item): Shelf {
  const rows = call.world.table(items);
  return {
    get(key, done) {
      const row = rows.get(place, key);
      done(null, row === undefined ? undefined : read(row));
    },
    put(key, item, done) {
      rows.put(place, key, item);
      done(null);
    },
    del(key, done) {
      rows.delete(place, key);
      done(null);
    },
    // Calls run one after another, and one call writes an item once.
    lock: (_, work) => work((callback) => callback),
    createValueStream: (range) => streamOf(() => valuesOf(call, place, range), read),
  };
}

/** The rows within `range`. In reverse the whole range is walked, for tables list forwards only. */
function* valuesOf(call: Call, place: string, range: Range): Generator<Item> {
  const found = range.reverse === true ? [...walk(call, place, range)].reverse() : walk(call, place, range);
  let left = range.limit === undefined || range.limit < 0 ? Infinity : range.limit;
  for (const item of found) {
    if (left-- <= 0) return;
    yield item;
  }
}

function* walk(call: Call, place: string, { gt, gte, lt, lte }: Range): Generator<Item> {
  const rows = call.world.table(items);
  if (gte !== undefined) {
    const first = rows.get(place, gte);
    if (first !== undefined) yield first;
  }
  for (const [key, item] of rows.list(place, gt ?? gte)) {
    if ((lt !== undefined && key >= lt) || (lte !== undefined && key > lte)) return;
    yield item;
  }
}

/** A stream of the old kind, which dynalite's `lazy` takes each value of once. It emits after the listeners are there; what a listener throws becomes its `error`. */
function streamOf(values: () => Iterable<Item>, read: (row: Item) => Item): Stream {
  let destroyed = false;
  const emitter = Object.assign(new Stream(), { destroy: () => (destroyed = true) });
  queueMicrotask(() => {
    try {
      for (const value of values()) {
        if (destroyed) return;
        emitter.emit('data', read(value));
      }
      emitter.emit('end');
    } catch (error) {
      emitter.emit('error', error);
    }
  });
  return emitter;
}
