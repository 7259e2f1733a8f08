// What instances of an account and region get of the metadata service unless their launch says otherwise.
// Source: EC2 API reference, ModifyInstanceMetadataDefaults.
import type {
  GetInstanceMetadataDefaultsCommandInput,
  GetInstanceMetadataDefaultsResult,
  ModifyInstanceMetadataDefaultsCommandInput,
  ModifyInstanceMetadataDefaultsResult,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { invalidParameter, unsupported } from './failures.ts';
import { metadataDefaults, type MetadataDefaults } from './model.ts';
import { onEverything } from './permissions.ts';
import { dryRunnable } from './store.ts';

export function metadataDefaultsOf(call: Call): MetadataDefaults {
  return call.world.table(metadataDefaults).get(call.account, call.region) ?? {};
}

export const GetInstanceMetadataDefaults = dryRunnable<
  GetInstanceMetadataDefaultsCommandInput,
  GetInstanceMetadataDefaultsResult
>({
  permissions: onEverything('GetInstanceMetadataDefaults'),
  handle(_input, call) {
    const { httpTokens, httpEndpoint, hopLimit, tags } = metadataDefaultsOf(call);
    return {
      AccountLevel: {
        ...(httpTokens === undefined ? {} : { HttpTokens: httpTokens }),
        ...(hopLimit === undefined ? {} : { HttpPutResponseHopLimit: hopLimit }),
        ...(httpEndpoint === undefined ? {} : { HttpEndpoint: httpEndpoint }),
        ...(tags === undefined ? {} : { InstanceMetadataTags: tags }),
        ManagedBy: 'account',
      },
    };
  },
});

/** What is not named stays; `no-preference` takes a default away. */
function chosen<Value extends string>(
  name: string,
  given: string | undefined,
  before: Value | undefined,
  allowed: readonly Value[],
): Value | undefined {
  if (given === undefined) return before;
  if (given === 'no-preference') return undefined;
  const found = allowed.find((one) => one === given);
  if (found !== undefined) return found;
  throw invalidParameter(
    `Value (${given}) for parameter ${name} is invalid. Valid values are: ${[...allowed, 'no-preference'].join(', ')}.`,
  );
}

function hops(given: number | undefined, before: number | undefined): number | undefined {
  if (given === undefined) return before;
  if (given === -1) return undefined;
  if (given >= 1 && given <= 64) return given;
  throw invalidParameter(
    `Value (${given}) for parameter HttpPutResponseHopLimit is invalid. Valid values are between 1 and 64, or -1 for no preference.`,
  );
}

export const ModifyInstanceMetadataDefaults = dryRunnable<
  ModifyInstanceMetadataDefaultsCommandInput,
  ModifyInstanceMetadataDefaultsResult
>({
  permissions: onEverything('ModifyInstanceMetadataDefaults'),
  handle(input, call) {
    if (input.HttpTokensEnforced === 'enabled') throw unsupported('enforcement of IMDSv2 over what launches say');
    const before = metadataDefaultsOf(call);
    const after = {
      httpTokens: chosen('HttpTokens', input.HttpTokens, before.httpTokens, ['optional', 'required']),
      httpEndpoint: chosen('HttpEndpoint', input.HttpEndpoint, before.httpEndpoint, ['enabled', 'disabled']),
      hopLimit: hops(input.HttpPutResponseHopLimit, before.hopLimit),
      tags: chosen('InstanceMetadataTags', input.InstanceMetadataTags, before.tags, ['enabled', 'disabled']),
    };
    const set = Object.entries(after).filter(([, value]) => value !== undefined);
    call.world.table(metadataDefaults).put(call.account, call.region, Object.fromEntries(set));
    return { Return: true };
  },
  depth: 'every option but the enforcement of tokens',
});
