// Who may become a role, put back from a trust policy into entries of a definition. Nothing is guessed: entries are
// only proposed here, and one is taken when it compiles to the very statement that was found. What no entry says is
// kept as a statement, with its reason.
import { createHash } from 'node:crypto';
import { formatDuration, isObject } from '../../base/index.ts';
import type { Statement, Texts } from '../resources.ts';
import { asFound, type Found } from './found.ts';
import { statementEntry } from './permissions.ts';

export type TrustDraft = Readonly<Record<string, unknown>>;

interface Context {
  readonly found: Found;
  /** Account that holds the role. */
  readonly accountId: string;
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

function accountName(context: Context, id: string): string {
  return context.found.accounts.find((account) => account.id === id)?.name ?? id;
}

/** Proposals for AWS principals: an account, a person, a role, or the groups whose people a condition names. */
function awsProposals(context: Context, statement: Statement, principal: string): TrustDraft[] {
  const { found } = context;
  const root = /^(?:arn:[^:]+:iam::)?(\d{12})(?::root)?$/.exec(principal)?.[1];
  if (root !== undefined) {
    const groups =
      conditionValues(statement, /^Arn(?:Like|Equals)$/, 'aws:PrincipalArn').length > 0 ? groupNames(found) : [];
    return [...groups.map((group) => ({ group })), { account: accountName(context, root) }];
  }
  const [, id, kind, path] = /^arn:[^:]+:iam::(\d{12}):(user|role)\/(.+)$/.exec(principal) ?? [];
  if (id === undefined || path === undefined) return [];
  const name = path.slice(path.lastIndexOf('/') + 1);
  const holder = found.accounts.find((account) => account.id === id);
  if (holder === undefined) return [];
  if (kind === 'user') return holder.name === found.central ? [{ person: name }] : [];
  return [{ role: id === context.accountId ? name : `${holder.name}/${name}` }];
}

function groupNames(found: Found): string[] {
  const central = found.accounts.find(({ name }) => name === found.central);
  return (central?.resources ?? []).filter(({ kind }) => kind === 'group').map(({ name }) => name);
}

/** The demands on people that a statement makes or does not make, said beside the entry. */
function demandsOf(statement: Statement): TrustDraft[] {
  const mfa = conditionValues(statement, /^Bool$/, 'aws:MultiFactorAuthPresent').includes('true');
  const age = conditionValues(statement, /^NumericLessThan(?:Equals)?$/, 'aws:MultiFactorAuthAge')[0];
  const external = conditionValues(statement, /^StringEquals$/, 'sts:ExternalId');
  const until = conditionValues(statement, /^DateLessThan$/, 'aws:CurrentTime')[0];
  const always: TrustDraft = {
    ...(external.length === 1 ? { externalId: external[0] } : {}),
    ...(until === undefined ? {} : { expires: until }),
  };
  const seconds = age === undefined ? undefined : Number(age);
  const maxAge = seconds === undefined ? { mfaMaxAge: asFound } : { mfaMaxAge: formatDuration(seconds) };
  return [
    always,
    { ...always, ...(mfa ? { mfa: true } : { mfa: asFound }) },
    { ...always, ...(mfa ? { mfa: true } : { mfa: asFound }), ...maxAge },
    { ...always, ...(mfa ? { mfa: true } : { mfa: asFound }), ...maxAge, sourceIdentity: asFound },
    { ...always, ...(mfa ? {} : { mfa: asFound }), sourceIdentity: asFound },
    { ...always, sourceIdentity: 'required' },
  ];
}

function githubProposals(statement: Statement, issuer: string): TrustDraft[] {
  const subjects = conditionValues(statement, /^String(?:Equals|Like)$/, `${issuer}:sub`);
  const parsed = subjects.map((subject) =>
    /^repo:([^:]+):(environment|ref:refs\/heads|ref:refs\/tags|pull_request):?(.*)$/.exec(subject),
  );
  const words = { environment: 'environment', 'ref:refs/heads': 'branch', 'ref:refs/tags': 'tag' } as const;
  const kinds = new Set(parsed.map((it) => it?.[2]));
  const kind = [...kinds][0];
  if (kinds.size !== 1 || kind === undefined) return [];
  const repository = oneOrMany([...new Set(parsed.map((it) => it![1]!))]);
  // GitHub writes branches as `ref:refs/heads/main`; the pattern leaves the slash in front of the name.
  const values = [...new Set(parsed.map((it) => it![3]!.replace(/^\//, '')))];
  if (kind === 'pull_request') return [{ oidc: { repository, pullRequest: true } }];
  return [{ oidc: { repository, [words[kind as keyof typeof words]]: oneOrMany(values) } }];
}

function federatedProposals(context: Context, statement: Statement, principal: string): TrustDraft[] {
  const saml = /:saml-provider\/(.+)$/.exec(principal)?.[1];
  const audience = conditionValues(statement, /^StringEquals$/, 'SAML:aud');
  if (saml !== undefined) {
    const audiences = audience.length === 0 ? {} : { audience: oneOrMany(audience) };
    return [saml, principal].flatMap((provider) => [{ saml: { provider } }, { saml: { provider, ...audiences } }]);
  }
  const issuer = /:oidc-provider\/(.+)$/.exec(principal)?.[1];
  if (issuer === undefined) return [];
  const subjects = conditionValues(statement, /^String(?:Equals|Like)$/, `${issuer}:sub`);
  const aud = conditionValues(statement, /^StringEquals$/, `${issuer}:aud`);
  const pod = subjects.length === 1 ? /^system:serviceaccount:([^:]+):(.+)$/.exec(subjects[0]!) : null;
  const audiences = aud.length === 0 || aud[0] === 'sts.amazonaws.com' ? {} : { audience: oneOrMany(aud) };
  const names = [providerName(context, issuer), `https://${issuer}`].filter((it) => it !== undefined);
  return [
    ...(issuer === 'token.actions.githubusercontent.com' ? githubProposals(statement, issuer) : []),
    ...(pod === null
      ? []
      : names.map((name) => ({
          serviceAccount: { issuer: name.replace(/^https:\/\//, ''), namespace: pod[1], name: pod[2] },
        }))),
    ...(subjects.length === 0
      ? []
      : names.map((provider) => ({ oidc: { provider, subject: oneOrMany(subjects), ...audiences } }))),
  ];
}

/** The name that an OIDC provider gets in the definition. */
export function providerName(context: { readonly found: Found }, issuer: string): string | undefined {
  const known = context.found.accounts.some(({ resources }) =>
    resources.some(({ kind, name }) => kind === 'oidc-provider' && name === issuer),
  );
  return known ? providerKey(issuer) : undefined;
}

/** `token.actions.githubusercontent.com` becomes `github`, a cluster of EKS `eks-REGION-ID`, any other its own address. */
export function providerKey(name: string): string {
  if (name === 'token.actions.githubusercontent.com') return 'github';
  const [, region, id] = /^oidc\.eks\.([\w-]+)\.amazonaws\.com(?:\.cn)?\/id\/(\w+)$/.exec(name) ?? [];
  if (id !== undefined) return `eks-${region}-${id.slice(0, 8).toLowerCase()}`;
  const spelt = name.replaceAll(/[^A-Za-z0-9_.-]/g, '-').replace(/^(?![A-Za-z])/, 'p');
  if (spelt === name && spelt.length <= 48) return spelt;
  // Other spellings and lengths could be those of another issuer: its hash tells them apart.
  return `${spelt.slice(0, 48)}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
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

/** Entries that may say what the statement says, the plainest first. */
export function trustProposals(context: Context, statement: Statement): TrustDraft[] {
  const { Principal } = statement;
  if (statement.Effect !== 'Allow' || !isObject(Principal)) return [];
  const kinds = Object.entries(Principal as Record<string, Texts>);
  const [kind, texts] = kinds[0] ?? [];
  const principals = list(texts);
  if (kinds.length !== 1 || principals.length !== 1) return [];
  const [principal] = principals as [string];
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

/** A statement that no entry says, as it is. */
export function rawTrust(statement: Statement): TrustDraft {
  return { statement: statementEntry(statement), reason: 'taken over as it was found: no other entry says it' };
}
