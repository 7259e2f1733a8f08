// Whom the roles of an account do not let in though a group of theirs may come: the `except` of a person.
import { rootArn } from '../../aws/index.ts';
import { isOwned } from '../ownership.ts';
import type { Statement, UserResource } from '../resources.ts';
import { isRole, type Found } from './found.ts';
import type { GroupGrants } from './grants.ts';

/** Names of the accounts that a person is hidden from. */
export type Reach = ReadonlyMap<string, ReadonlySet<string>>;

const arnsIn = ({ Condition }: Statement, operator: string): readonly string[] =>
  [Condition?.[operator]?.['aws:PrincipalArn'] ?? []].flat().map(String);

/** Whether a statement that trusts people by name lets this one in; undefined where it names nobody. */
function letsIn(statement: Statement, arn: string): boolean | undefined {
  const named = arnsIn(statement, 'ArnLike');
  if (named.length === 0) return undefined;
  if (named.some((it) => it.endsWith(':user/*'))) return !arnsIn(statement, 'ArnNotLike').includes(arn);
  return named.includes(arn);
}

/** Reads from the trust of all roles which members of the groups that they mean they do not name. */
export function readReach(found: Found, grants: GroupGrants): Reach {
  const central = found.accounts.find(({ name }) => name === found.central);
  const people = (central?.resources ?? []).filter(
    (it): it is UserResource & { arn?: string } => it.kind === 'user' && isOwned(it, found.name),
  );
  const hidden = new Map<string, Set<string>>();
  const shown = new Set<string>();
  const root = rootArn(found.partition, central?.id ?? '');
  for (const account of found.accounts) {
    for (const role of account.resources.filter(isRole)) {
      const groups = grants.grantedTo(account.id, role);
      const statements = role.trust.Statement.filter(
        ({ Principal }) => typeof Principal === 'object' && [Principal['AWS'] ?? []].flat().includes(root),
      );
      for (const { name, arn, groups: own } of groups.length === 0 ? [] : people) {
        const answers = statements.map((it) => letsIn(it, arn ?? '')).filter((it) => it !== undefined);
        if (answers.includes(true)) shown.add(`${name} ${account.name}`);
        else if (answers.length > 0 && groups.every((group) => own.includes(group))) {
          hidden.set(name, (hidden.get(name) ?? new Set()).add(account.name));
        }
      }
    }
  }
  return new Map(
    [...hidden].map(([name, accounts]) => [
      name,
      new Set([...accounts].filter((account) => !shown.has(`${name} ${account}`))),
    ]),
  );
}
