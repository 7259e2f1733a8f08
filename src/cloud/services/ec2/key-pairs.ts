// Key pairs: made or imported, listed, deleted. The private key leaves once and is not kept.
// Source: EC2 user guide, "Create a key pair for your Amazon EC2 instance", "Verify the fingerprint of your key pair".
import type {
  CreateKeyPairCommandInput,
  DeleteKeyPairCommandInput,
  DeleteKeyPairResult,
  DescribeKeyPairsCommandInput,
  DescribeKeyPairsResult,
  ImportKeyPairCommandInput,
  ImportKeyPairResult,
  KeyPair as KeyPairShape,
} from '@aws-sdk/client-ec2';
import type { Call, Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidParameter, missingParameter, unsupported } from './failures.ts';
import { filtered, paged } from './filters.ts';
import { newId } from './ids.ts';
import { importedKey, newKey } from './key-material.ts';
import { keyPairNames, keyPairs, type KeyPair, type Tags } from './model.ts';
import { onEverything, onNamed, requestTags, resourceTags, tagOnCreate } from './permissions.ts';
import { tagList } from './shapes.ts';
import { dryRunnable, putTags, tagsOf } from './store.ts';
import { createdTags } from './tag-specifications.ts';

const idOf = (call: Call, id: string): string => `${call.region}/${id}`;

export function findKeyPair(call: Call, name: string): KeyPair | undefined {
  return call.world.table(keyPairs).get(call.account, idOf(call, name));
}

export function findKeyPairById(call: Call, id: string): KeyPair | undefined {
  const name = call.world.table(keyPairNames).get(call.account, idOf(call, id));
  return name === undefined ? undefined : findKeyPair(call, name);
}

/** @throws InvalidKeyPair.NotFound 400 */
export function keyPairOf(call: Call, name: string): KeyPair {
  const pair = findKeyPair(call, name);
  if (pair !== undefined) return pair;
  throw awsFailure('InvalidKeyPair.NotFound', `The key pair '${name}' does not exist`, { status: 400 });
}

/** `action` on a pair, which is named and not numbered in its ARN. */
export function onKeyPair(call: Call, action: string, name: string, context: Permission['context'] = {}): Permission {
  const pair = findKeyPair(call, name);
  return onNamed(call, action, 'key-pair', name, {
    'ec2:KeyPairName': name,
    'ec2:KeyPairType': pair?.type,
    ...(pair === undefined ? {} : resourceTags(tagsOf(call, pair.id))),
    ...context,
  });
}

interface NewPair {
  readonly KeyName?: string | undefined;
  readonly TagSpecifications?: CreateKeyPairCommandInput['TagSpecifications'];
}

function newPairPermissions(call: Call, action: string, input: NewPair): readonly Permission[] {
  const tags = createdTags(input.TagSpecifications, 'key-pair');
  const name = input.KeyName ?? '';
  return [
    onNamed(call, action, 'key-pair', name, { 'ec2:KeyPairName': name, ...requestTags(tags) }),
    ...tagOnCreate(call, action, 'key-pair', tags, name),
  ];
}

function checkNewName(call: Call, name: string | undefined): string {
  if (name === undefined || name === '') throw missingParameter('KeyName');
  if (name.length > 255 || !/^[\x20-\x7e]+$/.test(name) || name !== name.trim()) {
    throw invalidParameter(`Value (${name}) for parameter KeyName is invalid.`);
  }
  if (findKeyPair(call, name) !== undefined) {
    throw awsFailure('InvalidKeyPair.Duplicate', 'The keypair already exists', { status: 400 });
  }
  return name;
}

function putPair(call: Call, pair: KeyPair, tags: Tags): void {
  call.world.table(keyPairs).put(call.account, idOf(call, pair.name), pair);
  call.world.table(keyPairNames).put(call.account, idOf(call, pair.id), pair.name);
  putTags(call, pair.id, tags);
}

const shape = (pair: KeyPair, tags: Tags) => ({
  KeyPairId: pair.id,
  KeyName: pair.name,
  KeyFingerprint: pair.fingerprint,
  ...(Object.keys(tags).length === 0 ? {} : { Tags: tagList(tags) }),
});

export const CreateKeyPair = dryRunnable<CreateKeyPairCommandInput, KeyPairShape>({
  permissions: (input, call) => newPairPermissions(call, 'CreateKeyPair', input),
  async handle(input, call) {
    const name = checkNewName(call, input.KeyName);
    if (input.KeyFormat === 'ppk') throw unsupported('key pairs in the format of PuTTY');
    const tags = createdTags(input.TagSpecifications, 'key-pair');
    // SECURITY: the private key is answered and forgotten.
    const { privateKey, ...key } = await newKey(input.KeyType ?? 'rsa');
    const pair: KeyPair = { ...key, id: newId(call.random, 'key'), name, createdAt: call.clock.now() };
    putPair(call, pair, tags);
    return { ...shape(pair, tags), KeyMaterial: privateKey };
  },
  depth: 'RSA and ED25519 as PEM',
});

export const ImportKeyPair = dryRunnable<ImportKeyPairCommandInput, ImportKeyPairResult>({
  permissions: (input, call) => newPairPermissions(call, 'ImportKeyPair', input),
  handle(input, call) {
    const name = checkNewName(call, input.KeyName);
    if (input.PublicKeyMaterial === undefined) throw missingParameter('PublicKeyMaterial');
    const tags = createdTags(input.TagSpecifications, 'key-pair');
    const key = importedKey(Buffer.from(input.PublicKeyMaterial).toString());
    if (key === undefined) {
      throw awsFailure('InvalidKey.Format', 'Key is not in valid OpenSSH public key format', { status: 400 });
    }
    const pair: KeyPair = { ...key, id: newId(call.random, 'key'), name, createdAt: call.clock.now() };
    putPair(call, pair, tags);
    return shape(pair, tags);
  },
  depth: 'lines of OpenSSH and PEM public keys',
});

/** The name a request gives, also by id; a pair that is gone leaves its name as it came. */
function nameIn(call: Call, { KeyName, KeyPairId }: DeleteKeyPairCommandInput): string | undefined {
  return KeyName ?? (KeyPairId === undefined ? undefined : findKeyPairById(call, KeyPairId)?.name);
}

export const DeleteKeyPair = dryRunnable<DeleteKeyPairCommandInput, DeleteKeyPairResult>({
  permissions: (input, call) => [onKeyPair(call, 'DeleteKeyPair', nameIn(call, input) ?? input.KeyPairId ?? '')],
  handle(input, call) {
    if (input.KeyName === undefined && input.KeyPairId === undefined) throw missingParameter('KeyName');
    const name = nameIn(call, input);
    const pair = name === undefined ? undefined : findKeyPair(call, name);
    // "If the key pair does not exist, this still succeeds" (DeleteKeyPair by name).
    if (pair === undefined) {
      if (input.KeyName !== undefined) return { Return: true };
      throw noPairId(input.KeyPairId ?? '');
    }
    call.world.table(keyPairs).delete(call.account, idOf(call, pair.name));
    call.world.table(keyPairNames).delete(call.account, idOf(call, pair.id));
    putTags(call, pair.id, {});
    return { Return: true, KeyPairId: pair.id };
  },
});

function noPairId(id: string): Error {
  return awsFailure('InvalidKeyPair.NotFound', `The key pair ID '${id}' does not exist`, { status: 400 });
}

function* pairsOf(call: Call): Generator<KeyPair> {
  for (const [id, pair] of call.world.table(keyPairs).list(call.account, `${call.region}/`)) {
    if (!id.startsWith(`${call.region}/`)) return;
    yield pair;
  }
}

function pairById(call: Call, id: string): KeyPair {
  const pair = findKeyPairById(call, id);
  if (pair === undefined) throw noPairId(id);
  return pair;
}

export const DescribeKeyPairs = dryRunnable<DescribeKeyPairsCommandInput, DescribeKeyPairsResult>({
  permissions: onEverything('DescribeKeyPairs'),
  handle(input, call) {
    const named = [
      ...(input.KeyNames ?? []).map((name) => keyPairOf(call, name)),
      ...(input.KeyPairIds ?? []).map((id) => pairById(call, id)),
    ];
    const found = filtered(named.length === 0 ? pairsOf(call) : named, input.Filters, {
      tags: ({ id }) => tagsOf(call, id),
      fields: {
        'key-pair-id': ({ id }) => id,
        'key-name': ({ name }) => name,
        fingerprint: ({ fingerprint }) => fingerprint,
      },
    });
    const { page } = paged(found, {});
    return {
      KeyPairs: page.map((pair) => ({
        ...shape(pair, {}),
        KeyType: pair.type,
        CreateTime: new Date(pair.createdAt),
        Tags: tagList(tagsOf(call, pair.id)),
        ...(input.IncludePublicKey === true ? { PublicKey: `${pair.publicKey} ${pair.name}\n` } : {}),
      })),
    };
  },
});
