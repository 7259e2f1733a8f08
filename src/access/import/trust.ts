// Who may become a role, put back from a trust policy into entries of a definition. Nothing is guessed: entries are
// only proposed here, and one is taken when it compiles to the very statement that was found. What no entry says is
// kept as a statement, with its reason.
import { formatDuration, isObject } from '../../base/index.ts';
import type { Statement, Texts } from '../resources.ts';
import { asFound, type Found } from './found.ts';
import { githubIssuer } from '../trust-workloads.ts';
import { shortDate } from './owned.ts';
import { statementEntry } from './permissions.ts';

export type TrustDraft = Readonly<Record<string, unknown>>;

/** What a statement is read beside. */
export interface TrustContext {
  readonly found: Found;
  /** Groups that the trust may mean, the likeliest first. */
  readonly groups: readonly string[];
  /** Name of the entry of a provider, by issuer or by name and account of a SAML provider; undefined without one. */
  providerOf(name: string): string | undefined;
}

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;

/** The one value of a condition, whatever the operator's exact form; undefined where there are none or several. */
function conditionValues(statement: Statement, operators: RegExp, key: string): readonly string[] {
  return Object.entries(statement.Condition ?? {})
    .filter(([operator]) => operators.test(operator))
    .flatMap(([, keys]) => Object.entries(keys))
    .filter(([name]) => name.toLowerCase() === key.toLowerCase())
    .flatMap(([, value]) => [value].flat().map(String));
}

const oneOrMany = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 ? values[0]! : values;

function accountName(context: TrustContext, id: string): string {
  return context.found.accounts.find((account) => account.id === id)?.name ?? id;
}

/** Proposals for AWS principals: an account, a person, a role (as `ACCOUNT/NAME`), or the groups whose people are named. */
function awsProposals(context: TrustContext, statement: Statement, principal: string): TrustDraft[] {
  const { found, groups } = context;
  const root = /^(?:arn:[^:]+:iam::)?(\d{12})(?::root)?$/.exec(principal)?.[1];
  if (root !== undefined) {
    const named = conditionValues(statement, /^Arn(?:Like|Equals)$/, 'aws:PrincipalArn').length > 0;
    return [...(named ? groups : []).map((group) => ({ group })), { account: accountName(context, root) }];
  }
  const [, id, kind, path] = /^arn:[^:]+:iam::(\d{12}):(user|role)\/(.+)$/.exec(principal) ?? [];
  if (id === undefined || path === undefined) return [];
  const name = path.slice(path.lastIndexOf('/') + 1);
  const holder = found.accounts.find((account) => account.id === id);
  if (holder === undefined) return [];
  if (kind === 'user') return holder.name === found.central ? [{ person: name }] : [];
  return [{ role: `${holder.name}/${name}` }];
}

/** The demands on people that a statement makes or does not make, said beside the entry. */
function demandsOf(statement: Statement): TrustDraft[] {
  const mfa = conditionValues(statement, /^Bool$/, 'aws:MultiFactorAuthPresent').includes('true');
  const age = conditionValues(statement, /^NumericLessThan(?:Equals)?$/, 'aws:MultiFactorAuthAge')[0];
  const external = conditionValues(statement, /^StringEquals$/, 'sts:ExternalId');
  const always: TrustDraft = external.length === 1 ? { externalId: external[0] } : {};
  const seconds = age === undefined ? undefined : Number(age);
  const maxAge = seconds === undefined ? { mfaMaxAge: asFound } : { mfaMaxAge: formatDuration(seconds) };
  return [
    always,
    ...(mfa ? [{ ...always, ...maxAge }] : []),
    { ...always, ...(mfa ? { mfa: true } : { mfa: asFound }) },
    { ...always, ...(mfa ? { mfa: true } : { mfa: asFound }), ...maxAge },
    { ...always, ...(mfa ? { mfa: true } : { mfa: asFound }), ...maxAge, sourceIdentity: asFound },
    { ...always, ...(mfa ? {} : { mfa: asFound }), sourceIdentity: asFound },
    { ...always, sourceIdentity: 'required' },
    ...(mfa ? [{ ...always, ...maxAge, sourceIdentity: 'required' }] : []),
    ...(mfa ? [] : [{ ...always, mfa: asFound, sourceIdentity: 'required' }]),
  ];
}

/** The end of a statement may be that of what it hangs on, which need not be said again. */
function endsOf(statement: Statement): TrustDraft[] {
  const until = conditionValues(statement, /^DateLessThan$/, 'aws:CurrentTime')[0];
  return until === undefined ? [{}] : [{}, { expires: shortDate(until) }];
}

const runWords: Readonly<Record<string, string>> = {
  environment: 'environment',
  'ref:refs/heads': 'branch',
  'ref:refs/tags': 'tag',
};

/** The runs of GitHub Actions that some subjects tell, as members of an entry; undefined for others. */
function runMembers(runs: readonly string[]): TrustDraft | undefined {
  if (runs.length === 1 && runs[0] === '*') return {};
  const members: Record<string, string[]> = {};
  for (const run of runs.filter((it) => it !== 'pull_request')) {
    const [, kind, value] = /^(environment|ref:refs\/heads|ref:refs\/tags)[:/](.+)$/.exec(run) ?? [];
    if (kind === undefined || value === undefined) return undefined;
    // GitHub writes a colon inside a name of an environment as `%3A`.
    (members[runWords[kind]!] ??= []).push(kind === 'environment' ? value.replaceAll('%3A', ':') : value);
  }
  return {
    ...Object.fromEntries(Object.entries(members).map(([name, values]) => [name, oneOrMany(values)])),
    ...(runs.includes('pull_request') ? { pullRequest: true } : {}),
  };
}

function githubProposals(subjects: readonly string[], more: TrustDraft): TrustDraft[] {
  const parsed = subjects.map((subject) => /^repo:([^:]+):(.+)$/.exec(subject));
  if (parsed.length === 0 || parsed.includes(null)) return [];
  const runs = runMembers([...new Set(parsed.map((it) => it![2]!))]);
  const repository = oneOrMany([...new Set(parsed.map((it) => it![1]!))]);
  return runs === undefined ? [] : [{ oidc: { ...more, repository, ...runs } }];
}

function samlProposals(context: TrustContext, statement: Statement, principal: string): TrustDraft[] {
  const [, id, name] = /^arn:[^:]+:iam::(\d{12}):saml-provider\/(.+)$/.exec(principal) ?? [];
  const audience = conditionValues(statement, /^StringEquals$/, 'SAML:aud');
  const audiences = audience.length === 0 ? {} : { audience: oneOrMany(audience) };
  const known = context.providerOf(`${id} ${name}`);
  return [...(known === undefined ? [] : [known]), principal].flatMap((provider) => [
    { saml: { provider } },
    { saml: { provider, ...audiences } },
  ]);
}

function federatedProposals(context: TrustContext, statement: Statement, principal: string): TrustDraft[] {
  if (principal.includes(':saml-provider/')) return samlProposals(context, statement, principal);
  const issuer = /:oidc-provider\/(.+)$/.exec(principal)?.[1];
  if (issuer === undefined) return [];
  const subjects = conditionValues(statement, /^String(?:Equals|Like)$/, `${issuer}:sub`);
  const aud = conditionValues(statement, /^StringEquals$/, `${issuer}:aud`);
  const pod = subjects.length === 1 ? /^system:serviceaccount:([^:]+):(.+)$/.exec(subjects[0]!) : null;
  const audiences = aud.length === 0 || aud[0] === 'sts.amazonaws.com' ? {} : { audience: oneOrMany(aud) };
  const names = [context.providerOf(issuer), `https://${issuer}`].filter((it) => it !== undefined);
  return [
    ...(issuer === githubIssuer ? githubProposals(subjects, audiences) : []),
    ...(pod === null
      ? []
      : names.map((name) => ({
          serviceAccount: {
            issuer: name.replace(/^https:\/\//, ''),
            namespace: pod[1],
            name: pod[2],
            ...(aud.length === 1 ? audiences : {}),
          },
        }))),
    ...(subjects.length === 0
      ? []
      : names.map((provider) => ({ oidc: { provider, subject: oneOrMany(subjects), ...audiences } }))),
  ];
}

function serviceProposals(statement: Statement, service: string): TrustDraft[] {
  const tag = (name: string): string | undefined =>
    conditionValues(statement, /^StringEquals$/, `aws:RequestTag/${name}`)[0];
  const cluster = tag('eks-cluster-arn');
  const namespace = tag('kubernetes-namespace');
  const account = tag('kubernetes-service-account');
  if (
    service === 'pods.eks.amazonaws.com' &&
    cluster !== undefined &&
    namespace !== undefined &&
    account !== undefined
  ) {
    return [{ pod: { cluster, namespace, serviceAccount: account } }, { service }];
  }
  const anchor = conditionValues(statement, /^Arn(?:Equals|Like)$/, 'aws:SourceArn')[0];
  const names = conditionValues(statement, /^String(?:Equals|Like)$/, 'aws:PrincipalTag/x509Subject/CN');
  if (service === 'rolesanywhere.amazonaws.com' && anchor !== undefined && names.length > 0) {
    return [{ certificate: { anchor, commonName: oneOrMany(names) } }];
  }
  return [{ service }];
}

function proposalsFor(context: TrustContext, statement: Statement, kind: string, principal: string): TrustDraft[] {
  const demands = demandsOf(statement);
  switch (kind) {
    case 'Service':
      return serviceProposals(statement, principal);
    case 'Federated':
      return federatedProposals(context, statement, principal).flatMap((draft) => [draft, { ...draft, ...demands[0] }]);
    case 'AWS':
      return awsProposals(context, statement, principal).flatMap((draft) =>
        demands.map((demand) => ('role' in draft ? { ...draft, ...demands[0] } : { ...draft, ...demand })),
      );
  }
  return [];
}

/** Entries that may say what the statement says, the plainest first. */
export function trustProposals(context: TrustContext, statement: Statement): TrustDraft[] {
  const { Principal } = statement;
  if (statement.Effect !== 'Allow' || !isObject(Principal)) return [];
  const kinds = Object.entries(Principal as Record<string, Texts>);
  const [kind, texts] = kinds[0] ?? [];
  const principals = list(texts);
  if (kinds.length !== 1 || principals.length !== 1) return [];
  const proposals = proposalsFor(context, statement, kind!, principals[0]!);
  return endsOf(statement).flatMap((end) => proposals.map((draft) => ({ ...draft, ...end })));
}

/** A statement that no entry says, as it is. */
export function rawTrust(statement: Statement): TrustDraft {
  return { statement: statementEntry(statement), reason: 'taken over as it was found: no other entry says it' };
}
