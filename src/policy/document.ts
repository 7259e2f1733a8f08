// IAM policy documents: parsed, checked and compiled once, then matched many times.
import { ByAction } from './by-action.ts';
import { compileCondition, type Condition } from './conditions.ts';
import { policyFailure } from './failures.ts';
import {
  DocumentReader,
  type DocumentSource,
  type GrammarProblem,
  type ListSource,
  type StatementSource,
} from './grammar.ts';
import { parseJsonText, placesOf } from './json-text.ts';
import { compilePattern, type TextPattern } from './pattern.ts';
import { PrincipalMatcher } from './principals.ts';
import { awsMessageOf, hintOf, stageOf, type DocumentKind, type PolicyProblem } from './problems.ts';
import type { Context } from './types.ts';

/** A document compiled for matching. */
export interface CompiledPolicy {
  /** The text as it was given. */
  readonly source: string;
  readonly kind: DocumentKind;
  /** What the text says, elements as plain lists. */
  readonly document: DocumentSource;
  readonly statements: readonly CompiledStatement[];
  /** The statements that cover `action`, in order. */
  statementsFor(action: string): readonly CompiledStatement[];
}

export interface CompiledStatement {
  readonly index: number;
  readonly source: StatementSource;
  readonly allows: boolean;
  readonly principal: { readonly not: boolean; readonly matcher: PrincipalMatcher } | undefined;
  coversAction(action: string): boolean;
  coversResource(arn: string, context: Context): boolean;
  readonly conditions: readonly Condition[];
}

/** The characters IAM and STS take in a policy parameter. */
const foreignCharacter = /[^\t\n\r\u0020-\u00ff]/;
// No policy is near it (AWS's largest managed one has 152,297 characters); what is longer is an attack on the parser.
export const longestText = 1_048_576;
const mostProblems = 100;

export interface ParseOptions {
  /** An identity policy that is to be a managed one: only the newest version is saved. */
  readonly managed?: boolean;
}

/**
 * Reads a policy of one kind. With problems there is no policy; the first problem is the one AWS would name. At most a
 * hundred are reported.
 */
export function parsePolicy(
  text: string,
  kind: DocumentKind,
  options: ParseOptions = {},
): { policy?: CompiledPolicy; problems: PolicyProblem[] } {
  const { document, problems } = readText(text, kind, options);
  if (document === undefined || problems.length > 0) {
    const ordered = problems.toSorted((a, b) => stageOf(a.rule) - stageOf(b.rule) || a.at - b.at);
    const place = placesOf(text);
    return { problems: ordered.slice(0, mostProblems).map((problem) => placed(problem, place(problem.at), kind)) };
  }
  return { policy: compileDocument(text, kind, document), problems: [] };
}

function readText(
  text: string,
  kind: DocumentKind,
  { managed }: ParseOptions,
): { document?: DocumentSource; problems: GrammarProblem[] } {
  if (text.length > longestText) {
    return {
      problems: [{ rule: 'size', message: `the policy is longer than ${longestText} characters`, at: 0, path: '$' }],
    };
  }
  const foreign = foreignCharacterAt(text, kind);
  if (foreign !== undefined) return { problems: [foreign] };
  const parsed = parseJsonText(text);
  if ('error' in parsed) {
    return {
      problems: [{ rule: 'json', message: `not JSON: ${parsed.error.message}`, at: parsed.error.at, path: '$' }],
    };
  }
  const reader = new DocumentReader(kind, managed);
  return { document: reader.read(parsed.root), problems: reader.problems };
}

/** The first character of `text` that IAM takes in no policy of this kind, as a problem. */
export function foreignCharacterAt(text: string, kind: DocumentKind): GrammarProblem | undefined {
  const foreign = kind === 'identity' || kind === 'trust' || kind === 'session' ? foreignCharacter.exec(text) : null;
  if (foreign === null) return undefined;
  const code = foreign[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return { rule: 'characters', message: `the character U+${code} is not allowed`, at: foreign.index, path: '$' };
}

function placed(problem: GrammarProblem, place: { line: number; column: number }, kind: DocumentKind): PolicyProblem {
  const organizational = kind === 'scp' || kind === 'rcp';
  return {
    rule: problem.rule,
    message: problem.message,
    hint: hintOf(problem.rule),
    awsMessage: (organizational ? undefined : problem.awsMessage) ?? awsMessageOf(problem.rule, kind),
    ...place,
    path: problem.path,
  };
}

function compileDocument(source: string, kind: DocumentKind, document: DocumentSource): CompiledPolicy {
  const variables = document.version === '2012-10-17';
  const statements = document.statements.map((statement, index) => new Statement(statement, index, variables));
  const table = new ByAction<readonly CompiledStatement[]>((action) =>
    statements.filter((statement) => statement.coversAction(action)),
  );
  return { source, kind, document, statements, statementsFor: (action) => table.get(action) };
}

class Statement implements CompiledStatement {
  readonly index: number;
  readonly source: StatementSource;
  readonly allows: boolean;
  readonly principal: CompiledStatement['principal'];
  readonly conditions: readonly Condition[];
  readonly #action: PatternList;
  readonly #resource: PatternList | undefined;

  constructor(source: StatementSource, index: number, variables: boolean) {
    this.index = index;
    this.source = source;
    this.allows = source.effect === 'Allow';
    this.principal = source.principal && {
      not: source.principal.not,
      matcher: new PrincipalMatcher(source.principal.who),
    };
    this.#action = new PatternList(
      source.action,
      (text) => compilePattern(text, { variables: false, wildcards: true, ignoreCase: true }),
      () => false,
    );
    this.#resource =
      source.resource && new PatternList(source.resource, (text) => resourcePattern(text, variables), isPlainResource);
    this.conditions = source.conditions.map((condition) =>
      compileCondition(condition, { variables, onDoubt: source.effect === 'Deny' }),
    );
  }

  coversAction(action: string): boolean {
    return this.#action.covers(action, noContext);
  }

  coversResource(arn: string, context: Context): boolean {
    return this.#resource === undefined || this.#resource.covers(arn, context);
  }
}

const noContext: Context = new Map();

/** A list that any pattern satisfies, or that none may (`NotAction`, `NotResource`). */
class PatternList {
  readonly #not: boolean;
  readonly #patterns: readonly TextPattern[];
  /** Values that are compared as they are; groups that may assume thousands of roles have thousands of them. */
  readonly #plain: ReadonlySet<string>;

  constructor(source: ListSource, compile: (text: string) => TextPattern, isPlain: (text: string) => boolean) {
    this.#not = source.not;
    this.#plain = new Set(source.values.filter(isPlain));
    this.#patterns = source.values.filter((text) => !isPlain(text)).map(compile);
  }

  covers(value: string, context: Context): boolean {
    if (this.#plain.has(value)) return !this.#not;
    for (const pattern of this.#patterns) if (pattern.matches(value, context)) return !this.#not;
    return this.#not;
  }
}

/** A full ARN without wildcard or variable. */
function isPlainResource(text: string): boolean {
  return !/[*?$]/.test(text) && text.split(':').length >= 6;
}

/**
 * A resource: missing segments of an ARN count as `*`; a variable before the fifth colon is plain text (IAM user guide,
 * "Resource" and "Where you can use policy variables").
 */
function resourcePattern(text: string, variables: boolean): TextPattern {
  // One `*` stands for all that is missing, since it crosses colons.
  const full = text === '*' || text.split(':').length >= 6 ? text : `${text}:*`;
  const head = full.split(':', 5).join(':');
  const literalHead = variables && head.includes('${');
  return compilePattern(full, { variables: variables && !literalHead, wildcards: true, ignoreCase: false });
}

/** Compiled documents by kind and text, so that a policy seen twice is not parsed twice. Owned by the caller. */
export interface PolicyCache {
  get(text: string, kind: DocumentKind): CompiledPolicy | undefined;
  set(policy: CompiledPolicy): void;
}

/** A cache of the `limit` most recently used documents. */
export function createPolicyCache(limit = 10_000): PolicyCache {
  const held = new Map<string, CompiledPolicy>();
  const keyOf = (text: string, kind: DocumentKind): string => `${kind} ${text}`;
  const keep = (key: string, policy: CompiledPolicy): void => {
    held.delete(key);
    held.set(key, policy);
    if (held.size > limit) held.delete(held.keys().next().value!);
  };
  return {
    get(text, kind) {
      const key = keyOf(text, kind);
      const policy = held.get(key);
      if (policy !== undefined) keep(key, policy);
      return policy;
    },
    set: (policy) => keep(keyOf(policy.source, policy.kind), policy),
  };
}

/**
 * Compiles a policy document.
 * @throws Failure `malformed-policy` (400): the message is AWS's, the hint names place and cure, `detail` holds all problems.
 */
export function compilePolicy(text: string, kind: DocumentKind, cache?: PolicyCache): CompiledPolicy {
  const known = cache?.get(text, kind);
  if (known !== undefined) return known;
  const { policy, problems } = parsePolicy(text, kind);
  if (policy === undefined) {
    const first = problems[0]!;
    throw policyFailure('malformed-policy', first.awsMessage, {
      hint: `${first.message} at line ${first.line}, column ${first.column} (\`${first.path}\`): ${first.hint}`,
      detail: problems,
    });
  }
  cache?.set(policy);
  return policy;
}
