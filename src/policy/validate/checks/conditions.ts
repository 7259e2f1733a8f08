// Checks of conditions: operators, keys and how the two fit.

import {
  analyzer,
  eachCondition,
  eachStatement,
  found,
  grammar,
  parliament,
  shown,
  type Check,
  type Found,
  type LintScope,
} from '../check.ts';
import type { KeyFacts } from '../global-keys.ts';
import { globalKey, globalKeyNames, tagKeyPrefixes } from '../global-keys.ts';
import type { LintSeverity } from '../finding.ts';
import type { LintCondition, LintStatement } from '../lint-document.ts';
import { nearestName } from '../../../base/index.ts';
import { hasWildcard, partsOf } from './actions.ts';

/** What is known of a key, whether AWS's own or a service's. */
export function keyFacts(lower: string, { catalog }: LintScope): KeyFacts | undefined {
  const global = globalKey(lower);
  if (global !== undefined || lower.startsWith('aws:')) return global;
  const type = catalog.typeOf(lower);
  return type === undefined ? undefined : { type, multivalued: catalog.isMultivalued(lower) === true };
}

const isGlobal = ({ lower }: LintCondition): boolean => lower.startsWith('aws:');

/** A key that is another one's host, as OIDC providers have: `token.actions.githubusercontent.com:sub`. */
const isProviderKey = ({ key }: LintCondition): boolean => /^[^:]*\.[^:]+:/.test(key);

/** Lines of one statement about the same key. */
const others = (statement: LintStatement, name: string): LintCondition[] =>
  statement.conditions.filter(({ lower }) => lower === name);

/** Whether the statement also demands that the key be there at all. */
const demanded = (statement: LintStatement, lower: string): boolean =>
  others(statement, lower).some(
    ({ known, values }) => known?.name === 'Null' && values.some(({ text }) => text.toLowerCase() === 'false'),
  );

function repeatedKeys({ conditions }: LintStatement): Found[] {
  const seen = new Map<string, string>();
  return conditions.flatMap((condition) => {
    const id = `${condition.operator} ${condition.lower}`;
    const first = seen.get(id);
    seen.set(id, condition.key);
    return first === undefined || first === condition.key
      ? []
      : [found(condition, `\`${condition.key}\` and \`${first}\` are one key to AWS`)];
  });
}

function unknownGlobalKey(condition: LintCondition): string | undefined {
  if (!isGlobal(condition) || condition.lower === 'aws:arn') return undefined;
  if (tagKeyPrefixes.some((prefix) => condition.lower === prefix || condition.lower === `${prefix}/`)) return undefined;
  return globalKey(condition.lower) === undefined ? `there is no condition key \`${condition.key}\`` : undefined;
}

function missingTagKey({ key, lower }: LintCondition): string | undefined {
  return tagKeyPrefixes.some((prefix) => lower === prefix || lower === `${prefix}/`)
    ? `\`${key}\` names no tag`
    : undefined;
}

function unknownServiceKey(condition: LintCondition, scope: LintScope, misspelt: boolean): Found[] {
  if (isGlobal(condition) || isProviderKey(condition)) return [];
  const [service] = condition.lower.split(':');
  if (!condition.lower.includes(':') || !scope.catalog.hasService(service!) || scope.catalog.hasKey(condition.lower)) {
    return [];
  }
  const near = scope.catalog.nearKey(condition.key);
  if ((near !== undefined) !== misspelt) return [];
  const cure = near === undefined ? undefined : `did you mean \`${near}\`?`;
  return [found(condition, `there is no condition key \`${condition.key}\``, cure)];
}

/** Actions whose requests never hold the key, so that the condition is never met for them. */
function strangersTo(condition: LintCondition, statement: LintStatement, { catalog }: LintScope): string[] {
  const { lower, known } = condition;
  const isService = !isGlobal(condition) && !isProviderKey(condition) && catalog.hasKey(lower);
  if (!isService || known?.ifExists === true || known?.name === 'Null' || statement.action?.not !== false) return [];
  return statement.action.items
    .map(({ text }) => text)
    .filter((text) => partsOf(text) !== undefined && !hasWildcard(text) && catalog.has(text))
    .filter((text) => !catalog.conditionKeys(text).some((key) => sameKey(key, lower)));
}

/** `s3:requestobjecttag/*` is the catalogue's form of a key with a tag at its end. */
function sameKey(form: string, lower: string): boolean {
  return form === lower || (form.endsWith('*') && lower.startsWith(form.slice(0, -1)));
}

function singleValued(condition: LintCondition, scope: LintScope): boolean {
  // Of a provider's claims nobody knows; `aud` has a check of its own.
  return !isProviderKey(condition) && keyFacts(condition.lower, scope)?.multivalued === false;
}

function loosened(condition: LintCondition, statement: LintStatement, scope: LintScope): string | undefined {
  const { known, key } = condition;
  if (known?.qualifier !== 'ForAllValues' || statement.denies || !singleValued(condition, scope)) return undefined;
  if (demanded(statement, condition.lower)) return undefined;
  return `\`ForAllValues\` also holds when \`${key}\` is not in the request, and that key has one value only`;
}

function anyOfOne(condition: LintCondition, statement: LintStatement, scope: LintScope): string | undefined {
  if (condition.known?.qualifier === undefined || !singleValued(condition, scope)) return undefined;
  if (loosened(condition, statement, scope) !== undefined) return undefined;
  return `\`${condition.key}\` has one value only, so \`${condition.known.qualifier}\` is not needed`;
}

function unqualified({ known, lower, key }: LintCondition, scope: LintScope): string | undefined {
  if (known === undefined || known.qualifier !== undefined || known.name === 'Null') return undefined;
  return keyFacts(lower, scope)?.multivalued === true ? `\`${key}\` can have several values at once` : undefined;
}

/** Keys that say little without one of the others. */
const pairs: Readonly<Record<string, readonly string[]>> = {
  'aws:vpcsourceip': ['aws:SourceVpc', 'aws:SourceVpce', 'aws:SourceVpcArn'],
  'aws:ec2instancesourceprivateipv4': ['aws:Ec2InstanceSourceVpc', 'aws:SourceVpc'],
};

function unpaired({ lower, key }: LintCondition, { conditions }: LintStatement): string | undefined {
  const wanted = pairs[lower];
  if (wanted === undefined) return undefined;
  const present = new Set(conditions.map((it) => it.lower));
  if (wanted.some((name) => present.has(name.toLowerCase()))) return undefined;
  return `\`${key}\` says little without ${wanted.map((name) => `\`${name}\``).join(' or ')}: private addresses are not unique`;
}

/** `{"Bool": {"aws:MultiFactorAuthPresent": "false"}}`: a caller with long-term keys has no such key at all. */
function weakMfa({ lower, known, values }: LintCondition, { denies }: LintStatement): string | undefined {
  if (lower !== 'aws:multifactorauthpresent' || known === undefined) return undefined;
  const no = values.some(({ text }) => text.toLowerCase() === 'false');
  if (known.name === 'Bool' && !known.ifExists && no && denies) {
    return 'does not deny callers with access keys: their requests do not say whether MFA was used';
  }
  if (known.name === 'Bool' && known.ifExists && !no && !denies) {
    return 'lets in callers with access keys: their requests do not say whether MFA was used';
  }
  if (known.name === 'Null' && no && !denies) {
    return 'holds for every session, with MFA or without: the key is there either way';
  }
  return known.name === 'Bool' && no && !denies ? 'allows only when MFA was not used' : undefined;
}

const emptyCondition =
  (fits: (condition: LintCondition) => boolean, message: (key: string) => string) =>
  (condition: LintCondition): string | undefined =>
    condition.values.length === 0 && condition.known !== undefined && fits(condition)
      ? message(condition.key)
      : undefined;

const emptyCheck = (
  id: string,
  source: string,
  title: string,
  fits: (condition: LintCondition) => boolean,
  says: (key: string) => string,
  severity: LintSeverity = 'suggestion',
): Check => ({
  id,
  severity,
  title,
  cure: 'give values, or ask whether the key is there with `Null`',
  sources: [analyzer(source)],
  find: eachCondition(emptyCondition(fits, says)),
});

const isNullOf = ({ operator }: LintCondition, pattern: RegExp): boolean => pattern.test(operator);

export const conditionChecks: readonly Check[] = [
  {
    id: 'empty-object-condition',
    severity: 'suggestion',
    title: 'an empty condition',
    cure: 'remove it, or give the condition',
    sources: [analyzer('Empty object condition')],
    find: eachStatement(({ conditionBlock }) => {
      if (conditionBlock === undefined) return [];
      if (conditionBlock.operators.length === 0) return [found(conditionBlock, 'the condition is empty')];
      return conditionBlock.operators
        .filter(({ size }) => size === 0)
        .map((it) => found(it, 'the operator has no key, so it asks for nothing'));
    }),
  },
  emptyCheck(
    'empty-array-condition',
    'Empty array condition',
    'a condition key without values',
    ({ known }) => known?.qualifier === undefined && known?.ifExists === false,
    (key) => `\`${key}\` is compared with nothing`,
  ),
  emptyCheck(
    'empty-array-condition-forallvalues',
    'Empty array condition ForAllValues',
    '`ForAllValues` without values',
    ({ known }) => known?.qualifier === 'ForAllValues',
    (key) => `holds only when \`${key}\` is not in the request`,
  ),
  emptyCheck(
    'empty-array-condition-foranyvalue',
    'Empty array condition ForAnyValue',
    '`ForAnyValue` without values',
    ({ known }) => known?.qualifier === 'ForAnyValue',
    (key) => `\`ForAnyValue\` with no value for \`${key}\` never holds`,
  ),
  emptyCheck(
    'empty-array-condition-ifexists',
    'Empty array condition IfExists',
    '`IfExists` without values',
    ({ known }) => known?.qualifier === undefined && known?.ifExists === true,
    (key) => `holds only when \`${key}\` is not in the request`,
  ),
  {
    id: 'null-with-qualifier',
    severity: 'error',
    title: '`Null` with `ForAllValues` or `ForAnyValue`',
    cure: 'write `Null` alone: it asks whether the key is in the request',
    sources: [analyzer('Null with qualifier')],
    find: eachCondition((condition) =>
      isNullOf(condition, /^For(?:All|Any)Values?:Null/) ? '`Null` asks for the key, not for its values' : undefined,
    ),
  },
  {
    id: 'null-with-if-exists',
    severity: 'error',
    title: '`NullIfExists`',
    cure: 'write `Null` without the suffix',
    sources: [analyzer('Null with if exists')],
    find: eachCondition((condition) =>
      isNullOf(condition, /^NullIfExists$/) ? '`Null` already asks whether the key is there' : undefined,
    ),
  },
  {
    id: 'invalid-condition-operator',
    severity: 'error',
    title: 'a condition operator that does not exist',
    cure: 'use an operator of the IAM user guide, written with case, as `StringEquals`',
    sources: [analyzer('Invalid condition operator'), parliament('UNKNOWN_OPERATOR')],
    find: grammar(['operator'], ({ path }) => !/\.(?:For(?:All|Any)Values?:)?Null(?:IfExists)?$/.test(path)),
  },
  {
    id: 'invalid-condition-key-format',
    severity: 'error',
    title: 'a condition key that is not written as `service:name`',
    cure: 'write `aws:NAME` for a global key, `service:NAME` for a service’s',
    sources: [analyzer('Invalid condition key format')],
    find: eachCondition(({ key }) =>
      /^[^:\s]+:[^\s].*$/.test(key) ? undefined : `\`${key}\` is not written as a condition key`,
    ),
  },
  {
    id: 'duplicate-keys-different-case',
    severity: 'error',
    title: 'a condition key twice, in different case',
    cure: 'join the two: AWS compares the names of keys without case',
    sources: [analyzer('Duplicate keys with different case')],
    find: eachStatement(repeatedKeys),
  },
  {
    id: 'invalid-global-condition-key',
    severity: 'error',
    title: 'a global condition key that does not exist',
    cure: 'take the name from the IAM user guide, "AWS global condition context keys"',
    sources: [analyzer('Invalid global condition key'), parliament('UNKNOWN_CONDITION_FOR_ACTION')],
    find: eachStatement((statement) =>
      statement.conditions.flatMap((condition) => {
        const message = unknownGlobalKey(condition);
        if (message === undefined) return [];
        const near = nearestName(condition.lower, globalKeyNames);
        return [found(condition, message, near === undefined ? undefined : `did you mean \`${near}\`?`)];
      }),
    ),
  },
  {
    id: 'unsupported-global-condition-key',
    severity: 'error',
    title: '`aws:ARN`, which AWS has given up',
    cure: 'use `aws:PrincipalArn` for who asks, `aws:SourceArn` for on whose behalf',
    sources: [analyzer('Unsupported global condition key'), analyzer('Deprecated global condition key')],
    find: eachCondition(({ lower, key }) =>
      lower === 'aws:arn' ? `\`${key}\` is no longer a condition key` : undefined,
    ),
  },
  {
    id: 'missing-tag-key-in-condition',
    severity: 'error',
    title: 'a tag condition without the tag',
    cure: 'write the key of the tag behind a slash: `aws:ResourceTag/team`',
    sources: [analyzer('Missing tag key in condition')],
    find: eachCondition(missingTagKey),
  },
  {
    id: 'invalid-service-condition-key',
    severity: 'error',
    title: 'a misspelt condition key',
    cure: 'take the name from the Service Authorization Reference',
    sources: [analyzer('Invalid service condition key'), parliament('UNKNOWN_CONDITION_FOR_ACTION')],
    find: eachStatement(({ conditions }, scope) =>
      conditions.flatMap((condition) => unknownServiceKey(condition, scope, true)),
    ),
  },
  {
    id: 'unknown-service-condition-key',
    severity: 'warning',
    title: 'a condition key that its service does not have, nor one like it',
    cure: 'see whether AWS has the key; one newer than this Stint may be right',
    sources: [analyzer('Invalid service condition key'), parliament('UNKNOWN_CONDITION_FOR_ACTION')],
    find: eachStatement(({ conditions }, scope) =>
      conditions.flatMap((condition) => unknownServiceKey(condition, scope, false)),
    ),
  },
  {
    id: 'unsupported-action-for-condition-key',
    severity: 'warning',
    title: 'actions whose requests never have the condition’s key',
    cure: 'put them into a statement of their own, without this condition',
    sources: [analyzer('Unsupported action for condition key'), parliament('UNKNOWN_CONDITION_FOR_ACTION')],
    kinds: ['identity', 'boundary', 'session', 'scp', 'rcp'],
    find: eachCondition((condition, statement, scope) => {
      const without = strangersTo(condition, statement, scope);
      return without.length === 0 ? undefined : `\`${condition.key}\` is never in requests of ${shown(without)}`;
    }),
  },
  {
    id: 'missing-qualifier',
    severity: 'error',
    title: 'a global key of several values without `ForAllValues` or `ForAnyValue`',
    cure: 'write `ForAnyValue:` before the operator if one value is enough, `ForAllValues:` with a `Null` beside it if all must fit',
    sources: [analyzer('Missing qualifier')],
    find: eachCondition((condition, _statement, scope) =>
      isGlobal(condition) ? unqualified(condition, scope) : undefined,
    ),
  },
  {
    id: 'missing-qualifier-for-service-key',
    severity: 'warning',
    title: 'a service’s key of several values without `ForAllValues` or `ForAnyValue`',
    cure: 'write `ForAnyValue:` before the operator if one value is enough, `ForAllValues:` with a `Null` beside it if all must fit',
    sources: [analyzer('Missing qualifier')],
    find: eachCondition((condition, _statement, scope) =>
      isGlobal(condition) ? undefined : unqualified(condition, scope),
    ),
  },
  {
    id: 'forallvalues-with-single-valued-key',
    severity: 'security',
    title: '`ForAllValues` on a key of one value, which holds when the key is absent',
    cure: 'take `ForAllValues:` away',
    sources: [analyzer('ForAllValues with single valued key'), parliament('SINGLE_VALUE_CONDITION_TOO_PERMISSIVE')],
    find: eachCondition(loosened),
  },
  {
    id: 'qualifier-with-single-valued-key',
    severity: 'suggestion',
    title: 'a set operator on a key of one value',
    cure: 'take the set operator away',
    sources: [parliament('SINGLE_VALUE_CONDITION_TOO_PERMISSIVE')],
    find: eachCondition(anyOfOne),
  },
  {
    id: 'missing-paired-condition-keys',
    severity: 'security',
    title: 'a condition key that says little alone',
    cure: 'name the network as well, in the same block',
    sources: [analyzer('Missing paired condition keys')],
    find: eachCondition(unpaired),
  },
  {
    id: 'bad-pattern-for-mfa',
    severity: 'security',
    title: 'a condition on MFA that does not ask for it',
    cure: 'allow with `Bool` `"true"`; deny with `BoolIfExists` `"false"`',
    sources: [parliament('BAD_PATTERN_FOR_MFA')],
    find: eachCondition(weakMfa),
  },
];
