// UpdateTable: throughput, billing mode, global indexes, and the settings in a table's description.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { describe } from './describe.ts';
import { db, rules, type Item } from './dynalite.ts';
import { invalid, invalidParameter, translated } from './failures.ts';
import { items, shelfOf, type DynamoTable, type GlobalIndex, type Throughput } from './model.ts';
import { existing, permission, placeOf, saveTable, type Place } from './places.ts';
import { checkedBy } from './requests.ts';
import { checkOnDemand, checkTableClass, encryptionOf, newStream } from './settings.ts';
import { storeOf, viewOf } from './store.ts';
import { checkProjection, empty, globalIndexOf } from './tables.ts';

type Input = Parsed<Sdk.UpdateTableInput>;

/** Members that change something, and the word for those that stand alone in a request. */
const changes: readonly (readonly [member: keyof Input, alone?: string])[] = [
  ['SSESpecification', 'Server-Side Encryption modification'],
  ['TableClass', 'TableClass modification'],
  ['DeletionProtectionEnabled', 'DeletionProtection modification'],
  ['WarmThroughput', 'WarmThroughput'],
  ['ProvisionedThroughput'],
  ['BillingMode'],
  ['GlobalSecondaryIndexUpdates'],
  ['StreamSpecification'],
  ['OnDemandThroughput'],
];

function checkChanges(input: Input): void {
  const given = changes.filter(([member]) => input[member] !== undefined);
  if (given.length === 0) {
    throw invalid(
      'At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required',
    );
  }
  const alone = given.find(([, word]) => word !== undefined);
  if (given.length > 1 && alone !== undefined)
    throw invalidParameter(`${alone[1]} must be the only operation in the request`);
}

function readUpdate(input: Input, call: Call): Place {
  const place = placeOf(call, input.TableName);
  if (input.ReplicaUpdates !== undefined || input.VectorIndexUpdates !== undefined) {
    throw invalid('Global tables and vector indexes are not offered by the embedded AWS');
  }
  checkChanges(input);
  const { types, custom } = rules.UpdateTable;
  const indexes = input.GlobalSecondaryIndexUpdates;
  if (indexes?.length === 0) throw invalidParameter('List of GlobalSecondaryIndexUpdates is empty');
  // dynalite's own rule of what is enough knows fewer members.
  const known = input.ProvisionedThroughput ?? input.BillingMode ?? indexes;
  checkedBy(
    known === undefined || custom === undefined ? { types } : { types, custom },
    forRules(input, place),
    storeOf(call, new Map()),
  );
  for (const { Create } of indexes ?? []) checkProjection(Create?.Projection);
  checkTableClass(input.TableClass);
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
    throw invalidParameter(
      'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
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
  checkOnDemand(input.OnDemandThroughput, table.onDemandSince !== undefined);
  return {
    ...table,
    ...(stream === undefined ? {} : { stream: changedStream(table, stream, now) }),
    ...(sse === undefined ? {} : { encryption: changedEncryption(table, sse, place) }),
    ...(TableClass === undefined ? {} : { tableClass: { name: TableClass, since: now } }),
    ...(DeletionProtectionEnabled === undefined ? {} : { deletionProtection: DeletionProtectionEnabled }),
    ...(input.OnDemandThroughput === undefined
      ? {}
      : { onDemand: input.OnDemandThroughput as DynamoTable['onDemand'] }),
    ...(input.WarmThroughput === undefined ? {} : { warm: input.WarmThroughput as DynamoTable['warm'] }),
  };
}

function changedStream(table: DynamoTable, given: Sdk.StreamSpecification, now: number): DynamoTable['stream'] {
  const { StreamEnabled, StreamViewType } = given;
  if (StreamEnabled !== true) {
    if (StreamViewType !== undefined) {
      throw invalidParameter('If stream is being disabled, then UpdateViewType must not be specified');
    }
    if (table.stream === undefined) throw invalid(`Table has no stream to disable: TableName: ${table.name}`);
    return undefined;
  }
  if (StreamViewType === undefined) {
    throw invalidParameter('If stream is being enabled then UpdateViewType is required');
  }
  if (table.stream !== undefined) throw invalid(`Table already has an enabled stream: TableName: ${table.name}`);
  return newStream(given, now);
}

function changedEncryption(table: DynamoTable, given: Sdk.SSESpecification, place: Place): DynamoTable['encryption'] {
  const encryption = encryptionOf(given, place);
  if (encryption === undefined && table.encryption === undefined) {
    throw invalidParameter('Table is already encrypted by default');
  }
  if (encryption !== undefined && table.encryption?.keyArn === encryption.keyArn && table.encryption !== undefined) {
    throw invalidParameter(
      'Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key',
    );
  }
  return encryption;
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

function noSuchIndex(verb: 'delete' | 'update', name: string): Error {
  return invalid(`Cannot ${verb} an index that is not a GlobalSecondaryIndex: ${name}`);
}

function withThroughput(table: DynamoTable, update: Sdk.UpdateGlobalSecondaryIndexAction, call: Call): DynamoTable {
  const index = table.globalIndexes.find(({ name }) => name === update.IndexName);
  if (index === undefined) throw noSuchIndex('update', update.IndexName!);
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
  if (globalIndexes.length === table.globalIndexes.length) throw noSuchIndex('delete', name);
  empty(call, shelfOf(table, name));
  return withUsedAttributes({ ...table, globalIndexes }, []);
}

async function withIndex(table: DynamoTable, index: GlobalIndex, input: Input, call: Call): Promise<DynamoTable> {
  if ([...table.globalIndexes, ...table.localIndexes].some(({ name }) => name === index.name)) {
    throw invalid('Attempting to create an index which already exists');
  }
  if (table.onDemandSince === undefined && index.throughput.read === 0) {
    throw invalidParameter(`ProvisionedThroughput must be specified for index: ${index.name}`);
  }
  if (table.globalIndexes.length >= 20) {
    throw awsFailure('LimitExceededException', 'GlobalSecondaryIndex count exceeds the per-table limit of 20');
  }
  const added = withUsedAttributes(
    { ...table, globalIndexes: [...table.globalIndexes, index] },
    (input.AttributeDefinitions ?? []) as DynamoTable['attributes'],
  );
  const defined = new Set(added.attributes.map(({ AttributeName }) => AttributeName));
  const keys = index.keys.map(({ AttributeName }) => AttributeName);
  if (!keys.every((key) => defined.has(key))) {
    if (input.AttributeDefinitions === undefined) {
      throw invalidParameter(`AttributeDefinitions is not specified for index: ${index.name}`);
    }
    throw invalidParameter(
      `Some index key attributes are not defined in AttributeDefinitions. Keys: [${keys.join(', ')}], AttributeDefinitions: [${[...defined].join(', ')}]`,
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
