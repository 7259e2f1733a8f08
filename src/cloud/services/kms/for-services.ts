// What other services ask of KMS on their callers' behalf: which key, may the caller use it through them, is it usable.
// They never see key material.
import type { Failure } from '../../../base/index.ts';
import { isFailure } from '../../../base/index.ts';
import type { Call, Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { keyPermission } from './access.ts';
import { needKey } from './lookup.ts';
import { keyArn } from './model.ts';
import { checkUsage, currentKey, refuseUnusable } from './state.ts';

/** A service that uses keys for its callers, by the first part of its `kms:ViaService`. */
export type ServiceWithKeys = 's3';

/**
 * The ARN of the key that a request names by id, ARN or alias; without a name, of the one that AWS manages for the
 * service in the caller's account. @throws `KMS.NotFoundException` and the like, as services pass them on
 */
export function serviceKeyArn(call: Call, named: string | undefined, service: ServiceWithKeys): string {
  return passedOn(() => keyArn(call.world, needKey(call, named ?? `alias/aws/${service}`, { aliases: true }).key));
}

/** `kms:GenerateDataKey` or `kms:Decrypt` of the caller on the key, asked through the service. */
export function serviceKeyPermission(
  call: Call,
  action: 'kms:GenerateDataKey' | 'kms:Decrypt',
  arn: string,
  service: ServiceWithKeys,
  encryptionContext: Readonly<Record<string, string>>,
): Permission {
  const context = {
    'kms:ViaService': `${service}.${call.region}.amazonaws.com`,
    'kms:EncryptionAlgorithm': 'SYMMETRIC_DEFAULT',
    'aws:ViaAWSService': 'true',
  };
  return keyPermission(
    call,
    action,
    passedOn(() => needKey(call, arn, { aliases: false })),
    {
      encryptionContext,
      context,
    },
  );
}

/** Checks, after authorization, that the key encrypts and decrypts now. @throws `KMS.DisabledException` and the like */
export function useServiceKey(call: Call, arn: string): void {
  passedOn(() => {
    const { key } = needKey(call, arn, { aliases: false });
    refuseUnusable(call, key);
    checkUsage(call, key, 'ENCRYPT_DECRYPT');
    currentKey(call, key);
  });
}

function passedOn<Result>(ask: () => Result): Result {
  try {
    return ask();
  } catch (error) {
    throw isFailure(error) ? asService(error) : error;
  }
}

function asService(failure: Failure): Failure {
  if (failure.code === 'AccessDeniedException') return awsFailure('AccessDenied', failure.message, { status: 403 });
  return awsFailure(`KMS.${failure.code}`, failure.message, { status: 400 });
}
