// The small HTTP client of the verbs that talk to a server: address, token and trust from options and the
// environment, one request, Vault's errors as failures.
import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Secret, type Failure } from '../base/index.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';
import { serverAddress, storedToken } from './server-place.ts';

export { serverAddress, storedToken, tokenFile } from './server-place.ts';

export interface ServerReply {
  readonly status: number;
  /** The parsed body; empty when the answer had none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** How a server is reached; what is left out comes from the environment. */
export interface Connection {
  readonly address?: string;
  /** File of the certificates to trust. */
  readonly caCert?: string;
  readonly tlsSkipVerify?: true;
  readonly namespace?: string;
  /** Asks for a wrapped answer, as `5m`. */
  readonly wrapTtl?: string;
}

export interface Ask {
  readonly body?: unknown;
  readonly query?: string;
  /** Instead of the stored one; null sends none. */
  readonly token?: Secret | null;
}

/**
 * Asks the server. A 404 without a message is an answer ("nothing there"), not a failure.
 * @throws Failure `server-unreachable`, or `server-refused` with the server's own words.
 */
export async function askServer(
  io: Io,
  method: string,
  path: string,
  ask: Ask = {},
  connection: Connection = {},
): Promise<ServerReply> {
  const address = serverAddress(io, connection);
  const url = new URL(`${address}/v1/${pathOf(path)}${ask.query ? `?${ask.query}` : ''}`);
  const text = ask.body === undefined ? undefined : JSON.stringify(ask.body);
  const headers = headersOf(io, connection, ask, text);
  const answer = await send(url, { method, headers, signal: io.signal, ...trustOf(io, connection) }, text).catch(
    (error: unknown) => {
      throw unreachable(address, error);
    },
  );
  return replyOf(answer);
}

function replyOf({ status, text, hint }: Answered): ServerReply {
  const body = parseBody(text);
  const errors = Array.isArray(body['errors']) ? (body['errors'] as string[]) : undefined;
  if (status < 400 || (status === 404 && errors?.length === 0)) return { status, body };
  throw refused(status, errors, body['hint'] ?? hint);
}

/**
 * The bytes of an answer as they come. @throws Failure as `askServer`; the stream's own error when the
 * answer is cut off.
 */
export async function* downloadBytes(io: Io, path: string, connection: Connection): AsyncGenerator<Buffer> {
  const { address, url, options } = streamed(io, path, connection, {});
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    requestOf(url, options, resolve, (error) => reject(unreachable(address, error))).end();
  });
  const status = response.statusCode ?? 0;
  if (status !== 200) {
    replyOf(await readAnswer(response));
    throw refused(status, undefined, undefined);
  }
  for await (const chunk of response) yield chunk as Buffer;
}

/** Sends `bytes` of `size` as they come. @throws Failure as `askServer`. */
export async function uploadBytes(
  io: Io,
  path: string,
  bytes: NodeJS.ReadableStream,
  size: number,
  connection: Connection,
): Promise<ServerReply> {
  const { address, url, options } = streamed(io, path, connection, { 'Content-Length': String(size) });
  const answer = await new Promise<Answered>((resolve, reject) => {
    let answered = false;
    const sent = requestOf(
      url,
      { ...options, method: 'POST' },
      (response) => {
        answered = true;
        readAnswer(response).then(resolve, reject);
      },
      // A server that refuses closes before it has read everything; its answer counts.
      (error) => (answered ? undefined : reject(unreachable(address, error))),
    );
    bytes.on('error', (error) => {
      sent.destroy();
      reject(error);
    });
    bytes.pipe(sent);
  });
  return replyOf(answer);
}

function streamed(
  io: Io,
  path: string,
  connection: Connection,
  more: Readonly<Record<string, string>>,
): { readonly address: string; readonly url: URL; readonly options: RequestOptions & Trust } {
  const address = serverAddress(io, connection);
  const headers = { ...headersOf(io, connection, {}, undefined), ...more };
  const url = new URL(`${address}/v1/${pathOf(path)}`);
  return { address, url, options: { headers, signal: io.signal, ...trustOf(io, connection) } };
}

function pathOf(path: string): string {
  return path
    .replace(/^\/|\/$/g, '')
    .split('/')
    .map(encodeURIComponent)
    .join('/');
}

function headersOf(io: Io, connection: Connection, ask: Ask, text: string | undefined): Record<string, string> {
  const token = ask.token === null ? undefined : (ask.token ?? storedToken(io));
  const namespace = connection.namespace || io.env['VAULT_NAMESPACE'];
  const wrapTtl = connection.wrapTtl || io.env['VAULT_WRAP_TTL'];
  return {
    'X-Vault-Request': 'true',
    // SECURITY: the one place where the CLI lets a token go, to the server it was told of.
    ...(token === undefined ? {} : { 'X-Vault-Token': token.reveal() }),
    ...(namespace ? { 'X-Vault-Namespace': namespace } : {}),
    ...(wrapTtl ? { 'X-Vault-Wrap-TTL': wrapTtl } : {}),
    ...(text === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) }),
  };
}

interface Trust {
  readonly ca?: string;
  readonly rejectUnauthorized?: false;
}

function trustOf(io: Io, { caCert, tlsSkipVerify }: Connection): Trust {
  const skip = tlsSkipVerify === true || /^(1|t|true)$/i.test(io.env['VAULT_SKIP_VERIFY'] ?? '');
  const file = caCert || io.env['STINT_CACERT'] || io.env['VAULT_CACERT'];
  return { ...(file ? { ca: certificatesOf(file) } : {}), ...(skip ? { rejectUnauthorized: false } : {}) };
}

function certificatesOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw cliFailure('file-unreadable', `the certificates of \`${file}\` cannot be read`, {
      hint: 'name a PEM file with `--ca-cert` or VAULT_CACERT',
      cause: error,
    });
  }
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly hint: unknown;
}

// Not `fetch`: it cannot be told whom to trust, and loading it costs 60 ms.
function send(url: URL, options: RequestOptions & Trust, text: string | undefined): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage): void => {
      readAnswer(response).then(resolve, reject);
    };
    requestOf(url, options, onResponse, reject).end(text);
  });
}

function requestOf(
  url: URL,
  options: RequestOptions & Trust,
  onResponse: (response: IncomingMessage) => void,
  onError: (error: Error) => void,
): ClientRequest {
  const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
  const sent = request(url, { ...options, agent: false }, onResponse);
  sent.on('error', onError);
  return sent;
}

async function readAnswer(response: IncomingMessage): Promise<Answered> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  // A 404 has its hint here, as its body is for Vault's clients.
  return { status: response.statusCode ?? 0, text, hint: response.headers['x-stint-hint'] };
}

function unreachable(address: string, error: unknown): Failure {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code)) {
    return cliFailure('server-unreachable', `the certificate of \`${address}\` is not trusted (${code})`, {
      hint: 'name the certificates to trust with `--ca-cert FILE` or VAULT_CACERT',
      cause: error,
    });
  }
  return cliFailure('server-unreachable', `no server answers at \`${address}\``, {
    hint: 'start one with `stint server --dev`, or set STINT_ADDR to where it is',
    cause: error,
  });
}

function parseBody(text: string): Readonly<Record<string, unknown>> {
  if (text === '') return {};
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw cliFailure('server-refused', 'the server does not speak Vault’s API', {
      hint: 'check STINT_ADDR',
      cause: error,
    });
  }
}

// Vault wraps some messages in several lines; a person reads one.
function refused(status: number, errors: readonly string[] | undefined, hint: unknown): Failure {
  const [message = `the server answered ${status}`] = errors ?? [];
  const plain = message
    // Go prints an error within an error as a quoted text.
    .replace(/"1 error occurred:\\n\\t\* (.*)\\n\\n"$/, '$1')
    .replace(/^1 error occurred:\s*\* /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
  const fallback =
    'see what was asked, as whom, and where: STINT_TOKEN and STINT_ADDR; `stint list` shows what is there';
  return cliFailure('server-refused', plain, { hint: typeof hint === 'string' ? hint : fallback, status });
}
