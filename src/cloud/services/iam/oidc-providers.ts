// OpenID Connect identity providers of an account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call, type Permission } from '../../call.ts';
import { isLoopback } from '../../http.ts';
import { permissionOnAll } from './entities.ts';
import { alreadyExists, invalidInput, noSuchEntity, quotaExceeded, validationError } from './failures.ts';
import { oidcProviders, withoutScheme, type OidcProvider } from './identity-providers.ts';
import type { Parsed } from './shapes.ts';
import type { Taggable } from './tagging.ts';
import { checkTags, mergeTags, requestTagKeys, resourceTagKeys, type ConditionKeys } from './tags.ts';

function oidcArn(call: Call, url: string): string {
  return `arn:${call.partition}:iam::${call.account}:oidc-provider/${withoutScheme(url)}`;
}

/** The row id in the ARN; undefined for an ARN that is none of this account's providers. */
function idOf(call: Call, arn: string): string | undefined {
  const start = oidcArn(call, '');
  return arn.startsWith(start) ? arn.slice(start.length) : undefined;
}

function find(call: Call, arn: string): OidcProvider | undefined {
  const id = idOf(call, arn);
  return id === undefined ? undefined : call.world.table(oidcProviders).get(call.account, id);
}

/** @throws NoSuchEntity, InvalidInput when it is no ARN of a provider */
function need(call: Call, arn: string): OidcProvider {
  if (!/^arn:[\w-]+:iam::\d{12}:oidc-provider\/./.test(arn)) throw invalidInput(`Invalid ARN: ${arn}`);
  const provider = find(call, arn);
  if (provider === undefined) throw noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`);
  return provider;
}

function save(call: Call, provider: OidcProvider): void {
  call.world.table(oidcProviders).put(call.account, withoutScheme(provider.issuer), provider);
}

function permissionOn(call: Call, action: string, arn: string, context: ConditionKeys = {}): Permission {
  return {
    action: `iam:${action}`,
    resource: arn,
    context: { ...resourceTagKeys(find(call, arn)?.tags ?? []), ...context },
  };
}

export const taggableOidcProvider: Taggable<OidcProvider> = {
  label: 'OpenIDConnectProvider',
  nameKey: 'OpenIDConnectProviderArn',
  tagCase: 'exact',
  permission: permissionOn,
  need,
  save,
};

/** @throws ValidationError */
function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSecure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  const isBare = url?.username === '' && url.password === '' && !/[?#\s]/.test(text);
  if (!isSecure || !isBare || !/^https?:\/\/[^/]/.test(text))
    throw validationError('Invalid Open ID Connect Provider URL');
}

/** @throws InvalidInput */
function checkThumbprints(call: Call, given: readonly string[]): readonly string[] {
  const limit = call.world.quotas.ThumbprintsPerOpenIdConnectProvider;
  if (given.length > limit) throw invalidInput(`Thumbprint list must contain fewer than ${limit} entries.`);
  const wrong = given.find((thumbprint) => !/^[0-9a-z]{40}$/i.test(thumbprint));
  if (wrong !== undefined) throw invalidInput(`Invalid thumbprint: ${wrong}`);
  return given;
}

/** Each once. @throws LimitExceeded */
function checkClientIds(call: Call, given: readonly string[]): readonly string[] {
  const limit = call.world.quotas.ClientIdsPerOpenIdConnectProvider;
  const unique = [...new Set(given)];
  if (unique.length > limit) throw quotaExceeded('ClientIdsPerOpenIdConnectProvider', limit);
  return unique;
}

const createOidcProvider = operation<
  Parsed<Sdk.CreateOpenIDConnectProviderRequest>,
  Sdk.CreateOpenIDConnectProviderResponse
>({
  depth:
    'No thumbprint is fetched when none is given. `http://` is taken for hosts of this machine, which AWS refuses.',
  permissions: (input, call) => {
    const tags = requestTagKeys(input.Tags);
    const on = (action: string) => permissionOn(call, action, oidcArn(call, input.Url), tags);
    return [on('CreateOpenIDConnectProvider'), ...(input.Tags?.length ? [on('TagOpenIDConnectProvider')] : [])];
  },
  handle: (input, call) => {
    checkUrl(input.Url);
    const thumbprints = checkThumbprints(call, input.ThumbprintList ?? []);
    const clientIds = checkClientIds(call, input.ClientIDList ?? []);
    const tags = mergeTags(call.world, [], checkTags(input.Tags, 'exact'), 'exact');
    const arn = oidcArn(call, input.Url);
    if (find(call, arn) !== undefined) throw alreadyExists(`Provider with url ${input.Url} already exists.`);
    const limit = call.world.quotas.OpenIdConnectProvidersPerAccount;
    if (call.world.table(oidcProviders).count(call.account) >= limit) {
      throw quotaExceeded('OpenIdConnectProvidersPerAccount', limit);
    }
    save(call, { arn, issuer: input.Url, clientIds, thumbprints, createdAt: call.clock.now(), tags });
    return { OpenIDConnectProviderArn: arn, ...(tags.length === 0 ? {} : { Tags: [...tags] }) };
  },
});

const getOidcProvider = operation<Parsed<Sdk.GetOpenIDConnectProviderRequest>, Sdk.GetOpenIDConnectProviderResponse>({
  permissions: (input, call) => [permissionOn(call, 'GetOpenIDConnectProvider', input.OpenIDConnectProviderArn)],
  handle: (input, call) => {
    const provider = need(call, input.OpenIDConnectProviderArn);
    return {
      Url: withoutScheme(provider.issuer),
      ClientIDList: [...provider.clientIds],
      ThumbprintList: [...provider.thumbprints],
      CreateDate: new Date(provider.createdAt),
      ...(provider.tags.length === 0 ? {} : { Tags: [...provider.tags] }),
    };
  },
});

const listOidcProviders = operation<object, Sdk.ListOpenIDConnectProvidersResponse>({
  permissions: () => [permissionOnAll('ListOpenIDConnectProviders')],
  handle: (_input, call) => ({
    OpenIDConnectProviderList: [...call.world.table(oidcProviders).list(call.account)].map(([, { arn }]) => ({
      Arn: arn,
    })),
  }),
});

const deleteOidcProvider = operation<Parsed<Sdk.DeleteOpenIDConnectProviderRequest>, void>({
  permissions: (input, call) => [permissionOn(call, 'DeleteOpenIDConnectProvider', input.OpenIDConnectProviderArn)],
  // Deleting one that is not there is no failure: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html
  handle: (input, call) => {
    const id = idOf(call, input.OpenIDConnectProviderArn);
    if (id !== undefined) call.world.table(oidcProviders).delete(call.account, id);
  },
});

const updateThumbprint = operation<Parsed<Sdk.UpdateOpenIDConnectProviderThumbprintRequest>, void>({
  permissions: (input, call) => [
    permissionOn(call, 'UpdateOpenIDConnectProviderThumbprint', input.OpenIDConnectProviderArn),
  ],
  handle: (input, call) => {
    const provider = need(call, input.OpenIDConnectProviderArn);
    save(call, { ...provider, thumbprints: checkThumbprints(call, input.ThumbprintList) });
  },
});

const addClientId = operation<Parsed<Sdk.AddClientIDToOpenIDConnectProviderRequest>, void>({
  permissions: (input, call) => [
    permissionOn(call, 'AddClientIDToOpenIDConnectProvider', input.OpenIDConnectProviderArn),
  ],
  handle: (input, call) => {
    const provider = need(call, input.OpenIDConnectProviderArn);
    save(call, { ...provider, clientIds: checkClientIds(call, [...provider.clientIds, input.ClientID]) });
  },
});

const removeClientId = operation<Parsed<Sdk.RemoveClientIDFromOpenIDConnectProviderRequest>, void>({
  permissions: (input, call) => [
    permissionOn(call, 'RemoveClientIDFromOpenIDConnectProvider', input.OpenIDConnectProviderArn),
  ],
  handle: (input, call) => {
    const provider = need(call, input.OpenIDConnectProviderArn);
    save(call, { ...provider, clientIds: provider.clientIds.filter((id) => id !== input.ClientID) });
  },
});

export const oidcProviderOperations = {
  CreateOpenIDConnectProvider: createOidcProvider,
  GetOpenIDConnectProvider: getOidcProvider,
  ListOpenIDConnectProviders: listOidcProviders,
  DeleteOpenIDConnectProvider: deleteOidcProvider,
  UpdateOpenIDConnectProviderThumbprint: updateThumbprint,
  AddClientIDToOpenIDConnectProvider: addClientId,
  RemoveClientIDFromOpenIDConnectProvider: removeClientId,
};
