// What runs behind an open barrier, wired: pipeline parts, engines, leases, tokens and the sweeper.
import { systemClock, uuid, type AdjustableClock, type Random } from '../base/index.ts';
import { Access } from './access.ts';
import { Audit, type DevicePlan } from './audit/audit.ts';
import type { AuditDevice } from './audit/fanout.ts';
import type { SinkPlaces } from './audit/sinks.ts';
import type { Barrier } from './barrier.ts';
import { catalogOf } from './catalog.ts';
import { Cubbyholes } from './cubbyholes.ts';
import type { AwsWatch } from './engines/aws/watch.ts';
import { DueTimes, shards as everyShard } from './due.ts';
import { Identity } from './identity/identity.ts';
import { openHandlers } from './handlers.ts';
import { Ledger } from './ledger.ts';
import { Lending } from './lending.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Log } from './log.ts';
import type { Census } from './metrics/metrics.ts';
import { Logins } from './logins.ts';
import { Mounts } from './mounts.ts';
import type { OpenParts, SealedHandlers } from './pipeline.ts';
import { Policies } from './policies.ts';
import { help } from './routes/documentation.ts';
import { noteVersion } from './routes/node.ts';
import { Settling } from './settling.ts';
import { ShardHolds } from './shards.ts';
import { LeaseCounts } from './quotas/lease-counts.ts';
import { LeaseSlots } from './quotas/lease-slots.ts';
import { RateGate } from './quotas/rate-gate.ts';
import { RateLimits } from './quotas/rate-limits.ts';
import { QuotaTable } from './quotas/table.ts';
import type { SealKeys } from './seal/keys.ts';
import { absent, type CopyableStore } from './storage/store.ts';
import { Sweeper } from './sweeper.ts';
import { Tidy } from './tidy.ts';
import { TokenRoles } from './tokens/role.ts';
import { Tokens } from './tokens.ts';
import { Wrapping } from './wrapping.ts';

export interface ServiceOptions {
  readonly clock: AdjustableClock;
  readonly random: Random;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly audit: AuditOptions;
  readonly watchAws: AwsWatch;
  readonly keepEndedMillis: number | undefined;
  /** Served by others; part of the documentation. */
  readonly sealedHandlers: SealedHandlers;
  readonly lifecycle: Lifecycle;
  readonly store: CopyableStore;
  /** The clock may be moved over HTTP. */
  readonly dev: boolean;
}

export interface AuditOptions {
  /** Devices that are handed in, beside those of the store. */
  readonly devices: readonly AuditDevice[];
  /** Devices of the configuration file. */
  readonly configured: readonly DevicePlan[];
  readonly places: SinkPlaces;
  /** Counts the troubles of a device. */
  readonly onFailure: (device: string) => void;
}

export interface Services extends OpenParts {
  readonly barrier: Barrier;
  readonly tokens: Tokens;
  readonly clusterId: string;
  /** What dashboards ask for. */
  readonly census: Census;
  /** Ends what runs; work under way is finished. */
  stop(): Promise<void>;
  /** After `stop`, when also the last answer was recorded: closes the audit devices. */
  close(): Promise<void>;
}

/** Everything that runs behind the barrier, made and joined; nothing has begun. */
function makeParts(options: ServiceOptions, barrier: Barrier) {
  const { clock, random, log } = options;
  const onDue = (at: number): void => sweeper.notice(at);
  const mounts = new Mounts(barrier, random, catalogOf(options), onDue);
  const quotaTable = new QuotaTable(barrier, systemClock);
  const slots = new LeaseSlots({ barrier, table: quotaTable, random, wallClock: systemClock });
  const tokens = new Tokens(barrier, clock, random, onDue, slots);
  const policies = new Policies(barrier, clock);
  const identity = new Identity({ barrier, clock, random });
  const access = new Access({ tokens, policies, clock, caller: (id) => identity.caller(id) });
  const node = uuid(random);
  const ledger = new Ledger(barrier, clock, node, onDue, options.keepEndedMillis);
  const settling = new Settling({ ledger, mounts, clock, log });
  const lending = new Lending({ ledger, settling, mounts, tokens, slots, clock, random, log });
  const cubbyholes = new Cubbyholes(barrier, tokens);
  const due = new DueTimes(barrier);
  const shards = new ShardHolds(barrier, clock, node);
  const alone = barrier.exclusive;
  const sweeper = new Sweeper({ due, shards, ledger, settling, lending, mounts, tokens, clock, log, alone });
  return {
    mounts,
    quotaTable,
    tokens,
    policies,
    identity,
    access,
    ledger,
    lending,
    cubbyholes,
    due,
    sweeper,
    tokenRoles: new TokenRoles(barrier),
    wrapping: new Wrapping({ tokens, cubbyholes, lending, clock }),
    logins: new Logins({ tokens, identity, lending }),
    counts: new LeaseCounts({ slots, ledger, tokens }),
    tidy: new Tidy({ barrier, tokens, ledger, lending, log }),
  };
}

/** What the handlers of routes are made of. */
export type Parts = ReturnType<typeof makeParts>;

/** Starts everything; takes up what an earlier process left undone. */
export async function openServices(options: ServiceOptions, barrier: Barrier, keys: SealKeys): Promise<Services> {
  const { clock, random, log } = options;
  const parts = makeParts(options, barrier);
  const { access, due, ledger, mounts, sweeper, tidy, tokens } = parts;
  await parts.policies.ensureDefault();
  await due.upgrade();
  const cluster = await clusterId(barrier, random);
  await mounts.ensureBuiltIns();
  const { devices, configured, places } = options.audit;
  const audit = await Audit.open({ barrier, clock, wallClock: systemClock, random, log, devices, places }, configured);
  await noteVersion({ barrier, clock, lifecycle: options.lifecycle });
  const { handlers, documentation } = openHandlers({ options, parts, barrier, keys, audit, clusterId: cluster });
  sweeper.wake();
  const stop = async (): Promise<void> => {
    await tidy.stop();
    await sweeper.stop();
    mounts.close();
    await audit.checkpoint();
  };
  return {
    access,
    audit,
    barrier,
    handlers,
    mounts,
    tokens,
    stop,
    clusterId: cluster,
    wrapping: parts.wrapping,
    quotas: new RateGate({ table: parts.quotaTable, limits: new RateLimits(systemClock), audit, mounts }),
    help: (call) => help(documentation, call),
    census: {
      leases: () => ledger.census(),
      sweeperLagMillis: async () => Math.max(0, clock.now() - ((await due.next(everyShard, 0)) ?? clock.now())),
      auditQueue: () => audit.queues(),
    },
    close: () => audit.close(),
  };
}

async function clusterId(barrier: Barrier, random: Random): Promise<string> {
  await barrier.commit([{ key: 'core/cluster', value: uuid(random), expect: absent }]);
  return (await barrier.get<string>('core/cluster'))!.value;
}
