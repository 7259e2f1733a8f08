// The rights on guard rails of the hub, the role or user that enters the executors: calls of AWS Organizations go out
// from its account with its own credentials. They are a policy of their own, for only the hub needs them, and together
// with the executor's rights they would be longer than IAM takes.
// Resources and condition keys: Service Authorization Reference, "AWS Organizations".
import type { ExecutorScope } from './executor-rights.ts';
import { definitionTag } from './ownership.ts';
import type { Document, Statement } from './resources.ts';

/** Every plan lists the policies, with or without guard rails: one that was taken out of a definition is found by it. */
const reads = [
  'DescribeOrganization',
  'DescribePolicy',
  'ListOrganizationalUnitsForParent',
  'ListPolicies',
  'ListRoots',
  'ListTagsForResource',
  'ListTargetsForPolicy',
];

const policyTypes = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY'];

type Keys = Readonly<Record<string, string | string[]>>;

function allow(actions: readonly string[], Resource: string | string[], keys?: Keys): Statement {
  return {
    Effect: 'Allow',
    Action: actions.map((action) => `organizations:${action}`),
    Resource,
    ...(keys === undefined ? {} : { Condition: { StringEquals: keys } }),
  };
}

/**
 * Policies with our tag, attached to anything, and their two types switched on. Neither a destroy nor an undo switches
 * a type off, which would take the guard rails of others off too. A policy has no ARN before it is made, so making one
 * is narrowed by tag and type.
 */
function writes({ partition, organization = '*', definition }: ExecutorScope): Statement[] {
  const arn = (rest: string): string => `arn:${partition}:organizations::*:${rest}`;
  const policies = policyTypes.map((type) => arn(`policy/${organization}/${type.toLowerCase()}/*`));
  const root = arn(`root/${organization}/*`);
  const targets = [root, arn(`ou/${organization}/*`), arn(`account/${organization}/*`)];
  const own: Keys = { [`aws:ResourceTag/${definitionTag}`]: definition };
  const made: Keys = { [`aws:RequestTag/${definitionTag}`]: definition };
  const typed: Keys = { 'organizations:PolicyType': policyTypes };
  const attaching = ['AttachPolicy', 'DetachPolicy'];
  return [
    allow(['CreatePolicy'], '*', { ...made, ...typed }),
    allow(['TagResource'], policies, made),
    allow(['UpdatePolicy', 'DeletePolicy', 'TagResource', 'UntagResource', ...attaching], policies, own),
    // AWS asks for the right on the policy and on what it is attached to.
    allow(attaching, targets, typed),
    allow(['EnablePolicyType'], root, typed),
  ];
}

/** The least policy of the hub beside entering executors; with `readOnly`, of its twin for plan and drift. */
export function hubPolicy(scope: ExecutorScope, readOnly: boolean): Document {
  return { Version: '2012-10-17', Statement: [allow(reads, '*'), ...(readOnly ? [] : writes(scope))] };
}
