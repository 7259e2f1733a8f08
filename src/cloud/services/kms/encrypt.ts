// Encrypt, Decrypt and ReEncrypt, under symmetric keys and RSA keys.
import type * as Sdk from '@aws-sdk/client-kms';
import { constants, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { keyPermission } from './access.ts';
import { originOf, seal, unseal, type EncryptionContext } from './ciphertext.ts';
import { checkDryRun, checkLength, hiddenKey, incorrectKey, invalidCiphertext, validation } from './failures.ts';
import { liveKey, needKey, type Found } from './lookup.ts';
import { privateKeyOf } from './material.ts';
import { keyArn, type Key } from './model.ts';
import { keySpecs } from './specs.ts';
import { checkAlgorithm, checkUsage, currentKey, refuseUnusable } from './state.ts';

type Algorithm = Sdk.EncryptionAlgorithmSpec;

const longestPlaintext = 4096;
const longestCiphertext = 6144;

function cryptoPermission(
  call: Call,
  action: string,
  found: Found,
  algorithm: string | undefined,
  encryptionContext: EncryptionContext,
  context: Readonly<Record<string, string>> = {},
): Permission {
  const keys = { 'kms:EncryptionAlgorithm': algorithm ?? 'SYMMETRIC_DEFAULT', ...context };
  return keyPermission(call, action, found, { encryptionContext, context: keys });
}

/** State, usage and algorithm of a key that is to encrypt or decrypt. */
function usable(call: Call, given: Key, algorithm: Algorithm, context: EncryptionContext): Key {
  refuseUnusable(call, given);
  checkUsage(call, given, 'ENCRYPT_DECRYPT');
  checkAlgorithm(algorithm, keySpecs[given.spec].encryption, given.spec);
  if (given.spec !== 'SYMMETRIC_DEFAULT' && Object.keys(context ?? {}).length > 0) {
    throw validation('EncryptionContext is not supported for asymmetric keys.');
  }
  return currentKey(call, given);
}

function oaep(key: Key, algorithm: Algorithm) {
  const oaepHash = algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256';
  return { key: privateKeyOf(key.materials[0]!), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
}

function encryptWith(call: Call, key: Key, algorithm: Algorithm, plaintext: Uint8Array, context: EncryptionContext) {
  if (algorithm === 'SYMMETRIC_DEFAULT') return seal(key, plaintext, context, call.random);
  // RFC 8017, section 7.1.1: two hashes and two bytes less than the modulus.
  const most = keySpecs[key.spec].rsaBits! / 8 - 2 - 2 * (algorithm === 'RSAES_OAEP_SHA_1' ? 20 : 32);
  if (plaintext.length > most) {
    throw validation(`Algorithm ${algorithm} and key spec ${key.spec} cannot encrypt data larger than ${most} bytes.`);
  }
  const options = oaep(key, algorithm);
  return new Uint8Array(publicEncrypt({ ...options, key: createPublicKey(options.key) }, plaintext));
}

function decryptWith(
  key: Key,
  algorithm: Algorithm,
  blob: Uint8Array,
  context: EncryptionContext,
): { readonly plaintext: Uint8Array; readonly by?: string } {
  if (algorithm === 'SYMMETRIC_DEFAULT') return unseal(key, blob, context);
  try {
    return { plaintext: new Uint8Array(privateDecrypt(oaep(key, algorithm), blob)) };
  } catch {
    throw invalidCiphertext();
  }
}

/**
 * The key to decrypt with: the one named, else the one in the ciphertext.
 * @throws InvalidCiphertextException; AccessDeniedException when there is no such key here
 */
function decryptingKey(
  call: Call,
  blob: Uint8Array,
  keyId: string | undefined,
  action: string,
  algorithm: Algorithm | undefined,
): Found {
  if (keyId !== undefined) return needKey(call, keyId, { aliases: true });
  if (algorithm !== undefined && algorithm !== 'SYMMETRIC_DEFAULT') {
    throw validation('KeyId must be specified for asymmetric encryption algorithms.');
  }
  const origin = originOf(blob);
  const key = liveKey(call.world, origin.account, call.region, origin.keyId, call.clock.now());
  if (key === undefined) throw hiddenKey(call, action, 'ciphertext');
  return { key };
}

/** A named key must be the one that encrypted. @throws IncorrectKeyException, InvalidCiphertextException */
function checkOrigin(key: Key, blob: Uint8Array, algorithm: Algorithm): void {
  if (algorithm !== 'SYMMETRIC_DEFAULT') return;
  const origin = originOf(blob);
  if (origin.keyId !== key.id || origin.account !== key.account) throw incorrectKey();
}

const encrypt = operation<Parsed<Sdk.EncryptRequest>, Sdk.EncryptResponse>({
  permissions: (input, call) => {
    checkLength(input.Plaintext, 'plaintext', longestPlaintext);
    const found = needKey(call, input.KeyId, { aliases: true });
    return [cryptoPermission(call, 'kms:Encrypt', found, input.EncryptionAlgorithm, input.EncryptionContext)];
  },
  handle: (input, call) => {
    const algorithm = input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    const found = needKey(call, input.KeyId, { aliases: true });
    const key = usable(call, found.key, algorithm, input.EncryptionContext);
    const blob = encryptWith(call, key, algorithm, input.Plaintext, input.EncryptionContext);
    checkDryRun(input);
    return { CiphertextBlob: blob, KeyId: keyArn(call.world, key), EncryptionAlgorithm: algorithm };
  },
});

const decrypt = operation<Parsed<Sdk.DecryptRequest>, Sdk.DecryptResponse>({
  depth: 'Attestation documents of enclaves (Recipient) are not read.',
  permissions: (input, call) => {
    const blob = input.CiphertextBlob ?? new Uint8Array();
    checkLength(blob, 'ciphertextBlob', longestCiphertext);
    const found = decryptingKey(call, blob, input.KeyId, 'kms:Decrypt', input.EncryptionAlgorithm);
    return [cryptoPermission(call, 'kms:Decrypt', found, input.EncryptionAlgorithm, input.EncryptionContext)];
  },
  handle: (input, call) => {
    const algorithm = input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    const blob = input.CiphertextBlob ?? new Uint8Array();
    const found = decryptingKey(call, blob, input.KeyId, 'kms:Decrypt', algorithm);
    // A key for another use cannot have made any ciphertext: AWS says so before it looks at the usage.
    if (found.key.usage !== 'ENCRYPT_DECRYPT') throw incorrectKey();
    const key = usable(call, found.key, algorithm, input.EncryptionContext);
    checkOrigin(key, blob, algorithm);
    const { plaintext, by } = decryptWith(key, algorithm, blob, input.EncryptionContext);
    checkDryRun(input);
    return {
      KeyId: keyArn(call.world, key),
      Plaintext: plaintext,
      EncryptionAlgorithm: algorithm,
      KeyMaterialId: by,
    };
  },
});

interface ReEncryption {
  readonly blob: Uint8Array;
  readonly source: Found;
  readonly target: Found;
}

function reEncryption(call: Call, input: Parsed<Sdk.ReEncryptRequest>): ReEncryption {
  const blob = input.CiphertextBlob ?? new Uint8Array();
  checkLength(blob, 'ciphertextBlob', longestCiphertext);
  const algorithm = input.SourceEncryptionAlgorithm;
  const source = decryptingKey(call, blob, input.SourceKeyId, 'kms:ReEncryptFrom', algorithm);
  return { blob, source, target: needKey(call, input.DestinationKeyId, { aliases: true }) };
}

const reEncrypt = operation<Parsed<Sdk.ReEncryptRequest>, Sdk.ReEncryptResponse>({
  permissions: (input, call) => {
    const { source, target } = reEncryption(call, input);
    const same = { 'kms:ReEncryptOnSameKey': String(source.key.id === target.key.id) };
    return [
      cryptoPermission(
        call,
        'kms:ReEncryptFrom',
        source,
        input.SourceEncryptionAlgorithm,
        input.SourceEncryptionContext,
        same,
      ),
      cryptoPermission(
        call,
        'kms:ReEncryptTo',
        target,
        input.DestinationEncryptionAlgorithm,
        input.DestinationEncryptionContext,
        same,
      ),
    ];
  },
  handle: (input, call) => {
    const { blob, source, target } = reEncryption(call, input);
    const from = input.SourceEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    const to = input.DestinationEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    const sourceKey = usable(call, source.key, from, input.SourceEncryptionContext);
    checkOrigin(sourceKey, blob, from);
    const targetKey = usable(call, target.key, to, input.DestinationEncryptionContext);
    const { plaintext, by } = decryptWith(sourceKey, from, blob, input.SourceEncryptionContext);
    const sealed = encryptWith(call, targetKey, to, plaintext, input.DestinationEncryptionContext);
    checkDryRun(input);
    return {
      CiphertextBlob: sealed,
      SourceKeyId: keyArn(call.world, sourceKey),
      KeyId: keyArn(call.world, targetKey),
      SourceEncryptionAlgorithm: from,
      DestinationEncryptionAlgorithm: to,
      SourceKeyMaterialId: by,
      DestinationKeyMaterialId: to === 'SYMMETRIC_DEFAULT' ? targetKey.materials.at(-1)!.id : undefined,
    };
  },
});

export const encryptOperations = { Encrypt: encrypt, Decrypt: decrypt, ReEncrypt: reEncrypt };
