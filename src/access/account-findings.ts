// What stands in the way of a plan, or should be known before it is carried out.
import type { Detail } from './details.ts';
import { deletedPrincipals, type ResolvePrincipal } from './documents.ts';
import type { Finding } from './findings.ts';
import { targetId } from './organization-steps.ts';
import { isOwned } from './ownership.ts';
import type { AccountRef, Resource, SeenAccount, SeenResource } from './resources.ts';

/** IAM takes two spellings of a name for one, but its ARNs do not; and nothing but users and groups can be renamed or moved. */
export function misplacedFinding(account: AccountRef, want: Resource, seen: SeenResource): Finding[] {
  const place = (it: Resource): string => ('path' in it ? `${it.path}${it.name}` : it.name);
  if (want.kind === 'user' || want.kind === 'group' || place(want) === place(seen)) return [];
  return [
    {
      severity: 'error',
      code: 'misplaced',
      account: account.name,
      resource: `${want.kind}/${want.name}`,
      message: `is \`${place(seen)}\` in AWS, wanted as \`${place(want)}\`: AWS cannot rename it, and ARNs tell the two apart`,
      hint: 'spell it as it is, or take it out, apply, and put it in again',
    },
  ];
}

export function deletedFinding(account: AccountRef, seen: SeenResource, resolve: ResolvePrincipal): Finding[] {
  const gone = seen.kind === 'role' ? deletedPrincipals(seen.trust, resolve) : [];
  if (gone.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'deleted-principal',
      account: account.name,
      resource: `role/${seen.name}`,
      message: `trusts ${gone.map((id) => `\`${id}\``).join(', ')}, which was deleted; one of the same name made since is not trusted`,
      hint: 'apply writes the trust anew',
    },
  ];
}

/** A policy that goes while something of others still carries it cannot be deleted. */
export function inUseFinding(
  account: AccountRef,
  policy: SeenResource,
  seen: SeenAccount,
  definition: string,
): Finding[] {
  const users = seen.resources.filter(
    (it) =>
      'attached' in it &&
      !isOwned(it, definition) &&
      (it.attached.includes(policy.arn ?? '') || ('boundary' in it && it.boundary === policy.arn)),
  );
  if (policy.kind !== 'policy' || users.length === 0) return [];
  return [
    {
      severity: 'error',
      code: 'policy-in-use',
      account: account.name,
      resource: `policy/${policy.name}`,
      message: `is still used by ${users.map(({ kind, name }) => `${kind} ${name}`).join(', ')}, which Stint did not make`,
      hint: 'detach it there first, or keep the policy',
    },
  ];
}

/** Ours, wanted no more, and protected. `hasEntry`: everything is taken down, and the definition still names it. */
export function protectedFinding(account: AccountRef, seen: SeenResource, hasEntry: boolean): Finding {
  return {
    severity: 'error',
    code: 'protected',
    account: account.name,
    resource: `${seen.kind}/${seen.name}`,
    message: 'is protected: no plan removes it',
    hint: hasEntry
      ? 'take `protect` (or `marked: break-glass`) out of the entry, apply, then destroy'
      : 'put its entry back, take `protect` (or `marked: break-glass`) out of it and apply; after that it can go',
  };
}

/** Something that is only watched is not as it is written. */
export function driftFinding(
  account: AccountRef,
  want: Resource,
  seen: SeenResource | undefined,
  details: readonly Detail[],
): Finding {
  const differences = details.map(({ sign, text }) => `${sign} ${text}`).join('; ');
  return {
    severity: 'warning',
    code: 'observed-drift',
    account: account.name,
    resource: `${want.kind}/${want.name}`,
    message:
      seen === undefined
        ? 'is only watched, and is not there'
        : `is only watched, and is not as written: ${differences}`,
    hint: 'write it as it is, or take `mode: observe` out to have it put right',
  };
}

/** Guard rails where they cannot be made, or on units that do not exist. */
export function targetFindings(account: AccountRef, want: Resource, seen: SeenAccount): Finding[] {
  if (want.kind !== 'organization-policy') return [];
  const place = { account: account.name, resource: `organization-policy/${want.name}` };
  const { organization } = seen;
  if (organization === undefined || organization.management !== account.id) {
    const message =
      organization === undefined
        ? 'cannot be made: AWS does not tell the organisation'
        : `cannot be made here: the management account is \`${organization.management}\``;
    const hint =
      organization === undefined
        ? 'use credentials of the management account'
        : 'mark that account with `management: true`, and use its credentials';
    return [{ severity: 'error', code: 'not-management', ...place, message, hint }];
  }
  return want.targets
    .filter((target) => targetId(organization, target) === undefined)
    .map((target) => ({
      severity: 'error',
      code: 'unit-unknown',
      ...place,
      message: `the organisation has no unit \`${target.slice(3)}\``,
      hint: 'units are named from the root, as in `Workloads/Prod`',
    }));
}

/** AWS does not show the guard rails, so none that is left over is seen. Where one is wanted, `not-management` tells. */
export function unreadFindings(account: AccountRef, seen: SeenAccount): Finding[] {
  if (seen.unread !== true) return [];
  return [
    {
      severity: 'info',
      code: 'guardrails-unread',
      account: account.name,
      message: 'AWS does not show the guard rails of the organisation: any that this definition once made is not seen',
      hint: 'allow the reads that `stint doctor --executor-policy --read-only` prints, or use the management account',
    },
  ];
}
