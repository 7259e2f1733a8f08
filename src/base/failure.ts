// The one class of coded failures. A failure has a public part (code, message, hint) that may be
// printed anywhere, and a private part (detail, cause) that only logs and audit records may carry.

/** What a room declares about one of its failure codes; the error page is printed from it. */
export interface FailureKind {
  /** HTTP status used when the failure leaves through a server. */
  readonly status: number;
  /** One sentence for the generated page of error codes: when this happens. */
  readonly when: string;
}

export interface FailureOptions {
  /** The next action for the person who reads it. Public. */
  readonly hint?: string | undefined;
  /** HTTP status; 500 unless the code's table says otherwise. */
  readonly status?: number | undefined;
  /** Only for logs and audit. Never a secret. */
  readonly detail?: unknown;
  readonly cause?: unknown;
}

const brand = Symbol.for('stint.failure');

/**
 * A failure that a person or program can act on. `code` is stable; `message` is lower-case,
 * without a full stop, user input in backticks; `hint` names the cure.
 */
export class Failure extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly status: number;
  readonly detail: unknown;
  readonly [brand] = true;

  constructor(code: string, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.hint = options.hint;
    this.status = options.status ?? 500;
    this.detail = options.detail;
  }

  /** The public part only. */
  toJSON(): { code: string; message: string; hint?: string } {
    return { code: this.code, message: this.message, ...(this.hint === undefined ? {} : { hint: this.hint }) };
  }
}

/**
 * True for a `Failure` of any bundle: each command is a bundle of its own, so `instanceof`
 * would miss failures that cross from one to the other.
 */
export function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && brand in value;
}

/** The failure constructor of a room, with its table for the page of error codes. */
export interface Failures<Code extends string> {
  (code: Code, message: string, options?: FailureOptions): Failure;
  readonly kinds: Readonly<Record<string, FailureKind>>;
}

/**
 * Makes the failure constructor of a room from its table of codes, so that a code which is not in
 * the table does not compile.
 */
export function failuresOf<const Table extends Readonly<Record<string, FailureKind>>>(
  table: Table,
): Failures<keyof Table & string> {
  const make = (code: keyof Table & string, message: string, options: FailureOptions = {}): Failure =>
    new Failure(code, message, { ...options, status: options.status ?? table[code]!.status });
  return Object.assign(make, { kinds: table });
}
