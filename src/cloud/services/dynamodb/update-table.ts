// UpdateTable: throughput, billing mode, global indexes, and the settings in a table's description.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { describe } from './describe.ts';
import { db, rules, type Item } from './dynalite.ts';
import { invalid, translated } from './failures.ts';
import { items, shelfOf, type DynamoTable, type GlobalIndex, type Throughput } from './model.ts';
import { existing, permission, placeOf, saveTable, type Place } from './places.ts';
import { checkedBy } from './requests.ts';
import { encryptionOf, streamOf } from './settings.ts';
import { storeOf, viewOf } from './store.ts';
import { empty, globalIndexOf } from './tables.ts';

type Input = Parsed<Sdk.UpdateTableInput>;

/** Members that dynalite does not know: one of them is enough to change. */
const others = [
  'StreamSpecification',
  'SSESpecification',
  'TableClass',
  'DeletionProtectionEnabled',
  'OnDemandThroughput',
  'WarmThroughput',
] as const satisfies readonly (keyof Input)[];

function readUpdate(input: Input, call: Call): Place {
  const place = placeOf(call, input.TableName);
  const { types, custom } = rules.UpdateTable;
  const isOther =
    others.some((name) => input[name] !== undefined) && (input.GlobalSecondaryIndexUpdates ?? []).length === 0;
  const by = isOther && input.ProvisionedThroughput === undefined ? { types } : { types, ...(custom && { custom }) };
  checkedBy(by, forRules(input, place), storeOf(call, new Map()));
  if (input.ReplicaUpdates !== undefined || input.VectorIndexUpdates !== undefined) {
    throw invalid('Global tables and vector indexes are not offered by the embedded AWS');
  }
  return place;
}

/** dynalite's rules want a throughput of every index, which one on demand has none of. */
function forRules(input: Input, place: Place): object {
  const some = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
  const filled = <Change extends { ProvisionedThroughput?: Sdk.ProvisionedThroughput | undefined }>(
    change: Change | undefined,
  ) => change && { ...change, ProvisionedThroughput: change.ProvisionedThroughput ?? some };
  const updates = input.GlobalSecondaryIndexUpdates?.map(({ Create, Update, Delete }) => ({
    Create: filled(Create),
    Update: filled(Update),
    Delete,
  }));
  return { ...input, TableName: place.name, GlobalSecondaryIndexUpdates: updates };
}

const updateTable = operation<Input, Sdk.UpdateTableOutput>({
  permissions: (input, call) => [permission('UpdateTable', readUpdate(input, call))],
  async handle(input, call) {
    const place = readUpdate(input, call);
    const table = existing(place);
    const changed = settled(rebilled(table, input, call), input, place, call);
    const indexed = await reindexed(changed, input, call);
    saveTable(call, indexed);
    return { TableDescription: describe(call, indexed, 'UPDATING') };
  },
  depth: 'the change is done for the next call; no global tables, no vector indexes',
});

function rebilled(table: DynamoTable, input: Input, call: Call): DynamoTable {
  const { BillingMode: mode, ProvisionedThroughput: wanted } = input;
  const wasOnDemand = table.onDemandSince !== undefined;
  const onDemand = mode === undefined ? wasOnDemand : mode === 'PAY_PER_REQUEST';
  if (onDemand && wanted !== undefined) {
    throw invalid(
      'One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
    );
  }
  const billingModeShown = table.billingModeShown || mode !== undefined;
  if (onDemand) {
    if (wasOnDemand) return { ...table, billingModeShown };
    const none: Throughput = { read: 0, write: 0, decreases: 0 };
    const globalIndexes = table.globalIndexes.map((index) => ({ ...index, throughput: none }));
    return { ...table, billingModeShown, onDemandSince: call.clock.now(), throughput: none, globalIndexes };
  }
  const provisioned = { ...table, billingModeShown, onDemandSince: undefined };
  if (wanted === undefined) return provisioned;
  return { ...provisioned, throughput: moved(table.throughput, wanted, call, !wasOnDemand) };
}

/** @throws ValidationException when nothing would change and that is all that was asked */
function moved(from: Throughput, to: Sdk.ProvisionedThroughput, call: Call, mustChange: boolean): Throughput {
  const [read, write] = [to.ReadCapacityUnits!, to.WriteCapacityUnits!];
  if (mustChange && read === from.read && write === from.write) {
    throw invalid(
      `The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: ${read}. Requested ReadCapacityUnits: ${read}. Current WriteCapacityUnits provisioned for the table: ${write}. Requested WriteCapacityUnits: ${write}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.`,
    );
  }
  const now = call.clock.now();
  const less = read < from.read || write < from.write;
  const more = read > from.read || write > from.write;
  return {
    read,
    write,
    decreases: from.decreases + (less ? 1 : 0),
    increasedAt: more ? now : from.increasedAt,
    decreasedAt: less ? now : from.decreasedAt,
  };
}

function settled(table: DynamoTable, input: Input, place: Place, call: Call): DynamoTable {
  const now = call.clock.now();
  const { StreamSpecification: stream, SSESpecification: sse, TableClass, DeletionProtectionEnabled } = input;
  if (stream !== undefined) checkStream(table, stream);
  return {
    ...table,
    ...(stream === undefined ? {} : { stream: streamOf(stream, now) }),
    ...(sse === undefined ? {} : { encryption: encryptionOf(sse, place) }),
    ...(TableClass === undefined ? {} : { tableClass: { name: TableClass, since: now } }),
    ...(DeletionProtectionEnabled === undefined ? {} : { deletionProtection: DeletionProtectionEnabled }),
    ...(input.OnDemandThroughput === undefined
      ? {}
      : { onDemand: input.OnDemandThroughput as DynamoTable['onDemand'] }),
    ...(input.WarmThroughput === undefined ? {} : { warm: input.WarmThroughput as DynamoTable['warm'] }),
  };
}

function checkStream({ stream }: DynamoTable, { StreamEnabled }: Sdk.StreamSpecification): void {
  if (StreamEnabled === true && stream !== undefined) {
    throw invalid('Table already has an enabled stream: TableName');
  }
  if (StreamEnabled !== true && stream === undefined) throw invalid('Table is not having stream enabled');
}

async function reindexed(table: DynamoTable, input: Input, call: Call): Promise<DynamoTable> {
  const updates = input.GlobalSecondaryIndexUpdates ?? [];
  if (updates.filter(({ Create, Delete }) => (Create ?? Delete) !== undefined).length > 1) {
    throw awsFailure(
      'LimitExceededException',
      'Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table',
    );
  }
  let result = table;
  for (const { Create, Delete, Update } of updates) {
    if (Create !== undefined) result = await withIndex(result, globalIndexOf(Create), input, call);
    if (Delete !== undefined) result = withoutIndex(result, Delete.IndexName!, call);
    if (Update !== undefined) result = withThroughput(result, Update, call);
  }
  return result;
}

function indexNotFound(name: string): Error {
  return awsFailure('ResourceNotFoundException', `Requested resource not found: Index: ${name} not found`);
}

function withThroughput(table: DynamoTable, update: Sdk.UpdateGlobalSecondaryIndexAction, call: Call): DynamoTable {
  const index = table.globalIndexes.find(({ name }) => name === update.IndexName);
  if (index === undefined) throw indexNotFound(update.IndexName!);
  const { ProvisionedThroughput: wanted, OnDemandThroughput: onDemand, WarmThroughput: warm } = update;
  const changed: GlobalIndex = {
    ...index,
    throughput: wanted === undefined ? index.throughput : moved(index.throughput, wanted, call, false),
    onDemand: (onDemand ?? index.onDemand) as GlobalIndex['onDemand'],
    warm: (warm ?? index.warm) as GlobalIndex['warm'],
  };
  return { ...table, globalIndexes: table.globalIndexes.map((one) => (one === index ? changed : one)) };
}

function withoutIndex(table: DynamoTable, name: string, call: Call): DynamoTable {
  const globalIndexes = table.globalIndexes.filter((index) => index.name !== name);
  if (globalIndexes.length === table.globalIndexes.length) throw indexNotFound(name);
  empty(call, shelfOf(table, name));
  return withUsedAttributes({ ...table, globalIndexes }, []);
}

async function withIndex(table: DynamoTable, index: GlobalIndex, input: Input, call: Call): Promise<DynamoTable> {
  if ([...table.globalIndexes, ...table.localIndexes].some(({ name }) => name === index.name)) {
    throw invalid(`Attempting to create an index which already exists`);
  }
  if (table.onDemandSince === undefined && index.throughput.read === 0) {
    throw invalid(
      `One or more parameter values were invalid: ProvisionedThroughput must be specified for index: ${index.name}`,
    );
  }
  if (table.globalIndexes.length >= 20) {
    throw invalid(
      'One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20',
    );
  }
  const added = withUsedAttributes(
    { ...table, globalIndexes: [...table.globalIndexes, index] },
    (input.AttributeDefinitions ?? []) as DynamoTable['attributes'],
  );
  const defined = new Set(added.attributes.map(({ AttributeName }) => AttributeName));
  const keys = index.keys.map(({ AttributeName }) => AttributeName);
  if (!keys.every((key) => defined.has(key))) {
    throw invalid(
      `One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [${keys.join(', ')}], AttributeDefinitions: [${[...defined].join(', ')}]`,
    );
  }
  await backfill(added, index, call);
  return added;
}

/** The definitions of old and new attributes, without those that no key uses any more. */
function withUsedAttributes(table: DynamoTable, given: DynamoTable['attributes']): DynamoTable {
  const schemas = [table, ...table.localIndexes, ...table.globalIndexes].flatMap(({ keys }) => keys);
  const used = new Set(schemas.map(({ AttributeName }) => AttributeName));
  const known = new Map([...given, ...table.attributes].map((one) => [one.AttributeName, one]));
  return { ...table, attributes: [...known.values()].filter(({ AttributeName }) => used.has(AttributeName)) };
}

/** Fills the index from the items; those whose attributes have another type stay out, as on AWS. */
async function backfill(table: DynamoTable, index: GlobalIndex, call: Call): Promise<void> {
  const only = { ...table, localIndexes: [], globalIndexes: [index] };
  const store = storeOf(call, new Map([[table.name, only]]));
  const types = new Map(table.attributes.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]));
  const fits = (item: Item) =>
    index.keys.every(({ AttributeName: name }) => item[name]?.[types.get(name)!] !== undefined);
  for (const [, item] of call.world.table(items).list(shelfOf(table))) {
    if (!fits(item)) continue;
    await new Promise<void>((resolve, reject) => {
      db.updateIndexes(store, viewOf(only), undefined, item, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(translated(error));
      });
    });
  }
}

export const updateTableOperations = { UpdateTable: updateTable };
