// Settings of an account in a region that are as AWS gives them to a new account, and an instance's console.
import type {
  GetConsoleOutputCommandInput,
  GetConsoleOutputResult,
  GetEbsDefaultKmsKeyIdCommandInput,
  GetEbsDefaultKmsKeyIdResult,
  GetEbsEncryptionByDefaultCommandInput,
  GetEbsEncryptionByDefaultResult,
} from '@aws-sdk/client-ec2';
import { onEverything, onInstance } from './permissions.ts';
import { dryRunnable, instanceOf } from './store.ts';

export const GetEbsEncryptionByDefault = dryRunnable<
  GetEbsEncryptionByDefaultCommandInput,
  GetEbsEncryptionByDefaultResult
>({
  permissions: onEverything('GetEbsEncryptionByDefault'),
  handle: () => ({ EbsEncryptionByDefault: false, SseType: 'none' }),
  depth: 'as in a new account',
});

export const GetEbsDefaultKmsKeyId = dryRunnable<GetEbsDefaultKmsKeyIdCommandInput, GetEbsDefaultKmsKeyIdResult>({
  permissions: onEverything('GetEbsDefaultKmsKeyId'),
  handle: () => ({ KmsKeyId: 'alias/aws/ebs' }),
  depth: 'as in a new account',
});

export const GetConsoleOutput = dryRunnable<GetConsoleOutputCommandInput, GetConsoleOutputResult>({
  permissions: (input, call) => [onInstance(call, 'GetConsoleOutput', input.InstanceId)],
  handle(input, call) {
    const { id } = instanceOf(call, input.InstanceId);
    return { InstanceId: id, Timestamp: new Date(call.clock.now()), Output: '' };
  },
  depth: 'nothing boots, so the console is empty',
});
