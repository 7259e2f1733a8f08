// What the tests of KMS share: clients of people in an account.
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient, type CreateKeyCommandInput, type KeyMetadata } from '@aws-sdk/client-kms';
import type { Cloud } from '../../../src/cloud/index.ts';
import { policyText, type StatementText } from '../clients.ts';
import { adminOf, configOf, dev, iamOf, type Keys } from '../support.ts';

export function kmsOf(cloud: Cloud, keys: Keys = adminOf(cloud, dev), region = 'us-east-1'): KMSClient {
  return new KMSClient({ ...configOf(cloud, keys), region });
}

export async function newKey(
  kms: KMSClient,
  input: CreateKeyCommandInput = {},
): Promise<KeyMetadata & { KeyId: string }> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(input));
  return KeyMetadata as KeyMetadata & { KeyId: string };
}

/** KMS as a new user with one inline policy. */
export async function kmsAs(
  cloud: Cloud,
  account: string,
  name: string,
  ...statements: readonly StatementText[]
): Promise<KMSClient> {
  const iam = iamOf(cloud, adminOf(cloud, account));
  await iam.send(new CreateUserCommand({ UserName: name }));
  if (statements.length > 0) {
    const PolicyDocument = policyText(...statements);
    await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: 'own', PolicyDocument }));
  }
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  return kmsOf(cloud, { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! });
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);
