// Trust in what is no person: services, tokens of OIDC issuers, pods, certificates, SAML sign-ins. Each shape is the
// narrowest that its documentation gives; what a token does not prove lets nobody in.
import { iamArn } from '../aws/index.ts';
import type { Definition, TrustEntry } from './model.ts';
import type { ConditionValue, Statement, Texts } from './resources.ts';
import type { Conditions, TrustScope, TrustShape } from './trust.ts';

/** The issuer of GitHub Actions. */
export const githubIssuer = 'token.actions.githubusercontent.com';

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;
const one = (texts: readonly string[]): ConditionValue => (texts.length === 1 ? texts[0]! : texts);

/** An issuer's address as IAM keeps it: without scheme and without the slash at its end. */
export const issuerName = (issuer: string): string => issuer.replace(/^https:\/\//, '').replace(/\/$/, '');

/** The issuer that a trust means: one of `providers` by name, or an address. */
export function trustedIssuer(definition: Definition, text: string = githubIssuer): string {
  const providers = definition.providers ?? {};
  const declared = Object.hasOwn(providers, text) ? providers[text]!.issuer : undefined;
  return issuerName(declared ?? text);
}

/** The SAML provider that a trust means, by its name in AWS; `undefined` where the trust gives an ARN. */
export function trustedSaml(definition: Definition, text: string): string | undefined {
  const providers = definition.providers ?? {};
  return Object.hasOwn(providers, text) ? (providers[text]!.name ?? text) : undefined;
}

/** Puts a test of a text in: exact where it has no wildcard. */
function addText(conditions: Conditions, key: string, values: readonly string[]): void {
  const operator = values.some((text) => /[*?]/.test(text)) ? 'StringLike' : 'StringEquals';
  (conditions[operator] ??= {})[key] = one(values);
}

/** GitHub writes a colon inside a value as `%3A`, for colons part the subject (GitHub docs, "OIDC reference"). */
const escaped = (text: string): string => text.replaceAll(':', '%3A');

/** The subjects of GitHub's tokens that a trust means; any run of the repository where it does not say which. */
export function githubSubjects(entry: NonNullable<TrustEntry['oidc']>): string[] {
  const runs = [
    ...list(entry.environment).map((name) => `environment:${escaped(name)}`),
    ...list(entry.branch).map((name) => `ref:refs/heads/${name}`),
    ...list(entry.tag).map((name) => `ref:refs/tags/${name}`),
    ...(entry.pullRequest === true ? ['pull_request'] : []),
  ];
  return list(entry.repository).flatMap((repository) =>
    (runs.length === 0 ? ['*'] : runs).map((run) => `repo:${repository}:${run}`),
  );
}

function federated(scope: TrustScope, kind: 'oidc-provider' | 'saml-provider', name: string): Statement['Principal'] {
  return { Federated: iamArn(scope.partition, scope.accountId, kind, name) };
}

function oidcShape(scope: TrustScope, entry: NonNullable<TrustEntry['oidc']>): TrustShape {
  const issuer = trustedIssuer(scope.definition, entry.provider);
  const conditions: Conditions = {
    StringEquals: { [`${issuer}:aud`]: one(list(entry.audience ?? 'sts.amazonaws.com')) },
  };
  addText(conditions, `${issuer}:sub`, entry.subject === undefined ? githubSubjects(entry) : list(entry.subject));
  return {
    principal: federated(scope, 'oidc-provider', issuer),
    actions: ['sts:AssumeRoleWithWebIdentity'],
    conditions,
    account: scope.accountId,
  };
}

function serviceAccountShape(scope: TrustScope, entry: NonNullable<TrustEntry['serviceAccount']>): TrustShape {
  const issuer = trustedIssuer(scope.definition, entry.issuer);
  const StringEquals = {
    [`${issuer}:aud`]: entry.audience ?? 'sts.amazonaws.com',
    [`${issuer}:sub`]: `system:serviceaccount:${entry.namespace}:${entry.name}`,
  };
  return {
    principal: federated(scope, 'oidc-provider', issuer),
    actions: ['sts:AssumeRoleWithWebIdentity'],
    conditions: { StringEquals },
    account: scope.accountId,
  };
}

/** Without the tags any pod with an association in the account could become the role (EKS guide, "Pod Identity role"). */
function podShape({ accountId }: TrustScope, entry: NonNullable<TrustEntry['pod']>): TrustShape {
  const StringEquals = {
    'aws:RequestTag/kubernetes-namespace': entry.namespace,
    'aws:RequestTag/kubernetes-service-account': entry.serviceAccount,
    'aws:RequestTag/eks-cluster-arn': entry.cluster,
  };
  return {
    principal: { Service: 'pods.eks.amazonaws.com' },
    actions: ['sts:AssumeRole', 'sts:TagSession'],
    conditions: { StringEquals },
    account: accountId,
  };
}

/** Without the anchor's ARN certificates of any anchor of the account are taken (Roles Anywhere guide, "Trust model"). */
function certificateShape({ accountId }: TrustScope, entry: NonNullable<TrustEntry['certificate']>): TrustShape {
  const conditions: Conditions = { ArnEquals: { 'aws:SourceArn': entry.anchor } };
  addText(conditions, 'aws:PrincipalTag/x509Subject/CN', list(entry.commonName));
  return {
    principal: { Service: 'rolesanywhere.amazonaws.com' },
    actions: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
    conditions,
    account: accountId,
  };
}

const signInAudiences = {
  aws: 'https://signin.aws.amazon.com/saml',
  'aws-us-gov': 'https://signin.amazonaws-us-gov.com/saml',
  'aws-cn': 'https://signin.amazonaws.cn/saml',
} as const;

function samlShape(scope: TrustScope, entry: NonNullable<TrustEntry['saml']>): TrustShape {
  const name = trustedSaml(scope.definition, entry.provider);
  const audience = list(entry.audience ?? signInAudiences[scope.partition]);
  return {
    principal: name === undefined ? { Federated: entry.provider } : federated(scope, 'saml-provider', name),
    actions: ['sts:AssumeRoleWithSAML', 'sts:SetSourceIdentity'],
    conditions: { StringEquals: { 'SAML:aud': one(audience) } },
    account: scope.accountId,
  };
}

function serviceShape({ accountId, partition }: TrustScope, service: string): TrustShape {
  // Without them a task of any account could be given the role (ECS developer guide, "confused deputy").
  const conditions: Conditions =
    service === 'ecs-tasks.amazonaws.com'
      ? {
          StringEquals: { 'aws:SourceAccount': accountId },
          ArnLike: { 'aws:SourceArn': `arn:${partition}:ecs:*:${accountId}:*` },
        }
      : {};
  // EKS Pod Identity passes session tags, which the trust must allow (EKS user guide, "pod identity role").
  const tagged = service === 'pods.eks.amazonaws.com';
  return {
    principal: { Service: service },
    actions: tagged ? ['sts:AssumeRole', 'sts:TagSession'] : ['sts:AssumeRole'],
    conditions,
    account: accountId,
  };
}

/** The trust in a workload; `undefined` for an entry that is about people, roles or accounts. */
export function workloadShape(scope: TrustScope, entry: TrustEntry): TrustShape | undefined {
  if (entry.service !== undefined) return serviceShape(scope, entry.service);
  if (entry.oidc !== undefined) return oidcShape(scope, entry.oidc);
  if (entry.serviceAccount !== undefined) return serviceAccountShape(scope, entry.serviceAccount);
  if (entry.pod !== undefined) return podShape(scope, entry.pod);
  if (entry.certificate !== undefined) return certificateShape(scope, entry.certificate);
  return entry.saml === undefined ? undefined : samlShape(scope, entry.saml);
}
