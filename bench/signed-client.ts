// A client that costs little, so that what is measured is the server: signs once per request with Signature
// Version 4 and keeps its connections.
import { createHash, createHmac } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A request that can be sent many times: its signature is good for fifteen minutes. */
export interface Signed {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

const hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();

export interface ToSign {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly type?: string;
  /** Of a JSON service. */
  readonly target?: string;
}

/** `path` with its query must be percent-encoded and, the query, in order. */
export function sign(
  endpoint: string,
  { accessKeyId, secretAccessKey }: Keys,
  service: string,
  { method, path, body = '', type, target }: ToSign,
): Signed {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const date = time.slice(0, 8);
  const scope = `${date}/us-east-1/${service}/aws4_request`;
  const payload = hex(body);
  const headers: Record<string, string> = {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(target === undefined ? {} : { 'x-amz-target': target }),
    host: new URL(endpoint).host,
    'x-amz-content-sha256': payload,
    'x-amz-date': time,
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const [plain = '/', query = ''] = path.split('?');
  const canonical = `${method}\n${plain}\n${query}\n${lines}\n${names.join(';')}\n${payload}`;
  const key = ['us-east-1', service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secretAccessKey}`, date));
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hex(canonical)}`).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return {
    method,
    path,
    headers: { ...headers, authorization, 'content-length': String(Buffer.byteLength(body)) },
    body,
  };
}

const versions: Readonly<Record<string, string>> = { iam: '2010-05-08', sts: '2011-06-15' };

/** A form of IAM or STS. */
export function signForm(
  endpoint: string,
  keys: Keys,
  service: 'iam' | 'sts',
  parameters: Readonly<Record<string, string>>,
): Signed {
  const body = new URLSearchParams({ ...parameters, Version: versions[service]! }).toString();
  return sign(endpoint, keys, service, {
    method: 'POST',
    path: '/',
    body,
    type: 'application/x-www-form-urlencoded; charset=utf-8',
  });
}

export class Connections {
  readonly #agent: Agent;
  readonly #address: { readonly hostname: string; readonly port: string };

  constructor(endpoint: string, most: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: most });
    const { hostname, port } = new URL(endpoint);
    this.#address = { hostname, port };
  }

  /** The text of the answer. @throws Error for a status that is not 2xx */
  send({ method, path, headers, body }: Signed): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { ...this.#address, method, path, headers, agent: this.#agent };
      const sent = httpRequest(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject).on('end', () => {
          if (response.statusCode! < 300) resolve(text);
          else reject(new Error(`answered ${response.statusCode}: ${text.slice(0, 300)}`));
        });
      });
      sent.on('error', reject).end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Does `work` for 0 to `count - 1`, `width` at a time. */
export async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** The value that a tenth of them is below: what a call costs when the machine does nothing else. */
export function lowerDecile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 10)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
