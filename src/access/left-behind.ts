// Accounts that were taken out of the definition while they still hold what it made. There is no state that tells them,
// and an account without an entry is not entered: only who may assume roles there, and what guard rails bind, names them.
import { accountOfArn } from './arns.ts';
import { assumeInlineName } from './compile-identities.ts';
import type { Wanted } from './compile.ts';
import type { Finding } from './findings.ts';
import { isOwned } from './ownership.ts';
import type { Document, SeenAccount, SeenResource, Texts } from './resources.ts';

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;

const resourcesOf = (document: Document | undefined): readonly string[] =>
  (document?.Statement ?? []).flatMap(({ Resource }) => list(Resource));

/** ARNs of roles that something of ours may assume because they trust it, and ids of accounts that it binds. */
function namedBy(it: SeenResource): readonly string[] {
  if (it.kind === 'policy') return it.name.startsWith(`${assumeInlineName}-`) ? resourcesOf(it.document) : [];
  if (it.kind === 'organization-policy') return it.targets;
  return 'inline' in it && Object.hasOwn(it.inline, assumeInlineName) ? resourcesOf(it.inline[assumeInlineName]) : [];
}

const rolesShown = 5;

/** Tells of accounts that AWS shows to have been part of the definition, and that no entry names any more. */
export function leftBehind(wanted: Wanted, seen: readonly SeenAccount[]): Finding[] {
  const known = new Set(wanted.accounts.map(({ id }) => id));
  const named = seen
    .flatMap(({ resources }) => resources.filter((it) => isOwned(it, wanted.definition)))
    .flatMap(namedBy)
    .flatMap((text) => {
      const id = /^\d{12}$/.test(text) ? text : accountOfArn(text);
      return id === undefined || known.has(id) ? [] : [{ id, role: text.split(':role/')[1] }];
    });
  return [...Map.groupBy(named, ({ id }) => id)].map(([id, all]): Finding => {
    const roles = [...new Set(all.flatMap(({ role }) => role ?? []))].sort();
    const more = roles.length > rolesShown ? ` and ${roles.length - rolesShown} more` : '';
    const which = roles.length === 0 ? '' : ` (role ${roles.slice(0, rolesShown).join(', ')}${more})`;
    return {
      severity: 'warning',
      code: 'account-left-behind',
      message: `account \`${id}\` has no entry any more: what this definition made there${which} is not looked at and stays as it is`,
      hint: 'unless that is gone: put the entry back, `stint destroy --account NAME`, then take it out',
    };
  });
}
