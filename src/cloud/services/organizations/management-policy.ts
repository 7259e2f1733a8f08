// Management policies (tag, backup, AI opt-out…): their form, and how those of an account and of what is above it
// merge into the effective one. Pure.
// https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html and inheritance-examples.html
import { organizationsFailure } from './failures.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const setters = ['@@assign', '@@append', '@@remove'] as const;
const childControl = '@@operators_allowed_for_child_policies';
type Setter = (typeof setters)[number];

/** Deeper documents are refused: nothing AWS defines comes near. */
const deepest = 32;

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws MalformedPolicyDocumentException. `topics` are the names that may stand at the top. */
export function checkManagementPolicy(content: string, type: string, topics: readonly string[]): void {
  const document = readDocument(content);
  const entries = Object.entries(document);
  if (entries.length === 0 || !entries.every(([key, value]) => topics.includes(key) && isObject(value)))
    throw malformed();
  for (const [, value] of entries) checkNode(value, 1);
  if (type === 'TAG_POLICY') checkTagPolicy(document['tags'] as JsonObject);
}

function malformed() {
  return organizationsFailure('MalformedPolicyDocumentException');
}

function readDocument(content: string): JsonObject {
  let document: Json;
  try {
    document = JSON.parse(content) as Json;
  } catch {
    throw malformed();
  }
  if (!isObject(document)) throw malformed();
  return document;
}

function checkNode(node: Json, depth: number): void {
  if (!isObject(node) || depth > deepest) throw malformed();
  for (const [key, value] of Object.entries(node)) {
    if (!key.startsWith('@@')) checkNode(value, depth + 1);
    else if (!isOperand(key, value)) throw malformed();
  }
}

function isOperand(key: string, value: Json): boolean {
  if (key === '@@assign') return !isObject(value) && value !== null;
  if (key === childControl) return isListOf(value, [...setters, '@@all', '@@none']);
  return (key === '@@append' || key === '@@remove') && isListOf(value);
}

function isListOf(value: Json, names?: readonly string[]): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && (names?.includes(item) ?? true));
}

const tagSettings: ReadonlySet<string> = new Set(['tag_key', 'tag_value', 'enforced_for', 'report_required_tag_for']);

/** Tag policy syntax: under each key only these settings, and lists where lists are due. */
function checkTagPolicy(tags: JsonObject): void {
  for (const [name, tag] of Object.entries(tags)) {
    if (name.startsWith('@@')) continue;
    for (const [key, setting] of Object.entries(tag as JsonObject)) {
      if (key.startsWith('@@')) {
        if (key !== childControl) throw malformed();
        continue;
      }
      const assigned = (setting as JsonObject)['@@assign'];
      const isList = key !== 'tag_key';
      if (!tagSettings.has(key) || (assigned !== undefined && Array.isArray(assigned) !== isList)) throw malformed();
    }
  }
}

/** One place in the merged document. */
interface Setting {
  value?: Json;
  /** What child policies may use here and below. */
  allowed: ReadonlySet<Setter>;
  readonly below: Map<string, Setting>;
}

function newSetting(): Setting {
  return { allowed: new Set(setters), below: new Map() };
}

/** What one level does once all of its policies are read. */
interface Level {
  /** Settings that an earlier policy of the level has set: the first one attached wins. */
  readonly set: Set<Setting>;
  readonly limits: (() => void)[];
}

/**
 * The effective policy as JSON text; undefined when nothing is in effect. `levels` hold the documents of the root,
 * of each unit and of the account, each in the order in which they were attached.
 */
export function effectivePolicy(levels: readonly (readonly string[])[]): string | undefined {
  const top = newSetting();
  for (const documents of levels) {
    const level: Level = { set: new Set(), limits: [] };
    for (const document of documents) {
      // A policy's own assignments and additions belong together, so what it set counts from the next policy on.
      const set = new Set<Setting>();
      merge(top, readDocument(document), top.allowed, level, set);
      for (const setting of set) level.set.add(setting);
    }
    for (const limit of level.limits) limit();
  }
  const result = render(top);
  return result === undefined ? undefined : JSON.stringify(result);
}

function merge(
  setting: Setting,
  node: JsonObject,
  inherited: ReadonlySet<Setter>,
  level: Level,
  set: Set<Setting>,
): void {
  const allowed = both(setting.allowed, inherited);
  for (const [key, value] of Object.entries(node)) {
    if (key === childControl) {
      const operators = operatorsOf(value as readonly string[]);
      level.limits.push(() => (setting.allowed = both(setting.allowed, operators)));
    } else if (key.startsWith('@@')) {
      if (allowed.has(key as Setter)) change(setting, key as Setter, value, level.set.has(setting));
      set.add(setting);
    } else {
      let below = setting.below.get(key);
      if (below === undefined) setting.below.set(key, (below = newSetting()));
      merge(below, value as JsonObject, allowed, level, set);
    }
  }
}

function both(one: ReadonlySet<Setter>, other: ReadonlySet<Setter>): ReadonlySet<Setter> {
  return new Set([...one].filter((setter) => other.has(setter)));
}

function operatorsOf(names: readonly string[]): ReadonlySet<Setter> {
  return names.includes('@@all') ? new Set(setters) : new Set(setters.filter((setter) => names.includes(setter)));
}

function change(setting: Setting, operator: Setter, operand: Json, isSet: boolean): void {
  if (operator === '@@assign') {
    if (!isSet) setting.value = operand;
    return;
  }
  const before = Array.isArray(setting.value) ? (setting.value as readonly Json[]) : [];
  const items = operand as readonly Json[];
  setting.value =
    operator === '@@append' ? [...new Set([...before, ...items])] : before.filter((item) => !items.includes(item));
}

function render(setting: Setting): Json | undefined {
  if (setting.below.size === 0) {
    return Array.isArray(setting.value) && setting.value.length === 0 ? undefined : setting.value;
  }
  const entries = [...setting.below].flatMap(([key, below]) => {
    const value = render(below);
    return value === undefined ? [] : [[key, value] as const];
  });
  if (entries.length === 0) return setting.value;
  return Object.fromEntries(entries);
}
