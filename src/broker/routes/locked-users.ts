// sys/locked-users: who is locked out of the auth methods with passwords and secret ids, and letting them in again.
import type { Clock } from '../../base/index.ts';
import { lockedAliases, lockoutRule, unlock } from '../auth/lockout.ts';
import { lockoutMethods } from '../auth/lockout-tuning.ts';
import { done, enveloped, served } from '../call.ts';
import type { WireValue } from '../http/wire.ts';
import type { Mount } from '../model.ts';
import { isAuth, type Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';

export interface LockedUserParts {
  readonly mounts: Mounts;
  readonly clock: Clock;
}

export function lockedUserHandlers({ mounts, clock }: LockedUserParts): Pick<Handlers, 'lockedUsers' | 'unlockUser'> {
  const lockable = async (): Promise<readonly Mount[]> =>
    (await mounts.list()).filter((mount) => isAuth(mount) && lockoutMethods.includes(mount.type));
  const lockedOf = async (mount: Mount): Promise<Readonly<Record<string, WireValue>>> => {
    const located = await mounts.locate(mount.path);
    const aliases = located === undefined ? [] : await lockedAliases(located.folder, lockoutRule(mount), clock.now());
    return { mount_accessor: mount.accessor, counts: aliases.length, alias_identifiers: aliases };
  };
  return {
    lockedUsers: served(
      'Who is locked out now.',
      { mount_accessor: 'string' },
      async (call, { mount_accessor: one }) => {
        const asked = (await lockable()).filter(({ accessor }) => one === undefined || accessor === one);
        const rows = await Promise.all(asked.map(lockedOf));
        const shown = rows.filter(({ counts }) => one !== undefined || counts !== 0);
        const total = shown.reduce((sum, { counts }) => sum + Number(counts), 0);
        const root = { namespace_id: 'root', namespace_path: '', counts: total, mount_accessors: shown };
        return enveloped(call, { data: { by_namespace: [root], total } });
      },
    ),
    unlockUser: served(
      'Lets a user try to log in again.',
      { mount_accessor: 'string', alias_identifier: 'string' },
      async (_call, { mount_accessor: accessor, alias_identifier: alias = '' }) => {
        const mount = (await lockable()).find((one) => one.accessor === accessor);
        const located = mount === undefined ? undefined : await mounts.locate(mount.path);
        if (located !== undefined) await unlock(located.folder, alias);
        return done();
      },
    ),
  };
}
