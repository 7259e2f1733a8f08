// CreateTags, DeleteTags, DescribeTags over every resource that has an id.
import type {
  CreateTagsCommandInput,
  DeleteTagsCommandInput,
  DescribeTagsCommandInput,
  DescribeTagsResult,
} from '@aws-sdk/client-ec2';
import type { Call, Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidParameter, missingParameter } from './failures.ts';
import { filtered, paged } from './filters.ts';
import { typeOfId } from './ids.ts';
import { findKeyPairById, onKeyPair } from './key-pairs.ts';
import { templateOf } from './launch-template-store.ts';
import { defaultParts, subnetOf, vpcId } from './network.ts';
import type { Tags } from './model.ts';
import { onEverything, onResource, requestTags } from './permissions.ts';
import { dryRunnable, findInstance, instanceOf, instanceOfPart, putTags, taggedResources, tagsOf } from './store.ts';
import { groupOf, groupOfRule } from './security-group-store.ts';
import { volumeOf } from './volume-store.ts';
import { checkedTags, checkMetadataTags } from './tag-specifications.ts';

/** @throws a not-found failure in the words of the resource's type, or InvalidID for an id of no type known here */
function checkExists(call: Call, id: string): void {
  switch (typeOfId(id)) {
    case 'instance':
      instanceOf(call, id);
      return;
    case 'volume':
      volumeOf(call, id);
      return;
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
      groupOf(call, id);
      return;
    case 'security-group-rule':
      if (groupOfRule(call, id) !== undefined) return;
      throw awsFailure('InvalidSecurityGroupRuleId.NotFound', `The security group rule ID '${id}' does not exist`, {
        status: 400,
      });
    case 'launch-template':
      templateOf(call, { LaunchTemplateId: id });
      return;
    case 'key-pair':
      if (findKeyPairById(call, id) !== undefined) return;
      throw awsFailure('InvalidKeyPair.NotFound', `The key pair ID '${id}' does not exist`, { status: 400 });
    case 'internet-gateway':
    case 'network-acl':
    case 'route-table':
    case 'dhcp-options':
      if (defaultParts(call).includes(id)) return;
      throw awsFailure('InvalidID', `The ID '${id}' is not valid`, { status: 400 });
    default:
      throw awsFailure('InvalidID', `The ID '${id}' is not valid`, { status: 400 });
  }
}

/** Key pairs have an id and an ARN of their name. */
function onTagged(call: Call, action: string, id: string, wanted: Tags): Permission {
  const pair = typeOfId(id) === 'key-pair' ? findKeyPairById(call, id) : undefined;
  const context = requestTags(wanted);
  return pair === undefined ? onResource(call, action, id, context) : onKeyPair(call, action, pair.name, context);
}

export const CreateTags = dryRunnable<CreateTagsCommandInput, object>({
  permissions: (input, call) => {
    const wanted = Object.fromEntries((input.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    return (input.Resources ?? []).map((id) => onTagged(call, 'CreateTags', id, wanted));
  },
  handle(input, call) {
    if ((input.Resources ?? []).length === 0) throw missingParameter('resourceIdSet');
    if ((input.Tags ?? []).length === 0) throw missingParameter('tagSet');
    for (const id of input.Resources!) checkExists(call, id);
    for (const id of input.Resources!) {
      const wanted = checkedTags(input.Tags, tagsOf(call, id));
      if (findInstance(call, id)?.metadata.tags === 'enabled') checkMetadataTags(wanted);
      putTags(call, id, wanted);
    }
    return {};
  },
});

export const DeleteTags = dryRunnable<DeleteTagsCommandInput, object>({
  permissions: (input, call) => {
    const wanted = Object.fromEntries((input.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    return (input.Resources ?? []).map((id) => onTagged(call, 'DeleteTags', id, wanted));
  },
  handle(input, call) {
    if ((input.Resources ?? []).length === 0) throw missingParameter('resourceIdSet');
    if (input.Tags?.some(({ Key = '' }) => Key.toLowerCase().startsWith('aws:')) === true) {
      throw invalidParameter("Tag keys starting with 'aws:' are reserved for internal use");
    }
    for (const id of input.Resources!) {
      const system = Object.entries(tagsOf(call, id)).filter(([key]) => key.startsWith('aws:'));
      const kept = Object.entries(tagsOf(call, id)).filter(
        ([key, value]) =>
          !input.Tags?.some((one) => one.Key === key && (one.Value === undefined || one.Value === value)),
      );
      // "If you omit this parameter, we delete all user-defined tags for the specified resources. We do not delete AWS-generated tags".
      putTags(call, id, Object.fromEntries((input.Tags ?? []).length === 0 ? system : kept));
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
