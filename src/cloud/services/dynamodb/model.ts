// DynamoDB's entities and tables.
import type { Millis } from '../../../base/index.ts';
import { tableName } from '../../world.ts';
import type { Item } from './dynalite.ts';

export type Tags = Readonly<Record<string, string>>;

export interface KeyElement {
  readonly AttributeName: string;
  readonly KeyType: 'HASH' | 'RANGE';
}

export interface Projection {
  readonly ProjectionType: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
  readonly NonKeyAttributes?: readonly string[];
}

export interface Throughput {
  readonly read: number;
  readonly write: number;
  readonly decreases: number;
  readonly increasedAt?: Millis | undefined;
  readonly decreasedAt?: Millis | undefined;
}

/** Most units that an on-demand table may use; absent: no bound. */
export interface OnDemand {
  readonly MaxReadRequestUnits?: number;
  readonly MaxWriteRequestUnits?: number;
}

export interface Warm {
  readonly ReadUnitsPerSecond?: number;
  readonly WriteUnitsPerSecond?: number;
}

export interface SecondaryIndex {
  readonly name: string;
  readonly keys: readonly KeyElement[];
  readonly projection: Projection;
}

export interface GlobalIndex extends SecondaryIndex {
  readonly throughput: Throughput;
  readonly onDemand?: OnDemand | undefined;
  readonly warm?: Warm | undefined;
}

export interface Stream {
  readonly viewType: string;
  readonly label: string;
}

/** `keyArn` absent: the key that AWS keeps for DynamoDB. */
export interface Encryption {
  readonly keyArn?: string | undefined;
}

export interface DynamoTable {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  readonly createdAt: Millis;
  readonly attributes: readonly { readonly AttributeName: string; readonly AttributeType: 'S' | 'N' | 'B' }[];
  readonly keys: readonly KeyElement[];
  readonly localIndexes: readonly SecondaryIndex[];
  readonly globalIndexes: readonly GlobalIndex[];
  readonly throughput: Throughput;
  /** Set: on demand, since then. */
  readonly onDemandSince?: Millis | undefined;
  /** Whether a billing mode was ever named: only then it is shown. */
  readonly billingModeShown: boolean;
  readonly onDemand?: OnDemand | undefined;
  readonly warm?: Warm | undefined;
  readonly deletionProtection: boolean;
  /** When it was chosen; absent: never. */
  readonly tableClass?: { readonly name: string; readonly since?: Millis | undefined } | undefined;
  readonly encryption?: Encryption | undefined;
  readonly stream?: Stream | undefined;
  readonly tags: Tags;
  /** As stored: user and role principals are kept as unique ids. */
  readonly policy?: { readonly document: string; readonly revisionId: string } | undefined;
  /** The attribute that holds an item's end. */
  readonly timeToLive?: string | undefined;
  readonly recovery?: { readonly since: Millis; readonly days: number } | undefined;
}

/** Account: the owner. Id: `REGION/NAME`. */
export const tables = tableName<DynamoTable>('dynamodb.table');
/** Account: a shelf (`shelfOf`), so that the cost of a call does not grow with other tables. Id: dynalite's key. */
export const items = tableName<Item>('dynamodb.item');

/** Where the items of a table or of one of its indexes lie. The id is of one table only, also after a namesake is made. */
export function shelfOf(table: DynamoTable, index?: string): string {
  return `${table.account}/${table.id}${index === undefined ? '' : `/${index}`}`;
}
