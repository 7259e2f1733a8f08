// What an import leaves out, and how it is told: nothing goes without a word.
import type { Finding } from '../findings.ts';
import { resourceKey, type SeenResource } from '../resources.ts';
import { isKey, type Found, type FoundAccount } from './found.ts';
import type { OwnPolicies } from './policies.ts';
import { passwordPolicy } from './people.ts';
import { ownerOf, reservedWhy } from './reserved.ts';
import { profileOf } from './role-drafts.ts';

/** What is known only in part is told elsewhere; a document without statements cannot be written down. */
function isUsable(account: FoundAccount, resource: SeenResource, findings: Finding[]): boolean {
  if (account.partly.has(`${resource.kind}/${resource.name}`)) return false;
  const document =
    resource.kind === 'role' ? resource.trust : resource.kind === 'policy' ? resource.document : undefined;
  if (document === undefined || document.Statement.length > 0) return true;
  findings.push({
    severity: 'warning',
    code: 'not-taken-over',
    account: account.name,
    resource: `${resource.kind}/${resource.name}`,
    message: 'its policy document has no statements that could be read',
  });
  return false;
}

/** The account as far as a definition speaks of it, and what was left out. */
export function withoutReserved(found: Found, findings: Finding[]): { found: Found; left: Map<string, number> } {
  const left = new Map<string, number>();
  const accounts = found.accounts.map((account) => {
    const kept: SeenResource[] = [];
    for (const resource of distinctResources(account, findings)) {
      const why = reservedWhy(resource, found.name);
      if (why === undefined && isUsable(account, resource, findings)) kept.push(resource);
      if (why !== undefined) left.set(why, (left.get(why) ?? 0) + 1);
    }
    const roles = new Set(kept.filter(({ kind }) => kind === 'role').map(({ name }) => name));
    const resources = kept.filter(
      (it) => it.kind !== 'instance-profile' || (it.role !== undefined && roles.has(it.role)),
    );
    return { ...account, resources };
  });
  return { found: { ...found, accounts }, left };
}

/** Two of one name in an account cannot both be there: the first is taken. */
function distinctResources(account: FoundAccount, findings: Finding[]): SeenResource[] {
  const seen = new Map<string, SeenResource>();
  for (const resource of account.resources) {
    const key = resourceKey(resource);
    if (!seen.has(key)) seen.set(key, resource);
    else {
      findings.push({
        severity: 'error',
        code: 'duplicate-name',
        account: account.name,
        resource: `${resource.kind}/${resource.name}`,
        message: `two are named \`${resource.name}\` in one account: the second ${resource.kind} cannot be created, and was not taken over`,
        hint: 'give one of them another name',
      });
    }
  }
  return [...seen.values()];
}

export function outsideCentral(found: Found): Finding[] {
  return found.accounts
    .filter(({ name }) => name !== found.central)
    .flatMap((account) =>
      account.resources
        .filter(({ kind }) => kind === 'user' || kind === 'group')
        .map(({ kind, name }): Finding => ({
          severity: 'warning',
          code: 'outside-central',
          account: account.name,
          resource: `${kind}/${name}`,
          message: `is a ${kind} outside the central account: a definition has people and groups there only, so it was not taken over`,
          hint: 'give the person a role in this account, and remove the user',
        })),
    );
}

export function partlyFindings(found: Found): Finding[] {
  return found.accounts.flatMap((account) =>
    [...account.partly].map(([resource, why]): Finding => ({
      severity: 'warning',
      code: 'seen-partly',
      account: account.name,
      resource,
      message: `${why}; it was not taken over`,
      hint: 'apply it, and import again, or write it by hand',
    })),
  );
}

/**
 * Instance profiles that no entry makes: of no role, of one that was left out, or a second one of a role. `all` has what
 * was left out, too. What is the definition's own is told by the plan that would remove it.
 */
function leftProfiles(found: Found, all: Found): Finding[] {
  return all.accounts.flatMap((account): Finding[] => {
    const kept = found.accounts.find(({ id }) => id === account.id)!;
    return account.resources.flatMap((it): Finding[] => {
      if (it.kind !== 'instance-profile' || ownerOf(it) !== undefined) return [];
      const holder = kept.resources.find(({ kind, name }) => kind === 'role' && name === it.role);
      // What AWS made for itself is counted, and told with its role.
      const reserved = account.resources.some(({ kind, name }) => kind === 'role' && name === it.role);
      if (holder === undefined && reserved) return [];
      if (holder !== undefined && profileOf(kept, holder.name) === it.name) return [];
      return [
        {
          severity: 'info',
          code: 'not-taken-over',
          account: account.name,
          resource: `instance-profile/${it.name}`,
          message:
            holder === undefined
              ? 'holds no role, and an entry makes a profile for its role only'
              : `is a second profile of role ${holder.name}, and an entry makes one`,
          hint: 'Stint leaves it as it is',
        },
      ];
    });
  });
}

/** `all` is what was found before anything was left out. */
export function leftFindings(found: Found, all: Found, policies: OwnPolicies): Finding[] {
  const { others } = passwordPolicy(found);
  return [
    ...leftProfiles(found, all),
    ...policies.left.map(({ text }): Finding => ({ severity: 'info', code: 'not-taken-over', message: text })),
    ...others.map((account): Finding => ({
      severity: 'warning',
      code: 'not-taken-over',
      account,
      message: 'has another password policy than most accounts; a definition sets one',
      hint: 'add the account to `passwordPolicy.in` to give it the same',
    })),
    ...(found.accounts.find(({ name }) => name === found.central)?.resources ?? [])
      .filter(({ kind, name }) => kind === 'group' && !isKey(name))
      .map(({ name }): Finding => ({
        severity: 'warning',
        code: 'not-taken-over',
        account: found.central,
        resource: `group/${name}`,
        message: 'no entry of a definition can have this name',
        hint: 'rename the group: `aws iam update-group --new-group-name`',
      })),
  ];
}
