// sys/quotas/…: rules for how often addresses may ask and how many leases there may be, with Vault's
// shapes and texts.
import { uuid, type Random } from '../../base/index.ts';
import { done, enveloped, param, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { severalErrors } from '../go-errors.ts';
import type { WireValue } from '../http/wire.ts';
import { authPrefix } from '../mounts.ts';
import type { Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';
import type { LeaseCounts } from '../quotas/lease-counts.ts';
import { shownPath, type LeaseQuota, type Quota, type QuotaPlace, type RateQuota } from '../quotas/quota.ts';
import type { QuotaTable } from '../quotas/table.ts';

export interface QuotaParts {
  readonly table: QuotaTable;
  readonly counts: LeaseCounts;
  readonly mounts: Pick<Mounts, 'list'>;
  readonly random: Random;
}

type Names = 'quotaConfig' | 'rateQuotas' | 'rateQuota' | 'leaseQuotas' | 'leaseQuota';

const placeFields = { name: 'string', type: 'string', path: 'string', role: 'string', inheritable: 'boolean' } as const;
const rateFields = { ...placeFields, rate: 'float', interval: 'seconds', block_interval: 'seconds' } as const;
const leaseFields = { ...placeFields, max_leases: 'int' } as const;

/** Methods whose logins name a role, or a user, which is as good. */
const methodsWithRoles = ['approle', 'aws', 'jwt', 'oidc', 'userpass'];
const namePattern = /^\w(?:[\w.-]*\w)?$/;

export function quotaHandlers(parts: QuotaParts): Pick<Handlers, Names> {
  return { ...configHandler(parts), ...rateHandlers(parts), ...leaseHandlers(parts) };
}

function configHandler({ table }: QuotaParts): Pick<Handlers, 'quotaConfig'> {
  const fields = {
    rate_limit_exempt_paths: 'list',
    enable_rate_limit_audit_logging: 'boolean',
    enable_rate_limit_response_headers: 'boolean',
  } as const;
  return {
    quotaConfig: served('What holds for all rate limits.', fields, async (call, values) => {
      if (call.operation === 'read') {
        const { settings } = await table.all();
        return enveloped(call, {
          data: {
            enable_rate_limit_audit_logging: settings.auditRejections,
            enable_rate_limit_response_headers: settings.responseHeaders,
            rate_limit_exempt_paths: settings.exemptPaths,
          },
        });
      }
      await table.setSettings({
        exemptPaths: values.rate_limit_exempt_paths ?? [],
        auditRejections: values.enable_rate_limit_audit_logging ?? false,
        responseHeaders: values.enable_rate_limit_response_headers ?? false,
      });
      return done();
    }),
  };
}

function rateHandlers(parts: QuotaParts): Pick<Handlers, 'rateQuotas' | 'rateQuota'> {
  const { table } = parts;
  return {
    rateQuotas: served('List the rate limits.', {}, async (call) => listed(call, await table.names('rate-limit'))),
    rateQuota: served('How often an address may ask.', rateFields, async (call, fields) => {
      const name = nameOf(call);
      if (call.operation === 'read') return shown(call, await table.get<RateQuota>('rate-limit', name), rateData);
      if (call.operation === 'delete') {
        await table.delete('rate-limit', name);
        return done();
      }
      const { rate = 0, interval = 0, block_interval: blockSeconds = 0 } = fields;
      if (!(rate > 0)) throw refusal("'rate' is invalid");
      const place = await placeOf(parts, fields.path ?? '', fields.role ?? '');
      await checkUnique((await table.all()).rates, name, place);
      const inheritable = fields.inheritable ?? place.mountPath === '';
      await table.change<RateQuota>('rate-limit', name, (before) => ({
        ...base(parts, name, before, place, inheritable),
        kind: 'rate-limit',
        rate,
        intervalSeconds: interval || 1,
        blockSeconds,
      }));
      return done();
    }),
  };
}

function leaseHandlers(parts: QuotaParts): Pick<Handlers, 'leaseQuotas' | 'leaseQuota'> {
  const { table, counts } = parts;
  return {
    leaseQuotas: served('List the limits of leases.', {}, async (call) =>
      listed(call, await table.names('lease-count')),
    ),
    leaseQuota: served('How many leases there may be.', leaseFields, async (call, fields) => {
      const name = nameOf(call);
      const before = await table.get<LeaseQuota>('lease-count', name);
      if (call.operation === 'read') {
        const counter = before === undefined ? 0 : await counts.count(before);
        return shown(call, before, (quota) => leaseData(quota, counter));
      }
      if (call.operation === 'delete') {
        await table.delete('lease-count', name);
        if (before !== undefined) await counts.forget(before);
        return done();
      }
      const { max_leases: maxLeases = 0 } = fields;
      if (maxLeases < 1) throw refusal("'max_leases' is invalid");
      const place = await placeOf(parts, fields.path ?? '', fields.role ?? '');
      await checkUnique((await table.all()).leases, name, place);
      const inheritable = fields.inheritable ?? place.mountPath === '';
      const quota = await table.change<LeaseQuota>('lease-count', name, (held) => ({
        ...base(parts, name, held, place, inheritable),
        kind: 'lease-count',
        maxLeases,
      }));
      await counts.countPresent(quota);
      return done();
    }),
  };
}

function nameOf(call: Call): string {
  const name = param(call, 'name');
  if (namePattern.test(name)) return name;
  throw brokerFailure('no-route', severalErrors('unsupported path'));
}

function listed(call: Call, keys: readonly string[]): Answer {
  if (keys.length === 0) throw brokerFailure('not-found', '');
  return enveloped(call, { data: { keys } });
}

function shown<Q>(call: Call, quota: Q | undefined, data: (quota: Q) => Readonly<Record<string, WireValue>>): Answer {
  if (quota === undefined) throw brokerFailure('not-found', '');
  return enveloped(call, { data: data(quota) });
}

function base(
  { random }: QuotaParts,
  name: string,
  before: Quota | undefined,
  place: QuotaPlace,
  inheritable: boolean,
) {
  return { version: 1, id: before?.id ?? uuid(random), name, ...place, inheritable } as const;
}

function placeData(quota: Quota): Readonly<Record<string, WireValue>> {
  const { kind: type, name, role, inheritable } = quota;
  return { type, name, path: shownPath(quota), role, inheritable };
}

function rateData(quota: RateQuota): Readonly<Record<string, WireValue>> {
  const { rate, intervalSeconds: interval, blockSeconds: block_interval } = quota;
  return { ...placeData(quota), rate, interval, block_interval };
}

function leaseData(quota: LeaseQuota, counter: number): Readonly<Record<string, WireValue>> {
  return { ...placeData(quota), max_leases: quota.maxLeases, counter };
}

/** Splits a path into the mount's and what follows. @throws Failure `bad-request` in Vault's words. */
async function placeOf({ mounts }: QuotaParts, given: string, role: string): Promise<QuotaPlace> {
  const path = given.replace(/^\/+|\/+$/g, '');
  if (path === '') {
    if (role !== '') throw noMethod('');
    return { mountPath: '', pathSuffix: '', role: '' };
  }
  const mount = (await mounts.list()).find((one) => `${path}/`.startsWith(`${one.path}/`));
  if (mount === undefined) throw refusal(`invalid mount path "${path}/"`);
  const mountPath = `${mount.path}/`;
  const pathSuffix = path.slice(mountPath.length);
  if (role === '') return { mountPath, pathSuffix, role };
  if (pathSuffix !== '') {
    throw refusal(
      'Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth mount with a concept of roles',
    );
  }
  if (!mountPath.startsWith(authPrefix)) throw noMethod(mountPath);
  if (!methodsWithRoles.includes(mount.type)) {
    throw refusal(`Mount path "${mountPath}" does not support use with role-based quotas`);
  }
  return { mountPath, pathSuffix, role };
}

function noMethod(mountPath: string): Error {
  return refusal(
    `Mount path "${mountPath}" is not a valid auth method and therefore unsuitable for use with role-based quotas`,
  );
}

async function checkUnique(quotas: readonly Quota[], name: string, place: QuotaPlace): Promise<void> {
  const same = quotas.find(
    (quota) => quota.name !== name && shownPath(quota) === shownPath(place) && quota.role === place.role,
  );
  if (same !== undefined) throw refusal(`quota rule with similar properties exists under the name "${same.name}"`);
}

function refusal(text: string): Error {
  return brokerFailure('bad-request', text);
}
