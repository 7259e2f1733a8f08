// Reads the text of ~/.aws/config and ~/.aws/credentials into sections. Knows the file format
// (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html), not what the keys mean.
import { failure } from './failures.ts';

export interface Setting {
  readonly value: string;
  /** `file:line`, for messages. */
  readonly place: string;
  /** Indented `key = value` lines below a key without a value of its own. */
  readonly nested?: ReadonlyMap<string, Setting> | undefined;
}

/** A part of a file below one heading, not yet read. */
interface Block {
  readonly text: string;
  readonly file: string;
  /** Where the heading begins. */
  readonly start: number;
  readonly end: number;
}

const heading = /^\[\s*([^\]]*?)\s*\]\s*(?:[#;].*)?$/;
/** Keys whose value is a command line, in which ` #` and ` ;` are no comments. */
const verbatim = new Set(['credential_process', 'mfa_process']);

function splitPair(line: string): { key: string; value: string } | undefined {
  const cut = line.indexOf('=');
  const key = line.slice(0, Math.max(cut, 0)).trimEnd().toLowerCase();
  if (key === '') return undefined;
  const value = line.slice(cut + 1).trim();
  const commented = (value.includes('#') || value.includes(';')) && !verbatim.has(key);
  return { key, value: commented ? value.replace(/(?:^|\s)[#;].*$/, '').trimEnd() : value };
}

function refuse(place: string, line: string): Error {
  // SECURITY: the line may hold a key, so only its first word is shown, and never what follows a `=`.
  const word = /^\s*([A-Za-z_][\w-]{0,30})(?=\s|$)/.exec(line)?.[1];
  return failure(
    'config-syntax',
    `${place}: ${word === undefined ? 'this line' : `\`${word}\``} is not \`key = value\``,
    {
      hint: 'write `key = value` below a `[section]`, or begin the line with `#` to make it a comment',
    },
  );
}

/** Number of the line that the character at `offset` stands in. */
function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let next = text.indexOf('\n'); next !== -1 && next < offset; next = text.indexOf('\n', next + 1)) line++;
  return line;
}

function continueSetting(settings: Map<string, Setting>, key: string | undefined, line: string, place: string): void {
  const parent = key === undefined ? undefined : settings.get(key);
  if (key === undefined || parent === undefined) throw refuse(place, line);
  if (parent.value !== '') {
    settings.set(key, { ...parent, value: `${parent.value}\n${line.trim()}` });
    return;
  }
  const inner = splitPair(line.trim());
  if (inner === undefined) throw refuse(place, line);
  const nested = new Map(parent.nested).set(inner.key, { value: inner.value, place });
  settings.set(key, { ...parent, nested });
}

/** Adds the settings of a block; a key that is there already is replaced. */
function readBlock({ text, file, start, end }: Block, settings: Map<string, Setting>): void {
  let number = lineAt(text, start);
  let key: string | undefined;
  const [, ...lines] = text.slice(start, end).split('\n');
  for (const line of lines) {
    const place = `${file}:${++number}`;
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      continueSetting(settings, key, line, place);
      continue;
    }
    const found = splitPair(line);
    if (found === undefined) throw refuse(place, line);
    settings.set(found.key, { value: found.value, place });
    key = found.key;
  }
}

/**
 * One section. What stands below its heading is read when it is first asked for: a file of 1,000 profiles is opened on
 * every call, for one or two of them.
 */
export class Section {
  /** The text between the brackets, without outer blanks. */
  readonly title: string;
  readonly #blocks: Block[];
  #settings: ReadonlyMap<string, Setting> | undefined;

  constructor(title: string, first: Block) {
    this.title = title;
    this.#blocks = [first];
  }

  /** Another part of the file with the same heading: its keys win, as AWS defines. */
  extend(block: Block): void {
    this.#blocks.push(block);
  }

  /** `file:line` of the first heading. */
  get place(): string {
    const { text, file, start } = this.#blocks[0]!;
    return `${file}:${lineAt(text, start)}`;
  }

  /** By key, in lower case. @throws Failure `config-syntax` with `file:line` for a line that is no pair, continuation or comment. */
  get settings(): ReadonlyMap<string, Setting> {
    if (this.#settings !== undefined) return this.#settings;
    const settings = new Map<string, Setting>();
    for (const block of this.#blocks) readBlock(block, settings);
    this.#settings = settings;
    return settings;
  }
}

/** Offsets of the lines that begin with `[`. */
function headingOffsets(text: string): number[] {
  const offsets = text.startsWith('[') ? [0] : [];
  for (let next = text.indexOf('\n['); next !== -1; next = text.indexOf('\n[', next + 1)) offsets.push(next + 1);
  return offsets;
}

/** Refuses settings that stand before every heading. */
function checkBeginning(text: string, file: string): void {
  for (const [index, line] of text.split('\n').entries()) {
    if (!/^\s*(?:[#;]|$)/.test(line)) throw refuse(`${file}:${index + 1}`, line);
  }
}

/**
 * Sections in the order of the file, those of one title merged.
 * @throws Failure `config-syntax` with `file:line` for a heading that is none, or settings before the first one.
 */
export function parseIni(content: string, file: string): readonly Section[] {
  const text = content.replace(/^\uFEFF/, '');
  const sections = new Map<string, Section>();
  const offsets = headingOffsets(text);
  checkBeginning(text.slice(0, offsets[0]), file);
  for (const [index, start] of offsets.entries()) {
    const end = offsets[index + 1] ?? text.length;
    const lineEnd = text.indexOf('\n', start);
    const line = text.slice(start, lineEnd === -1 ? text.length : lineEnd);
    const title = heading.exec(line.trimEnd())?.[1];
    if (title === undefined) throw refuse(`${file}:${lineAt(text, start)}`, line);
    const block = { text, file, start, end };
    const known = sections.get(title);
    if (known === undefined) sections.set(title, new Section(title, block));
    else known.extend(block);
  }
  return [...sections.values()];
}
