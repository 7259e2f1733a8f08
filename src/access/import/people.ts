// People and groups of the central account, and what is said of passwords.
import type { GroupResource, PasswordSettings, SeenResource, UserResource } from '../resources.ts';
import type { Found, FoundAccount } from './found.ts';
import { attachedEntries, inlineEntries } from './permissions.ts';
import type { OwnPolicies } from './policies.ts';
import { inlineMembers } from './roles.ts';
import { selectorFor } from './selectors.ts';

type Entry = Readonly<Record<string, unknown>>;

function carried(found: Found, account: FoundAccount, it: UserResource | GroupResource, own: OwnPolicies): Entry {
  const { managed, policies } = attachedEntries(it.attached, account.id, found.partition, own.inAccount(account.name));
  const made = policies.filter((name) => !name.startsWith('stint-assume-'));
  return {
    ...(managed.length === 0 ? {} : { managed }),
    ...(made.length === 0 ? {} : { policies: made }),
    ...inlineMembers(inlineEntries(it.inline)),
  };
}

export function personEntry(found: Found, account: FoundAccount, user: UserResource, own: OwnPolicies): Entry {
  const boundary =
    user.boundary === undefined
      ? undefined
      : attachedEntries([user.boundary], account.id, found.partition, own.inAccount(account.name));
  const tags = Object.entries(user.tags).filter(([key]) => !/^(?:stint|aws):/.test(key));
  return {
    ...(user.path === '/' ? {} : { path: user.path }),
    ...(user.groups.length === 0 ? {} : { groups: user.groups }),
    ...carried(found, account, user, own),
    ...(boundary === undefined ? {} : { boundary: boundary.policies[0] ?? boundary.managed[0] }),
    ...(account.logins.has(user.name) ? { console: true } : {}),
    ...(tags.length === 0 ? {} : { tags: Object.fromEntries(tags) }),
  };
}

export function groupEntry(found: Found, account: FoundAccount, group: GroupResource, own: OwnPolicies): Entry {
  return carried(found, account, group, own);
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
