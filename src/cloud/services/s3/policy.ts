// Bucket policies: checked when they are put, kept with unique ids, shown with ARNs.
import type {
  DeleteBucketPolicyCommandInput,
  GetBucketPolicyCommandInput,
  GetBucketPolicyOutput,
  GetBucketPolicyStatusCommandInput,
  GetBucketPolicyStatusOutput,
  PutBucketPolicyCommandInput,
} from '@aws-sdk/client-s3';
import { isFailure } from '../../../base/index.ts';
import { compilePolicy, type CompiledPolicy } from '../../../policy/index.ts';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { compiledDocument } from '../iam/documents.ts';
import { withPrincipalArns, withPrincipalIds } from '../iam/principals.ts';
import { bucketOf, permission } from './access.ts';
import { isPublic } from './policy-in-force.ts';
import { buckets, type Bucket } from './model.ts';
import { s3Arn } from './names.ts';
import { targetsOf, type ActionTarget } from './policy-actions.ts';
import { syntaxProblem } from './policy-syntax.ts';

/** S3 user guide, "Bucket policies": 20 KB. */
const longest = 20_480;

/** @throws MalformedPolicy 400 */
function checked(
  text: string,
  call: Call,
  bucket: Bucket,
): { readonly stored: string; readonly policy: CompiledPolicy } {
  if (Buffer.byteLength(text) > longest) throw malformed('Policy exceeds the maximum allowed document size.');
  const problem = syntaxProblem(text);
  if (problem !== undefined) throw malformed(problem);
  let policy: CompiledPolicy;
  try {
    policy = compilePolicy(text, 'resource');
  } catch (error) {
    if (isFailure(error) && error.code === 'malformed-policy') throw malformed(error.message);
    throw error;
  }
  checkElements(policy, s3Arn(call.partition, bucket.name));
  const kept = withPrincipalIds(text, call.world);
  if ('invalid' in kept) throw malformed('Invalid principal in policy', kept.invalid);
  return { stored: kept.document, policy };
}

function malformed(message: string, detail?: string): Error {
  return awsFailure('MalformedPolicy', message, {
    status: 400,
    ...(detail === undefined ? {} : { fields: { Detail: detail } }),
  });
}

/** A bucket's policy speaks of S3 actions on that bucket and its keys, and says so of every statement. */
function checkElements(policy: CompiledPolicy, arn: string): void {
  for (const { action, resource } of policy.document.statements) {
    if (action.values.some((one) => targetsOf(one).length === 0 || !/^(?:\*|s3:.*)$/i.test(one))) {
      throw malformed('Policy has invalid action');
    }
    const own = (one: string): boolean =>
      one === '*' || one === arn || one.startsWith(`${arn}/`) || /^arn:aws[\w-]*:s3:::[^/]*[*?$]/.test(one);
    if (resource === undefined) continue;
    if (!resource.values.every(own)) throw malformed('Policy has invalid resource');
    // What is excluded, of actions or resources, leaves something to apply to.
    if (action.not || resource.not) continue;
    const kinds = new Set(resource.values.flatMap(targetsOfResource));
    if (action.values.some((one) => !targetsOf(one).some((kind) => kinds.has(kind)))) {
      throw malformed('Action does not apply to any resource(s) in statement');
    }
  }
}

/** `arn:aws:s3:::bucket` is a bucket, `…/*` its keys; a wildcard in the name may stand for both. */
function targetsOfResource(resource: string): readonly ActionTarget[] {
  if (resource.includes('/')) return ['object'];
  return /[*?]/.test(resource) ? ['bucket', 'object'] : ['bucket'];
}

/** Who is not of the owner's account may be allowed all of S3 but not the policy itself: 405, not 403. */
function checkOwner(call: Call, bucket: Bucket): void {
  if (call.account === bucket.owner) return;
  throw awsFailure('MethodNotAllowed', 'The specified method is not allowed against this resource.', { status: 405 });
}

function noPolicy(bucket: Bucket): Error {
  return awsFailure('NoSuchBucketPolicy', 'The bucket policy does not exist', {
    status: 404,
    fields: { BucketName: bucket.name },
  });
}

export const PutBucketPolicy = operation<PutBucketPolicyCommandInput, object>({
  permissions: (input, call) => [permission(call, 's3:PutBucketPolicy', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    checkOwner(call, bucket);
    const { stored, policy } = checked(input.Policy ?? '', call, bucket);
    if (bucket.publicAccessBlock?.BlockPublicPolicy === true && isPublic(policy)) {
      throw awsFailure(
        'AccessDenied',
        `User: ${'arn' in call.principal ? call.principal.arn : 'anonymous'} is not authorized to perform: s3:PutBucketPolicy on resource: "${s3Arn(call.partition, bucket.name)}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`,
        { status: 403 },
      );
    }
    call.world.table(buckets).put(bucket.owner, bucket.name, { ...bucket, policy: stored });
    return {};
  },
});

export const GetBucketPolicy = operation<GetBucketPolicyCommandInput, GetBucketPolicyOutput>({
  permissions: (input, call) => [permission(call, 's3:GetBucketPolicy', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    checkOwner(call, bucket);
    if (bucket.policy === undefined) throw noPolicy(bucket);
    return { Policy: withPrincipalArns(bucket.policy, call.world) };
  },
});

export const DeleteBucketPolicy = operation<DeleteBucketPolicyCommandInput, object>({
  permissions: (input, call) => [permission(call, 's3:DeleteBucketPolicy', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    checkOwner(call, bucket);
    call.world.table(buckets).put(bucket.owner, bucket.name, { ...bucket, policy: undefined });
    return {};
  },
});

export const GetBucketPolicyStatus = operation<GetBucketPolicyStatusCommandInput, GetBucketPolicyStatusOutput>({
  permissions: (input, call) => [permission(call, 's3:GetBucketPolicyStatus', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    if (bucket.policy === undefined) throw noPolicy(bucket);
    return { PolicyStatus: { IsPublic: isPublic(compiledDocument(bucket, bucket.policy, 'resource')) } };
  },
});
