// One request on its way and the answer that comes together, as undici tells of both.
import type { Dispatcher } from 'undici';
import type { Millis } from '../base/index.ts';

export interface QueryAnswer {
  readonly status: number;
  readonly text: string;
  readonly requestId: string | undefined;
}

type Controller = Dispatcher.DispatchController;

/** undici's names for a connection that went away, also by us. Callers know Node's. */
const lostCodes = new Set(['UND_ERR_SOCKET', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);

export class QueryCall implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: QueryAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #controller: Controller | undefined;
  #late: Error | undefined;
  #status = 0;
  #requestId: string | undefined;

  /** `millis`: how long it may take, from now to the last byte of the answer. */
  constructor(millis: Millis, resolve: (answer: QueryAnswer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#giveUp(), millis);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    // Who was told that it did not happen must not find that it did: nothing has been written yet.
    if (this.#late !== undefined) controller.abort(this.#late);
  }

  onResponseStart(_: Controller, status: number, headers: Record<string, string | string[] | undefined>): void {
    const id = headers['x-amzn-requestid'] ?? headers['x-amz-request-id'];
    this.#status = status;
    this.#requestId = typeof id === 'string' ? id : undefined;
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    const chunks = this.#chunks;
    const text = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8');
    this.#resolve({ status: this.#status, text, requestId: this.#requestId });
  }

  onResponseError(_: Controller, error: Error): void {
    clearTimeout(this.#timer);
    this.#reject(asNodeTells(error));
  }

  #giveUp(): void {
    this.#late = timeout();
    this.#reject(this.#late);
    this.#controller?.abort(this.#late);
  }
}

function asNodeTells(error: Error): Error {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return timeout(error);
  if (!lostCodes.has(code)) return error;
  return Object.assign(new Error('the connection to AWS was lost', { cause: error }), { code: 'ECONNRESET' });
}

function timeout(cause?: Error): Error {
  const error = new Error('AWS did not answer in time', { cause });
  error.name = 'TimeoutError';
  return error;
}
