// Checks the chain of audit files offline: reads them line by line, in order, and names the first
// line at which the chain breaks. Needs no secret; the public key may be given, else the files' own is taken.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { chainStart, checkSignature, readLink, sha256, type ChainHead, type ChainLink } from './chain.ts';

export interface AuditLine {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer;
  /** False for a last line without a line feed. */
  readonly complete: boolean;
}

export interface ChainReport {
  readonly intact: boolean;
  /** The first line that does not fit, and why. */
  readonly broken?: { readonly file: string; readonly line: number; readonly reason: string };
  readonly lines: number;
  readonly first: number;
  readonly last: ChainHead;
  /** Lines up to this number are covered by a signature. */
  readonly signedTo: number;
  readonly keys: readonly string[];
  /** What is no break, and what a person should know. */
  readonly notes: readonly string[];
}

export interface VerifyOptions {
  /** What stands in front of every line (the device's option `prefix`). */
  readonly prefix?: string;
  /** The public key (base64url) that must have signed; without it the files' own key is believed. */
  readonly key?: string;
  /** Where the chain must have come to at least, as the server or the head file says. */
  readonly head?: ChainHead;
}

/** Reads every line; stops at the first break. */
export async function verifyChain(lines: AsyncIterable<AuditLine>, options: VerifyOptions = {}): Promise<ChainReport> {
  const check = new ChainCheck(options);
  for await (const line of lines) {
    check.take(line);
    if (check.broken !== undefined) break;
  }
  return check.report();
}

class ChainCheck {
  readonly #options: VerifyOptions;
  broken: ChainReport['broken'];
  #lines = 0;
  #first = 0;
  #head: ChainHead = chainStart;
  #signedTo = 0;
  #key: KeyObject | undefined;
  readonly #keys = new Set<string>();
  readonly #notes: string[] = [];
  /** A line that is none, until the next one says that a crash tore it. */
  #torn: AuditLine | undefined;
  #headSeen: boolean;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#headSeen = options.head === undefined || options.head.seq === 0;
    if (options.key !== undefined) this.#learnKey(options.key);
  }

  take(line: AuditLine): void {
    const { prefix = '' } = this.#options;
    const whole = line.bytes.toString('utf8');
    const text = whole.startsWith(prefix) ? whole.slice(prefix.length) : whole;
    const link = line.complete ? readLink(text) : undefined;
    if (link === undefined) this.#takeTorn(line);
    else this.#takeLink(line, text, link);
  }

  report(): ChainReport {
    const torn = this.#torn;
    if (torn !== undefined && this.broken === undefined) {
      if (torn.complete) this.#break(torn, 'it is not a line of an audit chain');
      else this.#notes.push(`the last line of ${torn.file} is cut: a crash, or the server is writing it now`);
    }
    this.#checkHead();
    return {
      intact: this.broken === undefined,
      ...(this.broken === undefined ? {} : { broken: this.broken }),
      lines: this.#lines,
      first: this.#first,
      last: this.#head,
      signedTo: this.#signedTo,
      keys: [...this.#keys],
      notes: this.#notes,
    };
  }

  #takeTorn(line: AuditLine): void {
    if (this.#torn !== undefined) this.#break(this.#torn, 'it is not a line of an audit chain');
    this.#torn = line;
  }

  #takeLink(line: AuditLine, text: string, link: ChainLink): void {
    const wrong = this.#tornWrong(link) ?? this.#linkWrong(link) ?? this.#signatureWrong(text, link);
    if (wrong !== undefined) return this.#break(wrong.line ?? line, wrong.reason);
    if (link.gap === true) {
      this.#notes.push(`line ${link.seq} (${line.file}:${line.number}) says that lines may be missing before it`);
    }
    this.#lines++;
    if (this.#first === 0) this.#first = link.seq;
    this.#head = { seq: link.seq, hash: sha256(text) };
    const { head } = this.#options;
    if (head?.seq !== link.seq) return;
    this.#headSeen = head.hash === this.#head.hash;
    if (!this.#headSeen) this.#break(line, 'it is not the line that the recorded head names');
  }

  #tornWrong({ torn, seq }: ChainLink): Wrong | undefined {
    const before = this.#torn;
    if (before === undefined) {
      return torn === undefined || seq === 1 || this.#lines === 0
        ? undefined
        : { reason: 'it says that the line before it was torn, and that line is not there' };
    }
    if (torn?.bytes !== before.bytes.length || torn.sha256 !== sha256(before.bytes)) {
      return { line: before, reason: 'it is not a line of an audit chain' };
    }
    this.#torn = undefined;
    return undefined;
  }

  #linkWrong({ seq, previous }: ChainLink): Wrong | undefined {
    // The first line of what was given: what came before it is in another file.
    if (this.#lines === 0) return undefined;
    if (seq !== this.#head.seq + 1) {
      const missing = seq - this.#head.seq - 1;
      const reason =
        missing > 0 ? `${missing} line${missing === 1 ? ' is' : 's are'} missing before it` : 'it stands out of order';
      return { reason: `${reason} (number ${seq} after ${this.#head.seq})` };
    }
    if (previous === this.#head.hash) return undefined;
    return { reason: 'the line before it was changed: its hash is another' };
  }

  #signatureWrong(text: string, { key, seq }: ChainLink): Wrong | undefined {
    const pinned = this.#options.key;
    if (key !== undefined && key !== pinned && !this.#keys.has(key)) {
      if (pinned !== undefined) return { reason: 'it names another key than the one that was given' };
      if (this.#keys.size > 0) this.#notes.push(`line ${seq} names another key: the device was made anew there`);
      if (!this.#learnKey(key)) return { reason: 'the key it names is none' };
    }
    if (this.#key === undefined) return undefined;
    const good = checkSignature(text, this.#key);
    if (good === false) return { reason: 'its signature is wrong' };
    if (good === true) this.#signedTo = seq;
    return undefined;
  }

  #learnKey(key: string): boolean {
    try {
      this.#key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
      this.#keys.add(key);
      return true;
    } catch {
      return false;
    }
  }

  #checkHead(): void {
    const { head } = this.#options;
    if (this.broken !== undefined || head === undefined || this.#headSeen) return;
    // A head from before the first line belongs to a file that was rotated away.
    if (this.#lines > 0 && head.seq < this.#first) return;
    const file = this.#lines === 0 ? 'the file' : 'the last file';
    this.broken = {
      file,
      line: this.#lines + 1,
      reason: `the end is missing: the chain had come to number ${head.seq}, and ends here at ${this.#head.seq}`,
    };
  }

  #break({ file, number }: AuditLine, reason: string): void {
    this.broken ??= { file, line: number, reason };
  }
}

interface Wrong {
  readonly line?: AuditLine;
  readonly reason: string;
}

/** The lines of one file or stream. */
export async function* linesOf(file: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AuditLine> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, from)) {
      yield { file, number: ++number, bytes: rest.subarray(from, end), complete: true };
      from = end + 1;
    }
    rest = rest.subarray(from);
  }
  if (rest.length > 0) yield { file, number: ++number, bytes: rest, complete: false };
}
