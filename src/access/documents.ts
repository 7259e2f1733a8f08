// Policy documents compared by meaning and told in one line a statement. AWS reorders lists, turns single
// values into lists and rewrites principals, so texts are never compared.
import { canonicalJson, isObject } from '../base/index.ts';
import { canonicalPolicy, nobody, parsePolicy, policySize } from '../policy/index.ts';
import type { Document, Statement, Texts } from './resources.ts';

/** From AWS's unique id (`AROA…`) to the ARN of what still has it; `undefined` for a deleted principal. */
export type ResolvePrincipal = (uniqueId: string) => string | undefined;

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;

/** AWS hands documents out URL-encoded (RFC 3986). */
export function parseDocument(text: string | undefined): Document {
  const document = JSON.parse(decodeURIComponent(text ?? '%7B%7D')) as Partial<Document>;
  return { Version: document.Version ?? '2008-10-17', Statement: [document.Statement ?? []].flat() };
}

/** The principals of one type that the statements of a trust policy name. */
export function principalsOf({ Statement }: Document, type: string): string[] {
  return Statement.flatMap(({ Principal }) =>
    Principal === undefined || Principal === '*' ? [] : [...list(Principal[type])],
  );
}

type Kind = 'identity' | 'trust' | 'rcp';

/** Trust policies name principals and no resources, resource control policies both. */
function kindOf({ Statement }: Document): Kind {
  if (!Statement.some(({ Principal }) => Principal !== undefined)) return 'identity';
  return Statement.some(({ Resource }) => Resource !== undefined) ? 'rcp' : 'trust';
}

/** AWS's unique ids put back to the ARNs of those who still have them. */
function resolved(statement: Statement, resolve: ResolvePrincipal): Statement {
  const { Principal } = statement;
  if (Principal === undefined || Principal === '*' || Principal['AWS'] === undefined) return statement;
  return { ...statement, Principal: { ...Principal, AWS: list(Principal['AWS']).map((id) => resolve(id) ?? id) } };
}

/** A text that is equal for documents of equal meaning. What is no policy to us is equal only to itself. */
export function canonicalDocument(document: Document, resolve: ResolvePrincipal = () => undefined): string {
  const Statement = document.Statement.map((statement) => resolved(statement, resolve));
  const { policy } = parsePolicy(JSON.stringify({ ...document, Statement }), kindOf(document));
  return policy === undefined ? `unreadable ${canonicalJson({ ...document, Statement })}` : canonicalPolicy(policy);
}

/** Whether two documents mean the same. Most often they are the same to the letter, which costs next to nothing to see. */
export function sameMeaning(one: Document, other: Document, resolve?: ResolvePrincipal): boolean {
  if (one === other || JSON.stringify(one) === JSON.stringify(other)) return true;
  return canonicalDocument(one, resolve) === canonicalDocument(other, resolve);
}

/** Unique ids in a trust policy that name nobody any more: AWS writes them in place of a deleted principal. */
export function deletedPrincipals(document: Document, resolve: ResolvePrincipal): string[] {
  return document.Statement.flatMap(({ Principal }) =>
    Principal === undefined || Principal === '*' ? [] : list(Principal['AWS']),
  ).filter((value) => /^A[A-Z0-9]{15,}$/.test(value) && resolve(value) === undefined);
}

/** Principals for people, of what a statement has at `Principal`. */
export function principalTexts(principal: unknown): string[] {
  if (!isObject(principal)) return ['everyone'];
  return Object.values(principal)
    .flat()
    .map((value) => {
      const root = /^(?:arn:[^:]+:iam::)?(\d{12})(?::root)?$/.exec(String(value));
      return root === null ? String(value).replace(/^arn:[^:]+:iam::(\d{12}):/, '$1 ') : `account ${root[1]}`;
    });
}

function conditionText(condition: Statement['Condition']): string {
  const parts = Object.entries(condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `${key} ${operator} ${[value].flat().map(String).join(', ')}`),
  );
  return parts.length === 0 ? '' : ` if ${parts.join(' and ')}`;
}

/** One line for people, with every action, resource and value: `allow s3:ListAllMyBuckets on *`, `trust ec2.amazonaws.com`. */
export function statementText(statement: Statement): string {
  const effect = statement.Effect.toLowerCase();
  // A resource control policy names principals as well, but it says what is denied on what.
  if (statement.Principal !== undefined && statement.Resource === undefined) {
    const named = statement.Condition?.['ArnEquals']?.['aws:PrincipalArn'];
    if (typeof named === 'string' && named.endsWith(nobody)) return 'trust nobody';
    const verb = effect === 'allow' ? 'trust' : 'never trust';
    return `${verb} ${principalTexts(statement.Principal).join(', ')}${conditionText(statement.Condition)}`;
  }
  const actions =
    statement.Action === undefined
      ? `everything but ${list(statement.NotAction).join(', ')}`
      : list(statement.Action).join(', ');
  const resources =
    statement.Resource === undefined
      ? `everything but ${list(statement.NotResource).join(', ')}`
      : list(statement.Resource).join(', ');
  return `${effect} ${actions} on ${resources}${conditionText(statement.Condition)}`;
}

/** A trust that nobody satisfies, for a role whose principals do not exist yet, or no more. */
export function closedTrust(accountRoot: string): Document {
  const closed = accountRoot.replace(/:root$/, nobody);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: accountRoot },
        Action: 'sts:AssumeRole',
        Condition: { ArnEquals: { 'aws:PrincipalArn': closed } },
      },
    ],
  };
}

/** Characters that count for IAM's size quotas. */
export function documentSize(document: Document): number {
  return policySize(JSON.stringify(document), kindOf(document));
}
