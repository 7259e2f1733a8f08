// Claims of a token as condition keys of a trust policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
import type { ConditionKeys } from '../iam/tags.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Claims of every issuer. `aud` and `oaud` have rules of their own. */
const common = ['sub', 'amr', 'azp', 'email'] as const;

const github = [
  'actor',
  'actor_id',
  'enterprise_id',
  'environment',
  'job_workflow_ref',
  'ref',
  'repository',
  'repository_id',
  'repository_owner_id',
  'workflow',
];
const gitlab = [
  'namespace_id',
  'pipeline_source',
  'project_id',
  'ref_protected',
  'runner_environment',
  'user_access_level',
  'user_email',
  'user_id',
  'user_login',
];
const buildkite = [
  'build_branch',
  'cluster_id',
  'cluster_name',
  'organization_id',
  'organization_slug',
  'pipeline_id',
  'pipeline_slug',
];

/** Issuers (without scheme) whose own claims AWS hands on. Every other claim of every other issuer is not. */
const special: readonly (readonly [issuer: RegExp, claims: readonly string[]])[] = [
  [/^token\.actions\.githubusercontent\.com(?:\/.+)?$/, github],
  [/^token\.actions\.[^/.]+\.ghe\.com$/, github],
  [/^github\.com\/enterprises\/.+$/, github],
  [/^gitlab\.com$/, gitlab],
  [/^agent\.(?:buildkite\.com|[^/.]+\.buildkite\.(?:dev|site))$/, buildkite],
  [/^accounts\.google\.com$/, ['google/organization_number']],
  [/^oidc\.circleci\.com\/org\/.+$/, ['oidc.circleci.com/project-id']],
  [/^idcs-[^/.]+\.identity\.oraclecloud\.com$/, ['rpst_id']],
];

/** Keys `ISSUER:claim`. `audience` is what the token was accepted for. */
export function claimKeys(issuer: string, claims: Claims, audience: string): ConditionKeys {
  const own = special.filter(([form]) => form.test(issuer)).flatMap(([, names]) => names);
  return {
    ...Object.fromEntries([...common, ...own].map((name) => [`${issuer}:${name}`, valueOf(claims, name)])),
    [`${issuer}:aud`]: audience,
    [`${issuer}:oaud`]: text(claims['aud']),
  };
}

/** The claim `google.organization_number` is the key `google/organization_number`. */
function valueOf(claims: Claims, name: string): string | readonly string[] | undefined {
  if (name !== 'google/organization_number') return text(claims[name]);
  const { google } = claims as { readonly google?: Claims };
  return text(google?.['organization_number']);
}

function text(value: unknown): string | readonly string[] | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return undefined;
  return value.map(text).filter((item) => typeof item === 'string');
}
