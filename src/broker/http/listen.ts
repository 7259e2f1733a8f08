// Taking an address, and letting go of it without cutting answers short.
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { brokerFailure } from '../failures.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface Listening {
  readonly address: string;
  readonly hostAllowed: (host: string | undefined, origin: string | undefined) => boolean;
  /** Takes no new connections and ends those that wait for a request; resolves when all have ended. */
  stop(): Promise<void>;
  /** Ends what is still open, also connections that never sent a request. */
  cut(): void;
}

/** `127.0.0.1:8200`, `localhost:0`, `[::1]:8200`. @throws Failure `address-invalid`. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw brokerFailure('address-invalid', `\`${text}\` is not an address to listen on`, {
      hint: 'write `HOST:PORT`, for example `127.0.0.1:8200`',
    });
  }
  return { host: match[1] ?? match[2]!, port };
}

/** @throws Failure `port-in-use` naming a free port, `address-invalid`. */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<Listening> {
  await bind(server, host, port);
  const secure = server instanceof TlsServer;
  const open = openSockets(server);
  const bound = (server.address() as AddressInfo).port;
  const isRight = remembering((given) => hostIsRight(host, given));
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    address: `${secure ? 'https' : 'http'}://${shownHost}:${bound}`,
    hostAllowed: (given, origin) => isRight(given) && originIsRight(given, origin, secure),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    cut: () => {
      for (const socket of open) socket.destroy();
    },
  };
}

// Node's own list lacks connections that have not sent anything yet, or are still shaking hands.
function openSockets(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return open;
}

async function bind(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw brokerFailure('port-in-use', `port ${port} of \`${host}\` is taken`, {
        hint: `stop what listens there, or use \`--listen ${host}:${await freePort(server, host)}\``,
        cause: error,
      });
    }
    throw brokerFailure('address-invalid', `cannot listen on \`${host}:${port}\`: ${code ?? 'unknown reason'}`, {
      hint: 'use an address of this machine and a port you may open, for example `127.0.0.1:8200`',
      cause: error,
    });
  }
}

async function freePort(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/;

/** Almost all callers give the same host. */
function remembering(isRight: (given: string | undefined) => boolean): (given: string | undefined) => boolean {
  let lastRight: string | undefined;
  return (given) => {
    if (given !== undefined && given === lastRight) return true;
    const right = isRight(given);
    if (right) lastRight = given;
    return right;
  };
}

// SECURITY: a page of the internet may resolve its own name to 127.0.0.1 (DNS rebinding); such a
// request names that page's host. On loopback only loopback names are served.
function hostIsRight(listening: string, given: string | undefined): boolean {
  if (!loopback.test(listening)) return true;
  return given !== undefined && loopback.test(given.replace(/:\d+$/, '').toLowerCase());
}

// A browser says which page a request comes from; only pages of this server may call it.
// Without TLS a proxy may have ended it, so that the page came by https.
function originIsRight(host: string | undefined, origin: string | undefined, secure: boolean): boolean {
  return origin === undefined || origin === `https://${host}` || (!secure && origin === `http://${host}`);
}
