// Issuers that many organisations share: a trust policy that does not say whose tokens it takes is not saved.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
import type { CompiledPolicy, ConditionSource } from '../../../policy/index.ts';
import { malformedPolicy } from './failures.ts';

/** Issuer (without scheme) → the key that every statement must test. */
const controls: ReadonlyMap<string, string> = new Map(
  [
    ['cognito-identity.amazonaws.com', 'cognito-identity.amazonaws.com:aud'],
    ['sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d/', 'sts:RoleSessionName'],
    ...[
      'agent.buildkite.com',
      'oidc.codefresh.io',
      'studio.datachain.ai/api',
      'token.actions.githubusercontent.com',
      'oidc-configuration.audit-log.githubusercontent.com',
      'vstoken.actions.githubusercontent.com',
      'gitlab.com',
      'scalr.io',
      'tokens.cloud.shisho.dev',
      'app.terraform.io',
      'proidc.upbound.io',
    ].map((issuer) => [issuer, `${issuer}:sub`] as const),
    ...['api.pulumi.com/oidc', 'sandboxes.cloud', 'oidc.vercel.com'].map(
      (issuer) => [issuer, `${issuer}:aud`] as const,
    ),
  ].map(([issuer, key]) => [issuer, key.toLowerCase()] as const),
);

const action = 'sts:AssumeRoleWithWebIdentity';

/** @throws MalformedPolicyDocument for a statement that lets in whoever such an issuer vouches for */
export function checkSharedIssuers(trust: CompiledPolicy): void {
  for (const { allows, source, principal } of trust.statementsFor(action)) {
    if (!allows || principal === undefined) continue;
    const tested = new Set(source.conditions.filter(tests).map(({ key }) => key.toLowerCase()));
    for (const name of principal.matcher.source.Federated) {
      const key = controls.get(name.replace(/^arn:[\w-]+:iam::\d{12}:oidc-provider\//, ''));
      if (key === undefined || tested.has(key)) continue;
      throw malformedPolicy(
        `The trust policy must evaluate the condition key ${key} for the identity provider ${name}`,
      );
    }
  }
}

/** That a key is there, or has any value at all, says nothing of whose token it is. */
function tests({ operator, values }: ConditionSource): boolean {
  return operator !== 'Null' && values.every((value) => !/^[*?]*$/.test(value));
}
