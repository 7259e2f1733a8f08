// One audit device: a queue in front of a sink. Records that wait are written together, chained and
// signed; a sink that blocks fills its queue and nothing else.
import type { KeyObject } from 'node:crypto';
import { chainLine, sha256, type ChainHead, type ChainNotes } from './chain.ts';
import { formatEntry, type AuditEntry, type FormatOptions } from './entry.ts';
import type { AuditSink, Tail } from './sink.ts';

const maxQueued = 8192;
/**
 * Bytes that wait at most, so that a sink that hangs does not fill the memory: of large records, and as many of small
 * ones, so that a few large bodies, which anybody can send, do not keep the records of others out.
 */
const maxWeight = 64 * 1024 * 1024;
const largeWeight = 64 * 1024;
/** Records and bytes that are written together at most. */
const maxBatch = 256;
const maxBatchWeight = 256 * 1024;
/** How often a moving head is told, so that a shortened file is noticed. */
const headMillis = 1000;

export interface DeviceParts {
  readonly path: string;
  readonly sink: AuditSink;
  /** Read anew for each record: recorded headers may change. */
  readonly format: () => FormatOptions;
  readonly prefix: string;
  readonly key: KeyObject;
  /** Base64url. */
  readonly publicKey: string;
  /** Where the chain stood when it was last told, and whether nothing can have come after. */
  readonly head: ChainHead;
  readonly headExact: boolean;
  /** Hears where the chain stands, at most once a second and at the end. */
  readonly onHead: (head: ChainHead, exact: boolean) => Promise<void>;
  /** Hears of what an operator should know: the sink failed, the file is shorter than it was. */
  readonly onTrouble: (what: string, error?: unknown) => void;
  readonly wallClock: () => number;
}

interface Waiting {
  readonly entry: AuditEntry;
  readonly weight: number;
  readonly accepted: () => void;
  readonly refused: (error: Error) => void;
}

export class Device {
  readonly #parts: DeviceParts;
  readonly #queue: Waiting[] = [];
  readonly #weights = { large: 0, small: 0 };
  #running: Promise<void> | undefined;
  #head: ChainHead;
  #notes: ChainNotes = {};
  #open = false;
  /** The sink is to be opened anew before the next write. */
  #stale = false;
  /** What the sink holds can be read back. */
  #readable = false;
  /** No line can have come after the head. */
  #exact: boolean;
  #toldAt = 0;
  /** The head that was told last as the last one. */
  #told: ChainHead | undefined;
  #closed = false;
  /** True from the first write that failed to the next that did not. */
  #failing = false;
  /** True from the first record that was not taken in time to the next that is taken: nobody waits for it then. */
  behind = false;
  /** Grows with each write that ended: a device that works its way through a queue does not block. */
  written = 0;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
    this.#head = parts.head;
    this.#exact = parts.headExact;
  }

  get path(): string {
    return this.#parts.path;
  }

  get head(): ChainHead {
    return this.#head;
  }

  get publicKey(): string {
    return this.#parts.publicKey;
  }

  get state(): 'ok' | 'failing' | 'blocked' {
    if (this.behind) return 'blocked';
    return this.#failing ? 'failing' : 'ok';
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** The keyed hash with which this device records `text`. */
  hash(text: string): string {
    return this.#parts.format().hash(text);
  }

  /** Resolves when the sink has the record; rejects when it failed, or when too many wait already. */
  record(entry: AuditEntry): Promise<void> {
    const weight = weightOf(entry);
    // One record alone is taken, however large: its body was within the server's own limit.
    const waiting = this.#weights[sizeOf(weight)];
    const full = this.#queue.length >= maxQueued || (waiting > 0 && waiting + weight > maxWeight);
    if (this.#closed || full) {
      return Promise.reject(new Error(this.#closed ? 'the device is closed' : 'the device does not keep up'));
    }
    return new Promise((accepted, refused) => {
      this.#weights[sizeOf(weight)] += weight;
      this.#queue.push({ entry, weight, accepted, refused });
      this.#running ??= this.#run();
    });
  }

  /** Opens the sink anew after what is being written: the file may have been moved away. */
  reopen(): Promise<void> {
    this.#stale = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Tells where the chain stands, while there is somebody to tell. */
  async checkpoint(): Promise<void> {
    await this.#running;
    if (this.#open && this.#told !== this.#head) await this.#tell(true);
  }

  /** Writes what waits, tells where the chain stands, and lets go of the sink. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.checkpoint();
    await this.#parts.sink.close();
  }

  async #run(): Promise<void> {
    // The records of this turn of the event loop go together.
    await Promise.resolve();
    while (this.#queue.length > 0 || this.#stale) {
      if (this.#stale) await this.#renew();
      const batch = this.#queue.splice(0, batchSize(this.#queue));
      if (batch.length > 0) await this.#writeBatch(batch);
      for (const { weight } of batch) this.#weights[sizeOf(weight)] -= weight;
    }
    this.#running = undefined;
  }

  async #renew(): Promise<void> {
    this.#stale = false;
    if (this.#open) await this.#tell(true);
    await this.#openSink().catch((error: unknown) => this.#parts.onTrouble('failed', error));
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const before = this.#head;
    try {
      if (!this.#open) await this.#openSink();
      await this.#write(batch.map(({ entry }) => entry));
      this.behind = false;
      this.#failing = false;
      this.written++;
      for (const { accepted } of batch) accepted();
    } catch (error) {
      this.#open = false;
      this.#failing = true;
      this.#exact = false;
      // What can be read back says itself how far it came; elsewhere the lines may have arrived.
      if (this.#readable) this.#head = before;
      this.#parts.onTrouble('failed', error);
      for (const { refused } of batch) refused(error as Error);
    }
  }

  async #openSink(): Promise<void> {
    this.#open = false;
    const tail = await this.#parts.sink.open();
    this.#readable = tail !== undefined;
    this.#takeUp(tail);
    this.#open = true;
  }

  async #write(entries: readonly AuditEntry[]): Promise<void> {
    const { key, prefix } = this.#parts;
    const format = this.#parts.format();
    let text = '';
    for (const [index, entry] of entries.entries()) {
      const last = index === entries.length - 1;
      const line = chainLine(this.#head, formatEntry(entry, format), this.#notes, last ? key : undefined);
      this.#head = line.head;
      this.#notes = {};
      text += `${prefix}${line.text}\n`;
    }
    await this.#parts.sink.write(Buffer.from(text));
    this.#exact = true;
    if (this.#parts.wallClock() - this.#toldAt >= headMillis) await this.#tell(false);
  }

  /** Decides where the chain goes on, from what the sink holds and what is remembered. */
  #takeUp(tail: Tail | undefined): void {
    const known = this.#head;
    const found = tail?.head;
    let gap = false;
    if (found === undefined) gap = !this.#exact;
    else if (found.seq > known.seq) this.#head = found;
    else if (found.seq < known.seq || found.hash !== known.hash) {
      gap = true;
      this.#parts.onTrouble(found.seq < known.seq ? 'shortened' : 'changed');
    }
    const torn = tail?.torn;
    this.#notes = {
      key: this.#parts.publicKey,
      ...(torn === undefined ? {} : { torn: { bytes: torn.length, sha256: sha256(torn) } }),
      ...(gap ? { gap: true } : {}),
    };
  }

  // A head that is not told is no reason to refuse a record: it is only where a look for missing lines begins.
  async #tell(exact: boolean): Promise<void> {
    const { wallClock, onHead, sink, key, publicKey, onTrouble } = this.#parts;
    this.#toldAt = wallClock();
    if (exact) this.#told = this.#head;
    const told = [onHead(this.#head, exact), sink.keepHead?.(this.#head, key, publicKey) ?? Promise.resolve()];
    for (const outcome of await Promise.allSettled(told)) {
      if (outcome.status === 'rejected') onTrouble('head-untold', outcome.reason);
    }
  }
}

/** How many of the first that wait go together. */
function batchSize(queue: readonly Waiting[]): number {
  let weight = 0;
  const end = queue.slice(0, maxBatch).findIndex((waiting, index) => {
    weight += waiting.weight;
    return index > 0 && weight > maxBatchWeight;
  });
  return end < 0 ? maxBatch : end;
}

function sizeOf(weight: number): 'large' | 'small' {
  return weight > largeWeight ? 'large' : 'small';
}

/** About how many bytes a record holds: its body counts. */
function weightOf({ request }: AuditEntry): number {
  return 2048 + (Number(request.headers?.['content-length'] ?? 0) || 0);
}
