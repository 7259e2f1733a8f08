// A key's metadata as KMS's answers show it.
import type * as Sdk from '@aws-sdk/client-kms';
import type { Call } from '../../call.ts';
import { keyArn, kmsArn, type Key } from './model.ts';
import { keySpecs } from './specs.ts';
import { stateOf } from './state.ts';

/** As `DescribeKey` shows it: members that do not apply are left out. */
export function metadataOf(call: Call, key: Key): Sdk.KeyMetadata {
  const state = stateOf(key, call.clock.now());
  return {
    AWSAccountId: key.account,
    KeyId: key.id,
    Arn: keyArn(call.world, key),
    CreationDate: new Date(key.createdAt),
    Enabled: state === 'Enabled',
    Description: key.description,
    KeyUsage: key.usage,
    KeyState: state,
    DeletionDate: key.deletionAt === undefined ? undefined : new Date(key.deletionAt),
    Origin: key.origin,
    KeyManager: key.managedAlias === undefined ? 'CUSTOMER' : 'AWS',
    CustomerMasterKeySpec: key.spec,
    KeySpec: key.spec,
    ...algorithmsOf(key),
    MultiRegion: key.multiRegion !== undefined,
    MultiRegionConfiguration: multiRegionOf(call, key),
    ...materialOf(key),
  };
}

function algorithmsOf({ spec, usage }: Key): Partial<Sdk.KeyMetadata> {
  const { encryption, signing, mac } = keySpecs[spec];
  switch (usage) {
    case 'ENCRYPT_DECRYPT':
      return { EncryptionAlgorithms: [...encryption!] as Sdk.EncryptionAlgorithmSpec[] };
    case 'SIGN_VERIFY':
      return { SigningAlgorithms: [...signing!] as Sdk.SigningAlgorithmSpec[] };
    case 'GENERATE_VERIFY_MAC':
      return { MacAlgorithms: [mac as Sdk.MacAlgorithmSpec] };
    case 'KEY_AGREEMENT':
      break;
  }
  return { KeyAgreementAlgorithms: ['ECDH'] };
}

function multiRegionOf(call: Call, key: Key): Sdk.MultiRegionConfiguration | undefined {
  if (key.multiRegion === undefined) return undefined;
  const { primary, replicas } = key.multiRegion;
  const place = (region: string): Sdk.MultiRegionKey => ({
    Arn: kmsArn(call.world, { region, account: key.account }, `key/${key.id}`),
    Region: region,
  });
  return {
    MultiRegionKeyType: primary === key.region ? 'PRIMARY' : 'REPLICA',
    PrimaryKey: place(primary),
    ReplicaKeys: replicas.map(place),
  };
}

/** What is told of the material: its id for symmetric encryption keys, its end for imported ones. */
function materialOf(key: Key): Partial<Sdk.KeyMetadata> {
  const current = key.materials.at(-1);
  if (current === undefined) return {};
  const ends = key.materials.map((one) => one.imported?.validTo).filter((end) => end !== undefined);
  return {
    ...(key.spec === 'SYMMETRIC_DEFAULT' ? { CurrentKeyMaterialId: current.id } : {}),
    ...(current.imported === undefined
      ? {}
      : { ExpirationModel: ends.length === 0 ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES' }),
    ...(ends.length === 0 ? {} : { ValidTo: new Date(Math.min(...ends)) }),
  };
}
