// What is wrong, or worth knowing, about the access that a definition would make. Error findings block an apply.
import type { Place } from './place.ts';
import type { Path } from './problems.ts';
import type { AccountRef, Document, Resource, Statement, Texts, WantedAccount } from './resources.ts';
import { policyLimits, wildcardMatcher } from '../policy/index.ts';
import { documentSize } from './documents.ts';
import { mostTags } from './ownership.ts';
import { isProduction } from './selectors.ts';

export interface Finding {
  readonly severity: 'error' | 'warning' | 'info';
  /** Stable name of the rule. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Name of the account. */
  readonly account?: string | undefined;
  /** `role/test_role`. */
  readonly resource?: string | undefined;
  /** Where its cause stands in the definition, where code and resource do not tell. */
  readonly at?: Path | undefined;
  /** Where its cause stands in the definition's file, where that is known. */
  readonly place?: Place | undefined;
}

type Carrier = Extract<Resource, { readonly attached: readonly string[] }>;

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;

function matchesAction(pattern: string, action: string): boolean {
  return wildcardMatcher(pattern, { ignoreCase: true })(action);
}

function deniedWithoutMfa(statement: Statement, action: string): boolean {
  if (statement.Effect !== 'Deny') return false;
  const asksMfa = Object.values(statement.Condition ?? {}).some((keys) =>
    Object.keys(keys).some((key) => key.toLowerCase() === 'aws:multifactorauthpresent'),
  );
  if (!asksMfa) return false;
  return statement.NotAction === undefined
    ? list(statement.Action).some((pattern) => matchesAction(pattern, action))
    : !list(statement.NotAction).some((pattern) => matchesAction(pattern, action));
}

/** Two resources of one kind whose names AWS takes for one. */
function duplicateFindings(account: WantedAccount): Finding[] {
  const seen = new Map<string, Resource>();
  return account.resources.flatMap((resource): Finding[] => {
    const key = `${resource.kind}/${resource.name.toLowerCase()}`;
    const other = seen.get(key);
    seen.set(key, resource);
    if (other === undefined) return [];
    const names =
      other.name === resource.name
        ? `two are named \`${resource.name}\``
        : `\`${other.name}\` and \`${resource.name}\` are one name to AWS`;
    return [
      {
        severity: 'error',
        code: 'duplicate-name',
        account: account.name,
        resource: `${resource.kind}/${resource.name}`,
        message: `${names} in one account: the second ${resource.kind} cannot be created`,
        hint: 'give one of them another `name`',
      },
    ];
  });
}

/** Trust in a whole account with no condition leaves the decision to whoever administers that account. */
function bareTrustFindings(account: WantedAccount): Finding[] {
  return account.resources.flatMap((resource): Finding[] => {
    if (resource.kind !== 'role') return [];
    const bare = resource.trust.Statement.some(
      ({ Effect, Principal, Condition }) =>
        Effect === 'Allow' &&
        Condition === undefined &&
        (Principal === '*' ||
          list(Principal?.['AWS']).some((it) => /^(?:\*|\d{12}|arn:[^:]+:iam::\d{12}:root)$/.test(it))),
    );
    if (!bare) return [];
    return [
      {
        severity: isProduction(account.stage) ? 'error' : 'warning',
        code: 'bare-account-trust',
        account: account.name,
        resource: `role/${resource.name}`,
        message: 'trusts a whole account without any condition: whoever administers that account decides who gets in',
        hint: 'trust a group, demand MFA, set `organization`, or give an `externalId` to a third party',
      },
    ];
  });
}

function documentsOf(account: WantedAccount, carrier: Carrier, accountId: string): Document[] {
  const policies = account.resources.filter((it) => it.kind === 'policy');
  const attached = carrier.attached.flatMap((arn) => {
    const policy = policies.find((it) => arn.endsWith(`::${accountId}:policy${it.path}${it.name}`));
    return policy === undefined ? [] : [policy.document];
  });
  return [...attached, ...Object.values(carrier.inline)];
}

const mfaSetup = ['iam:CreateVirtualMFADevice', 'iam:EnableMFADevice'];

/** A person who is denied everything without MFA must still be able to set MFA up and change a forced password. */
function lockOutFindings(account: WantedAccount): Finding[] {
  const groups = account.resources.filter((it) => it.kind === 'group');
  return account.resources.flatMap((user): Finding[] => {
    if (user.kind !== 'user') return [];
    const carriers = [user, ...groups.filter(({ name }) => user.groups.includes(name))];
    const statements = carriers
      .flatMap((carrier) => documentsOf(account, carrier, account.id))
      .flatMap(({ Statement }) => Statement);
    const needed = account.console.includes(user.name) ? ['iam:ChangePassword', ...mfaSetup] : mfaSetup;
    const denied = needed.filter((action) => statements.some((statement) => deniedWithoutMfa(statement, action)));
    if (denied.length === 0) return [];
    const first = denied.includes('iam:ChangePassword')
      ? 'must change the password at the first sign-in, which is denied without MFA'
      : 'is denied everything without MFA, and setting up MFA as well';
    return [
      {
        severity: 'error',
        code: 'lock-out',
        account: account.name,
        resource: `user/${user.name}`,
        message: `${user.name} ${first}: nobody could get in`,
        hint: `add ${denied.map((action) => `\`${action}\``).join(', ')} to the \`NotAction\` of the denying statement`,
      },
    ];
  });
}

const inlineLimits = {
  role: policyLimits.roleInline,
  group: policyLimits.groupInline,
  user: policyLimits.userInline,
} as const;
// IAM quotas, "managed policies attached": 10 for each; roles and users can be raised to 20 and more.
const attachmentLimit = 10;

/** What is said of one resource, before it has its place. */
type Told = Pick<Finding, 'severity' | 'code' | 'message' | 'hint'>;

const tooLarge = (message: string, hint: string): Told => ({
  severity: 'error',
  code: 'policy-too-large',
  message,
  hint,
});

/** Policies with more characters than AWS takes. */
function sizesTold(resource: Resource): Told[] {
  if (resource.kind === 'policy') {
    const size = documentSize(resource.document);
    const { managedPolicy } = policyLimits;
    return size <= managedPolicy
      ? []
      : [tooLarge(`has ${size} characters; AWS takes ${managedPolicy}`, 'split the policy')];
  }
  if (!('inline' in resource)) return [];
  const trust = resource.kind === 'role' ? documentSize(resource.trust) : 0;
  const limit = inlineLimits[resource.kind];
  const size = Object.values(resource.inline).reduce((sum, document) => sum + documentSize(document), 0);
  const trustText = `its trust policy has ${trust} characters; AWS takes ${policyLimits.trustPolicy} unless raised`;
  const inlineText = `its own statements have ${size} characters; AWS takes ${limit} for a ${resource.kind}`;
  return [
    ...(trust > policyLimits.trustPolicy ? [tooLarge(trustText, 'trust fewer, or split the role')] : []),
    ...(size > limit ? [tooLarge(inlineText, 'move statements to `policies`')] : []),
  ];
}

function attachmentsTold(resource: Resource): Told[] {
  if (!('attached' in resource) || resource.attached.length <= attachmentLimit) return [];
  const severity = resource.kind === 'group' ? 'error' : 'warning';
  const message = `has ${resource.attached.length} managed policies; AWS takes ${attachmentLimit} unless raised`;
  return [{ severity, code: 'too-many-policies', message, hint: 'join policies, or ask AWS for more' }];
}

function tagsTold(resource: Resource): Told[] {
  const keys = 'tags' in resource ? Object.keys(resource.tags) : [];
  if (keys.length <= mostTags) return [];
  const marks = keys.filter((key) => key.startsWith('stint:')).length;
  const message = `has ${keys.length} tags, ${marks} of them the marks by which Stint knows its own; AWS takes ${mostTags}`;
  return [
    { severity: 'error', code: 'too-many-tags', message, hint: `take ${keys.length - mostTags} out of \`tags\`` },
  ];
}

function quotaFindings(account: WantedAccount): Finding[] {
  return account.resources.flatMap((resource) =>
    [...sizesTold(resource), ...attachmentsTold(resource), ...tagsTold(resource)].map((told): Finding => ({
      ...told,
      account: account.name,
      resource: `${resource.kind}/${resource.name}`,
    })),
  );
}

/** Findings about the wanted state of every account. */
export function accessFindings(accounts: readonly WantedAccount[]): Finding[] {
  return accounts.flatMap((account) => [
    ...duplicateFindings(account),
    ...bareTrustFindings(account),
    ...lockOutFindings(account),
    ...quotaFindings(account),
  ]);
}

/** The same findings with the place put in. */
export function placed(findings: readonly Finding[], account: AccountRef, resource: string): Finding[] {
  return findings.map((finding) => ({ ...finding, account: account.name, resource }));
}
