// Reading the prefix lists that AWS keeps in every region: those of its gateway endpoints.
import type {
  DescribeManagedPrefixListsCommandInput,
  DescribeManagedPrefixListsResult,
  DescribePrefixListsCommandInput,
  DescribePrefixListsResult,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { filtered, noTags, paged, type Filter } from './filters.ts';
import { derivedId, ec2Arn } from './ids.ts';
import { onEverything } from './permissions.ts';
import { dryRunnable } from './store.ts';

/** Of S3 and DynamoDB; the addresses are from the documentation's ranges (RFC 5737). */
function awsPrefixLists(call: Call) {
  return [
    { service: 's3', cidrs: ['198.51.100.0/25'] },
    { service: 'dynamodb', cidrs: ['198.51.100.128/25'] },
  ].map(({ service, cidrs }) => ({
    id: derivedId('pl', call.region, service).replace('pl-0', 'pl-').slice(0, 11),
    name: `com.amazonaws.${call.region}.${service}`,
    cidrs,
  }));
}

function prefixLists(call: Call, ids: readonly string[] | undefined, filters: readonly Filter[] | undefined) {
  const all = awsPrefixLists(call);
  const missing = (ids ?? []).find((id) => !all.some((list) => list.id === id));
  if (missing !== undefined) {
    throw awsFailure('InvalidPrefixListID.NotFound', `The prefix list ID '${missing}' does not exist`, { status: 400 });
  }
  const named = ids === undefined || ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
  return filtered(named, filters, {
    tags: noTags,
    fields: {
      'prefix-list-id': ({ id }) => id,
      'prefix-list-name': ({ name }) => name,
      'owner-id': () => 'AWS',
    },
  });
}

export const DescribePrefixLists = dryRunnable<DescribePrefixListsCommandInput, DescribePrefixListsResult>({
  permissions: onEverything('DescribePrefixLists'),
  handle(input, call) {
    const { page, ...next } = paged(prefixLists(call, input.PrefixListIds, input.Filters), input);
    return {
      PrefixLists: page.map(({ id, name, cidrs }) => ({ PrefixListId: id, PrefixListName: name, Cidrs: cidrs })),
      ...next,
    };
  },
  depth: "AWS's own lists for S3 and DynamoDB",
});

export const DescribeManagedPrefixLists = dryRunnable<
  DescribeManagedPrefixListsCommandInput,
  DescribeManagedPrefixListsResult
>({
  permissions: onEverything('DescribeManagedPrefixLists'),
  handle(input, call) {
    const { page, ...next } = paged(prefixLists(call, input.PrefixListIds, input.Filters), input, { min: 1, max: 100 });
    return {
      PrefixLists: page.map(({ id, name }) => ({
        PrefixListId: id,
        PrefixListName: name,
        PrefixListArn: ec2Arn({ ...call, account: 'aws' }, 'prefix-list', id),
        AddressFamily: 'IPv4',
        OwnerId: 'AWS',
        State: 'create-complete' as const,
        Tags: [],
      })),
      ...next,
    };
  },
  depth: "AWS's own lists for S3 and DynamoDB",
});
