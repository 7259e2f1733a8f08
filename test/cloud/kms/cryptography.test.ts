import assert from 'node:assert/strict';
import {
  CreateGrantCommand,
  DecryptCommand,
  DeriveSharedSecretCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateMacCommand,
  GenerateRandomCommand,
  GetPublicKeyCommand,
  ReEncryptCommand,
  SignCommand,
  VerifyCommand,
  VerifyMacCommand,
  type KeySpec,
  type SigningAlgorithmSpec,
} from '@aws-sdk/client-kms';
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  verify as verifyWithNode,
} from 'node:crypto';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { central, dev } from '../support.ts';
import { bytes, kmsAs, kmsOf, newKey, textOf } from './support.ts';

const incompatible = (algorithm: string, spec: string) => ({
  name: 'InvalidKeyUsageException',
  message: `Algorithm ${algorithm} is incompatible with key spec ${spec}.`,
});

test('a ciphertext is read without a key id, and only with its encryption context', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId, Arn } = await newKey(kms);
  const EncryptionContext = { b: '2', a: '1' };
  const sealed = await kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('secret'), EncryptionContext }));
  assert.partialDeepStrictEqual(sealed, { KeyId: Arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
  const { CiphertextBlob } = sealed;
  assert.ok(!Buffer.from(CiphertextBlob!).includes('secret'));
  const open = (input: object) => kms.send(new DecryptCommand({ CiphertextBlob, ...input }));
  const opened = await open({ EncryptionContext: { a: '1', b: '2' } });
  assert.equal(textOf(opened.Plaintext), 'secret');
  assert.equal(opened.KeyId, Arn);
  for (const context of [undefined, { a: '1' }, { a: '1', b: '2', c: '3' }, { A: '1', b: '2' }]) {
    await assert.rejects(open({ EncryptionContext: context }), { name: 'InvalidCiphertextException' });
  }
  for (const at of [0, 6, 30, 60, 75, CiphertextBlob!.length - 1]) {
    const broken = Uint8Array.from(CiphertextBlob!);
    broken[at]! ^= 1;
    const opening = open({ CiphertextBlob: broken, EncryptionContext, KeyId });
    await assert.rejects(opening, { name: /^(?:InvalidCiphertext|IncorrectKey)Exception$/ });
  }
  for (const blob of [bytes('x'), new Uint8Array(200)]) {
    await assert.rejects(open({ CiphertextBlob: blob }), { name: 'InvalidCiphertextException' });
  }
});

test('the wrong key is told apart from no key', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const [one, two] = [await newKey(kms), await newKey(kms)];
  const signing = await newKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: one.KeyId, Plaintext: bytes('x') }));
  const wrong = {
    name: 'IncorrectKeyException',
    message: 'The key ID in the request does not identify a CMK that can perform this operation.',
  };
  await assert.rejects(kms.send(new DecryptCommand({ CiphertextBlob, KeyId: two.KeyId })), wrong);
  await assert.rejects(kms.send(new DecryptCommand({ CiphertextBlob, KeyId: signing.KeyId })), wrong);
  await assert.rejects(kms.send(new EncryptCommand({ KeyId: signing.KeyId, Plaintext: bytes('x') })), {
    name: 'InvalidKeyUsageException',
    message: `${signing.Arn} key usage is SIGN_VERIFY which is not valid for Encrypt.`,
  });
  const elsewhere = kmsOf(cloud, undefined, 'eu-west-1');
  await assert.rejects(elsewhere.send(new DecryptCommand({ CiphertextBlob })), {
    name: 'AccessDeniedException',
    message:
      /kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region/,
  });
  const stranger = await kmsAs(cloud, central, 'eve', { Effect: 'Allow', Action: 'kms:*', Resource: '*' });
  await assert.rejects(stranger.send(new DecryptCommand({ CiphertextBlob })), { name: 'AccessDeniedException' });
});

test('plaintexts have 1 to 4096 bytes', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms);
  await kms.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array(4096) }));
  await assert.rejects(kms.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array(4097) })), {
    name: 'ValidationException',
    message:
      "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
  });
  await assert.rejects(kms.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array() })), {
    name: 'ValidationException',
  });
});

test('re-encryption moves a ciphertext under another key and context', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const [one, two] = [await newKey(kms), await newKey(kms)];
  const { CiphertextBlob } = await kms.send(
    new EncryptCommand({ KeyId: one.KeyId, Plaintext: bytes('x'), EncryptionContext: { a: '1' } }),
  );
  const input = { CiphertextBlob, SourceEncryptionContext: { a: '1' }, DestinationKeyId: two.KeyId };
  const moved = await kms.send(new ReEncryptCommand({ ...input, DestinationEncryptionContext: { b: '2' } }));
  assert.partialDeepStrictEqual(moved, { SourceKeyId: one.Arn, KeyId: two.Arn });
  const opened = await kms.send(
    new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob, EncryptionContext: { b: '2' } }),
  );
  assert.equal(textOf(opened.Plaintext), 'x');
  await assert.rejects(kms.send(new ReEncryptCommand({ ...input, SourceKeyId: two.KeyId })), {
    name: 'IncorrectKeyException',
  });
  const all = { Effect: 'Allow', Action: 'kms:ReEncrypt*', Resource: one.Arn! } as const;
  const halfway = await kmsAs(cloud, dev, 'halfway', all);
  await assert.rejects(halfway.send(new ReEncryptCommand(input)), {
    name: 'AccessDeniedException',
    message: new RegExp(`kms:ReEncryptTo on resource: ${two.Arn}`),
  });
});

test('data keys come in clear and sealed, of the size that was asked for', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId, Arn } = await newKey(kms);
  for (const [asked, size] of [
    [{ KeySpec: 'AES_256' }, 32],
    [{ KeySpec: 'AES_128' }, 16],
    [{ NumberOfBytes: 64 }, 64],
  ] as const) {
    const made = await kms.send(new GenerateDataKeyCommand({ KeyId, ...asked, EncryptionContext: { a: 'b' } }));
    assert.equal(made.Plaintext!.length, size);
    assert.equal(made.KeyId, Arn);
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext: { a: 'b' } }),
    );
    assert.deepEqual(opened.Plaintext, made.Plaintext);
  }
  const message = 'Please specify either number of bytes or key spec.';
  for (const asked of [{}, { KeySpec: 'AES_256', NumberOfBytes: 32 }] as const) {
    await assert.rejects(kms.send(new GenerateDataKeyCommand({ KeyId, ...asked })), {
      name: 'ValidationException',
      message,
    });
  }
  const sealed = await kms.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId, KeySpec: 'AES_256' }));
  assert.ok(!('Plaintext' in sealed));
  assert.equal((await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }))).Plaintext!.length, 32);
  assert.equal((await kms.send(new GenerateRandomCommand({ NumberOfBytes: 5 }))).Plaintext!.length, 5);
  await assert.rejects(kms.send(new GenerateRandomCommand({ NumberOfBytes: 1025 })), {
    name: 'ValidationException',
    message:
      "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024",
  });
});

test('data key pairs fit together', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms);
  const pair = await kms.send(new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P384' }));
  const privateKey = createPrivateKey({ key: Buffer.from(pair.PrivateKeyPlaintext!), format: 'der', type: 'pkcs8' });
  const publicDer = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  assert.deepEqual(Buffer.from(pair.PublicKey!), publicDer);
  const opened = await kms.send(new DecryptCommand({ CiphertextBlob: pair.PrivateKeyCiphertextBlob }));
  assert.deepEqual(opened.Plaintext, pair.PrivateKeyPlaintext);
  const hidden = await kms.send(new GenerateDataKeyPairWithoutPlaintextCommand({ KeyId, KeyPairSpec: 'RSA_2048' }));
  assert.ok(!('PrivateKeyPlaintext' in hidden));
});

const signers: readonly [spec: KeySpec, algorithms: readonly SigningAlgorithmSpec[]][] = [
  [
    'RSA_2048',
    [
      'RSASSA_PSS_SHA_256',
      'RSASSA_PSS_SHA_384',
      'RSASSA_PSS_SHA_512',
      'RSASSA_PKCS1_V1_5_SHA_256',
      'RSASSA_PKCS1_V1_5_SHA_384',
      'RSASSA_PKCS1_V1_5_SHA_512',
    ],
  ],
  ['ECC_NIST_P256', ['ECDSA_SHA_256']],
  ['ECC_NIST_P384', ['ECDSA_SHA_384']],
  ['ECC_NIST_P521', ['ECDSA_SHA_512']],
  ['ECC_SECG_P256K1', ['ECDSA_SHA_256']],
];

test('signatures are those that everybody else verifies', async (t) => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  for (const [spec, algorithms] of signers) {
    const { KeyId, Arn } = await newKey(kms, { KeySpec: spec, KeyUsage: 'SIGN_VERIFY' });
    const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId }));
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey!), format: 'der', type: 'spki' });
    for (const SigningAlgorithm of algorithms) {
      await t.test(`${SigningAlgorithm} by ${spec}`, async () => {
        const hash = `sha${SigningAlgorithm.slice(-3)}`;
        const options = SigningAlgorithm.includes('PSS')
          ? { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
          : publicKey;
        const Message = bytes('a message');
        const digest = Uint8Array.from(createHash(hash).update(Message).digest());
        for (const form of [{ Message }, { Message: digest, MessageType: 'DIGEST' }] as const) {
          const signed = await kms.send(new SignCommand({ KeyId, SigningAlgorithm, ...form }));
          assert.equal(signed.KeyId, Arn);
          assert.ok(verifyWithNode(hash, Message, options, signed.Signature!));
          const { Signature } = signed;
          const good = await kms.send(new VerifyCommand({ KeyId, SigningAlgorithm, Signature, ...form }));
          assert.equal(good.SignatureValid, true);
          const other = kms.send(new VerifyCommand({ KeyId, SigningAlgorithm, Signature, Message: bytes('other') }));
          await assert.rejects(other, { name: 'KMSInvalidSignatureException' });
        }
        const Signature = bytes('no signature');
        await assert.rejects(kms.send(new VerifyCommand({ KeyId, SigningAlgorithm, Signature, Message })), {
          name: 'KMSInvalidSignatureException',
        });
        await assert.rejects(kms.send(new SignCommand({ KeyId, SigningAlgorithm, Message, MessageType: 'DIGEST' })), {
          name: 'ValidationException',
          message: `Digest is invalid length for algorithm ${SigningAlgorithm}.`,
        });
      });
    }
  }
});

test('an algorithm must fit the key', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const ecc = await newKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  const Message = bytes('x');
  const sign = kms.send(new SignCommand({ KeyId: ecc.KeyId, SigningAlgorithm: 'RSASSA_PSS_SHA_256', Message }));
  await assert.rejects(sign, incompatible('RSASSA_PSS_SHA_256', 'ECC_NIST_P256'));
  const mac = await newKey(kms, { KeySpec: 'HMAC_224', KeyUsage: 'GENERATE_VERIFY_MAC' });
  const generate = kms.send(new GenerateMacCommand({ KeyId: mac.KeyId, MacAlgorithm: 'HMAC_SHA_256', Message }));
  await assert.rejects(generate, incompatible('HMAC_SHA_256', 'HMAC_224'));
  const plain = await newKey(kms);
  const encrypt = new EncryptCommand({
    KeyId: plain.KeyId,
    Plaintext: Message,
    EncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
  });
  await assert.rejects(kms.send(encrypt), incompatible('RSAES_OAEP_SHA_1', 'SYMMETRIC_DEFAULT'));
  await assert.rejects(kms.send(new GetPublicKeyCommand({ KeyId: plain.KeyId })), {
    name: 'UnsupportedOperationException',
  });
  const generating = kms.send(new GenerateMacCommand({ KeyId: plain.KeyId, MacAlgorithm: 'HMAC_SHA_256', Message }));
  await assert.rejects(generating, {
    name: 'InvalidKeyUsageException',
    message: `${plain.Arn} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.`,
  });
});

test('RSA keys encrypt what fits into their modulus', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
  for (const [EncryptionAlgorithm, most] of [
    ['RSAES_OAEP_SHA_1', 214],
    ['RSAES_OAEP_SHA_256', 190],
  ] as const) {
    const Plaintext = new Uint8Array(most).fill(7);
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext, EncryptionAlgorithm }));
    const opened = await kms.send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionAlgorithm }));
    assert.deepEqual(opened.Plaintext, Plaintext);
    await assert.rejects(
      kms.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array(most + 1), EncryptionAlgorithm })),
      {
        name: 'ValidationException',
        message: `Algorithm ${EncryptionAlgorithm} and key spec RSA_2048 cannot encrypt data larger than ${most} bytes.`,
      },
    );
    const other = EncryptionAlgorithm === 'RSAES_OAEP_SHA_1' ? 'RSAES_OAEP_SHA_256' : 'RSAES_OAEP_SHA_1';
    await assert.rejects(kms.send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionAlgorithm: other })), {
      name: 'InvalidCiphertextException',
    });
  }
});

test('MACs verify, and only for their message', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  for (const bits of [224, 256, 384, 512] as const) {
    const { KeyId } = await newKey(kms, { KeySpec: `HMAC_${bits}`, KeyUsage: 'GENERATE_VERIFY_MAC' });
    const MacAlgorithm = `HMAC_SHA_${bits}` as const;
    const { Mac } = await kms.send(new GenerateMacCommand({ KeyId, MacAlgorithm, Message: bytes('m') }));
    assert.equal(Mac!.length, bits / 8);
    const good = await kms.send(new VerifyMacCommand({ KeyId, MacAlgorithm, Mac, Message: bytes('m') }));
    assert.equal(good.MacValid, true);
    await assert.rejects(kms.send(new VerifyMacCommand({ KeyId, MacAlgorithm, Mac, Message: bytes('n') })), {
      name: 'KMSInvalidMacException',
    });
  }
});

test('two sides derive the same secret', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' });
  const mine = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const PublicKey = Uint8Array.from(mine.publicKey.export({ format: 'der', type: 'spki' }));
  const derive = { KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey } as const;
  const { SharedSecret } = await kms.send(new DeriveSharedSecretCommand(derive));
  const theirs = await kms.send(new GetPublicKeyCommand({ KeyId }));
  const publicKey = createPublicKey({ key: Buffer.from(theirs.PublicKey!), format: 'der', type: 'spki' });
  assert.deepEqual(Buffer.from(SharedSecret!), diffieHellman({ privateKey: mine.privateKey, publicKey }));
  await assert.rejects(kms.send(new DeriveSharedSecretCommand({ ...derive, PublicKey: bytes('x') })), {
    name: 'ValidationException',
  });
});

test('a dry run passes every check and does nothing', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms);
  const rehearsed = {
    name: 'DryRunOperationException',
    message: 'The request would have succeeded, but the DryRun option is set.',
  };
  const grantee = { GranteePrincipal: `arn:aws:iam::${dev}:root`, Operations: ['Decrypt' as const] };
  const commands = () => [
    kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('x'), DryRun: true })),
    kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', DryRun: true })),
    kms.send(new CreateGrantCommand({ KeyId, ...grantee, DryRun: true })),
  ];
  for (const command of commands()) await assert.rejects(command, rehearsed);
  await kms.send(new DisableKeyCommand({ KeyId }));
  for (const command of commands()) await assert.rejects(command, { name: 'DisabledException' });
  await assert.rejects(kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('x'), GrantTokens: ['none'] })), {
    name: 'InvalidGrantTokenException',
  });
  await kms.send(new DescribeKeyCommand({ KeyId }));
});
