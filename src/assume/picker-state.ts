// What a picker shows and what a key does to it: pure, so that every key is a row of a table in the tests. The terminal is
// picker.ts.

/** Something to pick. */
export interface Choice {
  readonly name: string;
  /** What else a person may search for and see: account, role, region. */
  readonly detail: string;
  readonly production: boolean;
}

export interface PickerState {
  /** Recent ones first. */
  readonly choices: readonly Choice[];
  /** Lower-case texts of the choices, in which words are looked for. */
  readonly texts: readonly string[];
  readonly query: string;
  /** Indexes of the choices that match. */
  readonly matching: readonly number[];
  /** Place of the marked one in `matching`. */
  readonly marked: number;
}

/** What came of a key: a new state, the name that was picked, or the wish to end. */
export type Step = PickerState | { readonly picked: string } | 'ended';

/** The choices with recently used ones first, latest first, and the others as they stand. */
export function startPicker(choices: readonly Choice[], recent: readonly string[]): PickerState {
  const rank = new Map(recent.map((name, index) => [name, index]));
  const used = choices
    .filter(({ name }) => rank.has(name))
    .sort((one, other) => rank.get(one.name)! - rank.get(other.name)!);
  const ordered = [...used, ...choices.filter(({ name }) => !rank.has(name))];
  const texts = ordered.map(({ name, detail }) => `${name} ${detail}`.toLowerCase());
  return withQuery({ choices: ordered, texts, query: '', matching: [], marked: 0 }, '');
}

/** Every word must be somewhere in the text; where all of them are in the name, the choice comes first. */
function withQuery(state: PickerState, query: string): PickerState {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const found = state.texts.flatMap((text, index) => (words.every((word) => text.includes(word)) ? [index] : []));
  const named = (index: number): boolean => {
    const name = state.choices[index]!.name.toLowerCase();
    return words.every((word) => name.includes(word));
  };
  const matching = words.length === 0 ? found : [...found.filter(named), ...found.filter((index) => !named(index))];
  return { ...state, query, matching, marked: 0 };
}

function moved(state: PickerState, by: number): PickerState {
  const last = Math.max(0, state.matching.length - 1);
  return { ...state, marked: Math.min(last, Math.max(0, state.marked + by)) };
}

const page = 10;

function picked(state: PickerState): Step {
  const index = state.matching[state.marked];
  return index === undefined ? state : { picked: state.choices[index]!.name };
}

/** Keys as terminals send them -> what they do. */
const keys: Readonly<Record<string, (state: PickerState) => Step>> = {
  '\r': picked,
  '\n': picked,
  '\x03': () => 'ended',
  '\x04': () => 'ended',
  '\x1b': () => 'ended',
  '\x1b[A': (state) => moved(state, -1),
  '\x1bOA': (state) => moved(state, -1),
  '\x10': (state) => moved(state, -1),
  '\x1b[B': (state) => moved(state, 1),
  '\x1bOB': (state) => moved(state, 1),
  '\x0e': (state) => moved(state, 1),
  '\t': (state) => moved(state, 1),
  '\x1b[5~': (state) => moved(state, -page),
  '\x1b[6~': (state) => moved(state, page),
  '\x1b[H': (state) => moved(state, -state.marked),
  '\x1b[F': (state) => moved(state, state.matching.length),
  '\x7f': (state) => withQuery(state, Array.from(state.query).slice(0, -1).join('')),
  '\b': (state) => withQuery(state, Array.from(state.query).slice(0, -1).join('')),
  '\x15': (state) => withQuery(state, ''),
  '\x17': (state) => withQuery(state, state.query.replace(/\S*\s*$/, '')),
};

/** What a terminal sent, cut into keys. A paste is many of them. */
export function keysIn(text: string): readonly string[] {
  return text.match(/\p{Cc}(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[\s\S]/gu) ?? [];
}

/** The state after a key; keys that mean nothing change nothing. */
export function pressKey(state: PickerState, key: string): Step {
  const act = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (act !== undefined) return act(state);
  return key.startsWith('\x1b') || /\p{Cc}/u.test(key) ? state : withQuery(state, state.query + key);
}

export interface View {
  readonly rows: number;
  readonly columns: number;
  readonly color: boolean;
}

const most = 15;

/** Text of at most `width` columns; what a terminal would obey is left out. */
function fit(text: string, width: number): string {
  const letters = Array.from(text.replaceAll(/\p{Cc}/gu, ''));
  return letters.length <= width ? letters.join('') : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** The lines to show: what was typed, the choices about the marked one, how many there are. */
export function pickerLines(
  { choices, query, matching, marked }: PickerState,
  { rows, columns, color }: View,
): readonly string[] {
  const height = Math.max(1, Math.min(most, rows - 3));
  const first = Math.max(0, Math.min(marked - Math.floor(height / 2), matching.length - height));
  const shown = matching.slice(first, first + height).map((index) => choices[index]!);
  const width = shown.reduce((longest, { name }) => Math.max(longest, Array.from(name).length), 0);
  const lines = shown.map(({ name, detail, production }, index) => {
    const here = first + index === marked;
    const text = fit(`${here ? '>' : ' '} ${production ? '!' : ' '} ${name.padEnd(width)}  ${detail}`, columns - 1);
    if (!color) return text;
    return `${here ? '\x1b[7m' : ''}${production ? '\x1b[31m' : ''}${text}\x1b[0m`;
  });
  const count = `${matching.length} of ${choices.length}; Enter takes, Esc leaves, ! is production`;
  return [fit(`target: ${query}`, columns - 1), ...lines, fit(count, columns - 1)];
}
