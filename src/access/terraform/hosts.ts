// Instances and templates, as far as they hand credentials out.
import type { Finding } from '../findings.ts';
import type { TerraformHost } from './build.ts';

/** Instances that hand credentials out by version 1 of the metadata service, or may. */
export function hostFindings(hosts: readonly TerraformHost[]): Finding[] {
  return hosts
    .filter(({ httpTokens }) => httpTokens !== 'required')
    .map(({ address, httpTokens, unknown }) => ({
      severity: 'warning',
      code: 'imdsv2-not-required',
      message:
        unknown || httpTokens === undefined
          ? `\`${address}\` does not say that IMDSv2 is required: its image decides`
          : `\`${address}\` lets IMDSv1 hand out its role's credentials: a request forged through it is enough to take them`,
      hint: 'add `metadata_options { http_tokens = "required" }`',
    }));
}
