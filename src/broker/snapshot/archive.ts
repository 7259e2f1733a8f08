// A snapshot as a file: a gzipped tar, as `raft snapshot save` of Vault makes one, so that its clients
// find what they look for. `meta.json` says where it comes from, `state.bin` holds the entries as they lie
// in the store (values encrypted), `SHA256SUMS` their sums, and `SHA256SUMS.sealed` the sums once more,
// encrypted with the root key: who does not have that can neither make nor change a snapshot.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { isObject } from '../../base/index.ts';
import type { Entry } from '../storage/store.ts';
import { ByteReader, Damaged, paddingOf, tarEnd, tarFiles, tarHeader } from './tar.ts';

/** Of the archive. */
const version = 1;
const longestKey = 1024;
const longestValue = 64 * 1024 * 1024;

export interface SnapshotMeta {
  readonly version: number;
  readonly kind: 'stint';
  readonly clusterId: string;
  readonly createdAt: string;
  readonly entries: number;
}

type Pages = () => AsyncIterable<readonly Pick<Entry, 'key' | 'value'>[]>;

/**
 * The archive of `pages`, which are read twice: tar names the size of a file before its content.
 * `sealSums` encrypts the sums.
 */
export async function writeArchive(
  pages: Pages,
  meta: Pick<SnapshotMeta, 'clusterId' | 'createdAt'>,
  sealSums: (sums: string) => Uint8Array,
): Promise<AsyncIterable<Uint8Array>> {
  const hash = createHash('sha256');
  let size = 0;
  let entries = 0;
  for await (const page of pages()) {
    const bytes = encodePage(page);
    hash.update(bytes);
    size += bytes.length;
    entries += page.length;
  }
  const whole: SnapshotMeta = { version, kind: 'stint', ...meta, entries };
  const metaText = `${JSON.stringify(whole, undefined, 2)}\n`;
  const sums = sumsText(createHash('sha256').update(metaText).digest('hex'), hash.digest('hex'));
  const seconds = Math.floor(Date.parse(meta.createdAt) / 1000);
  const file = (name: string, content: Uint8Array): Uint8Array =>
    Buffer.concat([tarHeader(name, content.length, seconds), content, paddingOf(content.length)]);
  async function* tar(): AsyncGenerator<Uint8Array> {
    yield file('meta.json', Buffer.from(metaText));
    yield tarHeader('state.bin', size, seconds);
    for await (const page of pages()) yield encodePage(page);
    yield paddingOf(size);
    yield file('SHA256SUMS', Buffer.from(sums));
    yield file('SHA256SUMS.sealed', sealSums(sums));
    yield tarEnd;
  }
  return gzipped(tar());
}

async function* gzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Encrypted values do not shrink: the least effort.
  const output = createGzip({ level: 1 });
  const work = pipeline(Readable.from(source, { objectMode: false }), output);
  // Reading ends with the same error.
  work.catch(() => {});
  for await (const chunk of output) yield chunk as Uint8Array;
  await work;
}

function sumsText(metaSum: string, stateSum: string): string {
  return `${metaSum}  meta.json\n${stateSum}  state.bin\n`;
}

function encodePage(page: readonly Pick<Entry, 'key' | 'value'>[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { key, value } of page) {
    const header = Buffer.alloc(6);
    header.writeUInt16BE(key.length, 0);
    header.writeUInt32BE(value.length, 2);
    parts.push(header, Buffer.from(key, 'latin1'), value);
  }
  return Buffer.concat(parts);
}

export interface ReadArchive {
  readonly meta: SnapshotMeta;
  /** As they were computed from what was read, and found to be those of the archive. */
  readonly sums: string;
  readonly sealedSums: Uint8Array;
}

/**
 * Reads an archive to its end, handing on its entries as they come: nothing may be made of them before
 * this resolves. @throws Damaged.
 */
export async function readArchive(
  source: AsyncIterable<Uint8Array>,
  take: (entries: readonly { readonly key: string; readonly value: Uint8Array }[]) => Promise<void>,
): Promise<ReadArchive> {
  const files = tarFiles(new ByteReader(gunzipped(source)));
  const metaText = await wholeFile(files, 'meta.json');
  const meta = parseMeta(metaText.toString());
  const state = await nextFile(files, 'state.bin');
  const hash = createHash('sha256');
  const entries = await readState(state.content, state.size, hash, take);
  if (entries !== meta.entries) throw new Damaged('it has another number of entries than it says');
  const sums = sumsText(createHash('sha256').update(metaText).digest('hex'), hash.digest('hex'));
  if ((await wholeFile(files, 'SHA256SUMS')).toString() !== sums) throw new Damaged('its sums are wrong');
  const sealedSums = await wholeFile(files, 'SHA256SUMS.sealed');
  if (!(await files.next()).done) throw new Damaged('it holds more files than a snapshot');
  return { meta, sums, sealedSums };
}

async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const output = createGunzip();
  const work = pipeline(Readable.from(source, { objectMode: false }), output);
  work.catch(() => {});
  try {
    for await (const chunk of output) yield chunk as Uint8Array;
    await work;
  } catch (error) {
    if (String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw new Damaged('it is not gzipped, or cut');
    throw error;
  }
}

type Files = ReturnType<typeof tarFiles>;
type File = Awaited<ReturnType<Files['next']>> extends { value: infer V } ? Exclude<V, void> : never;

async function nextFile(files: Files, name: string): Promise<File> {
  const { value } = await files.next();
  if (value === undefined || value.name !== name) throw new Damaged(`\`${name}\` is not where it should be`);
  return value;
}

async function wholeFile(files: Files, name: string): Promise<Buffer> {
  const { size, content } = await nextFile(files, name);
  if (size > 64 * 1024) throw new Damaged(`\`${name}\` is too long`);
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

function parseMeta(text: string): SnapshotMeta {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Damaged('`meta.json` is no JSON');
  }
  if (!isObject(value) || value['kind'] !== 'stint') throw new Damaged('it is no snapshot of Stint');
  if (value['version'] !== version) throw new Damaged('it is of a newer Stint');
  return value as unknown as SnapshotMeta;
}

async function readState(
  content: AsyncIterable<Buffer>,
  size: number,
  hash: { update(bytes: Uint8Array): unknown },
  take: Parameters<typeof readArchive>[1],
): Promise<number> {
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const piece of content) {
      hash.update(piece);
      yield piece;
    }
  }
  const reader = new ByteReader(hashed());
  let page: { key: string; value: Uint8Array }[] = [];
  let count = 0;
  let last = '';
  for (let left = size; left > 0; count++) {
    const header = await reader.take(6);
    const [keyLength, valueLength] = [header.readUInt16BE(0), header.readUInt32BE(2)];
    if (keyLength > longestKey || valueLength > longestValue) throw new Damaged('an entry of it is too long');
    const key = (await reader.take(keyLength)).toString('latin1');
    if (!/^[\x20-\x7e]+$/.test(key) || key <= last) throw new Damaged('its entries are not in order');
    page.push({ key, value: Uint8Array.from(await reader.take(valueLength)) });
    last = key;
    left -= 6 + keyLength + valueLength;
    if (left < 0) throw new Damaged('its last entry is cut');
    if (page.length < 500) continue;
    await take(page);
    page = [];
  }
  await take(page);
  return count;
}
