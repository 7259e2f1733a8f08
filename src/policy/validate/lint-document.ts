// A policy as the linter reads it: every element with its place, however wrong the rest of the document is. What cannot
// be read at all is left out here; the grammar tells of it.
import type { JsonNode } from '../json-text.ts';
import { readOperator, type Operator } from '../operators.ts';
import { wildcardMatcher } from '../pattern.ts';

/** A place in the document: `at` is an offset of the text. */
export interface Spot {
  readonly at: number;
  readonly path: string;
}

export interface TextSpot extends Spot {
  readonly text: string;
}

/** `Action` or `NotAction`, `Resource` or `NotResource`. */
export interface LintList extends Spot {
  readonly not: boolean;
  readonly items: readonly TextSpot[];
  /** The items whose pattern fits an action's name; for lists of actions only. */
  matching(action: string): readonly TextSpot[];
}

export interface LintPrincipal extends Spot {
  readonly not: boolean;
  /** The element is `"*"`, or says `"AWS": "*"`. */
  readonly everyone: boolean;
  /** By type, as written: `AWS`, `Service`…; the element `"*"` has none. */
  readonly types: readonly (Spot & { readonly type: string; readonly items: readonly TextSpot[] })[];
}

export interface LintValue extends TextSpot {
  readonly type: 'string' | 'number' | 'boolean';
}

/** One line of a Condition block. */
export interface LintCondition extends Spot {
  /** As written. */
  readonly operator: string;
  /** Absent when there is no such operator. */
  readonly known: Operator | undefined;
  /** As written, and in lower case. */
  readonly key: string;
  readonly lower: string;
  readonly values: readonly LintValue[];
}

export interface LintStatement extends Spot {
  readonly index: number;
  readonly sid: TextSpot | undefined;
  readonly allows: boolean;
  readonly denies: boolean;
  readonly principal: LintPrincipal | undefined;
  readonly action: LintList | undefined;
  readonly resource: LintList | undefined;
  readonly conditions: readonly LintCondition[];
  /** The Condition element itself and its operators, empty ones as well. */
  readonly conditionBlock: (Spot & { readonly operators: readonly (Spot & { readonly size: number })[] }) | undefined;
  /** JSON of what the statement says, without its Sid: equal for statements that say the same. */
  readonly meaning: string;
}

export interface LintDocument extends Spot {
  readonly version: TextSpot | undefined;
  readonly hasVersion: boolean;
  /** `${…}` is a variable: version 2012-10-17. */
  readonly variables: boolean;
  readonly statements: readonly LintStatement[];
}

const memberOf = (node: JsonNode, name: string): JsonNode | undefined =>
  node.type === 'object' ? node.members.find((member) => member.name === name)?.value : undefined;

/** The texts of a value that is a text or a list of texts. */
function textsOf(node: JsonNode, path: string): TextSpot[] {
  if (node.type === 'string') return [{ text: node.value, at: node.at, path }];
  if (node.type !== 'array') return [];
  return node.items.flatMap((item, index) =>
    item.type === 'string' ? [{ text: item.value, at: item.at, path: `${path}[${index}]` }] : [],
  );
}

function listOf(statement: JsonNode, name: string, path: string): LintList | undefined {
  const plain = memberOf(statement, name);
  const node = plain ?? memberOf(statement, `Not${name}`);
  if (node === undefined) return undefined;
  const place = `${path}.${plain === undefined ? 'Not' : ''}${name}`;
  const items = textsOf(node, place);
  let patterns: readonly { readonly item: TextSpot; readonly fits: (action: string) => boolean }[] | undefined;
  return {
    not: plain === undefined,
    at: node.at,
    path: place,
    items,
    matching: (action) => {
      patterns ??= items.map((item) => ({ item, fits: wildcardMatcher(item.text, { ignoreCase: true }) }));
      return patterns.filter(({ fits }) => fits(action)).map(({ item }) => item);
    },
  };
}

/** Whether a statement's actions include one, by name, by pattern, or by not leaving it out. */
export function includesAction({ action }: LintStatement, name: string): boolean {
  return action !== undefined && action.matching(name).length > 0 !== action.not;
}

function principalOf(statement: JsonNode, path: string): LintPrincipal | undefined {
  const plain = memberOf(statement, 'Principal');
  const node = plain ?? memberOf(statement, 'NotPrincipal');
  if (node === undefined) return undefined;
  const place = `${path}.${plain === undefined ? 'Not' : ''}Principal`;
  const types =
    node.type === 'object'
      ? node.members.map(({ name, value }) => {
          const where = `${place}.${name}`;
          return { type: name, at: value.at, path: where, items: textsOf(value, where) };
        })
      : [];
  const everyone =
    (node.type === 'string' && node.value === '*') ||
    types.some(({ type, items }) => type === 'AWS' && items.some(({ text }) => text === '*'));
  return { not: plain === undefined, at: node.at, path: place, everyone, types };
}

function valueOf(node: JsonNode, path: string): LintValue[] {
  switch (node.type) {
    case 'string':
      return [{ type: 'string', text: node.value, at: node.at, path }];
    case 'number':
      return [{ type: 'number', text: node.text, at: node.at, path }];
    case 'boolean':
      return [{ type: 'boolean', text: String(node.value), at: node.at, path }];
    default:
      return [];
  }
}

function valuesOf(node: JsonNode, path: string): LintValue[] {
  return node.type === 'array'
    ? node.items.flatMap((item, index) => valueOf(item, `${path}[${index}]`))
    : valueOf(node, path);
}

function conditionsOf(block: JsonNode, path: string): LintCondition[] {
  if (block.type !== 'object') return [];
  return block.members.flatMap(({ name: operator, value: keys }) => {
    if (keys.type !== 'object') return [];
    return keys.members.map(({ name: key, nameAt, value }) => {
      const place = `${path}.${operator}.${key}`;
      const known = readOperator(operator);
      return {
        operator,
        known,
        key,
        lower: key.toLowerCase(),
        at: nameAt,
        path: place,
        values: valuesOf(value, place),
      };
    });
  });
}

function blockOf(block: JsonNode | undefined, path: string): LintStatement['conditionBlock'] {
  if (block?.type !== 'object') return undefined;
  const operators = block.members.flatMap(({ name, nameAt, value }) =>
    value.type === 'object' ? [{ at: nameAt, path: `${path}.${name}`, size: value.members.length }] : [],
  );
  return { at: block.at, path, operators };
}

/** Plain JSON of a node with the order of lists and members taken out. */
function meaningOf(node: JsonNode): string {
  switch (node.type) {
    case 'object': {
      const members = node.members.map(({ name, value }) => `${JSON.stringify(name)}:${meaningOf(value)}`);
      return `{${members.sort().join()}}`;
    }
    case 'array':
      return node.items.length === 1 ? meaningOf(node.items[0]!) : `[${node.items.map(meaningOf).sort().join()}]`;
    case 'string':
      return JSON.stringify(node.value);
    case 'null':
      return 'null';
    default:
      return node.type === 'number' ? node.text : String(node.value);
  }
}

function statementOf(node: JsonNode, index: number, path: string): LintStatement {
  const effect = memberOf(node, 'Effect');
  const sid = memberOf(node, 'Sid');
  const block = memberOf(node, 'Condition');
  const said = node.type === 'object' ? { ...node, members: node.members.filter(({ name }) => name !== 'Sid') } : node;
  return {
    index,
    at: node.at,
    path,
    sid: sid?.type === 'string' ? { text: sid.value, at: sid.at, path: `${path}.Sid` } : undefined,
    allows: effect?.type === 'string' && effect.value === 'Allow',
    denies: effect?.type === 'string' && effect.value === 'Deny',
    principal: principalOf(node, path),
    action: listOf(node, 'Action', path),
    resource: listOf(node, 'Resource', path),
    conditions: block === undefined ? [] : conditionsOf(block, `${path}.Condition`),
    conditionBlock: blockOf(block, `${path}.Condition`),
    meaning: meaningOf(said),
  };
}

/** Reads what can be read of a document. */
export function readLintDocument(root: JsonNode): LintDocument {
  const version = memberOf(root, 'Version');
  const statement = memberOf(root, 'Statement');
  const nodes = statement === undefined ? [] : statement.type === 'array' ? statement.items : [statement];
  return {
    at: root.at,
    path: '$',
    version: version?.type === 'string' ? { text: version.value, at: version.at, path: '$.Version' } : undefined,
    hasVersion: version !== undefined,
    variables: version?.type === 'string' && version.value === '2012-10-17',
    statements: nodes.map((node, index) =>
      statementOf(node, index, `$.Statement${statement!.type === 'array' ? `[${index}]` : ''}`),
    ),
  };
}
