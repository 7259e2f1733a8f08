// Terraform files as what accounts hold: a state as it is, a plan as it is and as it would be.
import type { Finding } from '../findings.ts';
import type { SeenAccount } from '../resources.ts';
import { buildAccess, type TerraformAccess } from './build.ts';
import { carrierKey, ownPieces, type Outside, type UnknownValue } from './carried.ts';
import { piecesOf } from './pieces.ts';
import { placeResources } from './placement.ts';
import { readTerraform, type TerraformFile } from './read.ts';
import { lookUp, nameOfResource } from './references.ts';

export { readTerraform };
export { accountNames } from './account-names.ts';
export { hostFindings } from './hosts.ts';
export type { TerraformAccess } from './build.ts';

export interface TerraformPlanDetails {
  /** What accounts hold now, as far as the plan's state knows. `id` is `provider aws.dev` where no id is known. */
  readonly before: readonly SeenAccount[];
  /** What they would hold. Unknown values are left out of it and listed in `unknowns`. */
  readonly after: readonly SeenAccount[];
  readonly unknowns: readonly UnknownValue[];
  readonly findings: readonly Finding[];
}

/** Policies on roles that AWS showed and that no resource of the state made. */
function outsideOf(file: TerraformFile): Map<string, Outside> {
  const placement = placeResources(file.before, file.configuration.accounts);
  const lookup = lookUp(file.before, file.configuration, placement);
  const pieces = file.before.flatMap((it) => piecesOf(it, lookup));
  const outside = new Map<string, Outside>();
  for (const resource of file.before) {
    const account = placement.accountOf(resource);
    if (resource.type !== 'aws_iam_role' || account === undefined) continue;
    const name = nameOfResource(resource);
    const own = ownPieces(resource);
    const made = pieces.filter(
      (it) => it.kind === 'role' && it.carrier === name && placement.accountOf(it.from) === account,
    );
    const attached = own.attached.filter(
      (arn) => !made.some(({ says }) => 'attached' in says && says.attached === arn),
    );
    const inline = Object.entries(own.inline).filter(
      ([policy]) => !made.some(({ says }) => 'inline' in says && says.inline === policy),
    );
    outside.set(carrierKey(account, 'role', name), { attached, inline: Object.fromEntries(inline) });
  }
  return outside;
}

/** What the file says of access: a state as it is, a plan as it would be once applied. */
export function terraformAccess(file: TerraformFile): TerraformAccess {
  const built =
    file.format === 'plan'
      ? buildAccess(file.after, file.configuration, outsideOf(file))
      : buildAccess(file.after, file.configuration);
  return { ...built, findings: [...file.findings, ...built.findings] };
}

/** What a file says of access before a plan is applied; of a state nothing is before. */
export function terraformBefore(file: TerraformFile): readonly SeenAccount[] {
  return file.format === 'plan' ? buildAccess(file.before, file.configuration).accounts : [];
}

/**
 * A plan of Terraform before and after, for a judge of other people's Terraform.
 * @throws Failure `terraform-unreadable`, `terraform-encrypted`, `terraform-version`.
 */
export function terraformPlanDetails(name: string, text: string): TerraformPlanDetails {
  const file = readTerraform(name, text);
  const { accounts, unknowns, findings } = terraformAccess(file);
  return { before: terraformBefore(file), after: accounts, unknowns, findings };
}
