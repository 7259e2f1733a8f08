// sys/mounts, sys/auth and sys/remount: which engines and auth methods serve which paths.
import { uuid, type Random } from '../../base/index.ts';
import type { Access } from '../access.ts';
import { shownLockout } from '../auth/lockout-tuning.ts';
import { done, enveloped, envelopedTwice, param, served, tokenOf, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { readFields, type FieldValues } from '../fields.ts';
import type { WireValue } from '../http/wire.ts';
import type { Lending } from '../lending.ts';
import { systemMaxTtlSeconds, type Mount, type MountConfig } from '../model.ts';
import { isBuiltIn } from '../built-in-mounts.ts';
import { authPrefix, isAuth, unknownMount, type Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';
import { vaultVersion } from './documentation.ts';
import {
  checkTtls,
  checkTunable,
  checkTunedTtls,
  configOf,
  lockoutOf,
  tunedOptions,
  tuneFields,
  type TuneFields,
} from './mount-config.ts';

export interface MountParts {
  readonly mounts: Mounts;
  readonly access: Access;
  readonly lending: Lending;
  readonly random: Random;
}

type Names =
  | 'mounts'
  | 'mount'
  | 'mountTune'
  | 'authMethods'
  | 'authMethod'
  | 'authTune'
  | 'remount'
  | 'remountStatus'
  | 'uiMounts'
  | 'uiMount'
  | 'uiNamespaces';

export function mountHandlers(parts: MountParts): Pick<Handlers, Names> {
  return { ...secretHandlers(parts), ...authHandlers(parts), ...movingHandlers(parts), ...uiHandlers(parts) };
}

const mountFields = {
  path: 'string',
  type: 'string',
  description: 'string',
  config: 'object',
  options: 'map',
  local: 'boolean',
  seal_wrap: 'boolean',
  external_entropy_access: 'boolean',
  plugin_name: 'string',
  plugin_version: 'string',
} as const;

function secretHandlers(parts: MountParts): Pick<Handlers, 'mounts' | 'mount' | 'mountTune'> {
  const { mounts } = parts;
  const table = async (): Promise<Record<string, WireValue>> => {
    const secrets = (await mounts.list()).filter((mount) => !isAuth(mount));
    return tableOf(secrets, '');
  };
  return {
    mounts: served('The mounted secrets engines.', {}, async (call) => envelopedTwice(call, await table())),
    mount: served('A mounted secrets engine.', mountFields, async (call, fields) => {
      const path = mountPath(call);
      if (isAuth({ path }) && call.operation !== 'read') await checkSecret(mounts, call, path);
      return handleMount(parts, call, path, fields);
    }),
    mountTune: served('How a secrets engine is tuned.', tuneFields, async (call, fields) =>
      handleTune(parts, call, mountPath(call), fields),
    ),
  };
}

// SECURITY: auth methods come and go by `sys/auth`, which asks for `sudo`. What is not there may be removed.
async function checkSecret(mounts: Mounts, call: Call, path: string): Promise<void> {
  if (call.operation !== 'delete') throw brokerFailure('mount-invalid', `cannot mount "${path}/"`);
  if ((await mounts.get(path)) !== undefined) throw brokerFailure('mount-invalid', `cannot unmount "${path}/"`);
}

function authHandlers(parts: MountParts): Pick<Handlers, 'authMethods' | 'authMethod' | 'authTune'> {
  const { mounts } = parts;
  return {
    authMethods: served('The mounted auth methods.', {}, async (call) => {
      const methods = (await mounts.list()).filter(isAuth);
      return envelopedTwice(call, tableOf(methods, authPrefix));
    }),
    authMethod: served('A mounted auth method.', mountFields, async (call, fields) =>
      handleMount(parts, call, `${authPrefix}${mountPath(call)}`, fields),
    ),
    authTune: served('How an auth method is tuned.', tuneFields, async (call, fields) =>
      handleTune(parts, call, `${authPrefix}${mountPath(call)}`, fields),
    ),
  };
}

function mountPath(call: Call): string {
  return param(call, 'path').replace(/\/$/, '');
}

function tableOf(mounts: readonly Mount[], prefix: string): Record<string, WireValue> {
  const rows = mounts.map((mount) => [`${mount.path.slice(prefix.length)}/`, mountInfo(mount)] as const);
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A mount as Vault shows it. */
function mountInfo(mount: Mount): Readonly<Record<string, WireValue>> {
  const { type, description, accessor, id, config, options = {}, local = false, sealWrap = false } = mount;
  return {
    type,
    description,
    accessor,
    uuid: id,
    local,
    seal_wrap: sealWrap,
    external_entropy_access: false,
    // As in Vault: what somebody mounted has some, be there none.
    options: Object.keys(options).length === 0 && isBuiltIn(mount.path) ? null : options,
    config: configInfo(config, isAuth(mount)),
    plugin_version: '',
    running_plugin_version: `v${vaultVersion}+builtin.vault`,
    running_sha256: '',
    ...(isBuiltIn(mount.path) ? {} : { deprecation_status: 'supported' }),
  };
}

function configInfo(config: MountConfig, auth: boolean): Readonly<Record<string, WireValue>> {
  return {
    default_lease_ttl: config.defaultTtlSeconds,
    max_lease_ttl: config.maxTtlSeconds,
    force_no_cache: config.forceNoCache,
    ...(auth ? { token_type: config.tokenType || 'default-service' } : {}),
    ...(config.listingVisibility === '' ? {} : { listing_visibility: config.listingVisibility }),
    ...(config.userLockout === undefined ? {} : { user_lockout_config: shownLockout(config.userLockout) }),
    ...listInfo('audit_non_hmac_request_keys', config.auditNonHmacRequestKeys),
    ...listInfo('audit_non_hmac_response_keys', config.auditNonHmacResponseKeys),
    ...listInfo('passthrough_request_headers', config.passthroughRequestHeaders),
    ...listInfo('allowed_response_headers', config.allowedResponseHeaders),
  };
}

function listInfo(name: string, list: readonly string[] | undefined): Readonly<Record<string, WireValue>> {
  return list === undefined || list.length === 0 ? {} : { [name]: list };
}

async function existing({ mounts }: MountParts, path: string): Promise<Mount> {
  const mount = await mounts.get(path);
  if (mount === undefined) throw unknownMount(path);
  return mount;
}

type MountFields = FieldValues<typeof mountFields>;

async function handleMount(parts: MountParts, call: Call, path: string, fields: MountFields): Promise<Answer> {
  if (call.operation === 'update') return enable(parts, path, fields);
  if (call.operation === 'read') return envelopedTwice(call, mountInfo(await existing(parts, path)));
  checkRemovable(path);
  const mount = await parts.mounts.get(path);
  if (mount !== undefined) await parts.lending.disable(mount);
  return done();
}

function checkRemovable(path: string): void {
  if (path === 'auth/token') throw brokerFailure('mount-invalid', 'token credential backend cannot be disabled');
  if (isBuiltIn(path)) throw brokerFailure('mount-invalid', `cannot unmount "${path}/"`);
}

async function enable(parts: MountParts, path: string, fields: MountFields): Promise<Answer> {
  const type = fields.type || fields.plugin_name;
  if (type === undefined || type === '') {
    throw brokerFailure('mount-invalid', 'backend type must be specified as a string');
  }
  const given = readFields(tuneFields, fields.config ?? {});
  const tuned = configOf(given, (which) => {
    const text = which === 'default' ? given.default_lease_ttl : given.max_lease_ttl;
    return `unable to parse ${which} TTL of ${text}: `;
  });
  const config = { ...tuned, ...lockoutOf(type, {}, given) };
  checkTtls(config);
  await parts.mounts.enable(path, type, {
    description: fields.description ?? '',
    config,
    options: fields.options ?? {},
    local: fields.local ?? false,
    sealWrap: fields.seal_wrap ?? false,
  });
  return done();
}

async function handleTune(parts: MountParts, call: Call, path: string, fields: TuneFields): Promise<Answer> {
  const mount = await parts.mounts.get(path);
  if (mount === undefined && call.operation === 'read') {
    throw brokerFailure('mount-unknown', `cannot fetch sysview for path "${path}/"`);
  }
  if (mount === undefined) {
    throw brokerFailure('mount-unknown', `tune of path "${path}/" failed: no mount entry found`);
  }
  if (call.operation === 'read') return envelopedTwice(call, tuneInfo(mount));
  checkTunable(path, call.body);
  await parts.mounts.tune(mount, (before) => {
    const config = { ...before.config, ...configOf(fields), ...lockoutOf(before.type, before.config, fields) };
    checkTunedTtls(config);
    const { description = before.description } = fields;
    return { ...before, config, description, options: tunedOptions(before.options, fields.options) };
  });
  return done();
}

function tuneInfo(mount: Mount): Readonly<Record<string, WireValue>> {
  const { defaultTtlSeconds, maxTtlSeconds, userLockout, ...config } = mount.config;
  return {
    ...configInfo({ ...config, defaultTtlSeconds, maxTtlSeconds }, isAuth(mount)),
    ...(userLockout === undefined ? {} : shownLockout(userLockout)),
    default_lease_ttl: defaultTtlSeconds || systemMaxTtlSeconds,
    max_lease_ttl: maxTtlSeconds || systemMaxTtlSeconds,
    description: mount.description,
    ...(mount.options === undefined || Object.keys(mount.options).length === 0 ? {} : { options: mount.options }),
  };
}

function movingHandlers(parts: MountParts): Pick<Handlers, 'remount' | 'remountStatus'> {
  const { mounts, lending, random } = parts;
  return {
    remount: served(
      'Move a mount to another path; its leases end first.',
      { from: 'string', to: 'string' },
      async (call, { from = '', to = '' }) => {
        const [source, target] = [from, to].map((path) => path.replace(/^\/+|\/+$/g, '')) as [string, string];
        if (source === '' || target === '') {
          throw brokerFailure('mount-invalid', "both 'from' and 'to' path must be specified as a string");
        }
        const mount = await mounts.get(source);
        if (isBuiltIn(source)) throw brokerFailure('mount-invalid', `cannot remount "${source}/"`);
        if (isBuiltIn(target)) throw brokerFailure('mount-invalid', `cannot remount to destination "${target}/"`);
        if (mount === undefined) throw brokerFailure('mount-invalid', `no matching mount at "${source}/"`);
        if (isAuth(mount) !== target.startsWith(authPrefix)) {
          const kinds = isAuth(mount) ? 'auth mount to non-auth mount' : 'secret mount to auth mount';
          throw brokerFailure('mount-invalid', `cannot remount ${kinds} "${target}/"`);
        }
        // Before any lease ends for a move that cannot be made.
        const other = await mounts.inTheWay(target);
        if (other !== undefined) throw brokerFailure('mount-invalid', `path already in use at "${other}/"`);
        const id = uuid(random);
        await lending.move(mount, target);
        await mounts.keepMove(id, { from: source, to: target });
        return envelopedTwice(call, { migration_id: id }, [
          `the mount was moved; ask \`sys/remount/status/${id}\` for the record of it`,
        ]);
      },
    ),
    remountStatus: served(
      'How a move of a mount went.',
      { migration_id: 'string' },
      async (call, { migration_id: id = '' }) => {
        const move = await mounts.moveOf(id);
        if (move === undefined) throw brokerFailure('not-found', '');
        const info = { source_mount: `${move.from}/`, target_mount: `${move.to}/`, status: 'success' };
        return envelopedTwice(call, { migration_id: id, migration_info: info });
      },
    ),
  };
}

function uiHandlers(parts: MountParts): Pick<Handlers, 'uiMounts' | 'uiMount' | 'uiNamespaces'> {
  const { mounts, access } = parts;
  return {
    uiMounts: served('The mounts a caller may see.', {}, async (call) => {
      const token = await access.tokenOf(call.tokenId, call.remoteAddress);
      const seen: Mount[] = [];
      for (const mount of await mounts.list()) {
        const may = token !== undefined && (await access.mayTouch(token, mount.path));
        if (may || mount.config.listingVisibility === 'unauth') seen.push(mount);
      }
      const auth = tableOf(seen.filter(isAuth), authPrefix);
      const secret = tableOf(
        seen.filter((mount) => !isAuth(mount)),
        '',
      );
      return enveloped(call, { data: token === undefined ? publicTables(auth, secret) : { auth, secret } });
    }),
    uiMount: served('A mount a caller may see.', { path: 'string' }, async (call) => {
      const path = mountPath(call);
      const mount = await mounts.containing(path);
      if (mount === undefined || !(await access.mayTouch(tokenOf(call), mount.path))) {
        throw brokerFailure(
          'permission-denied',
          `preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`,
        );
      }
      const shown = isAuth(mount) ? mount.path.slice(authPrefix.length) : mount.path;
      return enveloped(call, { data: { ...mountInfo(mount), path: `${shown}/` } });
    }),
    uiNamespaces: served('The namespaces: there are none.', {}, async (call) =>
      enveloped(call, { data: { keys: [''] } }),
    ),
  };
}

/** What a caller without a token may see of a mount: enough to log in. */
function publicTables(
  auth: Readonly<Record<string, WireValue>>,
  secret: Readonly<Record<string, WireValue>>,
): Readonly<Record<string, WireValue>> {
  const shown = (table: Readonly<Record<string, WireValue>>): WireValue =>
    Object.fromEntries(
      Object.entries(table).map(([path, info]) => {
        const { type, description, options } = info as Readonly<Record<string, WireValue>>;
        return [path, { type: type!, description: description!, options: options! }];
      }),
    );
  return { auth: shown(auth), secret: shown(secret) };
}
