// Reads the text of an ACL policy: HCL's blocks `path "…" { capabilities = […] }`, or the same as
// JSON `{"path": {"…": {"capabilities": […]}}}`. What would be needed to decide rightly but is not
// understood is refused, never ignored. Source of grammar and texts: OpenBao internal/vault/policy/policy.go.
import { isFailure, parseDuration, type Millis } from '../base/index.ts';
import { allCapabilities, type Capability, type ParameterRules, type PathRule } from './acl-index.ts';
import { brokerFailure } from './failures.ts';
import { severalErrors } from './go-errors.ts';
import { HclError } from './hcl-scanner.ts';
import { parseHcl, plain, type HclItem, type HclValue } from './hcl.ts';
import { checkTemplate } from './policy-template.ts';

/** The old single word `policy = "read"` and what it stands for. */
const oldWords: Readonly<Record<string, readonly Capability[]>> = {
  deny: ['deny'],
  read: ['read', 'list'],
  write: ['create', 'read', 'update', 'delete', 'list'],
  sudo: ['create', 'read', 'update', 'delete', 'list', 'sudo'],
};
const ruleKeys = [
  'comment',
  'policy',
  'capabilities',
  'allowed_parameters',
  'denied_parameters',
  'required_parameters',
  'min_wrapping_ttl',
  'max_wrapping_ttl',
  'mfa_methods',
  'pagination_limit',
  'expiration',
  'list_scan_response_keys_filter_path',
  'control_group',
];

export interface ParsedPolicy {
  readonly rules: readonly PathRule[];
  /** True when a path has `{{…}}`, so that the rules differ from caller to caller. */
  readonly templated: boolean;
  /** What was accepted and probably does not mean what its author thinks. */
  readonly warnings: readonly string[];
}

/** @throws Failure `policy-invalid` with line and column, or with the path whose rule is wrong. */
export function parsePolicy(text: string): ParsedPolicy {
  const { json, items } = readText(text);
  checkKeys(items, ['name', 'path']);
  const blocks = items.filter(({ keys }) => keys[0] === 'path').flatMap((item) => (json ? jsonBlocks(item) : [item]));
  const rules = blocks.map((block) => ruleOf(block.keys[1] ?? 'path', block.value));
  return {
    rules,
    templated: rules.some(({ path }) => path.includes('{{')),
    warnings: rules.filter(({ path }) => path.slice(0, -1).includes('*')).map(({ path }) => literalStar(path)),
  };
}

function readText(text: string): ReturnType<typeof parseHcl> {
  try {
    return parseHcl(text);
  } catch (error) {
    throw error instanceof HclError ? invalid(error.message) : error;
  }
}

function literalStar(path: string): string {
  return `path "${path}": "*" is a wildcard only at the end of a path; use "+" for one segment`;
}

// JSON says `{"path": {"a": {…}}}` where HCL says `path "a" {…}`; lists of objects stand for their members.
function jsonBlocks(item: HclItem): readonly HclItem[] {
  return objectsOf(item.value).flatMap((paths) =>
    paths.items.flatMap((rule) =>
      objectsOf(rule.value).map((value) => ({ ...rule, keys: ['path', rule.keys[0]!], value })),
    ),
  );
}

type HclObject = Extract<HclValue, { kind: 'object' }>;

function objectsOf(value: HclValue): readonly HclObject[] {
  if (value.kind === 'object') return [value];
  if (value.kind === 'list') return value.items.flatMap(objectsOf);
  throw invalid(`cannot check HCL keys of type *ast.LiteralType`);
}

function checkKeys(items: readonly HclItem[], valid: readonly string[], prefix = '', doing = ''): void {
  const wrong = items.filter(({ keys }) => !valid.includes(keys[0]!));
  if (wrong.length > 0) {
    const lines = wrong.map(({ keys, assignLine }) => `${prefix}invalid key "${keys[0]}" on line ${assignLine}`);
    throw invalid(`${doing}${severalErrors(...lines)}`);
  }
}

function ruleOf(given: string, value: HclValue): PathRule {
  const prefix = `path "${given}": `;
  if (value.kind !== 'object') throw invalid(`cannot check HCL keys of type *ast.LiteralType`);
  checkTemplate(given);
  checkKeys(value.items, ruleKeys, prefix);
  const fields = new RuleFields(prefix, value.items);
  const path = given.replace(/^\//, '');
  if (path.includes('+*')) throw invalid(`path "${path}": invalid use of wildcards ('+*' is forbidden)`);
  return { path, ...permissionsOf(fields, prefix) };
}

function permissionsOf(fields: RuleFields, prefix: string): Omit<PathRule, 'path'> {
  const capabilities = capabilitiesOf(fields, prefix);
  const minWrappingSeconds = fields.seconds('min_wrapping_ttl');
  const maxWrappingSeconds = fields.seconds('max_wrapping_ttl');
  if (minWrappingSeconds > 0 && maxWrappingSeconds > 0 && maxWrappingSeconds < minWrappingSeconds) {
    throw invalid('max_wrapping_ttl cannot be less than min_wrapping_ttl');
  }
  const keysFilterPath = fields.text('list_scan_response_keys_filter_path') ?? '';
  if (keysFilterPath !== '') checkFilterPath(keysFilterPath, capabilities);
  return {
    capabilities,
    minWrappingSeconds,
    maxWrappingSeconds,
    allowedParameters: fields.parameters('allowed_parameters'),
    deniedParameters: fields.parameters('denied_parameters'),
    requiredParameters: fields.texts('required_parameters'),
    mfaMethods: fields.texts('mfa_methods'),
    paginationLimit: fields.integer('pagination_limit'),
    keysFilterPath,
    controlGroup: fields.controlGroup(),
    expiresAt: fields.time('expiration'),
  };
}

function capabilitiesOf(fields: RuleFields, prefix: string): readonly Capability[] {
  const word = fields.text('policy') ?? '';
  const old = Object.hasOwn(oldWords, word) ? oldWords[word]! : [];
  if (word !== '' && old.length === 0) throw invalid(`${prefix}invalid policy "${word}"`);
  const words = [...fields.texts('capabilities'), ...old];
  for (const one of words) {
    // What follows a `deny` is not looked at: it can add nothing.
    if (one === 'deny') return ['deny'];
    if (!allCapabilities.includes(one as Capability)) throw invalid(`${prefix}invalid capability "${one}"`);
  }
  return [...new Set(words as readonly Capability[])];
}

function checkFilterPath(template: string, capabilities: readonly Capability[]): void {
  if (!capabilities.includes('list')) {
    throw invalid('list_scan_response_keys_filter_path needs to be used on a path with the list capability');
  }
  if (!/\{\{-?\s*\.key\s*-?\}\}/.test(template)) {
    throw invalid('list_scan_response_keys_filter_path resulted in same path for two different keys');
  }
  const rest = template.replaceAll(/\{\{-?\s*\.(?:key|path)\s*-?\}\}/g, '');
  if (rest.includes('{{') || rest.includes('}}')) {
    throw invalid('unable to compile template for list_scan_response_keys_filter_path: only .key and .path are known');
  }
}

/** The keys of one rule, read as what they must be. */
class RuleFields {
  readonly #prefix: string;
  readonly #items = new Map<string, HclValue[]>();

  constructor(prefix: string, items: readonly HclItem[]) {
    this.#prefix = prefix;
    for (const { keys, value, line, column } of items) {
      const [key, ...labels] = keys as [string, ...string[]];
      const earlier = this.#items.get(key);
      // SECURITY: of two values one would be dropped, and it might be the `deny`. Vault 1.21 refuses it too.
      if (earlier !== undefined && (value.kind !== 'object' || earlier[0]!.kind !== 'object')) {
        throw invalid(
          `The argument "${key}" at ${line}:${column} was already set. Each argument can only be defined once`,
        );
      }
      if (labels.length > 0) throw this.#wrong(value, 'unknown type for string *ast.ObjectList');
      this.#items.set(key, [...(earlier ?? []), value]);
    }
  }

  text(name: string): string | undefined {
    const value = this.#items.get(name)?.[0];
    return value === undefined ? undefined : this.#textOf(value);
  }

  texts(name: string): readonly string[] {
    const value = this.#items.get(name)?.[0];
    if (value === undefined) return [];
    if (value.kind !== 'list') throw this.#wrong(value, 'unknown slice type: *ast.LiteralType');
    return value.items.map((item) => this.#textOf(item));
  }

  integer(name: string): number {
    const value = this.#items.get(name)?.[0];
    const number = value === undefined ? 0 : Number(this.#textOf(value));
    if (!Number.isSafeInteger(number)) throw this.#wrong(value!, `root.${name}: not a whole number`);
    return number;
  }

  seconds(name: string): number {
    const value = this.#items.get(name)?.[0];
    if (value === undefined) return 0;
    const text = this.#textOf(value);
    try {
      return parseDuration(text || '0');
    } catch (error) {
      if (isFailure(error)) throw invalid(`error parsing ${name}: time: invalid duration "${text}"`);
      throw error;
    }
  }

  time(name: string): Millis | null {
    const text = this.text(name) ?? '';
    if (text === '') return null;
    const at = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
    if (!Number.isFinite(at) || !/^\d+(?:$|-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$)/.test(text)) {
      throw invalid(`${this.#prefix}invalid expiration time: could not parse string as date and time`);
    }
    return at;
  }

  /** Names in lower case, as requests are compared. */
  parameters(name: string): ParameterRules | undefined {
    const values = this.#items.get(name);
    if (values === undefined) return undefined;
    const rules = new Map<string, readonly unknown[]>();
    for (const value of values) {
      if (value.kind !== 'object')
        throw this.#wrong(value, `root.${name}: not an object type for map (*ast.LiteralType)`);
      for (const item of value.items) {
        const key = item.keys[0]!;
        if (item.value.kind !== 'list') throw this.#wrong(item.value, 'unknown slice type: *ast.LiteralType');
        // A parameter named twice, perhaps in two spellings, means both lists.
        const earlier = rules.get(key.toLowerCase()) ?? [];
        rules.set(key.toLowerCase(), [...earlier, ...(plain(item.value) as readonly unknown[])]);
      }
    }
    return rules;
  }

  controlGroup(): boolean {
    const values = this.#items.get('control_group') ?? [];
    for (const value of values) {
      if (value.kind !== 'object') throw this.#wrong(value, 'path control_group: not an object');
      const known = ['ttl', 'self_auth_allowed', 'factor'];
      checkKeys(value.items, known, 'path control_group: ', 'error handling control_group: ');
    }
    return values.length > 0;
  }

  #textOf(value: HclValue): string {
    if (value.kind === 'text' || value.kind === 'number' || value.kind === 'null') return value.text;
    throw this.#wrong(value, 'unknown type for string *ast.LiteralType');
  }

  #wrong({ line, column }: HclValue, message: string): Error {
    return invalid(`${this.#prefix}At ${line}:${column}: ${message}`);
  }
}

function invalid(message: string): Error {
  return brokerFailure('policy-invalid', `failed to parse policy: ${message}`, {
    hint: 'a policy is a list of `path "secret/*" { capabilities = ["read"] }`, or the same as JSON',
  });
}
