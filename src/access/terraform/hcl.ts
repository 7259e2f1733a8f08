// A closed part of Terraform's language, printed in both its syntaxes: as people write it, laid out as `terraform fmt`
// does, and as JSON. Every text is a template there, so `${` and `%{` are written twice.
import type { Json } from '../../base/index.ts';

/** A value. `policy` is a JSON document in a text: `jsonencode(…)` for people, one JSON string in JSON. */
export type Expression =
  | { readonly value: Json }
  | { readonly refer: string }
  /** A text in which `${…}` is meant. */
  | { readonly template: string }
  | { readonly policy: Json }
  | { readonly list: readonly Expression[] };

export type Entry = readonly [name: string, value: Expression | Block];

/** `kind "label" "label" { entries }`. */
export interface Block {
  readonly kind: string;
  readonly labels: readonly string[];
  readonly comment?: string | undefined;
  readonly entries: readonly Entry[];
}

/** A text whose `${` and `%{` are no template any more. */
export function escapeTemplate(text: string): string {
  return text.replaceAll(/([$%])\{/g, '$1$1{');
}

function quoted(text: string): string {
  // HCL knows fewer escapes than JSON: `\b` and `\f` are written by number.
  return JSON.stringify(escapeTemplate(text)).replaceAll(/\\([bf])/g, (_, letter) =>
    letter === 'b' ? String.raw`\u0008` : String.raw`\u000c`,
  );
}

const isBlock = (value: Expression | Block): value is Block => 'kind' in value;

const indented = (text: string): string => text.replaceAll('\n', '\n  ');

/** Lines `name = value`; the signs of neighbours on one line each stand below each other. */
function assignments(pairs: readonly (readonly [string, string])[]): string {
  const lines: string[] = [];
  let group: (readonly [string, string])[] = [];
  const flush = (): void => {
    const width = Math.max(0, ...group.map(([name]) => name.length));
    lines.push(...group.map(([name, value]) => `${name.padEnd(width)} = ${value}`));
    group = [];
  };
  for (const [name, value] of pairs) {
    if (!value.includes('\n')) {
      group.push([name, value]);
      continue;
    }
    flush();
    lines.push(`${name} = ${value}`);
  }
  flush();
  return lines.join('\n');
}

/** Longest line that a list is kept on. */
const lineRoom = 100;

function listText(items: readonly string[]): string {
  const line = `[${items.join(', ')}]`;
  if (items.length === 0 || (line.length <= lineRoom && !line.includes('\n'))) return line;
  return `[\n${items.map((item) => `  ${indented(item)},`).join('\n')}\n]`;
}

const keyText = (name: string): string => (/^[A-Za-z_][\w-]*$/.test(name) ? name : quoted(name));

function jsonText(value: Json): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return listText(value.map(jsonText));
  if (typeof value !== 'object' || value === null) return String(value);
  const pairs = Object.entries(value).map(([name, member]) => [keyText(name), jsonText(member)] as const);
  return pairs.length === 0 ? '{}' : `{\n  ${indented(assignments(pairs))}\n}`;
}

function expressionText(expression: Expression): string {
  if ('value' in expression) return jsonText(expression.value);
  if ('refer' in expression) return expression.refer;
  if ('template' in expression) return JSON.stringify(expression.template);
  if ('list' in expression) return listText(expression.list.map(expressionText));
  return `jsonencode(${jsonText(expression.policy)})`;
}

function bodyText(entries: readonly Entry[]): string {
  const parts: string[] = [];
  let pairs: (readonly [string, string])[] = [];
  const flush = (): void => {
    if (pairs.length > 0) parts.push(assignments(pairs));
    pairs = [];
  };
  for (const [name, value] of entries) {
    if (!isBlock(value)) pairs.push([name, expressionText(value)]);
    else {
      flush();
      parts.push(blockText(value));
    }
  }
  flush();
  return parts.join('\n');
}

function blockText({ kind, labels, comment, entries }: Block): string {
  const head = [kind, ...labels.map((label) => JSON.stringify(label))].join(' ');
  const body = bodyText(entries);
  const note = comment === undefined ? '' : `# ${comment}\n`;
  return `${note}${head} {${body === '' ? '' : `\n  ${indented(body)}\n`}}`;
}

/** Blocks as people write them. Empty lines inside have no blanks. */
export function printHcl(header: string, blocks: readonly Block[]): string {
  return `${[`# ${header}`, ...blocks.map(blockText)].join('\n\n')}\n`.replaceAll(/^ +$/gm, '');
}

function templateJson(value: Json): Json {
  if (typeof value === 'string') return escapeTemplate(value);
  if (Array.isArray(value)) return value.map(templateJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [escapeTemplate(name), templateJson(member)]),
  );
}

/** Names that Terraform's JSON reads as they are, not as templates (Terraform, "JSON configuration syntax"). */
const bareNames: ReadonlySet<string> = new Set(['to', 'from', 'provider', 'type']);

function expressionJson(name: string, expression: Expression): Json {
  if ('value' in expression) return templateJson(expression.value);
  if ('refer' in expression) return bareNames.has(name) ? expression.refer : `\${${expression.refer}}`;
  if ('template' in expression) return expression.template;
  if ('list' in expression) return expression.list.map((item) => expressionJson('', item));
  return escapeTemplate(JSON.stringify(expression.policy));
}

function bodyJson({ comment, entries }: Block): Json {
  const members = entries.map(([name, value]) =>
    isBlock(value) ? [name, bodyJson(value)] : [name, expressionJson(name, value)],
  );
  return Object.fromEntries([...(comment === undefined ? [] : [['//', comment]]), ...members]) as Json;
}

/** The same blocks as JSON. Blocks without labels, and those that may share their labels, are lists. */
export function printJson(header: string, blocks: readonly Block[]): string {
  const root: Record<string, unknown> = { '//': header };
  for (const block of blocks) {
    const { kind, labels } = block;
    if (labels.length === 0) {
      ((root[kind] ??= []) as Json[]).push(bodyJson(block));
      continue;
    }
    let place = (root[kind] ??= {}) as Record<string, unknown>;
    for (const label of labels.slice(0, -1)) place = (place[label] ??= {}) as Record<string, unknown>;
    const last = labels.at(-1)!;
    if (kind === 'provider') ((place[last] ??= []) as Json[]).push(bodyJson(block));
    else place[last] = bodyJson(block);
  }
  return `${JSON.stringify(root, null, 2)}\n`;
}
