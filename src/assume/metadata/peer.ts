// Whose process is at the other end of a loopback connection. Linux tells it in /proc/net; elsewhere nobody does.
import type { Clock, Millis } from '../../base/index.ts';

export interface PeerTools {
  readonly clock: Clock;
  /** Text of a file, undefined when there is none. */
  readonly read: (path: string) => string | undefined;
  /** Of this process; undefined where there are no users. */
  readonly user: number | undefined;
}

/** Addresses of 127.0.0.1 as the kernel writes them, bytes of each word turned round; the second is of IPv6 sockets. */
const loopback: readonly string[] = ['0100007F', '0000000000000000FFFF00000100007F'];
const tables = ['/proc/net/tcp', '/proc/net/tcp6'] as const;

/** Users of the sockets on this machine that are connected with, or listen at, `port` of 127.0.0.1, by their own port. */
function socketUsers(port: number, read: PeerTools['read']): ReadonlyMap<number, number> {
  const users = new Map<number, number>();
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  // `sl: local_address rem_address st tx:rx tr:when retrnsmt uid …`
  const line = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+\s+(\d+)/gm;
  for (const table of tables) {
    for (const [, local, localPort, , remotePort, state, user] of (read(table) ?? '').matchAll(line)) {
      const listens = state === '0A' && localPort === hex;
      if (loopback.includes(local!) && (listens || remotePort === hex))
        users.set(parseInt(localPort!, 16), Number(user));
    }
  }
  return users;
}

/** A table serves so long: a thousand connections at once are looked up in a few. Ports are not used again that soon. */
const freshMillis: Millis = 200;

/** Tells strangers from processes of this user, for the server at one port. */
export class Peers {
  readonly #tools: PeerTools;
  #seen: { readonly at: Millis; readonly port: number; readonly users: ReadonlyMap<number, number> } | undefined;

  constructor(tools: PeerTools) {
    this.#tools = tools;
  }

  /**
   * Whether the process that connected from `peerPort` to the server at `port` may be of another user. Root is none: it
   * can read every process's memory. False where the machine does not tell, which shows in its not knowing the server.
   */
  isStranger(peerPort: number, port: number): boolean {
    const { user } = this.#tools;
    if (user === undefined) return false;
    const users = this.#usersWith(peerPort, port);
    if (users.get(port) !== user) return false;
    const peer = users.get(peerPort);
    // SECURITY: a connection that is not listed is gone, or hidden; nobody of ours hides.
    return peer !== user && peer !== 0;
  }

  #usersWith(peerPort: number, port: number): ReadonlyMap<number, number> {
    const { clock, read } = this.#tools;
    const age = this.#seen === undefined ? Infinity : clock.now() - this.#seen.at;
    if (this.#seen?.port === port && age >= 0 && age < freshMillis && this.#seen.users.has(peerPort))
      return this.#seen.users;
    const users = socketUsers(port, read);
    this.#seen = { at: clock.now(), port, users };
    return users;
  }
}
