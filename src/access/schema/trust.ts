// Who may become a role.
import { z } from 'zod';
import { demand, limit, narrowing, safeguard, texts, who } from './parts.ts';

/** `ORG/REPO`, or `ORG@ID/REPO@ID`. */
const repository = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]*(?:@\d+)?\/[\w.-]+(?:@\d+)?$/,
    'a repository is `ORG/REPO` or `ORG@ORG_ID/REPO@REPO_ID`, without wildcards',
  );

const oidcTrust = z
  .strictObject({
    provider: z
      .string()
      .optional()
      .describe(
        'An OIDC provider of `providers` by name, or the address of an issuer whose provider the account has already. GitHub Actions if absent.',
      ),
    repository: z
      .union([repository, z.array(repository).min(1)], {
        error: 'a repository is `ORG/REPO` or `ORG@ORG_ID/REPO@REPO_ID`, without wildcards',
      })
      .optional()
      .describe(
        'GitHub Actions: `ORG/REPO`, or `ORG@ORG_ID/REPO@REPO_ID`, which outlives no deletion and passes to nobody who takes the name later. Give both while GitHub moves a repository to ids.',
      ),
    environment: texts.optional().describe('GitHub Actions: jobs of this environment.'),
    branch: texts.optional().describe('GitHub Actions: runs on this branch; `*` stands for any letters.'),
    tag: texts.optional().describe('GitHub Actions: runs on this tag; `*` stands for any letters: `v*`.'),
    pullRequest: z.literal(true).optional().describe('GitHub Actions: runs for pull requests.'),
    subject: texts
      .optional()
      .describe('Other issuers: the `sub` of the token. `*` stands for any letters, but not at its beginning.'),
    audience: texts.optional().describe('The `aud` of the token; `sts.amazonaws.com` if absent.'),
  })
  .refine((it) => (it.repository === undefined) !== (it.subject === undefined), {
    error: 'needs `repository` (GitHub Actions) or `subject` (other issuers), not both',
  })
  .refine(
    (it) => it.subject === undefined || (it.environment ?? it.branch ?? it.tag ?? it.pullRequest) === undefined,
    '`environment`, `branch`, `tag` and `pullRequest` are of GitHub Actions: give `repository`, or write the whole `subject`',
  )
  .refine((it) => [it.subject ?? []].flat().every((text) => !/^[*?]/.test(text)), {
    path: ['subject'],
    error: 'a subject that begins with a wildcard lets strangers in',
  })
  .describe('A workload that shows a token of an OIDC issuer, such as a job of GitHub Actions.');

const podTrust = z
  .strictObject({
    cluster: z.string().describe('ARN of the EKS cluster: `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`.'),
    namespace: z.string().min(1),
    serviceAccount: z.string().min(1),
  })
  .describe('Pods of an EKS cluster, by EKS Pod Identity.');

const serviceAccountTrust = z
  .strictObject({
    issuer: z
      .string()
      .describe(
        "The cluster's OIDC issuer, `oidc.eks.REGION.amazonaws.com/id/ID`, or the name of its entry in `providers`.",
      ),
    namespace: z.string().min(1),
    name: z.string().min(1),
    audience: z.string().optional().describe('`sts.amazonaws.com` if absent.'),
  })
  .describe('A Kubernetes service account, by its OIDC token (IRSA).');

const certificateTrust = z
  .strictObject({
    anchor: z.string().describe('ARN of the trust anchor: `arn:aws:rolesanywhere:REGION:ACCOUNT:trust-anchor/ID`.'),
    commonName: texts.describe('The CN of the certificate; `*` stands for any letters.'),
  })
  .describe('A machine with an X.509 certificate, by IAM Roles Anywhere.');

const samlTrust = z
  .strictObject({
    provider: z.string().describe('A SAML provider of `providers` by name, or the ARN of one that exists.'),
    audience: texts.optional().describe('`https://signin.aws.amazon.com/saml` if absent.'),
  })
  .describe('People who sign in through a SAML provider.');

const statementTrust = z
  .looseObject({ Effect: z.enum(['Allow', 'Deny']), Action: texts.optional(), NotAction: texts.optional() })
  .describe('A statement as IAM writes it, for what no other entry says. No default is put into it.');

export const trustKinds = [
  'group',
  'person',
  'role',
  'service',
  'account',
  'oidc',
  'pod',
  'serviceAccount',
  'certificate',
  'saml',
  'statement',
] as const;

export const trustSchema = z
  .strictObject({
    group: z.string().optional().describe('A group of this definition.'),
    person: z.string().optional().describe('A person of this definition.'),
    role: z.string().optional().describe('A role of this definition: `NAME` in the same account, or `ACCOUNT/NAME`.'),
    service: z.string().optional().describe('An AWS service, such as `ec2.amazonaws.com`.'),
    account: z.string().optional().describe('A whole account: a name of this definition, or 12 digits.'),
    oidc: oidcTrust.optional(),
    pod: podTrust.optional(),
    serviceAccount: serviceAccountTrust.optional(),
    certificate: certificateTrust.optional(),
    saml: samlTrust.optional(),
    statement: statementTrust.optional(),
    mfa: safeguard(
      'Whether the person must have signed in with MFA. On unless `defaults.mfa` says otherwise.',
    ).optional(),
    mfaMaxAge: limit(
      'How long ago the MFA sign-in may be. 1h in production and 8h elsewhere, unless `defaults.mfaMaxAge` says otherwise.',
    ).optional(),
    sourceIdentity: demand
      .optional()
      .describe(
        'The name that CloudTrail shows along a whole chain of roles. `true` (as `defaults.sourceIdentity`): may be given, and must then be the own user name. `required`: must be given, which the console and profiles of the AWS CLI cannot.',
      ),
    externalId: z.string().min(2).max(1224).optional().describe('For third parties: the agreed `sts:ExternalId`.'),
    ...narrowing,
    ...who,
  })
  .refine((it) => trustKinds.filter((kind) => it[kind] !== undefined).length === 1, {
    error: `needs exactly one of ${trustKinds.map((kind) => `\`${kind}\``).join(', ')}`,
  })
  .describe('Who may become the role.');
