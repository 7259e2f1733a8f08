// How many connections there may be, in all and from one address, so that one slow caller cannot take them all.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface ConnectionLimits {
  readonly maxConnections: number;
  readonly perAddress: number;
}

/** Cuts what is too much; `onRefused` counts it. */
export function limitConnections(server: Server, limits: ConnectionLimits, onRefused: () => void): void {
  const open = new Map<string, number>();
  server.maxConnections = limits.maxConnections;
  server.on('drop', onRefused);
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    if (count > limits.perAddress) {
      onRefused();
      socket.destroy();
      return;
    }
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
  });
}
