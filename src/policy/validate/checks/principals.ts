// Checks of Principal and NotPrincipal, and of who is let in by a resource policy.
import {
  analyzer,
  eachStatement,
  found,
  grammar,
  parliament,
  type Check,
  type FindInStatement,
  type Found,
  type LintScope,
} from '../check.ts';
import type { GrammarProblem } from '../../grammar.ts';
import type { LintCondition, LintPrincipal, LintStatement, TextSpot } from '../lint-document.ts';

const types = ['AWS', 'Service', 'Federated', 'CanonicalUser'];

/** The names of one type that a principal lists. */
export function namesOf(principal: LintPrincipal | undefined, type: string): readonly TextSpot[] {
  return principal?.types.filter((it) => it.type === type).flatMap(({ items }) => items) ?? [];
}

/** The part of the path that says the type: `AWS` of `$.Statement.Principal.AWS[0]`. */
function typeOf(path: string): string | undefined {
  return /\.(?:Not)?Principal\.([^.[]+)/.exec(path)?.[1];
}

/** The text that a problem of the grammar is about. */
function textAt({ at }: GrammarProblem, { document }: LintScope): string | undefined {
  for (const { principal } of document.statements) {
    for (const { items } of principal?.types ?? []) {
      const item = items.find((it) => it.at === at);
      if (item !== undefined) return item.text;
    }
  }
  return undefined;
}

/** A principal that the grammar refuses, told apart by why. */
function faulty(
  fits: (type: string | undefined, text: string | undefined) => boolean,
): (problem: GrammarProblem, scope: LintScope) => boolean {
  return (problem, scope) => fits(typeOf(problem.path), textAt(problem, scope));
}

const hasStar = (text: string | undefined): boolean => /[*?]/.test(text ?? '');
const isKnownType = (type: string | undefined): boolean => type !== undefined && types.includes(type);

/** Keys that tell whose request it is or where it comes from; with a value for one, not everybody passes. */
const narrowing = [
  /^aws:principal(?:arn|account|orgid|orgpaths)$/,
  /^aws:principaltag\//,
  /^aws:source(?:arn|account|orgid|orgpaths|vpc|vpce|ip|vpcarn)$/,
  /^aws:vpce(?:account|orgid|orgpaths)$/,
  /^aws:(?:userid|username|calledvia|calledviafirst|calledvialast)$/,
  /^(?:s3:dataaccesspointaccount|s3:dataaccesspointarn|kms:calleraccount|kms:viaservice)$/,
  /^sts:externalid$/,
];

/** Whether a condition keeps strangers out: a positive comparison of who or where with something narrower than all. */
export function narrows({ lower, known, values }: LintCondition): boolean {
  if (known === undefined || known.ifExists || known.qualifier === 'ForAllValues') return false;
  if (/Not/.test(known.name) || known.name === 'Null') return false;
  return (
    narrowing.some((pattern) => pattern.test(lower)) &&
    values.length > 0 &&
    !values.some(({ text }) => /^[*?]+$/.test(text) || text === '0.0.0.0/0' || text === '::/0')
  );
}

const publicStatement: FindInStatement = (statement, { kind }) => {
  const { allows, principal, conditions } = statement;
  if (!allows || principal?.everyone !== true || principal.not || kind !== 'resource') return [];
  if (conditions.some(narrows)) return [];
  return [found(principal, 'lets everybody in, also without an AWS account')];
};

const isServiceOnly = (principal: LintPrincipal | undefined): boolean =>
  principal?.not === false && principal.types.length > 0 && principal.types.every(({ type }) => type === 'Service');

/** Keys by which a grant to a service is bound to the resource or account that it works for. */
const sourceKey =
  /^aws:source(?:arn|account|orgid|orgpaths|owner)$|^(?:kms:calleraccount|kms:viaservice|aws:principalorgid)$/;

const openService: FindInStatement = ({ allows, principal, conditions }) => {
  const services = namesOf(principal, 'Service');
  if (!allows || principal?.not !== false || services.length === 0) return [];
  if (conditions.some(({ lower }) => sourceKey.test(lower))) return [];
  return services.map((service) =>
    found(service, `\`${service.text}\` may act here on behalf of anybody who uses that service`),
  );
};

const foreignKeys: FindInStatement = ({ principal, conditions, allows }) => {
  if (!allows || !isServiceOnly(principal)) return [];
  return conditions
    .filter(
      ({ lower, known }) =>
        /^aws:(?:principal(?:arn|account|orgid|orgpaths|type)|principaltag\/.*|userid|username|multifactorauth.*)$/.test(
          lower,
        ) &&
        known?.ifExists === false &&
        known.name !== 'Null' &&
        !/Not/.test(known.name),
    )
    .map((condition) => found(condition, `requests that a service makes for itself have no \`${condition.key}\``));
};

const refererForService: FindInStatement = ({ principal, conditions }) =>
  namesOf(principal, 'Service').length === 0
    ? []
    : conditions
        .filter(({ lower }) => lower === 'aws:referer')
        .map((condition) => found(condition, `\`${condition.key}\` is whatever the caller says it is`));

/** Keys that say what the policy's own resource says already. */
const irrelevantKeys = /^(?:s3:resourceaccount|aws:resource(?:account|orgid|orgpaths))$/;

const irrelevant: FindInStatement = ({ conditions }) =>
  conditions
    .filter(({ lower }) => irrelevantKeys.test(lower))
    .map((condition) =>
      found(condition, `\`${condition.key}\` is the same in every request to what carries this policy`),
    );

function references(prefix: string, word: string): FindInStatement {
  return ({ principal }) =>
    namesOf(principal, 'AWS')
      .filter(({ text }) => text.startsWith(prefix) && /^A[A-Z0-9]{15,}$/.test(text))
      .map((item) => found(item, `\`${item.text}\` is the id of a ${word}, perhaps of one that was deleted`));
}

/**
 * S3: who may write the bucket policy may give himself the rest (parliament, `RESOURCE_POLICY_PRIVILEGE_ESCALATION`).
 * Bucket actions and the object or bucket actions that they can grant.
 */
function policyWriters(statement: LintStatement): Found[] {
  const { allows, action, principal } = statement;
  if (!allows || action === undefined || action.not || principal?.not === true) return [];
  const names = action.items.map(({ text }) => text.toLowerCase());
  const all = names.some((name) => name === '*' || name === 's3:*');
  const writer = action.items.find(({ text }) => /^s3:Put(?:Bucket|AccessPoint)Policy$/i.test(text));
  if (all || writer === undefined) return [];
  return [found(writer, `\`${writer.text}\` lets its holder give everything else on the bucket to anybody`)];
}

export const principalChecks: readonly Check[] = [
  {
    id: 'unsupported-principal',
    severity: 'error',
    title: 'a principal in a policy that is attached to one',
    cure: 'remove it: who asks is whoever the policy is attached to',
    sources: [analyzer('Unsupported principal')],
    kinds: ['identity', 'boundary', 'session'],
    find: grammar(['principal-forbidden']),
  },
  {
    id: 'missing-principal',
    severity: 'error',
    title: 'no principal',
    cure: 'say who is meant, as in `"Principal": {"AWS": "111111111111"}`',
    sources: [analyzer('Missing principal'), parliament('MALFORMED')],
    find: grammar(['principal-missing']),
  },
  {
    id: 'empty-principal',
    severity: 'error',
    title: 'a principal of nobody',
    cure: 'say who is meant, as in `"Principal": {"AWS": "111111111111"}`',
    sources: [analyzer('Empty array principal'), analyzer('Empty object principal')],
    find: grammar(['principal-empty']),
  },
  {
    id: 'invalid-principal-format',
    severity: 'error',
    title: 'a principal that is no account, ARN or `*`',
    cure: 'name an account id or a full ARN, under its type',
    sources: [analyzer('Invalid principal format'), parliament('UNKNOWN_PRINCIPAL')],
    find: grammar(
      ['principal'],
      faulty(
        (type, text) =>
          type === undefined || ((type === 'AWS' || type === 'CanonicalUser') && text !== undefined && !hasStar(text)),
      ),
    ),
  },
  {
    id: 'invalid-principal-key',
    severity: 'error',
    title: 'a type of principal that does not exist',
    cure: 'use `AWS`, `Service`, `Federated` or, on S3, `CanonicalUser`',
    sources: [analyzer('Invalid principal key')],
    find: grammar(
      ['principal'],
      faulty((type, text) => type !== undefined && (!isKnownType(type) || text === undefined)),
    ),
  },
  {
    id: 'unsupported-wildcard-in-principal',
    severity: 'error',
    title: 'a wildcard inside a principal',
    cure: 'name each, or trust the account and compare `aws:PrincipalArn` with `ArnLike`',
    sources: [analyzer('Unsupported wildcard in principal')],
    find: grammar(
      ['principal'],
      faulty((type, text) => isKnownType(type) && hasStar(text)),
    ),
  },
  {
    id: 'invalid-service-principal-format',
    severity: 'error',
    title: 'a service principal that is no host',
    cure: 'write the host of the service, as `lambda.amazonaws.com`',
    sources: [analyzer('Invalid service principal format')],
    find: grammar(
      ['principal'],
      faulty((type, text) => type === 'Service' && text !== undefined && !hasStar(text)),
    ),
  },
  {
    id: 'invalid-federated-principal-syntax',
    severity: 'error',
    title: 'a federated principal that is neither host nor provider',
    cure: 'give the ARN of the SAML or OIDC provider, or a built-in host such as `accounts.google.com`',
    sources: [
      analyzer('Invalid federated principal syntax in role trust policy'),
      parliament('UNKNOWN_FEDERATION_SOURCE'),
    ],
    find: grammar(
      ['principal'],
      faulty((type, text) => type === 'Federated' && text !== undefined && !hasStar(text)),
    ),
  },
  {
    id: 'federated-principal-not-supported',
    severity: 'error',
    title: 'a federated principal in a policy that is no trust policy',
    cure: 'name the role or the session that the federation ends in',
    sources: [analyzer('Federated principal not supported')],
    kinds: ['resource'],
    find: eachStatement(({ principal }) =>
      namesOf(principal, 'Federated').map((item) => found(item, `\`${item.text}\` can be trusted by roles only`)),
    ),
  },
  {
    id: 'allow-with-not-principal',
    severity: 'security',
    title: 'Allow to everybody but some',
    cure: 'list who is allowed in `Principal`',
    sources: [analyzer('Allow with NotPrincipal'), parliament('NOTPRINCIPAL_WITH_ALLOW')],
    kinds: ['resource'],
    find: eachStatement(({ allows, principal }) =>
      allows && principal?.not === true
        ? [found(principal, 'allows everybody who is not named, also without an AWS account')]
        : [],
    ),
  },
  {
    id: 'public-access',
    severity: 'security',
    title: 'Allow to everybody',
    cure: 'name accounts or principals, or add a condition on `aws:PrincipalOrgID`, `aws:PrincipalArn` or the source',
    sources: ['cloudsplaining: ResourceExposure'],
    kinds: ['resource'],
    find: eachStatement(publicStatement),
  },
  {
    id: 'restrict-access-to-service-principal',
    severity: 'security',
    title: 'Allow to a service, on whoever’s behalf',
    cure: 'add a condition on `aws:SourceAccount` or `aws:SourceArn`',
    sources: [analyzer('Restrict access to service principal')],
    kinds: ['resource'],
    find: eachStatement(openService),
  },
  {
    id: 'unsupported-condition-key-for-service-principal',
    severity: 'error',
    title: 'a condition that no request of a service can meet',
    cure: 'use `aws:SourceAccount`, `aws:SourceArn` or `aws:SourceOrgID` for services, in a statement of their own',
    sources: [analyzer('Unsupported condition key for service principal')],
    kinds: ['resource'],
    find: eachStatement(foreignKeys),
  },
  {
    id: 'recommended-condition-key-for-service-principal',
    severity: 'suggestion',
    title: '`aws:Referer` as a fence for a service',
    cure: 'use `aws:SourceArn` or `aws:SourceAccount`',
    sources: [analyzer('Recommended condition key for service principal')],
    kinds: ['resource'],
    find: eachStatement(refererForService),
  },
  {
    id: 'irrelevant-condition-key-in-policy',
    severity: 'suggestion',
    title: 'a condition on what is given by the resource itself',
    cure: 'put such a condition into the policies of those who ask',
    sources: [analyzer('Irrelevant condition key in policy')],
    kinds: ['resource'],
    find: eachStatement(irrelevant),
  },
  {
    id: 'invalid-role-reference',
    severity: 'warning',
    title: 'the unique id of a role as principal',
    cure: 'write the ARN of the role; AWS shows an id where the role was deleted',
    sources: [analyzer('Invalid role reference')],
    kinds: ['resource', 'trust'],
    find: eachStatement(references('AROA', 'role')),
  },
  {
    id: 'invalid-user-reference',
    severity: 'warning',
    title: 'the unique id of a user as principal',
    cure: 'write the ARN of the user; AWS shows an id where the user was deleted',
    sources: [analyzer('Invalid user reference')],
    kinds: ['resource', 'trust'],
    find: eachStatement(references('AIDA', 'user')),
  },
  {
    id: 'resource-policy-privilege-escalation',
    severity: 'warning',
    title: 'a bucket’s policy may be written by who may not do the rest',
    cure: 'leave the policy of the bucket to its administrators',
    sources: [parliament('RESOURCE_POLICY_PRIVILEGE_ESCALATION')],
    kinds: ['identity', 'resource', 'session'],
    find: eachStatement(policyWriters),
  },
];
