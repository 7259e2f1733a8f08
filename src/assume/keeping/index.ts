// Encryption of kept sessions: one random key in the person's keyring, AES-256-GCM for what lies in files. Loaded only
// where STINT_KEYRING asks for it.
import { isFailure, Secret } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { Environment } from '../model.ts';
import { chosenKeyring, surroundingsOf } from './choose.ts';
import { keyringNames, type Keyring, type KeyringName, type KeyringPlace } from './keyring.ts';
import { passKeyring } from './pass.ts';
import { secretToolKeyring } from './secret-tool.ts';
import { securityKeyring } from './security.ts';

/** What seals the secrets of kept sessions. */
export interface Sealing {
  /** Of the keyring; stands in every file that it sealed. */
  readonly name: string;
  /** The sealed text, which opens with the same `about` only; undefined when there is no key to be had. */
  seal(text: string, about: string): string | undefined;
  /** The text, undefined when it was sealed with another key or for something else, or when there is no key. */
  open(sealed: string, about: string): string | undefined;
}

const openers: Readonly<Record<KeyringName, (place: KeyringPlace) => Keyring>> = {
  'secret-tool': secretToolKeyring,
  security: securityKeyring,
  pass: passKeyring,
};

/** The keyring of that name for the sessions of a folder. */
export function openKeyring(name: KeyringName, folder: string, env: Environment): Keyring {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return openers[name]({ id, env });
}

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/** @throws Failure `keyring-unavailable` for an entry that somebody else wrote, which is then left alone. */
function bytesOf(key: Secret, keyring: Keyring): Buffer {
  const bytes = Buffer.from(key.reveal(), 'hex');
  if (/^[0-9a-f]{64}$/.test(key.reveal()) && bytes.length === keyBytes) return bytes;
  throw failure('keyring-unavailable', `the entry of Stint in the keyring \`${keyring.name}\` is no key`, {
    hint: '`stint forget --all` removes it, and the sessions that were kept with it',
  });
}

/** Seals with the key of a keyring, which is asked once at most, and which gets a key when the first text is sealed. */
export class KeyringSealing implements Sealing {
  readonly #keyring: Keyring;
  readonly #note: (line: string) => void;
  #key: Buffer | undefined;
  #failed = false;

  /** `note` hears once why a keyring cannot be used. */
  constructor(keyring: Keyring, note: (line: string) => void) {
    this.#keyring = keyring;
    this.#note = note;
  }

  get name(): string {
    return this.#keyring.name;
  }

  seal(text: string, about: string): string | undefined {
    const key = this.#withKey(() => this.#readKey() ?? this.#newKey());
    if (key === undefined) return undefined;
    const { createCipheriv, randomBytes } = process.getBuiltinModule('node:crypto');
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(about));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
  }

  open(sealed: string, about: string): string | undefined {
    const key = this.#withKey(() => this.#readKey());
    const bytes = Buffer.from(sealed, 'base64');
    if (key === undefined || bytes.length < ivBytes + tagBytes) return undefined;
    const { createDecipheriv } = process.getBuiltinModule('node:crypto');
    try {
      const iv = bytes.subarray(0, ivBytes);
      const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }

  #withKey(find: () => Buffer | undefined): Buffer | undefined {
    if (this.#key !== undefined || this.#failed) return this.#key;
    try {
      this.#key = find();
    } catch (error) {
      if (!isFailure(error)) throw error;
      // Asking once more would be a second question to the person, and a second refusal.
      this.#failed = true;
      this.#note(`sessions are not kept: ${error.message}; ${error.hint ?? ''}`);
    }
    return this.#key;
  }

  #readKey(): Buffer | undefined {
    const key = this.#keyring.read();
    return key === undefined || key.reveal() === '' ? undefined : bytesOf(key, this.#keyring);
  }

  #newKey(): Buffer {
    const { randomBytes } = process.getBuiltinModule('node:crypto');
    this.#keyring.write(new Secret(randomBytes(keyBytes).toString('hex')));
    // Another process may have made one in the same moment: the one that is there now is the key.
    const key = this.#readKey();
    if (key !== undefined) return key;
    throw failure('keyring-unavailable', `the keyring \`${this.#keyring.name}\` did not keep the key`, {
      hint: 'set STINT_KEYRING to another one, or to none',
    });
  }
}

/**
 * What seals the kept sessions of a folder; undefined where `auto` finds no keyring.
 * @throws Failure `setting-invalid` for a STINT_KEYRING that names none.
 */
export function openSealing(folder: string, env: Environment, note: (line: string) => void): Sealing | undefined {
  const name = chosenKeyring(env, surroundingsOf(env));
  return name === undefined ? undefined : new KeyringSealing(openKeyring(name, folder, env), note);
}

/** Removes the key of a folder from the keyring of that name; other names are of none. @throws Failure `keyring-unavailable` */
export function forgetKey(keyring: string, folder: string, env: Environment): void {
  const name = keyringNames.find((each) => each === keyring);
  if (name !== undefined) openKeyring(name, folder, env).remove();
}
