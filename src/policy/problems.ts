// What can be wrong with a policy document, in our words and in AWS's. The AWS texts are wire wording:
// clients and people search for them, so they are exact and depend on the kind of document.

/** What a document is used as. A permissions boundary is an `identity` document. */
export type DocumentKind = 'identity' | 'trust' | 'resource' | 'scp' | 'rcp' | 'session';

export interface PolicyProblem {
  readonly rule: PolicyRule;
  /** Lower-case sentence for people, input in backticks. */
  readonly message: string;
  /** The next thing to do. */
  readonly hint: string;
  /** The text AWS answers with for this problem. */
  readonly awsMessage: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** `$.Statement[0].Action[1]`. */
  readonly path: string;
}

interface Wording {
  /** AWS checks in stages; problems of an earlier stage are named first. */
  readonly stage: number;
  readonly hint: string;
  /** Where IAM and STS say nothing more exact than "Syntax errors in policy." it is left out. */
  readonly iam?: string;
  readonly trust?: string;
  readonly resource?: string;
}

const rules = {
  size: { stage: 0, hint: 'shorten the document; AWS reads far less' },
  json: {
    stage: 0,
    hint: 'write JSON as RFC 8259 has it: double quotes, no comments, no trailing comma',
    trust: 'This policy contains invalid Json',
    resource: "Policies must be valid JSON and the first byte must be '{'",
  },
  characters: { stage: 0, hint: 'use tab, line feed, carriage return and U+0020 to U+00FF only' },
  structure: { stage: 1, hint: 'write the element as the IAM policy grammar has it' },
  'unknown-element': { stage: 1, hint: 'remove it, or correct its spelling: names are written with case' },
  'duplicate-element': { stage: 1, hint: 'keep one of them; several values go into one list' },
  version: {
    stage: 1,
    hint: 'write `"Version": "2012-10-17"`',
    trust: 'The policy must contain a valid version string',
  },
  'old-version': {
    stage: 2,
    hint: 'write `"Version": "2012-10-17"`: managed policies take no other',
    iam: 'Policy document must be version 2012-10-17 or greater.',
  },
  statement: {
    stage: 1,
    hint: 'give at least one statement',
    trust: 'Could not parse the policy: Statement is empty!',
    resource: 'Could not parse the policy: Statement is empty!',
  },
  sid: {
    stage: 4,
    hint: 'use only A-Z, a-z and 0-9 in `Sid`',
    iam: 'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
  },
  effect: { stage: 1, hint: 'write `"Effect": "Allow"` or `"Effect": "Deny"`' },
  'effect-case': {
    stage: 3,
    hint: 'write `"Effect": "Allow"` or `"Effect": "Deny"`',
    iam: 'The policy failed legacy parsing',
  },
  'effect-missing': {
    stage: 1,
    hint: 'write `"Effect": "Allow"` or `"Effect": "Deny"`',
    trust: 'Missing required field Effect',
    resource: 'Missing required field Effect',
  },
  both: { stage: 1, hint: 'keep one of the two' },
  'principal-forbidden': {
    stage: 1,
    hint: 'remove it: who asks is whoever the policy is attached to',
    iam: 'Policy document should not specify a principal.',
  },
  'principal-missing': {
    stage: 1,
    hint: 'say who is meant, as in `"Principal": {"AWS": "111111111111"}`',
    trust: 'Missing required field Principal',
    resource: 'Missing required field Principal',
  },
  'principal-empty': {
    stage: 1,
    hint: 'say who is meant, as in `"Principal": {"AWS": "111111111111"}`',
    trust: 'Missing required field Principal cannot be empty!',
    resource: 'Missing required field Principal cannot be empty!',
  },
  principal: {
    stage: 1,
    hint: 'name an account id, a full ARN without wildcards, a service host or a provider, or `*` for everyone',
    resource: 'Invalid principal in policy',
  },
  'allow-not-principal': {
    stage: 1,
    hint: 'list who is allowed in `Principal`',
    trust: 'Allow with NotPrincipal is not allowed.',
    resource: 'Allow with NotPrincipal is not allowed.',
  },
  'not-principal': {
    stage: 1,
    hint: 'use `Principal` and exclude with a condition on `aws:PrincipalArn`',
    trust: 'AssumeRole policy must not contain NotPrincipal field.',
  },
  operator: { stage: 1, hint: 'use an operator of the IAM user guide, written with case, as `StringEquals`' },
  date: {
    stage: 3,
    hint: 'write an ISO 8601 date such as `2026-01-01T00:00:00Z`, or epoch seconds',
    iam: 'The policy failed legacy parsing',
  },
  'sid-unique': {
    stage: 4,
    hint: 'give each statement its own `Sid`, or none',
    iam: 'Statement IDs (SID) in a single policy must be unique.',
    trust: 'The Statement Ids in the policy are not unique',
    resource: 'The Statement Ids in the policy are not unique',
  },
  'action-missing': {
    stage: 5,
    hint: 'name at least one action in `Action` or `NotAction`',
    iam: 'Policy statement must contain actions.',
    trust: 'Missing required field Action',
    resource: 'Missing required field Action',
  },
  'resource-missing': {
    stage: 9,
    hint: 'name at least one resource in `Resource` or `NotResource`, or `*`',
    iam: 'Policy statement must contain resources.',
    resource: 'Missing required field Resource',
  },
  'resource-forbidden': {
    stage: 6,
    hint: 'remove it: a trust policy speaks of its own role only',
    trust: 'Has prohibited field Resource',
  },
  'not-resource-forbidden': {
    stage: 6,
    hint: 'remove it: a trust policy speaks of its own role only',
    trust: 'AssumeRole policy must not contain resources.',
  },
  'resource-legacy': {
    stage: 3,
    hint: 'write `*` or a full ARN',
    iam: 'The policy failed legacy parsing',
    resource: 'Policy has invalid resource',
  },
  resource: { stage: 7, hint: 'write `*` or a full ARN', resource: 'Policy has invalid resource' },
  action: { stage: 8, hint: 'write `service:Operation`, as in `s3:GetObject`; `*` and `?` may stand in the operation' },
  'trust-action': {
    stage: 8,
    hint: 'name `sts:AssumeRole`, `sts:AssumeRoleWithSAML`, `sts:AssumeRoleWithWebIdentity`, `sts:TagSession` or another `sts:` action',
    trust: 'AssumeRole policy may only specify STS AssumeRole actions.',
  },
  organization: {
    stage: 8,
    hint: 'write what this policy type allows (Organizations user guide, "SCP syntax" and "RCP syntax")',
  },
} as const satisfies Readonly<Record<string, Wording>>;

export type PolicyRule = keyof typeof rules;

export function stageOf(rule: PolicyRule): number {
  return rules[rule].stage;
}

export function hintOf(rule: PolicyRule): string {
  return rules[rule].hint;
}

/** AWS's text for a broken rule in a document of this kind. */
export function awsMessageOf(rule: PolicyRule, kind: DocumentKind): string {
  const wording: Wording = rules[rule];
  switch (kind) {
    case 'scp':
    case 'rcp':
      return 'The provided policy document does not meet the requirements of the specified policy type.';
    case 'trust':
      return wording.trust ?? 'Syntax error in policy.';
    case 'resource':
      return wording.resource ?? 'Policy has invalid syntax.';
    default:
      return wording.iam ?? 'Syntax errors in policy.';
  }
}
