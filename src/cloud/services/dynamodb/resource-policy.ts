// Policies of tables: checked when they are put, kept with unique ids, shown with ARNs.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { isFailure } from '../../../base/index.ts';
import { compilePolicy, type CompiledPolicy } from '../../../policy/index.ts';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import type { Parsed } from '../iam/shapes.ts';
import { withPrincipalArns, withPrincipalIds } from '../iam/principals.ts';
import { isPublic } from '../s3/policy-in-force.ts';
import { invalid, invalidParameter } from './failures.ts';
import type { DynamoTable } from './model.ts';
import { checkResourceArn, existing, permission, placeOfArn, saveTable, type Place } from './places.ts';

/** "The maximum size supported for a resource-based policy document is 20 KB", white space counted. */
const longest = 20_480;

/** The policy as it is kept, with the next revision, which is a time. @throws ValidationException */
export function storedPolicy(text: string, place: Place, call: Call): NonNullable<DynamoTable['policy']> {
  const document = checkedDocument(text, call);
  const known = place.table?.policy;
  if (known?.document === document) return known;
  const revision = Math.max(call.clock.now(), Number(known?.revisionId ?? 0) + 1);
  return { document, revisionId: String(revision) };
}

function invalidDocument(reason: string): Error {
  return invalidParameter(`Invalid policy document: ${reason}`);
}

function checkedDocument(text: string, call: Call): string {
  if (Buffer.byteLength(text) > longest) {
    throw invalidParameter(`Maximum policy size of ${longest} bytes exceeded`);
  }
  const policy = compiled(text);
  const wrong = policy.document.statements.flatMap(({ action }) => action.values.filter((one) => !isTableAction(one)));
  if (wrong.length > 0) {
    throw invalidDocument(`The following action names are invalid: ${wrong.map((one) => `"${one}"`).join(', ')}`);
  }
  if (isPublic(policy)) {
    throw invalid(
      'Resource-based policy grants unbounded access in one or more elements. Please revise the policy to ensure least-privilege form of access',
    );
  }
  const kept = withPrincipalIds(text, call.world);
  if ('invalid' in kept) throw invalidParameter('Invalid principal in policy document.');
  return kept.document;
}

function compiled(text: string): CompiledPolicy {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalidDocument('This policy contains invalid Json');
  }
  const { Statement: statements } = (parsed ?? {}) as { readonly Statement?: unknown };
  if (Array.isArray(statements) && statements.length === 0) {
    throw invalidDocument('Could not parse the policy: Statement is empty!');
  }
  const sids = [statements].flat().flatMap((one) => (one as { readonly Sid?: string } | undefined)?.Sid ?? []);
  if (new Set(sids).size < sids.length) throw invalidDocument('The Statement Ids in the policy are not unique');
  try {
    return compilePolicy(text, 'resource');
  } catch (error) {
    if (isFailure(error) && error.code === 'malformed-policy') throw invalidDocument(error.message);
    throw error;
  }
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-iam-actions.html
const tableActions: ReadonlySet<string> = new Set(
  [
    ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem', 'Query', 'Scan', 'BatchGetItem'],
    ['BatchWriteItem', 'TransactGetItems', 'TransactWriteItems'],
    ['PartiQLSelect', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete'],
    ['DescribeTable', 'UpdateTable', 'DeleteTable', 'TagResource', 'UntagResource', 'ListTagsOfResource'],
    ['GetResourcePolicy', 'PutResourcePolicy', 'DeleteResourcePolicy', 'DescribeTimeToLive', 'UpdateTimeToLive'],
    ['CreateBackup', 'DescribeContinuousBackups', 'UpdateContinuousBackups', 'RestoreTableToPointInTime'],
    ['DescribeContributorInsights', 'UpdateContributorInsights', 'ExportTableToPointInTime'],
    ['DescribeTableReplicaAutoScaling', 'UpdateTableReplicaAutoScaling'],
    ['DescribeKinesisStreamingDestination', 'UpdateKinesisStreamingDestination'],
    ['EnableKinesisStreamingDestination', 'DisableKinesisStreamingDestination'],
  ]
    .flat()
    .map((name) => `dynamodb:${name}`.toLowerCase()),
);

function isTableAction(action: string): boolean {
  if (action === '*') return true;
  const name = action.toLowerCase();
  return name.startsWith('dynamodb:') && (/[*?]/.test(name) || tableActions.has(name));
}

/** These calls take the ARN of a table of the caller's account and of the endpoint's region. @throws ValidationException */
function ownPlace(call: Call, arn: string): Place {
  checkResourceArn(arn);
  const [, partition, , region, account] = arn.split(':');
  if (partition !== call.partition || region !== call.region) throw invalidParameter(`Invalid resource Arn: ${arn}`);
  if (account !== call.account) {
    throw invalid('This action is only supported by accounts that match the resource owner\u2019s account.');
  }
  const place = placeOfArn(call, arn);
  if (place === undefined) throw invalidParameter(`Provided Arn is not a DynamoDB resource arn: ${arn}`);
  return place;
}

function policyNotFound(reason: string): Error {
  return awsFailure(
    'PolicyNotFoundException',
    `Resource-based policy not found for the provided ResourceArn: ${reason}`,
  );
}

/** @throws PolicyNotFoundException when the caller expected another revision */
function checkRevision(expected: string | undefined, { policy, arn, name }: DynamoTable): void {
  if (expected === undefined || expected === (policy?.revisionId ?? 'NO_POLICY')) return;
  if (policy === undefined) throw policyNotFound(arn);
  if (expected === 'NO_POLICY') {
    throw policyNotFound(
      `Requested policy update expecting none to be present for table ${name}, but a policy exists with revision id ${policy.revisionId}.`,
    );
  }
  throw policyNotFound(
    `Requested update for policy with revision id ${expected}, but the policy associated to target table ${name} has revision id ${policy.revisionId}.`,
  );
}

/** Who could not put the next policy must say that this is meant. @throws AccessDeniedException */
function checkLockout(call: Call, place: Place, changed: DynamoTable): void {
  if (call.refusal(permission('PutResourcePolicy', { ...place, table: changed })) === undefined) return;
  throw awsFailure(
    'AccessDeniedException',
    'The new resource policy will not allow you to update the resource policy in the future.',
    { status: 400 },
  );
}

const putResourcePolicy = operation<Parsed<Sdk.PutResourcePolicyInput>, Sdk.PutResourcePolicyOutput>({
  permissions: (input, call) => [permission('PutResourcePolicy', ownPlace(call, input.ResourceArn))],
  handle(input, call) {
    const place = ownPlace(call, input.ResourceArn);
    const table = existing(place);
    checkRevision(input.ExpectedRevisionId, table);
    const policy = storedPolicy(input.Policy, place, call);
    const changed = { ...table, policy };
    if (input.ConfirmRemoveSelfResourceAccess !== true) checkLockout(call, place, changed);
    saveTable(call, changed);
    return { RevisionId: policy.revisionId };
  },
  depth: 'a policy counts at once; streams have no policies',
});

const getResourcePolicy = operation<Parsed<Sdk.GetResourcePolicyInput>, Sdk.GetResourcePolicyOutput>({
  permissions: (input, call) => [permission('GetResourcePolicy', ownPlace(call, input.ResourceArn))],
  handle(input, call) {
    const { policy, arn } = existing(ownPlace(call, input.ResourceArn));
    if (policy === undefined) throw policyNotFound(arn);
    return { Policy: withPrincipalArns(policy.document, call.world), RevisionId: policy.revisionId };
  },
});

const deleteResourcePolicy = operation<Parsed<Sdk.DeleteResourcePolicyInput>, Sdk.DeleteResourcePolicyOutput>({
  permissions: (input, call) => [permission('DeleteResourcePolicy', ownPlace(call, input.ResourceArn))],
  handle(input, call) {
    const table = existing(ownPlace(call, input.ResourceArn));
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
