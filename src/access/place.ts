// A place in a file, and the line that stands there with a mark under it.
import { visibleLine } from '../base/index.ts';

export interface Place {
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** The line as it is written. */
  readonly text: string;
}

/** `file:line:column` with the line of `text` that it is about. */
export function placeOf(place: string, text: string): Place {
  const [, file = place, line = '1', column = '1'] = /^(.*):(\d+):(\d+)$/.exec(place) ?? [];
  const written = text.split('\n')[Number(line) - 1]?.replace(/\r$/, '') ?? '';
  return { file, line: Number(line), column: Number(column), text: written };
}

/** The line of a place, cut around its column, with a mark under that: `  7 |     trsut: […]`. None for an empty line. */
export function snippetLines({ line, column, text }: Omit<Place, 'file'>): string[] {
  if (text.trim() === '') return [];
  const start = Math.max(0, column - 60);
  const gutter = ' '.repeat(String(line).length);
  return [
    `  ${line} | ${visibleLine(text.slice(start, start + 100).trimEnd())}`,
    `  ${gutter} | ${' '.repeat(Math.max(0, column - 1 - start))}^`,
  ];
}

/** The line of `file:line:column` in `text` with a mark under it, to be put behind a message. */
export const markedAt = (place: string, text: string): string =>
  snippetLines(placeOf(place, text))
    .map((it) => `\n${it}`)
    .join('');
