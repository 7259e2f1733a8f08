// A small part of tar (POSIX.1-1988, "ustar"): plain files with short names, which is all that a snapshot
// is made of. Reading is strict: what is not such a file is refused.
const blockBytes = 512;

/** The header of a file; its content follows, filled up by `paddingOf`. */
export function tarHeader(name: string, size: number, modifiedSeconds: number): Uint8Array {
  const header = Buffer.alloc(blockBytes);
  header.write(name, 0, 100);
  header.write('0000600\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(sizeField(size), 124, 12, 'latin1');
  header.write(`${modifiedSeconds.toString(8).padStart(11, '0')}\0`, 136);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

// Eleven octal digits hold 8 GiB; beyond, GNU's and POSIX's base-256 form.
function sizeField(size: number): string {
  if (size < 8 ** 11) return `${size.toString(8).padStart(11, '0')}\0`;
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(BigInt(size), 4);
  bytes[0]! |= 0x80;
  return bytes.toString('latin1');
}

export function paddingOf(size: number): Uint8Array {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes);
}

export const tarEnd: Uint8Array = Buffer.alloc(2 * blockBytes);

function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

interface TarFile {
  readonly name: string;
  readonly size: number;
}

/** Undefined at the end of the archive; `null` when it is no header of a plain file. */
function readHeader(block: Buffer): TarFile | undefined | null {
  if (block.every((byte) => byte === 0)) return undefined;
  const stored = Number.parseInt(block.toString('latin1', 148, 154), 8);
  const plain = block[156] === 0x30 || block[156] === 0;
  if (stored !== checksum(block) || !plain || block.toString('latin1', 257, 262) !== 'ustar') return null;
  const size =
    (block[0x7c]! & 0x80) === 0
      ? Number.parseInt(block.toString('latin1', 124, 135), 8)
      : Number(block.readBigUInt64BE(128));
  const name = block.toString('latin1', 0, 100).replace(/\0.*$/s, '');
  return Number.isSafeInteger(size) ? { name, size } : null;
}

/** Thrown by the readers of a snapshot: it is not one, or not whole. */
export class Damaged extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Damaged';
  }
}

/** Reads a stream in pieces of a wanted size, whatever sizes it comes in. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunks: Buffer[] = [];
  #held = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes. @throws Damaged when the stream ends before. */
  async take(size: number): Promise<Buffer> {
    while (this.#held < size) if (!(await this.#fill())) throw new Damaged('it ends too early');
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#held);
    this.#keep(all.subarray(size));
    return all.subarray(0, size);
  }

  /** Some bytes, at most so many. @throws Damaged at the end of the stream. */
  async some(most: number): Promise<Buffer> {
    if (this.#held === 0 && !(await this.#fill())) throw new Damaged('it ends too early');
    const [first] = this.#chunks;
    if (first!.length <= most) {
      this.#chunks.shift();
      this.#held -= first!.length;
      return first!;
    }
    return this.take(most);
  }

  /** Nothing but zeros follows. @throws Damaged, also when the stream does not end as it should. */
  async end(): Promise<void> {
    do {
      if (this.#chunks.some((chunk) => chunk.some((byte) => byte !== 0)))
        throw new Damaged('something follows its end');
      this.#keep(Buffer.alloc(0));
    } while (await this.#fill());
  }

  async #fill(): Promise<boolean> {
    const { value, done } = await this.#source.next();
    if (done === true) return false;
    if (value.length > 0) this.#chunks.push(Buffer.from(value.buffer, value.byteOffset, value.length));
    this.#held += value.length;
    return true;
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
  }
}

/**
 * The files of an archive, in order; each content must be read to its end before the next file is asked
 * for. @throws Damaged.
 */
export async function* tarFiles(
  reader: ByteReader,
): AsyncGenerator<TarFile & { readonly content: AsyncIterable<Buffer> }> {
  for (;;) {
    const header = readHeader(await reader.take(blockBytes));
    if (header === undefined) return reader.end();
    if (header === null) throw new Damaged('it is no archive of plain files');
    yield { ...header, content: contentOf(reader, header.size) };
    await reader.take(paddingOf(header.size).length);
  }
}

async function* contentOf(reader: ByteReader, size: number): AsyncGenerator<Buffer> {
  for (let left = size; left > 0;) {
    const piece = await reader.some(left);
    left -= piece.length;
    yield piece;
  }
}
