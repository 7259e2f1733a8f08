// Sign and Verify, MACs, public keys and shared secrets.
import type * as Sdk from '@aws-sdk/client-kms';
import { createHmac, createPublicKey, diffieHellman, timingSafeEqual, type KeyObject } from 'node:crypto';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { keyPermission } from './access.ts';
import { checkDryRun, checkLength, invalidMac, invalidSignature, unsupported, validation } from './failures.ts';
import { needKey } from './lookup.ts';
import { privateKeyOf, secretBytes } from './material.ts';
import { keyArn, type Key } from './model.ts';
import { digestLength, digestOf, signDigest, verifyDigest } from './signatures.ts';
import { hashOf, keySpecs, type KeyUsageName } from './specs.ts';
import { checkAlgorithm, checkUsage, refuseUnusable } from './state.ts';

const longestMessage = 4096;

function keyFor(call: Call, keyId: string, usage: KeyUsageName): Key {
  const { key } = needKey(call, keyId, { aliases: true });
  refuseUnusable(call, key);
  checkUsage(call, key, usage);
  return key;
}

type SigningInput = Pick<Parsed<Sdk.SignRequest>, 'KeyId' | 'Message' | 'SigningAlgorithm' | 'MessageType'>;

function signingPermissions(input: SigningInput, call: Call): readonly Permission[] {
  checkLength(input.Message, 'message', longestMessage);
  const context = {
    'kms:SigningAlgorithm': input.SigningAlgorithm,
    'kms:MessageType': input.MessageType ?? 'RAW',
  };
  return [keyPermission(call, `kms:${call.operation}`, needKey(call, input.KeyId, { aliases: true }), { context })];
}

/** The digest of a signing request, of whatever it brings. @throws ValidationException */
function digestFrom({ Message, MessageType, SigningAlgorithm }: SigningInput): Buffer {
  if ((MessageType ?? 'RAW') === 'RAW') return digestOf(SigningAlgorithm, Message);
  if (MessageType !== 'DIGEST') throw validation(`MessageType ${MessageType} is not valid for ${SigningAlgorithm}.`);
  if (Message.length !== digestLength(SigningAlgorithm)) {
    throw validation(`Digest is invalid length for algorithm ${SigningAlgorithm}.`);
  }
  return Buffer.from(Message);
}

function signingKey(input: SigningInput, call: Call): Key {
  const key = keyFor(call, input.KeyId, 'SIGN_VERIFY');
  checkAlgorithm(input.SigningAlgorithm, keySpecs[key.spec].signing, key.spec);
  return key;
}

const sign = operation<Parsed<Sdk.SignRequest>, Sdk.SignResponse>({
  permissions: signingPermissions,
  handle: (input, call) => {
    const key = signingKey(input, call);
    const { SigningAlgorithm } = input;
    const digest = digestFrom(input);
    checkDryRun(input);
    const signature = signDigest(privateKeyOf(key.materials[0]!), SigningAlgorithm, digest, call.random);
    return { KeyId: keyArn(call.world, key), Signature: new Uint8Array(signature), SigningAlgorithm };
  },
});

const verify = operation<Parsed<Sdk.VerifyRequest>, Sdk.VerifyResponse>({
  permissions: (input, call) => {
    checkLength(input.Signature, 'signature', 6144);
    return signingPermissions(input, call);
  },
  handle: (input, call) => {
    const key = signingKey(input, call);
    const { SigningAlgorithm, Signature } = input;
    const digest = digestFrom(input);
    if (!verifyDigest(privateKeyOf(key.materials[0]!), SigningAlgorithm, digest, Signature)) throw invalidSignature();
    checkDryRun(input);
    return { KeyId: keyArn(call.world, key), SignatureValid: true, SigningAlgorithm };
  },
});

type MacInput = Pick<Parsed<Sdk.GenerateMacRequest>, 'KeyId' | 'Message' | 'MacAlgorithm'>;

function macPermissions(input: MacInput, call: Call): readonly Permission[] {
  checkLength(input.Message, 'message', longestMessage);
  const context = { 'kms:MacAlgorithm': input.MacAlgorithm };
  return [keyPermission(call, `kms:${call.operation}`, needKey(call, input.KeyId, { aliases: true }), { context })];
}

function macOf(input: MacInput, call: Call): { readonly key: Key; readonly mac: Buffer } {
  const key = keyFor(call, input.KeyId, 'GENERATE_VERIFY_MAC');
  checkAlgorithm(input.MacAlgorithm, [keySpecs[key.spec].mac!], key.spec);
  const mac = createHmac(hashOf(input.MacAlgorithm), secretBytes(key.materials[0]!)).update(input.Message).digest();
  return { key, mac };
}

const generateMac = operation<Parsed<Sdk.GenerateMacRequest>, Sdk.GenerateMacResponse>({
  permissions: macPermissions,
  handle: (input, call) => {
    const { key, mac } = macOf(input, call);
    checkDryRun(input);
    return { Mac: new Uint8Array(mac), MacAlgorithm: input.MacAlgorithm, KeyId: keyArn(call.world, key) };
  },
});

const verifyMac = operation<Parsed<Sdk.VerifyMacRequest>, Sdk.VerifyMacResponse>({
  permissions: (input, call) => {
    checkLength(input.Mac, 'mac', 6144);
    return macPermissions(input, call);
  },
  handle: (input, call) => {
    const { key, mac } = macOf(input, call);
    if (mac.length !== input.Mac.length || !timingSafeEqual(mac, input.Mac)) throw invalidMac();
    checkDryRun(input);
    return { KeyId: keyArn(call.world, key), MacValid: true, MacAlgorithm: input.MacAlgorithm };
  },
});

const getPublicKey = operation<Parsed<Sdk.GetPublicKeyRequest>, Sdk.GetPublicKeyResponse>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:GetPublicKey', needKey(call, input.KeyId, { aliases: true })),
  ],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: true });
    const { bytes, encryption, signing } = keySpecs[key.spec];
    if (bytes !== undefined)
      throw unsupported(`${keyArn(call.world, key)} key spec is ${key.spec} which is not valid for GetPublicKey.`);
    refuseUnusable(call, key);
    const publicKey = createPublicKey(privateKeyOf(key.materials[0]!));
    return {
      KeyId: keyArn(call.world, key),
      PublicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
      KeySpec: key.spec,
      CustomerMasterKeySpec: key.spec,
      KeyUsage: key.usage,
      EncryptionAlgorithms:
        key.usage === 'ENCRYPT_DECRYPT' ? ([...encryption!] as Sdk.EncryptionAlgorithmSpec[]) : undefined,
      SigningAlgorithms: key.usage === 'SIGN_VERIFY' ? ([...signing!] as Sdk.SigningAlgorithmSpec[]) : undefined,
      KeyAgreementAlgorithms: key.usage === 'KEY_AGREEMENT' ? ['ECDH'] : undefined,
    };
  },
});

function sharedSecret(privateKey: KeyObject, der: Uint8Array): Buffer {
  try {
    const publicKey = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
    return diffieHellman({ privateKey, publicKey });
  } catch {
    throw validation('The public key is not valid for this key.');
  }
}

const deriveSharedSecret = operation<Parsed<Sdk.DeriveSharedSecretRequest>, Sdk.DeriveSharedSecretResponse>({
  depth: 'Attestation documents of enclaves (Recipient) are not read.',
  permissions: (input, call) => {
    const context = { 'kms:KeyAgreementAlgorithm': input.KeyAgreementAlgorithm };
    const found = needKey(call, input.KeyId, { aliases: true });
    return [keyPermission(call, 'kms:DeriveSharedSecret', found, { context })];
  },
  handle: (input, call) => {
    const key = keyFor(call, input.KeyId, 'KEY_AGREEMENT');
    const secret = sharedSecret(privateKeyOf(key.materials[0]!), input.PublicKey);
    checkDryRun(input);
    return {
      KeyId: keyArn(call.world, key),
      SharedSecret: new Uint8Array(secret),
      KeyAgreementAlgorithm: input.KeyAgreementAlgorithm,
      KeyOrigin: key.origin,
    };
  },
});

export const signOperations = {
  Sign: sign,
  Verify: verify,
  GenerateMac: generateMac,
  VerifyMac: verifyMac,
  GetPublicKey: getPublicKey,
  DeriveSharedSecret: deriveSharedSecret,
};
