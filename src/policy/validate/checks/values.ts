// Checks of the values of conditions: their types, addresses, dates, names.
import {
  readBinary,
  readBoolean,
  readDate,
  readIpRange,
  readNumber,
  rangeContains,
  type IpRange,
} from '../../values.ts';
import {
  analyzer,
  eachCondition,
  eachStatement,
  found,
  grammar,
  parliament,
  type Check,
  type LintScope,
} from '../check.ts';
import type { KeyType } from '../catalog.ts';
import type { LintCondition, LintStatement, LintValue } from '../lint-document.ts';
import { keyFacts } from './conditions.ts';

const isVariable = (text: string): boolean => text.includes('${');

/** The type of value that an operator compares. */
function operatorType({ known }: LintCondition): KeyType | undefined {
  const family = /^(?:Not)?(String|Arn|Bool|Date|Numeric|Binary|IpAddress)/.exec(known?.name ?? '')?.[1];
  if (family === 'Arn') return 'ARN';
  return family === 'IpAddress' ? 'IPAddress' : (family as KeyType | undefined);
}

/** Pairs of key and operator that AWS's own examples use, though the types differ. */
function comparable(key: KeyType, operator: KeyType): boolean {
  if (key === operator) return true;
  // Texts are compared as texts, whatever they hold; times also as numbers.
  if (operator === 'String') return key === 'Bool';
  return key === 'Date' && operator === 'Numeric';
}

function typeMismatch(condition: LintCondition, scope: LintScope): { key: KeyType; operator: KeyType } | undefined {
  const operator = operatorType(condition);
  const key = keyFacts(condition.lower, scope)?.type;
  if (operator === undefined || key === undefined || comparable(key, operator)) return undefined;
  return { key, operator };
}

const operatorOf: Readonly<Record<KeyType, string>> = {
  String: 'StringEquals',
  ARN: 'ArnLike',
  Bool: 'Bool',
  Date: 'DateLessThan',
  Numeric: 'NumericEquals',
  Binary: 'BinaryEquals',
  IPAddress: 'IpAddress',
};

const mismatchCheck = (usable: boolean) =>
  eachStatement((statement, scope) =>
    statement.conditions.flatMap((condition) => {
      const wrong = typeMismatch(condition, scope);
      if (wrong === undefined) return [];
      const works = wrong.operator === 'String' || (wrong.operator === 'ARN' && wrong.key === 'String');
      if (works !== usable) return [];
      const message = `\`${condition.key}\` is of type ${wrong.key}, \`${condition.operator}\` compares ${wrong.operator}`;
      return [found(condition, message, `use \`${operatorOf[wrong.key]}\` or another operator for ${wrong.key}`)];
    }),
  );

/** Values that an operator's type cannot read. */
const unreadable = (type: KeyType, reads: (text: string) => boolean, says: (text: string) => string) =>
  eachStatement(({ conditions }) =>
    conditions
      .filter((condition) => operatorType(condition) === type)
      .flatMap(({ values }) =>
        values.filter(({ text }) => !isVariable(text) && !reads(text)).map((value) => found(value, says(value.text))),
      ),
  );

function mixedTypes({ values }: LintCondition): string | undefined {
  const types = new Set(values.map(({ type }) => type));
  return types.size > 1 ? `the values are of the JSON types ${[...types].sort().join(' and ')}` : undefined;
}

function wildcardAsText(condition: LintCondition): LintValue | undefined {
  const { known, values } = condition;
  if (known === undefined || !/^String(?:Not)?Equals/.test(known.name)) return undefined;
  return values.find(({ text }) => /[*?]/.test(text.replace(/\$\{[^}]*\}/g, '')));
}

/** RFC 1918, RFC 6598, loopback, link-local and unique local addresses: never seen by AWS as a source. */
const privateRanges = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
].map((text) => readIpRange(text)!);

const isPrivate = (range: IpRange): boolean => privateRanges.some((each) => rangeContains(each, range));

/** How many of the addresses that `aws:SourceIp` is compared with are private. */
function privateShare(condition: LintCondition): 'all' | 'some' | 'none' {
  if (condition.lower !== 'aws:sourceip') return 'none';
  const ranges = condition.values.map(({ text }) => readIpRange(text)).filter((range) => range !== undefined);
  const count = ranges.filter(isPrivate).length;
  return count === 0 ? 'none' : count === ranges.length ? 'all' : 'some';
}

const privateCheck = (
  id: string,
  severity: Check['severity'],
  source: string,
  operator: string,
  share: 'all' | 'some',
  says: string,
): Check => ({
  id,
  severity,
  title: `${share === 'all' ? 'only private' : 'private and public'} addresses for \`aws:SourceIp\` in \`${operator}\``,
  cure: 'name public addresses; for requests through a VPC endpoint use `aws:VpcSourceIp` with `aws:SourceVpc`',
  sources: [analyzer(source)],
  find: eachCondition((condition) =>
    condition.known?.name === operator && privateShare(condition) === share ? says : undefined,
  ),
});

function ipText({ version, bits, prefix }: IpRange): string {
  if (version === 4) {
    const size = 2 ** (32 - prefix);
    const base = Math.floor(bits / size) * size;
    return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${prefix}`;
  }
  const shift = BigInt(128 - prefix);
  const base = (bits >> shift) << shift;
  const groups = Array.from({ length: 8 }, (_, index) => (base >> BigInt(112 - 16 * index)) & 0xffffn);
  return `${groups.map((group) => group.toString(16)).join(':')}/${prefix}`;
}

/** The range with its ignored bits cleared, when it has any. */
function cleanRange(text: string): string | undefined {
  const range = readIpRange(text);
  if (range === undefined || !text.includes('/')) return undefined;
  const clean = ipText(range);
  const again = readIpRange(clean)!;
  return again.bits === range.bits ? undefined : clean;
}

function redundantNumber({ known, values }: LintCondition): string | undefined {
  const ordered = /^(?:Numeric|Date)(?:Less|Greater)Than(?:Equals)?$/.test(known?.name ?? '');
  return ordered && values.length > 1 ? 'of several limits only the widest one counts' : undefined;
}

const idForm = (prefix: string): RegExp => new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`);

const formCheck = (id: string, source: string, keys: readonly string[], prefix: string): Check => ({
  id,
  severity: 'error',
  title: `an id that is none of a \`${prefix}-…\``,
  cure: `write \`${prefix}-\` and 8 or 17 digits of 0-9 and a-f`,
  sources: [analyzer(source)],
  find: eachStatement(({ conditions }) =>
    conditions
      .filter(({ lower, known }) => keys.includes(lower) && known?.name !== 'Null')
      .flatMap(({ values }) =>
        values
          .filter(({ text }) => !isVariable(text) && !/[*?]/.test(text) && !idForm(prefix).test(text))
          .map((value) => found(value, `\`${value.text}\` is no id of that kind`)),
      ),
  ),
});

function badRegions({ lower, known, values }: LintCondition): LintValue[] {
  if (lower !== 'aws:requestedregion' || known?.name === 'Null') return [];
  return values.filter(
    ({ text }) => !isVariable(text) && !/[*?]/.test(text) && !/^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/.test(text),
  );
}

const eachValue = (
  choose: (condition: LintCondition, statement: LintStatement) => readonly LintValue[],
  says: (value: LintValue) => string,
): Check['find'] =>
  eachStatement((statement) =>
    statement.conditions.flatMap((condition) => choose(condition, statement).map((value) => found(value, says(value)))),
  );

export const valueChecks: readonly Check[] = [
  {
    id: 'type-mismatch',
    severity: 'warning',
    title: 'an operator that cannot compare the key',
    cure: 'use an operator of the type of the key',
    sources: [analyzer('Type mismatch'), parliament('MISMATCHED_TYPE')],
    find: mismatchCheck(false),
  },
  {
    id: 'type-mismatch-but-usable',
    severity: 'suggestion',
    title: 'a key compared as text that is no text',
    cure: 'use an operator of the type of the key',
    sources: [parliament('MISMATCHED_TYPE_BUT_USABLE')],
    find: mismatchCheck(true),
  },
  {
    id: 'type-mismatch-null',
    severity: 'warning',
    title: '`Null` with something else than `true` or `false`',
    cure: 'write `"true"` if the key must be absent, `"false"` if it must be there',
    sources: [parliament('MISMATCHED_TYPE_OPERATION_TO_NULL')],
    find: eachValue(
      ({ known, values }) =>
        known?.name === 'Null' ? values.filter(({ text }) => readBoolean(text) === undefined) : [],
      ({ text }) => `\`Null\` is asked with \`${text}\``,
    ),
  },
  {
    id: 'type-mismatch-boolean',
    severity: 'warning',
    title: '`Bool` with something else than `true` or `false`',
    cure: 'write `"true"` or `"false"`',
    sources: [analyzer('Type mismatch Boolean')],
    find: unreadable(
      'Bool',
      (text) => readBoolean(text) !== undefined,
      (text) => `\`${text}\` is no boolean`,
    ),
  },
  {
    id: 'type-mismatch-number',
    severity: 'warning',
    title: 'a numeric operator with something that is no number',
    cure: 'write a number',
    sources: [analyzer('Type mismatch number')],
    find: unreadable(
      'Numeric',
      (text) => readNumber(text) !== undefined,
      (text) => `\`${text}\` is no number`,
    ),
  },
  {
    id: 'type-mismatch-date',
    severity: 'error',
    title: 'a date operator with something that is no date',
    cure: 'write an ISO 8601 date such as `2026-01-01T00:00:00Z`',
    sources: [analyzer('Type mismatch date')],
    find: grammar(['date']),
  },
  {
    id: 'type-mismatch-ip-range',
    severity: 'warning',
    title: 'an address operator with something that is no range',
    cure: 'write an address or a range such as `203.0.113.0/24`',
    sources: [analyzer('Type mismatch IP range')],
    find: unreadable(
      'IPAddress',
      (text) => readIpRange(text) !== undefined,
      (text) => `\`${text}\` is no IP range`,
    ),
  },
  {
    id: 'type-mismatch-string',
    severity: 'warning',
    title: '`BinaryEquals` with something that is not base 64',
    cure: 'write base 64',
    sources: [analyzer('Type mismatch string')],
    find: unreadable(
      'Binary',
      (text) => readBinary(text) !== undefined,
      (text) => `\`${text}\` is not base 64`,
    ),
  },
  {
    id: 'invalid-condition-data-type',
    severity: 'error',
    title: 'values of different JSON types in one list',
    cure: 'write all of them as text',
    sources: [analyzer('Invalid condition data type')],
    find: eachCondition(mixedTypes),
  },
  {
    id: 'invalid-condition-multiple-boolean',
    severity: 'error',
    title: 'several booleans for one key',
    cure: 'write one',
    sources: [analyzer('Invalid condition multiple Boolean')],
    find: eachCondition(({ known, values }) =>
      (known?.name === 'Bool' || known?.name === 'Null') && values.length > 1
        ? 'with several booleans the condition always holds, or repeats itself'
        : undefined,
    ),
  },
  {
    id: 'invalid-date-value',
    severity: 'warning',
    title: 'a date as seconds since 1970',
    cure: 'write `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ssZ`',
    sources: [analyzer('Invalid date value')],
    find: eachValue(
      (condition) =>
        operatorType(condition) === 'Date' && condition.lower !== 'aws:epochtime'
          ? condition.values.filter(({ text }) => /^\d{5,}$/.test(text) && readDate(text) !== undefined)
          : [],
      ({ text }) => `\`${text}\` is read as seconds since 1970`,
    ),
  },
  {
    id: 'wildcard-without-like-operator',
    severity: 'warning',
    title: 'a wildcard that the operator takes for plain text',
    cure: 'use `StringLike` or `StringNotLike` if a wildcard is meant',
    sources: [analyzer('Wildcard without like operator')],
    find: eachStatement(({ conditions }) =>
      conditions.flatMap((condition) => {
        const value = wildcardAsText(condition);
        return value === undefined
          ? []
          : [found(value, `\`${condition.operator}\` compares \`${value.text}\` to the letter`)];
      }),
    ),
  },
  privateCheck(
    'private-ip-address',
    'error',
    'Private IP address',
    'IpAddress',
    'all',
    'never holds: AWS sees public addresses only',
  ),
  privateCheck(
    'private-ip-address-subset',
    'suggestion',
    'Private IP address subset',
    'IpAddress',
    'some',
    'the private ones of these addresses never match: AWS sees public addresses only',
  ),
  privateCheck(
    'private-notipaddress',
    'error',
    'Private NotIpAddress',
    'NotIpAddress',
    'all',
    'always holds: AWS sees public addresses only',
  ),
  privateCheck(
    'private-notipaddress-subset',
    'suggestion',
    'Private NotIpAddress subset',
    'NotIpAddress',
    'some',
    'the private ones of these addresses exclude nobody: AWS sees public addresses only',
  ),
  {
    id: 'improve-ip-range',
    severity: 'suggestion',
    title: 'a range with bits that do not count',
    cure: 'write the range with those bits as zero',
    sources: [analyzer('Improve IP range')],
    find: eachStatement(({ conditions }) =>
      conditions
        .filter((condition) => operatorType(condition) === 'IPAddress')
        .flatMap(({ values }) =>
          values.flatMap((value) => {
            const clean = cleanRange(value.text);
            return clean === undefined
              ? []
              : [found(value, `\`${value.text}\` is the range \`${clean}\``, `write \`${clean}\``)];
          }),
        ),
    ),
  },
  formCheck('invalid-vpc-format', 'Invalid vpc format', ['aws:sourcevpc', 'aws:ec2instancesourcevpc'], 'vpc'),
  formCheck('invalid-vpce-format', 'Invalid vpce format', ['aws:sourcevpce'], 'vpce'),
  {
    id: 'invalid-region',
    severity: 'error',
    title: 'a region that is none',
    cure: 'give a region such as `eu-central-1`',
    sources: [analyzer('Invalid Region')],
    find: eachValue(badRegions, ({ text }) => `\`${text}\` is no region`),
  },
  {
    id: 'redundant-condition-value-num',
    severity: 'suggestion',
    title: 'several limits where one counts',
    cure: 'keep the widest',
    sources: [analyzer('Redundant condition value num')],
    find: eachCondition(redundantNumber),
  },
];
