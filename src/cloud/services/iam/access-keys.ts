// Long-term access keys of users, and of the root user when it asks for its own.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import { settableStatus } from './credential-model.ts';
import { accessKeyRow, dropAccessKey, makeAccessKey, setAccessKeyStatus } from './credentials.ts';
import { idsUnder, need, permissionOn, userNoun } from './entities.ts';
import { noSuchEntity, quotaExceeded } from './failures.ts';
import { accessKeys, credentials, principalIds, type AccessKey, type User } from './model.ts';
import { ownerOf, permissionOnOwner } from './owners.ts';
import { afterMarker, pageOf } from './page.ts';
import type { Parsed } from './shapes.ts';

/** @throws NoSuchEntity */
function needKey(call: Call, owner: User | undefined, id: string): { readonly row: string; readonly key: AccessKey } {
  const row = accessKeyRow(owner?.name, id);
  const key = call.world.table(accessKeys).get(call.account, row);
  if (key === undefined) throw noSuchEntity(`The Access Key with id ${id} cannot be found.`);
  return { row, key };
}

const createAccessKey = operation<Parsed<Sdk.CreateAccessKeyRequest>, Sdk.CreateAccessKeyResponse>({
  permissions: (input, call) => permissionOnOwner(input, call, 'CreateAccessKey'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const limit = call.world.quotas.AccessKeysPerUser;
    const existing = [...idsUnder(call, accessKeys, accessKeyRow(owner?.name, ''))];
    if (existing.length >= limit) throw quotaExceeded('AccessKeysPerUser', limit);
    const made = makeAccessKey(
      call,
      owner === undefined ? { kind: 'root' } : { kind: 'user', userId: owner.id, userName: owner.name },
    );
    return {
      AccessKey: {
        UserName: owner?.name ?? '',
        AccessKeyId: made.accessKeyId,
        Status: 'Active',
        SecretAccessKey: made.secretAccessKey.reveal(),
        CreateDate: new Date(call.clock.now()),
      },
    };
  },
});

const listAccessKeys = operation<Parsed<Sdk.ListAccessKeysRequest>, Sdk.ListAccessKeysResponse>({
  permissions: (input, call) => permissionOnOwner(input, call, 'ListAccessKeys'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const rows = idsUnder(call, accessKeys, accessKeyRow(owner?.name, ''), afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (key) => ({
      ...(owner === undefined ? {} : { UserName: owner.name }),
      AccessKeyId: key.id,
      Status: key.status,
      CreateDate: new Date(key.createdAt),
    }));
    return { AccessKeyMetadata: [...items], ...page };
  },
});

const updateAccessKey = operation<Parsed<Sdk.UpdateAccessKeyRequest>, void>({
  permissions: (input, call) => permissionOnOwner(input, call, 'UpdateAccessKey'),
  handle: (input, call) => {
    const { row, key } = needKey(call, ownerOf(input, call), input.AccessKeyId);
    setAccessKeyStatus(call, row, key, settableStatus(input.Status));
  },
});

const deleteAccessKey = operation<Parsed<Sdk.DeleteAccessKeyRequest>, void>({
  permissions: (input, call) => permissionOnOwner(input, call, 'DeleteAccessKey'),
  handle: (input, call) => {
    const { row, key } = needKey(call, ownerOf(input, call), input.AccessKeyId);
    dropAccessKey(call, row, key);
  },
});

/** Whose long-term key of the caller's account this is; no name for the root user's. Undefined for any other key. */
function holderOfKey(call: Call, accessKeyId: string): { readonly name?: string | undefined } | undefined {
  const credential = call.world.table(credentials).get('', accessKeyId);
  if (credential?.account !== call.account || credential.session !== undefined) return undefined;
  if (credential.kind === 'root') return {};
  if (credential.kind !== 'user') return undefined;
  return { name: call.world.table(principalIds).get('', credential.userId)?.name };
}

const getAccessKeyLastUsed = operation<Parsed<Sdk.GetAccessKeyLastUsedRequest>, Sdk.GetAccessKeyLastUsedResponse>({
  permissions: (input, call) => [
    permissionOn(userNoun, call, 'GetAccessKeyLastUsed', holderOfKey(call, input.AccessKeyId)?.name ?? '*'),
  ],
  handle: (input, call) => {
    const holder = holderOfKey(call, input.AccessKeyId);
    if (holder === undefined) throw noSuchEntity(`The Access Key with id ${input.AccessKeyId} cannot be found.`);
    const user = holder.name === undefined ? undefined : need(userNoun, call, holder.name);
    const used = needKey(call, user, input.AccessKeyId).key.lastUsed;
    return {
      ...(user === undefined ? {} : { UserName: user.name }),
      AccessKeyLastUsed:
        used === undefined
          ? { LastUsedDate: undefined, ServiceName: 'N/A', Region: 'N/A' }
          : { LastUsedDate: new Date(used.at), ServiceName: used.service, Region: used.region },
    };
  },
});

export const accessKeyOperations = {
  CreateAccessKey: createAccessKey,
  ListAccessKeys: listAccessKeys,
  UpdateAccessKey: updateAccessKey,
  DeleteAccessKey: deleteAccessKey,
  GetAccessKeyLastUsed: getAccessKeyLastUsed,
};
