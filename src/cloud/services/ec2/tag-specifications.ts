// Tags of EC2: what a request brings, checked.
import type { Tag, TagSpecification } from '@aws-sdk/client-ec2';
import { awsFailure } from '../../failures.ts';
import { invalidParameter } from './failures.ts';
import type { Tags } from './model.ts';

const most = 50;

/** @throws InvalidParameterValue, TagLimitExceeded 400 */
export function checkedTags(list: readonly Tag[] | undefined, existing: Tags = {}): Tags {
  const tags: Record<string, string> = {};
  for (const { Key: key = '', Value: value = '' } of list ?? []) {
    if (key === '' || key.length > 127) throw invalidParameter('Tag keys must be between 1 and 127 characters');
    if (value.length > 255) throw invalidParameter('Tag values may not exceed 255 characters');
    if (key.toLowerCase().startsWith('aws:')) {
      throw invalidParameter("Tag keys starting with 'aws:' are reserved for internal use");
    }
    if (Object.hasOwn(tags, key)) throw invalidParameter(`Duplicate tag key '${key}' specified.`);
    tags[key] = value;
  }
  const merged = { ...existing, ...tags };
  // "System tags created by AWS … do not count towards this limit" (EC2 user guide, "Tag restrictions").
  if (Object.keys(merged).filter((key) => !key.startsWith('aws:')).length > most) {
    throw awsFailure('TagLimitExceeded', `Cannot have more than ${most} tags per resource`, { status: 400 });
  }
  return merged;
}

/** Kinds of resource a launch makes and may tag. */
const launched = ['instance', 'volume', 'network-interface'] as const;
export type LaunchedKind = (typeof launched)[number];

/** Tags of a launch by the kind of resource. @throws InvalidParameterValue 400 */
export function launchTags(
  specifications: readonly TagSpecification[] | undefined,
): Readonly<Partial<Record<LaunchedKind, Tags>>> {
  return specifiedTags(specifications, launched);
}

/** The tags a request gives to the one kind of resource it makes. @throws InvalidParameterValue 400 */
export function createdTags(specifications: readonly TagSpecification[] | undefined, kind: string): Tags {
  return specifiedTags(specifications, [kind])[kind] ?? {};
}

function specifiedTags<Kind extends string>(
  specifications: readonly TagSpecification[] | undefined,
  kinds: readonly Kind[],
): Readonly<Partial<Record<Kind, Tags>>> {
  const tags: Partial<Record<Kind, Tags>> = {};
  for (const { ResourceType: type, Tags: list } of specifications ?? []) {
    const kind = kinds.find((one) => one === type);
    if (kind === undefined)
      throw invalidParameter(`'${type ?? ''}' is not a valid taggable resource type for this operation.`);
    if (tags[kind] !== undefined) throw invalidParameter(`Duplicate resource type '${kind}' in TagSpecification.`);
    if (list === undefined || list.length === 0) throw invalidParameter('Tag specification must have at least one tag');
    tags[kind] = checkedTags(list);
  }
  return tags;
}

/**
 * Keys that the metadata service can show as names: EC2 user guide, "View tags for your EC2 instances using
 * instance metadata".
 * @throws InvalidParameterValue 400
 */
export function checkMetadataTags(tags: Tags): void {
  for (const key of Object.keys(tags)) {
    if (key.startsWith('aws:') || (/^[\w\-+=,.@:]{1,255}$/.test(key) && !['.', '..', '_index'].includes(key))) continue;
    throw invalidParameter(
      `'${key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index')`,
    );
  }
}
