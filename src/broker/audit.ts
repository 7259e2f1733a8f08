// Audit: a record of each request before it is carried out and of each answer before it is sent.
// Values of requests and answers appear only as keyed hashes; a device never sees a secret.
import { createHmac } from 'node:crypto';
import { Secret } from '../base/index.ts';
import { brokerFailure } from './failures.ts';
import type { Operation, Token } from './model.ts';

export interface AuditRecord {
  readonly type: 'request' | 'response';
  readonly time: string;
  readonly request: {
    readonly id: string;
    readonly operation: Operation;
    readonly path: string;
    readonly data: unknown;
    readonly remote_address: string;
  };
  readonly auth: {
    readonly accessor: string;
    readonly display_name: string;
    readonly policies: readonly string[];
  } | null;
  readonly response: { readonly status: number; readonly data: unknown; readonly lease_id: string } | null;
  readonly error: string | null;
}

/** Somewhere records go. Resolves when the record is durable there; rejects when it could not be written. */
export interface AuditDevice {
  readonly name: string;
  record(entry: AuditRecord): Promise<void>;
}

export interface AuditedCall {
  readonly requestId: string;
  readonly operation: Operation;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly remoteAddress: string;
  readonly token: Token | undefined;
}

export interface AuditedAnswer {
  readonly status: number;
  readonly data: unknown;
  readonly leaseId: string;
  readonly error: string | null;
}

export class Audit {
  readonly #devices: readonly AuditDevice[];
  readonly #key: Secret;
  readonly #now: () => Date;

  /** `key` makes the hashes; the same value always has the same hash, so that it can be searched for. */
  constructor(devices: readonly AuditDevice[], key: Secret, now: () => Date) {
    this.#devices = devices;
    this.#key = key;
    this.#now = now;
  }

  request(call: AuditedCall): Promise<void> {
    return this.#write(this.#record('request', call, undefined));
  }

  response(call: AuditedCall, answer: AuditedAnswer): Promise<void> {
    return this.#write(this.#record('response', call, answer));
  }

  /** Records a request that was refused before it was carried out; it stays refused, recorded or not. */
  async refused(call: AuditedCall, error: string): Promise<void> {
    const answer = { status: 403, data: null, leaseId: '', error };
    await this.#write(this.#record('request', call, answer)).catch(() => undefined);
  }

  #record(type: 'request' | 'response', call: AuditedCall, answer: AuditedAnswer | undefined): AuditRecord {
    const { requestId, operation, path, body, remoteAddress, token } = call;
    return {
      type,
      time: this.#now().toISOString(),
      request: { id: requestId, operation, path, data: this.#hashed(body), remote_address: remoteAddress },
      auth:
        token === undefined
          ? null
          : { accessor: this.#hash(token.accessor), display_name: token.displayName, policies: token.policies },
      response:
        answer === undefined
          ? null
          : { status: answer.status, data: this.#hashed(answer.data), lease_id: answer.leaseId },
      error: answer?.error ?? null,
    };
  }

  // At least one device must have the record, else the request does not happen (deny on doubt).
  async #write(entry: AuditRecord): Promise<void> {
    if (this.#devices.length === 0) return;
    const results = await Promise.allSettled(this.#devices.map((device) => device.record(entry)));
    if (results.every(({ status }) => status === 'rejected')) {
      throw brokerFailure('audit-failed', 'no audit device accepted the record of this request', {
        hint: `repair one of: ${this.#devices.map(({ name }) => name).join(', ')}`,
      });
    }
  }

  #hashed(value: unknown): unknown {
    if (typeof value === 'string') return this.#hash(value);
    if (value instanceof Secret) return this.#hash(value.reveal());
    if (Array.isArray(value)) return value.map((item) => this.#hashed(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, this.#hashed(member)]));
  }

  #hash(text: string): string {
    return `hmac-sha256:${createHmac('sha256', this.#key.reveal()).update(text).digest('hex')}`;
  }
}
