// Values on the command line: `k=v`, `k=@file`, `k=-` for standard input; a repeated k makes a list.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';

/** @throws Failure `value-invalid`. */
export function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
  throw cliFailure('value-invalid', `\`${pair}\` is not of the form \`k=v\``, {
    hint: 'write values like `lease=30m`',
  });
}

/** The values as a JSON body. `-` alone reads a whole JSON object from standard input. */
export async function bodyOf(io: Io, values: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  if (values.length === 1 && values[0] === '-') return jsonOf(await readAll(io.stdin));
  const body: Record<string, string | string[]> = {};
  for (const [key, raw] of values.map(splitPair)) {
    const value = await contentsOf(io, raw);
    const before = body[key];
    body[key] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return body;
}

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // SECURITY: the parser's message quotes the text, which may be a secret.
  }
  throw cliFailure('value-invalid', 'standard input is not a JSON object', { hint: 'pipe in `{"k": "v"}`' });
}

/** What a value stands for. @throws Failure `file-unreadable`. */
export async function contentsOf(io: Io, value: string): Promise<string> {
  if (value === '-') return readAll(io.stdin);
  return value.startsWith('@') ? fileOf(io, value.slice(1)) : value;
}

/** The text of a file, or of standard input for `-`. @throws Failure `file-unreadable`. */
export async function fileOrStdin(io: Io, file: string): Promise<string> {
  return file === '-' ? readAll(io.stdin) : fileOf(io, file);
}

function fileOf(io: Io, file: string): string {
  try {
    return readFileSync(resolve(io.cwd, file), 'utf8');
  } catch (error) {
    throw cliFailure('file-unreadable', `the file \`${file}\` cannot be read`, {
      hint: 'check the path, and that you may read it',
      cause: error,
    });
  }
}
