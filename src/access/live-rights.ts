// The rights that answers with `--live` need beside those of a plan: on the policies of resources in each account, and,
// where the caller asks AWS Organizations, on the guard rails. Made from the table of kinds; a test asks with exactly these.
import type { Partition } from '../aws/index.ts';
import type { Document, Statement } from './resources.ts';
import { resourcePolicyKinds } from './resource-policy-kinds.ts';

/** What has no resource to be narrowed by: whose a bucket is. */
const anywhere = ['s3:ListAllMyBuckets'];

/** Of whoever reads an account, beside `executorPolicy` with `readOnly`. */
export function livePolicy(partition: Partition): Document {
  const kinds = resourcePolicyKinds.map(({ rights, on }): Statement => {
    const arns = on.map((rest) => `arn:${partition}:${rest}`);
    return { Effect: 'Allow', Action: [...rights], Resource: arns.length === 1 ? arns[0]! : arns };
  });
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: anywhere, Resource: '*' }, ...kinds] };
}

/** For a few accounts the line above each is walked; for many the whole tree and every attachment are listed. */
const organizationReads = [
  'DescribeOrganization',
  'DescribeOrganizationalUnit',
  'DescribePolicy',
  'ListAccountsForParent',
  'ListOrganizationalUnitsForParent',
  'ListParents',
  'ListPolicies',
  'ListPoliciesForTarget',
  'ListRoots',
  'ListTargetsForPolicy',
];

/** Of whoever asks AWS Organizations: the caller, of the management account or of one that it delegated this to. */
export function liveHubPolicy(): Document {
  const Action = organizationReads.map((name) => `organizations:${name}`);
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] };
}
