// Checks of trust policies: who may become a role, and by which of STS's actions.
import { accountOf } from '../../principals.ts';
import { analyzer, eachStatement, found, grammar, shown, type Check, type FindInStatement } from '../check.ts';
import type { LintCondition, LintStatement, TextSpot } from '../lint-document.ts';
import { namesOf, narrows } from './principals.ts';

const github = 'token.actions.githubusercontent.com';

/** The host whose name stands before the claims of a provider: `…/oidc-provider/HOST/PATH` or the host itself. */
function oidcHost(principal: string): string | undefined {
  if (/:saml-provider\//.test(principal)) return undefined;
  return /:oidc-provider\/(.+)$/.exec(principal)?.[1] ?? (principal.includes(':') ? undefined : principal);
}

const providers = (statement: LintStatement): { item: TextSpot; host: string }[] =>
  namesOf(statement.principal, 'Federated').flatMap((item) => {
    const host = oidcHost(item.text);
    return host === undefined ? [] : [{ item, host: host.toLowerCase() }];
  });

/** Whether the condition compares a claim of the provider with something narrower than all. */
const comparesClaim = ({ lower, known, values }: LintCondition, prefix: string): boolean =>
  lower.startsWith(prefix) &&
  known !== undefined &&
  known.name !== 'Null' &&
  !known.ifExists &&
  !/Not/.test(known.name) &&
  values.length > 0 &&
  !values.some(({ text }) => /^[*?]+$/.test(text));

const openProvider: FindInStatement = (statement) =>
  !statement.allows
    ? []
    : providers(statement)
        .filter(({ host }) => !statement.conditions.some((condition) => comparesClaim(condition, `${host}:`)))
        .map(({ item, host }) => found(item, `everybody who has an identity at \`${host}\` may become the role`));

const isGithub = (statement: LintStatement): boolean =>
  statement.allows && providers(statement).some(({ host }) => host === github);

/** Claims of GitHub that tell one repository from all others. */
const repositoryClaims = ['sub', 'repository', 'repository_id', 'job_workflow_ref'].map(
  (claim) => `${github}:${claim}`,
);

const openGithub: FindInStatement = (statement) => {
  if (!isGithub(statement)) return [];
  if (statement.conditions.some(({ lower }) => repositoryClaims.includes(lower))) return [];
  return [found(statement.principal!, 'every repository on GitHub may become the role')];
};

/** The values of `sub` whose wildcard stands before the repository is named, and the others with a wildcard. */
function githubWildcards(statement: LintStatement): { any: TextSpot[]; some: TextSpot[] } {
  const values = !isGithub(statement)
    ? []
    : statement.conditions
        .filter(({ lower, known }) => lower === `${github}:sub` && known?.name.endsWith('Like') === true)
        .flatMap((condition) => condition.values.filter(({ text }) => /[*?]/.test(text)));
  const isAny = ({ text }: TextSpot): boolean => /[*?]/.test(/^(?:repo:)?([^/]*\/[^:]*|.*)/.exec(text)?.[1] ?? text);
  return { any: values.filter(isAny), some: values.filter((value) => !isAny(value)) };
}

const covers = (statement: LintStatement, action: string): boolean =>
  statement.action?.not === false && statement.action.matching(action).length > 0;

const names = (statement: LintStatement, action: string): TextSpot | undefined =>
  statement.action?.items.find(({ text }) => text.toLowerCase() === action.toLowerCase());

/** Actions of federation, and the kind of principal that each needs. */
const mismatched: FindInStatement = (statement) => {
  if (!statement.allows || statement.principal === undefined) return [];
  const federated = namesOf(statement.principal, 'Federated').map(({ text }) => text);
  const isSaml = (text: string): boolean => text.includes(':saml-provider/');
  const wrong = (action: string, fits: (text: string) => boolean) => {
    const item = names(statement, action);
    if (item === undefined) return [];
    // One statement may hold both kinds side by side, each with its action.
    if (federated.some(fits)) return [];
    const who = federated.length > 0 ? shown(federated) : 'this principal';
    return [found(item, `\`${action}\` cannot be called by ${who}`)];
  };
  const plain = names(statement, 'sts:AssumeRole');
  const onlyFederated = federated.length > 0 && statement.principal.types.every(({ type }) => type === 'Federated');
  return [
    ...wrong('sts:AssumeRoleWithSAML', isSaml),
    ...wrong('sts:AssumeRoleWithWebIdentity', (text) => !isSaml(text)),
    ...(plain !== undefined && onlyFederated && !covers(statement, 'sts:AssumeRoleWithWebIdentity')
      ? names(statement, 'sts:AssumeRoleWithSAML') === undefined
        ? [found(plain, `\`sts:AssumeRole\` cannot be called by ${shown(federated)}`)]
        : []
      : []),
  ];
};

/** What a trust policy must allow for the request to hold a key at all. */
const actionForKey: readonly (readonly [RegExp, string])[] = [
  [/^sts:sourceidentity$/, 'sts:SetSourceIdentity'],
  [/^(?:aws:requesttag\/.*|aws:tagkeys|sts:transitivetagkeys)$/, 'sts:TagSession'],
];

const missingActionForKey: FindInStatement = (statement) =>
  !statement.allows
    ? []
    : statement.conditions.flatMap((condition) => {
        if (condition.known?.ifExists === true || condition.known?.name === 'Null') return [];
        const needed = actionForKey.find(([pattern]) => pattern.test(condition.lower))?.[1];
        if (needed === undefined || covers(statement, needed)) return [];
        return [
          found(condition, `\`${condition.key}\` is set only by who is allowed \`${needed}\``, `add \`${needed}\``),
        ];
      });

const anywhere: FindInStatement = (statement) => {
  const item = namesOf(statement.principal, 'Service').find(({ text }) => text === 'rolesanywhere.amazonaws.com');
  if (!statement.allows || item === undefined) return [];
  const missing = ['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession'].filter((it) => !covers(statement, it));
  return missing.length === 0 ? [] : [found(item, `IAM Roles Anywhere also needs ${shown(missing)}`)];
};

const openAnywhere: FindInStatement = (statement) => {
  const item = namesOf(statement.principal, 'Service').find(({ text }) => text === 'rolesanywhere.amazonaws.com');
  if (!statement.allows || item === undefined) return [];
  return statement.conditions.some(({ lower }) => lower === 'aws:sourcearn')
    ? []
    : [found(item, 'certificates of any trust anchor of the account may become the role')];
};

const openPods: FindInStatement = (statement) => {
  const item = namesOf(statement.principal, 'Service').find(({ text }) => text === 'pods.eks.amazonaws.com');
  if (!statement.allows || item === undefined) return [];
  const fenced = statement.conditions.some(({ lower }) =>
    /^aws:(?:requesttag\/(?:kubernetes|eks)-.*|source(?:arn|account|orgid))$/.test(lower),
  );
  return fenced
    ? []
    : [found(item, 'whoever may make a pod identity association in the account may hand the role to any pod')];
};

const everyone: FindInStatement = (statement) => {
  const { allows, principal, conditions } = statement;
  if (!allows || principal === undefined || principal.not || !principal.everyone) return [];
  const fences = ['aws:principalorgid', 'aws:principalarn'];
  if (fences.every((key) => conditions.some((it) => it.lower === key && narrows(it)))) return [];
  return [found(principal, 'every AWS account may become the role')];
};

/** Whole accounts that are trusted without any condition: whoever administers them decides. */
const bareAccounts: FindInStatement = ({ allows, principal, conditions }) =>
  !allows || conditions.length > 0 || principal?.not !== false
    ? []
    : namesOf(principal, 'AWS')
        .filter(({ text }) => accountOf(text) !== undefined)
        .map((item) => found(item, `whoever administers the account \`${accountOf(item.text)}\` decides who gets in`));

const redundant: FindInStatement = ({ principal }) => {
  const roles = namesOf(principal, 'AWS');
  return roles.flatMap((item) => {
    const session = /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(item.text);
    if (session === null) return [];
    const parent = roles.find(({ text }) => {
      const role = /^arn:([^:]+):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(text);
      return role !== null && role.slice(1).join() === session.slice(1).join();
    });
    return parent === undefined ? [] : [found(item, `\`${parent.text}\` covers its session \`${item.text}\``)];
  });
};

const audienceType: FindInStatement = ({ conditions }) =>
  conditions
    .filter(({ lower, known }) => /^[^:]*\.[^:]*:aud$/.test(lower) && known?.qualifier !== undefined)
    .map((condition) =>
      found(condition, `\`${condition.key}\` has one value in the tokens of most providers, as of GitHub and EKS`),
    );

const trustOnly = { kinds: ['trust'] } as const satisfies Pick<Check, 'kinds'>;

export const trustChecks: readonly Check[] = [
  {
    id: 'role-trust-policy-not-principal',
    severity: 'error',
    title: '`NotPrincipal` in a trust policy',
    cure: 'use `Principal`, and exclude with a condition on `aws:PrincipalArn`',
    sources: [analyzer('Role trust policy syntax error notprincipal')],
    ...trustOnly,
    find: grammar(['not-principal', 'allow-not-principal']),
  },
  {
    id: 'role-trust-policy-resource',
    severity: 'error',
    title: 'a resource in a trust policy',
    cure: 'remove it: a trust policy speaks of its own role only',
    sources: [analyzer('Role trust policy syntax error resource')],
    ...trustOnly,
    find: grammar(['resource-forbidden', 'not-resource-forbidden']),
  },
  {
    id: 'role-trust-policy-wildcard-principal',
    severity: 'error',
    title: 'a role that every account may become',
    cure: 'name accounts or principals; for a whole organisation demand `aws:PrincipalOrgID` and `aws:PrincipalArn`',
    sources: [
      analyzer('Role trust policy unsupported wildcard in principal'),
      'cloudsplaining: AssumableByAnyPrincipal',
    ],
    ...trustOnly,
    find: eachStatement(everyone),
  },
  {
    id: 'bare-account-trust',
    severity: 'security',
    title: 'a whole account is trusted without a condition',
    cure: 'demand MFA (`aws:MultiFactorAuthPresent`), the organisation (`aws:PrincipalOrgID`), who (`aws:PrincipalArn`), or of a third party `sts:ExternalId`',
    sources: ['cloudsplaining: AssumableByCrossAccountPrincipal'],
    ...trustOnly,
    find: eachStatement(bareAccounts),
  },
  {
    id: 'missing-condition-key-for-oidc-principal',
    severity: 'security',
    title: 'an OIDC provider is trusted without a condition on its claims',
    cure: 'compare `HOST:aud` and `HOST:sub` with `StringEquals`',
    sources: [analyzer('Missing condition key for oidc principal')],
    ...trustOnly,
    find: eachStatement(openProvider),
  },
  {
    id: 'missing-github-repo-condition-key',
    severity: 'security',
    title: 'GitHub is trusted without naming the repository',
    cure: 'compare `token.actions.githubusercontent.com:sub` with `repo:ORG/REPO:environment:ENV`',
    sources: [analyzer('Missing github repo condition key')],
    ...trustOnly,
    find: eachStatement(openGithub),
  },
  {
    id: 'github-any-repository',
    severity: 'security',
    title: 'a wildcard in the owner or name of a GitHub repository',
    cure: 'name owner and repository in full',
    sources: [analyzer('Specific github repo and branch recommended')],
    ...trustOnly,
    find: eachStatement((statement) =>
      githubWildcards(statement).any.map((value) => found(value, `\`${value.text}\` fits repositories of others`)),
    ),
  },
  {
    id: 'specific-github-repo-and-branch-recommended',
    severity: 'warning',
    title: 'a wildcard behind the name of a GitHub repository',
    cure: 'name the branch or the environment: pull requests run with the same repository',
    sources: [analyzer('Specific github repo and branch recommended')],
    ...trustOnly,
    find: eachStatement((statement) =>
      githubWildcards(statement).some.map((value) =>
        found(value, `\`${value.text}\` fits every branch, tag and pull request of the repository`),
      ),
    ),
  },
  {
    id: 'confirm-audience-claim-type',
    severity: 'suggestion',
    title: 'a set operator on the audience of a token',
    cure: 'use `StringEquals` unless the provider sends several audiences',
    sources: [analyzer('Confirm audience claim type')],
    ...trustOnly,
    find: eachStatement(audienceType),
  },
  {
    id: 'mismatched-action-for-principal',
    severity: 'error',
    title: 'an action of STS that the principal cannot call',
    cure: 'use `sts:AssumeRoleWithSAML` for SAML providers, `sts:AssumeRoleWithWebIdentity` for OIDC, `sts:AssumeRole` for all others',
    sources: [analyzer('Mismatched action for principal')],
    ...trustOnly,
    find: eachStatement(mismatched),
  },
  {
    id: 'missing-action-for-condition-key',
    severity: 'error',
    title: 'a condition on what the statement lets nobody set',
    cure: 'add the action to the statement',
    sources: [analyzer('Missing action for condition key')],
    ...trustOnly,
    find: eachStatement(missingActionForKey),
  },
  {
    id: 'missing-action-for-roles-anywhere-trust-policy',
    severity: 'error',
    title: 'IAM Roles Anywhere without all of its actions',
    cure: 'allow `sts:AssumeRole`, `sts:TagSession` and `sts:SetSourceIdentity`',
    sources: [analyzer('Missing action for roles anywhere trust policy')],
    ...trustOnly,
    find: eachStatement(anywhere),
  },
  {
    id: 'roles-anywhere-without-anchor',
    severity: 'security',
    title: 'IAM Roles Anywhere with any trust anchor',
    cure: 'compare `aws:SourceArn` with the trust anchor by `ArnEquals`',
    sources: [],
    ...trustOnly,
    find: eachStatement(openAnywhere),
  },
  {
    id: 'pod-identity-unscoped',
    severity: 'warning',
    title: 'EKS Pod Identity without namespace, service account or cluster',
    cure: 'compare `aws:RequestTag/kubernetes-namespace`, `aws:RequestTag/kubernetes-service-account` and `aws:RequestTag/eks-cluster-arn`',
    sources: [],
    ...trustOnly,
    find: eachStatement(openPods),
  },
  {
    id: 'redundant-principal-in-role-trust-policy',
    severity: 'suggestion',
    title: 'a role and one of its sessions',
    cure: 'remove the session',
    sources: [analyzer('Redundant principal in role trust policy')],
    ...trustOnly,
    find: eachStatement(redundant),
  },
];
