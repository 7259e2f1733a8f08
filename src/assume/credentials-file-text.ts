// What a `~/.aws/credentials` becomes when Stint writes or removes a section of its own. Pure: text in, text out.
// INVARIANT: only lines of a section with `manager = stint` change; every other byte stays, line ends included.
import { isoSeconds, type Millis } from '../base/index.ts';
import { failure } from './failures.ts';
import { parseIni } from './ini.ts';
import type { Credentials } from './model.ts';

/**
 * The mark of ownership. A key and not a comment, since tools that rewrite the file drop comments; SDKs pass over keys
 * they do not know.
 */
const marker = { key: 'manager', value: 'stint' } as const;
/** What Stint writes into its section; other lines in it are somebody else's. */
const ownKeys: ReadonlySet<string> = new Set([
  marker.key,
  'aws_access_key_id',
  'aws_secret_access_key',
  'aws_session_token',
  'region',
  'expiration',
]);

/** Bytes; more is not a file of credentials. */
export const longestFile = 10_000_000;

/** One line with its end. */
interface Line {
  readonly text: string;
  /** Title of the section that begins here. */
  readonly title?: string;
  /** Key that is set here, in lower case. */
  readonly key?: string;
  readonly value?: string;
  /** Blanks before the key. */
  readonly indent?: string;
}

/** A heading and what follows it. */
interface Block {
  readonly title: string;
  /** Index of the heading's line. */
  readonly start: number;
  /** Index after its last line. */
  readonly end: number;
}

/** As ini.ts reads them: what is deeper than the key above it goes on with that key's value. */
function linesOf(text: string): readonly Line[] {
  let depth: number | undefined;
  return (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line, index): Line => {
    // The file may begin with a byte order mark.
    const plain = index === 0 ? line.replace(/^(?:\uFEFF|\u00EF\u00BB\u00BF)/, '') : line;
    const title = /^\[\s*([^\]]*?)\s*\]/.exec(plain)?.[1];
    if (title !== undefined) {
      depth = undefined;
      return { text: line, title };
    }
    const pair = /^([^\S\n]*)([^\s#;[=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(plain);
    const [, indent = '', key = '', value = ''] = pair ?? [];
    if (pair === null || (depth !== undefined && indent.length > depth)) return { text: line };
    depth = indent.length;
    return { text: line, key: key.toLowerCase(), value, indent };
  });
}

function blocksOf(lines: readonly Line[]): readonly Block[] {
  const starts = lines.flatMap(({ title }, index) => (title === undefined ? [] : [{ title, start: index }]));
  return starts.map(({ title, start }, index) => ({ title, start, end: starts[index + 1]?.start ?? lines.length }));
}

function isOwned(lines: readonly Line[], { start, end }: Block): boolean {
  const managers = lines.slice(start, end).filter(({ key }) => key === marker.key);
  // On doubt it is not ours.
  return managers.length > 0 && managers.every(({ value }) => value === marker.value);
}

/**
 * Refuses a text in which a change could hit the wrong lines. `bytes` is the text as `latin1`, so that whatever is in
 * it comes back as it was.
 * @throws Failure `config-syntax` with `file:line`, `credentials-file-unsafe`.
 */
export function checkCredentialsText(bytes: string, file: string): void {
  const zero = bytes.indexOf('\0');
  if (zero !== -1) {
    const line = bytes.slice(0, zero).split('\n').length;
    throw failure('credentials-file-unsafe', `${file}:${line}: there is a zero byte, so this is no file of text`, {
      hint: 'mend the file, or restore a backup of it',
    });
  }
  // Reading every section is what finds the mistakes.
  for (const section of parseIni(bytes.replace(/^\u00EF\u00BB\u00BF/, ''), file)) void section.settings;
}

const nameRule = /^[\w.@+=:/,-]+(?: [\w.@+=:/,-]+)*$/;

/** @throws Failure `invalid-option` for a name that would break the heading, or that tools read differently. */
export function checkSectionName(name: string): string {
  if (nameRule.test(name) && name.length <= 128) return name;
  throw failure('invalid-option', `\`${name}\` is no name for a section`, {
    hint: 'it takes letters, digits, single blanks and any of `_.@+=:/,-`',
  });
}

export interface SectionContent {
  readonly name: string;
  readonly session: Credentials;
  readonly region: string | undefined;
}

function pairs({ session, region }: SectionContent): readonly string[] {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = session;
  return [
    `${marker.key} = ${marker.value}`,
    `aws_access_key_id = ${accessKeyId}`,
    // SECURITY: secrets leave into the file that the person asked for, which is written with mode 0600.
    `aws_secret_access_key = ${secretAccessKey.reveal()}`,
    ...(sessionToken === undefined ? [] : [`aws_session_token = ${sessionToken.reveal()}`]),
    ...(region === undefined ? [] : [`region = ${region}`]),
    ...(expiration === undefined ? [] : [`expiration = ${isoSeconds(expiration)}`]),
  ];
}

/** The line end of the file: that of its first line. */
function endOfLine(text: string): string {
  return /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n';
}

function appended(text: string, content: SectionContent): string {
  const end = endOfLine(text);
  const section = [`[${content.name}]`, ...pairs(content), ''].join(end);
  if (text === '') return section;
  // Always one blank line, whatever is there, so that it can be taken away again with the section.
  return `${text}${text.endsWith('\n') ? '' : end}${end}${section}`;
}

/**
 * `bytes` with the section, in its place or at the end. Lines of others inside the section stay.
 * @throws Failure `section-foreign` with `file:line` when a section of that name is somebody else's.
 */
export function withSection(bytes: string, content: SectionContent, file: string): string {
  const lines = linesOf(bytes);
  const blocks = blocksOf(lines).filter(({ title }) => title === content.name);
  const foreign = blocks.find((block) => !isOwned(lines, block));
  if (foreign !== undefined) {
    throw failure('section-foreign', `${file}:${foreign.start + 1}: \`[${content.name}]\` was not written by Stint`, {
      hint: 'choose another name; or remove the section, or add `manager = stint` to it to let Stint have it',
    });
  }
  const [block, ...more] = blocks;
  if (block === undefined) return appended(bytes, content);
  const end = endOfLine(bytes);
  const out = lines.map(({ text }) => text);
  dropOwnLines(lines, out, block.start + 1, block.end);
  const opened = ({ start }: Block): string =>
    lines[start]!.text.endsWith('\n') ? lines[start]!.text : `${lines[start]!.text}${end}`;
  // What others put into a second section of that name stays there, still marked as Stint's.
  for (const each of more) {
    if (dropSection(lines, out, each)) continue;
    out[each.start] = `${opened(each)}${depthLeft(lines, out, each)}${marker.key} = ${marker.value}${end}`;
  }
  const indent = depthLeft(lines, out, block);
  out[block.start] = `${opened(block)}${pairs(content)
    .map((pair) => `${indent}${pair}${end}`)
    .join('')}`;
  return out.join('');
}

/** Blanks before the first key that stays: what is written above it is as deep, or it would be a part of that value. */
function depthLeft(lines: readonly Line[], out: readonly string[], { start, end }: Block): string {
  const stays = ({ key }: Line, index: number): boolean => key !== undefined && out[start + index] !== '';
  return lines.slice(start, end).find(stays)?.indent ?? '';
}

function dropOwnLines(lines: readonly Line[], out: string[], from: number, to: number): void {
  let dropping = false;
  for (let index = from; index < to; index++) {
    const { key, text } = lines[index]!;
    // Indented lines go on with the setting above them.
    const continues = /^[ \t]+\S/.test(text) && !/^\s*[#;]/.test(text);
    if (key !== undefined) dropping = ownKeys.has(key);
    else if (!continues) dropping = false;
    if (dropping) out[index] = '';
  }
}

/** Empties a section of Stint, and takes its heading when nothing of others is left below it; true when it did. */
function dropSection(lines: readonly Line[], out: string[], { start, end }: Block): boolean {
  dropOwnLines(lines, out, start + 1, end);
  if (out.slice(start + 1, end).some((text) => !/^\s*(?:[#;].*)?\s*$/.test(text))) return false;
  out[start] = '';
  // The blank line that parts a section from the one before it came with the section.
  if (start > 0 && /^\r?\n$/.test(out[start - 1]!)) out[start - 1] = '';
  return true;
}

export interface Cleaned {
  readonly text: string;
  /** Names of the sections that went. */
  readonly removed: readonly string[];
}

/** `bytes` without Stint's sections that have ended at `now`. Lines of others in them stay, under their heading. */
export function withoutExpired(bytes: string, now: Millis): Cleaned {
  const lines = linesOf(bytes);
  const out = lines.map(({ text }) => text);
  const removed: string[] = [];
  for (const block of blocksOf(lines)) {
    const { title, start, end } = block;
    if (!isOwned(lines, block) || !hasEnded(lines.slice(start, end), now)) continue;
    removed.push(title);
    dropSection(lines, out, block);
  }
  return { text: out.join(''), removed };
}

function hasEnded(lines: readonly Line[], now: Millis): boolean {
  const value = lines.findLast(({ key }) => key === 'expiration')?.value;
  const expiration = Date.parse(value ?? '');
  // Without an end that can be read, it is not known to have ended.
  return !Number.isNaN(expiration) && expiration <= now;
}
