// sys/wrapping/…: wrapping data, and looking at, taking and passing on what was wrapped.
import { enveloped, served, type Call, type Served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { WireValue } from '../http/wire.ts';
import type { Handlers } from '../pipeline.ts';
import type { Wrapping } from '../wrapping.ts';

export function wrappingHandlers(wrapping: Wrapping): Pick<Handlers, 'wrap' | 'unwrap' | 'wrappingLookup' | 'rewrap'> {
  const token = { token: 'string' } as const;
  // Before the caller's own token is looked at, which may be the wrapping token, and used up by it.
  const admit = async (call: Call): Promise<void> => void (await wrapping.tokenOf(call));
  const wrap: Served = {
    summary: 'Wrap the fields of the body.',
    fields: {},
    handle: async (call) => {
      if ((call.wrapTtlSeconds ?? 0) === 0) {
        throw brokerFailure('bad-request', 'endpoint requires response wrapping to be used');
      }
      return enveloped(call, { data: call.body as Readonly<Record<string, WireValue>> });
    },
  };
  return {
    wrap,
    unwrap: { ...served('Take what was wrapped.', token, (call) => wrapping.unwrap(call)), admit },
    rewrap: { ...served('Pass what was wrapped on to a new token.', token, (call) => wrapping.rewrap(call)), admit },
    wrappingLookup: {
      ...served('When and where something was wrapped.', token, async (call) => {
        const info = await wrapping.info(await wrapping.tokenOf(call));
        if (info === undefined)
          throw brokerFailure(
            'bad-request',
            'no information found; wrapping token may be from a previous Vault version',
          );
        const { creationTtlSeconds, creationTime, creationPath } = info;
        return enveloped(call, {
          data: { creation_ttl: creationTtlSeconds, creation_time: creationTime, creation_path: creationPath },
        });
      }),
      admit,
    },
  };
}
