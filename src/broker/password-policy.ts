// Password policies: how long a generated password is and of which characters. Pure; randomness arrives
// as an argument. Source of grammar, limits and texts: OpenBao internal/helper/random, Vault's docs
// (concepts/password-policies).
import { randomText, type Random } from '../base/index.ts';
import { brokerFailure } from './failures.ts';
import { severalErrors } from './go-errors.ts';
import { HclError } from './hcl-scanner.ts';
import { parseHcl, plain, type HclItem, type HclValue } from './hcl.ts';

const shortest = 4;
const longest = 100;
/** More characters than this could not be drawn evenly from one byte. */
const mostCharacters = 256;
/** Draws of a whole password before the rules are held to be impossible, in practice if not in theory. */
const draws = 10_000;

export interface PasswordPolicy {
  readonly length: number;
  readonly rules: readonly CharsetRule[];
}

interface CharsetRule {
  readonly characters: readonly string[];
  readonly atLeast: number;
}

/** @throws Failure `policy-invalid` with Vault's text. */
export function parsePasswordPolicy(text: string): PasswordPolicy {
  const items = readItems(text);
  const length = wholeNumber(items.find(({ keys }) => keys[0] === 'length'));
  const rules = items.filter(({ keys }) => keys[0] === 'rule').flatMap(rulesOf);
  const policy = { length, rules };
  const faults = faultsOf(policy);
  if (faults.length > 0) throw invalid(severalErrors(...faults));
  if (length < shortest || length > longest) {
    throw failure(`passwords must be between ${shortest} and ${longest} characters`);
  }
  return policy;
}

function readItems(text: string): readonly HclItem[] {
  try {
    return parseHcl(text).items;
  } catch (error) {
    throw error instanceof HclError ? invalid(`unable to decode: ${error.message}`) : error;
  }
}

function wholeNumber(item: HclItem | undefined): number {
  if (item === undefined) return 0;
  const number = Number(plain(item.value));
  if (item.value.kind === 'number' && Number.isSafeInteger(number)) return number;
  throw invalid(`failed to decode configuration: '${item.keys[0]}' expected type 'int'`);
}

// `rule "charset" {…}`, and in JSON `"rule": [{"charset": {…}}]`.
function rulesOf({ keys, value }: HclItem): readonly CharsetRule[] {
  const [, type] = keys;
  if (type !== undefined) return [ruleOf(type, value)];
  if (value.kind === 'list')
    return value.items.flatMap((one) => rulesOf({ ...one, keys: ['rule'], assignLine: 0, value: one }));
  if (value.kind !== 'object' || value.items.length === 0) throw invalid('unable to parse rules: rule is empty');
  return value.items.map((item) => ruleOf(item.keys[0]!, item.value));
}

function ruleOf(type: string, value: HclValue): CharsetRule {
  if (value.kind !== 'object') throw invalid('unable to parse rules: rule is empty');
  if (type !== 'charset') {
    throw invalid(`unable to parse rules: unable to parse rule ${type}: unrecognized rule type ${type}`);
  }
  const charset = value.items.find((item) => item.keys[0] === 'charset')?.value;
  if (charset !== undefined && charset.kind !== 'text') {
    throw invalid("unable to parse rules: unable to parse rule charset: 'charset' expected type 'string'");
  }
  const atLeast = wholeNumber(value.items.find((item) => item.keys[0] === 'min-chars'));
  return { characters: Array.from(charset?.text ?? ''), atLeast };
}

function faultsOf({ length, rules }: PasswordPolicy): readonly string[] {
  const least = rules.reduce((sum, { atLeast }) => sum + Math.max(0, atLeast), 0);
  const characters = charactersOf(rules);
  return [
    ...(length <= 0 ? ['length must be > 0'] : []),
    ...(length > 0 && length < least
      ? [`specified rules require at least ${least} characters but ${length} is specified`]
      : []),
    ...(characters.length === 0 ? ['no charset specified'] : []),
    ...(characters.length > mostCharacters ? [`charset is too long: limited to ${mostCharacters} characters`] : []),
    ...(characters.some((one) => /[\p{C}\p{Z}]/u.test(one) && one !== ' ')
      ? ['non-printable character in charset']
      : []),
    ...(rules.some(({ characters: own, atLeast }) => own.length === 0 && atLeast > 0)
      ? ['a rule asks for characters and has none']
      : []),
  ];
}

function charactersOf(rules: readonly CharsetRule[]): readonly string[] {
  return [...new Set(rules.flatMap(({ characters }) => characters))].sort();
}

/** A password that keeps the policy's rules, each that does being as likely as any other. */
export function generatePassword({ length, rules }: PasswordPolicy, random: Random): string {
  const characters = charactersOf(rules);
  const indexes = Array.from(characters, (_, index) => String.fromCharCode(index)).join('');
  for (let draw = 0; draw < draws; draw++) {
    // `randomText` draws without bias, from an alphabet of at least two.
    const drawn = characters.length === 1 ? '\0'.repeat(length) : randomText(random, length, indexes);
    const password = Array.from(drawn, (index) => characters[index.charCodeAt(0)]!);
    if (rules.every((rule) => keeps(rule, password))) return password.join('');
  }
  throw failure('failed to generate password from policy: timed out generating string');
}

function keeps({ characters, atLeast }: CharsetRule, password: readonly string[]): boolean {
  return password.filter((one) => characters.includes(one)).length >= atLeast;
}

function invalid(message: string): Error {
  return failure(`invalid password policy: ${message}`);
}

function failure(message: string): Error {
  return brokerFailure('policy-invalid', severalErrors(message), {
    hint: 'a password policy is `length = 20` and one or more `rule "charset" { charset = "abc…" min-chars = 1 }`',
  });
}
