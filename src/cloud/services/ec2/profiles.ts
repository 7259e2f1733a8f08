// Instance profiles on instances: the role a machine is, and when that changes.
import type {
  AssociateIamInstanceProfileCommandInput,
  AssociateIamInstanceProfileResult,
  DescribeIamInstanceProfileAssociationsCommandInput,
  DescribeIamInstanceProfileAssociationsResult,
  DisassociateIamInstanceProfileCommandInput,
  DisassociateIamInstanceProfileResult,
  ReplaceIamInstanceProfileAssociationCommandInput,
  ReplaceIamInstanceProfileAssociationResult,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidCombination, invalidParameter, missingParameter } from './failures.ts';
import { filtered, paged } from './filters.ts';
import { newId } from './ids.ts';
import type { Instance, ProfileAssociation } from './model.ts';
import {
  findProfile,
  onAssociation,
  onEverything,
  onInstance,
  passRole,
  roleOfProfile,
  type ProfileName,
} from './permissions.ts';
import { associationShape } from './shapes.ts';
import { dryRunnable, instanceOf, instanceOfPart, putInstance, visibleInstances } from './store.ts';

/**
 * A new association with the profile that is asked for.
 * @throws InvalidParameterCombination 400 for ARN and name at once
 * @throws InvalidParameterValue 400 `Invalid IAM Instance Profile name` or `ARN` (which clients retry on), or without a role
 */
export function newAssociation(call: Call, wanted: ProfileName): ProfileAssociation {
  if (wanted.Arn !== undefined && wanted.Name !== undefined) {
    throw invalidCombination(
      "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'",
    );
  }
  const profile = findProfile(call, wanted);
  if (profile === undefined) {
    const [value, member, word] = wanted.Arn === undefined ? [wanted.Name, 'name', 'name'] : [wanted.Arn, 'arn', 'ARN'];
    throw invalidParameter(
      `Value (${value ?? ''}) for parameter iamInstanceProfile.${member} is invalid. Invalid IAM Instance Profile ${word}`,
    );
  }
  if (roleOfProfile(call, profile) === undefined) {
    throw invalidParameter(`IAM Instance Profile "${profile.arn}" has no associated IAM Roles`);
  }
  return { id: newId(call.random, 'iip-assoc'), profileArn: profile.arn, profileId: profile.id, at: call.clock.now() };
}

function instanceOfAssociation(call: Call, id: string | undefined): Instance {
  const instance = id?.startsWith('iip-assoc-') === true ? instanceOfPart(call, id) : undefined;
  if (instance === undefined) {
    throw awsFailure('InvalidAssociationID.NotFound', `An invalid association-id of '${id ?? ''}' was given`, {
      status: 400,
    });
  }
  return instance;
}

const newProfileKey = (call: Call, wanted: ProfileName | undefined) => ({
  'ec2:NewInstanceProfile': wanted === undefined ? undefined : findProfile(call, wanted)?.arn,
});

export const AssociateIamInstanceProfile = dryRunnable<
  AssociateIamInstanceProfileCommandInput & { DryRun?: boolean },
  AssociateIamInstanceProfileResult
>({
  permissions: (input, call) => [
    onInstance(call, 'AssociateIamInstanceProfile', input.InstanceId, newProfileKey(call, input.IamInstanceProfile)),
    ...passRole(call, input.IamInstanceProfile, input.InstanceId ?? ''),
  ],
  handle(input, call) {
    const instance = instanceOf(call, input.InstanceId);
    if (input.IamInstanceProfile === undefined) throw missingParameter('IamInstanceProfile');
    if (instance.state === 'terminated') {
      throw awsFailure(
        'IncorrectInstanceState',
        `The instance '${instance.id}' is not in a valid state for this operation.`,
        { status: 400 },
      );
    }
    if (instance.profile !== undefined) {
      throw awsFailure('IncorrectState', `There is an existing association for instance ${instance.id}`, {
        status: 400,
      });
    }
    const changed = { ...instance, profile: newAssociation(call, input.IamInstanceProfile) };
    putInstance(call, changed);
    return { IamInstanceProfileAssociation: associationShape(changed, 'associating') };
  },
});

export const DisassociateIamInstanceProfile = dryRunnable<
  DisassociateIamInstanceProfileCommandInput & { DryRun?: boolean },
  DisassociateIamInstanceProfileResult
>({
  permissions: (input, call) => [onAssociation(call, 'DisassociateIamInstanceProfile', input.AssociationId ?? '')],
  handle(input, call) {
    const instance = instanceOfAssociation(call, input.AssociationId);
    putInstance(call, { ...instance, profile: undefined });
    return { IamInstanceProfileAssociation: associationShape(instance, 'disassociating') };
  },
});

export const ReplaceIamInstanceProfileAssociation = dryRunnable<
  ReplaceIamInstanceProfileAssociationCommandInput & { DryRun?: boolean },
  ReplaceIamInstanceProfileAssociationResult
>({
  permissions: (input, call) => [
    onAssociation(
      call,
      'ReplaceIamInstanceProfileAssociation',
      input.AssociationId ?? '',
      newProfileKey(call, input.IamInstanceProfile),
    ),
    ...passRole(call, input.IamInstanceProfile, instanceOfPart(call, input.AssociationId ?? '')?.id ?? '*'),
  ],
  handle(input, call) {
    const instance = instanceOfAssociation(call, input.AssociationId);
    const changed = { ...instance, profile: newAssociation(call, input.IamInstanceProfile ?? {}) };
    putInstance(call, changed);
    return { IamInstanceProfileAssociation: associationShape(changed, 'associating') };
  },
});

export const DescribeIamInstanceProfileAssociations = dryRunnable<
  DescribeIamInstanceProfileAssociationsCommandInput & { DryRun?: boolean },
  DescribeIamInstanceProfileAssociationsResult
>({
  permissions: onEverything('DescribeIamInstanceProfileAssociations'),
  handle(input, call) {
    const ids = input.AssociationIds ?? [];
    const all = ids.length === 0 ? [...visibleInstances(call)] : ids.map((id) => instanceOfAssociation(call, id));
    const found = filtered(
      all.filter((instance) => instance.profile !== undefined),
      input.Filters,
      { fields: { 'instance-id': ({ id }) => id, state: () => 'associated' }, tags: () => ({}) },
    );
    const { page, ...next } = paged(found, input, { ids });
    return { IamInstanceProfileAssociations: page.map((instance) => associationShape(instance)), ...next };
  },
});
