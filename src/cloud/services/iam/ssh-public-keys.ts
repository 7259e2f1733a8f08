// SSH public keys of users, for CodeCommit.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_ssh-keys.html
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { idsUnder, need, permissionOn, userNameOf, userNoun } from './entities.ts';
import { noSuchEntity, quotaExceeded } from './failures.ts';
import { accessKeyIdFor } from './ids.ts';
import { ownerPrefix, settableStatus, sshPublicKeys, type SshPublicKey } from './credential-model.ts';
import type { User } from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import type { Parsed } from './shapes.ts';
import { fingerprintOf, parsePublicKey, pemText, sshText } from './ssh-key-text.ts';

/** @throws NoSuchEntity */
function needKey(call: Call, user: User, id: string): SshPublicKey {
  const key = call.world.table(sshPublicKeys).get(call.account, ownerPrefix(user) + id);
  if (key === undefined) throw noSuchEntity(`User has no Public Key with id ${id}.`);
  return key;
}

function save(call: Call, user: User, key: SshPublicKey): void {
  call.world.table(sshPublicKeys).put(call.account, ownerPrefix(user) + key.id, key);
}

function metadata(user: User, key: SshPublicKey): Required<Sdk.SSHPublicKeyMetadata> {
  return {
    UserName: user.name,
    SSHPublicKeyId: key.id,
    Status: key.status,
    UploadDate: new Date(key.uploadedAt),
  };
}

const uploadSshPublicKey = operation<Parsed<Sdk.UploadSSHPublicKeyRequest>, Sdk.UploadSSHPublicKeyResponse>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'UploadSSHPublicKey', input.UserName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const wire = parsePublicKey(input.SSHPublicKeyBody);
    const key: SshPublicKey = {
      id: accessKeyIdFor(call.account, call.random, 'APKA'),
      wire: wire.toString('base64'),
      fingerprint: fingerprintOf(wire),
      status: 'Active',
      uploadedAt: call.clock.now(),
    };
    const existing = [...idsUnder(call, sshPublicKeys, ownerPrefix(user))];
    if (existing.some(([, known]) => known.wire === key.wire)) {
      throw awsFailure('DuplicateSSHPublicKey', 'Duplicate SSH public key uploaded.');
    }
    const limit = call.world.quotas.SSHPublicKeysPerUser;
    if (existing.length >= limit) throw quotaExceeded('SSHPublicKeysPerUser', limit);
    save(call, user, key);
    const shape = { ...metadata(user, key), Fingerprint: key.fingerprint };
    return { SSHPublicKey: { ...shape, SSHPublicKeyBody: input.SSHPublicKeyBody } };
  },
});

const getSshPublicKey = operation<Parsed<Sdk.GetSSHPublicKeyRequest>, Sdk.GetSSHPublicKeyResponse>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'GetSSHPublicKey', input.UserName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const key = needKey(call, user, input.SSHPublicKeyId);
    const SSHPublicKeyBody = input.Encoding === 'PEM' ? pemText(key.wire) : sshText(key.wire);
    return { SSHPublicKey: { ...metadata(user, key), Fingerprint: key.fingerprint, SSHPublicKeyBody } };
  },
});

const listSshPublicKeys = operation<Parsed<Sdk.ListSSHPublicKeysRequest>, Sdk.ListSSHPublicKeysResponse>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'ListSSHPublicKeys', userNameOf(input, call))],
  handle: (input, call) => {
    const user = need(userNoun, call, userNameOf(input, call));
    const rows = idsUnder(call, sshPublicKeys, ownerPrefix(user), afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (key) => metadata(user, key));
    return { SSHPublicKeys: [...items], ...page };
  },
});

const updateSshPublicKey = operation<Parsed<Sdk.UpdateSSHPublicKeyRequest>, void>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'UpdateSSHPublicKey', input.UserName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const status = settableStatus(input.Status);
    save(call, user, { ...needKey(call, user, input.SSHPublicKeyId), status });
  },
});

const deleteSshPublicKey = operation<Parsed<Sdk.DeleteSSHPublicKeyRequest>, void>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'DeleteSSHPublicKey', input.UserName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const { id } = needKey(call, user, input.SSHPublicKeyId);
    call.world.table(sshPublicKeys).delete(call.account, ownerPrefix(user) + id);
  },
});

export const sshPublicKeyOperations = {
  UploadSSHPublicKey: uploadSshPublicKey,
  GetSSHPublicKey: getSshPublicKey,
  ListSSHPublicKeys: listSshPublicKeys,
  UpdateSSHPublicKey: updateSshPublicKey,
  DeleteSSHPublicKey: deleteSshPublicKey,
};
