// Grants as rows: a grant and its two indexes change together.
import type { World } from '../../world.ts';
import { idsUnder } from '../iam/entities.ts';
import { granteeGrants, grants, retirableGrants, rowOf, type Grant, type Key } from './model.ts';
import { accountOfPrincipal, shownPrincipal } from './principals.ts';

export function grantOf(world: World, key: Key, id: string): Grant | undefined {
  return world.table(grants).get(key.account, `${rowOf(key)}/${id}`);
}

/** The grants of a key in order of id, starting behind `after`. */
export function* grantsOf(world: World, key: Key, after = ''): Generator<readonly [id: string, grant: Grant]> {
  yield* idsUnder({ world, account: key.account }, grants, `${rowOf(key)}/`, after);
}

/** The grants that a stored principal has on a key, in order of id. */
export function* grantsTo(world: World, key: Key, grantee: string, after = ''): Generator<readonly [string, Grant]> {
  const prefix = `${rowOf(key)}/${grantee}/`;
  for (const [id] of idsUnder({ world, account: key.account }, granteeGrants, prefix, after)) {
    const grant = grantOf(world, key, id);
    if (grant !== undefined) yield [id, grant];
  }
}

export function saveGrant(world: World, key: Key, grant: Grant): void {
  const row = rowOf(key);
  world.table(grants).put(key.account, `${row}/${grant.id}`, grant);
  world.table(granteeGrants).put(key.account, `${row}/${grant.grantee}/${grant.id}`, true);
  if (grant.retiring === undefined) return;
  const account = retiringAccount(world, grant.retiring);
  const target = { owner: key.account, keyId: key.id };
  world.table(retirableGrants).put(account, `${key.region}/${grant.retiring}/${grant.id}`, target);
}

export function removeGrant(world: World, key: Key, grant: Grant): void {
  const row = rowOf(key);
  world.table(grants).delete(key.account, `${row}/${grant.id}`);
  world.table(granteeGrants).delete(key.account, `${row}/${grant.grantee}/${grant.id}`);
  if (grant.retiring === undefined) return;
  const account = retiringAccount(world, grant.retiring);
  world.table(retirableGrants).delete(account, `${key.region}/${grant.retiring}/${grant.id}`);
}

export function removeGrantsOf(world: World, key: Key): void {
  for (const [, grant] of Array.from(grantsOf(world, key))) removeGrant(world, key, grant);
}

function retiringAccount(world: World, retiring: string): string {
  return accountOfPrincipal(shownPrincipal(retiring, world));
}
