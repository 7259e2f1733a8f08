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
  /** Keys as they are written -> in lower case: one text for each, which the maps of 10,000 sections share. */
  readonly #keys = new Map<string, string>();
  #ends: readonly number[] | undefined;

  constructor(text: string, name: string) {
    this.text = text;
    this.name = name;
  }

  /** The key in what stands before its delimiter. */
  key(written: string): string {
    let key = this.#keys.get(written);
    if (key === undefined) this.#keys.set(written, (key = written.trim().toLowerCase()));
    return key;
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

/**
 * The text between the brackets of the heading that begins at `start`; undefined when the line is none. (A pattern takes
 * cubic time on blanks.)
 */
function titleAt(text: string, start: number): string | undefined {
  const end = lineEnd(text, start, text.length);
  const close = text.indexOf(']', start);
  if (close === -1 || close >= end) return undefined;
  if (close + 1 < end) {
    const rest = text.slice(close + 1, end).trimStart();
    if (rest !== '' && !rest.startsWith('#') && !rest.startsWith(';')) return undefined;
  }
  return text.slice(start + 1, close).trim();
}

/** Keys whose value is a command line, in which ` #` and ` ;` are no comments. */
const verbatim = new Set(['credential_process', 'mfa_process']);

/** Where the first `=` or `:` of a line stands, as the AWS CLI reads it; -1 where there is none. */
function delimiterIn(line: string): number {
  const equals = line.indexOf('=');
  const colon = line.indexOf(':');
  return equals === -1 || (colon !== -1 && colon < equals) ? colon : equals;
}

/** The value of a key, of what stands behind its delimiter. */
function valueOf(text: string, key: string): string {
  const value = text.trim();
  const commented = (value.includes('#') || value.includes(';')) && !verbatim.has(key);
  return commented ? value.replace(/(?:^|\s)[#;].*$/, '').trimEnd() : value;
}

function refuse(place: string, line: string): Error {
  if (line.startsWith('[')) {
    return failure('config-syntax', `${place}: this heading does not end with \`]\``, {
      hint: 'write it like `[profile NAME]`, with nothing behind it but a comment, and no `]` in the name',
    });
  }
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
  const cut = delimiterIn(line);
  const inner = line.slice(0, Math.max(cut, 0)).trim().toLowerCase();
  if (inner === '') throw refuse(placeOf(at), line);
  const setting = new PlacedSetting(valueOf(line.slice(cut + 1), inner), ...at);
  // Not copied: a file may have a million of them.
  if (parent.nested !== undefined) (parent.nested as Map<string, Setting>).set(inner, setting);
  else settings.set(key, { place, value: '', nested: new Map([[inner, setting]]) });
}

/** What was meant as a heading, below a key. */
const headingBelow = /^\s+\[[^\]=]*\]\s*$/;

type Position = readonly [file: FileText, offset: number];

function placeOf([file, offset]: Position): string {
  return file.place(offset);
}

/**
 * Adds the settings of a part of a file; a key that is there already is replaced. Line by line, and nearly every one begins
 * with a letter: what `ls` reads of 10,000 profiles.
 */
function readBlock(file: FileText, start: number, end: number, settings: Map<string, Setting>): void {
  const { text } = file;
  let key: string | undefined;
  let indent = 0;
  let next = lineEnd(text, start, end);
  for (let offset = next + 1; offset < end; offset = next + 1) {
    next = lineEnd(text, offset, end);
    // Deeper than its key: a part of its value. A section may be indented as a whole.
    let deep = 0;
    const line = text.slice(offset, next);
    if (!isLetter(text.charCodeAt(offset))) {
      const rest = line.trimStart();
      if (rest === '' || rest.startsWith('#') || rest.startsWith(';')) continue;
      deep = line.length - rest.length;
      if (deep > indent && key !== undefined) {
        continueSetting(settings, key, line, [file, offset]);
        continue;
      }
    }
    const cut = delimiterIn(line);
    key = file.key(line.slice(0, Math.max(cut, 0)));
    if (key === '') throw refuse(file.place(offset), line);
    settings.set(key, new PlacedSetting(valueOf(line.slice(cut + 1), key), file, offset));
    indent = deep;
  }
}

function isLetter(code: number): boolean {
  return code >= 97 && code <= 122;
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
  readonly #file: FileText;
  /** Where the heading begins, and where the next one does. */
  readonly #start: number;
  readonly #end: number;
  /** Other parts of the file with the same heading; of 10,000 sections hardly one has any. */
  #more: Section[] | undefined;
  #known: ReadonlyMap<string, Setting> | undefined;

  constructor(title: string, file: FileText, start: number, end: number) {
    this.title = title;
    this.#file = file;
    this.#start = start;
    this.#end = end;
  }

  /** Takes in a section whose heading means the same: its keys win, as AWS defines. */
  join(other: Section): void {
    this.#more ??= [];
    this.#more.push(other);
    for (const part of other.#more ?? []) this.#more.push(part);
  }

  /** `file:line` of the first heading. */
  get place(): string {
    return this.#file.place(this.#start);
  }

  /** Lets go of what was read; it is read again when somebody asks. */
  release(): void {
    this.#known = undefined;
  }

  /** By key, in lower case. @throws Failure `config-syntax` with `file:line` for a line that is no pair, continuation or comment. */
  get settings(): ReadonlyMap<string, Setting> {
    return (this.#known ??= this.#read());
  }

  #read(): ReadonlyMap<string, Setting> {
    const settings = new Map<string, Setting>();
    readBlock(this.#file, this.#start, this.#end, settings);
    for (const part of this.#more ?? []) readBlock(part.#file, part.#start, part.#end, settings);
    return settings;
  }
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
 * What stands below each heading, in the order of the file; one heading may come several times.
 * @throws Failure `config-syntax` with `file:line` for a heading that is none, settings before the first one, or a file
 * that is no text.
 */
export function readSections(content: string, name: string): readonly Section[] {
  const file = new FileText(content.replace(/^\uFEFF/, ''), name);
  const { text } = file;
  checkText(file);
  const sections: Section[] = [];
  const first = text.startsWith('[') ? 0 : text.indexOf('\n[') + 1;
  const none = first === 0 && !text.startsWith('[');
  checkBeginning(file, none ? text.length : first);
  for (let start = none ? text.length : first; start < text.length;) {
    const next = text.indexOf('\n[', start);
    const end = next === -1 ? text.length : next + 1;
    const title = titleAt(text, start);
    if (title === undefined) throw refuse(file.place(start), text.slice(start, lineEnd(text, start, end)));
    sections.push(new Section(title, file, start, end));
    start = end;
  }
  return sections;
}

/** The sections, those of one title merged. @throws as `readSections` does. */
export function parseIni(content: string, name: string): readonly Section[] {
  const sections = new Map<string, Section>();
  for (const section of readSections(content, name)) {
    const known = sections.get(section.title);
    if (known === undefined) sections.set(section.title, section);
    else known.join(section);
  }
  return [...sections.values()];
}
