// Tables: made, shown, listed and deleted. What may be made, dynalite's rules say.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { uuid } from '../../../base/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { describe } from './describe.ts';
import { inUse, invalid, invalidParameter } from './failures.ts';
import {
  items,
  shelfOf,
  tables,
  type DynamoTable,
  type GlobalIndex,
  type KeyElement,
  type SecondaryIndex,
} from './model.ts';
import { existing, permission, placeOf, requestTags, saveTable, type Place } from './places.ts';
import { storedPolicy } from './resource-policy.ts';
import { checked } from './requests.ts';
import { checkOnDemand, checkTableClass, encryptionOf, newStream } from './settings.ts';
import { checkedTags } from './tags.ts';

type CreateInput = Parsed<Sdk.CreateTableInput>;

/** @throws ValidationException */
function readCreate(input: CreateInput, call: Call): Place {
  if (input.VectorIndexes !== undefined || input.GlobalTableSourceArn !== undefined) {
    throw invalid('Vector indexes and global tables are not offered by the embedded AWS');
  }
  const place = placeOf(call, input.TableName);
  checked('CreateTable', { ...input, TableName: place.name }, call);
  checkIndexThroughput(input);
  const keys = [input, ...(input.LocalSecondaryIndexes ?? []), ...(input.GlobalSecondaryIndexes ?? [])];
  checkDefinitions(
    input.AttributeDefinitions ?? [],
    keys.map(({ KeySchema }) => KeySchema ?? []),
  );
  checkedTags(input.Tags ?? []);
  checkStream(input.StreamSpecification);
  checkTableClass(input.TableClass);
  checkOnDemand(input.OnDemandThroughput, input.BillingMode === 'PAY_PER_REQUEST');
  for (const { Projection } of keys.slice(1) as readonly Sdk.LocalSecondaryIndex[]) checkProjection(Projection);
  return place;
}

function checkStream(given: Sdk.StreamSpecification | undefined): void {
  if (given === undefined) return;
  const { StreamEnabled, StreamViewType } = given;
  if (StreamEnabled === true && StreamViewType === undefined) {
    throw invalidParameter('Table is being created with a stream enabled, UpdateViewType is required');
  }
  if (StreamEnabled !== true && StreamViewType !== undefined) {
    throw invalidParameter('Table is being created with a stream disabled, UpdateViewType should not be specified');
  }
}

/** What dynalite's rules let pass. @throws ValidationException */
export function checkProjection({ ProjectionType, NonKeyAttributes }: Sdk.Projection = {}): void {
  if (ProjectionType === 'INCLUDE' && NonKeyAttributes === undefined) {
    throw invalidParameter('ProjectionType is INCLUDE, but NonKeyAttributes is not specified');
  }
}

function checkIndexThroughput({ BillingMode, GlobalSecondaryIndexes = [] }: CreateInput): void {
  if (BillingMode === 'PAY_PER_REQUEST') return;
  const bare = GlobalSecondaryIndexes.find(({ ProvisionedThroughput }) => ProvisionedThroughput === undefined);
  if (bare === undefined) return;
  throw invalidParameter(`ProvisionedThroughput is not specified for index: ${bare.IndexName}`);
}

/** Every definition must be of a key of the table or of an index. @throws ValidationException */
function checkDefinitions(
  definitions: readonly Sdk.AttributeDefinition[],
  schemas: readonly (readonly Sdk.KeySchemaElement[])[],
): void {
  const used = new Set(schemas.flat().map(({ AttributeName }) => AttributeName));
  const names = definitions.map(({ AttributeName }) => AttributeName);
  const double = names.find((name, index) => names.indexOf(name) !== index);
  if (double !== undefined) throw invalid(`Attribute Name is duplicated: ${double}`);
  if (names.every((name) => used.has(name))) return;
  throw invalidParameter(
    `Some AttributeDefinitions are not used. AttributeDefinitions: [${names.join(', ')}], keys used: [${[...used].join(', ')}]`,
  );
}

const createTable = operation<CreateInput, Sdk.CreateTableOutput>({
  permissions(input, call) {
    const place = readCreate(input, call);
    const own = { account: call.account, region: call.region };
    const at = { ...place, ...own, table: undefined };
    const tags = requestTags(input.Tags ?? []);
    const needed: Permission[] = [permission('CreateTable', at, tags)];
    if ((input.Tags ?? []).length > 0) needed.push(permission('TagResource', at, tags));
    if (input.ResourcePolicy !== undefined) needed.push(permission('PutResourcePolicy', at));
    return needed;
  },
  handle(input, call) {
    const place = readCreate(input, call);
    if (place.table !== undefined) throw inUse(`Table already exists: ${place.name}`);
    const table = newTable(input, place, call);
    saveTable(call, table);
    return { TableDescription: describe(call, table, 'CREATING') };
  },
  depth:
    'the table is ACTIVE for the next call; streams and KMS keys are noted and not used; no global tables, no vector indexes',
});

function newTable(input: CreateInput, place: Place, call: Call): DynamoTable {
  const now = call.clock.now();
  const { account, region, name, arn } = place;
  const onDemand = input.BillingMode === 'PAY_PER_REQUEST';
  return {
    account,
    region,
    name,
    arn,
    id: uuid(call.random),
    createdAt: now,
    attributes: (input.AttributeDefinitions ?? []) as DynamoTable['attributes'],
    keys: (input.KeySchema ?? []) as readonly KeyElement[],
    localIndexes: (input.LocalSecondaryIndexes ?? []).map(indexOf),
    globalIndexes: (input.GlobalSecondaryIndexes ?? []).map(globalIndexOf),
    throughput: throughputOf(input.ProvisionedThroughput),
    onDemandSince: onDemand ? now : undefined,
    billingModeShown: input.BillingMode !== undefined,
    onDemand: input.OnDemandThroughput as DynamoTable['onDemand'],
    warm: input.WarmThroughput as DynamoTable['warm'],
    deletionProtection: input.DeletionProtectionEnabled ?? false,
    tableClass: input.TableClass === undefined ? undefined : { name: input.TableClass },
    encryption: encryptionOf(input.SSESpecification, place),
    stream: input.StreamSpecification?.StreamEnabled === true ? newStream(input.StreamSpecification, now) : undefined,
    tags: checkedTags(input.Tags ?? []),
    policy: input.ResourcePolicy === undefined ? undefined : storedPolicy(input.ResourcePolicy, place, call),
  };
}

export function indexOf({ IndexName, KeySchema, Projection }: Sdk.LocalSecondaryIndex): SecondaryIndex {
  return {
    name: IndexName!,
    keys: KeySchema as readonly KeyElement[],
    projection: Projection as SecondaryIndex['projection'],
  };
}

export function globalIndexOf(index: Sdk.GlobalSecondaryIndex): GlobalIndex {
  return {
    ...indexOf(index),
    throughput: throughputOf(index.ProvisionedThroughput),
    onDemand: index.OnDemandThroughput as GlobalIndex['onDemand'],
    warm: index.WarmThroughput as GlobalIndex['warm'],
  };
}

function throughputOf(given: Sdk.ProvisionedThroughput | undefined) {
  return { read: given?.ReadCapacityUnits ?? 0, write: given?.WriteCapacityUnits ?? 0, decreases: 0 };
}

const describeTable = operation<Parsed<Sdk.DescribeTableInput>, Sdk.DescribeTableOutput>({
  permissions: (input, call) => [permission('DescribeTable', placeOf(call, input.TableName))],
  handle: (input, call) => ({ Table: describe(call, existing(placeOf(call, input.TableName))) }),
  depth: 'TableSizeBytes stays 0; ItemCount is counted at once and not every six hours',
});

const deleteTable = operation<Parsed<Sdk.DeleteTableInput>, Sdk.DeleteTableOutput>({
  permissions: (input, call) => [permission('DeleteTable', placeOf(call, input.TableName))],
  handle(input, call) {
    const table = existing(placeOf(call, input.TableName));
    if (table.deletionProtection) {
      throw invalid(
        'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
      );
    }
    const shown = describe(call, table, 'DELETING');
    empty(call, shelfOf(table));
    for (const { name } of [...table.localIndexes, ...table.globalIndexes]) empty(call, shelfOf(table, name));
    call.world.table(tables).delete(table.account, `${table.region}/${table.name}`);
    return { TableDescription: { ...shown, AttributeDefinitions: undefined, KeySchema: undefined } };
  },
  depth: 'the table is gone for the next call',
});

/** Deletes every row of a shelf. */
export function empty(call: Call, shelf: string): void {
  const rows = call.world.table(items);
  for (const [id] of rows.list(shelf)) rows.delete(shelf, id);
}

const listTables = operation<Parsed<Sdk.ListTablesInput>, Sdk.ListTablesOutput>({
  // The service authorization reference knows no resource for it; refusals name every table of the account.
  permissions: (_, { partition, region, account }) => [
    { action: 'dynamodb:ListTables', resource: `arn:${partition}:dynamodb:${region}:${account}:table/*` },
  ],
  handle(input, call) {
    checked('ListTables', input, call);
    const { Limit = 100, ExclusiveStartTableName = '' } = input;
    const names: string[] = [];
    for (const [id] of call.world.table(tables).list(call.account, `${call.region}/${ExclusiveStartTableName}`)) {
      if (!id.startsWith(`${call.region}/`)) break;
      if (names.length === Limit) return { TableNames: names, LastEvaluatedTableName: names.at(-1) };
      names.push(id.slice(call.region.length + 1));
    }
    return { TableNames: names };
  },
});

export const tableOperations = {
  CreateTable: createTable,
  DescribeTable: describeTable,
  DeleteTable: deleteTable,
  ListTables: listTables,
};
