// `stint/root`: whose key a mount acts with and how old it is, read from IAM, for the mount's own account
// and every further one.
import type { AccessKeyMetadata } from '@aws-sdk/client-iam';
import { formatDuration, type Clock, type Json } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import type { EngineAnswer, EngineCall } from '../engine.ts';
import { accountsOf } from './accounts.ts';
import { awsFailure, told } from './aws-errors.ts';
import type { AwsClients } from './clients.ts';
import type { ClientsOf } from './role-sessions.ts';

export async function handleRootInfo(call: EngineCall, clientsOf: ClientsOf, clock: Clock): Promise<EngineAnswer> {
  const { mount, folder } = call;
  const own = await keyInfo(await clientsOf(mount.id, folder, ''), clock);
  const accounts = await Promise.all(
    (await accountsOf(folder)).map(async (account): Promise<[string, Json]> => {
      try {
        return [account, await keyInfo(await clientsOf(mount.id, folder, account), clock)];
      } catch (error) {
        return [account, { error: awsFailure('', error).message }];
      }
    }),
  );
  return { data: { ...own, accounts: Object.fromEntries(accounts) } };
}

async function keyInfo(clients: AwsClients, clock: Clock): Promise<Readonly<Record<string, Json>>> {
  const { account, arn } = await clients.identity();
  const who = { account, arn };
  const userName = /:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1];
  // Only the key of a user has an age; those of a role are new every hour.
  if (userName === undefined) return { ...who, access_key: null, created_at: null, age: null, age_seconds: null };
  const accessKey = await clients.accessKeyId();
  const keys = await listKeys(clients, userName);
  const created = keys.find(({ AccessKeyId }) => AccessKeyId === accessKey)?.CreateDate;
  const ageSeconds = created === undefined ? null : Math.max(0, Math.floor((clock.now() - created.getTime()) / 1000));
  return {
    ...who,
    access_key: accessKey,
    created_at: created?.toISOString() ?? null,
    age: ageSeconds === null ? null : formatDuration(ageSeconds),
    age_seconds: ageSeconds,
    other_keys: keys.length - (created === undefined ? 0 : 1),
  };
}

async function listKeys(clients: AwsClients, UserName: string): Promise<readonly AccessKeyMetadata[]> {
  const { ListAccessKeysCommand } = await iamSdk();
  const iam = await clients.iam();
  const listed = await told('Error reading the age of the key: ', iam.send(new ListAccessKeysCommand({ UserName })));
  return listed.AccessKeyMetadata ?? [];
}
