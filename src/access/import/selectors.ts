// A list of accounts said in the shortest way that the definition has for it.

export interface KnownAccount {
  readonly name: string;
  readonly id: string;
  readonly stage: string;
  readonly ou?: string | undefined;
}

/** A list of names, or the members of a selector; a single value stands without brackets. */
export type ChosenSelector = readonly string[] | Readonly<Record<string, string | readonly string[]>>;

/** Names that are still read at a glance. */
const shortList = 4;
/** More exceptions than these are no rule. */
const mostExceptions = 3;

const ranked = ['central', 'other', 'dev', 'test', 'staging', 'prod'];

/** The order of stages in waves: what is named after nothing known comes before everything that is tried out on stages. */
export const stageRank = (stage: string): number => (ranked.includes(stage) ? ranked.indexOf(stage) : 1);

const short = (texts: readonly string[]): string | readonly string[] => (texts.length === 1 ? texts[0]! : texts);

/** The unit that all of some accounts lie in, as deep as it goes; undefined at the root. */
function sharedUnit(accounts: readonly KnownAccount[]): string | undefined {
  const paths = accounts.map(({ ou }) => ou?.split('/') ?? []);
  const [first = []] = paths;
  const depth = first.findIndex((part, index) => paths.some((path) => path[index] !== part));
  const shared = first.slice(0, depth === -1 ? first.length : depth);
  return shared.length === 0 ? undefined : shared.join('/');
}

/** A rule with the exceptions that it needs; undefined where there are too many. */
function ruled(
  rule: Readonly<Record<string, string | readonly string[]>>,
  fitting: readonly KnownAccount[],
  names: ReadonlySet<string>,
): ChosenSelector | undefined {
  const except = fitting.filter(({ name }) => !names.has(name)).map(({ name }) => name);
  if (except.length > mostExceptions || except.length * 2 > names.size) return undefined;
  return except.length === 0 ? rule : { ...rule, except };
}

/**
 * The selector that means exactly `names` among `accounts`: the names while they are `few`, else the shortest of stages, a unit and all,
 * each with its exceptions; of equal ones the first.
 */
export function selectorFor(
  accounts: readonly KnownAccount[],
  names: ReadonlySet<string>,
  few = shortList,
): ChosenSelector {
  const chosen = accounts.filter(({ name }) => names.has(name));
  const list = chosen.map(({ name }) => name);
  if (list.length <= few) return list;
  const stages = [...new Set(chosen.map(({ stage }) => stage))].sort((a, b) => stageRank(a) - stageRank(b));
  const unit = sharedUnit(chosen);
  const inUnit = (ou: string | undefined): boolean => ou === unit || ou?.startsWith(`${unit}/`) === true;
  const inStages = accounts.filter(({ stage }) => stages.includes(stage));
  const rules = [
    ruled({ stage: short(stages) }, inStages, names),
    unit === undefined
      ? undefined
      : ruled(
          { ou: unit },
          accounts.filter(({ ou }) => inUnit(ou)),
          names,
        ),
    ruled({}, accounts, names),
    list,
  ].filter((it) => it !== undefined && Object.keys(it).length > 0);
  return rules.toSorted((a, b) => JSON.stringify(a).length - JSON.stringify(b).length)[0]!;
}

/** `only` or `except` for an entry that counts in some of the accounts of a role; nothing where it counts in all. */
export function countingIn(
  all: readonly string[],
  some: ReadonlySet<string>,
): { readonly only?: readonly string[]; readonly except?: readonly string[] } {
  const except = all.filter((name) => !some.has(name));
  if (except.length === 0) return {};
  const only = all.filter((name) => some.has(name));
  return except.length * 2 < only.length ? { except } : { only };
}

/** A stage guessed from an account's name, else from its unit: the label that waves and selectors use. */
export function guessStage(name: string, ou?: string): string {
  const words: readonly (readonly [RegExp, string])[] = [
    [/prod|live/i, 'prod'],
    [/stag|uat|pre-?prod/i, 'staging'],
    [/test|qa|integration/i, 'test'],
    [/dev|sandbox|playground/i, 'dev'],
    [/central|management|master|payer|root|identity/i, 'central'],
  ];
  // `preprod` and `nonprod` hold `prod`, and are not.
  const clean = name.replace(/non-?prod/i, 'test').replace(/pre-?prod/i, 'staging');
  const stage = words.find(([pattern]) => pattern.test(clean))?.[1];
  if (stage !== undefined || ou === undefined) return stage ?? 'other';
  const inUnit = guessStage(ou);
  // A unit that names no stage is a label of its own: `Core/Security` is `core`.
  const label = ou
    .split('/')[0]!
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');
  return inUnit === 'other' && /[a-z]/.test(label) ? label : inUnit;
}

/** A name for an account that has none of `taken`, which are in small letters: names begin with a letter and hold letters, digits, `_` and `-`. */
export function accountName(text: string, taken: ReadonlySet<string>): string {
  const spelt = text
    .trim()
    .replaceAll(/[^\w-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  const name = /^[A-Za-z]/.test(spelt) ? spelt : `account-${spelt}`;
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name}-${count}`;
    // Names that differ in case only are one name to a definition.
    if (!taken.has(candidate.toLowerCase())) return candidate;
  }
}
