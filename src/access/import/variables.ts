// Variables in Terraform's own text that are used and not declared. Terraform refuses such a configuration before it
// writes a plan, so only the text tells. This is no parser of HCL: it knows comments, texts and templates, which is
// what it takes to find uses that count.
import type { Finding } from '../findings.ts';

export interface TerraformText {
  readonly file: string;
  readonly text: string;
}

interface Place {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** What encloses a place: code, a string, a heredoc with its end mark, or a template inside one of them. */
type Inside = { readonly kind: 'code' | 'string' | 'template' } | { readonly kind: 'heredoc'; readonly end: string };

/** The next part of the text: how long it is, whether it counts as code, and what it opens or closes. */
interface Part {
  readonly length: number;
  readonly code: boolean;
  readonly opens?: Inside;
  readonly closes?: true;
}

function partOfCode(text: string, at: number, inside: Inside): Part {
  const letter = text[at];
  const rest = letter === '#' || letter === '/' ? text.slice(at) : '';
  const comment = /^(?:#|\/\/)[^\n]*|^\/\*[\s\S]*?(?:\*\/|$)/.exec(rest)?.[0];
  if (comment !== undefined) return { length: comment.length, code: false };
  const heredoc = letter === '<' ? /^<<-?([A-Za-z_]\w*)\n/.exec(text.slice(at, at + 200)) : null;
  if (heredoc !== null) {
    return { length: heredoc[0].length, code: false, opens: { kind: 'heredoc', end: heredoc[1]! } };
  }
  if (letter === '"') return { length: 1, code: true, opens: { kind: 'string' } };
  if (inside.kind === 'template' && letter === '{') return { length: 1, code: true, opens: { kind: 'template' } };
  if (inside.kind === 'template' && letter === '}') return { length: 1, code: true, closes: true };
  return { length: 1, code: true };
}

function partOfText(text: string, at: number, inside: Inside): Part {
  const escaped = /^(?:\$\$\{|%%\{|\\[\s\S])/.exec(text.slice(at, at + 3))?.[0];
  if (escaped !== undefined) return { length: escaped.length, code: false };
  if (/^[$%]\{/.test(text.slice(at, at + 2))) return { length: 2, code: false, opens: { kind: 'template' } };
  if (inside.kind === 'string' && text[at] === '"') return { length: 1, code: true, closes: true };
  const ends = inside.kind === 'heredoc' && text[at] === '\n' && heredocEnds(text, at + 1, inside.end);
  return ends ? { length: 1, code: true, closes: true } : { length: 1, code: false };
}

/** The text with comments and the literal parts of strings blanked out; line breaks and templates stay. */
function codeOf(text: string): string {
  const out: string[] = [];
  const nest: Inside[] = [{ kind: 'code' }];
  for (let at = 0; at < text.length;) {
    const inside = nest.at(-1)!;
    const isCode = inside.kind === 'code' || inside.kind === 'template';
    const { length, code, opens, closes } = (isCode ? partOfCode : partOfText)(text, at, inside);
    const shown = text.slice(at, at + length);
    out.push(code ? shown : shown.replaceAll(/[^\n]/g, ' '));
    if (closes) nest.pop();
    if (opens !== undefined) nest.push(opens);
    at += length;
  }
  return out.join('');
}

function heredocEnds(text: string, at: number, mark: string): boolean {
  const end = text.indexOf('\n', at);
  return text.slice(at, end === -1 ? undefined : end).trim() === mark;
}

/** Names of declared variables stand in texts, which `codeOf` blanks: they are read where the code has an empty text. */
function declared({ text }: TerraformText, code: string): string[] {
  return [...code.matchAll(/\bvariable\s+"/g)].flatMap((found) => {
    const name = /^([\w-]+)"/.exec(text.slice(found.index + found[0].length));
    return name === null ? [] : [name[1]!];
  });
}

function used({ file }: TerraformText, code: string): Place[] {
  return [...code.matchAll(/(?<![\w.-])var\.([A-Za-z_][\w-]*)/g)].map((found) => ({
    name: found[1]!,
    file,
    line: code.slice(0, found.index).split('\n').length,
  }));
}

/** A finding for each variable of one folder that is used and not declared, with the place of its first use. */
export function variableFindings(files: readonly TerraformText[]): Finding[] {
  const codes = files.map((it) => [it, codeOf(it.text)] as const);
  const known = new Set(codes.flatMap(([it, code]) => declared(it, code)));
  const first = new Map<string, Place>();
  for (const place of codes.flatMap(([it, code]) => used(it, code))) {
    if (!known.has(place.name) && !first.has(place.name)) first.set(place.name, place);
  }
  return [...first.values()].map(({ name, file, line }) => ({
    severity: 'error',
    code: 'variable-undeclared',
    message: `${file}:${line}: \`var.${name}\` is used but not declared, so Terraform cannot plan`,
    hint: `declare it: \`variable "${name}" {}\``,
  }));
}
