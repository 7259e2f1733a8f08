// The one table of checks. docs/lint.md is generated from it, and every row has cases in test/cases/policy/validate.
import type { Check } from './check.ts';
import { actionChecks } from './checks/actions.ts';
import { conditionChecks } from './checks/conditions.ts';
import { documentChecks } from './checks/document.ts';
import { organizationChecks } from './checks/organization.ts';
import { powerChecks } from './checks/powers.ts';
import { principalChecks } from './checks/principals.ts';
import { resourceChecks } from './checks/resources.ts';
import { trustChecks } from './checks/trust.ts';
import { valueChecks } from './checks/values.ts';
import { variableChecks } from './checks/variables.ts';
import { wideChecks } from './checks/wide.ts';

/** A part of docs/lint.md. */
export interface CheckGroup {
  readonly title: string;
  readonly checks: readonly Check[];
}

export const checkGroups: readonly CheckGroup[] = [
  { title: 'The document', checks: documentChecks },
  { title: 'Actions', checks: actionChecks },
  { title: 'Resources', checks: resourceChecks },
  { title: 'Conditions', checks: conditionChecks },
  { title: 'Values of conditions', checks: valueChecks },
  { title: 'Variables', checks: variableChecks },
  { title: 'Principals', checks: principalChecks },
  { title: 'Trust policies', checks: trustChecks },
  { title: 'Grants that reach far', checks: wideChecks },
  { title: 'Organisation, tags and MFA', checks: organizationChecks },
  { title: 'What deserves a second look', checks: powerChecks },
];

export const checks: readonly Check[] = checkGroups.flatMap((group) => group.checks);
