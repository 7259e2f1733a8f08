// Version 2 of the instance metadata service: one for each running instance, on a loopback port of its own.
// Promises: it answers as long as the instance runs, gives keys only to who asked for a token first (unless
// the instance allows version 1), and never to a page of a browser.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { HttpRequest, HttpResponse } from './http.ts';
import { listingOf, metadataOf, type Tree } from './imds-content.ts';
import type { MetadataParts } from './imds-credentials.ts';
import { listen, type Answerer, type Listener } from './listener.ts';
import { instances, metadataChanges, type Instance } from './services/ec2/model.ts';

export type { MetadataParts } from './imds-credentials.ts';

/** One row of `GET /_stint/instances`. */
export interface InstanceView {
  readonly instanceId: string;
  readonly account: string;
  readonly profileArn: string | null;
  /** For `AWS_EC2_METADATA_SERVICE_ENDPOINT`. */
  readonly metadataEndpoint: string;
  readonly region: string;
}

const host = '127.0.0.1';
const tokenPath = 'api/token';
const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';
const tokenHeader = 'x-aws-ec2-metadata-token';
const longestTtl = 21_600;

/** The metadata services of one embedded AWS. */
export class MetadataServices {
  readonly #parts: MetadataParts;
  /** By `ACCOUNT/REGION/i-…`. */
  readonly #running = new Map<string, Listener>();
  #tail: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: MetadataParts) {
    this.#parts = parts;
  }

  /**
   * Starts and stops services for the instances that changed; the cost is theirs alone. Resolves when what
   * runs answers and what ended does not.
   */
  settle(): Promise<void> {
    if (this.#parts.world.table(metadataChanges).count('') === 0) return this.#tail;
    return this.#inTurn(() => this.#settleChanges());
  }

  /** Looks at every instance: after a start on a kept state, and after a reset. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      const { world } = this.#parts;
      const wanted = new Set<string>();
      for (const { id: account } of world.accounts()) {
        for (const [id, { state }] of world.table(instances).list(account)) {
          if (state === 'running') wanted.add(`${account}/${id}`);
        }
      }
      for (const key of this.#running.keys()) if (!wanted.has(key)) await this.#end(key);
      for (const key of wanted) await this.#start(key);
      await this.#settleChanges();
    });
  }

  /** Running instances, as `GET /_stint/instances` shows them. */
  view(): readonly InstanceView[] {
    return [...this.#running].flatMap(([key, { port }]) => {
      const instance = this.#instance(key);
      if (instance === undefined) return [];
      return [
        {
          instanceId: instance.id,
          account: instance.account,
          profileArn: instance.profile?.profileArn ?? null,
          metadataEndpoint: `http://${host}:${port}`,
          region: instance.region,
        },
      ];
    });
  }

  /** Ends all; no further one starts. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#inTurn(async () => {
      await Promise.all([...this.#running.keys()].map((key) => this.#end(key)));
    });
  }

  /** One after another: a start that overtakes a stop would leave a port behind. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work);
    this.#tail = done.catch((error: unknown) => this.#parts.onDefect(error));
    return this.#tail;
  }

  async #settleChanges(): Promise<void> {
    const { state, world } = this.#parts;
    if (world.table(metadataChanges).count('') === 0) return;
    const changed = await state.transaction(() => {
      const table = world.table(metadataChanges);
      const keys = [...table.list('')].map(([key]) => key);
      for (const key of keys) table.delete('', key);
      return keys;
    });
    for (const key of changed) {
      if (this.#instance(key)?.state === 'running') await this.#start(key);
      else await this.#end(key);
    }
  }

  #instance(key: string): Instance | undefined {
    const slash = key.indexOf('/');
    return this.#parts.world.table(instances).get(key.slice(0, slash), key.slice(slash + 1));
  }

  async #start(key: string): Promise<void> {
    if (this.#stopped || this.#running.has(key)) return;
    this.#running.set(
      key,
      await listen(
        host,
        0,
        answererOf(this.#parts, () => this.#instance(key)),
      ),
    );
  }

  async #end(key: string): Promise<void> {
    const listener = this.#running.get(key);
    this.#running.delete(key);
    await listener?.stop();
  }
}

/** What answers the requests of one instance; `instance` is read anew for each, so changes count at once. */
function answererOf(parts: MetadataParts, instance: () => Instance | undefined): Answerer {
  const tokens = new Tokens(parts);
  return {
    bodyLimit: () => 0,
    refuseBody: () => text(413, 'Payload Too Large'),
    onDefect: parts.onDefect,
    async answer(request) {
      const found = instance();
      if (found?.state !== 'running') return text(404, 'Not Found');
      return await answer(request, found, tokens, parts);
    },
  };
}

async function answer(
  request: HttpRequest,
  instance: Instance,
  tokens: Tokens,
  parts: MetadataParts,
): Promise<HttpResponse> {
  if (!isLocal(request) || instance.metadata.httpEndpoint === 'disabled') return text(403, 'Forbidden');
  const path = request.path.split('/').filter((part) => part !== '');
  const [version, ...rest] = path;
  if (rest.join('/') === tokenPath) return request.method === 'PUT' ? issueToken(request, tokens) : notAllowed('PUT');
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD');
  const token = request.headers[tokenHeader];
  const left = token === undefined ? undefined : tokens.secondsLeft(token);
  if (left === undefined && (token !== undefined || instance.metadata.httpTokens === 'required')) {
    return text(401, 'Unauthorized');
  }
  const headers: Record<string, string> = left === undefined ? {} : { [ttlHeader]: String(left) };
  if (version === undefined) return text(200, '1.0\n2021-07-15\nlatest', headers);
  if (!/^(?:latest|1\.0|\d{4}-\d{2}-\d{2})$/.test(version)) return text(404, 'Not Found');
  const found = await contentAt(metadataOf(instance, left === undefined ? '1.0' : '2.0', parts), rest);
  return found === undefined ? text(404, 'Not Found') : text(200, found, headers);
}

async function contentAt(tree: Tree, path: readonly string[]): Promise<string | undefined> {
  let place: Tree[string] = tree;
  for (const name of path) {
    if (typeof place !== 'object' || !Object.hasOwn(place, name)) return undefined;
    place = place[name];
  }
  if (typeof place === 'function') return await place();
  return typeof place === 'object' ? listingOf(place) : place;
}

/**
 * SECURITY: a page may reach a loopback port: by a name of its own that resolves to it (then Host tells), or from
 * another site (then Origin or Sec-Fetch-Site tell). None of AWS's clients sends either.
 */
function isLocal({ headers }: HttpRequest): boolean {
  const name = (headers['host'] ?? '').replace(/:\d+$/, '').toLowerCase();
  const known = ['127.0.0.1', 'localhost', '[::1]', '169.254.169.254'].includes(name);
  return known && headers['origin'] === undefined && (headers['sec-fetch-site'] ?? 'none') === 'none';
}

/** "If the X-Forwarded-For header is present, the request is refused": it came through a proxy. */
function issueToken({ headers }: HttpRequest, tokens: Tokens): HttpResponse {
  if (headers['x-forwarded-for'] !== undefined) return text(403, 'Forbidden');
  const wanted = headers[ttlHeader] ?? '';
  const seconds = /^\d{1,5}$/.test(wanted) ? Number(wanted) : 0;
  if (seconds < 1 || seconds > longestTtl) return text(400, 'Bad Request');
  return text(200, tokens.issue(seconds), { [ttlHeader]: String(seconds) });
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain', server: 'EC2ws', 'cache-control': 'no-store', ...headers },
    body,
  };
}

function notAllowed(allow: string): HttpResponse {
  return text(405, 'Method Not Allowed', { allow });
}

/** Tokens of one instance: nothing is kept, each carries its end under a key that only this service has. */
class Tokens {
  readonly #parts: MetadataParts;
  readonly #key: Uint8Array;

  constructor(parts: MetadataParts) {
    this.#parts = parts;
    this.#key = parts.random.bytes(32);
  }

  issue(seconds: number): string {
    const end = Buffer.alloc(8);
    end.writeBigUInt64BE(BigInt(this.#parts.clock.now() + seconds * 1000));
    const body = Buffer.concat([end, this.#parts.random.bytes(6)]);
    return Buffer.concat([body, this.#seal(body)]).toString('base64url');
  }

  /** Undefined for a token that is not of this instance, or whose time is over. */
  secondsLeft(token: string): number | undefined {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length !== 42) return undefined;
    const body = bytes.subarray(0, 14);
    if (!timingSafeEqual(this.#seal(body), bytes.subarray(14))) return undefined;
    const left = Number(body.readBigUInt64BE()) - this.#parts.clock.now();
    return left > 0 ? Math.ceil(left / 1000) : undefined;
  }

  #seal(body: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(body).digest().subarray(0, 28);
  }
}
