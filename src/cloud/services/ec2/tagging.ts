// CreateTags, DeleteTags, DescribeTags over every resource that has an id.
import type {
  CreateTagsCommandInput,
  DeleteTagsCommandInput,
  DescribeTagsCommandInput,
  DescribeTagsResult,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { missingParameter } from './failures.ts';
import { filtered, paged } from './filters.ts';
import { typeOfId } from './ids.ts';
import { securityGroupOf, subnetOf, vpcId } from './network.ts';
import { onEverything, onResource, requestTags } from './permissions.ts';
import { dryRunnable, instanceOf, instanceOfPart, putTags, taggedResources, tagsOf } from './store.ts';
import { checkedTags } from './tag-specifications.ts';

/** @throws a not-found failure in the words of the resource's type, or InvalidID for an id of no type known here */
function checkExists(call: Call, id: string): void {
  switch (typeOfId(id)) {
    case 'instance':
      instanceOf(call, id);
      return;
    case 'volume':
      if (instanceOfPart(call, id) !== undefined) return;
      throw awsFailure('InvalidVolume.NotFound', `The volume '${id}' does not exist.`, { status: 400 });
    case 'network-interface':
      if (instanceOfPart(call, id) !== undefined) return;
      throw awsFailure('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`, {
        status: 400,
      });
    case 'vpc':
      if (vpcId(call) === id) return;
      throw awsFailure('InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`, { status: 400 });
    case 'subnet':
      subnetOf(call, id);
      return;
    case 'security-group':
      securityGroupOf(call, id);
      return;
    default:
      throw awsFailure('InvalidID', `The ID '${id}' is not valid`, { status: 400 });
  }
}

export const CreateTags = dryRunnable<CreateTagsCommandInput, object>({
  permissions: (input, call) => {
    const wanted = Object.fromEntries((input.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    return (input.Resources ?? []).map((id) => onResource(call, 'CreateTags', id, requestTags(wanted)));
  },
  handle(input, call) {
    if ((input.Resources ?? []).length === 0) throw missingParameter('resourceIdSet');
    if ((input.Tags ?? []).length === 0) throw missingParameter('tagSet');
    for (const id of input.Resources!) checkExists(call, id);
    for (const id of input.Resources!) putTags(call, id, checkedTags(input.Tags, tagsOf(call, id)));
    return {};
  },
});

export const DeleteTags = dryRunnable<DeleteTagsCommandInput, object>({
  permissions: (input, call) => {
    const wanted = Object.fromEntries((input.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    return (input.Resources ?? []).map((id) => onResource(call, 'DeleteTags', id, requestTags(wanted)));
  },
  handle(input, call) {
    if ((input.Resources ?? []).length === 0) throw missingParameter('resourceIdSet');
    for (const id of input.Resources!) {
      const kept = Object.entries(tagsOf(call, id)).filter(
        ([key, value]) =>
          !input.Tags?.some((one) => one.Key === key && (one.Value === undefined || one.Value === value)),
      );
      // Without a list, every tag goes.
      putTags(call, id, input.Tags === undefined || input.Tags.length === 0 ? {} : Object.fromEntries(kept));
    }
    return {};
  },
});

interface TagRow {
  readonly id: string;
  readonly key: string;
  readonly value: string;
}

/** Terraform asks for the tags of one resource: then only that one is read. */
function* rowsOf(input: DescribeTagsCommandInput, call: Call): Generator<TagRow> {
  const ids = input.Filters?.find(({ Name }) => Name === 'resource-id')?.Values;
  const resources =
    ids === undefined || ids.some((id) => /[*?]/.test(id))
      ? taggedResources(call)
      : ids.map((id) => [id, tagsOf(call, id)] as const);
  for (const [id, tags] of resources) for (const [key, value] of Object.entries(tags)) yield { id, key, value };
}

export const DescribeTags = dryRunnable<DescribeTagsCommandInput, DescribeTagsResult>({
  permissions: onEverything('DescribeTags'),
  handle(input, call) {
    const all = filtered(rowsOf(input, call), input.Filters, {
      tags: ({ key, value }) => ({ [key]: value }),
      fields: {
        key: ({ key }) => key,
        value: ({ value }) => value,
        'resource-id': ({ id }) => id,
        'resource-type': ({ id }) => typeOfId(id),
      },
    });
    const { page, ...next } = paged(all, input);
    return {
      Tags: page.map(({ id, key, value }) => ({
        ResourceId: id,
        ResourceType: typeOfId(id) as NonNullable<NonNullable<DescribeTagsResult['Tags']>[number]['ResourceType']>,
        Key: key,
        Value: value,
      })),
      ...next,
    };
  },
});
