// What each kind of key is for and which algorithms it knows.
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html

export type KeySpecName =
  | 'SYMMETRIC_DEFAULT'
  | 'RSA_2048'
  | 'RSA_3072'
  | 'RSA_4096'
  | 'ECC_NIST_P256'
  | 'ECC_NIST_P384'
  | 'ECC_NIST_P521'
  | 'ECC_SECG_P256K1'
  | 'HMAC_224'
  | 'HMAC_256'
  | 'HMAC_384'
  | 'HMAC_512';

export type KeyUsageName = 'ENCRYPT_DECRYPT' | 'SIGN_VERIFY' | 'GENERATE_VERIFY_MAC' | 'KEY_AGREEMENT';

export type HashName = 'sha224' | 'sha256' | 'sha384' | 'sha512';

export interface KeySpecInfo {
  readonly usages: readonly KeyUsageName[];
  readonly encryption?: readonly string[];
  readonly signing?: readonly string[];
  readonly mac?: string;
  /** Bytes of a symmetric or HMAC key. */
  readonly bytes?: number;
  readonly rsaBits?: number;
  /** OpenSSL's name of the curve. */
  readonly curve?: string;
}

const rsaSigning = [
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
];

function rsa(rsaBits: number): KeySpecInfo {
  const encryption = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'];
  return { usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'], encryption, signing: rsaSigning, rsaBits };
}

function hmac(bits: number): KeySpecInfo {
  return { usages: ['GENERATE_VERIFY_MAC'], mac: `HMAC_SHA_${bits}`, bytes: bits / 8 };
}

export const keySpecs: Readonly<Record<KeySpecName, KeySpecInfo>> = {
  SYMMETRIC_DEFAULT: { usages: ['ENCRYPT_DECRYPT'], encryption: ['SYMMETRIC_DEFAULT'], bytes: 32 },
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  ECC_NIST_P256: { usages: ['SIGN_VERIFY', 'KEY_AGREEMENT'], signing: ['ECDSA_SHA_256'], curve: 'prime256v1' },
  ECC_NIST_P384: { usages: ['SIGN_VERIFY', 'KEY_AGREEMENT'], signing: ['ECDSA_SHA_384'], curve: 'secp384r1' },
  ECC_NIST_P521: { usages: ['SIGN_VERIFY', 'KEY_AGREEMENT'], signing: ['ECDSA_SHA_512'], curve: 'secp521r1' },
  ECC_SECG_P256K1: { usages: ['SIGN_VERIFY'], signing: ['ECDSA_SHA_256'], curve: 'secp256k1' },
  HMAC_224: hmac(224),
  HMAC_256: hmac(256),
  HMAC_384: hmac(384),
  HMAC_512: hmac(512),
};

/** Undefined for SM2, which only the regions of China have. */
export function specInfo(spec: string): KeySpecInfo | undefined {
  return Object.hasOwn(keySpecs, spec) ? keySpecs[spec as KeySpecName] : undefined;
}

/** The hash in the name of an algorithm: `RSASSA_PSS_SHA_384` has `sha384`. */
export function hashOf(algorithm: string): HashName {
  return `sha${algorithm.slice(-3)}` as HashName;
}

const everyKey = ['CreateGrant', 'RetireGrant', 'DescribeKey'];
const encrypting = ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo'];
const generating = [
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
];

/**
 * The operations that a grant on such a key may allow.
 * https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations
 */
export function grantableOperations(spec: KeySpecName, usage: KeyUsageName): readonly string[] {
  if (spec === 'SYMMETRIC_DEFAULT') return [...everyKey, ...encrypting, ...generating];
  switch (usage) {
    case 'ENCRYPT_DECRYPT':
      return [...everyKey, ...encrypting, 'GetPublicKey'];
    case 'SIGN_VERIFY':
      return [...everyKey, 'Sign', 'Verify', 'GetPublicKey'];
    case 'GENERATE_VERIFY_MAC':
      return [...everyKey, 'GenerateMac', 'VerifyMac'];
    case 'KEY_AGREEMENT':
      break;
  }
  return [...everyKey, 'DeriveSharedSecret', 'GetPublicKey'];
}
