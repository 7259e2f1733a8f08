// The IAM language: parse, match, evaluate, explain. Pure: no I/O, no clock, no process.
export type * from './types.ts';
export { compilePolicy, createPolicyCache, parsePolicy, type CompiledPolicy, type PolicyCache } from './document.ts';
export type { DocumentKind, PolicyProblem } from './problems.ts';
export type { ConditionSource } from './conditions.ts';
export { preparePrincipal } from './prepare.ts';
export { evaluate } from './evaluate.ts';
export { denialMessage, type DenialOptions } from './message.ts';
export { contextOf, type ContextValue } from './context.ts';
export { contextKeysOf, statementKeys } from './context-keys.ts';
export { readOperator } from './operators.ts';
export { wildcardMatcher } from './pattern.ts';
export { statementPlaces } from './statement-places.ts';
export {
  explain,
  type ConditionTrace,
  type PartTrace,
  type PolicyTrace,
  type StatementTrace,
  type Trace,
} from './explain.ts';
export { renderTrace } from './trace-text.ts';
export { canonicalPolicy } from './canonical.ts';
export { policyLimits, policySize } from './limits.ts';
export type * from './access/details.ts';
export type { Catalog } from './catalog/catalog.ts';
export { loadCatalog } from './catalog/load.ts';
export { managedDocuments } from './catalog/managed.ts';
export type {
  AccessLevel,
  ActionResource,
  CatalogAction,
  CatalogService,
  ConditionKey,
  ResourceType,
} from './catalog/table.ts';
export { scpSources } from './validate/checks/organization.ts';
export { policyFailure } from './failures.ts';
export { can, type CanAnswer, type StatementPlace } from './access/can.ts';
export { accountOfArn, Directory, policyCarrier, type Question } from './access/directory.ts';
export { inSession, type Subject } from './access/subjects.ts';
export { rcpServices } from './access/rcp-services.ts';
export { whoCan, type Actor, type Way } from './access/who-can.ts';
export { severityRank, validatePolicy, type ValidateOptions } from './validate/validate.ts';
export { checkGroups, type CheckGroup } from './validate/table.ts';
export type { Check } from './validate/check.ts';
export type { LintKind, LintSeverity, PolicyFinding } from './validate/finding.ts';
export {
  Escalations,
  methods as escalationMethods,
  newEscalations,
  type Edge,
  type EscalationPath,
  type Gain,
  type Grant as EscalationGrant,
  type Method,
} from './escalation/index.ts';
export {
  accessDiff,
  type AccessChange,
  type AccessDiff,
  type ChangedPrincipal,
  type TrustChange,
} from './access/diff.ts';
export { diffJson } from './access/diff-json.ts';
export { accessDiffLines, isGain } from './access/diff-text.ts';
export { accessBriefLines, type BriefOptions } from './access/diff-brief.ts';
export type { Grant } from './access/grants.ts';
export type { AccessKind } from './access/kinds.ts';
export { nobody, type TrustShift } from './access/trust-diff.ts';
