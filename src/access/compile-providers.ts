// Identity providers of one account, and who in the account asks for them. Pure.
import type { CompileScope } from './compile-identities.ts';
import { hasEnded } from './expiry.ts';
import type { Definition } from './model.ts';
import { handling, ownershipTags } from './ownership.ts';
import type { Resource } from './resources.ts';
import { countsIn, selectAccounts } from './selectors.ts';
import { issuerName } from './trust-workloads.ts';
import { githubIssuer } from './trust-workloads.ts';
import { accountsOfRole, providerIn, roleIn, usualAudiences } from './variation.ts';

type Provider = NonNullable<Definition['providers']>[string];

/** Whether a trust means the provider: by its name here, or by its issuer. */
function means(key: string, provider: Provider, text: string): boolean {
  return text === key || (provider.issuer !== undefined && issuerName(text) === issuerName(provider.issuer));
}

/** Whether a role of the account trusts the provider. */
function isTrusted(definition: Definition, key: string, provider: Provider, account: string): boolean {
  return Object.values(definition.roles ?? {}).some(
    (role) =>
      accountsOfRole(definition, role).includes(account) &&
      roleIn(definition, role, account).trust.some((entry) => {
        if (!countsIn(entry, account)) return false;
        const texts = [
          entry.oidc === undefined ? undefined : (entry.oidc.provider ?? githubIssuer),
          entry.serviceAccount?.issuer,
          entry.saml?.provider,
        ];
        return texts.some((text) => text !== undefined && means(key, provider, text));
      }),
  );
}

/** Names of the accounts in which a provider is made. */
export function accountsOfProvider(definition: Definition, key: string, provider: Provider): string[] {
  const accounts =
    provider.in === undefined
      ? Object.keys(definition.accounts).filter((account) => isTrusted(definition, key, provider, account))
      : selectAccounts(definition, provider.in);
  return accounts.filter((account) => countsIn(provider, account));
}

function compileProvider(scope: CompileScope, key: string, entry: Provider): Resource {
  const provider = providerIn(scope.definition, entry, scope.account.name);
  const tags = ownershipTags(scope.name, `provider/${key}`, provider);
  if (provider.issuer === undefined) {
    const name = provider.name ?? key;
    return { kind: 'saml-provider', name, metadata: provider.saml!, tags, ...handling(provider) };
  }
  return {
    kind: 'oidc-provider',
    name: issuerName(provider.issuer),
    clientIds: provider.audiences ?? usualAudiences,
    thumbprints: (provider.thumbprints ?? []).map((it) => it.toLowerCase()),
    tags,
    ...handling(provider),
  };
}

/** The providers that an account shall have. */
export function compileProviders(scope: CompileScope): Resource[] {
  return Object.entries(scope.definition.providers ?? {})
    .filter(([, provider]) => !hasEnded(provider, scope.now))
    .filter(([key, provider]) => accountsOfProvider(scope.definition, key, provider).includes(scope.account.name))
    .map(([key, provider]) => compileProvider(scope, key, provider));
}
