// People and groups of the central account, and what is said of passwords.
import { isOwned, isProtected } from '../ownership.ts';
import type { GroupResource, PasswordSettings, SeenResource, UserResource } from '../resources.ts';
import type { Found, FoundAccount } from './found.ts';
import { endOf, markedMembers } from './owned.ts';
import { attachedEntries } from './permissions.ts';
import { foreignTags, inlineMembers, isExpiry, statementReader, type RoleScope } from './role-drafts.ts';
import { countingIn, selectorFor } from './selectors.ts';

type Entry = Readonly<Record<string, unknown>>;

/** What people and groups carry. `end` is when their entry ends. */
function carried(scope: RoleScope, account: FoundAccount, it: UserResource | GroupResource, marks: Entry): Entry {
  const { found, policies: own, now } = scope;
  const { managed, policies } = attachedEntries(it.attached, account.id, found.partition, own.inAccount(account.name));
  const inline = Object.fromEntries(
    Object.entries(it.inline).filter(([name, document]) => !isExpiry(name, document, marks)),
  );
  return {
    ...(managed.length === 0 ? {} : { managed }),
    ...(policies.length === 0 ? {} : { policies }),
    ...inlineMembers(inline, statementReader(isOwned(it, found.name), endOf(marks), now)),
  };
}

export function personEntry(scope: RoleScope, account: FoundAccount, user: UserResource): Entry {
  const { found, policies } = scope;
  const boundary =
    user.boundary === undefined
      ? undefined
      : attachedEntries([user.boundary], account.id, found.partition, policies.inAccount(account.name));
  const accounts = found.accounts.map(({ name }) => name);
  const tags = foreignTags(user.tags);
  const marks = markedMembers(found, user.tags);
  return {
    ...(user.path === '/' ? {} : { path: user.path }),
    ...(user.groups.length === 0 ? {} : { groups: user.groups }),
    ...carried(scope, account, user, marks),
    ...(boundary === undefined ? {} : { boundary: boundary.policies[0] ?? boundary.managed[0] }),
    ...(account.logins.has(user.name) ? { console: true } : {}),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...marks,
    ...countingIn(accounts, new Set(accounts.filter((name) => scope.reach.get(user.name)?.has(name) !== true))),
  };
}

/** A group takes no tags: all that is left of its marks is the path. */
export function groupEntry(scope: RoleScope, account: FoundAccount, group: GroupResource): Entry {
  const protect = isOwned(group, scope.found.name) && isProtected(group) ? { protect: true } : {};
  return { ...carried(scope, account, group, {}), ...protect };
}

function passwordEntry(settings: PasswordSettings): Entry {
  const { MaxPasswordAge: age, PasswordReusePrevention: reuse } = settings;
  const flags = {
    requireUppercase: settings.RequireUppercaseCharacters,
    requireLowercase: settings.RequireLowercaseCharacters,
    requireNumbers: settings.RequireNumbers,
    requireSymbols: settings.RequireSymbols,
    usersMayChange: settings.AllowUsersToChangePassword,
    hardExpiry: settings.HardExpiry,
  };
  return {
    minimumLength: settings.MinimumPasswordLength,
    ...Object.fromEntries(Object.entries(flags).filter(([, on]) => on)),
    ...(age === undefined ? {} : { maxAgeDays: age }),
    ...(reuse === undefined ? {} : { rememberLast: reuse }),
  };
}

type PasswordPolicy = Extract<SeenResource, { kind: 'password-policy' }>;

/** The password policy that most accounts have, and the accounts that have another one. */
export function passwordPolicy(found: Found): { readonly entry?: Entry; readonly others: readonly string[] } {
  const all = found.accounts.flatMap((account) =>
    account.resources
      .filter((it): it is PasswordPolicy => it.kind === 'password-policy')
      .map(({ settings }) => ({ account: account.name, text: JSON.stringify(passwordEntry(settings)) })),
  );
  const byText = [...Map.groupBy(all, ({ text }) => text)].sort(([, a], [, b]) => b.length - a.length);
  const [most, ...others] = byText;
  if (most === undefined) return { others: [] };
  const accounts = new Set(most[1].map(({ account }) => account));
  return {
    entry: { in: selectorFor(found.accounts, accounts), ...(JSON.parse(most[0]) as Entry) },
    others: others.flatMap(([, list]) => list.map(({ account }) => account)),
  };
}
