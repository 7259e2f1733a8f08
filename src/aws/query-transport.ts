// Sends signed forms over kept connections: Signature Version 4 with the day's key remembered, one timer a call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Millis } from '../base/index.ts';

export interface QueryTarget {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number | undefined;
  /** As the header says it. */
  readonly host: string;
  readonly region: string;
  readonly service: string;
}

export interface QueryKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface TransportTimes {
  readonly connectMillis: Millis;
  readonly requestMillis: Millis;
}

export interface QueryAnswer {
  readonly status: number;
  readonly text: string;
  readonly requestId: string | undefined;
}

const sockets = { keepAlive: true, maxSockets: 256, maxFreeSockets: 256 };
const mostDayKeys = 64;
const contentType = 'application/x-www-form-urlencoded';

export class QueryTransport {
  readonly httpAgent = new HttpAgent(sockets);
  readonly httpsAgent: HttpsAgent;
  readonly #times: TransportTimes;
  readonly #dayKeys = new Map<string, KeyObject>();

  /** `ca`: certificates that are believed in place of the public ones. */
  constructor(times: TransportTimes, ca?: string) {
    this.#times = times;
    this.httpsAgent = new HttpsAgent({ ...sockets, ...(ca === undefined ? {} : { ca }) });
  }

  /**
   * `now` is AWS's time, by which it judges signatures.
   * @throws Error `TimeoutError`, or Node's with its code, when AWS did not answer.
   */
  post(target: QueryTarget, keys: QueryKeys, body: string, now: Millis): Promise<QueryAnswer> {
    const headers = this.#signed(target, keys, body, now);
    const { hostname, port } = target;
    const options = { hostname, method: 'POST', path: '/', headers, ...(port === undefined ? {} : { port }) };
    return target.secure
      ? this.#send((on) => httpsRequest({ ...options, agent: this.httpsAgent }, on), body)
      : this.#send((on) => httpRequest({ ...options, agent: this.httpAgent }, on), body);
  }

  /** Lets go of connections. */
  destroy(): void {
    this.httpAgent.destroy();
    this.httpsAgent.destroy();
  }

  #send(
    open: (on: (response: IncomingMessage) => void) => ReturnType<typeof httpRequest>,
    body: string,
  ): Promise<QueryAnswer> {
    return new Promise((resolve, reject) => {
      const { connectMillis, requestMillis } = this.#times;
      const request = open((response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          clearTimeout(timer);
          const text = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8');
          resolve({ status: response.statusCode ?? 0, text, requestId: idOf(response) });
        });
      });
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      const limit = (millis: Millis): NodeJS.Timeout => setTimeout(() => request.destroy(timeout()), millis);
      let timer = limit(requestMillis);
      request.on('error', fail);
      request.on('socket', (socket) => {
        if (!socket.connecting) return;
        clearTimeout(timer);
        timer = limit(connectMillis);
        socket.once('connect', () => {
          clearTimeout(timer);
          timer = limit(requestMillis);
        });
      });
      request.end(body);
    });
  }

  #signed(target: QueryTarget, keys: QueryKeys, body: string, now: Millis): RequestOptions['headers'] {
    const { host, region, service } = target;
    const stamp = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const scope = `${stamp.slice(0, 8)}/${region}/${service}/aws4_request`;
    const token = keys.sessionToken;
    const names = `content-type;host;x-amz-date${token === undefined ? '' : ';x-amz-security-token'}`;
    const tokenLine = token === undefined ? '' : `x-amz-security-token:${token}\n`;
    const lines = `content-type:${contentType}\nhost:${host}\nx-amz-date:${stamp}\n${tokenLine}`;
    const canonical = `POST\n/\n\n${lines}\n${names}\n${hash('sha256', body)}`;
    const toSign = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash('sha256', canonical)}`;
    const signature = createHmac('sha256', this.#keyOf(keys, scope)).update(toSign).digest('hex');
    return {
      host,
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'x-amz-date': stamp,
      ...(token === undefined ? {} : { 'x-amz-security-token': token }),
      authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    };
  }

  // SECURITY: a day's key for one scope is kept, never the secret it was made of. All as key objects, of which an HMAC
  // costs a third of one that is handed bytes.
  #keyOf({ accessKeyId, secretAccessKey }: QueryKeys, scope: string): KeyObject {
    const of = `${accessKeyId}/${scope}`;
    const known = this.#dayKeys.get(of);
    if (known !== undefined) return known;
    let made = createSecretKey(`AWS4${secretAccessKey}`, 'utf8');
    for (const part of scope.split('/')) made = createSecretKey(createHmac('sha256', made).update(part).digest());
    // Keys that are only probed come once; the few that are used all day are made again now and then.
    if (this.#dayKeys.size >= mostDayKeys) this.#dayKeys.clear();
    this.#dayKeys.set(of, made);
    return made;
  }
}

function idOf({ headers }: IncomingMessage): string | undefined {
  const id = headers['x-amzn-requestid'] ?? headers['x-amz-request-id'];
  return typeof id === 'string' ? id : undefined;
}

function timeout(): Error {
  const error = new Error('AWS did not answer in time');
  error.name = 'TimeoutError';
  return error;
}
