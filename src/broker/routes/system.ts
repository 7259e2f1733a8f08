// sys/…: health, seal, mounts, policies and capabilities, with Vault's shapes.
import type { Clock } from '../../base/index.ts';
import type { Access } from '../access.ts';
import { bare, done, enveloped, envelopedTwice, param, tokenOf, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { readFields } from '../fields.ts';
import type { WireValue } from '../http/wire.ts';
import type { Lending } from '../lending.ts';
import { systemMaxTtlSeconds, type Mount, type MountConfig } from '../model.ts';
import { unknownMount, type Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';
import type { Policies } from '../policies.ts';

/** The Vault release whose API this server speaks; clients such as Terraform's provider choose fields by it. */
const vaultVersion = '1.18.0';

export interface SystemParts {
  readonly clock: Clock;
  readonly access: Access;
  readonly mounts: Mounts;
  readonly policies: Policies;
  readonly lending: Lending;
  readonly sealType: string;
  readonly clusterId: string;
  readonly address: () => string;
  readonly startedAt: number;
}

type Names =
  | 'health'
  | 'sealStatus'
  | 'initStatus'
  | 'leader'
  | 'mounts'
  | 'mount'
  | 'mountTune'
  | 'authMethods'
  | 'uiMounts'
  | 'uiMount'
  | 'capabilities'
  | 'policies'
  | 'policy'
  | 'oldPolicies'
  | 'oldPolicy';

export function systemHandlers(parts: SystemParts): Pick<Handlers, Names> {
  return { ...statusHandlers(parts), ...mountHandlers(parts), ...policyHandlers(parts) };
}

function statusHandlers(parts: SystemParts): Pick<Handlers, 'health' | 'sealStatus' | 'initStatus' | 'leader'> {
  const cluster = { cluster_name: 'stint', cluster_id: parts.clusterId };
  return {
    health: async () =>
      bare({
        initialized: true,
        sealed: false,
        standby: false,
        performance_standby: false,
        replication_performance_mode: 'disabled',
        replication_dr_mode: 'disabled',
        server_time_utc: Math.floor(parts.clock.now() / 1000),
        version: vaultVersion,
        enterprise: false,
        ...cluster,
      }),
    sealStatus: async () =>
      bare({
        type: parts.sealType,
        initialized: true,
        sealed: false,
        t: 1,
        n: 1,
        progress: 0,
        nonce: '',
        version: vaultVersion,
        build_date: '',
        migration: false,
        recovery_seal: false,
        storage_type: 'sqlite',
        ...cluster,
      }),
    initStatus: async () => bare({ initialized: true }),
    leader: async () =>
      bare({
        ha_enabled: false,
        is_self: true,
        active_time: new Date(parts.startedAt).toISOString(),
        leader_address: parts.address(),
        leader_cluster_address: '',
        performance_standby: false,
        performance_standby_last_remote_wal: 0,
      }),
  };
}

function mountInfo(mount: Mount): Readonly<Record<string, WireValue>> {
  const { type, description, accessor, id, config } = mount;
  return {
    type,
    description,
    accessor,
    uuid: id,
    local: false,
    seal_wrap: false,
    external_entropy_access: false,
    options: null,
    config: configInfo(config),
    plugin_version: '',
    running_plugin_version: '',
    running_sha256: '',
    deprecation_status: 'supported',
  };
}

function configInfo(config: MountConfig): Readonly<Record<string, WireValue>> {
  return {
    default_lease_ttl: config.defaultTtlSeconds,
    max_lease_ttl: config.maxTtlSeconds,
    force_no_cache: config.forceNoCache,
    ...(config.listingVisibility === '' ? {} : { listing_visibility: config.listingVisibility }),
  };
}

const systemMount = (clusterId: string): Mount => ({
  version: 1,
  path: 'sys',
  type: 'system',
  description: 'system endpoints used for control, policy and debugging',
  accessor: 'system_00000000',
  id: clusterId,
  config: { defaultTtlSeconds: 0, maxTtlSeconds: 0, forceNoCache: false, listingVisibility: '' },
  tainted: false,
});

const tokenMethod = (clusterId: string): Readonly<Record<string, WireValue>> => ({
  ...mountInfo({
    ...systemMount(clusterId),
    type: 'token',
    description: 'token based credentials',
    accessor: 'auth_token_00000000',
  }),
  config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false, token_type: 'default-service' },
});

function mountHandlers(
  parts: SystemParts,
): Pick<Handlers, 'mounts' | 'mount' | 'mountTune' | 'authMethods' | 'uiMounts' | 'uiMount'> {
  const { mounts, access, clusterId } = parts;
  const table = async (): Promise<Record<string, WireValue>> =>
    Object.fromEntries(
      [...(await mounts.list()), systemMount(clusterId)].map((mount) => [`${mount.path}/`, mountInfo(mount)]),
    );
  return {
    mounts: async (call) => envelopedTwice(call, await table()),
    mount: async (call) => {
      const path = param(call, 'path').replace(/\/$/, '');
      if (call.operation === 'update') return enableMount(parts, call, path);
      if (call.operation === 'delete') return disableMount(parts, path);
      return envelopedTwice(call, mountInfo(await existing(mounts, path)));
    },
    mountTune: async (call) => {
      const path = param(call, 'path');
      const mount = await existing(mounts, path);
      if (call.operation === 'update') return tuneMount(parts, call, mount);
      const ttls = { default_lease_ttl: systemMaxTtlSeconds, max_lease_ttl: systemMaxTtlSeconds };
      const { defaultTtlSeconds, maxTtlSeconds } = mount.config;
      return envelopedTwice(call, {
        ...configInfo(mount.config),
        default_lease_ttl: defaultTtlSeconds || ttls.default_lease_ttl,
        max_lease_ttl: maxTtlSeconds || ttls.max_lease_ttl,
        description: mount.description,
      });
    },
    authMethods: async (call) => envelopedTwice(call, { 'token/': tokenMethod(clusterId) }),
    uiMounts: async (call) => {
      const token = tokenOf(call);
      const secret: Record<string, WireValue> = {};
      for (const mount of await mounts.list()) {
        if (await access.mayTouch(token, mount.path)) secret[`${mount.path}/`] = mountInfo(mount);
      }
      return enveloped(call, { data: { secret, auth: { 'token/': tokenMethod(clusterId) } } });
    },
    uiMount: async (call) => {
      const located = await mounts.locate(param(call, 'path'));
      if (located === undefined || !(await access.mayTouch(tokenOf(call), located.mount.path))) {
        throw brokerFailure(
          'permission-denied',
          'preflight capability check returned 403, please ensure client\'s policies grant access to path "' +
            `${param(call, 'path')}/"`,
        );
      }
      return enveloped(call, { data: { ...mountInfo(located.mount), path: `${located.mount.path}/` } });
    },
  };
}

async function existing(mounts: Mounts, path: string): Promise<Mount> {
  const mount = await mounts.get(path);
  if (mount === undefined) throw unknownMount(path);
  return mount;
}

const configFields = {
  default_lease_ttl: 'seconds',
  max_lease_ttl: 'seconds',
  force_no_cache: 'boolean',
  listing_visibility: 'string',
} as const;

function readConfig(body: Readonly<Record<string, unknown>>): Partial<MountConfig> {
  const fields = readFields(configFields, body);
  return {
    ...(fields.default_lease_ttl === undefined ? {} : { defaultTtlSeconds: fields.default_lease_ttl }),
    ...(fields.max_lease_ttl === undefined ? {} : { maxTtlSeconds: fields.max_lease_ttl }),
    ...(fields.force_no_cache === undefined ? {} : { forceNoCache: fields.force_no_cache }),
    ...(fields.listing_visibility === undefined ? {} : { listingVisibility: fields.listing_visibility }),
  };
}

function checkTtls({ defaultTtlSeconds = 0, maxTtlSeconds = 0 }: Partial<MountConfig>): void {
  if (maxTtlSeconds === 0 || defaultTtlSeconds <= maxTtlSeconds) return;
  throw brokerFailure('mount-invalid', 'given default lease TTL greater than given max lease TTL');
}

async function enableMount(parts: SystemParts, call: Call, path: string): Promise<Answer> {
  const { type, description } = readFields({ type: 'string', description: 'string' }, call.body);
  if (type === undefined || type === '')
    throw brokerFailure('mount-invalid', 'backend type must be specified as a string');
  const given = call.body['config'];
  const config = typeof given === 'object' && given !== null ? readConfig({ ...given }) : {};
  checkTtls(config);
  await parts.mounts.enable(path, type, description ?? '', config);
  return done();
}

async function tuneMount(parts: SystemParts, call: Call, mount: Mount): Promise<Answer> {
  const { description } = readFields({ description: 'string' }, call.body);
  await parts.mounts.tune(mount, (before) => {
    const config = { ...before.config, ...readConfig(call.body) };
    checkTtls(config);
    return { ...before, config, description: description ?? before.description };
  });
  return done();
}

async function disableMount({ mounts, lending }: SystemParts, path: string): Promise<Answer> {
  const mount = await mounts.get(path);
  if (mount !== undefined) await lending.disable(mount);
  return done();
}

function policyHandlers(
  parts: SystemParts,
): Pick<Handlers, 'policies' | 'policy' | 'oldPolicies' | 'oldPolicy' | 'capabilities'> {
  const { policies, access } = parts;
  return {
    policies: async (call) => enveloped(call, { data: { keys: await policies.names() } }),
    oldPolicies: async (call) => {
      const names = await policies.names();
      return envelopedTwice(call, { keys: names, policies: names });
    },
    policy: async (call) => {
      if (call.operation !== 'read') return changePolicy(policies, call);
      const name = param(call, 'name');
      return enveloped(call, { data: { name: name.toLowerCase(), policy: await policyText(policies, name) } });
    },
    oldPolicy: async (call) => {
      if (call.operation !== 'read') return changePolicy(policies, call);
      const name = param(call, 'name');
      return envelopedTwice(call, { name: name.toLowerCase(), rules: await policyText(policies, name) });
    },
    capabilities: async (call) => {
      const { paths, path } = readFields({ paths: 'list', path: 'list' }, call.body);
      const asked = paths ?? path ?? [];
      if (asked.length === 0) throw brokerFailure('bad-request', 'paths must be supplied');
      const found = await Promise.all(
        asked.map(async (one) => [one, await access.capabilities(tokenOf(call), one)] as const),
      );
      const data = Object.fromEntries(found) as Record<string, readonly string[]>;
      return envelopedTwice(call, asked.length === 1 ? { ...data, capabilities: found[0]![1] } : data);
    },
  };
}

async function policyText(policies: Policies, name: string): Promise<string> {
  const text = await policies.text(name);
  if (text === undefined) throw brokerFailure('not-found', '');
  return text;
}

async function changePolicy(policies: Policies, call: Call): Promise<Answer> {
  const name = param(call, 'name');
  if (call.operation === 'delete') {
    await policies.delete(name);
    return done();
  }
  const { policy, rules } = readFields({ policy: 'string', rules: 'string' }, call.body);
  const text = policy ?? rules;
  if (text === undefined || text === '') throw brokerFailure('bad-request', "'policy' parameter not supplied or empty");
  await policies.write(name, decodeBase64Policy(text));
  return done();
}

// Vault takes the text plain or in base64; a policy's text always has a character base64 has not.
function decodeBase64Policy(text: string): string {
  return /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) ? Buffer.from(text, 'base64').toString('utf8') : text;
}
