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

/** The text with comments and the literal parts of strings blanked out; line breaks and templates stay. */
function codeOf(text: string): string {
  const out: string[] = [];
  // What encloses the place: code, a string, a heredoc with its end mark, or a template inside one of them.
  const nest: ({ kind: 'code' | 'string' | 'template' } | { kind: 'heredoc'; end: string })[] = [{ kind: 'code' }];
  const blank = (part: string): void => void out.push(part.replaceAll(/[^\n]/g, ' '));
  for (let at = 0; at < text.length;) {
    const inside = nest.at(-1)!;
    const rest = text.slice(at, at + 2);
    if (inside.kind === 'code' || inside.kind === 'template') {
      const skipped = /^(?:#|\/\/)[^\n]*|^\/\*[\s\S]*?(?:\*\/|$)/.exec(
        rest[0] === '#' || rest[0] === '/' ? text.slice(at) : '',
      );
      const heredoc = rest === '<<' ? /^<<-?([A-Za-z_]\w*)\n/.exec(text.slice(at, at + 200)) : null;
      if (skipped !== null && skipped[0] !== '') [blank(skipped[0]), (at += skipped[0].length)];
      else if (heredoc !== null)
        [blank(heredoc[0]), nest.push({ kind: 'heredoc', end: heredoc[1]! }), (at += heredoc[0].length)];
      else {
        if (rest[0] === '"') nest.push({ kind: 'string' });
        if (inside.kind === 'template' && rest[0] === '{') nest.push({ kind: 'template' });
        if (inside.kind === 'template' && rest[0] === '}') nest.pop();
        out.push(rest[0]!);
        at++;
      }
      continue;
    }
    const escaped = /^(?:\$\$\{|%%\{|\\[\s\S])/.exec(text.slice(at, at + 3))?.[0];
    if (escaped !== undefined) [blank(escaped), (at += escaped.length)];
    else if (rest === '${' || rest === '%{') [nest.push({ kind: 'template' }), blank(rest), (at += 2)];
    else if (inside.kind === 'string' && rest[0] === '"') [nest.pop(), out.push('"'), at++];
    else if (inside.kind === 'heredoc' && rest[0] === '\n' && heredocEnds(text, at + 1, inside.end))
      [nest.pop(), out.push('\n'), at++];
    else [blank(rest[0]!), at++];
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
