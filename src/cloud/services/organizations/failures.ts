// The refusals of Organizations, in AWS's codes and words. AWS answers each with status 400, as the API
// reference says on every page, whatever the model's traits have.
import type { Failure } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';

const messages = {
  AccessDeniedException: "You don't have permissions to access this resource.",
  AWSOrganizationsNotInUseException: 'Your account is not a member of an organization.',
  AccountAlreadyClosedException: 'The provided account is already closed.',
  AccountAlreadyRegisteredException: 'The provided account is already a delegated administrator for your organization.',
  AccountNotFoundException: "You specified an account that doesn't exist.",
  AccountNotRegisteredException:
    'The provided account is not a registered delegated administrator for your organization.',
  AlreadyInOrganizationException: 'The AWS account is already a member of an organization.',
  ChildNotFoundException: "You specified a child that doesn't exist.",
  CreateAccountStatusNotFoundException:
    "We can't find an create account request with the CreateAccountRequestId that you specified.",
  DestinationParentNotFoundException: "You specified a destination parent that doesn't exist.",
  DuplicateAccountException: 'That account is already present in the specified destination.',
  DuplicateHandshakeException: 'A handshake with the same action and target already exists.',
  DuplicateOrganizationalUnitException: 'An OU with the same name already exists.',
  DuplicatePolicyAttachmentException: 'The selected policy is already attached to the specified target.',
  DuplicatePolicyException: 'A policy with the same name already exists.',
  EffectivePolicyNotFoundException:
    "If you ran this action on the management account, this policy type is not enabled. If you ran the action on a member account, the account doesn't have an effective policy of this type. Contact the administrator of your organization about attaching a policy of this type to the account.",
  HandshakeAlreadyInStateException: 'The specified handshake is already in the requested state.',
  HandshakeNotFoundException: "We can't find a handshake with the HandshakeId that you specified.",
  InvalidHandshakeTransitionException: "You can't perform the operation on the handshake in its current state.",
  MalformedPolicyDocumentException:
    'The provided policy document does not meet the requirements of the specified policy type.',
  MasterCannotLeaveOrganizationException:
    "You can't remove a management account from an organization. If you want the management account to become a member account in another organization, you must first delete the current organization of the management account.",
  OrganizationNotEmptyException:
    "The organization isn't empty. To delete an organization, you must first remove all accounts except the management account.",
  OrganizationalUnitNotEmptyException:
    'The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.',
  OrganizationalUnitNotFoundException: "You specified an organizational unit that doesn't exist.",
  ParentNotFoundException: "You specified parent that doesn't exist.",
  PolicyInUseException: 'This policy is attached to one or more roots, organizational units or accounts.',
  PolicyNotAttachedException: "This policy isn't attached to the specified target.",
  PolicyNotFoundException: "You specified a policy that doesn't exist.",
  PolicyTypeAlreadyEnabledException: 'The specified policy type is already enabled.',
  PolicyTypeNotAvailableForOrganizationException:
    "You can't use the specified policy type with the feature set currently enabled for this organization.",
  PolicyTypeNotEnabledException: 'This operation can be performed only for enabled policy types.',
  ResourcePolicyNotFoundException: "We can't find a resource policy request with the parameter that you specified.",
  RootNotFoundException: "You specified a root that doesn't exist.",
  SourceParentNotFoundException: "You specified a source parent that doesn't exist.",
  TargetNotFoundException: "You specified a target that doesn't exist.",
} as const;

const status = 400;

export function organizationsFailure(code: keyof typeof messages): Failure {
  return awsFailure(code, messages[code], { status });
}

/** `reason` is AWS's: `MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED`. */
export function constraintViolation(message: string, reason: string): Failure {
  return awsFailure('ConstraintViolationException', message, { status, fields: { Reason: reason } });
}

export function handshakeViolation(message: string, reason: string): Failure {
  return awsFailure('HandshakeConstraintViolationException', message, { status, fields: { Reason: reason } });
}

export function invalidInput(message: string, reason: string): Failure {
  return awsFailure('InvalidInputException', message, { status, fields: { Reason: reason } });
}
