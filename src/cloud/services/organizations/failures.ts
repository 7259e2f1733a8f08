// The refusals of Organizations, in AWS's codes and words; statuses come from the service's table.
import type { Failure } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';

const messages = {
  AccessDeniedException: "You don't have permissions to access this resource.",
  AccountNotFoundException: "You specified an account that doesn't exist.",
  ChildNotFoundException: "You specified a child that doesn't exist.",
  DuplicatePolicyAttachmentException: 'The selected policy is already attached to the specified target.',
  DuplicatePolicyException: 'A policy with the same name already exists.',
  MalformedPolicyDocumentException:
    'The provided policy document does not meet the requirements of the specified policy type.',
  OrganizationalUnitNotFoundException: "You specified an organizational unit that doesn't exist.",
  ParentNotFoundException: "You specified parent that doesn't exist.",
  PolicyInUseException: 'This policy is attached to one or more roots, organizational units or accounts.',
  PolicyNotAttachedException: "This policy isn't attached to the specified target.",
  PolicyNotFoundException: "You specified a policy that doesn't exist.",
  PolicyTypeAlreadyEnabledException: 'The specified policy type is already enabled.',
  PolicyTypeNotEnabledException: 'This operation can be performed only for enabled policy types.',
  RootNotFoundException: "You specified a root that doesn't exist.",
  TargetNotFoundException: "You specified a target that doesn't exist.",
} as const;

export function organizationsFailure(code: keyof typeof messages): Failure {
  return awsFailure(code, messages[code]);
}

/** `reason` is AWS's: `MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED`. */
export function constraintViolation(message: string, reason: string): Failure {
  return awsFailure('ConstraintViolationException', message, { fields: { Reason: reason } });
}

export function invalidInput(message: string, reason: string): Failure {
  return awsFailure('InvalidInputException', message, { fields: { Reason: reason } });
}
