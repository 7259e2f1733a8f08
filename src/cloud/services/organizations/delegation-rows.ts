// Which services work with the organisation, and which member accounts administer them.
import type { Millis } from '../../../base/index.ts';
import { tableName, type World } from '../../world.ts';
import { pairId } from './model.ts';

/** Id: service principal. */
export const serviceAccess = tableName<{ readonly at: Millis }>('organizations.service-access');
/** Id: account, a space, service principal. */
export const delegations = tableName<{ readonly at: Millis }>('organizations.delegation');

/** Services that an account administers, in order of their names, after `after`. */
export function* delegatedServices(
  world: World,
  account: string,
  after = '',
): Generator<readonly [service: string, at: Millis]> {
  const prefix = pairId(account, '');
  for (const [key, { at }] of world.table(delegations).list('', prefix + after)) {
    if (!key.startsWith(prefix)) return;
    yield [key.slice(prefix.length), at];
  }
}

export function isDelegatedAdministrator(world: World, account: string): boolean {
  return delegatedServices(world, account).next().done !== true;
}
