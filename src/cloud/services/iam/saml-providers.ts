// SAML identity providers of an account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml.html
import { createPrivateKey } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-iam';
import { randomText, Secret, type Millis } from '../../../base/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { permissionOnAll } from './entities.ts';
import { alreadyExists, invalidInput, limitExceeded, noSuchEntity, quotaExceeded } from './failures.ts';
import { samlProviders, type SamlMetadata, type SamlPrivateKey, type SamlProvider } from './identity-providers.ts';
import { readMetadata } from './saml-metadata.ts';
import type { Parsed } from './shapes.ts';
import type { Taggable } from './tagging.ts';
import { checkTags, mergeTags, requestTagKeys, resourceTagKeys, type ConditionKeys } from './tags.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateSAMLProvider.html: a second key may be added for rotation. */
const mostPrivateKeys = 2;
const capitals = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const encryptionDepth = 'Encryption mode and private keys are kept and shown; STS reads no encrypted assertions.';

function samlArn(call: Call, name: string): string {
  return `arn:${call.partition}:iam::${call.account}:saml-provider/${name}`;
}

function find(call: Call, arn: string): SamlProvider | undefined {
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  const provider = call.world.table(samlProviders).get(call.account, name.toLowerCase());
  return provider?.arn === arn ? provider : undefined;
}

/** @throws NoSuchEntity, InvalidInput when it is no ARN of a provider */
function need(call: Call, arn: string): SamlProvider {
  if (!/^arn:[\w-]+:iam::\d{12}:saml-provider\/./.test(arn)) throw invalidInput(`Invalid ARN: ${arn}`);
  const provider = find(call, arn);
  if (provider === undefined) throw noSuchEntity(`Manifest not found for arn ${arn}`);
  return provider;
}

function save(call: Call, provider: SamlProvider): void {
  call.world.table(samlProviders).put(call.account, provider.name.toLowerCase(), provider);
}

function permissionOn(call: Call, action: string, arn: string, context: ConditionKeys = {}): Permission {
  return {
    action: `iam:${action}`,
    resource: arn,
    context: { ...resourceTagKeys(find(call, arn)?.tags ?? []), ...context },
  };
}

export const taggableSamlProvider: Taggable<SamlProvider> = {
  label: 'SAMLProvider',
  nameKey: 'SAMLProviderArn',
  tagCase: 'exact',
  permission: permissionOn,
  need,
  save,
};

/** A document that says nothing of its end counts for a hundred years. */
function validUntil({ validUntil: until, createdAt }: SamlProvider): Date {
  if (until !== undefined) return new Date(until);
  const end = new Date(createdAt);
  end.setUTCFullYear(end.getUTCFullYear() + 100);
  return end;
}

/** @throws InvalidInput */
function privateKey(call: Call, pem: string, createdAt: Millis): SamlPrivateKey {
  try {
    createPrivateKey(pem);
  } catch {
    throw invalidInput('The private key is not valid.');
  }
  return { id: randomText(call.random, 24, capitals), pem: new Secret(pem), createdAt };
}

const createSamlProvider = operation<
  Parsed<Sdk.CreateSAMLProviderRequest>,
  Sdk.CreateSAMLProviderResponse,
  SamlMetadata | Error
>({
  depth: encryptionDepth,
  // What is wrong with the document is told only to who may create the provider.
  prepare: (input) => readMetadata(input.SAMLMetadataDocument).catch((error: Error) => error),
  permissions: (input, call) => {
    const tags = requestTagKeys(input.Tags);
    const on = (action: string) => permissionOn(call, action, samlArn(call, input.Name), tags);
    return [on('CreateSAMLProvider'), ...(input.Tags?.length ? [on('TagSAMLProvider')] : [])];
  },
  handle: (input, call, metadata) => {
    if (metadata instanceof Error) throw metadata;
    const tags = mergeTags(call.world, [], checkTags(input.Tags, 'exact'), 'exact');
    const table = call.world.table(samlProviders);
    if (table.get(call.account, input.Name.toLowerCase()) !== undefined) {
      throw alreadyExists(`SAMLProvider with name ${input.Name} already exists.`);
    }
    const limit = call.world.quotas.SAMLProvidersPerAccount;
    if (table.count(call.account) >= limit) throw quotaExceeded('SAMLProvidersPerAccount', limit);
    const createdAt = call.clock.now();
    const provider: SamlProvider = {
      ...metadata,
      arn: samlArn(call, input.Name),
      name: input.Name,
      id: `SAMLSP${randomText(call.random, 15, capitals)}`,
      document: input.SAMLMetadataDocument,
      createdAt,
      tags,
      encryption: input.AssertionEncryptionMode,
      privateKeys: input.AddPrivateKey === undefined ? [] : [privateKey(call, input.AddPrivateKey, createdAt)],
    };
    save(call, provider);
    return { SAMLProviderArn: provider.arn, ...(tags.length === 0 ? {} : { Tags: [...tags] }) };
  },
});

const getSamlProvider = operation<Parsed<Sdk.GetSAMLProviderRequest>, Sdk.GetSAMLProviderResponse>({
  permissions: (input, call) => [permissionOn(call, 'GetSAMLProvider', input.SAMLProviderArn)],
  handle: (input, call) => {
    const provider = need(call, input.SAMLProviderArn);
    const { privateKeys, encryption, tags } = provider;
    const keys = privateKeys.map(({ id, createdAt }) => ({ KeyId: id, Timestamp: new Date(createdAt) }));
    return {
      SAMLProviderUUID: provider.id,
      SAMLMetadataDocument: provider.document,
      CreateDate: new Date(provider.createdAt),
      ValidUntil: validUntil(provider),
      ...(tags.length === 0 ? {} : { Tags: [...tags] }),
      ...(encryption === undefined ? {} : { AssertionEncryptionMode: encryption }),
      ...(keys.length === 0 ? {} : { PrivateKeyList: keys }),
    };
  },
});

const listSamlProviders = operation<object, Sdk.ListSAMLProvidersResponse>({
  permissions: () => [permissionOnAll('ListSAMLProviders')],
  handle: (_input, call) => ({
    SAMLProviderList: [...call.world.table(samlProviders).list(call.account)].map(([, provider]) => ({
      Arn: provider.arn,
      ValidUntil: validUntil(provider),
      CreateDate: new Date(provider.createdAt),
    })),
  }),
});

const updateSamlProvider = operation<
  Parsed<Sdk.UpdateSAMLProviderRequest>,
  Sdk.UpdateSAMLProviderResponse,
  SamlMetadata | Error | undefined
>({
  depth: encryptionDepth,
  prepare: async (input) =>
    input.SAMLMetadataDocument === undefined
      ? undefined
      : readMetadata(input.SAMLMetadataDocument).catch((error: Error) => error),
  permissions: (input, call) => [permissionOn(call, 'UpdateSAMLProvider', input.SAMLProviderArn)],
  handle: (input, call, metadata) => {
    const provider = need(call, input.SAMLProviderArn);
    if (metadata instanceof Error) throw metadata;
    const renewed =
      metadata === undefined
        ? {}
        : { validUntil: undefined, ...metadata, document: input.SAMLMetadataDocument ?? provider.document };
    save(call, {
      ...provider,
      ...renewed,
      encryption: input.AssertionEncryptionMode ?? provider.encryption,
      privateKeys: updatedKeys(input, call, provider),
    });
    return { SAMLProviderArn: provider.arn };
  },
});

/** @throws InvalidInput, NoSuchEntity, LimitExceeded */
function updatedKeys(
  input: Parsed<Sdk.UpdateSAMLProviderRequest>,
  call: Call,
  { privateKeys }: SamlProvider,
): readonly SamlPrivateKey[] {
  const { AddPrivateKey: added, RemovePrivateKey: removed } = input;
  if (removed !== undefined && !privateKeys.some(({ id }) => id === removed)) {
    throw noSuchEntity(`The private key with id ${removed} cannot be found.`);
  }
  const kept = privateKeys.filter(({ id }) => id !== removed);
  if (added === undefined) return kept;
  if (kept.length >= mostPrivateKeys) {
    throw limitExceeded(`Cannot exceed quota for PrivateKeysPerSAMLProvider: ${mostPrivateKeys}`);
  }
  return [...kept, privateKey(call, added, call.clock.now())];
}

const deleteSamlProvider = operation<Parsed<Sdk.DeleteSAMLProviderRequest>, void>({
  permissions: (input, call) => [permissionOn(call, 'DeleteSAMLProvider', input.SAMLProviderArn)],
  handle: (input, call) => {
    const { name } = need(call, input.SAMLProviderArn);
    call.world.table(samlProviders).delete(call.account, name.toLowerCase());
  },
});

export const samlProviderOperations = {
  CreateSAMLProvider: createSamlProvider,
  GetSAMLProvider: getSamlProvider,
  ListSAMLProviders: listSamlProviders,
  UpdateSAMLProvider: updateSamlProvider,
  DeleteSAMLProvider: deleteSamlProvider,
};
