// A signed GetCallerIdentity as clients of Vault send it for a login, by Signature Version 4.
import { createHash, createHmac } from 'node:crypto';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SigningOptions {
  readonly keys: Keys;
  /** Address of STS as the client knows it. */
  readonly url: string;
  readonly region?: string;
  /** Signed along. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly at?: Date;
}

export interface LoginBody {
  readonly iam_http_request_method: string;
  readonly iam_request_url: string;
  readonly iam_request_body: string;
  readonly iam_request_headers: Readonly<Record<string, string>>;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

export function signedIdentity(options: SigningOptions): LoginBody {
  const { keys, url, region = 'us-east-1', body = 'Action=GetCallerIdentity&Version=2011-06-15' } = options;
  const time = (options.at ?? new Date()).toISOString().replace(/[-:]|\.\d+/g, '');
  const headers: Record<string, string> = {
    'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
    Host: new URL(url).host,
    'X-Amz-Date': time,
    ...(keys.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': keys.sessionToken }),
    ...options.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  lines.sort(([a], [b]) => (a < b ? -1 : 1));
  const signed = lines.map(([name]) => name).join(';');
  const canonical = `POST\n/\n\n${lines.map(([name, value]) => `${name}:${value}\n`).join('')}\n${signed}\n${hash(body)}`;
  const scope = `${time.slice(0, 8)}/${region}/sts/aws4_request`;
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${keys.secretAccessKey}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash(canonical)}`).toString('hex');
  return {
    iam_http_request_method: 'POST',
    iam_request_url: Buffer.from(url).toString('base64'),
    iam_request_body: Buffer.from(body).toString('base64'),
    iam_request_headers: {
      ...headers,
      Authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
  };
}
