// The organisation file's accounts and units as rows. Done at the start, for what the state does not have yet.
import type { AccountInfo, World } from '../../world.ts';
import { accountEmails, accountRows, type AccountRow } from './model.ts';
import { migrateOrganization } from './migrate.ts';
import { nodeById, placeAccount, putUnit, rootIdOf, unitIdOf } from './tree.ts';

/** Accounts of a file are older than anything that is measured from their creation. */
const foundedAt = 0;

/** Writes accounts and the units they name. Those that exist get what the file says of them now. Runs inside a transaction. */
export function seedOrganization(world: World, accounts: readonly AccountInfo[]): void {
  migrateOrganization(world);
  const management = accounts.filter(({ id }) => id === world.managementAccount);
  for (const account of [...management, ...accounts.filter(({ id }) => id !== world.managementAccount)]) {
    placeAsFiled(world, account);
  }
}

function placeAsFiled(world: World, { ou, ...account }: AccountInfo): void {
  const known = world.table(accountRows).get('', account.id);
  const row: AccountRow = { state: 'ACTIVE', ...known, ...account };
  const method = account.id === world.managementAccount ? 'INVITED' : 'CREATED';
  rememberEmail(world, row);
  placeAccount(world, row, { method, at: foundedAt, ...known?.member, parent: unitFor(world, ou) });
}

/** Mail addresses are unique over all of AWS. */
export function rememberEmail(world: World, { id, email }: Pick<AccountRow, 'id' | 'email'>): void {
  world.table(accountEmails).put('', email.toLowerCase(), { account: id });
}

/** The node id of the unit with this path; units that are missing are made. */
function unitFor(world: World, path: string): string {
  if (path === '') return rootIdOf(world);
  const id = unitIdOf(world, path);
  if (nodeById(world, id) === undefined) {
    const slash = path.lastIndexOf('/');
    putUnit(world, { id, name: path.slice(slash + 1), parent: unitFor(world, path.slice(0, Math.max(0, slash))) });
  }
  return id;
}
