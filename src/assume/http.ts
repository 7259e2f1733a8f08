// One HTTP exchange: send a text, get status, headers and text. Time limits, proxy and authorities are handled here.
// `process.getBuiltinModule` and not `import`: importing node:http in an ES module loads undici as well (59 ms).
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Millis } from '../base/index.ts';
import { failure } from './failures.ts';
import type { Environment } from './model.ts';
import { proxyEnvironment } from './proxy.ts';

export interface HttpRequest {
  /** `POST` unless given. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | undefined;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly caBundle?: string | undefined;
  /** How long to wait for the connection, and then for the answer; 5 and 20 seconds unless given. */
  readonly patience?: Millis | undefined;
  /** Past every proxy, as what is only reachable from this machine must be asked. */
  readonly direct?: boolean | undefined;
  /** Ends the exchange as lost. */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** The answer's `date` header. */
  readonly date?: string | undefined;
  /** What an embedded AWS can explain its refusal by. */
  readonly explainId?: string | undefined;
  /** Where a redirect leads. Nothing here follows one by itself. */
  readonly location?: string | undefined;
  readonly body: string;
}

/** Why no answer came. `sent`: the server may have acted on the request. */
export interface HttpLoss {
  readonly lost: string;
  readonly sent: boolean;
}

/** Sends one request. A refused or broken connection is a value, because the caller decides whether to try again. */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer | HttpLoss>;

const connectMillis: Millis = 5000;
const answerMillis: Millis = 20_000;
/** STS answers in a few kilobytes; more is not an answer of STS. */
const longestAnswer = 1_000_000;

function readBundle(path: string): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
  } catch (cause) {
    throw failure('config-unreadable', `the CA bundle \`${path}\` cannot be read`, {
      hint: 'correct AWS_CA_BUNDLE, or ca_bundle of the profile',
      cause,
    });
  }
}

function collect(answer: IncomingMessage, done: (result: HttpAnswer | HttpLoss) => void): void {
  let body = '';
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    body += chunk;
    if (body.length > longestAnswer) answer.destroy(new Error('the answer is too long'));
  });
  answer.on('error', (error) => done({ lost: error.message, sent: true }));
  answer.on('end', () => {
    const explainId = /^[\w-]{1,64}$/.exec(String(answer.headers['x-stint-explain-id'] ?? ''))?.[0];
    const { date, location } = answer.headers;
    done({ status: answer.statusCode ?? 0, date, location, explainId, body });
  });
}

/** Settles with the answer or the loss, and takes its timers down with it. */
function exchange(request: ClientRequest, { body, patience }: HttpRequest): Promise<HttpAnswer | HttpLoss> {
  const { promise, resolve } = Promise.withResolvers<HttpAnswer | HttpLoss>();
  let connected = false;
  const limit = (what: string, millis: Millis): NodeJS.Timeout =>
    setTimeout(() => request.destroy(new Error(`no ${what} within ${millis / 1000} s`)), millis);
  const connecting = limit('connection', patience ?? connectMillis);
  const waiting = limit('answer', patience === undefined ? answerMillis : 2 * patience);
  const done = (result: HttpAnswer | HttpLoss): void => {
    clearTimeout(connecting);
    clearTimeout(waiting);
    resolve(result);
  };
  request.on('socket', (socket) => {
    socket.once('secureConnect' in socket && request.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      connected = true;
      clearTimeout(connecting);
    });
  });
  request.on('response', (answer) => collect(answer, done));
  request.on('error', (error: NodeJS.ErrnoException) => done({ lost: error.code ?? error.message, sent: connected }));
  request.end(body);
  return promise;
}

/** An HTTP client that honours HTTPS_PROXY, HTTP_PROXY and NO_PROXY of `env`, unless a request goes past them. */
export function httpSender(env: Environment): SendHttp {
  return async (wanted) => {
    const { url, headers, body, caBundle, method = 'POST', direct, signal } = wanted;
    const secure = url.protocol === 'https:';
    const { request, Agent } = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
    const proxyEnv = direct === true ? undefined : proxyEnvironment(env, secure ? 'https' : 'http');
    const length = method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options: RequestOptions = {
      method,
      headers: { ...headers, ...length },
      agent: new Agent({ keepAlive: false, ...(proxyEnv === undefined ? {} : { proxyEnv }) }),
      ...(caBundle === undefined ? {} : { ca: readBundle(caBundle) }),
      ...(signal === undefined ? {} : { signal }),
    };
    return exchange(request(url, options), wanted);
  };
}
