// A client that costs little, so that what is measured is the server: signs once per request with Signature
// Version 4 and keeps its connections.
import { createHash, createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';

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

/**
 * Up to `most` connections that are kept. Requests and answers are plain bytes on a socket: Node's own HTTP client costs
 * as much of a core as the server that is measured. Answers must say their length, as both servers' do.
 */
export class Connections {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #most: number;
  readonly #free: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];
  readonly #all: Connection[] = [];

  constructor(endpoint: string, most: number) {
    const { hostname, port } = new URL(endpoint);
    this.#address = { host: hostname, port: Number(port) };
    this.#most = most;
  }

  /** The text of the answer. @throws Error for a status that is not 2xx */
  async send(signed: Signed): Promise<string> {
    const connection = await this.#take();
    try {
      const { status, text } = await connection.send(bytesOf(signed));
      if (status < 300) return text;
      throw new Error(`answered ${status}: ${text.slice(0, 300)}`);
    } finally {
      this.#give(connection);
    }
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  async #take(): Promise<Connection> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#all.length >= this.#most) return new Promise((resolve) => this.#waiting.push(resolve));
    const made = new Connection(this.#address);
    this.#all.push(made);
    return made;
  }

  #give(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(connection);
    else next(connection);
  }
}

/** The same request is sent many times. */
const written = new WeakMap<Signed, Buffer>();

function bytesOf(signed: Signed): Buffer {
  let bytes = written.get(signed);
  if (bytes === undefined) {
    const { method, path, headers, body } = signed;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    bytes = Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), Buffer.from(body)]);
    written.set(signed, bytes);
  }
  return bytes;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const headEnd = Buffer.from('\r\n\r\n');

/** One socket, one request at a time; opened again when the server closed it. */
class Connection {
  readonly #address: { readonly host: string; readonly port: number };
  #socket: Socket | undefined;
  #received: Buffer[] = [];
  #wanted = Number.POSITIVE_INFINITY;
  #settle: PromiseWithResolvers<Answer> | undefined;

  constructor(address: { readonly host: string; readonly port: number }) {
    this.#address = address;
  }

  send(bytes: Buffer): Promise<Answer> {
    this.#received = [];
    this.#wanted = Number.POSITIVE_INFINITY;
    this.#settle = Promise.withResolvers<Answer>();
    this.#open().write(bytes);
    return this.#settle.promise;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    if (this.#socket !== undefined && !this.#socket.destroyed && this.#socket.writable) return this.#socket;
    const socket = connect(this.#address).setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    const fail = (error: Error) => {
      if (this.#socket === socket) this.#settle?.reject(error);
    };
    socket.on('error', fail).on('close', () => fail(new Error('the connection was closed')));
    return (this.#socket = socket);
  }

  #read(chunk: Buffer): void {
    this.#received.push(chunk);
    const whole = this.#received.length === 1 ? chunk : Buffer.concat(this.#received);
    this.#received = [whole];
    if (this.#wanted === Number.POSITIVE_INFINITY) {
      const end = whole.indexOf(headEnd);
      if (end === -1) return;
      const length = /\r\ncontent-length: *(\d+)/i.exec(whole.toString('latin1', 0, end))?.[1];
      this.#wanted = end + headEnd.length + Number(length ?? 0);
    }
    if (whole.length < this.#wanted) return;
    const head = whole.indexOf(headEnd) + headEnd.length;
    const status = Number(whole.toString('latin1', 9, 12));
    const { resolve } = this.#settle!;
    this.#settle = undefined;
    // A server that says it closes must not be asked again on this socket.
    if (/\r\nconnection: *close/i.test(whole.toString('latin1', 0, head))) this.#socket?.destroy();
    resolve({ status, text: whole.toString('utf8', head, this.#wanted) });
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
