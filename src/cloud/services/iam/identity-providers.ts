// What is kept of identity providers, and how others of this room and STS find them.
import type { Millis, Secret } from '../../../base/index.ts';
import { tableName } from '../../world.ts';
import type { Place } from './entities.ts';
import type { Tag } from './model.ts';

export interface OidcProvider {
  readonly arn: string;
  /** As `iss` of its tokens has it, with the scheme; answers and ARNs leave the scheme out. */
  readonly issuer: string;
  readonly clientIds: readonly string[];
  readonly thumbprints: readonly string[];
  readonly createdAt: Millis;
  readonly tags: readonly Tag[];
}

/** What STS and the answers need of a metadata document. */
export interface SamlMetadata {
  readonly entityId: string;
  /** Certificates that sign, as base64 of their DER. */
  readonly certificates: readonly string[];
  readonly validUntil?: Millis | undefined;
}

/** A key with which encrypted assertions could be read. */
export interface SamlPrivateKey {
  readonly id: string;
  readonly pem: Secret;
  readonly createdAt: Millis;
}

export interface SamlProvider extends SamlMetadata {
  readonly arn: string;
  readonly name: string;
  /** `SAMLSP…`. */
  readonly id: string;
  readonly document: string;
  readonly createdAt: Millis;
  readonly tags: readonly Tag[];
  readonly encryption?: 'Required' | 'Allowed' | undefined;
  readonly privateKeys: readonly SamlPrivateKey[];
}

/** Id: the URL without its scheme. */
export const oidcProviders = tableName<OidcProvider>('iam.oidc-provider');
/** Id: the name in lower case. */
export const samlProviders = tableName<SamlProvider>('iam.saml-provider');

export function withoutScheme(url: string): string {
  return url.replace(/^https?:\/\//, '');
}

/** The provider of the account whose tokens name this issuer; one slash at the end makes no difference. */
export function oidcProviderOf(place: Place, issuer: string): OidcProvider | undefined {
  const id = withoutScheme(issuer);
  const table = place.world.table(oidcProviders);
  const other = id.endsWith('/') ? id.slice(0, -1) : `${id}/`;
  const provider = table.get(place.account, id) ?? table.get(place.account, other);
  const scheme = (url: string): boolean => url.startsWith('http://');
  return provider !== undefined && scheme(provider.issuer) === scheme(issuer) ? provider : undefined;
}

/** The provider with exactly this ARN, in whichever account it names. */
export function samlProviderOf(place: Pick<Place, 'world'>, arn: string): SamlProvider | undefined {
  const [, account, name] = /^arn:[\w-]+:iam::(\d{12}):saml-provider\/([\w.-]+)$/.exec(arn) ?? [];
  if (account === undefined || name === undefined) return undefined;
  const provider = place.world.table(samlProviders).get(account, name.toLowerCase());
  return provider?.arn === arn ? provider : undefined;
}
