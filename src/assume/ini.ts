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

export interface Section {
  /** The text between the brackets, without outer blanks. */
  readonly title: string;
  readonly place: string;
  readonly settings: Map<string, Setting>;
}

interface Position {
  readonly section: Section;
  /** The key that an indented line continues. */
  readonly key?: string;
}

const heading = /^\[\s*([^\]]*?)\s*\]\s*(?:[#;].*)?$/;
/** Keys whose value is a command line, in which ` #` and ` ;` are no comments. */
const verbatim = new Set(['credential_process', 'mfa_process']);

// By `indexOf`, not by pattern: the files are read on every call, and may hold 1,000 profiles.
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

function continueSetting(position: Position, line: string, place: string): void {
  const { section, key } = position;
  const parent = key === undefined ? undefined : section.settings.get(key);
  if (key === undefined || parent === undefined) throw refuse(place, line);
  if (parent.value !== '') {
    section.settings.set(key, { ...parent, value: `${parent.value}\n${line.trim()}` });
    return;
  }
  const inner = splitPair(line.trim());
  if (inner === undefined) throw refuse(place, line);
  const nested = new Map(parent.nested).set(inner.key, { value: inner.value, place });
  section.settings.set(key, { ...parent, nested });
}

/**
 * Sections in the order of the file; sections of one title are merged and the later key wins, as AWS
 * defines. Keys are lower-cased.
 * @throws Failure `config-syntax` with `file:line` for a line that is no heading, pair, continuation or comment.
 */
export function parseIni(text: string, file: string): readonly Section[] {
  const sections = new Map<string, Section>();
  let position: Position | undefined;
  let number = 0;
  for (const line of text.replace(/^\uFEFF/, '').split('\n')) {
    number++;
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    const place = `${file}:${number}`;
    const title = line.startsWith('[') ? heading.exec(trimmed)?.[1] : undefined;
    if (title !== undefined) {
      const section = sections.get(title) ?? { title, place, settings: new Map<string, Setting>() };
      sections.set(title, section);
      position = { section };
    } else if ((line.startsWith(' ') || line.startsWith('\t')) && position !== undefined) {
      continueSetting(position, line, place);
    } else {
      const found = splitPair(line);
      if (found === undefined || position === undefined) throw refuse(place, line);
      position.section.settings.set(found.key, { value: found.value, place });
      position = { section: position.section, key: found.key };
    }
  }
  return [...sections.values()];
}
