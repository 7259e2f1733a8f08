// How each service says that a call is not authorized: its code, its status, and what it puts around the
// engine's message. Sources: each service's API reference, "Common errors"; S3 user guide, "Troubleshoot
// access denied errors"; EC2 API reference, "Client error codes".
import type { Failure } from '../base/index.ts';
import type { ServiceId } from './call.ts';
import { awsFailure } from './failures.ts';

export interface DenialOptions {
  /** Caller and resource are of one account or organisation. */
  readonly sameOrganization: boolean;
  /** The encoded authorization failure message, made only where a service shows it. */
  readonly encoded: () => string;
}

/** What KMS says of a key that the caller's account cannot learn of. */
export const hiddenKeyWords =
  'this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access';

type Wording = (message: string, options: DenialOptions) => Failure;

const acrossKms =
  /^(User: arn:[\w-]+:\w+::(\d{12}):\S+ is not authorized to perform: \S+ on )resource: arn:[\w-]+:kms:[\w-]+:(\d{12}):\S+ (?:because no resource-based policy|with an explicit deny in a resource-based policy)/;

/** KMS does not tell people of other accounts whether a key exists. */
function kmsWords(message: string): string {
  const [, beginning, caller, owner] = acrossKms.exec(message) ?? [];
  if (beginning === undefined || caller === owner) return message;
  return `${beginning}${hiddenKeyWords}`;
}

const wordings: Readonly<Record<ServiceId, Wording>> = {
  iam: (message) => awsFailure('AccessDenied', message, { status: 403 }),
  sts: (message) => awsFailure('AccessDenied', message, { status: 403 }),
  organizations: (message) => awsFailure('AccessDeniedException', message, { status: 400 }),
  kms: (message) => awsFailure('AccessDeniedException', kmsWords(message), { status: 400 }),
  dynamodb: (message) => awsFailure('AccessDeniedException', message, { status: 400 }),
  cloudtrail: (message) => awsFailure('AccessDeniedException', message, { status: 400 }),
  // S3 tells strangers nothing.
  s3: (message, { sameOrganization }) =>
    awsFailure('AccessDenied', sameOrganization ? message : 'Access Denied', { status: 403 }),
  ec2: (message, { encoded }) =>
    awsFailure(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. ${message}. Encoded authorization failure message: ${encoded()}`,
      { status: 403 },
    ),
};

/** The refusal of `service`, with the engine's `message`. */
export function denialFailure(service: ServiceId, message: string, options: DenialOptions): Failure {
  return wordings[service](message, options);
}
