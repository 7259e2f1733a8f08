// Access as code: from one definition to what every account holds, and back to nothing.
export { defineAccess, type TypedDefinition } from './define.ts';
export { loadDefinition, type LoadedDefinition, type LoadOptions } from './load.ts';
export { definitionSchema, type Definition, type DefinitionInput } from './model.ts';
export { compileDefinition, type Wanted } from './compile.ts';
export { resolveOutputs } from './outputs.ts';
export { planChanges, planRemoval, type Change, type Plan, type Step } from './plan.ts';
export { findingLines, planJson, planText, summaryLine } from './report.ts';
export type { Finding } from './findings.ts';
export type { SeenAccount, SeenResource, WantedAccount } from './resources.ts';
export { applyDefinition, makePlan, type ApplyContext, type ApplyResult, type PlanContext } from './apply.ts';
export { openJournal, type Journal, type JournalHeader } from './journal.ts';
export { readPlanFile, writePlanFile, type PlanFile } from './plan-file.ts';
export type { PasswordSink } from './passwords.ts';
export { accessFailure } from './failures.ts';
