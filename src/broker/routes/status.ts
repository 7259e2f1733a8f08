// sys/health and its like: how the server is, with Vault's shapes. Answered whether it is sealed or not.
import type { Clock } from '../../base/index.ts';
import { bare, served } from '../call.ts';
import type { SealedHandlers } from '../pipeline.ts';
import { vaultVersion } from './documentation.ts';

export interface StatusParts {
  readonly clock: Clock;
  readonly sealType: string;
  readonly sealed: () => boolean;
  readonly clusterId: () => string;
  readonly address: () => string;
  readonly startedAt: number;
}

export function statusHandlers(parts: StatusParts): SealedHandlers {
  const cluster = (): { cluster_name: string; cluster_id: string } => ({
    cluster_name: 'stint',
    cluster_id: parts.clusterId(),
  });
  return {
    health: served('How the server is.', {}, async () =>
      bare({
        initialized: true,
        sealed: parts.sealed(),
        standby: false,
        performance_standby: false,
        replication_performance_mode: 'disabled',
        replication_dr_mode: 'disabled',
        server_time_utc: Math.floor(parts.clock.now() / 1000),
        version: vaultVersion,
        enterprise: false,
        ...cluster(),
      }),
    ),
    sealStatus: served('Whether the server is sealed.', {}, async () =>
      bare({
        type: parts.sealType,
        initialized: true,
        sealed: parts.sealed(),
        t: 1,
        n: 1,
        progress: 0,
        nonce: '',
        version: vaultVersion,
        build_date: '',
        migration: false,
        recovery_seal: false,
        storage_type: 'sqlite',
        ...cluster(),
      }),
    ),
    initStatus: served('Whether the server was initialised.', {}, async () => bare({ initialized: true })),
    leader: served('Which node leads.', {}, async () =>
      bare({
        ha_enabled: false,
        is_self: true,
        active_time: new Date(parts.startedAt).toISOString(),
        leader_address: parts.address(),
        leader_cluster_address: '',
        performance_standby: false,
        performance_standby_last_remote_wal: 0,
      }),
    ),
  };
}
