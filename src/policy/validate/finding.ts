// What the linter says: one finding with its place, its cure and where the rule comes from.

/** What a document is used as. A permissions boundary is read as an identity policy that grants nothing. */
export type LintKind = 'identity' | 'resource' | 'trust' | 'scp' | 'rcp' | 'boundary' | 'session';

/**
 * `error`: AWS refuses it, or it cannot mean what was meant. `security`: it lets in more than it seems to. `warning`: it
 * may not do what it says. `suggestion`: the same could be said better.
 */
export type LintSeverity = 'error' | 'security' | 'warning' | 'suggestion';

export interface PolicyFinding {
  /** Stable id of the check, as in docs/lint.md. */
  readonly code: string;
  readonly severity: LintSeverity;
  /** Lower-case sentence, input in backticks. */
  readonly message: string;
  /** The next thing to do. */
  readonly cure: string;
  /** Who else has the check, such as `Access Analyzer: Invalid action`. */
  readonly sources: readonly string[];
  /** Index in the Statement list; absent when the finding is about the whole document. */
  readonly statement?: number | undefined;
  readonly sid?: string | undefined;
  /** `$.Statement[0].Action[1]`. */
  readonly path: string;
  /** Both from 1; absent when the document was given as an object. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}
