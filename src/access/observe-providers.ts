// The identity providers of one account. Only accounts that want one, or may have one of ours, are asked.
import type { Account } from '../aws/index.ts';
import { principalsOf } from './documents.ts';
import { definitionTag, tagsOf } from './ownership.ts';
import type { Resource, SeenResource, WantedAccount } from './resources.ts';

type Iam = Account['iam'];

/**
 * Whether a role of ours trusts a provider of its own account: then the provider may be ours as well, and has to be
 * there for anybody to get in.
 */
function trustsProvider(role: Resource, account: string): boolean {
  return (
    role.kind === 'role' &&
    role.tags[definitionTag] !== undefined &&
    principalsOf(role.trust, 'Federated').some((it) => it.includes(`::${account}:`) && it.includes('-provider/'))
  );
}

/** Whether the account's providers bear on a plan. */
export function looksForProviders(wanted: WantedAccount, roles: readonly SeenResource[]): boolean {
  return (
    wanted.look?.includes('providers') === true ||
    [...wanted.resources, ...roles].some((role) => trustsProvider(role, wanted.id))
  );
}

async function readOidc(iam: Iam, arn: string): Promise<SeenResource> {
  const provider = await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn: arn });
  return {
    kind: 'oidc-provider',
    name: arn.slice(arn.indexOf('/') + 1),
    clientIds: provider.ClientIDList ?? [],
    thumbprints: (provider.ThumbprintList ?? []).map((it) => it.toLowerCase()),
    tags: tagsOf(provider.Tags),
    arn,
  };
}

async function readSaml(iam: Iam, arn: string): Promise<SeenResource> {
  const provider = await iam.getSAMLProvider({ SAMLProviderArn: arn });
  const name = arn.slice(arn.indexOf('/') + 1);
  const metadata = provider.SAMLMetadataDocument ?? '';
  return { kind: 'saml-provider', name, metadata, tags: tagsOf(provider.Tags), arn };
}

/** Every provider of the account: one call for each kind, and one for each provider. */
export async function readProviders(iam: Iam): Promise<SeenResource[]> {
  const [oidc, saml] = await Promise.all([iam.listOpenIDConnectProviders({}), iam.listSAMLProviders({})]);
  return Promise.all([
    ...(oidc.OpenIDConnectProviderList ?? []).map(({ Arn = '' }) => readOidc(iam, Arn)),
    ...(saml.SAMLProviderList ?? []).map(({ Arn = '' }) => readSaml(iam, Arn)),
  ]);
}
