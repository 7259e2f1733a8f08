// What is in an account before anybody calls: its user `admin`, root keys, and in member accounts the
// role the management account enters by. The same `random` gives the same ids and keys.
import type { Clock, Random } from '../../../base/index.ts';
import type { AccountInfo, AccountKeys, World } from '../../world.ts';
import { makeAccessKey } from './credentials.ts';
import { roleNoun, save, userNoun } from './entities.ts';
import { accountCreations } from './model.ts';
import { beginUse } from './policy-usage.ts';
import { newRole, storedTrust } from './roles.ts';
import { newUser } from './users.ts';

/** Fills an empty account and returns its keys. Changes tables, so it runs inside a transaction. */
export function seedAccount(
  world: World,
  account: AccountInfo,
  options: { random: Random; clock: Clock },
): AccountKeys {
  const call = { world, account: account.id, ...options };
  world.table(accountCreations).put(account.id, account.id, { createdAt: options.clock.now() });
  const administrator = `arn:${world.partition}:iam::aws:policy/AdministratorAccess`;
  const user = { ...newUser(call, { name: 'admin', path: '/', tags: [] }), attached: [administrator] };
  save(userNoun, call, user);
  beginUse(call, administrator, 'attached', 'user', user.name);
  const admin = makeAccessKey(call, { kind: 'user', userId: user.id, userName: user.name });
  const root = makeAccessKey(call, { kind: 'root' });
  if (account.id !== world.managementAccount) {
    const trust = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:${world.partition}:iam::${world.managementAccount}:root` },
          Action: 'sts:AssumeRole',
        },
      ],
    };
    const role = newRole(call, {
      name: 'OrganizationAccountAccessRole',
      path: '/',
      tags: [],
      trust: storedTrust(call, JSON.stringify(trust)),
      maxSessionSeconds: 3600,
    });
    save(roleNoun, call, { ...role, attached: [administrator] });
    beginUse(call, administrator, 'attached', 'role', role.name);
  }
  return { admin, root };
}
