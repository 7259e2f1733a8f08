// What services may ask about how a request was signed: where the signature stood, how old it is, what it covers.
import type { HttpRequest } from './http.ts';

export interface SigningFacts {
  readonly place: 'header' | 'query' | 'form';
  readonly version: 'AWS' | 'AWS4-HMAC-SHA256';
  /** Milliseconds since the time that was signed; version 2 does not say it in a query. */
  readonly age?: number | undefined;
  /** `x-amz-content-sha256` as it came. */
  readonly payload?: string | undefined;
}

/** Of a request whose signature was found good. */
export function signingFactsOf({ headers, query }: HttpRequest, now: number): SigningFacts {
  const inHeader = headers['authorization'] !== undefined;
  const parameters = new URLSearchParams(inHeader ? '' : query);
  const isVersion2 = parameters.has('AWSAccessKeyId');
  const date = (inHeader ? headers['x-amz-date'] : parameters.get('X-Amz-Date')) ?? '';
  return {
    place: inHeader ? 'header' : 'query',
    version: isVersion2 ? 'AWS' : 'AWS4-HMAC-SHA256',
    age: isVersion2 ? undefined : ageOf(date, now),
    payload: headers['x-amz-content-sha256'] ?? parameters.get('X-Amz-Content-Sha256') ?? undefined,
  };
}

/** Milliseconds since `20260101T000000Z`; 0 for what is no such time. */
export function ageOf(date: string, now: number): number {
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isNaN(at) ? 0 : Math.max(0, now - at);
}
