// AWS's own words for a refusal. Source: IAM user guide, "Troubleshoot access denied error messages", and the AWS
// Security Blog, "Enhanced access denied error messages with policy ARNs" (January 2026).
import { resourcePolicyType } from './evaluate.ts';
import { callerName } from './principals.ts';
import type { AuthorizationRequest, Decision, PolicyType } from './types.ts';

const explicitWords: Readonly<Record<PolicyType, string>> = {
  identity: 'an identity-based policy',
  boundary: 'a permissions boundary',
  session: 'a session policy',
  resource: 'a resource-based policy',
  trust: 'the role trust policy',
  scp: 'a service control policy',
  rcp: 'a resource control policy',
  endpoint: 'a VPC endpoint policy',
};

const implicitWords: Readonly<Record<PolicyType, string>> = {
  identity: 'identity-based policy',
  boundary: 'permissions boundary',
  session: 'session policy',
  resource: 'resource-based policy',
  trust: 'role trust policy',
  scp: 'service control policy',
  rcp: 'resource control policy',
  endpoint: 'VPC endpoint policy',
};

const withArn: ReadonlySet<PolicyType> = new Set(['identity', 'boundary', 'session', 'scp', 'rcp']);

export interface DenialOptions {
  /**
   * Append the ARN of the denying policy. AWS does so when caller and resource are of one account or one organization;
   * only the caller of this function knows organizations.
   */
  readonly policyArn?: boolean | undefined;
  /** What the service calls the resource in its refusals; absent: its ARN. */
  readonly resource?: string | undefined;
}

/** S3 quotes the ARN; these services leave a resource out that is none, the others print `*`. */
const silent: ReadonlySet<string> = new Set(['s3', 'ec2', 'cloudtrail']);

function onResource(action: string, arn: string): string {
  const service = action.slice(0, action.indexOf(':')).toLowerCase();
  if (arn === '*' && silent.has(service)) return '';
  return ` on resource: ${service === 's3' ? `"${arn}"` : arn}`;
}

function reason(request: AuthorizationRequest, decision: Decision, options: DenialOptions): string {
  if (decision.decision === 'allow') throw new Error('denialMessage is for refusals');
  if (decision.explicit) {
    const { policyType, attached } = decision.by;
    const arn = options.policyArn === true && withArn.has(policyType) ? attached.arn : undefined;
    return `with an explicit deny in ${explicitWords[policyType]}${arn === undefined ? '' : `: ${arn}`}`;
  }
  return `because no ${implicitWords[decision.missing]} allows the ${request.action} action`;
}

/**
 * The text of AWS's AccessDenied for a refusal.
 * @throws Error (a programmer's mistake) for an allow.
 */
export function denialMessage(request: AuthorizationRequest, decision: Decision, options: DenialOptions = {}): string {
  const why = reason(request, decision, options);
  // STS tells an unsigned caller nothing about the policies.
  if (request.principal.type === 'Federated' && resourcePolicyType(request) === 'trust') {
    return `Not authorized to perform ${request.action}`;
  }
  const { resource } = options;
  const where = resource === undefined ? onResource(request.action, request.resource.arn) : ` on resource: ${resource}`;
  return `User: ${callerName(request.principal)} is not authorized to perform: ${request.action}${where} ${why}`;
}
