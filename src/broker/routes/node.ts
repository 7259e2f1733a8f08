// The process and the machine it runs on: sys/ha-status, sys/version-history, sys/host-info,
// sys/in-flight-req, with Vault's shapes.
import { arch, cpus, freemem, hostname, loadavg, platform, release, totalmem, uptime } from 'node:os';
import { isoSeconds, type Clock, type Millis } from '../../base/index.ts';
import type { Barrier } from '../barrier.ts';
import { bare, enveloped, envelopedTwice, served } from '../call.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Operation } from '../model.ts';
import type { Handlers } from '../pipeline.ts';
import { absent } from '../storage/store.ts';
import { vaultVersion } from './documentation.ts';

export interface NodeParts {
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
}

/** The usual HTTP verb of each operation. */
const methods: Readonly<Record<Operation, string>> = {
  read: 'GET',
  help: 'GET',
  list: 'LIST',
  create: 'PUT',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
};

const versions = 'core/version/';

/** Remembers when this version first opened the store. */
export async function noteVersion({ barrier, clock }: NodeParts): Promise<void> {
  await barrier.commit([{ key: `${versions}${vaultVersion}`, value: clock.now(), expect: absent }]);
}

export function nodeHandlers(
  parts: NodeParts,
): Pick<Handlers, 'haStatus' | 'versionHistory' | 'hostInfo' | 'inFlight'> {
  return {
    haStatus: served('The nodes of this server: one.', {}, async (call) =>
      envelopedTwice(call, {
        nodes: [
          {
            hostname: hostname(),
            api_address: '',
            cluster_address: '',
            active_node: true,
            last_echo: null,
            version: vaultVersion,
          },
        ],
      }),
    ),
    versionHistory: served('Versions that have opened this store.', {}, async (call) => {
      const found = await history(parts.barrier);
      const info = found.map(({ version, at }, index) => [
        version,
        { timestamp_installed: isoSeconds(at), build_date: '', previous_version: found[index - 1]?.version ?? null },
      ]);
      return enveloped(call, {
        data: {
          keys: found.map(({ version }) => version),
          key_info: Object.fromEntries(info) as Record<string, never>,
        },
      });
    }),
    hostInfo: served('The machine this runs on.', {}, async (call) => enveloped(call, { data: hostInfo() })),
    inFlight: served('Calls under way.', {}, async () => {
      const calls = parts.lifecycle.callsUnderWay().map(({ call: one, since }) => [
        one.requestId,
        {
          start_time: new Date(since).toISOString(),
          client_remote_address:
            one.remotePort === undefined ? one.remoteAddress : `${one.remoteAddress}:${one.remotePort}`,
          request_path: `/v1/${one.path}`,
          request_method: methods[one.operation],
          client_id: '',
        },
      ]);
      // Without the envelope, as Vault answers it.
      return bare(Object.fromEntries(calls) as Record<string, never>);
    }),
  };
}

async function history(barrier: Barrier): Promise<readonly { readonly version: string; readonly at: Millis }[]> {
  const found = await barrier.scan<Millis>(versions, 1000);
  return found
    .map(({ key, value }) => ({ version: key.slice(versions.length), at: value }))
    .sort((one, other) => one.at - other.at);
}

function hostInfo(): Record<string, never> {
  const cores = cpus();
  const info = {
    timestamp: new Date().toISOString(),
    cpu: cores.map(({ model, speed }, cpu) => ({ cpu, modelName: model, mhz: speed })),
    host: {
      hostname: hostname(),
      uptime: Math.floor(uptime()),
      os: platform(),
      kernelVersion: release(),
      kernelArch: arch(),
    },
    load: loadavg(),
    memory: { total: totalmem(), free: freemem(), used: totalmem() - freemem() },
  };
  return info as unknown as Record<string, never>;
}
