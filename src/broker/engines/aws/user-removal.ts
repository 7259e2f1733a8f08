// Ends a lent IAM user: takes its keys first, then everything else that keeps AWS from deleting it,
// then the user, and reads back that it is gone. Repeatable, and safe when done twice at once.
import type { IAMClient, User } from '@aws-sdk/client-iam';
import { iamSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import type { ProbeAnswer } from '../../leases.ts';
import type { Removal } from '../engine.ts';
import { awsCode, awsFailure, isMissing, orMissing, refusesKeys } from './aws-errors.ts';
import { leaseTagKey } from './names.ts';
import { removeGiven, removeOthers } from './user-attachments.ts';
import { removeWithGifts, type Gifts } from './user-gifts.ts';

type Iam = typeof import('@aws-sdk/client-iam');

const prefix = 'Error deleting IAM user: ';

/** True when the user exists and carries this lease's id. */
export async function carriesLease(iam: IAMClient, userName: string, leaseId: string): Promise<boolean> {
  const { GetUserCommand } = await iamSdk();
  const found = await orMissing(iam.send(new GetUserCommand({ UserName: userName })));
  return found?.User !== undefined && isTagged(found.User, leaseId);
}

function isTagged({ Tags = [] }: User, leaseId: string): boolean {
  return Tags.some(({ Key, Value }) => Key === leaseTagKey && Value === leaseId);
}

export interface LentUser {
  readonly userName: string;
  readonly leaseId: string;
  /** The key the lease handed out; undefined when the grant never came that far. */
  readonly accessKeyId: string | undefined;
  /** What the grant gave, where the lease kept it. */
  readonly gifts?: Gifts | undefined;
}

/**
 * Removes the lease's user. A user that is not there counts as found only when IAM also refused to
 * delete its key, so that a read that came too early does not pass for a removal.
 * @throws Failure `aws-refused` when a user of that name exists that is not this lease's; other AWS
 *   failures as they come.
 */
export async function removeUser(iam: IAMClient, lent: LentUser): Promise<Removal> {
  const sdk: Iam = await iamSdk();
  const { userName, leaseId, accessKeyId, gifts } = lent;
  try {
    const found = await orMissing(iam.send(new sdk.GetUserCommand({ UserName: userName })));
    if (found?.User === undefined) return await askForKey(sdk, iam, lent);
    // SECURITY: whatever the name, a user that does not carry the lease's id is somebody else's.
    if (!isTagged(found.User, leaseId)) throw notOurs(userName);
    const known = accessKeyId !== undefined && gifts !== undefined;
    if (!known || !(await removeWithGifts(sdk, iam, userName, accessKeyId, gifts))) {
      await orMissing(removeGiven(sdk, iam, userName));
      await deleteUser(sdk, iam, userName);
    }
    return await readBack(sdk, iam, userName);
  } catch (error) {
    throw awsFailure(prefix, error);
  }
}

async function readBack(sdk: Iam, iam: IAMClient, UserName: string): Promise<Removal> {
  const shown = await orMissing(iam.send(new sdk.GetUserCommand({ UserName })));
  return { found: true, gone: shown === undefined };
}

function notOurs(userName: string): Error {
  return brokerFailure('aws-refused', `${prefix}\`${userName}\` does not carry the tag of this lease`, {
    hint: `look at the user in IAM; Stint deletes only users whose tag \`${leaseTagKey}\` names the lease`,
  });
}

// IAM's reads may be late; its writes are answered by what is. "No such entity" to the deletion of the
// lease's own key, which no other user can have, proves what the read said, however young the lease.
async function askForKey(sdk: Iam, iam: IAMClient, { userName, accessKeyId }: LentUser): Promise<Removal> {
  if (accessKeyId === undefined) return { found: false, gone: true };
  try {
    await iam.send(new sdk.DeleteAccessKeyCommand({ UserName: userName, AccessKeyId: accessKeyId }));
  } catch (error) {
    if (isMissing(error)) return { found: true, gone: true };
    // A key of ours without this right proves nothing: then only time does.
    if (awsCode(error) === 'AccessDenied') return { found: false, gone: true };
    throw error;
  }
  return { found: true, gone: false };
}

// What others gave is looked for only in need: looking needs rights that Vault's documented policy
// for this key does not hold.
async function deleteUser(sdk: Iam, iam: IAMClient, UserName: string): Promise<void> {
  try {
    await orMissing(iam.send(new sdk.DeleteUserCommand({ UserName })));
  } catch (error) {
    if (awsCode(error) !== 'DeleteConflict') throw error;
    const refused = await removeOthers(sdk, iam, UserName);
    await orMissing(iam.send(new sdk.DeleteUserCommand({ UserName }))).catch((again: unknown) => {
      throw refused.length > 0 && awsCode(again) === 'DeleteConflict' ? mayNotClean(again, refused) : again;
    });
  }
}

function mayNotClean(conflict: unknown, kinds: readonly string[]): Error {
  const { message } = awsFailure('', conflict);
  return brokerFailure('aws-refused', `${prefix}the server's key may not take away: ${kinds.join(', ')}: ${message}`, {
    hint: '`stint doctor --aws-policy --feature user-cleanup` prints the rights it needs',
  });
}

/**
 * Calls IAM with the lease's own key. A key that IAM does not know is refused before anything is
 * decided about permissions, so that "access denied" still means the key lives.
 */
export async function probeUserKey(iam: IAMClient): Promise<ProbeAnswer> {
  const { GetUserCommand } = await iamSdk();
  try {
    await iam.send(new GetUserCommand({}));
    return 'accepted';
  } catch (error) {
    if (refusesKeys(error)) return 'refused';
    if (awsCode(error) === 'AccessDenied' || isMissing(error)) return 'accepted';
    throw awsFailure('Error probing the key: ', error);
  }
}
