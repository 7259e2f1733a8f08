// What a check is: a row of the table that docs/lint.md is generated from, with a pure function that finds.
import type { GrammarProblem } from '../grammar.ts';
import type { PolicyRule } from '../problems.ts';
import type { LintCatalog } from './catalog.ts';
import type { LintKind, LintSeverity } from './finding.ts';
import type { LintCondition, LintDocument, LintList, LintStatement, Spot, TextSpot } from './lint-document.ts';

/** Everything that a check may look at. */
export interface LintScope {
  readonly document: LintDocument;
  readonly kind: LintKind;
  /** CloudFormation's name of what carries a resource policy, such as `AWS::S3::Bucket`. */
  readonly resourceType: string | undefined;
  /** The partition that ARNs should be of, where it is known. */
  readonly partition: string | undefined;
  /** Characters as AWS counts them for its quotas. */
  readonly size: number;
  /** What the grammar has found. */
  readonly problems: readonly GrammarProblem[];
  readonly catalog: LintCatalog;
  /** Actions on resources that the caller wants to be told of; both may hold wildcards. */
  readonly sensitive: readonly SensitiveAccess[];
}

/** An action and the ARN pattern of resources on which nobody should have it unseen. */
export interface SensitiveAccess {
  readonly action: string;
  readonly resource: string;
}

/** One place that a check has found. */
export interface Found extends Spot {
  readonly message: string;
  /** Instead of the check's own cure, where the place tells a better one. */
  readonly cure?: string | undefined;
}

export interface Check {
  /** Stable: programs and people refer to it. */
  readonly id: string;
  readonly severity: LintSeverity;
  /** What is wrong, for the table of checks. */
  readonly title: string;
  readonly cure: string;
  /** Who else has the check; empty when only Stint has. */
  readonly sources: readonly string[];
  /** Kinds of document it looks at; all when absent. */
  readonly kinds?: readonly LintKind[];
  /** Says nothing where another error stands at the same place: that one says it better. */
  readonly fallback?: true;
  readonly find: (scope: LintScope) => readonly Found[];
}

/** Access Analyzer's check, by its title in the IAM user guide. */
export const analyzer = (title: string): string => `Access Analyzer: ${title}`;
/** Parliament's finding of that name. */
export const parliament = (name: string): string => `parliament: ${name}`;

/** The rules of the grammar, as findings; `only` chooses among a rule's problems. */
export function grammar(
  rules: readonly PolicyRule[],
  only: (problem: GrammarProblem, scope: LintScope) => boolean = () => true,
): Check['find'] {
  return (scope) =>
    scope.problems
      .filter((problem) => rules.includes(problem.rule) && only(problem, scope))
      .map(({ message, at, path }) => ({ message, at, path }));
}

export type FindInStatement = (statement: LintStatement, scope: LintScope) => readonly Found[];

/** A check of one statement at a time. */
export function eachStatement(find: FindInStatement): Check['find'] {
  return (scope) => scope.document.statements.flatMap((statement) => find(statement, scope));
}

/** A check of one condition at a time. */
export function eachCondition(
  find: (condition: LintCondition, statement: LintStatement, scope: LintScope) => string | undefined,
): Check['find'] {
  return eachStatement((statement, scope) =>
    statement.conditions.flatMap((condition) => {
      const message = find(condition, statement, scope);
      return message === undefined ? [] : [found(condition, message)];
    }),
  );
}

/** A check of one text of a list at a time. */
export function eachItem(
  list: (statement: LintStatement) => LintList | undefined,
  find: (item: TextSpot, statement: LintStatement, scope: LintScope) => string | undefined,
): Check['find'] {
  return eachStatement((statement, scope) =>
    (list(statement)?.items ?? []).flatMap((item) => {
      const message = find(item, statement, scope);
      return message === undefined ? [] : [found(item, message)];
    }),
  );
}

export function found({ at, path }: Spot, message: string, cure?: string): Found {
  return { at, path, message, ...(cure === undefined ? {} : { cure }) };
}

/** `a`, `b` and 3 more: a list that stays readable. */
export function shown(texts: readonly string[], most = 4): string {
  const first = texts.slice(0, most).map((text) => `\`${text}\``);
  const more = texts.length > most ? [`${texts.length - most} more`] : [];
  const all = [...first, ...more];
  return all.length < 2 ? all.join() : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}
