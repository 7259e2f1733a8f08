// The bucket policy as authorization sees it, and what makes one public.
import type { AttachedPolicy, CompiledPolicy, ConditionSource } from '../../../policy/index.ts';
import type { Call } from '../../call.ts';
import { compiledDocument } from '../iam/documents.ts';
import { buckets, type Bucket } from './model.ts';
import { s3Arn } from './names.ts';

const policyActions: ReadonlySet<string> = new Set([
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
]);

/** The bucket's policy as far as it counts for this caller and action. */
export function policyFor(call: Call, bucket: Bucket, action: string): AttachedPolicy | undefined {
  const seen = call.world.seen.table(buckets).get(bucket.owner, bucket.name);
  if (seen?.policy === undefined) return undefined;
  const policy = compiledDocument(seen, seen.policy, 'resource');
  const caller = call.principal;
  const account = 'account' in caller ? caller.account : undefined;
  // "The root principals in a bucket owner's account can perform GetBucketPolicy, PutBucketPolicy, and
  // DeleteBucketPolicy even if their bucket policy explicitly denies" (PutBucketPolicy): nobody is locked out.
  if (caller.type === 'Root' && account === bucket.owner && policyActions.has(action)) return undefined;
  // RestrictPublicBuckets: a public policy counts only within the owner's account.
  if (seen.publicAccessBlock?.RestrictPublicBuckets === true && account !== bucket.owner && isPublic(policy)) {
    return undefined;
  }
  return { policy, name: bucket.name, attachedTo: s3Arn(call.partition, bucket.name) };
}

// Conditions on these keys, with a fixed value, keep a statement from being public: "The meaning of public",
// S3 user guide, "Blocking public access".
const narrowing = new Set([
  'aws:sourceip',
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:sourceowner',
  'aws:sourceaccount',
  'aws:userid',
  'aws:principalorgid',
  'aws:principalorgpaths',
  'aws:principalaccount',
  'aws:principalarn',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
  's3:dataaccesspointarn',
  's3:dataaccesspointaccount',
]);

/** Whether a statement lets in everyone, without a condition that pins who or from where. */
export function isPublic(policy: CompiledPolicy): boolean {
  return policy.document.statements.some(({ effect, principal, conditions }) => {
    if (effect !== 'Allow' || principal === undefined) return false;
    if (!principal.not && !principal.who.AWS.includes('*')) return false;
    return !conditions.some(isNarrowing);
  });
}

// A condition that also holds for a request without the key, or for all values but the listed ones, pins nobody.
const pinning = /^(?:ForAnyValue:)?(?:StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike|IpAddress)$/;

function isNarrowing({ operator, key, values }: ConditionSource): boolean {
  if (!pinning.test(operator) || !narrowing.has(key.toLowerCase())) return false;
  const isFixed = (value: string): boolean =>
    operator.endsWith('IpAddress') ? isNarrow(value) : !/[*?]|\$\{/.test(value);
  return values.every(isFixed);
}

/** "Values broader than /8 for IPv4 and /32 for IPv6" count as public (S3 user guide, the same section). */
function isNarrow(range: string): boolean {
  const [address = '', bits] = range.split('/');
  return bits === undefined || Number(bits) >= (address.includes(':') ? 32 : 8);
}
