// Sends signed forms over kept connections: Signature Version 4 with the day's key remembered, one timer a call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { Pool } from 'undici';
import type { Millis } from '../base/index.ts';
import { QueryCall, type QueryAnswer } from './query-call.ts';

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

/** Certificates are those that Node believes, unless the transport is given others. */
const pooled: Pool.Options = {
  connections: 256,
  pipelining: 1,
  allowH2: false,
  // Long for a pause between two calls, short for a far end that lets go of what is idle.
  keepAliveTimeout: 15_000,
  maxResponseSize: 64 * 2 ** 20,
  // The call's own timer is for all of it.
  headersTimeout: 0,
  bodyTimeout: 0,
};
const mostDayKeys = 64;
const contentType = 'application/x-www-form-urlencoded';

type PoolClass = new (origin: string, options: Pool.Options) => Pool;
// Loaded by the first call: most commands never make one.
let poolClass: PoolClass | undefined;
const loadPool = async (): Promise<PoolClass> =>
  (poolClass ??= (await import('undici/lib/dispatcher/pool.js')).default as PoolClass);

export class QueryTransport {
  readonly #times: TransportTimes;
  readonly #tls: { readonly ca?: string };
  readonly #pools = new Map<string, Pool>();
  readonly #dayKeys = new Map<string, KeyObject>();

  /** `ca`: certificates that are believed in place of the public ones. */
  constructor(times: TransportTimes, ca?: string) {
    this.#times = times;
    this.#tls = ca === undefined ? {} : { ca };
  }

  /**
   * `now` is AWS's time, by which it judges signatures.
   * @throws Error `TimeoutError`, or one with a code of Node's, when AWS did not answer.
   */
  post(target: QueryTarget, keys: QueryKeys, body: string, now: Millis): Promise<QueryAnswer> {
    const headers = this.#signed(target, keys, body, now);
    return poolClass === undefined
      ? loadPool().then((loaded) => this.#send(this.#poolOf(loaded, target), headers, body))
      : this.#send(this.#poolOf(poolClass, target), headers, body);
  }

  /** Lets go of connections. A later call opens its own. */
  destroy(): void {
    for (const pool of this.#pools.values()) void pool.destroy();
    this.#pools.clear();
  }

  #send(pool: Pool, headers: string[], body: string): Promise<QueryAnswer> {
    return new Promise((resolve, reject) => {
      const call = new QueryCall(this.#times.requestMillis, resolve, reject);
      pool.dispatch({ method: 'POST', path: '/', headers, body }, call);
    });
  }

  #poolOf(loaded: PoolClass, { secure, hostname, port, host }: QueryTarget): Pool {
    // By `host` too, which is the name that the certificate must have.
    const name = `${secure ? 's' : ''}/${hostname}/${port ?? ''}/${host}`;
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      const origin = `http${secure ? 's' : ''}://${hostname}${port === undefined ? '' : `:${port}`}`;
      pool = new loaded(origin, { ...pooled, connect: { ...this.#tls, timeout: this.#times.connectMillis } });
      this.#pools.set(name, pool);
    }
    return pool;
  }

  #signed(target: QueryTarget, keys: QueryKeys, body: string, now: Millis): string[] {
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
    const authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    const headers = ['host', host, 'content-type', contentType, 'x-amz-date', stamp, 'authorization', authorization];
    return token === undefined ? headers : [...headers, 'x-amz-security-token', token];
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
