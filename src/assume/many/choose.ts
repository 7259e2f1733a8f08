// Several targets in one word: names parted by commas, and patterns over names. Pure.
import { nearestName } from '../../base/index.ts';
import { failure } from '../failures.ts';

/** A target as it can be chosen from a list. */
export interface NamedTarget {
  readonly name: string;
  /** Of the definition: dev, test, prod… */
  readonly stage?: string | undefined;
}

/** What was typed to choose targets. */
export interface TargetChoice {
  /** Names and patterns. */
  readonly wanted: readonly string[];
  /** Only targets of these stages. */
  readonly stages: readonly string[];
}

/** The words of a list: `dev/x,test/*`. A comma inside braces belongs to the pattern. */
export function splitTargets(text: string): readonly string[] {
  return (text.match(/(?:\{[^{}]*\}|[^,])+/g) ?? []).map((word) => word.trim()).filter((word) => word !== '');
}

export function isPattern(text: string): boolean {
  return /[*?[\]{}]/.test(text);
}

const escape = (text: string): string => text.replace(/[.+^$()|\\/-]/g, String.raw`\$&`);

function pieceOf(piece: string): string {
  if (piece === '**') return '.*';
  if (piece === '*') return '[^/]*';
  if (piece === '?') return '[^/]';
  if (piece.startsWith('{')) {
    return `(?:${piece.slice(1, -1).split(',').map(expressionOf).join('|')})`;
  }
  if (piece.startsWith('[')) {
    const [, not, members] = /^\[([!^]?)(.*)\]$/.exec(piece)!;
    return `[${not === '' ? '' : '^/'}${members!.replace(/[\\\]^[]/g, String.raw`\$&`)}]`;
  }
  return escape(piece);
}

function expressionOf(pattern: string): string {
  return (pattern.match(/\*\*|\*|\?|\{[^{}]*\}|\[[!^]?[^\]/]+\]|[^*?[{]+|./g) ?? []).map(pieceOf).join('');
}

/**
 * Which names a pattern means: `*` and `?` stop at a slash, `**` does not, `[a-c]` is one letter, `{a,b}` one of several.
 * Case counts, as in names.
 */
export function patternMatcher(pattern: string): (name: string) => boolean {
  let expression: RegExp;
  try {
    expression = new RegExp(`^${expressionOf(pattern)}$`);
  } catch {
    throw failure('invalid-option', `\`${pattern}\` is not a pattern of targets`, {
      hint: 'write it like `prod/*`, `*/reader`, `{dev,test}/*` or `**`',
    });
  }
  return (name) => expression.test(name);
}

/** The same pattern with the word before its first wildcard put right: `prdo/*` for accounts of which one is `prod`. */
function nearPattern(pattern: string, names: readonly string[]): string | undefined {
  const [head = '', ...rest] = pattern.split('/');
  if (rest.length === 0 || isPattern(head)) return undefined;
  const near = nearestName(head, new Set(names.map((name) => name.split('/')[0]!)));
  const better = near === undefined ? undefined : [near, ...rest].join('/');
  return better !== undefined && better !== pattern && names.some(patternMatcher(better)) ? better : undefined;
}

function nothingFor(pattern: string, targets: readonly NamedTarget[]): Error {
  const names = targets.map(({ name }) => name);
  const plain = pattern.replace(/[*?[\]{}]/g, '');
  const near = nearPattern(pattern, names) ?? (plain === '' ? undefined : nearestName(plain, names));
  return failure('unknown-target', `no target matches \`${pattern}\``, {
    hint:
      near === undefined
        ? `\`stint ls\` lists the ${names.length} targets; \`*\` does not go beyond a slash, \`**\` does`
        : `did you mean \`${near}\`?`,
  });
}

function inStages(targets: readonly NamedTarget[], stages: readonly string[]): readonly NamedTarget[] {
  for (const stage of stages) {
    if (targets.some((target) => target.stage === stage)) continue;
    const known = [...new Set(targets.flatMap((target) => target.stage ?? []))];
    const near = nearestName(stage, known);
    throw failure('unknown-target', `no target is of the stage \`${stage}\``, {
      hint:
        near !== undefined
          ? `did you mean \`${near}\`?`
          : known.length === 0
            ? 'stages come from the definition: give it with `--config`, or run this where it is'
            : `the stages are ${known.join(', ')}`,
    });
  }
  return stages.length === 0 ? targets : targets.filter(({ stage }) => stage !== undefined && stages.includes(stage));
}

function otherStage(name: string, stages: readonly string[]): Error {
  const which = stages.map((stage) => `\`${stage}\``).join(' or ');
  return failure('unknown-target', `\`${name}\` is not known to be of the stage ${which}`, {
    hint: 'leave out `--stage`, or name targets of that stage; stages come from the definition',
  });
}

/**
 * The targets that were chosen, each once, in the order of `targets`. A name that is no pattern is taken as it is, also
 * if it is in no list, as an ARN is.
 * @throws Failure `unknown-target` for a pattern or stage without one, `invalid-option` for what is no pattern.
 */
export function chooseTargets(
  { wanted, stages }: TargetChoice,
  targets: readonly NamedTarget[],
): readonly NamedTarget[] {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const staged = inStages(targets, stages);
  const chosen = new Map<string, NamedTarget>();
  for (const word of wanted.length === 0 ? ['**'] : wanted) {
    const exact = byName.get(word) ?? (isPattern(word) ? undefined : { name: word });
    if (exact !== undefined && stages.length > 0 && !staged.includes(exact)) throw otherStage(word, stages);
    const found = exact === undefined ? staged.filter(({ name }) => patternMatcher(word)(name)) : [exact];
    if (found.length === 0) throw nothingFor(word, staged);
    for (const target of found) chosen.set(target.name, target);
  }
  return [...chosen.values()];
}

/** Whether a target is to be marked as production: by its stage, else by its name. For people; nothing depends on it. */
export function isProduction({ name, stage }: NamedTarget): boolean {
  if (stage !== undefined) return /^(?:prod|production|prd|live)$/i.test(stage);
  return /(?:^|[^a-z])(?:prod|production|prd)(?:[^a-z]|$)/i.test(name);
}
