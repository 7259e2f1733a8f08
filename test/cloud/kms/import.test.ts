import assert from 'node:assert/strict';
import {
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  ListKeyRotationsCommand,
  RotateKeyOnDemandCommand,
  SignCommand,
  type ImportKeyMaterialCommandInput,
  type KMSClient,
} from '@aws-sdk/client-kms';
import {
  constants,
  createCipheriv,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { bytes, kmsOf, newKey, textOf } from './support.ts';

const forever = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const;

/** Wraps `material` as KMS asks for it and imports it. */
async function bring(
  kms: KMSClient,
  KeyId: string,
  material: Uint8Array,
  options: Partial<ImportKeyMaterialCommandInput> = forever,
  WrappingAlgorithm: 'RSAES_OAEP_SHA_256' | 'RSA_AES_KEY_WRAP_SHA_256' = 'RSAES_OAEP_SHA_256',
) {
  const parameters = await kms.send(
    new GetParametersForImportCommand({ KeyId, WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' }),
  );
  const key = createPublicKey({ key: Buffer.from(parameters.PublicKey!), format: 'der', type: 'spki' });
  const rsa = (data: Uint8Array) =>
    publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, data);
  const EncryptedKeyMaterial = WrappingAlgorithm.startsWith('RSAES') ? rsa(material) : twice(rsa, material);
  return kms.send(
    new ImportKeyMaterialCommand({ KeyId, ImportToken: parameters.ImportToken, EncryptedKeyMaterial, ...options }),
  );
}

function twice(rsa: (data: Uint8Array) => Buffer, material: Uint8Array): Uint8Array {
  const aes = randomBytes(32);
  const cipher = createCipheriv('id-aes256-wrap-pad', aes, Buffer.from('a65959a6', 'hex'));
  return Buffer.concat([rsa(aes), cipher.update(material), cipher.final()]);
}

test('a key waits for its material, takes it, loses it and takes only the same again', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId, Arn, KeyState, Enabled } = await newKey(kms, { Origin: 'EXTERNAL' });
  assert.deepEqual([KeyState, Enabled], ['PendingImport', false]);
  const encrypt = () => kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('mine') }));
  const pending = { name: 'KMSInvalidStateException', message: `${Arn} is pending import.` };
  await assert.rejects(encrypt(), pending);
  const material = randomBytes(32);
  await assert.rejects(bring(kms, KeyId, randomBytes(31)), { name: 'IncorrectKeyMaterialException' });
  await assert.rejects(bring(kms, KeyId, material, {}), {
    name: 'ValidationException',
    message: 'A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES',
  });
  await bring(kms, KeyId, material);
  const { CiphertextBlob } = await encrypt();
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  assert.partialDeepStrictEqual(KeyMetadata, { KeyState: 'Enabled', ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' });
  await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId }));
  await assert.rejects(encrypt(), pending);
  await assert.rejects(bring(kms, KeyId, randomBytes(32)), { name: 'IncorrectKeyMaterialException' });
  await bring(kms, KeyId, material);
  assert.equal(textOf((await kms.send(new DecryptCommand({ CiphertextBlob }))).Plaintext), 'mine');
});

test('imported material expires by the clock of the embedded AWS', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms, { Origin: 'EXTERNAL' });
  const ValidTo = new Date(Math.floor(cloud.clock.now() / 1000) * 1000 + 3_600_000);
  await bring(kms, KeyId, randomBytes(32), { ValidTo, ExpirationModel: 'KEY_MATERIAL_EXPIRES' });
  const described = await kms.send(new DescribeKeyCommand({ KeyId }));
  assert.deepEqual(described.KeyMetadata!.ValidTo, ValidTo);
  cloud.clock.advance(3_600_000);
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  assert.equal(KeyMetadata!.KeyState, 'PendingImport');
});

test('new material waits for a rotation on demand', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId, Arn } = await newKey(kms, { Origin: 'EXTERNAL' });
  await bring(kms, KeyId, randomBytes(32));
  await assert.rejects(kms.send(new RotateKeyOnDemandCommand({ KeyId })), {
    name: 'KMSInvalidStateException',
    message: `No available key material pending rotation for the key: ${Arn}.`,
  });
  const next = await bring(kms, KeyId, randomBytes(32), { ...forever, ImportType: 'NEW_KEY_MATERIAL' });
  const states = async () => {
    const { Rotations } = await kms.send(
      new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
    );
    return Rotations!.map((one) => one.KeyMaterialState);
  };
  assert.deepEqual(await states(), ['CURRENT', 'PENDING_ROTATION']);
  await kms.send(new RotateKeyOnDemandCommand({ KeyId }));
  assert.deepEqual(await states(), ['NON_CURRENT', 'CURRENT']);
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  assert.equal(KeyMetadata!.CurrentKeyMaterialId, next.KeyMaterialId);
});

test('private keys are imported under two wraps', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const mine = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { KeyId } = await newKey(kms, { Origin: 'EXTERNAL', KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
  const der = mine.privateKey.export({ format: 'der', type: 'pkcs8' });
  await bring(kms, KeyId, der, forever, 'RSA_AES_KEY_WRAP_SHA_256');
  const { Signature } = await kms.send(
    new SignCommand({ KeyId, SigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_256', Message: bytes('m') }),
  );
  assert.ok(verify('sha256', bytes('m'), mine.publicKey, Signature!));
});

test('a token is good for its key and for a day', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const made = await newKey(kms);
  const parameters = (KeyId: string) =>
    kms.send(
      new GetParametersForImportCommand({
        KeyId,
        WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
        WrappingKeySpec: 'RSA_2048',
      }),
    );
  await assert.rejects(parameters(made.KeyId), {
    name: 'UnsupportedOperationException',
    message: `${made.Arn} origin is AWS_KMS which is not valid for this operation.`,
  });
  const { KeyId } = await newKey(kms, { Origin: 'EXTERNAL' });
  const { ImportToken } = await parameters(KeyId);
  const send = (token: Uint8Array) =>
    kms.send(new ImportKeyMaterialCommand({ KeyId, ImportToken: token, EncryptedKeyMaterial: bytes('x'), ...forever }));
  await assert.rejects(send(bytes('none')), { name: 'InvalidImportTokenException' });
  await assert.rejects(send(ImportToken!), { name: 'InvalidCiphertextException' });
  cloud.clock.advance(86_400_000);
  await assert.rejects(send(ImportToken!), { name: 'ExpiredImportTokenException' });
});
