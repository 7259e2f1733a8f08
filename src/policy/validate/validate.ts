// The linter of policy documents: one text in, every finding with its place out.
import { DocumentReader, type GrammarProblem } from '../grammar.ts';
import { parseJsonText, placesOf, type JsonNode } from '../json-text.ts';
import { policySize } from '../limits.ts';
import { foreignCharacterAt, longestText } from '../document.ts';
import type { DocumentKind } from '../problems.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { lintCatalog } from './catalog.ts';
import type { Check, Found, LintScope, SensitiveAccess } from './check.ts';
import type { LintKind, LintSeverity, PolicyFinding } from './finding.ts';
import { readLintDocument, type LintDocument } from './lint-document.ts';
import { checks } from './table.ts';

export interface ValidateOptions {
  readonly kind: LintKind;
  /** What carries a resource policy, in CloudFormation's words: `AWS::S3::Bucket`. Some checks need it. */
  readonly resourceType?: string | undefined;
  /** The partition that ARNs must be of; any that exists when absent. */
  readonly partition?: string | undefined;
  readonly catalog: Catalog;
  readonly sensitive?: readonly SensitiveAccess[] | undefined;
}

/** A boundary is written as an identity policy is. */
const documentKind = (kind: LintKind): DocumentKind => (kind === 'boundary' ? 'identity' : kind);

const emptyDocument: LintDocument = {
  at: 0,
  path: '$',
  version: undefined,
  hasVersion: false,
  variables: false,
  statements: [],
};

function readProblems(
  text: string,
  kind: DocumentKind,
): { readonly root?: JsonNode; readonly problems: readonly GrammarProblem[] } {
  if (text.length > longestText) {
    return { problems: [{ rule: 'size', message: `longer than ${longestText} characters`, at: 0, path: '$' }] };
  }
  const parsed = parseJsonText(text);
  if ('error' in parsed) {
    const { message, at } = parsed.error;
    return { problems: [{ rule: 'json', message: `not JSON: ${message}`, at, path: '$' }] };
  }
  const reader = new DocumentReader(kind);
  reader.read(parsed.root);
  const foreign = foreignCharacterAt(text, kind);
  return { root: parsed.root, problems: foreign === undefined ? reader.problems : [foreign, ...reader.problems] };
}

interface Raised extends Found {
  readonly check: Check;
}

function raise(scope: LintScope): Raised[] {
  const raised = checks
    .filter(({ kinds }) => kinds === undefined || kinds.includes(scope.kind))
    .flatMap((check) => check.find(scope).map((it): Raised => ({ ...it, check })));
  const wrong = new Set(
    raised.filter(({ check }) => check.severity === 'error' && !check.fallback).map((it) => it.path),
  );
  return raised.filter(({ check, path }) => check.fallback !== true || !wrong.has(path));
}

const severities: readonly LintSeverity[] = ['error', 'security', 'warning', 'suggestion'];

/** How bad a severity is: smaller is worse. */
export function severityRank(severity: LintSeverity): number {
  return severities.indexOf(severity);
}

/**
 * Every finding about a policy, in the order of the text. A text is told with line and column; an object is judged as
 * its JSON, and its findings have paths only. Pure, and total: what is no policy at all is one finding.
 */
export function validatePolicy(policy: string | object, options: ValidateOptions): readonly PolicyFinding[] {
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
  const { root, problems } = readProblems(text, documentKind(options.kind));
  const document = root === undefined ? emptyDocument : readLintDocument(root);
  const raised = raise({
    document,
    kind: options.kind,
    resourceType: options.resourceType,
    partition: options.partition,
    size: policySize(text, documentKind(options.kind)),
    problems,
    catalog: lintCatalog(options.catalog),
    sensitive: options.sensitive ?? [],
  });
  const place = placesOf(text);
  return raised
    .toSorted((a, b) => a.at - b.at || severityRank(a.check.severity) - severityRank(b.check.severity))
    .map((it) => ({ ...findingOf(it, document), ...(typeof policy === 'string' ? place(it.at) : {}) }));
}

function findingOf({ check, message, cure, path }: Raised, document: LintDocument): PolicyFinding {
  const index = path === '$.Version' ? -1 : statementIndex(path, document);
  const statement = document.statements[index];
  return {
    code: check.id,
    severity: check.severity,
    message,
    cure: cure ?? check.cure,
    sources: check.sources,
    ...(statement === undefined ? {} : { statement: index }),
    ...(statement?.sid === undefined || statement.sid.text === '' ? {} : { sid: statement.sid.text }),
    path,
  };
}

function statementIndex(path: string, { statements }: LintDocument): number {
  const index = /^\$\.Statement\[(\d+)\]/.exec(path)?.[1];
  if (index !== undefined) return Number(index);
  return path.startsWith('$.Statement') && statements.length === 1 ? 0 : -1;
}
