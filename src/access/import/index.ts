// From live accounts, or from Terraform, to a definition.
import type { Millis } from '../../base/index.ts';
import type { Found, Imported } from './found.ts';
import type { Defaults } from './frame.ts';
import { importDefinition } from './definition.ts';
import type { Finding } from '../findings.ts';

export type { Found } from './found.ts';
export { foundInAws } from './from-aws.ts';
export { foundInTerraform, type AccountLabel, type TerraformInput } from './from-terraform.ts';
export { definitionYaml } from './yaml.ts';
export { variableFindings } from './variables.ts';

/**
 * A definition of what was found, with everything that is to be said of it. What has ended by `now` has ended in it.
 * With `fixed` defaults none are chosen.
 */
export function importFound(
  { found, findings }: { readonly found: Found; readonly findings: readonly Finding[] },
  now: Millis,
  fixed?: Defaults,
): Imported {
  const imported = importDefinition(found, now, fixed);
  return { ...imported, findings: [...findings, ...imported.findings] };
}
