// Policies of tables: checked when they are put, kept with unique ids, shown with ARNs.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html
import { createHash } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { isFailure } from '../../../base/index.ts';
import { compilePolicy } from '../../../policy/index.ts';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { withPrincipalArns, withPrincipalIds } from '../iam/principals.ts';
import { invalid } from './failures.ts';
import type { DynamoTable } from './model.ts';
import { existing, permission, saveTable, type Place } from './places.ts';
import { resourcePlace } from './tags.ts';

/** "The maximum size supported for a resource-based policy document is 20 KB", white space counted. */
const longest = 20_480;

/** The policy as it is kept. The same text has the same revision. @throws ValidationException */
export function storedPolicy(text: string, place: Place, call: Call): NonNullable<DynamoTable['policy']> {
  if (Buffer.byteLength(text) > longest) throw invalid(`Invalid policy document: it is larger than ${longest} bytes`);
  const document = checkedDocument(text, place, call);
  const digest = createHash('sha256').update(place.arn).update(document).digest();
  return { document, revisionId: String(digest.readBigUInt64BE() >> 10n) };
}

function checkedDocument(text: string, place: Place, call: Call): string {
  try {
    const { document } = compilePolicy(text, 'resource');
    for (const { resource, action } of document.statements) {
      if (!(resource?.values ?? []).every((arn) => isOwn(arn, place))) {
        throw invalid('Invalid policy document: Resource in the policy document is not the resource it is attached to');
      }
      if (!action.values.every((one) => one === '*' || one.toLowerCase().startsWith('dynamodb:'))) {
        throw invalid('Invalid policy document: Action in the policy document is not of DynamoDB');
      }
    }
  } catch (error) {
    if (isFailure(error) && error.code === 'malformed-policy')
      throw invalid(`Invalid policy document: ${error.message}`);
    throw error;
  }
  const kept = withPrincipalIds(text, call.world);
  if ('invalid' in kept) throw invalid(`Invalid policy document: Invalid principal in policy: ${kept.invalid}`);
  return kept.document;
}

function isOwn(resource: string, { arn }: Place): boolean {
  return resource === '*' || resource === arn || resource.startsWith(`${arn}/`) || /[*?]/.test(resource);
}

function policyNotFound(arn: string): Error {
  return awsFailure('PolicyNotFoundException', `Resource-based policy not found for the provided ResourceArn: ${arn}`);
}

/** @throws PolicyNotFoundException when the caller expected another revision */
function checkRevision(expected: string | undefined, { policy, arn }: DynamoTable): void {
  if (expected === undefined) return;
  if (expected !== (policy?.revisionId ?? 'NO_POLICY')) throw policyNotFound(arn);
}

const putResourcePolicy = operation<Parsed<Sdk.PutResourcePolicyInput>, Sdk.PutResourcePolicyOutput>({
  permissions: (input, call) => [permission('PutResourcePolicy', resourcePlace(call, input.ResourceArn))],
  handle(input, call) {
    const place = resourcePlace(call, input.ResourceArn);
    const table = existing(place);
    checkRevision(input.ExpectedRevisionId, table);
    const policy = storedPolicy(input.Policy, place, call);
    saveTable(call, { ...table, policy });
    return { RevisionId: policy.revisionId };
  },
  depth:
    'a policy that shuts its writer out is taken without ConfirmRemoveSelfResourceAccess; streams have no policies',
});

const getResourcePolicy = operation<Parsed<Sdk.GetResourcePolicyInput>, Sdk.GetResourcePolicyOutput>({
  permissions: (input, call) => [permission('GetResourcePolicy', resourcePlace(call, input.ResourceArn))],
  handle(input, call) {
    const { policy, arn } = existing(resourcePlace(call, input.ResourceArn));
    if (policy === undefined) throw policyNotFound(arn);
    return { Policy: withPrincipalArns(policy.document, call.world), RevisionId: policy.revisionId };
  },
});

const deleteResourcePolicy = operation<Parsed<Sdk.DeleteResourcePolicyInput>, Sdk.DeleteResourcePolicyOutput>({
  permissions: (input, call) => [permission('DeleteResourcePolicy', resourcePlace(call, input.ResourceArn))],
  handle(input, call) {
    const table = existing(resourcePlace(call, input.ResourceArn));
    checkRevision(input.ExpectedRevisionId, table);
    if (table.policy === undefined) return {};
    saveTable(call, { ...table, policy: undefined });
    return { RevisionId: table.policy.revisionId };
  },
});

export const policyOperations = {
  PutResourcePolicy: putResourcePolicy,
  GetResourcePolicy: getResourcePolicy,
  DeleteResourcePolicy: deleteResourcePolicy,
};
