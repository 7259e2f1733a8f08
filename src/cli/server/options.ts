// From the configuration file to what the server is started with. Pure.
import { openLocalSeal, parseListenAddress, type BrokerOptions } from '../../broker/index.ts';
import type { Random } from '../../base/index.ts';
import { join } from 'node:path';
import type { ServerConfig } from './config-schema.ts';

type Configured = 'storage' | 'listen' | 'http' | 'seal' | 'audit' | 'rate' | 'openMetrics';

/** @throws Failure `address-invalid`. */
export function brokerOptions(config: ServerConfig, random: Random): Pick<BrokerOptions, Configured> {
  const { listener, storage, seal, audit, telemetry, limits } = config;
  const folder = storage.sqlite.path;
  return {
    storage: folder,
    listen: parseListenAddress(listener.address),
    http: {
      tls: listener.tls,
      maxBodyBytes: listener.maxRequestSize,
      connections: { maxConnections: listener.maxConnections, perAddress: perAddress(listener) },
      headersMillis: Math.min(listener.headersTimeout, listener.requestTimeout),
      requestMillis: listener.requestTimeout,
      trustedProxies: listener.trustedProxies,
    },
    ...('local' in seal ? { seal: (fresh: boolean) => openLocalSeal(join(folder, 'seal.json'), fresh, random) } : {}),
    audit: audit.map((device) => ({ ...device, path: `${device.path.replace(/\/$/, '')}/`, local: false })),
    ...(limits.perAddress === undefined ? {} : { rate: limits.perAddress }),
    openMetrics: telemetry.prometheus?.unauthenticated ?? false,
  };
}

/** Behind a proxy everybody has the proxy's address. */
function perAddress({ maxConnections, trustedProxies }: ServerConfig['listener']): number {
  return trustedProxies.length > 0 ? maxConnections : Math.ceil(maxConnections / 2);
}
