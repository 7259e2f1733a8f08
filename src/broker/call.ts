// One request inside the broker, and what answers it. The HTTP server makes calls and writes answers;
// handlers see nothing of HTTP.
import type { Secret } from '../base/index.ts';
import type { LocatedPath } from './backends.ts';
import { readFields, unknownFieldWarnings, type FieldSchema, type FieldValues } from './fields.ts';
import type { WireAuth, WireEnvelope, WireErrors, WireValue } from './http/wire.ts';
import type { Lease, Operation, Token } from './model.ts';

export interface Call {
  readonly requestId: string;
  readonly operation: Operation;
  /** Below `/v1/`, decoded, without leading or closing slash. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** The JSON body of an update, or the query of anything else. Empty until `readBody` was called. */
  readonly body: Readonly<Record<string, unknown>>;
  /** With `mostBytes`, less than every caller may send. @throws Failure `bad-request`, `body-too-large`. */
  readBody(mostBytes?: number): Promise<Readonly<Record<string, unknown>>>;
  /** The body as it comes, for a route that is `raw`. */
  readonly rawBody?: () => AsyncIterable<Uint8Array>;
  readonly tokenId: Secret | undefined;
  /** Present on every route whose table row asks for a token. */
  readonly token: Token | undefined;
  /** Set by the check of policies. */
  readonly granted?: Granted;
  /** The mounted path that serves the call, when no own route does. */
  readonly located: LocatedPath | undefined;
  /** The caller wants the answer wrapped for so long; undefined when it did not say, 0 stands for no. */
  readonly wrapTtlSeconds: number | undefined;
  /** Sets a header of the reply, whatever that will be. */
  readonly replyHeader?: (name: string, value: string) => void;
  readonly remoteAddress: string;
  readonly remotePort?: number | undefined;
  /** By lower-case name; audit records those it is told to. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/** SECURITY: who has not proved who he is may not fill the memory; no login and no share is longer. */
export const strangersBytes = 1024 * 1024;

export interface Granted {
  /** What the token's entity and its groups add to the token's policies. */
  readonly identityPolicies: readonly string[];
  /** Which of all policies gave the right. */
  readonly grantedBy: readonly string[];
  /** Of a list whose rule filters its keys: those that the caller may know of. */
  readonly shownKeys?: (keys: readonly string[]) => readonly string[];
}

export interface Answer {
  readonly status: number;
  /** Undefined: no body. */
  readonly body: WireValue | WireEnvelope | WireErrors | undefined;
  /** Where present, the body is a text of this type and is sent as it is. */
  readonly contentType?: string;
  /** What audit records of it, in hashes. */
  readonly audited: unknown;
  readonly leaseId: string;
  /** It is where the wrapped answer can be had, not to be wrapped again. */
  readonly wrapped?: true;
  /** In place of a body: bytes as they come, gzipped; `close` is called when the last went or nobody takes them. */
  readonly stream?: { readonly bytes: AsyncIterable<Uint8Array>; readonly close: () => Promise<void> };
  /** To be done when the answer was recorded by audit, before it leaves. */
  readonly afterRecorded?: () => Promise<void>;
  /** Takes back what was lent when the answer cannot be given after all. */
  readonly takeBack?: () => Promise<void>;
}

export type Handler = (call: Call) => Promise<Answer>;

/** What serves a route: what it is for, the fields it reads, and the work. `served` makes one. */
export interface Served {
  readonly summary: string;
  readonly fields: FieldSchema;
  /** Where present, a POST to something that is not there yet is `create`, else `update`. */
  readonly exists?: (call: Call) => Promise<boolean>;
  /** Refuses before the caller's token is looked at; the body was read. */
  readonly admit?: (call: Call) => Promise<void>;
  /** The body of an update is no JSON: `handle` reads it itself. */
  readonly raw?: true;
  readonly handle: Handler;
}

/**
 * Serves a route whose fields (of the body, the query and the path) are read by `fields` before `handle`
 * is called; an answer with a body carries Vault's warnings about what nothing reads.
 */
export function served<const S extends FieldSchema>(
  summary: string,
  fields: S,
  handle: (call: Call, values: FieldValues<S>) => Promise<Answer>,
  exists?: Served['exists'],
): Served {
  const prefix = exists === undefined ? undefined : '';
  return {
    summary,
    fields,
    ...(exists === undefined ? {} : { exists }),
    handle: async (call) => {
      const answer = await handle(call, readFields(fields, { ...call.body, ...call.params }, prefix));
      return warned(answer, fieldWarnings(fields, call));
    },
  };
}

/** Vault's warnings about given fields: those that nothing reads, and those that the path replaced. */
export function fieldWarnings(fields: FieldSchema, { body, params }: Pick<Call, 'body' | 'params'>): readonly string[] {
  const given = Object.keys(body);
  if (given.length === 0) return [];
  const replaced = given.filter((name) => Object.hasOwn(params, name));
  const known = { ...fields, ...Object.fromEntries(replaced.map((name) => [name, 'string' as const])) };
  if (replaced.length === 0) return unknownFieldWarnings(known, body);
  const text = `Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [${replaced.sort().join(' ')}]`;
  return [...unknownFieldWarnings(known, body), text];
}

function warned(answer: Answer, warnings: readonly string[]): Answer {
  const { body } = answer;
  if (warnings.length === 0 || typeof body !== 'object' || body === null || !('warnings' in body)) return answer;
  const before = (body as WireEnvelope).warnings ?? [];
  return { ...answer, body: { ...(body as WireEnvelope), warnings: [...before, ...warnings] } };
}

export interface EnvelopeParts {
  readonly data?: Readonly<Record<string, WireValue>> | undefined;
  readonly auth?: WireAuth | undefined;
  readonly warnings?: readonly string[] | undefined;
  readonly lease?: Pick<Lease, 'id' | 'renewable' | 'ttlSeconds'> | undefined;
  readonly mountType?: string;
}

/** Vault's envelope. */
export function enveloped(call: Call, parts: EnvelopeParts): Answer {
  const { data, auth, warnings, lease, mountType } = parts;
  const body: WireEnvelope = {
    request_id: call.requestId,
    lease_id: lease?.id ?? '',
    renewable: lease?.renewable ?? false,
    lease_duration: lease?.ttlSeconds ?? 0,
    data: data ?? null,
    wrap_info: null,
    warnings: warnings === undefined || warnings.length === 0 ? null : warnings,
    auth: auth ?? null,
    mount_type: mountType ?? 'system',
  };
  return { status: 200, body, audited: { data: data ?? null, auth: auth ?? null }, leaseId: body.lease_id };
}

/** As `enveloped`, with the members of `data` also at the top, as Vault answers `sys/mounts` and a few more. */
export function envelopedTwice(
  call: Call,
  data: Readonly<Record<string, WireValue>>,
  warnings?: readonly string[],
): Answer {
  const answer = enveloped(call, { data, warnings });
  return { ...answer, body: { ...data, ...(answer.body as WireEnvelope) } };
}

/** A body without the envelope, as Vault answers `sys/health` and its like. */
export function bare(body: Readonly<Record<string, WireValue>>): Answer {
  return { status: 200, body, audited: body, leaseId: '' };
}

/** A body that is no JSON. */
export function plainText(contentType: string, body: string): Answer {
  return { status: 200, body, contentType, audited: null, leaseId: '' };
}

/** 204: done, nothing to say. */
export function done(): Answer {
  return { status: 204, body: undefined, audited: null, leaseId: '' };
}

/** 202: accepted, the server goes on by itself. */
export function accepted(): Answer {
  return { status: 202, body: undefined, audited: null, leaseId: '' };
}

/** The token of a call on a route that asks for one. */
export function tokenOf(call: Call): Token {
  if (call.token === undefined) throw new TypeError(`the route of ${call.path} does not ask for a token`);
  return call.token;
}

/** The value of a `:name` of the route's pattern. */
export function param(call: Call, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new TypeError(`the route of ${call.path} has no :${name}`);
  return value;
}
