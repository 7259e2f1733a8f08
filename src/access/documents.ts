// Policy documents compared by meaning and told in one line a statement. AWS reorders lists, turns single
// values into lists and rewrites principals, so texts are never compared.
import { canonicalJson } from '../base/index.ts';
import type { Document, Statement, Texts } from './resources.ts';

/** From AWS's unique id (`AROA…`) to the ARN of what still has it; `undefined` for a deleted principal. */
export type ResolvePrincipal = (uniqueId: string) => string | undefined;

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;

const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].sort();

function canonicalPrincipal(principal: Statement['Principal'], resolve: ResolvePrincipal): unknown {
  if (principal === undefined || principal === '*') return principal;
  return Object.fromEntries(
    Object.entries(principal).map(([type, values]) => [
      type,
      sorted(
        list(values).map((value) => {
          if (/^\d{12}$/.test(value)) return `root of ${value}`;
          const root = /^arn:[^:]+:iam::(\d{12}):root$/.exec(value);
          return root === null ? (resolve(value) ?? value) : `root of ${root[1]}`;
        }),
      ),
    ]),
  );
}

function canonicalCondition(condition: Statement['Condition']): unknown {
  if (condition === undefined || Object.keys(condition).length === 0) return undefined;
  return Object.fromEntries(
    Object.entries(condition).map(([operator, keys]) => [
      operator.toLowerCase(),
      Object.fromEntries(
        Object.entries(keys).map(([key, value]) => [key.toLowerCase(), sorted([value].flat().map(String))]),
      ),
    ]),
  );
}

function canonicalStatement(statement: Statement, resolve: ResolvePrincipal): string {
  const actions = (texts: Texts | undefined): string[] | undefined =>
    texts === undefined ? undefined : sorted(list(texts).map((action) => action.toLowerCase()));
  const resources = (texts: Texts | undefined): string[] | undefined =>
    texts === undefined ? undefined : sorted(list(texts));
  return canonicalJson({
    Sid: statement.Sid === '' ? undefined : statement.Sid,
    Effect: statement.Effect,
    Principal: canonicalPrincipal(statement.Principal, resolve),
    Action: actions(statement.Action),
    NotAction: actions(statement.NotAction),
    Resource: resources(statement.Resource),
    NotResource: resources(statement.NotResource),
    Condition: canonicalCondition(statement.Condition),
  });
}

const statementsOf = (document: Document): readonly Statement[] => [document.Statement].flat();

/** A text that is equal for documents of equal meaning. */
export function canonicalDocument(document: Document, resolve: ResolvePrincipal = () => undefined): string {
  const statements = sorted(statementsOf(document).map((statement) => canonicalStatement(statement, resolve)));
  return `${document.Version} [${statements.join(',')}]`;
}

/** Unique ids in a trust policy that name nobody any more: AWS writes them in place of a deleted principal. */
export function deletedPrincipals(document: Document, resolve: ResolvePrincipal): string[] {
  return statementsOf(document)
    .flatMap(({ Principal }) => (Principal === undefined || Principal === '*' ? [] : list(Principal['AWS'])))
    .filter((value) => /^A[A-Z0-9]{15,}$/.test(value) && resolve(value) === undefined);
}

function principalText(principal: Statement['Principal']): string {
  if (principal === undefined || principal === '*') return 'everyone';
  return Object.values(principal)
    .flatMap(list)
    .map((value) => {
      const root = /^(?:arn:[^:]+:iam::)?(\d{12})(?::root)?$/.exec(value);
      return root === null ? value.replace(/^arn:[^:]+:iam::(\d{12}):/, '$1 ') : `account ${root[1]}`;
    })
    .join(', ');
}

function shortList(texts: readonly string[]): string {
  return texts.length <= 4 ? texts.join(', ') : `${texts.slice(0, 3).join(', ')} and ${texts.length - 3} more`;
}

function conditionText(condition: Statement['Condition']): string {
  const parts = Object.entries(condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `${key} ${operator} ${shortList([value].flat().map(String))}`),
  );
  return parts.length === 0 ? '' : ` if ${parts.join(' and ')}`;
}

/** One line for people: `allow s3:ListAllMyBuckets on *`, or `trust ec2.amazonaws.com` for a trust policy. */
export function statementText(statement: Statement): string {
  const effect = statement.Effect.toLowerCase();
  if (statement.Principal !== undefined) {
    const verb = effect === 'allow' ? 'trust' : 'never trust';
    return `${verb} ${principalText(statement.Principal)}${conditionText(statement.Condition)}`;
  }
  const actions =
    statement.Action === undefined
      ? `everything but ${shortList(list(statement.NotAction))}`
      : shortList(list(statement.Action));
  const resources =
    statement.Resource === undefined
      ? `everything but ${shortList(list(statement.NotResource))}`
      : shortList(list(statement.Resource));
  return `${effect} ${actions} on ${resources}${conditionText(statement.Condition)}`;
}

/** Statements that one document has and the other has not, by meaning, as lines for people. */
export function statementChanges(
  before: Document | undefined,
  after: Document | undefined,
  resolve: ResolvePrincipal,
): { readonly lost: string[]; readonly gained: string[] } {
  const index = (document: Document | undefined): Map<string, Statement> =>
    new Map(
      document === undefined ? [] : statementsOf(document).map((it) => [canonicalStatement(it, resolve), it] as const),
    );
  const old = index(before);
  const fresh = index(after);
  return {
    lost: [...old].filter(([key]) => !fresh.has(key)).map(([, it]) => statementText(it)),
    gained: [...fresh].filter(([key]) => !old.has(key)).map(([, it]) => statementText(it)),
  };
}

/** Characters that count for IAM's size quotas: white space does not. */
export function documentSize(document: Document): number {
  return JSON.stringify(document).length;
}
