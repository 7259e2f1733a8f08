// Checks of a document's frame: JSON, elements, version, Sids, effect, size.
import { policyLimits } from '../../limits.ts';
import {
  analyzer,
  eachStatement,
  found,
  grammar,
  parliament,
  type Check,
  type Found,
  type LintScope,
} from '../check.ts';
import type { LintKind } from '../finding.ts';

/** `${name}` as a variable is written; escapes such as `${*}` work in no version but the newest either. */
const variable = /\$\{[^}]*\}/;

function usesVariables({ document }: LintScope): boolean {
  return document.statements.some(
    ({ resource, conditions }) =>
      resource?.items.some(({ text }) => variable.test(text)) === true ||
      conditions.some(({ values }) => values.some(({ text }) => variable.test(text))),
  );
}

const head = ({ document }: LintScope): { at: number; path: string } => ({ at: document.at, path: '$.Version' });

function repeatedSids({ document, problems }: LintScope): Found[] {
  if (problems.some(({ rule }) => rule === 'sid-unique')) return [];
  const seen = new Set<string>();
  return document.statements.flatMap(({ sid }) => {
    if (sid === undefined || sid.text === '') return [];
    if (!seen.has(sid.text.toLowerCase())) {
      seen.add(sid.text.toLowerCase());
      return [];
    }
    return [found(sid, `the Sid \`${sid.text}\` differs from another one by case only`)];
  });
}

function repeatedStatements({ document }: LintScope): Found[] {
  const seen = new Map<string, number>();
  return document.statements.flatMap((statement) => {
    const first = seen.get(statement.meaning);
    if (first === undefined) {
      seen.set(statement.meaning, statement.index);
      return [];
    }
    return [found(statement, `says the same as statement ${first}`)];
  });
}

/** Quotas of resource policies (service quotas of each service), in characters. */
const resourceLimits: Readonly<Record<string, number>> = {
  'AWS::S3::Bucket': 20_480,
  'AWS::S3::AccessPoint': 20_480,
  'AWS::KMS::Key': 32_768,
  'AWS::SNS::Topic': 30_720,
  'AWS::SecretsManager::Secret': 20_480,
  'AWS::ECR::Repository': 10_240,
  'AWS::Lambda::Function': 20_480,
  'AWS::DynamoDB::Table': 20_480,
};

const over = (limit: (scope: LintScope) => number | undefined): Check['find'] => {
  return (scope) => {
    const most = limit(scope);
    if (most === undefined || scope.size <= most) return [];
    return [found(scope.document, `has ${scope.size} characters; AWS takes ${most} unless raised`)];
  };
};

const sizeCheck = (
  id: string,
  severity: Check['severity'],
  kinds: readonly LintKind[],
  source: string | undefined,
  limit: (scope: LintScope) => number | undefined,
): Check => ({
  id,
  severity,
  title: `longer than AWS's quota for ${kinds.join(' and ')} policies`,
  cure: 'split it, join statements, or put common parts of names into one pattern',
  sources: source === undefined ? [] : [analyzer(source)],
  kinds,
  find: over(limit),
});

const sizeChecks: readonly Check[] = [
  sizeCheck(
    'policy-size-exceeds-identity-policy-quota',
    'warning',
    ['identity', 'boundary'],
    'Policy size exceeds identity policy quota',
    () => policyLimits.managedPolicy,
  ),
  sizeCheck(
    'policy-size-exceeds-resource-policy-quota',
    'warning',
    ['resource'],
    'Policy size exceeds resource policy quota',
    ({ resourceType }) => resourceLimits[resourceType ?? ''],
  ),
  sizeCheck(
    'policy-size-exceeds-role-trust-policy-quota',
    'warning',
    ['trust'],
    'Policy size exceeds role trust policy quota',
    () => policyLimits.trustPolicy,
  ),
  sizeCheck('policy-size-exceeds-scp-quota', 'error', ['scp'], 'Policy size exceeds SCP quota', () => policyLimits.scp),
  sizeCheck('policy-size-exceeds-rcp-quota', 'error', ['rcp'], undefined, () => policyLimits.rcp),
  sizeCheck('policy-size-exceeds-session-quota', 'error', ['session'], undefined, () => policyLimits.sessionPolicy),
];

export const documentChecks: readonly Check[] = [
  {
    id: 'json-syntax-error',
    severity: 'error',
    title: 'not JSON, or far too long to be a policy',
    cure: 'write JSON as RFC 8259 has it: double quotes, no comments, no trailing comma',
    sources: [analyzer('Json syntax error'), parliament('MALFORMED_JSON')],
    find: grammar(['json', 'size']),
  },
  {
    id: 'unsupported-characters',
    severity: 'error',
    title: 'a character that IAM takes in no policy',
    cure: 'use tab, line feed, carriage return and U+0020 to U+00FF only',
    sources: [],
    find: grammar(['characters']),
  },
  {
    id: 'data-type-mismatch',
    severity: 'error',
    title: 'a JSON type that the element does not take',
    cure: 'write text, a list of texts or an object, as the grammar of policies has it',
    sources: [analyzer('Data type mismatch'), parliament('MALFORMED')],
    find: grammar(['structure']),
  },
  {
    id: 'invalid-policy-element',
    severity: 'error',
    title: 'an element that the language does not have',
    cure: 'remove it, or correct its spelling: names are written with case',
    sources: [analyzer('Invalid policy element'), parliament('MALFORMED')],
    find: grammar(['unknown-element']),
  },
  {
    id: 'duplicate-element',
    severity: 'error',
    title: 'an element given twice',
    cure: 'keep one of them; several values go into one list',
    sources: [parliament('MALFORMED')],
    find: grammar(['duplicate-element']),
  },
  {
    id: 'unsupported-element-combination',
    severity: 'error',
    title: 'two elements that exclude each other',
    cure: 'keep one of the two',
    sources: [analyzer('Unsupported element combination'), parliament('MALFORMED')],
    find: grammar(['both']),
  },
  {
    id: 'invalid-version',
    severity: 'error',
    title: 'a version that does not exist, or an old one in a managed policy',
    cure: 'write `"Version": "2012-10-17"`',
    sources: [analyzer('Invalid version'), parliament('INVALID_VERSION')],
    find: grammar(['version', 'old-version']),
  },
  {
    id: 'missing-version',
    severity: 'warning',
    title: 'no version, which means the old language of 2008',
    cure: 'write `"Version": "2012-10-17"` before `Statement`',
    sources: [analyzer('Missing version'), parliament('NO_VERSION')],
    find: (scope) =>
      scope.document.hasVersion || scope.document.statements.length === 0
        ? []
        : [found(head(scope), 'the policy has no `Version`, so it is read in the language of 2008')],
  },
  {
    id: 'old-version',
    severity: 'suggestion',
    title: 'the language of 2008',
    cure: 'write `"Version": "2012-10-17"`: variables and newer features need it',
    sources: [parliament('OLD_VERSION')],
    find: ({ document }) =>
      document.version?.text === '2008-10-17' ? [found(document.version, 'the version is that of 2008')] : [],
  },
  {
    id: 'variable-unsupported-in-version',
    severity: 'error',
    title: 'a variable where the version makes it plain text',
    cure: 'write `"Version": "2012-10-17"`',
    sources: [analyzer('Variable unsupported in version')],
    find: (scope) =>
      scope.document.variables || (scope.document.hasVersion && scope.document.version?.text !== '2008-10-17')
        ? []
        : usesVariables(scope)
          ? [found(head(scope), 'variables are plain text to a policy without version `2012-10-17`')]
          : [],
  },
  {
    id: 'missing-statement',
    severity: 'error',
    title: 'no statement',
    cure: 'give at least one statement',
    sources: [analyzer('Missing statement'), parliament('MALFORMED')],
    find: grammar(['statement']),
  },
  {
    id: 'unsupported-sid',
    severity: 'error',
    title: 'a Sid of other signs than letters and digits',
    cure: 'use only A-Z, a-z and 0-9 in `Sid`',
    sources: [analyzer('Unsupported Sid'), parliament('INVALID_SID')],
    find: grammar(['sid']),
  },
  {
    id: 'empty-sid',
    severity: 'suggestion',
    title: 'an empty Sid',
    cure: 'name the statement, or leave `Sid` out',
    sources: [analyzer('Empty Sid value')],
    find: eachStatement(({ sid }) => (sid?.text === '' ? [found(sid, 'the Sid is empty')] : [])),
  },
  {
    id: 'unique-sids-required',
    severity: 'error',
    title: 'two statements of one Sid',
    cure: 'give each statement its own `Sid`, or none',
    sources: [analyzer('Unique Sids required'), parliament('DUPLICATE_SID')],
    find: grammar(['sid-unique']),
  },
  {
    id: 'unique-sids-recommended',
    severity: 'warning',
    title: 'two Sids that differ by case only',
    cure: 'give each statement a `Sid` that cannot be taken for another',
    sources: [analyzer('Unique Sids recommended')],
    find: repeatedSids,
  },
  {
    id: 'invalid-effect',
    severity: 'error',
    title: 'an effect other than Allow and Deny',
    cure: 'write `"Effect": "Allow"` or `"Effect": "Deny"`, with case',
    sources: [analyzer('Invalid effect'), parliament('MALFORMED')],
    find: grammar(['effect', 'effect-case']),
  },
  {
    id: 'missing-effect',
    severity: 'error',
    title: 'no effect',
    cure: 'write `"Effect": "Allow"` or `"Effect": "Deny"`',
    sources: [analyzer('Missing effect'), parliament('MALFORMED')],
    find: grammar(['effect-missing']),
  },
  {
    id: 'redundant-statement',
    severity: 'suggestion',
    title: 'a statement said twice',
    cure: 'remove one of the two',
    sources: [analyzer('Redundant statement')],
    find: repeatedStatements,
  },
  ...sizeChecks,
];
