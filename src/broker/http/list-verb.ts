// Serves the HTTP verb LIST, which hvac and node-vault send and Node's parser refuses. A listener in
// front of Node's own hands it the bytes piece by piece, so that the start of each message is known,
// and turns `LIST ` at such a start into `LINK `. Nothing else is changed, wherever it stands.
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

const list = Buffer.from('LIST ');
const link = Buffer.from('LINK ');
const emptyLine = Buffer.from('\r\n\r\n');
const lf = 0x0a;
const cr = 0x0d;

type Feed = (chunk: Buffer) => void;

/** Makes `server` see `LINK` where a client sent `LIST`; holds with keep-alive, split packets and pipelining. */
export function acceptListVerb(server: Server): void {
  const framings = new WeakMap<Socket, Framing>();
  // Under TLS what is read stands on the socket that decrypts.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    // The server's own listener was added before this one runs; from here on it is fed by us.
    const [parse] = socket.listeners('data') as Feed[];
    if (parse === undefined) return;
    const framing = new Framing(socket, parse);
    framings.set(socket, framing);
    socket.removeListener('data', parse);
    socket.on('data', (chunk: Buffer) => framing.take(chunk));
  });
  server.prependListener('request', (request: IncomingMessage) => framings.get(request.socket)?.begin(request));
}

/** Follows where messages of one connection begin, by what Node's parser made of what it was fed. */
class Framing {
  readonly #socket: Socket;
  readonly #parse: Feed;
  #held: Buffer = Buffer.alloc(0);
  #atStart = true;
  #request: IncomingMessage | undefined;
  /** Body bytes still to come when the head named their number. */
  #bodyLeft: number | undefined;

  constructor(socket: Socket, parse: Feed) {
    this.#socket = socket;
    this.#parse = parse;
  }

  /** Node's parser has read a head: the message's body follows, if it has one. */
  begin(request: IncomingMessage): void {
    this.#request = request;
    const length = request.headers['content-length'];
    this.#bodyLeft = length === undefined ? undefined : Number(length);
  }

  take(chunk: Buffer): void {
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    while (rest.length > 0 && !this.#socket.destroyed) {
      if (this.#atStart) {
        const start = this.#takeStart(rest);
        if (start === undefined) return;
        rest = start;
      }
      const size = this.#pieceSize(rest);
      if (size === rest.length) return this.#feed(rest);
      this.#feed(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  }

  /** The bytes with the verb rewritten; undefined while too few are here to tell. Empty lines before a message stay. */
  #takeStart(bytes: Buffer): Buffer | undefined {
    if (bytes[0] === cr || bytes[0] === lf) return bytes;
    if (bytes[0] !== list[0]) {
      this.#atStart = false;
      return bytes;
    }
    const known = Math.min(bytes.length, list.length);
    if (!bytes.subarray(0, known).equals(list.subarray(0, known))) {
      this.#atStart = false;
      return bytes;
    }
    if (known < list.length) {
      this.#held = Buffer.from(bytes);
      return undefined;
    }
    this.#atStart = false;
    return Buffer.concat([link, bytes.subarray(list.length)]);
  }

  // A head that is here as a whole in one piece, and so a body of known length; anything else by lines, with which
  // heads and chunked bodies end.
  #pieceSize(bytes: Buffer): number {
    if (this.#request === undefined && !this.#atStart) {
      const headEnd = bytes.indexOf(emptyLine);
      if (headEnd >= 0) return headEnd + emptyLine.length;
    } else if (this.#request !== undefined && this.#bodyLeft !== undefined) {
      return Math.min(this.#bodyLeft, bytes.length);
    }
    const end = bytes.indexOf(lf);
    return end < 0 ? bytes.length : end + 1;
  }

  #feed(piece: Buffer): void {
    if (this.#request !== undefined && this.#bodyLeft !== undefined) this.#bodyLeft -= piece.length;
    this.#parse(piece);
    if (this.#request?.complete === true) {
      this.#request = undefined;
      this.#bodyLeft = undefined;
      this.#atStart = true;
    }
  }
}
