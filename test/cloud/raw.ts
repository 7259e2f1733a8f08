// Requests that no SDK client sends: signed by hand with Signature Version 4, in the header or in the query, and
// spoiled on purpose. The algorithm is that of the IAM User Guide, “Create a signed AWS API request”.
import { createHash, createHmac } from 'node:crypto';
import { parseDuration } from '../../src/base/index.ts';
import { send, type Answer, type Keys } from './support.ts';

export interface RawRequest {
  /** Of the credential scope. */
  readonly service: string;
  readonly region?: string;
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Other keys than those of the caller. */
  readonly key?: string;
  readonly secret?: string;
  readonly token?: string;
  /** How long ago it was signed, `-10m` for a clock that is ahead. */
  readonly age?: string;
  /** Seconds that a signature in the query is good for; the signature stands in the query then. */
  readonly presign?: number | string;
  /** Headers or parameters of the query that are taken away or changed after signing. */
  readonly afterwards?: Readonly<Record<string, string | null>>;
}

const hex = (data: string): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
const joined = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');

interface Signing {
  readonly id: string;
  readonly secret: string;
  readonly token: string | undefined;
  readonly time: string;
  readonly scope: string;
}

function signingOf(raw: RawRequest, keys: Keys): Signing {
  const age =
    raw.age === undefined ? 0 : parseDuration(raw.age.replace('-', '')) * (raw.age.startsWith('-') ? -1000 : 1000);
  const time = new Date(Date.now() - age).toISOString().replace(/[-:]|\.\d{3}/g, '');
  return {
    id: raw.key ?? keys.accessKeyId,
    secret: raw.secret ?? keys.secretAccessKey,
    token: raw.token ?? keys.sessionToken,
    time,
    scope: `${time.slice(0, 8)}/${raw.region ?? 'us-east-1'}/${raw.service}/aws4_request`,
  };
}

function signatureOf({ secret, time, scope }: Signing, canonical: string): string {
  const key = scope.split('/').reduce<string | Uint8Array>(hmac, `AWS4${secret}`);
  return hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hex(canonical)}`).toString('hex');
}

/** Sends `raw` as `keys`, unsigned without them. */
export function sendSigned(endpoint: string, raw: RawRequest, keys: Keys | undefined): Promise<Answer> {
  const { method = 'GET', path = '/', body = '', afterwards = {} } = raw;
  const host = raw.headers?.['host'] ?? new URL(endpoint).host;
  let headers: Record<string, string> = { ...raw.headers, host };
  let query: Record<string, string> = { ...raw.query };
  if (keys !== undefined || raw.key !== undefined) {
    const signing = signingOf(raw, keys ?? { accessKeyId: '', secretAccessKey: '' });
    const names = (): string[] => Object.keys(headers).sort();
    const canonical = (payload: string): string =>
      [
        method,
        path,
        joined(query),
        ...names().map((name) => `${name}:${headers[name]}`),
        '',
        names().join(';'),
        payload,
      ].join('\n');
    const credential = `${signing.id}/${signing.scope}`;
    if (raw.presign === undefined) {
      headers = { 'x-amz-content-sha256': hex(body), 'x-amz-date': signing.time, ...headers };
      if (signing.token !== undefined) headers['x-amz-security-token'] = signing.token;
      const signature = signatureOf(signing, canonical(headers['x-amz-content-sha256']!));
      headers['authorization'] =
        `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names().join(';')}, Signature=${signature}`;
    } else {
      query = {
        ...query,
        'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
        'X-Amz-Credential': credential,
        'X-Amz-Date': signing.time,
        'X-Amz-Expires': String(raw.presign),
        'X-Amz-SignedHeaders': names().join(';'),
        ...(signing.token === undefined ? {} : { 'X-Amz-Security-Token': signing.token }),
      };
      const payload = raw.service === 's3' ? 'UNSIGNED-PAYLOAD' : hex(body);
      query['X-Amz-Signature'] = signatureOf(signing, canonical(payload));
    }
  }
  let sent = body;
  for (const [name, value] of Object.entries(afterwards)) {
    const place = name in query || name.startsWith('X-Amz') ? query : headers;
    if (name === 'body') sent = value ?? '';
    else if (value === null) delete place[name];
    else place[name] = value;
  }
  const asked = joined(query);
  return send(`${endpoint}${path}${asked === '' ? '' : `?${asked}`}`, { method, headers, body: sent });
}
