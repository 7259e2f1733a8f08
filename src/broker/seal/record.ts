// How a value lies in the store: 4 bytes term of the key, 1 byte version, 12 bytes nonce, the
// ciphertext of AES-256-GCM, 16 bytes tag. Term, version and key path are associated data, so that a
// record that was changed, or moved to another path, does not open.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../../base/index.ts';
import { keyObjectOf } from '../opened-values.ts';

const recordVersion = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 5 + nonceBytes;

/** Bytes of every key: AES-256. */
export const keyBytes = 32;

/** The term of records that no key of the key ring encrypted: the key ring itself, and the wrapped root key. */
export const noTerm = 0;

/** The record of `plain` under this path; a fresh nonce each time. */
export function encryptRecord(
  plain: Uint8Array | string,
  path: string,
  term: number,
  key: Uint8Array,
  random: Random,
): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(term, 0);
  header.writeUInt8(recordVersion, 4);
  header.set(random.bytes(nonceBytes), 5);
  const cipher = createCipheriv('aes-256-gcm', keyObjectOf(key), header.subarray(5));
  cipher.setAAD(associated(header, path));
  const body = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain);
  return Buffer.concat([header, body, cipher.final(), cipher.getAuthTag()]);
}

/** The term whose key opens the record, or undefined when it is no record. */
export function termOf(record: Uint8Array): number | undefined {
  if (record.length < headerBytes + tagBytes || record[4] !== recordVersion) return undefined;
  return Buffer.from(record.buffer, record.byteOffset, 4).readUInt32BE(0);
}

/** What was encrypted; undefined when `key` does not open the record under this path. */
export function decryptRecord(record: Uint8Array, path: string, key: Uint8Array): Buffer | undefined {
  if (termOf(record) === undefined) return undefined;
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.length);
  const decipher = createDecipheriv('aes-256-gcm', keyObjectOf(key), bytes.subarray(5, headerBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(associated(bytes, path));
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const body = decipher.update(bytes.subarray(headerBytes, bytes.length - tagBytes));
  try {
    return Buffer.concat([body, decipher.final()]);
  } catch {
    return undefined;
  }
}

function associated(header: Buffer, path: string): Buffer {
  return Buffer.concat([header.subarray(0, 5), Buffer.from(path, 'utf8')]);
}
