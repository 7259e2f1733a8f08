// A socket an audit device writes to, TCP or Unix. A peer that does not read is cut off after the
// device's time limit; the next write connects anew.
import { connect, type Socket } from 'node:net';
import type { AuditSink } from './sink.ts';

export interface SocketSinkOptions {
  /** `HOST:PORT`, or a path. */
  readonly address: string;
  readonly type: 'tcp' | 'unix';
  readonly timeoutMillis: number;
}

export class SocketSink implements AuditSink {
  readonly #options: SocketSinkOptions;
  #socket: Socket | undefined;

  constructor(options: SocketSinkOptions) {
    this.#options = options;
  }

  async open(): Promise<undefined> {
    await this.close();
    const { address, type } = this.#options;
    const at = address.lastIndexOf(':');
    const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
    const socket = connect(type === 'unix' ? { path: address } : { host, port: Number(address.slice(at + 1)) });
    socket.unref();
    await this.#inTime(socket, 'connect', (ready, failed) => {
      socket.once('connect', () => ready());
      socket.once('error', failed);
    });
    // What the peer says is of no interest; that it has gone is.
    socket.resume();
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    this.#socket = socket;
  }

  async write(bytes: Buffer): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) throw new Error('the peer has closed the connection');
    await this.#inTime(socket, 'take a record', (ready, failed) => {
      socket.once('close', () => failed(new Error('the peer has closed the connection')));
      socket.write(bytes, (error) => (error ? failed(error) : ready()));
    });
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #inTime(
    socket: Socket,
    what: string,
    start: (ready: () => void, failed: (error: Error) => void) => void,
  ): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => {
          socket.destroy();
          reject(new Error(`the peer did not ${what} within ${this.#options.timeoutMillis} ms`));
        }, this.#options.timeoutMillis);
        start(resolve, reject);
      });
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      socket.removeAllListeners('close');
    }
  }
}
