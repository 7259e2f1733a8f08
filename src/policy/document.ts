// IAM policy documents: parsed, checked and compiled once.

/** A document compiled for matching. */
export interface CompiledPolicy {
  /** The text as it was given. */
  readonly source: string;
}
