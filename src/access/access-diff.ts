// Who gains and who loses what: the groups and the roles they may assume, before and after.
import type { Wanted } from './compile.ts';
import { assumeInlineName } from './compile.ts';
import { isOwned } from './ownership.ts';
import type { Document, GroupResource, Resource, SeenAccount, Texts } from './resources.ts';

export interface AccessChange {
  readonly group: string;
  /** Roles as `account/role`. */
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;

function rolesIn(document: Document | undefined): string[] {
  return document === undefined ? [] : document.Statement.flatMap(({ Resource }) => list(Resource));
}

/** ARNs of the roles that a group may assume by the policies Stint writes for that. */
function assumable(group: GroupResource | undefined, resources: readonly Resource[]): Set<string> {
  if (group === undefined) return new Set();
  const attached = resources.filter(
    (it) =>
      it.kind === 'policy' &&
      it.name.startsWith(`${assumeInlineName}-${group.name}-`) &&
      group.attached.some((arn) => arn.endsWith(`:policy${it.path}${it.name}`)),
  );
  return new Set([
    ...rolesIn(group.inline[assumeInlineName]),
    ...attached.flatMap((it) => rolesIn(it.kind === 'policy' ? it.document : undefined)),
  ]);
}

/** For every group whose roles change: what it gains and loses. */
export function groupAccess(wanted: Wanted, seen: readonly SeenAccount[]): AccessChange[] {
  const names = new Map(wanted.accounts.map(({ id, name }) => [id, name]));
  const target = (arn: string): string => {
    const [, account = '', role = arn] = /^arn:[^:]+:iam::(\d{12}):role\/(.+)$/.exec(arn) ?? [];
    return `${names.get(account) ?? account}/${role}`;
  };
  return wanted.accounts.flatMap((account) => {
    const found = seen.find(({ id }) => id === account.id);
    if (found === undefined) return [];
    const shown = found.resources.filter((it) => isOwned(it, wanted.definition));
    const groups = (resources: readonly Resource[]): GroupResource[] => resources.filter((it) => it.kind === 'group');
    const all = new Set([...groups(account.resources), ...groups(shown)].map(({ name }) => name));
    return [...all].flatMap((group): AccessChange[] => {
      const find = (resources: readonly Resource[]): GroupResource | undefined =>
        groups(resources).find(({ name }) => name === group);
      const after = assumable(find(account.resources), account.resources);
      const before = assumable(find(shown), shown);
      const gains = [...after].filter((arn) => !before.has(arn)).map(target);
      const loses = [...before].filter((arn) => !after.has(arn)).map(target);
      return gains.length + loses.length === 0 ? [] : [{ group, gains, loses }];
    });
  });
}
