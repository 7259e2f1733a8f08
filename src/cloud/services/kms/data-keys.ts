// Data keys, data key pairs and random bytes.
import type * as Sdk from '@aws-sdk/client-kms';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { accountPermission, keyPermission } from './access.ts';
import { seal, type EncryptionContext } from './ciphertext.ts';
import { checkDryRun, invalidUsage, unsupported, validation } from './failures.ts';
import { needKey } from './lookup.ts';
import { newPrivateKey } from './material.ts';
import { keyArn, type Key } from './model.ts';
import { specInfo, type KeySpecName } from './specs.ts';
import { checkUsage, currentKey, refuseUnusable } from './state.ts';

interface DataKeyInput {
  readonly KeyId: string;
  readonly EncryptionContext?: Record<string, string> | undefined;
  readonly KeySpec?: Sdk.DataKeySpec | undefined;
  readonly NumberOfBytes?: number | undefined;
}

interface PairInput {
  readonly KeyId: string;
  readonly EncryptionContext?: Record<string, string> | undefined;
  readonly KeyPairSpec: Sdk.DataKeyPairSpec;
}

function permissionsOf(
  input: { readonly KeyId: string; readonly EncryptionContext?: EncryptionContext },
  call: Call,
  context: Readonly<Record<string, string>> = {},
): readonly Permission[] {
  const found = needKey(call, input.KeyId, { aliases: true });
  const keys = { 'kms:EncryptionAlgorithm': 'SYMMETRIC_DEFAULT', ...context };
  const use = { encryptionContext: input.EncryptionContext, context: keys };
  return [keyPermission(call, `kms:${call.operation}`, found, use)];
}

/** Only symmetric encryption keys generate data keys. */
function generatingKey(call: Call, keyId: string): Key {
  const { key } = needKey(call, keyId, { aliases: true });
  refuseUnusable(call, key);
  checkUsage(call, key, 'ENCRYPT_DECRYPT');
  if (key.spec !== 'SYMMETRIC_DEFAULT') {
    throw invalidUsage(`${keyArn(call.world, key)} key spec is ${key.spec} which is not valid for ${call.operation}.`);
  }
  return currentKey(call, key);
}

function dataKey(input: DataKeyInput, call: Call) {
  if ((input.KeySpec === undefined) === (input.NumberOfBytes === undefined)) {
    throw validation('Please specify either number of bytes or key spec.');
  }
  const key = generatingKey(call, input.KeyId);
  const bytes = input.NumberOfBytes ?? (input.KeySpec === 'AES_128' ? 16 : 32);
  const Plaintext = call.random.bytes(bytes);
  const CiphertextBlob = seal(key, Plaintext, input.EncryptionContext, call.random);
  const common = { CiphertextBlob, KeyId: keyArn(call.world, key), KeyMaterialId: key.materials.at(-1)!.id };
  return { Plaintext, common };
}

const generateDataKey = operation<Parsed<Sdk.GenerateDataKeyRequest>, Sdk.GenerateDataKeyResponse>({
  depth: 'Attestation documents of enclaves (Recipient) are not read.',
  permissions: (input, call) => permissionsOf(input, call),
  handle: (input, call) => {
    const { Plaintext, common } = dataKey(input, call);
    checkDryRun(input);
    return { ...common, Plaintext };
  },
});

const generateDataKeyWithoutPlaintext = operation<
  Parsed<Sdk.GenerateDataKeyWithoutPlaintextRequest>,
  Sdk.GenerateDataKeyWithoutPlaintextResponse
>({
  permissions: (input, call) => permissionsOf(input, call),
  handle: (input, call) => {
    const { common } = dataKey(input, call);
    checkDryRun(input);
    return common;
  },
});

/** The private key of the pair, made before the call's turn; undefined for a spec that only China has. */
async function preparePair({ KeyPairSpec }: PairInput): Promise<Buffer | undefined> {
  return specInfo(KeyPairSpec) === undefined ? undefined : newPrivateKey(KeyPairSpec as KeySpecName);
}

function keyPair(input: PairInput, call: Call, der: Buffer | undefined) {
  const key = generatingKey(call, input.KeyId);
  if (der === undefined) throw unsupported();
  const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  const common = {
    PrivateKeyCiphertextBlob: seal(key, der, input.EncryptionContext, call.random),
    PublicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    KeyId: keyArn(call.world, key),
    KeyPairSpec: input.KeyPairSpec,
    KeyMaterialId: key.materials.at(-1)!.id,
  };
  return { PrivateKeyPlaintext: new Uint8Array(der), common };
}

const pairPermissions = (input: PairInput, call: Call): readonly Permission[] =>
  permissionsOf(input, call, { 'kms:DataKeyPairSpec': input.KeyPairSpec });

const generateDataKeyPair = operation<
  Parsed<Sdk.GenerateDataKeyPairRequest>,
  Sdk.GenerateDataKeyPairResponse,
  Buffer | undefined
>({
  depth: 'Attestation documents of enclaves (Recipient) are not read.',
  permissions: pairPermissions,
  prepare: preparePair,
  handle: (input, call, der) => {
    const { PrivateKeyPlaintext, common } = keyPair(input, call, der);
    checkDryRun(input);
    return { ...common, PrivateKeyPlaintext };
  },
});

const generateDataKeyPairWithoutPlaintext = operation<
  Parsed<Sdk.GenerateDataKeyPairWithoutPlaintextRequest>,
  Sdk.GenerateDataKeyPairWithoutPlaintextResponse,
  Buffer | undefined
>({
  permissions: pairPermissions,
  prepare: preparePair,
  handle: (input, call, der) => {
    const { common } = keyPair(input, call, der);
    checkDryRun(input);
    return common;
  },
});

const generateRandom = operation<Parsed<Sdk.GenerateRandomRequest>, Sdk.GenerateRandomResponse>({
  permissions: (_input, call) => [accountPermission(call, 'kms:GenerateRandom')],
  handle: (input, call) => {
    if (input.NumberOfBytes === undefined) throw validation('NumberOfBytes is required.');
    return { Plaintext: call.random.bytes(input.NumberOfBytes) };
  },
});

export const dataKeyOperations = {
  GenerateDataKey: generateDataKey,
  GenerateDataKeyWithoutPlaintext: generateDataKeyWithoutPlaintext,
  GenerateDataKeyPair: generateDataKeyPair,
  GenerateDataKeyPairWithoutPlaintext: generateDataKeyPairWithoutPlaintext,
  GenerateRandom: generateRandom,
};
