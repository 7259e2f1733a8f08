// What is wrong, or worth knowing, about the access that a definition would make. Error findings block an apply.
import type { Place } from './place.ts';
import type { AccountRef, Document, Resource, Statement, Texts, WantedAccount } from './resources.ts';
import { policyLimits, wildcardMatcher } from '../policy/index.ts';
import { documentSize } from './documents.ts';
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

function quotaFindings(account: WantedAccount): Finding[] {
  const finding = (
    resource: Resource,
    code: string,
    message: string,
    hint: string,
    severity: Finding['severity'] = 'error',
  ): Finding => ({
    severity,
    code,
    account: account.name,
    resource: `${resource.kind}/${resource.name}`,
    message,
    hint,
  });
  return account.resources.flatMap((resource): Finding[] => {
    if (resource.kind === 'policy') {
      const size = documentSize(resource.document);
      if (size <= policyLimits.managedPolicy) return [];
      return [
        finding(
          resource,
          'policy-too-large',
          `has ${size} characters; AWS takes ${policyLimits.managedPolicy}`,
          'split the policy',
        ),
      ];
    }
    if (!('inline' in resource)) return [];
    const found: Finding[] = [];
    if (resource.kind === 'role' && documentSize(resource.trust) > policyLimits.trustPolicy) {
      const message = `its trust policy has ${documentSize(resource.trust)} characters; AWS takes ${policyLimits.trustPolicy} unless raised`;
      found.push(finding(resource, 'policy-too-large', message, 'trust fewer, or split the role'));
    }
    const limit = inlineLimits[resource.kind];
    const size = Object.values(resource.inline).reduce((sum, document) => sum + documentSize(document), 0);
    if (size > limit) {
      const message = `its own statements have ${size} characters; AWS takes ${limit} for a ${resource.kind}`;
      found.push(finding(resource, 'policy-too-large', message, 'move statements to `policies`'));
    }
    if (resource.attached.length > attachmentLimit) {
      const message = `has ${resource.attached.length} managed policies; AWS takes ${attachmentLimit} unless raised`;
      const severity = resource.kind === 'group' ? 'error' : 'warning';
      found.push(finding(resource, 'too-many-policies', message, 'join policies, or ask AWS for more', severity));
    }
    return found;
  });
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
