// Where the lines of an audit device go: a file, a socket, standard output. A sink knows nothing of
// records; it promises that `write` resolves only when the system has taken every byte.
import type { KeyObject } from 'node:crypto';
import type { ChainHead } from './chain.ts';

/** What a sink already holds when it is opened. */
export interface Tail {
  /** The last whole line of a chain, if there is one. */
  readonly head: ChainHead | undefined;
  /** What is left of a line that a crash cut: it was ended with a line feed. */
  readonly torn: Buffer | undefined;
}

export interface AuditSink {
  /** Opens it, or opens it anew. Undefined: what it holds cannot be read back. Rejects when it cannot be opened. */
  open(): Promise<Tail | undefined>;
  /** Rejects when a byte was not taken; some may have been. */
  write(bytes: Buffer): Promise<void>;
  /** Leaves word beside what was written of where the chain stands. */
  keepHead?(head: ChainHead, key: KeyObject, publicKey: string): Promise<void>;
  close(): Promise<void>;
}

/** Takes everything and keeps nothing (`file_path=discard`). */
export const discardSink: AuditSink = {
  open: async () => undefined,
  write: async () => {},
  close: async () => {},
};

/** A stream that this process was given, usually its standard output; never closed. */
export function streamSink(stream: NodeJS.WritableStream): AuditSink {
  return {
    open: async () => undefined,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    close: async () => {},
  };
}
