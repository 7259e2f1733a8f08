// What runs behind an open barrier, wired: pipeline parts, engines, leases, tokens and the sweeper.
import { systemClock, uuid, type AdjustableClock, type Random, type Secret } from '../base/index.ts';
import { Access } from './access.ts';
import { Audit, type DevicePlan } from './audit/audit.ts';
import type { AuditDevice } from './audit/fanout.ts';
import type { SinkPlaces } from './audit/sinks.ts';
import type { Barrier } from './barrier.ts';
import { catalogOf } from './catalog.ts';
import { Cubbyholes } from './cubbyholes.ts';
import { keepClock } from './development.ts';
import type { AwsWatch } from './engines/aws/watch.ts';
import { DueTimes, shards as everyShard } from './due.ts';
import { Identity } from './identity/identity.ts';
import { Ledger } from './ledger.ts';
import { Lending } from './lending.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Log } from './log.ts';
import type { Census } from './metrics/metrics.ts';
import { Logins } from './logins.ts';
import { Mounts } from './mounts.ts';
import type { Handlers, OpenParts, SealedHandlers } from './pipeline.ts';
import { Policies } from './policies.ts';
import { auditHandlers } from './routes/audit.ts';
import { cubbyholeHandlers } from './routes/cubbyhole.ts';
import { documentationHandlers, help, type DocumentationParts } from './routes/documentation.ts';
import { capabilityHandlers } from './routes/capabilities.ts';
import { makeRootToken } from './root-token.ts';
import { engineHandler } from './routes/engine.ts';
import { groupHandlers } from './routes/identity-groups.ts';
import { identityHandlers } from './routes/identity.ts';
import { leaseCallHandlers } from './routes/lease-calls.ts';
import { leaseCareHandlers } from './routes/lease-care.ts';
import { generateRootHandlers } from './routes/generate-root.ts';
import { keyHandlers } from './routes/keys.ts';
import { leaseHandlers } from './routes/leases.ts';
import { lockedUserHandlers } from './routes/locked-users.ts';
import { mountHandlers } from './routes/mounts.ts';
import { nodeHandlers, noteVersion } from './routes/node.ts';
import { policyHandlers } from './routes/policies.ts';
import { quotaHandlers } from './routes/quotas.ts';
import { tokenRoleHandlers } from './routes/token-roles.ts';
import { rekeyHandlers } from './routes/rekey.ts';
import { sealHandlers } from './routes/seal.ts';
import { snapshotHandlers } from './routes/snapshot.ts';
import { tokenHandlers } from './routes/tokens.ts';
import { Settling } from './settling.ts';
import { ShardHolds } from './shards.ts';
import { toolHandlers } from './routes/tools.ts';
import { wrappingHandlers } from './routes/wrapping.ts';
import { LeaseCounts } from './quotas/lease-counts.ts';
import { LeaseSlots } from './quotas/lease-slots.ts';
import { RateGate } from './quotas/rate-gate.ts';
import { RateLimits } from './quotas/rate-limits.ts';
import { QuotaTable } from './quotas/table.ts';
import type { SealKeys } from './seal/keys.ts';
import { RootCeremony } from './seal/root-ceremony.ts';
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

/** Starts everything; takes up what an earlier process left undone. */
export async function openServices(options: ServiceOptions, barrier: Barrier, keys: SealKeys): Promise<Services> {
  const { clock, random, log } = options;
  const onDue = (at: number): void => sweeper.notice(at);
  const mounts = new Mounts(barrier, random, catalogOf(options), onDue);
  const quotaTable = new QuotaTable(barrier, systemClock);
  const slots = new LeaseSlots({ barrier, table: quotaTable, random, wallClock: systemClock });
  const tokens = new Tokens(barrier, clock, random, onDue, slots);
  const tokenRoles = new TokenRoles(barrier);
  const policies = new Policies(barrier, clock);
  await policies.ensureDefault();
  const identity = new Identity({ barrier, clock, random });
  const access = new Access({ tokens, policies, clock, caller: (id) => identity.caller(id) });
  const node = uuid(random);
  const ledger = new Ledger(barrier, clock, node, onDue, options.keepEndedMillis);
  const settling = new Settling({ ledger, mounts, clock, log });
  const lending = new Lending({ ledger, settling, mounts, tokens, slots, clock, random, log });
  const cubbyholes = new Cubbyholes(barrier, tokens);
  const wrapping = new Wrapping({ tokens, cubbyholes, lending, clock });
  const due = new DueTimes(barrier);
  await due.upgrade();
  const shards = new ShardHolds(barrier, clock, node);
  const alone = barrier.exclusive;
  const sweeper = new Sweeper({ due, shards, ledger, settling, lending, mounts, tokens, clock, log, alone });
  const logins = new Logins({ tokens, identity, lending });
  const counts = new LeaseCounts({ slots, ledger, tokens });
  const tidy = new Tidy({ barrier, tokens, ledger, lending, log });
  const cluster = await clusterId(barrier, random);
  const documentation: DocumentationParts = {
    mounts,
    access,
    served: () => ({ ...options.sealedHandlers, ...handlers }),
  };
  await mounts.ensureBuiltIns();
  const { devices, configured, places } = options.audit;
  const audit = await Audit.open({ barrier, clock, wallClock: systemClock, random, log, devices, places }, configured);
  const nodeParts = { barrier, clock, lifecycle: options.lifecycle };
  await noteVersion(nodeParts);
  const makeToken = (): Promise<Secret> => makeRootToken(tokens);
  const handlers: Handlers = {
    ...auditHandlers({ audit }),
    ...sealHandlers(options.lifecycle),
    ...keyHandlers(barrier, keys),
    ...rekeyHandlers({ barrier, keys, random }),
    ...generateRootHandlers(new RootCeremony({ barrier, keys, random, makeToken }), random),
    ...nodeHandlers(nodeParts),
    ...snapshotHandlers({ store: options.store, clock, random, barrier, keys, clusterId: cluster }, options.lifecycle),
    ...mountHandlers({ mounts, access, lending, random }),
    ...lockedUserHandlers({ mounts, clock }),
    ...policyHandlers({ policies, barrier, clock, random }),
    ...capabilityHandlers({ access, tokens }),
    ...identityHandlers({ identity, mounts }),
    ...groupHandlers({ identity, mounts }),
    ...leaseCallHandlers({ ledger, lending, tokens, clock, wake: () => sweeper.wake() }),
    ...leaseCareHandlers({ ledger, mounts, tidy }),
    ...leaseHandlers({
      ledger,
      clock,
      keepClock: options.dev ? () => keepClock(barrier, clock, systemClock) : undefined,
    }),
    ...tokenHandlers({ tokens, roles: tokenRoles, policies, access, mounts, identity, lending, clock }),
    ...tokenRoleHandlers({ roles: tokenRoles }),
    ...cubbyholeHandlers(cubbyholes),
    ...wrappingHandlers(wrapping),
    ...toolHandlers(random),
    ...quotaHandlers({ table: quotaTable, counts, mounts, random }),
    ...documentationHandlers(documentation),
    engine: engineHandler({ mounts, lending, logins }),
  };
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
    mounts,
    handlers,
    wrapping,
    quotas: new RateGate({ table: quotaTable, limits: new RateLimits(systemClock), audit, mounts }),
    help: (call) => help(documentation, call),
    barrier,
    tokens,
    clusterId: cluster,
    census: {
      leases: () => ledger.census(),
      sweeperLagMillis: async () => Math.max(0, clock.now() - ((await due.next(everyShard, 0)) ?? clock.now())),
      auditQueue: () => audit.queues(),
    },
    stop,
    close: () => audit.close(),
  };
}

async function clusterId(barrier: Barrier, random: Random): Promise<string> {
  await barrier.commit([{ key: 'core/cluster', value: uuid(random), expect: absent }]);
  return (await barrier.get<string>('core/cluster'))!.value;
}
