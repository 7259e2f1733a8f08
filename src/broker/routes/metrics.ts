// sys/metrics: numbers for Prometheus, or as Vault shows them.
import type { Access } from '../access.ts';
import { bare, plainText, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { SealedHandlers } from '../pipeline.ts';

export interface MetricsParts {
  readonly metrics: Metrics;
  /** True: anybody who reaches the server may read them, also while it is sealed. */
  readonly unauthenticated: boolean;
  /** Undefined while the server is sealed. */
  readonly access: () => Access | undefined;
}

const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

export function metricsHandlers(parts: MetricsParts): Pick<SealedHandlers, 'metrics'> {
  return {
    metrics: served('Numbers for dashboards.', { format: 'string' }, async (call, { format = '' }) => {
      if (!parts.unauthenticated) await checkReader(parts, call);
      await parts.metrics.refresh();
      return shown(parts.metrics, format);
    }),
  };
}

async function checkReader({ access }: MetricsParts, call: Call): Promise<void> {
  const open = access();
  if (open === undefined) {
    throw brokerFailure('sealed', 'Vault is sealed', { hint: 'unseal the server: `stint operator unseal`' });
  }
  const token = await open.checkToken(call.tokenId, call.remoteAddress);
  await open.checkAcl({ ...call, token }, false);
}

function shown(metrics: Metrics, format: string): Answer {
  if (format === 'prometheus') return plainText(prometheusType, metrics.text());
  if (format === '') return bare(metrics.summary());
  throw brokerFailure('bad-request', `metric response "${format}" unknown`, { hint: 'use `format=prometheus`' });
}
