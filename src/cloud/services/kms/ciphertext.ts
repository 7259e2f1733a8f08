// The ciphertexts of symmetric keys: AES-256-GCM under the key's current material, with everything before the
// ciphertext and the encryption context as associated data. A ciphertext says under which key and material it was made,
// so that Decrypt needs no key id.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../../../base/index.ts';
import { invalidCiphertext } from './failures.ts';
import { secretBytes } from './material.ts';
import type { Key, KeyMaterial } from './model.ts';

export type EncryptionContext = Readonly<Record<string, string>> | undefined;

/** Under what a ciphertext was made. Multi-region keys decrypt in every region they are in. */
export interface Origin {
  readonly account: string;
  readonly keyId: string;
  readonly materialId: string;
}

// Layout: magic 4, form of the key id 1, key id 16, account 6, material id 32, nonce 12, ciphertext, tag 16.
const magic = Buffer.from([0x01, 0x02, 0x02, 0x00]);
const at = { form: 4, keyId: 5, account: 21, material: 27, nonce: 59, body: 71 } as const;
const tagBytes = 16;

export function seal(key: Key, plaintext: Uint8Array, context: EncryptionContext, random: Random): Uint8Array {
  const material = key.materials.at(-1)!;
  const head = Buffer.alloc(at.body);
  magic.copy(head);
  head[at.form] = key.id.startsWith('mrk-') ? 1 : 0;
  head.write(key.id.replace(/^mrk-|-/g, ''), at.keyId, 'hex');
  head.writeUIntBE(Number(key.account), at.account, 6);
  head.write(material.id, at.material, 'hex');
  head.set(random.bytes(12), at.nonce);
  const cipher = createCipheriv('aes-256-gcm', secretBytes(material), head.subarray(at.nonce), {
    authTagLength: tagBytes,
  });
  cipher.setAAD(associated(head, context));
  return new Uint8Array(Buffer.concat([head, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

/** @throws InvalidCiphertextException for bytes that `seal` did not make */
export function originOf(blob: Uint8Array): Origin {
  const bytes = Buffer.from(blob);
  const form = bytes[at.form];
  if (bytes.length < at.body + tagBytes || !bytes.subarray(0, 4).equals(magic) || (form !== 0 && form !== 1)) {
    throw invalidCiphertext();
  }
  const hex = bytes.toString('hex', at.keyId, at.account);
  return {
    account: String(bytes.readUIntBE(at.account, 6)).padStart(12, '0'),
    keyId: form === 1 ? `mrk-${hex}` : hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    materialId: bytes.toString('hex', at.material, at.nonce),
  };
}

/** @throws InvalidCiphertextException for a wrong context, changed bytes or unknown material */
export function unseal(key: Key, blob: Uint8Array, context: EncryptionContext): { plaintext: Uint8Array; by: string } {
  const bytes = Buffer.from(blob);
  const { materialId } = originOf(bytes);
  const material = key.materials.find((one: KeyMaterial) => one.id === materialId);
  if (material === undefined) throw invalidCiphertext();
  const head = bytes.subarray(0, at.body);
  const decipher = createDecipheriv('aes-256-gcm', secretBytes(material), head.subarray(at.nonce), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(associated(head, context));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    const body = bytes.subarray(at.body, -tagBytes);
    const plaintext = new Uint8Array(Buffer.concat([decipher.update(body), decipher.final()]));
    return { plaintext, by: materialId };
  } catch {
    throw invalidCiphertext();
  }
}

/** The order of the pairs does not matter, their case does (developer guide, "Encryption context"). */
function associated(head: Buffer, context: EncryptionContext): Buffer {
  const pairs = Object.entries(context ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([head, Buffer.from(JSON.stringify(pairs))]);
}
