// A list of accounts said in the shortest way that the definition has for it.

export interface KnownAccount {
  readonly name: string;
  readonly id: string;
  readonly stage: string;
  readonly ou?: string | undefined;
}

type Selector = readonly string[] | { readonly stage: readonly string[] } | { readonly except: readonly string[] };

/** Names that are still read at a glance. */
const shortList = 4;

/** The selector that means exactly `names`: the names while they are few, else whole stages, else all but some. */
export function selectorFor(accounts: readonly KnownAccount[], names: ReadonlySet<string>): Selector {
  const list = accounts.filter(({ name }) => names.has(name)).map(({ name }) => name);
  if (list.length <= shortList) return list;
  const stages = [...new Set(accounts.filter(({ name }) => names.has(name)).map(({ stage }) => stage))];
  const inStages = accounts.filter(({ stage }) => stages.includes(stage));
  if (inStages.length === list.length) return { stage: stages };
  const except = accounts.filter(({ name }) => !names.has(name)).map(({ name }) => name);
  return except.length < list.length ? { except } : list;
}

/** `only` for an entry that counts in some of the accounts of a role; undefined where it counts in all. */
export function onlyIn(all: readonly string[], some: ReadonlySet<string>): readonly string[] | undefined {
  return all.every((name) => some.has(name)) ? undefined : all.filter((name) => some.has(name));
}

/** A stage guessed from an account's name: the label that waves and selectors use. */
export function guessStage(name: string): string {
  const words: readonly (readonly [RegExp, string])[] = [
    [/prod|live/i, 'prod'],
    [/stag|uat|pre-?prod/i, 'staging'],
    [/test|qa|integration/i, 'test'],
    [/dev|sandbox|playground/i, 'dev'],
    [/central|management|master|payer|root|identity/i, 'central'],
  ];
  // `preprod` and `nonprod` hold `prod`, and are not.
  const clean = name.replace(/non-?prod/i, 'test').replace(/pre-?prod/i, 'staging');
  return words.find(([pattern]) => pattern.test(clean))?.[1] ?? 'other';
}

/** A name for an account that has none: names begin with a letter and hold letters, digits, `_` and `-`. */
export function accountName(text: string, taken: ReadonlySet<string>): string {
  const spelt = text
    .trim()
    .replaceAll(/[^\w-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  const name = /^[A-Za-z]/.test(spelt) ? spelt : `account-${spelt}`;
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name}-${count}`;
    if (!taken.has(candidate)) return candidate;
  }
}
