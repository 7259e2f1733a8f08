// Every route of the broker with every check it passes, in one table. A route that does not say yes or
// no to each check does not compile. pipeline.ts runs the checks from left to right; the first refusal answers.
import type { Operation } from '../model.ts';

const yes = true;
const no_ = false;

export interface Route {
  readonly operations: readonly Operation[];
  /** `:name` is one segment, `:name*` the non-empty rest. */
  readonly pattern: string;
  readonly checks: Checks;
}

/**
 * host and origin · rate · the server is unsealed · a token that lives · its policies allow it · with
 * `sudo` · recorded by audit. Paths of engines and auth methods say themselves whether they need a token.
 */
export type Checks = readonly [
  host: boolean,
  rate: boolean,
  unsealed: boolean,
  token: boolean,
  acl: boolean,
  sudo: boolean,
  audit: boolean,
];

function on<const C extends Checks>(operations: string, pattern: string, checks: C): Route & { readonly checks: C } {
  return { operations: operations.split(' ') as Operation[], pattern, checks };
}

/* oxfmt-ignore */
export const routes = {
  //                                                                    host  rate  open  token acl   sudo  audit
  // How the server is, and how it is opened.
  health:          on('read', 'sys/health',                            [yes,  yes,  no_,  no_,  no_,  no_,  no_]),
  sealStatus:      on('read', 'sys/seal-status',                       [yes,  yes,  no_,  no_,  no_,  no_,  no_]),
  init:            on('read update', 'sys/init',                       [yes,  yes,  no_,  no_,  no_,  no_,  no_]),
  unseal:          on('update', 'sys/unseal',                          [yes,  yes,  no_,  no_,  no_,  no_,  no_]),
  leader:          on('read', 'sys/leader',                            [yes,  yes,  no_,  no_,  no_,  no_,  no_]),

  // Closing it, its keys, and what holders of shares do together.
  seal:            on('update', 'sys/seal',                             [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  stepDown:        on('update', 'sys/step-down',                        [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  keyStatus:       on('read', 'sys/key-status',                         [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotate:          on('update', 'sys/rotate',                           [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  rotateKeyring:   on('update', 'sys/rotate/keyring',                   [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  rotateConfig:    on('read update', 'sys/rotate/config',               [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateKeyringConfig:on('read update', 'sys/rotate/keyring/config',    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRoot:      on('update', 'sys/rotate/root',                      [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  rekeyInit:       on('read update delete', 'sys/rekey/init',           [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  rekeyUpdate:     on('update', 'sys/rekey/update',                     [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  rekeyVerify:     on('read update delete', 'sys/rekey/verify',         [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  rekeyBackup:     on('read delete', 'sys/rekey/backup',                [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  recoveryInit:    on('read update delete', 'sys/rekey-recovery-key/init', [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  recoveryUpdate:  on('update', 'sys/rekey-recovery-key/update',        [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  recoveryVerify:  on('read update delete', 'sys/rekey-recovery-key/verify', [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  recoveryBackup:  on('read delete', 'sys/rekey/recovery-key-backup',   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRootInit:  on('read update delete', 'sys/rotate/root/init',     [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRootUpdate:on('update', 'sys/rotate/root/update',               [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRootVerify:on('read update delete', 'sys/rotate/root/verify',   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRootBackup:on('read delete', 'sys/rotate/root/backup',          [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRecoveryInit:on('read update delete', 'sys/rotate/recovery/init', [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRecoveryUpdate:on('update', 'sys/rotate/recovery/update',       [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRecoveryVerify:on('read update delete', 'sys/rotate/recovery/verify', [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rotateRecoveryBackup:on('read delete', 'sys/rotate/recovery/backup',  [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  generateRoot:    on('read update delete', 'sys/generate-root/attempt', [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  generateRootUpdate:on('update', 'sys/generate-root/update',           [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  rootToken:       on('read update delete', 'sys/generate-root-token/attempt', [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rootTokenUpdate: on('update', 'sys/generate-root-token/update',       [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  decodeToken:     on('update', 'sys/decode-token',                     [yes,  yes,  yes,  no_,  no_,  no_,  yes]),

  // The process and its machine.
  haStatus:        on('read', 'sys/ha-status',                          [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  versionHistory:  on('list', 'sys/version-history',                    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  hostInfo:        on('read', 'sys/host-info',                          [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  inFlight:        on('read', 'sys/in-flight-req',                      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),

  // Copies of everything, as Vault's raft storage has them.
  snapshot:        on('read update', 'sys/storage/raft/snapshot',       [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  snapshotForce:   on('update', 'sys/storage/raft/snapshot-force',      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),

  // Mounts of engines and auth methods.
  mounts:          on('read', 'sys/mounts',                            [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  mountTune:       on('read update', 'sys/mounts/:path*/tune',         [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  mount:           on('read update delete', 'sys/mounts/:path*',       [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  authMethods:     on('read', 'sys/auth',                              [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  authTune:        on('read update', 'sys/auth/:path*/tune',           [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  authMethod:      on('read update delete', 'sys/auth/:path*',         [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  remount:         on('update', 'sys/remount',                         [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  remountStatus:   on('read', 'sys/remount/status/:migration_id',      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  uiMounts:        on('read', 'sys/internal/ui/mounts',                [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  uiMount:         on('read', 'sys/internal/ui/mounts/:path*',         [yes,  yes,  yes,  yes,  no_,  no_,  yes]),
  uiNamespaces:    on('read', 'sys/internal/ui/namespaces',            [yes,  yes,  yes,  yes,  no_,  no_,  yes]),
  openapi:         on('read update', 'sys/internal/specs/openapi',     [yes,  yes,  yes,  no_,  no_,  no_,  no_]),

  // Who is locked out of an auth method.
  lockedUsers:     on('read', 'sys/locked-users',                      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  unlockUser:      on('update', 'sys/locked-users/:mount_accessor/unlock/:alias_identifier*',
                                                                       [yes,  yes,  yes,  yes,  yes,  no_,  yes]),

  // Policies and what they allow.
  capabilities:    on('update', 'sys/capabilities',                    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  capabilitiesSelf: on('update', 'sys/capabilities-self',              [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  capabilitiesName: on('update', 'sys/capabilities-accessor',          [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  resultantAcl:    on('read', 'sys/internal/ui/resultant-acl',         [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  policies:        on('list', 'sys/policies/acl',                      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  policy:          on('read update patch delete list', 'sys/policies/acl/:name*', [yes, yes, yes, yes, yes, no_, yes]),
  policyDetails:   on('list', 'sys/policies/detailed/acl',             [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  policyDetail:    on('list', 'sys/policies/detailed/acl/:name*',      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  oldPolicies:     on('read list', 'sys/policy',                       [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  oldPolicy:       on('read update delete', 'sys/policy/:name*',       [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  passwordPolicies: on('list', 'sys/policies/password',                [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  passwordGenerate: on('read', 'sys/policies/password/:name*/generate', [yes, yes,  yes,  yes,  yes,  no_,  yes]),
  passwordPolicy:  on('read update delete', 'sys/policies/password/:name*', [yes, yes, yes, yes, yes, no_,  yes]),

  // Identities.
  entityWrite:     on('update', 'identity/entity',                     [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  entityMerge:     on('update', 'identity/entity/merge',               [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  entityDelete:    on('update', 'identity/entity/batch-delete',        [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  entityIds:       on('list', 'identity/entity/id',                    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  entityNames:     on('list', 'identity/entity/name',                  [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  entityById:      on('read update delete', 'identity/entity/id/:id',  [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  entityByName:    on('read update delete', 'identity/entity/name/:name*',[yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  aliasWrite:      on('update', 'identity/entity-alias',               [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  aliasIds:        on('list', 'identity/entity-alias/id',              [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  aliasById:       on('read update delete', 'identity/entity-alias/id/:id',[yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupWrite:      on('update', 'identity/group',                      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupIds:        on('list', 'identity/group/id',                     [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupNames:      on('list', 'identity/group/name',                   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupById:       on('read update delete', 'identity/group/id/:id',   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupByName:     on('read update delete', 'identity/group/name/:name*',[yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupAliasWrite: on('update', 'identity/group-alias',                [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupAliasIds:   on('list', 'identity/group-alias/id',               [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupAliasById:  on('read update delete', 'identity/group-alias/id/:id',[yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  entityLookup:    on('update', 'identity/lookup/entity',              [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  groupLookup:     on('update', 'identity/lookup/group',               [yes,  yes,  yes,  yes,  yes,  no_,  yes]),

  // Leases.
  leaseLookup:     on('update', 'sys/leases/lookup',                   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  leaseListAll:    on('list', 'sys/leases/lookup',                     [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  leaseList:       on('list', 'sys/leases/lookup/:prefix*',            [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  leaseRenew:      on('update', 'sys/leases/renew',                    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  leaseRenewId:    on('update', 'sys/leases/renew/:url_lease_id*',     [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  leaseRevoke:     on('update', 'sys/leases/revoke',                   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  leaseRevokeId:   on('update', 'sys/leases/revoke/:url_lease_id*',    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  leaseRevokeAll:  on('update', 'sys/leases/revoke-prefix/:prefix*',   [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  leaseForceAll:   on('update', 'sys/leases/revoke-force/:prefix*',    [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  leaseStuck:      on('read', 'sys/leases',                            [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  leaseCount:      on('read', 'sys/leases/count',                      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  leaseTidy:       on('update', 'sys/leases/tidy',                     [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  oldRenew:        on('update', 'sys/renew',                           [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  oldRenewId:      on('update', 'sys/renew/:url_lease_id*',            [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  oldRevoke:       on('update', 'sys/revoke',                          [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  oldRevokeId:     on('update', 'sys/revoke/:url_lease_id*',           [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  oldRevokeAll:    on('update', 'sys/revoke-prefix/:prefix*',          [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  oldForceAll:     on('update', 'sys/revoke-force/:prefix*',           [yes,  yes,  yes,  yes,  yes,  yes,  yes]),

  // Tokens.
  tokenCreate:     on('update', 'auth/token/create',                   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenOrphan:     on('update', 'auth/token/create-orphan',            [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenCreateRole: on('update', 'auth/token/create/:role_name',        [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenLookup:     on('read update', 'auth/token/lookup',                 [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenLookupSelf: on('read update', 'auth/token/lookup-self',         [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenLookupName: on('update', 'auth/token/lookup-accessor',          [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRenew:      on('update', 'auth/token/renew',                    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRenewSelf:  on('update', 'auth/token/renew-self',               [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRenewName:  on('update', 'auth/token/renew-accessor',           [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenAccessors:  on('list', 'auth/token/accessors',                  [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  tokenRevoke:     on('update', 'auth/token/revoke',                   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRevokeSelf: on('update', 'auth/token/revoke-self',              [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRevokeName: on('update', 'auth/token/revoke-accessor',          [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRevokeOrphan: on('update', 'auth/token/revoke-orphan',          [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenTidy:       on('update', 'auth/token/tidy',                     [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRoles:      on('list', 'auth/token/roles',                      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRole:       on('read update delete', 'auth/token/roles/:role_name', [yes, yes, yes, yes, yes, no_, yes]),

  // Audit.
  audits:          on('read', 'sys/audit',                             [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  audit:           on('update delete', 'sys/audit/:path*',             [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  auditHash:       on('update', 'sys/audit-hash/:path*',               [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  auditHeaders:    on('read', 'sys/config/auditing/request-headers',   [yes,  yes,  yes,  yes,  yes,  yes,  yes]),
  auditHeader:     on('read update delete', 'sys/config/auditing/request-headers/:header*', [yes, yes, yes, yes, yes, yes, yes]),
  auditStates:     on('read', 'stint/audit',                           [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  auditHead:       on('read', 'stint/audit/:path*',                    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),

  // What a token keeps for itself, wrapping, and tools.
  cubbyholeList:   on('list', 'cubbyhole',                             [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  cubbyhole:       on('read list update delete', 'cubbyhole/:path*',   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  wrap:            on('update', 'sys/wrapping/wrap',                   [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  unwrap:          on('update', 'sys/wrapping/unwrap',                 [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rewrap:          on('update', 'sys/wrapping/rewrap',                 [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  random:          on('update', 'sys/tools/random',                    [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  randomFrom:      on('update', 'sys/tools/random/:source',            [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  randomBytes:     on('update', 'sys/tools/random/:source/:urlbytes',  [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  hash:            on('update', 'sys/tools/hash',                      [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  hashWith:        on('update', 'sys/tools/hash/:urlalgorithm',        [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  wrappingLookup:  on('read update', 'sys/wrapping/lookup',            [yes,  yes,  yes,  no_,  no_,  no_,  yes]),
  // Numbers. The handler asks for a token unless the configuration says otherwise.
  metrics:         on('read', 'sys/metrics',                           [yes,  yes,  no_,  no_,  no_,  no_,  no_]),

  // Quotas.
  quotaConfig:     on('read update', 'sys/quotas/config',              [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rateQuotas:      on('list', 'sys/quotas/rate-limit',                 [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  rateQuota:       on('read update delete', 'sys/quotas/rate-limit/:name', [yes, yes, yes, yes, yes, no_, yes]),
  leaseQuotas:     on('list', 'sys/quotas/lease-count',                [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  leaseQuota:      on('read update delete', 'sys/quotas/lease-count/:name', [yes, yes, yes, yes, yes, no_, yes]),

  // Stint's own.
  stintLeases:     on('read list', 'stint/leases',                     [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  stintLeasesBelow: on('read', 'stint/leases/:prefix*',                [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
  devClock:        on('update', 'stint/dev/clock',                     [yes,  yes,  yes,  yes,  yes,  yes,  yes]),

  // Whatever no row above serves: a path of a mounted engine or auth method.
  engine:          on('read list update patch delete', ':path*',       [yes,  yes,  yes,  yes,  yes,  no_,  yes]),
} as const satisfies Readonly<Record<string, Route>>;

export type RouteName = keyof typeof routes;

/** Routes that are served whether the server is sealed or not. */
export type SealedRouteName = {
  [Name in RouteName]: (typeof routes)[Name]['checks'][2] extends false ? Name : never;
}[RouteName];

/** The names and sources of a route's pattern, for matching and for the documentation. */
export function patternOf(pattern: string): RegExp {
  const segments = pattern.split('/').map((segment) => {
    if (!segment.startsWith(':')) return segment;
    return segment.endsWith('*') ? `(?<${segment.slice(1, -1)}>.+)` : `(?<${segment.slice(1)}>[^/]+)`;
  });
  return new RegExp(`^${segments.join('/')}$`, 's');
}
