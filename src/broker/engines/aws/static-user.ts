// The IAM user of a static role: by which clients it is reached, and that it is still the same user.
import type { IAMClient } from '@aws-sdk/client-iam';
import { iamSdk, stsSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import { goError, innerFailure } from './aws-errors.ts';
import type { AwsClients } from './clients.ts';
import type { StaticRole } from './static-role.ts';
import { goQuote } from './template/quote.ts';

/** What a client for the user's account is made of. */
export type StaticAccount = Pick<StaticRole, 'name' | 'assumeRoleArn' | 'assumeRoleSessionName' | 'externalId'>;

/** A client for the user's account, and what lets go of it. */
export interface StaticActor {
  readonly iam: IAMClient;
  readonly close: () => void;
}

/**
 * The mount's own IAM client, or one with a session of the role that the static role names: its user may
 * be in another account. @throws Failure `engine-failed`.
 */
export async function staticActor(clients: AwsClients, account: StaticAccount): Promise<StaticActor> {
  if (account.assumeRoleArn === '') return { iam: await clients.iam(), close: () => undefined };
  const { AssumeRoleCommand } = await stsSdk();
  const sts = await clients.sts();
  const { Credentials } = await sts
    .send(
      new AssumeRoleCommand({
        RoleArn: account.assumeRoleArn,
        RoleSessionName: account.assumeRoleSessionName || `static-${account.name}`.slice(0, 64),
        ...(account.externalId === '' ? {} : { ExternalId: account.externalId }),
      }),
    )
    .catch((error: unknown) => {
      throw innerFailure(`failed to assume role ${goQuote(account.assumeRoleArn)}: `, error);
    });
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '', SessionToken = '' } = Credentials ?? {};
  const iam = await clients.iamAs({ accessKeyId, secretAccessKey, sessionToken: SessionToken });
  return { iam, close: () => iam.destroy() };
}

/** The id of the user. @throws Failure `engine-failed` when there is none, or where `wanted` is another's. */
export async function checkedUserId(iam: IAMClient, userName: string, wanted: string | undefined): Promise<string> {
  const { GetUserCommand } = await iamSdk();
  const { User } = await iam.send(new GetUserCommand({ UserName: userName })).catch((error: unknown) => {
    throw innerFailure(`unable to validate username ${goQuote(userName)}: `, error);
  });
  const { UserId: id = '', UserName: found = '' } = User ?? {};
  if (found !== userName) {
    const text = `AWS GetUser returned a username, but it didn't match: ${goQuote(userName)} was requested, but ${goQuote(found)} was returned`;
    throw brokerFailure('engine-failed', goError(text));
  }
  if (wanted === undefined || wanted === id) return id;
  const text = `AWS GetUser returned a user, but the ID did not match: ${goQuote(wanted)} was requested, but ${goQuote(id)} was returned`;
  throw brokerFailure('engine-failed', goError(text), {
    hint: 'the user was deleted and made anew, or another one is meant: delete this static role and write it again',
  });
}
