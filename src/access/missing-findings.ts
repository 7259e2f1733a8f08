// What wanted things lean on and nobody makes: policies that an account has not, and identity providers. AWS refuses the
// first in the middle of an apply, and takes the second without a word though no token is ever believed.
import { accountOfArn } from './arns.ts';
import { principalsOf } from './documents.ts';
import type { Finding } from './findings.ts';
import type { AccountRef, Resource, SeenAccount, WantedAccount } from './resources.ts';

type Carrier = Extract<Resource, { readonly attached: readonly string[] }>;

/** Of AWS's own policies there is no list to hold a name against: an account id in the ARN tells those of customers. */
const isCustomerPolicy = (arn: string): boolean => accountOfArn(arn) !== undefined;

/** The ARNs of everything of some kinds that is wanted in an account or there already. */
function presentArns(
  kinds: ReadonlySet<Resource['kind']>,
  account: WantedAccount,
  seen: SeenAccount,
  arnOf: (resource: Resource) => string,
): ReadonlySet<string> {
  const there = seen.resources.flatMap((it) => (kinds.has(it.kind) && it.arn !== undefined ? [it.arn] : []));
  const wanted = account.resources.flatMap((it) => (kinds.has(it.kind) ? [arnOf(it)] : []));
  return new Set([...there, ...wanted]);
}

function absence(arn: string, account: AccountRef, present: ReadonlySet<string>): string | undefined {
  if (!isCustomerPolicy(arn)) return undefined;
  const owner = accountOfArn(arn);
  if (owner !== account.id) return `is of account \`${owner}\`, and AWS takes policies of the same account only`;
  return present.has(arn) ? undefined : 'is not there, and this definition does not make it';
}

function policyFindings(account: WantedAccount, carrier: Carrier, present: ReadonlySet<string>): Finding[] {
  const place = { account: account.name, resource: `${carrier.kind}/${carrier.name}` };
  const hint = 'make it with `policies`, correct the ARN, or take it out';
  const attached = carrier.attached.flatMap((arn): Finding[] => {
    const why = absence(arn, account, present);
    const message = `policy \`${arn}\` ${why}`;
    return why === undefined ? [] : [{ severity: 'error', code: 'policy-missing', ...place, message, hint }];
  });
  const boundary = 'boundary' in carrier ? carrier.boundary : undefined;
  const why = boundary === undefined ? undefined : absence(boundary, account, present);
  if (why === undefined) return attached;
  const message = `its boundary \`${boundary}\` ${why}`;
  return [...attached, { severity: 'error', code: 'boundary-not-there', ...place, message, hint }];
}

function providerFindings(account: WantedAccount, carrier: Carrier, present: ReadonlySet<string>): Finding[] {
  if (carrier.kind !== 'role') return [];
  return principalsOf(carrier.trust, 'Federated').flatMap((arn): Finding[] => {
    const [, kind, name] = /^arn:[^:]+:iam::\d{12}:(oidc|saml)-provider\/(.+)$/.exec(arn) ?? [];
    if (name === undefined || accountOfArn(arn) !== account.id || present.has(arn)) return [];
    const entry = kind === 'oidc' ? `{ issuer: 'https://${name}' }` : '{ saml: … }';
    return [
      {
        severity: 'warning',
        code: 'provider-missing',
        account: account.name,
        resource: `role/${carrier.name}`,
        message: `trusts the ${kind === 'oidc' ? 'OIDC' : 'SAML'} provider \`${name}\`, which the account has not: nobody gets in by it`,
        hint: `add it to \`providers\`: \`${entry}\``,
      },
    ];
  });
}

/**
 * Tells of policies and identity providers that a wanted thing of the account names and that neither AWS nor the
 * definition has.
 */
export function missingJudge(
  account: WantedAccount,
  seen: SeenAccount,
  arnOf: (resource: Resource) => string,
): (want: Resource) => Finding[] {
  const policies = presentArns(new Set(['policy']), account, seen, arnOf);
  // Providers are read only where something may hang on them.
  const providers =
    seen.providersRead === true
      ? presentArns(new Set(['oidc-provider', 'saml-provider']), account, seen, arnOf)
      : undefined;
  return (want) => {
    if (!('attached' in want)) return [];
    const found = policyFindings(account, want, policies);
    return providers === undefined ? found : [...found, ...providerFindings(account, want, providers)];
  };
}
