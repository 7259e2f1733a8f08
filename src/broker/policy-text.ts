// Reads the text of an ACL policy: HCL's blocks `path "…" { capabilities = […] }`, or the same as
// JSON `{"path": {"…": {"capabilities": […]}}}`. What would be needed to decide rightly but is not
// understood is refused, never ignored.
import { parseDocument } from 'yaml';
import type { Capability, PathRule } from './acl.ts';
import { brokerFailure } from './failures.ts';

const capabilities: readonly string[] = ['create', 'read', 'update', 'patch', 'delete', 'list', 'sudo', 'deny'];
/** The old single word `policy = "read"` and what it stands for. */
const oldWords: Readonly<Record<string, readonly Capability[]>> = {
  deny: ['deny'],
  read: ['read', 'list'],
  write: ['create', 'read', 'update', 'delete', 'list'],
  sudo: ['create', 'read', 'update', 'delete', 'list', 'sudo'],
};

/** @throws Failure `policy-invalid` with line and column, or with the path whose rule is wrong. */
export function parsePolicy(text: string): readonly PathRule[] {
  const blocks = text.trimStart().startsWith('{') ? jsonBlocks(text) : new HclReader(text).blocks();
  return blocks.map(([path, body]) => ruleOf(path, body));
}

type Block = readonly [path: string, body: Readonly<Record<string, unknown>>];

function ruleOf(given: string, body: Readonly<Record<string, unknown>>): PathRule {
  const path = given.replace(/^\//, '');
  if (path.includes('+*')) throw invalid(`path "${given}": invalid use of wildcards ('+*' is forbidden)`);
  if (path.includes('{{')) throw invalid(`path "${given}": templates are not supported`);
  if (path.slice(0, -1).includes('*')) throw invalid(`path "${given}": \`*\` may stand only at the end`);
  const unknown = Object.keys(body).find((key) => key !== 'capabilities' && key !== 'policy' && key !== 'comment');
  if (unknown !== undefined) throw invalid(`path "${given}": invalid key "${unknown}"`);
  const words = body['capabilities'] ?? [];
  if (!Array.isArray(words)) throw invalid(`path "${given}": \`capabilities\` is a list`);
  const wrong = words.find((word) => !capabilities.includes(word as string));
  if (wrong !== undefined) throw invalid(`path "${given}": invalid capability "${String(wrong)}"`);
  return { path, capabilities: [...(words as Capability[]), ...oldCapabilities(given, body['policy'])] };
}

function oldCapabilities(path: string, word: unknown): readonly Capability[] {
  if (word === undefined) return [];
  const found = typeof word === 'string' && Object.hasOwn(oldWords, word) ? oldWords[word] : undefined;
  if (found === undefined) throw invalid(`path "${path}": invalid policy ${JSON.stringify(word)}`);
  return found;
}

function jsonBlocks(text: string): readonly Block[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`the policy is no JSON: ${(error as Error).message}`);
  }
  // SECURITY: JSON.parse keeps the last of two equal keys, which could drop a `deny`.
  const repeated = parseDocument(text, { schema: 'json' }).errors.find(({ code }) => code === 'DUPLICATE_KEY');
  if (repeated !== undefined) {
    const { line = 0, col = 0 } = repeated.linePos?.[0] ?? {};
    throw invalid(`line ${line}, column ${col}: a key stands twice in one object`);
  }
  const { path, ...rest } = value as { path?: unknown };
  const [extra] = Object.keys(rest);
  if (extra !== undefined) throw invalid(`invalid key "${extra}" on the top level`);
  return (Array.isArray(path) ? path : [path ?? {}]).flatMap((group: unknown) => {
    if (typeof group !== 'object' || group === null) throw invalid('`path` is an object of paths');
    return Object.entries(group).flatMap(([name, body]) => bodiesOf(name, body));
  });
}

function bodiesOf(name: string, body: unknown): readonly Block[] {
  return (Array.isArray(body) ? body : [body]).map((one: unknown) => {
    if (typeof one !== 'object' || one === null) throw invalid(`path "${name}": the rule is an object`);
    return [name, one as Record<string, unknown>] as const;
  });
}

/** Reads the part of HCL that policies use: blocks, strings, lists of strings, comments. */
class HclReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  blocks(): readonly Block[] {
    const blocks: Block[] = [];
    for (this.#skip(); this.#at < this.#text.length; this.#skip()) {
      const word = this.#word();
      if (word !== 'path') throw this.#invalid(`invalid key "${word}"`);
      blocks.push([this.#string(), this.#body()]);
    }
    return blocks;
  }

  #body(): Readonly<Record<string, unknown>> {
    const body = new Map<string, unknown>();
    this.#expect('{');
    for (;;) {
      this.#skip();
      if (this.#text[this.#at] === '}') break;
      const key = this.#text[this.#at] === '"' ? this.#string() : this.#word();
      // SECURITY: of two values one would be dropped, and it might be the `deny`.
      if (body.has(key)) throw this.#invalid(`\`${key}\` is already given`);
      this.#expect('=');
      this.#skip();
      body.set(key, this.#text[this.#at] === '[' ? this.#list() : this.#string());
      this.#skip();
      if (this.#text[this.#at] === ',') this.#at++;
    }
    this.#at++;
    return Object.fromEntries(body);
  }

  #list(): readonly string[] {
    const items: string[] = [];
    this.#expect('[');
    for (;;) {
      this.#skip();
      if (this.#text[this.#at] === ']') break;
      items.push(this.#string());
      this.#skip();
      if (this.#text[this.#at] === ',') this.#at++;
      else if (this.#text[this.#at] !== ']') throw this.#invalid('expected `,` or `]`');
    }
    this.#at++;
    return items;
  }

  #string(): string {
    this.#skip();
    const found = /"(?:[^"\\\n]|\\.)*"/y;
    found.lastIndex = this.#at;
    const match = found.exec(this.#text);
    if (match === null) throw this.#invalid('expected a string in double quotes');
    this.#at = found.lastIndex;
    try {
      return JSON.parse(match[0]) as string;
    } catch {
      throw this.#invalid('the string has an unknown escape');
    }
  }

  #word(): string {
    const found = /[A-Za-z_][\w-]*/y;
    found.lastIndex = this.#at;
    const match = found.exec(this.#text);
    if (match === null) throw this.#invalid(`unexpected \`${this.#text[this.#at] ?? 'end'}\``);
    this.#at = found.lastIndex;
    return match[0];
  }

  #expect(character: string): void {
    this.#skip();
    if (this.#text[this.#at] !== character) throw this.#invalid(`expected \`${character}\``);
    this.#at++;
  }

  #skip(): void {
    const space = /(?:\s|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
    space.lastIndex = this.#at;
    space.exec(this.#text);
    this.#at = space.lastIndex;
  }

  #invalid(message: string): Error {
    const before = this.#text.slice(0, this.#at).split('\n');
    return invalid(`line ${before.length}, column ${before.at(-1)!.length + 1}: ${message}`);
  }
}

function invalid(message: string): Error {
  return brokerFailure('policy-invalid', message, {
    hint: 'a policy is a list of `path "secret/*" { capabilities = ["read"] }`, or the same as JSON',
  });
}
