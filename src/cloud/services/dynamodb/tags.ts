// Tags of tables.
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { invalid } from './failures.ts';
import type { DynamoTable, Tags } from './model.ts';
import { permission, placeOfArn, requestTags, saveTable, type Place } from './places.ts';

const mostTags = 50;

/** @throws ValidationException */
export function checkedTags(list: readonly Sdk.Tag[]): Tags {
  const tags: Record<string, string> = {};
  for (const { Key = '', Value = '' } of list) {
    if (Key === '' || Key.length > 128) {
      const [rule, bound] = Key === '' ? ['greater', 1] : ['less', 128];
      throw invalid(
        `1 validation error detected: Value '${Key}' at 'tags.1.member.key' failed to satisfy constraint: Member must have length ${rule} than or equal to ${bound}`,
      );
    }
    if (Value.length > 256) {
      throw invalid(
        `1 validation error detected: Value '${Value}' at 'tags.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 256`,
      );
    }
    if (Key.toLowerCase().startsWith('aws:')) throw invalid('Tags cannot start with aws:');
    if (Object.hasOwn(tags, Key)) throw invalid('Cannot provide multiple Tags with the same key');
    tags[Key] = Value;
  }
  return checkedCount(tags);
}

function checkedCount(tags: Tags): Tags {
  if (Object.keys(tags).length > mostTags) {
    throw invalid('One or more parameter values were invalid: Too many tags: a resource has at most 50');
  }
  return tags;
}

/** @throws ValidationException */
export function resourcePlace(call: Call, arn: string): Place {
  const place = placeOfArn(call, arn);
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
    const table = taggedTable(call, input.ResourceArn);
    if (input.Tags.length === 0) throw invalid('Atleast one Tag needs to be provided as Input.');
    saveTable(call, { ...table, tags: checkedCount({ ...table.tags, ...checkedTags(input.Tags) }) });
  },
});

const untagResource = operation<Parsed<Sdk.UntagResourceInput>, void>({
  permissions: (input, call) => [
    permission('UntagResource', resourcePlace(call, input.ResourceArn), { 'aws:TagKeys': input.TagKeys }),
  ],
  handle(input, call) {
    const table = taggedTable(call, input.ResourceArn);
    if (input.TagKeys.length === 0) throw invalid('Atleast one Tag Key needs to be provided as Input.');
    const gone = new Set(input.TagKeys);
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
