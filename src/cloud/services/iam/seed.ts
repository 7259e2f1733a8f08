// What is in an account before anybody calls: its user `admin`, root keys, and in member accounts the
// role the management account enters by. The same `random` gives the same ids and keys.
import type { Clock, Random } from '../../../base/index.ts';
import type { Account, AccountKeys, World } from '../../world.ts';
import { makeAccessKey } from './credentials.ts';
import { roleNoun, save, userNoun } from './entities.ts';
import { accountCreations } from './model.ts';
import { beginUse } from './policy-usage.ts';
import { newRole, storedTrust } from './roles.ts';
import { newUser } from './users.ts';

/** Fills an empty account and returns its keys. Changes tables, so it runs inside a transaction. */
export function seedAccount(world: World, account: Account, options: { random: Random; clock: Clock }): AccountKeys {
  const call = { world, account: account.id, ...options };
  world.table(accountCreations).put(account.id, account.id, { createdAt: options.clock.now() });
  const administrator = `arn:${world.partition}:iam::aws:policy/AdministratorAccess`;
  const user = { ...newUser(call, { name: 'admin', path: '/', tags: [] }), attached: [administrator] };
  save(userNoun, call, user);
  beginUse(call, administrator, 'attached', 'user', user.name);
  const admin = makeAccessKey(call, { kind: 'user', userId: user.id, userName: user.name });
  const root = makeAccessKey(call, { kind: 'root' });
  if (account.id !== world.managementAccount) makeAccessRole(call, 'OrganizationAccountAccessRole');
  return { admin, root };
}

/**
 * The role by which the management account enters a member account.
 * https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access-cross-account-role.html
 */
export function makeAccessRole(place: Parameters<typeof newRole>[0], name: string): void {
  const { partition, managementAccount } = place.world;
  const administrator = `arn:${partition}:iam::aws:policy/AdministratorAccess`;
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:${partition}:iam::${managementAccount}:root` },
        Action: 'sts:AssumeRole',
      },
    ],
  };
  const role = newRole(place, {
    name,
    path: '/',
    tags: [],
    trust: storedTrust(place, JSON.stringify(trust)),
    maxSessionSeconds: 3600,
  });
  save(roleNoun, place, { ...role, attached: [administrator] });
  beginUse(place, administrator, 'attached', 'role', role.name);
}
