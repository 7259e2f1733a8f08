// The JSON bodies of the control routes. Loaded when the first one arrives: zod costs 40 ms of the start.
import { z } from 'zod';
import { type Failure, nearestName, parseDuration, type Millis } from '../base/index.ts';
import { cloudFailure } from './failures.ts';
import type { FaultEffect, FaultOrder } from './faults.ts';
import { longestDelaySeconds, writeKinds, type Delays, type WriteKind } from './propagation.ts';
import type { TokenOrder } from './test-issuer.ts';

/** One move of the clock. */
export type ClockMove = { readonly advance: Millis } | { readonly freeze: boolean } | { readonly set: Millis };

const duration = z.string().or(z.number());

/** Providers of access tokens, and one whose tokens name it without a scheme. */
const builtInIssuers = ['accounts.google.com', 'www.amazon.com', 'graph.facebook.com'] as const;

const clockBody = z.strictObject({
  advance: duration.optional(),
  freeze: z.boolean().optional(),
  set: z.iso.datetime({ offset: true, message: 'write a time like `2026-01-01T00:00:00Z`' }).optional(),
});

const latest = Date.parse('9999-12-31T23:59:59Z');

/** @throws Failure `invalid-body`, `invalid-duration`. */
export function parseClockMove(text: string, now: Millis): ClockMove {
  const body = parseBody(text, clockBody);
  const { advance, freeze, set } = body;
  if (Object.keys(body).length !== 1) throw invalidBody('give exactly one of `advance`, `freeze` and `set`');
  if (freeze !== undefined) return { freeze };
  const move = advance === undefined ? { set: Date.parse(set!) } : { advance: parseDuration(advance) * 1000 };
  const target = 'set' in move ? move.set : now + move.advance;
  if (target < 0 || target > latest) throw invalidBody('the clock goes from 1970 to 9999');
  return move;
}

const delaysBody = z.strictObject(
  Object.fromEntries(writeKinds.map((kind) => [kind, duration.optional()])) as Record<
    WriteKind,
    z.ZodOptional<typeof duration>
  >,
);

/** `{"iam":"2s"}`; kinds that are left out keep their delay. @throws Failure `invalid-body`, `invalid-duration`. */
export function parseDelays(text: string): Delays {
  const entries = Object.entries(parseBody(text, delaysBody)).filter(([, delay]) => delay !== undefined);
  if (entries.length === 0) throw invalidBody(`give a delay for one of ${writeKinds.join(', ')}`);
  const delays = entries.map(([kind, delay]) => [kind, parseDuration(delay!) * 1000] as const);
  if (delays.some(([, delay]) => delay > longestDelaySeconds * 1000)) throw invalidBody('the longest delay is a day');
  return Object.fromEntries(delays);
}

// Longer than any client waits, and within what a timer can count.
const longestDelayMs = 86_400_000;

const faultBody = z.strictObject({
  service: z.string(),
  operation: z.string(),
  account: z
    .string()
    .regex(/^\d{12}$/, 'an account id has 12 digits')
    .optional(),
  nth: z.int().min(1).optional(),
  count: z.int().min(1).optional(),
  when: z.enum(['before', 'after']).optional(),
  error: z
    .strictObject({
      code: z.string().regex(/^[A-Za-z][A-Za-z0-9.]{0,99}$/, 'an error code has letters, digits and dots'),
      status: z.int().min(400).max(599),
      message: z.string().max(1000).optional(),
    })
    .optional(),
  hang: z.literal(true).optional(),
  delayMs: z.int().min(0).max(longestDelayMs).optional(),
  throttle: z
    .strictObject({ rate: z.number().min(0).max(1_000_000), burst: z.int().min(0).max(1_000_000).optional() })
    .optional(),
});

/**
 * An order for a fault. `operations` gives the names of a service's operations, or undefined when there is no such
 * service. Without `nth` every call is struck; with it that one, or `count` from there on.
 * @throws Failure `invalid-body`, with the nearest name for an unknown one.
 */
export async function parseFaultOrder(
  text: string,
  services: readonly string[],
  operationsOf: (service: string) => Promise<readonly string[]>,
): Promise<FaultOrder> {
  const body = parseBody(text, faultBody);
  const { service, operation, account, nth, count, throttle } = body;
  if (!services.includes(service)) throw unknownName('service', service, services);
  const operations = await operationsOf(service);
  if (operation !== '*' && !operations.includes(operation)) throw unknownName('operation', operation, operations);
  if (throttle !== undefined && (nth ?? count ?? (body.when === 'after' ? 'after' : undefined)) !== undefined) {
    throw invalidBody('a throttle is for every call, before it takes effect: leave out `nth`, `count` and `when`');
  }
  if (throttle === undefined && body.when === undefined) throw invalidBody('`when`: write `before` or `after`');
  const when = body.when ?? 'before';
  const strikes = count ?? (nth === undefined ? Number.MAX_SAFE_INTEGER : 1);
  return { service, operation, account, nth: nth ?? 1, count: strikes, when, effect: effectOf(body) };
}

function effectOf({ error, hang, delayMs, throttle }: z.infer<typeof faultBody>): FaultEffect {
  if ([error, hang, delayMs, throttle].filter((effect) => effect !== undefined).length !== 1) {
    throw invalidBody('give exactly one of `error`, `hang`, `delayMs` and `throttle`');
  }
  if (error !== undefined) {
    return { error: { ...error, message: error.message ?? 'A fault on order of the control route.' } };
  }
  if (throttle !== undefined) {
    return { throttle: { rate: throttle.rate, burst: throttle.burst ?? Math.max(1, Math.ceil(throttle.rate)) } };
  }
  return hang === true ? { hang } : { delayMs: delayMs! };
}

const tokenBody = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/, message: 'write an address like `https://token.actions.githubusercontent.com`' })
    .or(z.enum(builtInIssuers))
    .optional(),
  subject: z.string().min(1),
  audience: z
    .string()
    .min(1)
    .or(z.array(z.string().min(1)).min(1)),
  claims: z.record(z.string(), z.unknown()).optional(),
  expiresIn: duration.optional(),
});

/** @throws Failure `invalid-body`, `invalid-duration`. */
export function parseTokenOrder(text: string, ownIssuer: string): TokenOrder {
  const { issuer = ownIssuer, subject, audience, claims = {}, expiresIn = '1h' } = parseBody(text, tokenBody);
  const fixed = ['iss', 'sub', 'aud'].find((claim) => Object.hasOwn(claims, claim));
  if (fixed !== undefined) {
    throw invalidBody(`the claim \`${fixed}\` has a name of its own`, 'use `issuer`, `subject` and `audience`');
  }
  return { issuer, subject, audience, claims, expiresInSeconds: Math.floor(parseDuration(expiresIn)) };
}

const taskBody = z.strictObject({
  roleArn: z.string().regex(/^arn:[\w-]+:iam::\d{12}:role\/.+$/, 'write the ARN of a role'),
});

/** `{"roleArn":"arn:aws:iam::222222222222:role/app"}`. @throws Failure `invalid-body` */
export function parseTaskOrder(text: string): z.infer<typeof taskBody> {
  return parseBody(text, taskBody);
}

function unknownName(what: string, name: string, names: readonly string[]): Failure {
  const near = nearestName(name, names);
  const hint = near === undefined ? `the ${what}s are ${names.join(', ')}` : `did you mean \`${near}\`?`;
  return invalidBody(`there is no ${what} \`${name.slice(0, 100)}\``, hint);
}

function parseBody<Shape extends z.ZodRawShape>(text: string, shape: z.ZodObject<Shape, z.core.$strict>) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidBody('the body is not JSON');
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues.find(({ code }) => code === 'unrecognized_keys') ?? parsed.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') throw unknownName('name', issue.keys[0]!, Object.keys(shape.shape));
  const place = issue.path.length === 0 ? 'the body' : `\`${issue.path.join('.')}\``;
  throw invalidBody(`${place}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`);
}

function invalidBody(message: string, hint = 'see `stint cloud --help` for the bodies of the control routes'): Failure {
  return cloudFailure('invalid-body', message, { hint });
}
