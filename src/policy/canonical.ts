// One text for all documents that mean the same, for comparing what is wanted with what AWS gives back.
import { canonicalJson, type Json } from '../base/index.ts';
import type { ConditionSource } from './conditions.ts';
import type { CompiledPolicy } from './document.ts';
import type { ListSource, StatementSource } from './grammar.ts';
import { accountOf, type PrincipalSource } from './principals.ts';

/** Operators that AWS documents as identical. */
const sameOperator = (operator: string): string =>
  operator.replace(/ArnEquals/, 'ArnLike').replace(/ArnNotEquals/, 'ArnNotLike');

const asSet = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();

function principalOf(who: PrincipalSource): Json {
  if (who.AWS.includes('*')) return '*';
  return Object.fromEntries(
    Object.entries(who)
      .map(([type, names]: [string, readonly string[]]) => [type, asSet(names.map((name) => accountOf(name) ?? name))])
      .filter(([, names]) => names!.length > 0),
  ) as Json;
}

const listed = (name: string, list: ListSource, fold: (value: string) => string): Record<string, Json> => ({
  [`${list.not ? 'Not' : ''}${name}`]: asSet(list.values.map(fold)),
});

/** Operator → key → values. Two keys that differ only in case both count, so the second keeps its spelling. */
function conditionsOf(conditions: readonly ConditionSource[]): Json | undefined {
  // Without prototype: a key named `__proto__` or `constructor` is a key like any other.
  const blocks = Object.create(null) as Record<string, Record<string, Json>>;
  for (const { operator, key, values } of conditions) {
    const block = (blocks[sameOperator(operator)] ??= Object.create(null) as Record<string, Json>);
    const folded = key.toLowerCase();
    const fold = operator.includes('Bool') || operator === 'Null' ? (value: string) => value.toLowerCase() : String;
    block[folded in block ? key : folded] = asSet(values.map(fold));
  }
  return conditions.length === 0 ? undefined : blocks;
}

function statementOf(source: StatementSource): string {
  const { principal, resource } = source;
  return canonicalJson({
    Sid: source.sid,
    Effect: source.effect,
    ...(principal && { [principal.not ? 'NotPrincipal' : 'Principal']: principalOf(principal.who) }),
    ...listed('Action', source.action, (action) => action.toLowerCase()),
    ...(resource && listed('Resource', resource, String)),
    Condition: conditionsOf(source.conditions),
  });
}

/**
 * Canonical JSON of what a policy says. Equal texts mean equal policies: one value or a list of one, the order of
 * statements and lists, the case of actions and condition keys, an empty Sid, and account id or root ARN do not matter.
 */
export function canonicalPolicy(policy: CompiledPolicy): string {
  const { version, id, statements } = policy.document;
  const listedStatements = statements.map(statementOf).sort();
  const idMember = id === undefined ? '' : `"Id":${JSON.stringify(id)},`;
  return `{${idMember}"Statement":[${listedStatements.join(',')}],"Version":"${version}"}`;
}
