// Access as code: from one definition to what every account holds, and back to nothing.
export { loadDefinition, type LoadedDefinition } from './load.ts';
export { located, locatorOf, type Locator } from './definition-place.ts';
export { compileDefinition, type Wanted } from './compile.ts';
export { resolveOutputs } from './outputs.ts';
export { planAdoption, type Change, type Plan } from './plan.ts';
export { accessText, changeText, planJson, planText, type PlanTextOptions, permissionsJson } from './report.ts';
export { driftLines } from './report-changes.ts';
export { findingLines } from './report-findings.ts';
export type { AccountRef, WantedAccount } from './resources.ts';
export { applyDefinition, makePlan, type ApplyResult } from './apply.ts';
export { readinessLine } from './outcome.ts';
export { openJournal, type Journal, type JournalHeader, type RunHolder } from './journal.ts';
export { chooseRun, readRun, runNames, runState, type Run } from './runs.ts';
export { planUndo, undoScope } from './undo.ts';
export { hubPolicy } from './executor-organization.ts';
export { executorPolicy, executorTrust } from './executor-rights.ts';
export { adoptDrift } from './adopted-drift.ts';
export { findDrift, type Drift } from './drift.ts';
export type { RunEvent } from './run-events.ts';
export type { Tolerance } from './waves.ts';
export { isPlanFile, readPlanFile, writePlanFile, type PlanFile } from './plan-file.ts';
export type { PasswordSink } from './passwords.ts';
export { accessFailure } from './failures.ts';
export { writeExport, type WrittenRoot } from './terraform/export-write.ts';
export { terraformPlanDetails } from './terraform/index.ts';
export {
  definitionYaml,
  foundInAws,
  foundInTerraform,
  importFound,
  variableFindings,
  type AccountLabel,
  type TerraformInput,
} from './import/index.ts';
export type { Imported } from './import/found.ts';
export type { Finding } from './findings.ts';
export { findingKinds } from './finding-codes.ts';
export { lintDefinition } from './lint.ts';
export { definedDetails, policyFileDetails, readPolicyFile, withResourcePolicy } from './questions.ts';
export { liveHubPolicy, livePolicy } from './live-rights.ts';
export { diffLive, readLive, type LiveScope, type Unread } from './live.ts';
export { judgeTerraformPlan } from './terraform/gate.ts';
