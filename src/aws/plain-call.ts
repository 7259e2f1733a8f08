// One signed call of a service that needs no client of its own: the request is told as data, the answer is its text.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHmac, hash } from 'node:crypto';
import type { Clock } from '../base/index.ts';
import type { QueryKeys } from './query-transport.ts';

/** A call as AWS documents it. Never one that writes: who makes it may try it again. */
export interface PlainCall {
  /** As signatures name it: `sqs`. */
  readonly service: string;
  readonly region: string;
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  /** Its parts are encoded already. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
}

export interface PlainTools {
  /** Where the service is: `https://sqs.eu-west-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly keys: QueryKeys;
  readonly clock: Clock;
  readonly ca?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What AWS answered instead of a result. `name` is its code. */
export class PlainCallError extends Error {
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(name: string, message: string, httpStatusCode: number) {
    super(message);
    this.name = name;
    this.$metadata = { httpStatusCode };
  }
}

const requestMillis = 30_000;

const escape = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`);

function queryText(query: PlainCall['query']): string {
  return Object.entries(query ?? {})
    .map(([key, value]) => `${escape(key)}=${escape(value)}`)
    .sort()
    .join('&');
}

function signatureKey(secret: string, scope: string): Buffer {
  let key = Buffer.from(`AWS4${secret}`, 'utf8');
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  return key;
}

/** All headers of the request, its signature among them. */
export function signedHeaders(call: PlainCall, host: string, { keys, clock }: Pick<PlainTools, 'keys' | 'clock'>) {
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const scope = `${stamp.slice(0, 8)}/${call.region}/${call.service}/aws4_request`;
  const headers: Record<string, string> = {
    ...call.headers,
    host,
    'x-amz-date': stamp,
    ...(keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]!.trim().replaceAll(/ +/g, ' ')}\n`).join('');
  // Every service but S3 signs the path as it is escaped once more.
  const path = call.path.split('/').map(escape).join('/');
  const canonical = [
    call.method,
    path,
    queryText(call.query),
    lines,
    names.join(';'),
    hash('sha256', call.body ?? ''),
  ].join('\n');
  const toSign = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash('sha256', canonical)}`;
  const signature = createHmac('sha256', signatureKey(keys.secretAccessKey, scope)).update(toSign).digest('hex');
  const credential = `Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}`;
  return { ...headers, authorization: `AWS4-HMAC-SHA256 ${credential}, Signature=${signature}` };
}

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

/** The code of a refusal, as the services spell it: in a header, as JSON or as XML. */
function refusalOf({ status, type, text }: Answer): PlainCallError {
  const json = /"__type"\s*:\s*"([^"]+)"/.exec(text)?.[1] ?? /"[cC]ode"\s*:\s*"([^"]+)"/.exec(text)?.[1];
  const code = type?.split(':', 1)[0] ?? json ?? /<Code>([^<]+)<\/Code>/.exec(text)?.[1] ?? `HTTP ${status}`;
  const message = /"[mM]essage"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? /<Message>([^<]*)</.exec(text)?.[1];
  return new PlainCallError(code.slice(code.lastIndexOf('#') + 1), message ?? `AWS answered with ${status}`, status);
}

/** Sends it. @throws PlainCallError what AWS refused; an Error with a code of Node's where it does not answer. */
export async function sendPlainCall(call: PlainCall, tools: PlainTools): Promise<string> {
  const url = new URL(tools.endpoint);
  const headers = signedHeaders(call, url.host, tools);
  const query = queryText(call.query);
  const answer = await exchange(url, `${call.path}${query === '' ? '' : `?${query}`}`, call, headers, tools);
  if (answer.status >= 300) throw refusalOf(answer);
  return answer.text;
}

async function exchange(
  { protocol, hostname, port }: URL,
  path: string,
  { method, body = '' }: PlainCall,
  headers: Readonly<Record<string, string>>,
  { ca, signal }: PlainTools,
): Promise<Answer> {
  const { request } = await (protocol === 'https:' ? import('node:https') : import('node:http'));
  const late = AbortSignal.timeout(requestMillis);
  const where = { hostname: hostname.replaceAll(/^\[|\]$/g, ''), ...(port === '' ? {} : { port }), path, method };
  const sent = request({
    ...where,
    agent: false,
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    ...(ca === undefined ? {} : { ca }),
  });
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (answered) => {
      const chunks: Buffer[] = [];
      answered.on('error', reject);
      answered.on('data', (chunk: Buffer) => chunks.push(chunk));
      answered.on('end', () => {
        const type = answered.headers['x-amzn-errortype'];
        const told = typeof type === 'string' ? type : undefined;
        resolve({ status: answered.statusCode ?? 0, type: told, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.end(body);
  });
}
