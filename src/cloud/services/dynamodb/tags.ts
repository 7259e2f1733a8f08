// Tags of tables.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { invalid } from './failures.ts';
import type { DynamoTable, Tags } from './model.ts';
import { checkResourceArn, permission, placeOfArn, requestTags, saveTable, type Place } from './places.ts';

const mostTags = 50;

/** @throws ValidationException */
export function checkedTags(list: readonly Sdk.Tag[]): Tags {
  const tags: Record<string, string> = {};
  for (const { Key = '', Value } of list) {
    checkKey(Key);
    if (Value === undefined || Value.length > 256) {
      throw invalid(`The Tag Value provided is invalid, Value: ${Value ?? 'null'}`);
    }
    if (Key.toLowerCase().startsWith('aws:')) throw invalid(`Tag Key cannot be prefixed with aws:, Key: ${Key}`);
    if (Object.hasOwn(tags, Key)) {
      throw invalid(`Duplicate Tag Keys provided as input: Duplicate Tag Key found ${Key}`);
    }
    tags[Key] = Value;
  }
  checkCount(tags);
  return tags;
}

function checkKey(key: string): void {
  if (key === '' || key.length > 128) throw invalid(`The Tag Key provided is invalid, Key: ${key}`);
}

function checkCount(tags: object): void {
  if (Object.keys(tags).length > mostTags) {
    throw invalid('Number of Tags exceed the current limit for the provided ResourceArn');
  }
}

/** @throws ValidationException for what is no table's ARN of this region */
function resourcePlace(call: Call, arn: string): Place {
  checkResourceArn(arn);
  const place = arn.split(':')[3] === call.region ? placeOfArn(call, arn) : undefined;
  if (place === undefined) throw invalid(`Invalid TableArn: Invalid ResourceArn provided as input ${arn}`);
  return place;
}

/** The service writes the word so. @throws ResourceNotFoundException */
function taggedTable(call: Call, arn: string): DynamoTable {
  const { table } = resourcePlace(call, arn);
  if (table !== undefined) return table;
  throw awsFailure('ResourceNotFoundException', `Requested resource not found: ResourcArn: ${arn} not found`);
}

const tagResource = operation<Parsed<Sdk.TagResourceInput>, void>({
  permissions: (input, call) => [
    permission('TagResource', resourcePlace(call, input.ResourceArn), requestTags(input.Tags)),
  ],
  handle(input, call) {
    if (input.Tags.length === 0) throw invalid('Atleast one Tag needs to be provided as Input.');
    const given = checkedTags(input.Tags);
    const table = taggedTable(call, input.ResourceArn);
    const tags = { ...table.tags, ...given };
    checkCount(tags);
    saveTable(call, { ...table, tags });
  },
});

const untagResource = operation<Parsed<Sdk.UntagResourceInput>, void>({
  permissions: (input, call) => [
    permission('UntagResource', resourcePlace(call, input.ResourceArn), { 'aws:TagKeys': input.TagKeys }),
  ],
  handle(input, call) {
    if (input.TagKeys.length === 0) throw invalid('Atleast one Tag Key needs to be provided as Input.');
    for (const key of input.TagKeys) checkKey(key);
    const gone = new Set(input.TagKeys);
    checkCount(input.TagKeys);
    const table = taggedTable(call, input.ResourceArn);
    const tags = Object.fromEntries(Object.entries(table.tags).filter(([key]) => !gone.has(key)));
    saveTable(call, { ...table, tags });
  },
});

const listTagsOfResource = operation<Parsed<Sdk.ListTagsOfResourceInput>, Sdk.ListTagsOfResourceOutput>({
  permissions: (input, call) => [permission('ListTagsOfResource', resourcePlace(call, input.ResourceArn))],
  handle(input, call) {
    const { tags } = taggedTable(call, input.ResourceArn);
    return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
  },
});

export const tagOperations = {
  TagResource: tagResource,
  UntagResource: untagResource,
  ListTagsOfResource: listTagsOfResource,
};
