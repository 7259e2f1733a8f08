// What a request asks its session to carry: policies and tags, checked and measured.
import { deflateRawSync } from 'node:zlib';
import type { Failure } from '../../../base/index.ts';
import { canonicalJson } from '../../../base/index.ts';
import type { SessionTag } from '../../credential.ts';
import { awsFailure } from '../../failures.ts';
import { checkDocument } from '../iam/documents.ts';
import type { Place } from '../iam/entities.ts';
import { malformedPolicy, validationError } from '../iam/failures.ts';
import { findPolicy } from '../iam/managed.ts';

export interface PolicyInput {
  readonly Policy?: string | undefined;
  readonly PolicyArns?: readonly { readonly arn?: string | undefined }[] | undefined;
}

type TagInput = readonly { readonly Key: string | undefined; readonly Value: string | undefined }[] | undefined;

/** Characters of policy and policy ARNs together, and number of ARNs. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const longestPlainText = 2048;
const mostPolicyArns = 10;
const mostTags = 50;

/**
 * Bytes that count as 100 % of the packed size. AWS does not publish its packing; the deflated size of
 * the canonical JSON against this budget is an approximation.
 */
const packedBudget = 2048;

export interface SessionPolicies {
  readonly policies?: readonly string[];
  readonly policyArns?: readonly string[];
}

/** @throws MalformedPolicyDocument, ValidationError. `place` is the account of the session. */
export function readSessionPolicies(input: PolicyInput, place: Place): SessionPolicies {
  const arns = input.PolicyArns?.map((policy) => policy.arn ?? '');
  const plain = (input.Policy ?? '') + (arns ?? []).join('');
  if (plain.length > longestPlainText) {
    throw validationError(
      `1 validation error detected: Value '${input.Policy ?? ''}' at 'policy' failed to satisfy constraint: Member must have length less than or equal to ${longestPlainText}`,
    );
  }
  if (arns !== undefined && arns.length > mostPolicyArns) {
    throw validationError(
      `1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to ${mostPolicyArns}`,
    );
  }
  if (input.Policy !== undefined) checkDocument(input.Policy, 'session');
  for (const arn of arns ?? []) {
    if (findPolicy(place, arn) === undefined) {
      throw malformedPolicy(`Policy ${arn} does not exist or is not attachable.`);
    }
  }
  return {
    ...(input.Policy === undefined ? {} : { policies: [input.Policy] }),
    ...(arns === undefined || arns.length === 0 ? {} : { policyArns: arns }),
  };
}

/** Tags of a request, without two keys that differ only by case. @throws InvalidParameterValue, ValidationError */
export function readSessionTags(input: TagInput): readonly SessionTag[] {
  const tags = (input ?? []).map((tag) => ({ key: tag.Key ?? '', value: tag.Value ?? '' }));
  if (tags.length > mostTags) {
    throw validationError(
      `1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to ${mostTags}`,
    );
  }
  if (tags.some((tag) => tag.key.toLowerCase().startsWith('aws:'))) {
    throw invalidParameter('Tag keys with the prefix aws: are reserved.');
  }
  if (new Set(tags.map((tag) => tag.key.toLowerCase())).size < tags.length) {
    throw invalidParameter('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
  }
  return tags;
}

/** Keys of the new tags that are to stay along a chain. @throws InvalidParameterValue for one that is not among them */
export function transitiveKeys(asked: readonly string[], passed: readonly SessionTag[]): readonly string[] {
  const keys = new Set(passed.map((tag) => tag.key.toLowerCase()));
  if (asked.every((key) => keys.has(key.toLowerCase()))) return asked;
  throw invalidParameter('The specified transitive tag key must be included in the requested tags.');
}

/**
 * Percent of AWS's limit that policies and tags take; undefined when there are none.
 * @throws PackedPolicyTooLarge above 100
 */
export function packedPolicySize(policies: SessionPolicies, tags: readonly SessionTag[]): number | undefined {
  if (policies.policies === undefined && policies.policyArns === undefined && tags.length === 0) return undefined;
  const documents = policies.policies?.map((text) => canonicalJson(JSON.parse(text)));
  const packed = deflateRawSync(canonicalJson({ documents, arns: policies.policyArns, tags }), { level: 9 });
  const percent = Math.ceil((packed.length * 100) / packedBudget);
  if (percent > 100) {
    throw awsFailure(
      'PackedPolicyTooLarge',
      `PackedPolicySize is ${percent}% of the limit: the policies and tags together are too large.`,
      { status: 400 },
    );
  }
  return percent;
}

export function invalidParameter(message: string): Failure {
  return awsFailure('InvalidParameterValue', message, { status: 400 });
}
