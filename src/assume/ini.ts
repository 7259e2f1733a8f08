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

/** A file that finds its lines when somebody asks where a thing stands, which is seldom. */
class FileText {
  readonly text: string;
  readonly name: string;
  #ends: readonly number[] | undefined;

  constructor(text: string, name: string) {
    this.text = text;
    this.name = name;
  }

  /** `file:line` of the character at `offset`. */
  place(offset: number): string {
    this.#ends ??= lineEnds(this.text);
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return `${this.name}:${low + 1}`;
  }
}

function lineEnds(text: string): readonly number[] {
  const ends: number[] = [];
  for (let next = text.indexOf('\n'); next !== -1; next = text.indexOf('\n', next + 1)) ends.push(next);
  return ends;
}

class PlacedSetting implements Setting {
  readonly value: string;
  readonly #file: FileText;
  readonly #offset: number;

  constructor(value: string, file: FileText, offset: number) {
    this.value = value;
    this.#file = file;
    this.#offset = offset;
  }

  get place(): string {
    return this.#file.place(this.#offset);
  }
}

/** A part of a file below one heading, not yet read. */
interface Block {
  readonly file: FileText;
  /** Where the heading begins. */
  readonly start: number;
  readonly end: number;
}

/** The text between the brackets of a heading; undefined when the line is none. (A pattern takes cubic time on blanks.) */
function titleIn(line: string): string | undefined {
  const close = line.indexOf(']');
  const rest = line.slice(close + 1).trimStart();
  const ends = rest === '' || rest.startsWith('#') || rest.startsWith(';');
  return close === -1 || !ends ? undefined : line.slice(1, close).trim();
}

/** Keys whose value is a command line, in which ` #` and ` ;` are no comments. */
const verbatim = new Set(['credential_process', 'mfa_process']);

/** The first `=` or `:`, as the AWS CLI reads it. */
function delimiter(line: string): number {
  const [equals, colon] = [line.indexOf('='), line.indexOf(':')];
  return colon === -1 || (equals !== -1 && equals < colon) ? equals : colon;
}

function splitPair(line: string): { key: string; value: string } | undefined {
  const cut = delimiter(line);
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
      hint: /^\s+\[/.test(line)
        ? 'begin the heading at the start of the line'
        : 'write `key = value` below a `[section]`, or begin the line with `#` to make it a comment',
    },
  );
}

function continueSetting(settings: Map<string, Setting>, key: string | undefined, line: string, at: Position): void {
  const parent = key === undefined ? undefined : settings.get(key);
  if (key === undefined || parent === undefined) throw refuse(placeOf(at), line);
  const { place } = parent;
  // The AWS CLI would read it into the value, and the SDK for JavaScript as a heading.
  if (headingBelow.test(line)) throw refuse(placeOf(at), line);
  if (parent.value !== '') {
    settings.set(key, { place, value: `${parent.value}\n${line.trim()}`, nested: parent.nested });
    return;
  }
  const inner = splitPair(line.trim());
  if (inner === undefined) throw refuse(placeOf(at), line);
  const setting = new PlacedSetting(inner.value, ...at);
  // Not copied: a file may have a million of them.
  if (parent.nested !== undefined) (parent.nested as Map<string, Setting>).set(inner.key, setting);
  else settings.set(key, { place, value: '', nested: new Map([[inner.key, setting]]) });
}

/** What was meant as a heading, below a key. */
const headingBelow = /^\s+\[(?:profile|sso-session|services|default)\b.*\]\s*$/;

type Position = readonly [file: FileText, offset: number];

function placeOf([file, offset]: Position): string {
  return file.place(offset);
}

/** Adds the settings of a block; a key that is there already is replaced. Line by line: `ls` reads 10,000 blocks. */
function readBlock({ file, start, end }: Block, settings: Map<string, Setting>): void {
  const { text } = file;
  let key: string | undefined;
  let indent = 0;
  let next = lineEnd(text, start, end);
  for (let offset = next + 1; offset < end; offset = next + 1) {
    next = lineEnd(text, offset, end);
    const line = text.slice(offset, next);
    const rest = line.trimStart();
    const first = rest[0];
    if (first === undefined || first === '#' || first === ';') continue;
    // Deeper than its key: a part of its value. A section may be indented as a whole.
    const deep = line.length - rest.length;
    if (deep > indent && key !== undefined) {
      continueSetting(settings, key, line, [file, offset]);
      continue;
    }
    const found = splitPair(rest);
    if (found === undefined) throw refuse(file.place(offset), line);
    settings.set(found.key, new PlacedSetting(found.value, file, offset));
    ({ key } = found);
    indent = deep;
  }
}

/** Offset of the end of the line at `offset`, `end` at most. */
function lineEnd(text: string, offset: number, end: number): number {
  const found = text.indexOf('\n', offset);
  return found === -1 || found > end ? end : found;
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

  /** Takes in a section whose heading means the same. */
  join(other: Section): void {
    for (const block of other.#blocks) this.#blocks.push(block);
  }

  /** `file:line` of the first heading. */
  get place(): string {
    const { file, start } = this.#blocks[0]!;
    return file.place(start);
  }

  /** Lets go of what was read; it is read again when somebody asks. */
  release(): void {
    this.#settings = undefined;
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
function checkBeginning(file: FileText, end: number): void {
  let offset = 0;
  for (const line of file.text.slice(0, end).split('\n')) {
    if (!/^\s*(?:[#;]|$)/.test(line)) throw refuse(file.place(offset), line);
    offset += line.length + 1;
  }
}

/** What no editor writes into a text, and no SDK reads: files of another encoding, and files that a crash cut. */
function checkText(file: FileText): void {
  const nul = file.text.indexOf('\0');
  if (nul === -1) return;
  const wide = file.text.startsWith('\uFFFD\uFFFD') || nul === 1;
  throw failure(
    'config-syntax',
    `${file.place(nul)}: ${wide ? 'this file is UTF-16' : 'a NUL byte'}, which is no text of a config file`,
    {
      hint: wide ? 'save it as UTF-8' : 'remove the byte, or take the file from a backup: a crash may have cut it',
    },
  );
}

/**
 * Sections in the order of the file, those of one title merged.
 * @throws Failure `config-syntax` with `file:line` for a heading that is none, settings before the first one, or a file
 * that is no text.
 */
export function parseIni(content: string, name: string): readonly Section[] {
  const file = new FileText(content.replace(/^\uFEFF/, ''), name);
  const { text } = file;
  checkText(file);
  const sections = new Map<string, Section>();
  const offsets = headingOffsets(text);
  checkBeginning(file, offsets[0] ?? text.length);
  for (const [index, start] of offsets.entries()) {
    const end = offsets[index + 1] ?? text.length;
    const lineEnd = text.indexOf('\n', start);
    const line = text.slice(start, lineEnd === -1 ? text.length : lineEnd);
    const title = titleIn(line);
    if (title === undefined) throw refuse(file.place(start), line);
    const block = { file, start, end };
    const known = sections.get(title);
    if (known === undefined) sections.set(title, new Section(title, block));
    else known.extend(block);
  }
  return [...sections.values()];
}
