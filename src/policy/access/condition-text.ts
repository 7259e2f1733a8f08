// Conditions in the words of people: `with MFA`, `until 2027-01-01`, `from 10.0.0.0/8`. What has no words of its own
// is told as key, operator and values.
import { formatDuration } from '../../base/index.ts';
import type { ConditionSource } from '../conditions.ts';
import { readOperator } from '../operators.ts';
import type { StatementRef } from '../types.ts';
import type { Need } from './answer.ts';
import type { HedgedStatement, PartialContext } from './hedge.ts';

const shown = 4;

function listText(values: readonly string[]): string {
  if (values.length <= shown) return values.join(', ');
  return `${values.slice(0, shown - 1).join(', ')} and ${values.length - shown + 1} more`;
}

/** `arn:aws:iam::111111111111:user/alice` → `alice`. */
function shortArn(arn: string): string {
  return arn.replace(/^arn:[^:]*:iam::\d{12}:(?:user|role)\/(?:.*\/)?/, '');
}

const day = (instant: string): string => instant.replace(/T00:00(?::00)?Z$/, '');

function seconds(value: string): string {
  const number = Number(value);
  return Number.isFinite(number) ? formatDuration(number) : `${value} s`;
}

/** Words for conditions on well-known keys, by key and what the operator asks; `undefined`: no words of its own. */
function wordsOf(key: string, operator: string, values: readonly string[]): string | undefined {
  const list = listText(values);
  const equals = /^(?:String|Arn)(?:Equals|Like|EqualsIgnoreCase)$/.test(operator);
  switch (key) {
    case 'aws:multifactorauthpresent':
      if (operator === 'Bool') return values.includes('true') ? 'with MFA' : 'without MFA';
      return operator === 'Null' ? (values.includes('false') ? 'with MFA' : 'without MFA') : undefined;
    case 'aws:multifactorauthage':
      return operator.startsWith('NumericLessThan') ? `with MFA of the last ${seconds(values[0]!)}` : undefined;
    case 'aws:currenttime':
      if (operator.startsWith('DateLessThan')) return `until ${day(values[0]!)}`;
      return operator.startsWith('DateGreaterThan') ? `from ${day(values[0]!)} on` : undefined;
    case 'aws:sourceip':
      return operator === 'IpAddress' ? `from ${list}` : undefined;
    case 'aws:principalorgid':
      return equals ? `within organisation ${list}` : undefined;
    case 'aws:requestedregion':
      return equals ? `in region ${list}` : undefined;
    case 'aws:principalarn':
      return equals ? `as ${listText(values.map(shortArn))}` : undefined;
    case 'sts:externalid':
      return equals ? 'with the external id' : undefined;
    case 'sts:sourceidentity':
      return operator === 'Null' ? 'with a source identity' : equals ? `with source identity ${list}` : undefined;
    case 'iam:passedtoservice':
      return equals ? `to ${list}` : undefined;
    case 'aws:sourceaccount':
      return equals ? `for account ${list}` : undefined;
    case 'aws:sourcearn':
      return equals ? `for ${list}` : undefined;
    case 'aws:sourcevpce':
    case 'aws:sourcevpc':
      return equals ? `through ${list}` : undefined;
    case 'aws:securetransport':
      return operator === 'Bool' && values.includes('true') ? 'over TLS' : undefined;
  }
  return undefined;
}

const opposites: readonly (readonly [string, string])[] = [
  ['StringEquals', 'StringNotEquals'],
  ['StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase'],
  ['StringLike', 'StringNotLike'],
  ['ArnLike', 'ArnNotLike'],
  ['ArnEquals', 'ArnNotEquals'],
  ['IpAddress', 'NotIpAddress'],
  ['NumericEquals', 'NumericNotEquals'],
  ['NumericLessThan', 'NumericGreaterThanEquals'],
  ['NumericLessThanEquals', 'NumericGreaterThan'],
  ['DateEquals', 'DateNotEquals'],
  ['DateLessThan', 'DateGreaterThanEquals'],
  ['DateLessThanEquals', 'DateGreaterThan'],
];
const opposite = new Map(opposites.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));

/** One condition; `false` puts it the other way round, for what must not hold. */
export function conditionText({ operator, key, values }: ConditionSource, holds = true): string {
  const { name = operator, qualifier } = readOperator(operator) ?? {};
  const lower = values.map((value) => value.toLowerCase());
  const isSwitch = name === 'Bool' || name === 'Null';
  const flipped = isSwitch ? lower.map((value) => (value === 'true' ? 'false' : 'true')) : values;
  const turned = isSwitch ? name : opposite.get(name);
  if (qualifier === undefined) {
    const words = holds
      ? wordsOf(key.toLowerCase(), name, isSwitch ? lower : values)
      : turned && wordsOf(key.toLowerCase(), turned, flipped);
    if (words !== undefined) return words;
  }
  if (name === 'Null') return `${lower.includes('true') === holds ? 'without' : 'with'} ${key}`;
  const text = `${key} ${operator} ${listText(values)}`;
  return holds ? `if ${text}` : `unless ${text}`;
}

/** `with MFA and from 10.0.0.0/8`. */
export function conditionsText(conditions: readonly ConditionSource[]): string {
  return [...new Set(conditions.map((condition) => conditionText(condition)))].join(' and ');
}

function policyName({ attached, policyType }: StatementRef): string {
  return attached.arn ?? attached.name ?? `a ${policyType} policy`;
}

function isUnread(ref: StatementRef): boolean {
  const statement = ref.attached.policy.statements[ref.index] as HedgedStatement;
  return statement.isUnreadable;
}

function openText(ref: StatementRef, context: PartialContext, holds: boolean): string {
  const statement = ref.attached.policy.statements[ref.index] as HedgedStatement;
  if (statement.isUnreadable) {
    return holds
      ? `if ${policyName(ref)}, which is not known, allows it`
      : `unless ${policyName(ref)}, which is not known, denies it`;
  }
  const conditions = statement.unknownConditions(context);
  if (holds) {
    if (conditions.length > 0) return conditionsText(conditions);
    return `if the resource is ${listText(statement.source.resource?.values ?? ['*'])}`;
  }
  if (conditions.length === 1) return conditionText(conditions[0]!, false);
  const all = conditions.map((condition) => conditionText(condition)).join(' and ');
  return all === ''
    ? `unless the resource is ${listText(statement.source.resource?.values ?? ['*'])}`
    : `unless ${all}`;
}

/** What has to be so for an answer that depends: all of the texts. */
export function needTexts(needs: readonly Need[], context: PartialContext): string[] {
  const texts = needs.map((need) => {
    if ('unless' in need) return openText(need.unless, context, false);
    return [...new Set(need.oneOf.map((ref) => openText(ref, context, true)))].toSorted().join(' or ');
  });
  // Where an unknown policy has to allow, that it does not deny is said with it; not where another may allow instead.
  const unread = new Set(
    needs.flatMap((need) => {
      const oneOf = 'oneOf' in need ? need.oneOf : [];
      const names = [...new Set(oneOf.map(policyName))];
      return names.length === 1 && oneOf.every(isUnread) ? names : [];
    }),
  );
  return [...new Set(texts)].filter(
    (text) => !Array.from(unread).some((name) => text === `unless ${name}, which is not known, denies it`),
  );
}
