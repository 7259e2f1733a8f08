// Which part of the server answers which route of routes/table.ts, while it is unsealed.
import { systemClock, type Secret } from '../base/index.ts';
import type { Audit } from './audit/audit.ts';
import type { Barrier } from './barrier.ts';
import { keepClock } from './development.ts';
import type { Handlers } from './pipeline.ts';
import { makeRootToken } from './root-token.ts';
import { auditHandlers } from './routes/audit.ts';
import { cubbyholeHandlers } from './routes/cubbyhole.ts';
import { documentationHandlers, type DocumentationParts } from './routes/documentation.ts';
import { capabilityHandlers } from './routes/capabilities.ts';
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
import { nodeHandlers } from './routes/node.ts';
import { policyHandlers } from './routes/policies.ts';
import { quotaHandlers } from './routes/quotas.ts';
import { tokenRoleHandlers } from './routes/token-roles.ts';
import { rekeyHandlers } from './routes/rekey.ts';
import { sealHandlers } from './routes/seal.ts';
import { snapshotHandlers } from './routes/snapshot.ts';
import { tokenHandlers } from './routes/tokens.ts';
import { toolHandlers } from './routes/tools.ts';
import { wrappingHandlers } from './routes/wrapping.ts';
import type { SealKeys } from './seal/keys.ts';
import { RootCeremony } from './seal/root-ceremony.ts';
import type { Parts, ServiceOptions } from './services.ts';

export interface HandlerParts {
  readonly options: ServiceOptions;
  readonly parts: Parts;
  readonly barrier: Barrier;
  readonly keys: SealKeys;
  readonly audit: Audit;
  readonly clusterId: string;
}

/** The handlers of every route that needs an open barrier, and what their documentation is made of. */
export function openHandlers(all: HandlerParts): {
  readonly handlers: Handlers;
  readonly documentation: DocumentationParts;
} {
  const { mounts, access } = all.parts;
  const documentation: DocumentationParts = {
    mounts,
    access,
    served: () => ({ ...all.options.sealedHandlers, ...handlers }),
  };
  const handlers: Handlers = {
    ...operating(all),
    ...authorizing(all.parts, all),
    ...lendingHandlers(all.parts, all),
    ...documentationHandlers(documentation),
  };
  return { handlers, documentation };
}

/** The node itself: seal, keys, snapshots, audit. */
function operating({ options, parts, barrier, keys, audit, clusterId }: HandlerParts) {
  const { lifecycle, store, clock, random } = options;
  const makeToken = (): Promise<Secret> => makeRootToken(parts.tokens);
  return {
    ...auditHandlers({ audit }),
    ...sealHandlers(lifecycle),
    ...keyHandlers(barrier, keys),
    ...rekeyHandlers({ barrier, keys, random }),
    ...generateRootHandlers(new RootCeremony({ barrier, keys, random, makeToken }), random),
    ...nodeHandlers({ barrier, clock, lifecycle }),
    ...snapshotHandlers({ store, clock, random, barrier, keys, clusterId }, lifecycle),
  };
}

/** Who may do what: mounts, policies, identity, tokens. */
function authorizing(parts: Parts, { options, barrier }: HandlerParts) {
  const { mounts, access, lending, policies, tokens, identity, tokenRoles } = parts;
  const { clock, random } = options;
  return {
    ...mountHandlers({ mounts, access, lending, random }),
    ...lockedUserHandlers({ mounts, clock }),
    ...policyHandlers({ policies, barrier, clock, random }),
    ...capabilityHandlers({ access, tokens }),
    ...identityHandlers({ identity, mounts }),
    ...groupHandlers({ identity, mounts }),
    ...tokenHandlers({ tokens, roles: tokenRoles, policies, access, mounts, identity, lending, clock }),
    ...tokenRoleHandlers({ roles: tokenRoles }),
  };
}

/** Leases, and what else is kept or handed out. */
function lendingHandlers(parts: Parts, { options, barrier }: HandlerParts) {
  const { ledger, lending, tokens, sweeper, mounts, tidy, cubbyholes, wrapping, quotaTable, counts, logins } = parts;
  const { clock, random, dev } = options;
  return {
    ...leaseCallHandlers({ ledger, lending, tokens, clock, wake: () => sweeper.wake() }),
    ...leaseCareHandlers({ ledger, mounts, tidy }),
    ...leaseHandlers({ ledger, clock, keepClock: dev ? () => keepClock(barrier, clock, systemClock) : undefined }),
    ...cubbyholeHandlers(cubbyholes),
    ...wrappingHandlers(wrapping),
    ...toolHandlers(random),
    ...quotaHandlers({ table: quotaTable, counts, mounts, random }),
    engine: engineHandler({ mounts, lending, logins }),
  };
}
