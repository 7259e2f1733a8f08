// What many commands print at once, made readable: whole lines with the name of their target before them, or kept
// until their command ends. Neither grows without bound.

/** A line longer than this comes in parts, each with its label. */
const longestLine = 1 << 20;

const newline = 0x0a;

/** Cuts the bytes of one stream into whole lines, each after `label`. */
export class LabelledLines {
  readonly #label: Buffer;
  #rest: Buffer[] = [];
  #length = 0;

  constructor(label: string) {
    this.#label = Buffer.from(label);
  }

  /** The lines that are complete now, to be written in one piece; empty while there is none. */
  push(chunk: Buffer): Buffer {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      this.#rest.push(chunk.subarray(from, end + 1));
      lines.push(this.#label, ...this.#take());
      from = end + 1;
    }
    if (from < chunk.length) {
      // Copied: a part of a line must not hold the whole buffer that it came in.
      this.#rest.push(Buffer.from(chunk.subarray(from)));
      this.#length += chunk.length - from;
    }
    if (this.#length > longestLine) lines.push(this.flush());
    return Buffer.concat(lines);
  }

  /** What is left when the stream ends, as a line. */
  flush(): Buffer {
    if (this.#rest.length === 0) return Buffer.alloc(0);
    return Buffer.concat([this.#label, ...this.#take(), Buffer.from([newline])]);
  }

  #take(): Buffer[] {
    const taken = this.#rest;
    this.#rest = [];
    this.#length = 0;
    return taken;
  }
}

/** Keeps the beginning of a stream, up to so many bytes. */
export class KeptOutput {
  readonly #limit: number;
  readonly #parts: Buffer[] = [];
  #length = 0;
  truncated = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** There is nothing to wait for. */
  push(chunk: Buffer): undefined {
    const part = chunk.subarray(0, this.#limit - this.#length);
    if (part.length < chunk.length) this.truncated = true;
    if (part.length > 0) this.#parts.push(part);
    this.#length += part.length;
  }

  /** As text; a letter that was cut in two at the limit is left out. */
  text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#parts), { stream: this.truncated });
  }
}
