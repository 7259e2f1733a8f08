// One way to any managed policy: AWS's own and the account's.
import { awsPolicy } from './aws-policies.ts';
import { find, policyNoun, type Place } from './entities.ts';
import { invalidInput, noSuchEntity, validationError } from './failures.ts';
import type { ManagedPolicy, PolicyVersion } from './model.ts';

export function isAwsPolicyArn(arn: string): boolean {
  return /^arn:[\w-]+:iam::aws:policy\//.test(arn);
}

/** The policy with this ARN as `place` sees it: AWS's, or one of its own account. */
export function findPolicy(place: Place, arn: string): ManagedPolicy | undefined {
  if (isAwsPolicyArn(arn)) return awsPolicy(arn, place.world.partition);
  const row = find(policyNoun, place, arn.slice(arn.lastIndexOf('/') + 1));
  return row?.arn === arn ? row : undefined;
}

/** @throws ValidationError when it is no ARN at all; InvalidInput when it is not the ARN of a policy */
export function checkPolicyArn(arn: string): void {
  // The words are AWS's, with both spaces: LocalStack's recorded test_iam.snapshot.json.
  if (!arn.startsWith('arn:')) throw validationError('Invalid ARN:  Could not be parsed!');
  if (!/^arn:[\w-]+:iam::(?:aws|\d{12}):policy\/./.test(arn)) throw invalidInput(`ARN ${arn} is not valid.`);
}

/** @throws NoSuchEntity, InvalidInput */
export function needPolicy(place: Place, arn: string): ManagedPolicy {
  checkPolicyArn(arn);
  const policy = findPolicy(place, arn);
  if (policy === undefined) throw noSuchEntity(`Policy ${arn} was not found.`);
  return policy;
}

/** The policy, to be attached or to be a boundary. @throws NoSuchEntity, InvalidInput */
export function needAttachable(place: Place, arn: string): ManagedPolicy {
  checkPolicyArn(arn);
  const policy = findPolicy(place, arn);
  if (policy === undefined) throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
  return policy;
}

export function defaultVersionOf(policy: ManagedPolicy): PolicyVersion {
  return policy.versions.find((version) => version.id === policy.defaultVersion)!;
}
