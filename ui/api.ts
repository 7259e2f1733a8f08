// Calls of the server that served this page, and of no other. The token goes in a header, never in an address.
import type { WireEnvelope } from '../src/broker/http/wire.ts';
import { noAnswer, readRefusal, type Refusal } from './view/refusals.ts';

export interface Ask {
  readonly method?: 'GET' | 'PUT';
  /** Below `/v1/`, its segments encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly refusal: Refusal };

/** Asks, and tells what came of it; never rejects. The value is the whole body, undefined when there is none. */
export async function ask<T>(given: Ask): Promise<Outcome<T>> {
  try {
    const response = await fetch(addressOf(given), requestOf(given));
    const text = await response.text();
    const body = text === '' ? undefined : (JSON.parse(text) as unknown);
    if (!response.ok) {
      return { ok: false, refusal: readRefusal(response.status, body, response.headers.get('X-Stint-Hint')) };
    }
    const { warnings } = (body ?? {}) as Partial<WireEnvelope>;
    return { ok: true, value: body as T, warnings: warnings ?? [] };
  } catch {
    // No connection, or something that is no Stint between: what is known is that there was no answer.
    return { ok: false, refusal: noAnswer };
  }
}

/** As `ask`; the value is the `data` of Vault's envelope, without which an answer is none. */
export async function askData<T>(given: Ask): Promise<Outcome<T>> {
  const outcome = await ask<{ readonly data?: T | null } | undefined>(given);
  if (!outcome.ok) return outcome;
  const data = outcome.value?.data ?? undefined;
  return data === undefined ? { ok: false, refusal: noAnswer } : { ...outcome, value: data };
}

function addressOf({ path, query = {} }: Ask): string {
  const text = new URLSearchParams(query).toString();
  return `/v1/${path}${text === '' ? '' : `?${text}`}`;
}

function requestOf({ method = 'GET', body, token, signal }: Ask): RequestInit {
  return {
    method,
    headers: {
      ...(token === undefined ? {} : { 'X-Vault-Token': token }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
  };
}
