// The shape of the server's configuration file. docs/server.md tells what each name does.
import { isFailure, parseDuration } from '../../base/index.ts';
import { z } from 'zod';

/** The newest version this Stint reads. */
export const configVersion = 1;

function fails(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (isFailure(error)) return true;
    throw error;
  }
}

/** A duration such as `30s`, as milliseconds. */
const duration = z
  .union([z.string(), z.number()])
  .refine((text) => !fails(() => parseDuration(text)) && parseDuration(text) > 0, 'a duration such as `30s` is needed')
  .transform((text) => parseDuration(text) * 1000);

const units: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const sizePattern = /^(\d{1,12})\s*(KiB|MiB|GiB|)$/;

/** A size such as `32MiB`, as bytes. */
const size = z
  .union([z.string(), z.int().transform(String)])
  .refine((text) => sizePattern.test(text) && bytesOf(text) > 0, 'a size such as `32MiB` is needed')
  .transform(bytesOf);

function bytesOf(text: string): number {
  const [, count, unit = ''] = sizePattern.exec(text) ?? [];
  return Number(count) * units[unit]!;
}

const network = z
  .string()
  .regex(/^[0-9A-Fa-f.:]+(\/\d{1,3})?$/, 'an address such as `10.0.0.7`, or a network such as `10.0.0.0/8`, is needed');

const count = (least: number, most: number) => z.int().min(least).max(most);

const tls = z.strictObject({
  cert: z.string().min(1),
  key: z.string().min(1),
  minVersion: z.enum(['1.2', '1.3']).default('1.2'),
});

const listener = z.strictObject({
  address: z.string().min(1),
  tls: tls.optional(),
  /** To be said out loud where others than this machine may connect. */
  plaintext: z.boolean().default(false),
  trustedProxies: z.array(network).default([]),
  maxRequestSize: size.default(32 * 1024 ** 2),
  maxConnections: count(1, 1_000_000).default(4096),
  headersTimeout: duration.default(10_000),
  requestTimeout: duration.default(90_000),
});

const device = z.strictObject({
  path: z.string().regex(/^[\w.@+=-]+(\/[\w.@+=-]+)*\/?$/, 'a name such as `file` is needed'),
  type: z.enum(['file', 'socket']),
  description: z.string().default(''),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
});

const requestRate = z.strictObject({ requestsPerSecond: count(1, 10_000_000), burst: count(1, 10_000_000) });

export const configSchema = z.strictObject({
  version: z.literal(configVersion).optional(),
  listener,
  storage: z.strictObject({ sqlite: z.strictObject({ path: z.string().min(1) }) }),
  seal: z.union([
    z.strictObject({ shamir: z.strictObject({}).nullable() }),
    z.strictObject({ local: z.strictObject({}).nullable() }),
  ]),
  audit: z.array(device).default([]),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['json', 'text']).default('json'),
    })
    .default({ level: 'info', format: 'json' }),
  telemetry: z
    .strictObject({ prometheus: z.strictObject({ unauthenticated: z.boolean().default(false) }).optional() })
    .default({}),
  limits: z.strictObject({ perAddress: requestRate.optional() }).default({}),
});

export type ServerConfig = z.output<typeof configSchema>;
