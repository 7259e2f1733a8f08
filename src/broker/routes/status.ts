// How the server is: health, seal-status, leader, with Vault's shapes. Answered whether it is sealed or
// not, to everybody.
import type { Clock } from '../../base/index.ts';
import { bare, served, type Answer, type Call } from '../call.ts';
import type { WireValue } from '../http/wire.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { SealedHandlers } from '../pipeline.ts';
import { vaultVersion } from './documentation.ts';

export interface StatusParts {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
}

export function statusHandlers(parts: StatusParts): Pick<SealedHandlers, 'health' | 'sealStatus' | 'leader'> {
  return {
    health: served('How the server is.', healthFields, (call) => health(parts, call)),
    sealStatus: served('Whether the server is sealed.', {}, async () => bare(await sealStatus(parts.lifecycle))),
    // One node has the store: there is nothing to lead.
    leader: served('Which node leads.', {}, async () =>
      bare({
        ha_enabled: false,
        is_self: false,
        active_time: '0001-01-01T00:00:00Z',
        leader_address: '',
        leader_cluster_address: '',
        performance_standby: false,
        performance_standby_last_remote_wal: 0,
      }),
    ),
  };
}

/** Named by whoever asks: monitors that know only some statuses choose theirs. */
const healthFields = {
  standbyok: 'string',
  perfstandbyok: 'string',
  activecode: 'string',
  standbycode: 'string',
  sealedcode: 'string',
  uninitcode: 'string',
} as const;

const usualCodes = { activecode: 200, standbycode: 429, sealedcode: 503, uninitcode: 501 } as const;

async function health({ clock, lifecycle }: StatusParts, { body }: Call): Promise<Answer> {
  const codes = Object.entries(usualCodes).map(([name, usual]) => [name, codeOf(body[name], usual)] as const);
  if (codes.some(([, code]) => code === undefined) || !isFlag(body['standbyok']) || !isFlag(body['perfstandbyok'])) {
    return { status: 400, body: { errors: [] }, audited: null, leaseId: '' };
  }
  const { config, sealed } = await lifecycle.state();
  const name = config === undefined ? 'uninitcode' : sealed ? 'sealedcode' : 'activecode';
  const answer = bare({
    initialized: config !== undefined,
    sealed,
    // As Vault has it: a sealed node is no active one, and does not know what it would replicate.
    standby: sealed,
    performance_standby: false,
    replication_performance_mode: sealed ? 'unknown' : 'disabled',
    replication_dr_mode: sealed ? 'unknown' : 'disabled',
    server_time_utc: Math.floor(clock.now() / 1000),
    version: vaultVersion,
    enterprise: false,
    ...cluster(lifecycle),
    echo_duration_ms: 0,
    clock_skew_ms: 0,
    replication_primary_canary_age_ms: 0,
  });
  return { ...answer, status: Object.fromEntries(codes)[name]! };
}

/** A status that HTTP has, or undefined. */
function codeOf(given: unknown, usual: number): number | undefined {
  if (given === undefined) return usual;
  const text = String(Array.isArray(given) ? given[0] : given);
  const code = /^\+?\d{1,9}$/.test(text) ? Number(text) : 0;
  return code >= 200 && code <= 999 ? code : undefined;
}

// The texts that Go's strconv.ParseBool reads; an empty one is true, as in `?standbyok`.
const flags = ['', '1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'];

function isFlag(given: unknown): boolean {
  return given === undefined || flags.includes(String(Array.isArray(given) ? given[0] : given));
}

function cluster({ services }: Lifecycle): Readonly<Record<string, string>> {
  return services === undefined ? {} : { cluster_name: 'stint', cluster_id: services.clusterId };
}

/** The body of seal-status, which unseal answers with as well. */
export async function sealStatus(lifecycle: Lifecycle): Promise<Readonly<Record<string, WireValue>>> {
  const state = await lifecycle.state();
  return {
    type: state.type,
    initialized: state.config !== undefined,
    sealed: state.sealed,
    t: state.config?.threshold ?? 0,
    n: state.config?.shares ?? 0,
    progress: state.progress,
    nonce: state.nonce,
    version: vaultVersion,
    build_date: '',
    commit_date: '',
    migration: false,
    ...cluster(lifecycle),
    recovery_seal: state.recovers,
    ...(state.recovers ? { recovery_seal_type: 'shamir' } : {}),
    storage_type: 'sqlite',
  };
}
