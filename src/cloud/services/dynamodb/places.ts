// Which table a request means: its name, or its ARN, which may be of another account. And what it takes
// to be allowed something on it.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
import { compiledDocument } from '../iam/documents.ts';
import type { Call, Permission } from '../../call.ts';
import { invalid, invalidParameter, tableNotFound } from './failures.ts';
import { tables, type DynamoTable } from './model.ts';

/** Where a table is or would be. */
export interface Place {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly arn: string;
  readonly table: DynamoTable | undefined;
}

const tableArn = /^arn:[\w-]+:dynamodb:([a-z0-9-]+):(\d{12}):table\/([a-zA-Z0-9_.-]{3,255})$/;

/** @throws ValidationException for an ARN of another region */
export function placeOf(call: Call, nameOrArn: string | undefined): Place {
  const given = nameOrArn ?? '';
  const [, region = call.region, account = call.account, name = given] = tableArn.exec(given) ?? [];
  const arn = `arn:${call.partition}:dynamodb:${region}:${account}:table/${name}`;
  // An endpoint knows the tables of its region only.
  if (region !== call.region) throw invalid(`1 validation error detected: Invalid AWS region in '${given}'`);
  return { account, region, name, arn, table: call.world.table(tables).get(account, `${region}/${name}`) };
}

/** Calls about tags and policies. @throws ValidationException for what is no ARN, or no table's or stream's */
export function checkResourceArn(arn: string): void {
  if (!arn.startsWith('arn:')) throw invalidParameter(`ARNs must start with 'arn:': ${arn}`);
  const [, , service, , , resource = ''] = arn.split(':');
  if (service !== 'dynamodb' || !/^table\/[^/]+(?:$|\/(?:index|stream)\/)/.test(resource)) {
    throw invalidParameter(`Provided Arn is not a DynamoDB resource arn: ${arn}`);
  }
  if (!resource.includes('/index/')) return;
  throw invalidParameter(
    `Invalid resource arn provided, only table or stream is accepted. Provided resource arn: ${arn}`,
  );
}

/** The place of a table's ARN; undefined for what is none. @throws ValidationException for another region */
export function placeOfArn(call: Call, arn: string | undefined): Place | undefined {
  return arn !== undefined && tableArn.test(arn) ? placeOf(call, arn) : undefined;
}

/** @throws ResourceNotFoundException */
export function existing({ table, name }: Place): DynamoTable {
  if (table === undefined) throw tableNotFound(name);
  return table;
}

export function saveTable(call: Call, table: DynamoTable): void {
  call.world.table(tables).put(table.account, `${table.region}/${table.name}`, table);
}

type Context = Readonly<Record<string, string | readonly string[] | undefined>>;

/** `action` (without `dynamodb:`) on the table, or on one of its indexes. */
export function permission(action: string, place: Place, context: Context = {}, index?: string): Permission {
  const { table, arn } = place;
  const tags = Object.entries(table?.tags ?? {}).map(([key, value]) => [`aws:ResourceTag/${key}`, value]);
  const own = {
    action: `dynamodb:${action}`,
    resource: index === undefined ? arn : `${arn}/index/${index}`,
    resourceAccount: place.account,
    context: { ...Object.fromEntries(tags), ...context },
  };
  if (table?.policy === undefined) return own;
  const policy = compiledDocument(table, table.policy.document, 'resource');
  return { ...own, resourcePolicy: { kind: 'resource', attached: { policy, name: table.name, attachedTo: arn } } };
}

/** `*` for what names no table. */
export function permissionOnAll(action: string): readonly Permission[] {
  return [{ action: `dynamodb:${action}`, resource: '*' }];
}

/** Tags that a request brings, as condition keys. */
export function requestTags(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[],
): Context {
  if (tags.length === 0) return {};
  return {
    ...Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [`aws:RequestTag/${Key}`, Value])),
    'aws:TagKeys': tags.map(({ Key = '' }) => Key),
  };
}
