// The form of single values: one action, one resource, one principal. Each check gives the fault or nothing.
// Sources: IAM user guide, the pages of the elements Action, Resource and Principal.
import { accountOf } from './principals.ts';
import type { DocumentKind, PolicyRule } from './problems.ts';

export interface Fault {
  readonly rule: PolicyRule;
  readonly message: string;
  /** AWS's text, where it quotes the value. */
  readonly awsMessage?: string | undefined;
}

/** Every partition that AWS has. */
export const partitionNames: readonly string[] = [
  'aws',
  'aws-cn',
  'aws-us-gov',
  'aws-iso',
  'aws-iso-b',
  'aws-iso-e',
  'aws-iso-f',
  'aws-eusc',
];
const iamPaths = [
  'user/',
  'federated-user/',
  'role/',
  'group/',
  'instance-profile/',
  'mfa/',
  'server-certificate/',
  'policy/',
  'sms-mfa/',
  'saml-provider/',
  'oidc-provider/',
  'report/',
  'access-report/',
];

const speaksIam = (kind: DocumentKind): boolean => kind === 'identity' || kind === 'session';

export function actionFault(action: string, kind: DocumentKind): Fault | undefined {
  if (kind === 'trust' && !/^sts:/i.test(action)) {
    return { rule: 'trust-action', message: `\`${action}\` is no action of a trust policy` };
  }
  if (action === '*') return undefined;
  const parts = action.split(':');
  const said = (text: string): string | undefined => (speaksIam(kind) ? text : undefined);
  if (parts.length === 1) {
    const awsMessage = said('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
    return { rule: 'action', message: `the action \`${action}\` names no service`, awsMessage };
  }
  if (parts.length > 2) {
    const awsMessage = said('Actions/Condition can contain only one colon.');
    return { rule: 'action', message: `the action \`${action}\` has more than one colon`, awsMessage };
  }
  if (parts[0] !== '*' && !/^[a-zA-Z0-9\-.]+$/.test(parts[0]!)) {
    const awsMessage = said(`Vendor ${parts[0]} is not valid`);
    return { rule: 'action', message: `the action \`${action}\` names no valid service`, awsMessage };
  }
  return undefined;
}

/**
 * Resources are `*` or ARNs; the service segment takes no wildcard, and IAM and S3 have rules of their own. What is
 * before the first colon is not looked at before the partition is, and so AWS's message may quote another ARN.
 */
export function resourceFault(resource: string, kind: DocumentKind): Fault | undefined {
  if (resource === '*') return undefined;
  const fault = resourceFaultOf(resource, kind);
  const [prefix, partition, service, region, , ...path] = resource.split(':');
  if (partition === undefined) return fault('is no ARN', `Resource ${resource} must be in ARN format or "*".`);
  if (!partitionNames.includes(partition) && partition !== '*') return unknownPartition(resource, fault);
  if (prefix !== 'arn') return fault('is no ARN', `Resource ${resource} must be in ARN format or "*".`);
  if (service === undefined || /[*?$]/.test(service)) {
    return fault('has no literal service', 'Resource vendor must be fully qualified and cannot contain regexes.');
  }
  if (service === '' || (path.length === 0 && resource.includes('::'))) {
    return { ...fault('has too few segments', ''), rule: 'resource-legacy', awsMessage: undefined };
  }
  if (path.length === 0) return undefined;
  if (service === 's3') return s3Fault(region!, path.join(':'), fault, resource);
  return service === 'iam' ? iamFault(region!, path.join(':'), fault, resource) : undefined;
}

type MakeFault = (message: string, said: string) => Fault;

function resourceFaultOf(resource: string, kind: DocumentKind): MakeFault {
  return (message, said) => ({
    rule: 'resource',
    message: `the resource \`${resource}\` ${message}`,
    awsMessage: speaksIam(kind) ? said : undefined,
  });
}

function unknownPartition(resource: string, fault: MakeFault): Fault {
  const [, partition, ...rest] = resource.split(':');
  const [service, region, account] = rest.length === 1 && rest[0] === '' ? [] : rest;
  const shown = [service ?? '*', region ?? '*', account ?? '*', rest.length > 3 ? rest.slice(3).join(':') : '*'];
  return fault(
    `is of the unknown partition \`${partition}\``,
    `Partition "${partition}" is not valid for resource "arn:${partition}:${shown.join(':')}".`,
  );
}

// Kinds of S3 resource whose ARNs have a region (Service Authorization Reference, "Amazon S3").
const regionalS3 = ['accesspoint/', 'job/', 'storage-lens/', 'storage-lens-group/', 'async-request/', 'access-grants/'];

function s3Fault(region: string, path: string, fault: MakeFault, resource: string): Fault | undefined {
  if (region === '' || region === '*' || regionalS3.some((start) => path.startsWith(start))) return undefined;
  return fault(
    'has a region, which buckets and objects do not',
    `Resource ${resource} can not contain region information.`,
  );
}

function iamFault(region: string, path: string, fault: MakeFault, resource: string): Fault | undefined {
  if (region !== '' && region !== '*') {
    return fault(
      'has a region, which IAM resources do not',
      `IAM resource ${resource} cannot contain region information.`,
    );
  }
  const literal = path.split(/[*?$]/, 1)[0]!;
  const known =
    path === 'root' ||
    iamPaths.some((start) => path.startsWith(start) || (literal !== path && start.startsWith(literal)));
  const said = `IAM resource path must either be "*" or start with ${iamPaths.join(', ')}.`;
  return known ? undefined : fault('names no kind of IAM resource', said);
}

const principalArn =
  /^arn:aws[a-z-]*:(?:iam::\d{12}:(?:user|role)\/[\w+=,.@/-]+|sts::\d{12}:(?:assumed-role\/[\w+=,.@-]+\/[\w+=,.@-]+|federated-user\/[\w+=,.@-]+))$/;
const providerArn = /^arn:aws[a-z-]*:iam::\d{12}:(?:saml-provider|oidc-provider)\/[^\s*?]+$/;

/** Principals are never part of a name: a wildcard is allowed only alone (IAM user guide, "Principal"). */
export function principalFault(type: string, name: string, kind: DocumentKind): Fault | undefined {
  const valid = {
    AWS: () =>
      name === '*' || accountOf(name) !== undefined || principalArn.test(name) || /^A[A-Z0-9]{15,}$/.test(name),
    Service: () => /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(name),
    Federated: () => providerArn.test(name) || /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(name),
    CanonicalUser: () => /^[0-9a-f]{64}$/.test(name),
  }[type];
  if (valid === undefined || valid()) return undefined;
  return {
    rule: 'principal',
    message: `\`${name}\` is no principal of type \`${type}\``,
    awsMessage: kind === 'trust' ? invalidPrincipal(type, name) : undefined,
  };
}

/** What IAM says of a principal in a trust policy. */
function invalidPrincipal(type: string, name: string): string {
  if (type === 'Federated') return 'Federated principals must be valid domain names or SAML metadata ARNs';
  return `Invalid principal in policy: "${type === 'AWS' ? type : type.toUpperCase()}":"${name}"`;
}
