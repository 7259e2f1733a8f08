// Who uses which managed policy. Attachments and boundaries change here and nowhere else, so that
// counts and ListEntitiesForPolicy never have to walk an account.
import type { Place } from './entities.ts';
import { policyUsage, policyUsers } from './model.ts';

export type UsageKind = 'attached' | 'boundary';
export type UserKind = 'user' | 'group' | 'role';

function usageId(arn: string, usage: UsageKind, kind: UserKind, name: string): string {
  return `${arn} ${usage} ${kind} ${name.toLowerCase()}`;
}

function count(place: Place, arn: string, usage: UsageKind, by: 1 | -1): void {
  const table = place.world.table(policyUsage);
  const before = table.get(place.account, arn) ?? { attached: 0, boundaries: 0 };
  const after =
    usage === 'attached'
      ? { ...before, attached: before.attached + by }
      : { ...before, boundaries: before.boundaries + by };
  if (after.attached === 0 && after.boundaries === 0) table.delete(place.account, arn);
  else table.put(place.account, arn, after);
}

/** Records that the entity uses the policy from now on. It did not before. */
export function beginUse(place: Place, arn: string, usage: UsageKind, kind: UserKind, name: string): void {
  place.world.table(policyUsers).put(place.account, usageId(arn, usage, kind, name), true);
  count(place, arn, usage, 1);
}

/** Records that the entity no longer uses the policy. It did before. */
export function endUse(place: Place, arn: string, usage: UsageKind, kind: UserKind, name: string): void {
  place.world.table(policyUsers).delete(place.account, usageId(arn, usage, kind, name));
  count(place, arn, usage, -1);
}

/** Follows a rename of a user or group. */
export function moveUse(
  place: Place,
  kind: UserKind,
  row: { readonly attached: readonly string[]; readonly boundary?: string | undefined },
  names: { readonly from: string; readonly to: string },
): void {
  const uses = [
    ...row.attached.map((arn) => [arn, 'attached'] as const),
    ...(row.boundary === undefined ? [] : [[row.boundary, 'boundary'] as const]),
  ];
  for (const [arn, usage] of uses) {
    endUse(place, arn, usage, kind, names.from);
    beginUse(place, arn, usage, kind, names.to);
  }
}
