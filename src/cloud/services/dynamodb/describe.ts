// Tables as DynamoDB shows them.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import type { Call } from '../../call.ts';
import {
  items,
  shelfOf,
  type DynamoTable,
  type GlobalIndex,
  type SecondaryIndex,
  type Throughput,
  type Warm,
} from './model.ts';

/**
 * A change is done when its call is answered; the answer still says `CREATING`, `UPDATING` or `DELETING`,
 * as AWS's does, and the next look at the table finds it `ACTIVE`.
 */
export function describe(call: Call, table: DynamoTable, status: Sdk.TableStatus = 'ACTIVE'): Sdk.TableDescription {
  return {
    AttributeDefinitions: [...table.attributes],
    TableName: table.name,
    KeySchema: [...table.keys],
    TableStatus: status,
    CreationDateTime: new Date(table.createdAt),
    ProvisionedThroughput: throughputShape(table.throughput),
    TableSizeBytes: 0,
    ItemCount: call.world.table(items).count(shelfOf(table)),
    TableArn: table.arn,
    TableId: table.id,
    ...billing(table),
    ...indexes(call, table, status),
    ...streamShape(table),
    ...encryptionShape(table),
    ...(table.tableClass === undefined ? {} : { TableClassSummary: classShape(table.tableClass) }),
    DeletionProtectionEnabled: table.deletionProtection,
    ...(table.onDemand === undefined ? {} : { OnDemandThroughput: table.onDemand }),
    WarmThroughput: warmShape(table, table, 'ACTIVE'),
  };
}

function throughputShape({
  read,
  write,
  decreases,
  increasedAt,
  decreasedAt,
}: Throughput): Sdk.ProvisionedThroughputDescription {
  return {
    ...(increasedAt === undefined ? {} : { LastIncreaseDateTime: new Date(increasedAt) }),
    ...(decreasedAt === undefined ? {} : { LastDecreaseDateTime: new Date(decreasedAt) }),
    NumberOfDecreasesToday: decreases,
    ReadCapacityUnits: read,
    WriteCapacityUnits: write,
  };
}

function billing({ onDemandSince, billingModeShown }: DynamoTable): Pick<Sdk.TableDescription, 'BillingModeSummary'> {
  if (onDemandSince !== undefined) {
    return {
      BillingModeSummary: {
        BillingMode: 'PAY_PER_REQUEST',
        LastUpdateToPayPerRequestDateTime: new Date(onDemandSince),
      },
    };
  }
  return billingModeShown ? { BillingModeSummary: { BillingMode: 'PROVISIONED' } } : {};
}

/** What a table can take at once: 4000 writes and 12,000 reads when on demand, else what it has (developer guide, "Warm throughput"). */
function warmShape<Status extends Sdk.TableStatus | Sdk.IndexStatus>(
  table: DynamoTable,
  { warm, throughput }: { readonly warm?: Warm | undefined; readonly throughput: Throughput },
  Status: Status,
) {
  const onDemand = table.onDemandSince !== undefined;
  return {
    ReadUnitsPerSecond: warm?.ReadUnitsPerSecond ?? (onDemand ? 12_000 : throughput.read),
    WriteUnitsPerSecond: warm?.WriteUnitsPerSecond ?? (onDemand ? 4000 : throughput.write),
    Status,
  };
}

function indexes(call: Call, table: DynamoTable, status: Sdk.TableStatus) {
  const { localIndexes: local, globalIndexes: global } = table;
  return {
    ...(local.length === 0 ? {} : { LocalSecondaryIndexes: local.map((index) => indexShape(call, table, index)) }),
    ...(global.length === 0
      ? {}
      : { GlobalSecondaryIndexes: global.map((index) => globalIndexShape(call, table, index, status)) }),
  };
}

function indexShape(call: Call, table: DynamoTable, { name, keys, projection }: SecondaryIndex) {
  const { ProjectionType, NonKeyAttributes } = projection;
  return {
    IndexName: name,
    KeySchema: [...keys],
    Projection: {
      ProjectionType,
      ...(NonKeyAttributes === undefined ? {} : { NonKeyAttributes: [...NonKeyAttributes] }),
    },
    IndexSizeBytes: 0,
    ItemCount: call.world.table(items).count(shelfOf(table, name)),
    IndexArn: `${table.arn}/index/${name}`,
  };
}

function globalIndexShape(
  call: Call,
  table: DynamoTable,
  index: GlobalIndex,
  status: Sdk.TableStatus,
): Sdk.GlobalSecondaryIndexDescription {
  const IndexStatus = status === 'CREATING' || status === 'DELETING' ? status : 'ACTIVE';
  return {
    ...indexShape(call, table, index),
    IndexStatus,
    ProvisionedThroughput: throughputShape(index.throughput),
    ...(index.onDemand === undefined ? {} : { OnDemandThroughput: index.onDemand }),
    WarmThroughput: warmShape(table, index, 'ACTIVE'),
  };
}

function streamShape({ stream, arn }: DynamoTable) {
  if (stream === undefined) return {};
  return {
    StreamSpecification: { StreamEnabled: true, StreamViewType: stream.viewType as Sdk.StreamViewType },
    LatestStreamLabel: stream.label,
    LatestStreamArn: `${arn}/stream/${stream.label}`,
  };
}

function encryptionShape({ encryption, account, region, arn }: DynamoTable) {
  if (encryption === undefined) return {};
  const partition = arn.split(':')[1]!;
  const own = `arn:${partition}:kms:${region}:${account}:alias/aws/dynamodb`;
  return { SSEDescription: { Status: 'ENABLED', SSEType: 'KMS', KMSMasterKeyArn: encryption.keyArn ?? own } as const };
}

function classShape({ name, since }: NonNullable<DynamoTable['tableClass']>): Sdk.TableClassSummary {
  return {
    TableClass: name as Sdk.TableClass,
    ...(since === undefined ? {} : { LastUpdateDateTime: new Date(since) }),
  };
}
