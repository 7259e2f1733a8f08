// The file an audit device writes to. Appends only; a line that a crash cut is ended, never removed;
// never waits for a reader, should the path be a pipe.
import type { KeyObject } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readLink, sha256, type ChainHead } from './chain.ts';
import { forgetHead, writeHead } from './head-file.ts';
import type { AuditSink, Tail } from './sink.ts';

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const blockBytes = 64 * 1024;
/** A line is never longer than the largest body and its answer. */
const longestLine = 64 * 1024 * 1024;

export interface FileSinkOptions {
  readonly path: string;
  /** Undefined: leave it as it is (`mode=0000`). */
  readonly mode: number | undefined;
  readonly prefix: string;
}

export class FileSink implements AuditSink {
  readonly #options: FileSinkOptions;
  #file: FileHandle | undefined;

  constructor(options: FileSinkOptions) {
    this.#options = options;
  }

  async open(): Promise<Tail | undefined> {
    await this.close();
    const { path, mode, prefix } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, O_APPEND | O_CREAT | O_WRONLY | O_NONBLOCK, mode ?? 0o600);
    this.#file = file;
    const about = await file.stat();
    if (!about.isFile()) return undefined;
    if (mode !== undefined && (about.mode & 0o777) !== mode) await chmod(path, mode);
    // A head belongs to lines that were here; they have been moved away with them.
    if (about.size === 0) await forgetHead(path);
    const tail = await readTail(path, prefix);
    if (tail.torn !== undefined) await writeAll(file, Buffer.from('\n'));
    return tail;
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#file === undefined) throw new Error('the file is not open');
    await writeAll(this.#file, bytes);
  }

  async keepHead(head: ChainHead, key: KeyObject, publicKey: string): Promise<void> {
    if ((await this.#file?.stat())?.isFile() === true) await writeHead(this.#options.path, head, key, publicKey);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
}

/** The last whole chain line of a file, found from its end. */
async function readTail(path: string, prefix: string): Promise<Tail> {
  const { size } = await stat(path);
  if (size === 0) return { head: undefined, torn: undefined };
  const file = await open(path, O_RDONLY);
  try {
    return await tailOf(file, size, prefix);
  } finally {
    await file.close();
  }
}

async function tailOf(file: FileHandle, size: number, prefix: string): Promise<Tail> {
  let bytes: Buffer = Buffer.alloc(0);
  for (let from = size; from > 0 && bytes.length < longestLine;) {
    const length = Math.min(blockBytes, from);
    from -= length;
    const block = Buffer.alloc(length);
    await file.read(block, 0, length, from);
    bytes = Buffer.concat([block, bytes]);
    const found = lastLine(bytes, from === 0, prefix);
    if (found !== undefined) return found;
  }
  return { head: undefined, torn: undefined };
}

/** Undefined: more of the file is needed. */
function lastLine(bytes: Buffer, whole: boolean, prefix: string): Tail | undefined {
  const end = bytes.lastIndexOf(10);
  const rest = bytes.subarray(end + 1);
  const torn = rest.length === 0 ? undefined : rest;
  if (end < 0) return whole ? { head: undefined, torn } : undefined;
  const start = end === 0 ? -1 : bytes.lastIndexOf(10, end - 1);
  if (start < 0 && !whole) return undefined;
  const line = bytes.subarray(start + 1, end).toString('utf8');
  const text = line.startsWith(prefix) ? line.slice(prefix.length) : line;
  const link = readLink(text);
  if (link !== undefined) return { head: { seq: link.seq, hash: sha256(text) }, torn };
  // An ended line that is none: a torn one that nothing was written after.
  const before = start < 0 ? undefined : lastLine(bytes.subarray(0, start + 1), whole, prefix);
  if (torn !== undefined || before === undefined) return whole ? { head: before?.head, torn } : before;
  return { head: before.head, torn: Buffer.from(bytes.subarray(start + 1, end)) };
}
