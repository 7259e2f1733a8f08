// Settings of a table that stand beside its description: time to live, backups, limits, endpoints.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { invalid, invalidParameter } from './failures.ts';
import type { DynamoTable, Encryption, Stream } from './model.ts';
import { existing, permission, permissionOnAll, placeOf, saveTable, type Place } from './places.ts';

/** A stream's label is the time it was made. */
export function newStream({ StreamViewType }: Sdk.StreamSpecification, now: number): Stream {
  return { viewType: StreamViewType!, label: new Date(now).toISOString().slice(0, -1) };
}

/** A key by its id or alias is one of the table's account and region. @throws ValidationException */
export function encryptionOf(given: Sdk.SSESpecification | undefined, place: Place): Encryption | undefined {
  if (given === undefined) return undefined;
  const { Enabled, SSEType, KMSMasterKeyId: key } = given;
  if (Enabled !== true) {
    if (SSEType !== undefined) throw invalidParameter('SSEType can not be specified if Enabled is false');
    if (key !== undefined) throw invalidParameter('KMSMasterKeyId can not be specified if Enabled is false');
    return undefined;
  }
  if (SSEType === 'AES256') throw invalidParameter('SSEType AES256 is not supported');
  if (key === undefined) return {};
  if (SSEType === undefined) throw invalidParameter('SSEType KMS is required if KMSMasterKeyId is specified');
  const partition = place.arn.split(':')[1]!;
  const resource = key.startsWith('alias/') ? key : `key/${key}`;
  return { keyArn: key.startsWith('arn:') ? key : `arn:${partition}:kms:${place.region}:${place.account}:${resource}` };
}

/** @throws ValidationException */
export function checkTableClass(name: string | undefined): void {
  if (name === undefined || name === 'STANDARD' || name === 'STANDARD_INFREQUENT_ACCESS') return;
  throw invalid(
    'Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].',
  );
}

/** @throws ValidationException when a table that is not on demand is given bounds of one */
export function checkOnDemand(given: Sdk.OnDemandThroughput | undefined, onDemand: boolean): void {
  const name = (['MaxReadRequestUnits', 'MaxWriteRequestUnits'] as const).find((one) => given?.[one] !== undefined);
  if (onDemand || name === undefined) return;
  throw invalidParameter(
    `${name} for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED`,
  );
}

const describeTimeToLive = operation<Parsed<Sdk.DescribeTimeToLiveInput>, Sdk.DescribeTimeToLiveOutput>({
  permissions: (input, call) => [permission('DescribeTimeToLive', placeOf(call, input.TableName))],
  handle(input, call) {
    const { timeToLive } = existing(placeOf(call, input.TableName));
    return {
      TimeToLiveDescription:
        timeToLive === undefined
          ? { TimeToLiveStatus: 'DISABLED' }
          : { TimeToLiveStatus: 'ENABLED', AttributeName: timeToLive },
    };
  },
});

const updateTimeToLive = operation<Parsed<Sdk.UpdateTimeToLiveInput>, Sdk.UpdateTimeToLiveOutput>({
  permissions: (input, call) => [permission('UpdateTimeToLive', placeOf(call, input.TableName))],
  handle(input, call) {
    const table = existing(placeOf(call, input.TableName));
    const { Enabled, AttributeName } = input.TimeToLiveSpecification;
    const name = AttributeName ?? '';
    checkTimeToLive(table, Enabled === true, name);
    saveTable(call, { ...table, timeToLive: Enabled === true ? name : undefined });
    return { TimeToLiveSpecification: { Enabled, AttributeName } };
  },
  depth: 'items stay after their time, as they may for days on AWS; it may be changed again at once',
});

function checkTimeToLive({ timeToLive }: DynamoTable, enable: boolean, name: string): void {
  if (name.length < 1 || name.length > 255) {
    const bound = name === '' ? 'greater than or equal to 1' : 'less than or equal to 255';
    throw invalid(
      `1 validation error detected: Value '${name}' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length ${bound}`,
    );
  }
  if (timeToLive === undefined) {
    if (!enable) throw invalid('TimeToLive is already disabled');
    return;
  }
  if (timeToLive !== name) {
    throw invalid(`TimeToLive is active on a different AttributeName: current AttributeName is ${timeToLive}`);
  }
  if (enable) throw invalid('TimeToLive is already enabled');
}

function backedUp(call: Call, name: string): DynamoTable {
  const { table, name: shown } = placeOf(call, name);
  if (table === undefined) throw awsFailure('TableNotFoundException', `Table not found: ${shown}`);
  return table;
}

function backupsOf({ recovery }: DynamoTable, now: number): Sdk.ContinuousBackupsDescription {
  if (recovery === undefined) {
    return {
      ContinuousBackupsStatus: 'ENABLED',
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'DISABLED' },
    };
  }
  const oldest = Math.max(recovery.since, now - recovery.days * 86_400_000);
  return {
    ContinuousBackupsStatus: 'ENABLED',
    PointInTimeRecoveryDescription: {
      PointInTimeRecoveryStatus: 'ENABLED',
      RecoveryPeriodInDays: recovery.days,
      EarliestRestorableDateTime: new Date(oldest),
      LatestRestorableDateTime: new Date(now),
    },
  };
}

const describeContinuousBackups = operation<
  Parsed<Sdk.DescribeContinuousBackupsInput>,
  Sdk.DescribeContinuousBackupsOutput
>({
  permissions: (input, call) => [permission('DescribeContinuousBackups', placeOf(call, input.TableName))],
  handle: (input, call) => ({
    ContinuousBackupsDescription: backupsOf(backedUp(call, input.TableName), call.clock.now()),
  }),
});

const updateContinuousBackups = operation<Parsed<Sdk.UpdateContinuousBackupsInput>, Sdk.UpdateContinuousBackupsOutput>({
  permissions: (input, call) => [permission('UpdateContinuousBackups', placeOf(call, input.TableName))],
  handle(input, call) {
    const table = backedUp(call, input.TableName);
    const { PointInTimeRecoveryEnabled: enabled, RecoveryPeriodInDays } = input.PointInTimeRecoverySpecification;
    if (enabled !== true && RecoveryPeriodInDays !== undefined) {
      throw invalid('Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.');
    }
    const days = RecoveryPeriodInDays ?? table.recovery?.days ?? 35;
    if (days < 1 || days > 35) {
      const [rule, bound] = days < 1 ? ['greater', 1] : ['less', 35];
      throw invalid(
        `1 validation error detected: Value '${days}' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed to satisfy constraint: Member must have value ${rule} than or equal to ${bound}`,
      );
    }
    const since = table.recovery?.since ?? call.clock.now();
    const changed = { ...table, recovery: enabled === true ? { since, days } : undefined };
    saveTable(call, changed);
    return { ContinuousBackupsDescription: backupsOf(changed, call.clock.now()) };
  },
  depth: 'the setting is kept; nothing is backed up, and restoring is not offered',
});

const describeLimits = operation<object, Sdk.DescribeLimitsOutput>({
  permissions: () => permissionOnAll('DescribeLimits'),
  handle: () => ({
    AccountMaxReadCapacityUnits: 80_000,
    AccountMaxWriteCapacityUnits: 80_000,
    TableMaxReadCapacityUnits: 40_000,
    TableMaxWriteCapacityUnits: 40_000,
  }),
});

const describeEndpoints = operation<object, Sdk.DescribeEndpointsResponse>({
  permissions: () => permissionOnAll('DescribeEndpoints'),
  handle: (_, call) => ({ Endpoints: [{ Address: call.http.host, CachePeriodInMinutes: 1440 }] }),
});

export const settingOperations = {
  DescribeTimeToLive: describeTimeToLive,
  UpdateTimeToLive: updateTimeToLive,
  DescribeContinuousBackups: describeContinuousBackups,
  UpdateContinuousBackups: updateContinuousBackups,
  DescribeLimits: describeLimits,
  DescribeEndpoints: describeEndpoints,
};
