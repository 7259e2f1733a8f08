// Key material that people bring themselves: wrapped under a public key that KMS gives out.
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
import type * as Sdk from '@aws-sdk/client-kms';
import {
  constants,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  privateDecrypt,
  type KeyObject,
} from 'node:crypto';
import { Secret } from '../../../base/index.ts';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { keyPermission } from './access.ts';
import {
  expiredImportToken,
  incorrectMaterial,
  invalidCiphertext,
  invalidImportToken,
  invalidState,
  unsupported,
  validation,
} from './failures.ts';
import { needKey } from './lookup.ts';
import { materialOf, newPrivateKey, privateKeyOf } from './material.ts';
import { importTokens, keyArn, rowOf, saveKey, type Key, type KeyMaterial } from './model.ts';
import { keySpecs } from './specs.ts';
import { dayMillis, isGone, refusePendingDeletion } from './state.ts';

/** @throws UnsupportedOperationException for a key whose material KMS made */
function importableKey(call: Call, keyId: string): Key {
  const { key } = needKey(call, keyId, { aliases: false });
  if (key.origin === 'EXTERNAL') return key;
  throw unsupported(`${keyArn(call.world, key)} origin is ${key.origin} which is not valid for this operation.`);
}

function tokenRow(key: Key, token: Uint8Array): string {
  return `${rowOf(key)}/${createHash('sha256').update(token).digest('hex')}`;
}

/** The private key that will unwrap; undefined for what KMS no longer takes, or only in China. */
async function prepareWrapping(input: Sdk.GetParametersForImportRequest): Promise<Buffer | undefined> {
  const { WrappingAlgorithm = '', WrappingKeySpec } = input;
  if (!/^RSA(?:ES_OAEP|_AES_KEY_WRAP)_SHA_/.test(WrappingAlgorithm)) return undefined;
  return WrappingKeySpec === undefined || WrappingKeySpec === 'SM2' ? undefined : newPrivateKey(WrappingKeySpec);
}

const getParametersForImport = operation<
  Parsed<Sdk.GetParametersForImportRequest>,
  Sdk.GetParametersForImportResponse,
  Buffer | undefined
>({
  prepare: prepareWrapping,
  permissions: (input, call) => {
    const context = {
      'kms:WrappingAlgorithm': input.WrappingAlgorithm,
      'kms:WrappingKeySpec': input.WrappingKeySpec,
    };
    return [
      keyPermission(call, 'kms:GetParametersForImport', needKey(call, input.KeyId, { aliases: false }), { context }),
    ];
  },
  handle: (input, call, der) => {
    const key = importableKey(call, input.KeyId);
    refusePendingDeletion(call, key);
    if (der === undefined) throw unsupported();
    const token = call.random.bytes(256);
    const validTo = call.clock.now() + dayMillis;
    call.world.table(importTokens).put(key.account, tokenRow(key, token), {
      algorithm: input.WrappingAlgorithm,
      privateKey: new Secret(der.toString('base64')),
      validTo,
    });
    const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
    return {
      KeyId: keyArn(call.world, key),
      ImportToken: token,
      PublicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
      ParametersValidTo: new Date(validTo),
    };
  },
});

/** @throws InvalidImportTokenException, ExpiredImportTokenException, InvalidCiphertextException */
function unwrap(call: Call, key: Key, token: Uint8Array, wrapped: Uint8Array): Buffer {
  const parameters = call.world.table(importTokens).get(key.account, tokenRow(key, token));
  if (parameters === undefined) throw invalidImportToken();
  if (parameters.validTo <= call.clock.now()) throw expiredImportToken();
  const privateKey = privateKeyOf({ secret: parameters.privateKey });
  const oaepHash = parameters.algorithm.endsWith('SHA_1') ? 'sha1' : 'sha256';
  try {
    return parameters.algorithm.startsWith('RSAES')
      ? decryptOaep(privateKey, oaepHash, wrapped)
      : unwrapAes(privateKey, oaepHash, wrapped);
  } catch {
    throw invalidCiphertext();
  }
}

function decryptOaep(key: KeyObject, oaepHash: string, wrapped: Uint8Array): Buffer {
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, wrapped);
}

/** An AES key under RSA, then the material under that key by RFC 5649. */
function unwrapAes(key: KeyObject, oaepHash: string, wrapped: Uint8Array): Buffer {
  const rsaBytes = key.asymmetricKeyDetails!.modulusLength! / 8;
  const aes = decryptOaep(key, oaepHash, wrapped.subarray(0, rsaBytes));
  const decipher = createDecipheriv('id-aes256-wrap-pad', aes, Buffer.from('a65959a6', 'hex'));
  return Buffer.concat([decipher.update(wrapped.subarray(rsaBytes)), decipher.final()]);
}

/** @throws IncorrectKeyMaterialException for bytes that are no key of the spec */
function checkMaterial(key: Key, bytes: Buffer): void {
  const { bytes: length, rsaBits, curve } = keySpecs[key.spec];
  if (length !== undefined) {
    if (bytes.length !== length) throw incorrectMaterial();
    return;
  }
  let details: KeyObject['asymmetricKeyDetails'];
  try {
    details = createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' }).asymmetricKeyDetails;
  } catch {
    throw incorrectMaterial();
  }
  if (details?.modulusLength !== rsaBits || details?.namedCurve !== curve) throw incorrectMaterial();
}

const importKeyMaterial = operation<Parsed<Sdk.ImportKeyMaterialRequest>, Sdk.ImportKeyMaterialResponse>({
  permissions: (input, call) => {
    const context = {
      'kms:ExpirationModel': input.ExpirationModel ?? 'KEY_MATERIAL_EXPIRES',
      'kms:ValidTo': input.ValidTo?.toISOString(),
    };
    return [keyPermission(call, 'kms:ImportKeyMaterial', needKey(call, input.KeyId, { aliases: false }), { context })];
  },
  handle: (input, call) => {
    const key = importableKey(call, input.KeyId);
    refusePendingDeletion(call, key);
    const validTo = endOf(input, call);
    const bytes = unwrap(call, key, input.ImportToken, input.EncryptedKeyMaterial);
    checkMaterial(key, bytes);
    const imported = { validTo, description: input.KeyMaterialDescription };
    const material: KeyMaterial = { ...materialOf(bytes), imported };
    saveKey(call.world, withMaterial(call, key, material, input.ImportType));
    return { KeyId: keyArn(call.world, key), KeyMaterialId: material.id };
  },
});

/** @throws ValidationException */
function endOf({ ExpirationModel, ValidTo }: Sdk.ImportKeyMaterialRequest, call: Call): number | undefined {
  if (ExpirationModel === 'KEY_MATERIAL_DOES_NOT_EXPIRE') {
    if (ValidTo === undefined) return undefined;
    throw validation('A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE');
  }
  if (ValidTo === undefined)
    throw validation('A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES');
  const end = ValidTo.getTime();
  const now = call.clock.now();
  if (end <= now || end > now + 365 * dayMillis) throw validation('ValidTo must be within 365 days from now.');
  return end;
}

/** The first material, the same again, or new material that waits for a rotation. @throws IncorrectKeyMaterialException */
function withMaterial(call: Call, key: Key, material: KeyMaterial, type: Sdk.ImportType | undefined): Key {
  if (key.materials.length === 0) return { ...key, materials: [material] };
  const index = key.materials.findIndex(({ id }) => id === material.id);
  if (type !== 'NEW_KEY_MATERIAL') {
    if (index < 0) throw incorrectMaterial();
    const again = { ...material, rotation: key.materials[index]!.rotation };
    return { ...key, materials: key.materials.with(index, again) };
  }
  if (index >= 0 || key.spec !== 'SYMMETRIC_DEFAULT') throw incorrectMaterial();
  if (key.pending !== undefined && key.pending.id !== material.id && !isGone(key.pending, call.clock.now())) {
    throw invalidState(
      `New key material (id: ${material.id}) cannot be imported into KMS key ${keyArn(call.world, key)}, because another key material (id: ${key.pending.id}) is pending rotation.`,
    );
  }
  return { ...key, pending: material };
}

const deleteImportedKeyMaterial = operation<
  Parsed<Sdk.DeleteImportedKeyMaterialRequest>,
  Sdk.DeleteImportedKeyMaterialResponse
>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:DeleteImportedKeyMaterial', needKey(call, input.KeyId, { aliases: false })),
  ],
  handle: (input, call) => {
    const key = importableKey(call, input.KeyId);
    const KeyId = keyArn(call.world, key);
    const wanted = input.KeyMaterialId ?? key.materials.at(-1)?.id;
    if (wanted === undefined) return { KeyId };
    if (key.pending?.id === wanted) {
      saveKey(call.world, { ...key, pending: undefined });
      return { KeyId, KeyMaterialId: wanted };
    }
    if (!key.materials.some(({ id }) => id === wanted)) throw incorrectMaterial();
    const materials = key.materials.map((one) =>
      one.id === wanted ? { ...one, secret: new Secret(''), imported: { ...one.imported, deleted: true } } : one,
    );
    saveKey(call.world, { ...key, materials });
    return { KeyId, KeyMaterialId: wanted };
  },
});

export const importOperations = {
  GetParametersForImport: getParametersForImport,
  ImportKeyMaterial: importKeyMaterial,
  DeleteImportedKeyMaterial: deleteImportedKeyMaterial,
};
