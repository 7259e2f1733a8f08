// The calls that make, change and remove identity providers.
import { createHash } from 'node:crypto';
import type { Json } from '../base/index.ts';
import { ranks, tagList, type Call, type StepDraft, type StepScope } from './calls.ts';
import { tagSteps } from './tag-steps.ts';
import type { OidcProviderResource, SamlProviderResource } from './resources.ts';

const without = (all: readonly string[], gone: readonly string[]): string[] => all.filter((it) => !gone.includes(it));

/** Client ids have no call that sets them all: each is added, or removed, by its own. */
function clientSteps(want: OidcProviderResource, seen: OidcProviderResource, name: Call['input']): StepDraft[] {
  const call = (verb: 'add' | 'remove', ClientID: string): Call => ({
    operation: verb === 'add' ? 'addClientIDToOpenIDConnectProvider' : 'removeClientIDFromOpenIDConnectProvider',
    input: { ...name, ClientID },
  });
  const gone = want.mode === 'additive' ? [] : without(seen.clientIds, want.clientIds);
  return [
    ...without(want.clientIds, seen.clientIds).map((id) => ({
      ...call('add', id),
      rank: ranks.provider,
      inverse: [call('remove', id)],
    })),
    ...gone.map((id) => ({ ...call('remove', id), rank: ranks.revoke, inverse: [call('add', id)] })),
  ];
}

/** Thumbprints that nobody chose are AWS's own business. */
function thumbprintSteps(want: OidcProviderResource, seen: OidcProviderResource, name: Call['input']): StepDraft[] {
  const wanted =
    want.mode === 'additive' && want.thumbprints.length > 0
      ? [...new Set([...seen.thumbprints, ...want.thumbprints])]
      : want.thumbprints;
  if (wanted.length === 0 || wanted.toSorted().join(' ') === seen.thumbprints.toSorted().join(' ')) return [];
  const call = (ThumbprintList: readonly string[]): Call => ({
    operation: 'updateOpenIDConnectProviderThumbprint',
    input: { ...name, ThumbprintList: [...ThumbprintList] },
  });
  return [{ ...call(wanted), rank: ranks.provider, inverse: [call(seen.thumbprints)] }];
}

function createOidc({ name, clientIds, thumbprints, tags }: OidcProviderResource): Call {
  return {
    operation: 'createOpenIDConnectProvider',
    input: {
      Url: `https://${name}`,
      ClientIDList: [...clientIds],
      ...(thumbprints.length === 0 ? {} : { ThumbprintList: [...thumbprints] }),
      Tags: tagList(tags),
    },
  };
}

function deleteOidc(scope: StepScope, provider: OidcProviderResource): Call {
  return {
    operation: 'deleteOpenIDConnectProvider',
    input: { OpenIDConnectProviderArn: scope.arnOf(provider) },
  };
}

/** The calls that make or change an OIDC provider. */
export function oidcSteps(
  want: OidcProviderResource,
  seen: OidcProviderResource | undefined,
  scope: StepScope,
): StepDraft[] {
  if (seen === undefined) {
    const inverse = [deleteOidc(scope, want)];
    return [{ ...createOidc(want), rank: ranks.provider, inverse, provides: scope.arnOf(want) }];
  }
  const name = { OpenIDConnectProviderArn: scope.arnOf(want) };
  return [
    ...clientSteps(want, seen, name),
    ...thumbprintSteps(want, seen, name),
    ...tagSteps('OpenIDConnectProvider', name, want.tags, seen.tags),
  ];
}

/** The call that removes an OIDC provider. Roles may still name it: AWS does not look. */
export function oidcRemoval(seen: OidcProviderResource, scope: StepScope): StepDraft[] {
  return [{ ...deleteOidc(scope, seen), rank: ranks.removeProvider, inverse: [createOidc(seen)] }];
}

function createSaml({ name, metadata, tags }: SamlProviderResource): Call {
  const input: Record<string, Json> = { Name: name, SAMLMetadataDocument: metadata, Tags: tagList(tags) };
  return { operation: 'createSAMLProvider', input };
}

/** The same metadata, however an editor breaks its lines. */
export function metadataDigest(metadata: string): string {
  return createHash('sha256').update(metadata.replaceAll(/\s+/g, ' ').trim()).digest('hex');
}

/** The calls that make or change a SAML provider. */
export function samlSteps(
  want: SamlProviderResource,
  seen: SamlProviderResource | undefined,
  scope: StepScope,
): StepDraft[] {
  const name = { SAMLProviderArn: scope.arnOf(want) };
  if (seen === undefined) {
    const inverse = [{ operation: 'deleteSAMLProvider', input: name }];
    return [{ ...createSaml(want), rank: ranks.provider, inverse, provides: scope.arnOf(want) }];
  }
  const update = ({ metadata }: SamlProviderResource): Call => ({
    operation: 'updateSAMLProvider',
    input: { ...name, SAMLMetadataDocument: metadata },
  });
  const changed = metadataDigest(want.metadata) !== metadataDigest(seen.metadata);
  return [
    ...(changed ? [{ ...update(want), rank: ranks.provider, inverse: [update(seen)] }] : []),
    ...tagSteps('SAMLProvider', name, want.tags, seen.tags),
  ];
}

/** The call that removes a SAML provider. */
export function samlRemoval(seen: SamlProviderResource, scope: StepScope): StepDraft[] {
  const input = { SAMLProviderArn: scope.arnOf(seen) };
  return [{ operation: 'deleteSAMLProvider', input, rank: ranks.removeProvider, inverse: [createSaml(seen)] }];
}
