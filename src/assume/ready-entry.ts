// The form of a ready entry: what a shell must check, and what it may then take, for one target without options.
// One `key=value` per line, nothing quoted and nothing to be evaluated: whoever reads it compares texts and
// modification times, and sets variables by name. What a shell does with it stands in shell-reader.ts.
import type { Environment } from './model.ts';

const heading = 'stint-ready 1';
/** Stands between what must hold and what may be taken. */
const turning = 'ready';
const ending = 'end';

/** What decided that a target means the session that it means. */
export interface Decisive {
  /** Every variable that was looked at; an absent one is an empty one. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths of files and folders that are there and may not have changed since. */
  readonly files: readonly string[];
  /** Absolute paths at which nothing may be. */
  readonly absent: readonly string[];
  /** Paths with a symbolic link in them, and where they led. */
  readonly links: readonly (readonly [path: string, real: string])[];
  /** The working directory, when it matters. */
  readonly cwd?: string | undefined;
}

export interface ReadyEntry {
  readonly target: string;
  /** Seconds since 1970 from which on the session is to be replaced. */
  readonly until: number;
  /** Seconds since 1970; every one of `decisive.files` is older. */
  readonly stamp: number;
  /** Base name of the kept session's file; without that file the entry is void. */
  readonly kept: string;
  readonly decisive: Decisive;
  /** What `credential_process` prints. */
  readonly json: string;
  /** What a person is told. */
  readonly note: string;
  readonly unset: readonly string[];
  readonly set: readonly (readonly [name: string, value: string])[];
}

/** A target as the name of its entry's file. Two targets may share one; the entry says whose it is. */
export function entryName(target: string): string {
  return `t.${target.replaceAll('/', '%')}`;
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The variables that an entry may touch, whatever a file says: never PATH, never one that a program loads code by. */
const settable = /^(?:AWS|STINT)_[A-Z0-9_]+$/;

function decisiveLines({ env, files, absent, links, cwd }: Decisive): readonly string[] {
  return [
    ...(cwd === undefined ? [] : [`cwd=${cwd}`]),
    ...Object.entries(env).map(([name, value]) => `env=${name}=${value}`),
    ...links.flatMap(([path, real]) => [`link=${path}`, `real=${real}`]),
    ...files.map((path) => `file=${path}`),
    ...absent.map((path) => `none=${path}`),
  ];
}

/** The lines as a text; undefined when one of them is more than a line, or a name of a variable is none. */
function whole(lines: readonly string[], { env }: Decisive): string | undefined {
  const named = Object.keys(env).every((name) => variableName.test(name));
  // A shell cannot hold a NUL, and not every one brings a carriage return back.
  return named && lines.every((line) => !/[\n\r\0]/.test(line)) ? `${lines.join('\n')}\n` : undefined;
}

/** The text of an entry; undefined when a value would break its line, or a name is none. */
export function writeEntry({ decisive, ...entry }: ReadyEntry): string | undefined {
  const changed = [...entry.unset, ...entry.set.map(([name]) => name)];
  if (!changed.every((name) => settable.test(name))) return undefined;
  const lines = [
    heading,
    `target=${entry.target}`,
    `until=${entry.until}`,
    `stamp=${entry.stamp}`,
    `kept=${entry.kept}`,
    ...decisiveLines(decisive),
    turning,
    `json=${entry.json}`,
    `note=${entry.note}`,
    ...entry.unset.map((name) => `unset=${name}`),
    ...entry.set.map(([name, value]) => `set=${name}=${value}`),
    ending,
  ];
  return whole(lines, decisive);
}

/**
 * A list of all names of targets, which stands in the place of an entry with the name of its file as target. `until`:
 * seconds since 1970 from which on there may be fewer.
 */
export function writeNames(
  file: string,
  names: readonly string[],
  {
    decisive,
    stamp,
    until,
  }: { readonly decisive: Decisive; readonly stamp: number; readonly until?: number | undefined },
): string | undefined {
  const end = until === undefined ? [] : [`until=${until}`];
  const about = [heading, `target=${file}`, ...end, `stamp=${stamp}`, ...decisiveLines(decisive)];
  const lines = [...about, turning, ...names, ending];
  // A name that is the ending would end the list.
  return names.includes(ending) ? undefined : whole(lines, decisive);
}

/** Cuts at the first `=`. */
function pair(text: string): readonly [string, string] {
  const cut = text.indexOf('=');
  return cut === -1 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 1)];
}

/** The entry that a text holds; undefined for anything that `writeEntry` would not have written. */
export function readEntry(text: string): ReadyEntry | undefined {
  const rows = text.split('\n').map(pair);
  const all = (key: string): readonly string[] => rows.filter(([name]) => name === key).map(([, value]) => value);
  const one = (key: string): string => all(key)[0] ?? '';
  const reals = all('real');
  const entry: ReadyEntry = {
    target: one('target'),
    until: Number(one('until')),
    stamp: Number(one('stamp')),
    kept: one('kept'),
    decisive: {
      env: Object.fromEntries(all('env').map(pair)),
      files: all('file'),
      absent: all('none'),
      links: all('link').map((path, index) => [path, reals[index] ?? ''] as const),
      cwd: all('cwd')[0],
    },
    json: one('json'),
    note: one('note'),
    unset: all('unset'),
    set: all('set').map(pair),
  };
  // Whatever is unknown, missing, doubled or in another order makes another text.
  return writeEntry(entry) === text ? entry : undefined;
}

/** True when the variables are those of the entry. */
export function sameVariables({ env }: Decisive, now: Environment): boolean {
  return Object.entries(env).every(([name, value]) => (now[name] ?? '') === value);
}
