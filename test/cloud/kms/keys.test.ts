import assert from 'node:assert/strict';
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  ListAliasesCommand,
  ListKeyPoliciesCommand,
  ListKeyRotationsCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
  type CreateKeyCommandInput,
} from '@aws-sdk/client-kms';
import { CreateUserCommand, DeleteUserCommand } from '@aws-sdk/client-iam';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { policyText } from '../clients.ts';
import { adminOf, dev, iamOf } from '../support.ts';
import { bytes, kmsOf, newKey, textOf } from './support.ts';

const day = 86_400_000;
const refusal = (name: string, message?: string) => ({
  name,
  ...(message === undefined ? {} : { message }),
});

test('a key is made with defaults, described by every name it has, and listed', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const made = await newKey(kms);
  assert.match(made.KeyId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.partialDeepStrictEqual(made, {
    AWSAccountId: dev,
    Arn: `arn:aws:kms:us-east-1:${dev}:key/${made.KeyId}`,
    Description: '',
    Enabled: true,
    KeyState: 'Enabled',
    KeyManager: 'CUSTOMER',
    KeySpec: 'SYMMETRIC_DEFAULT',
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeyUsage: 'ENCRYPT_DECRYPT',
    Origin: 'AWS_KMS',
    MultiRegion: false,
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
  });
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/app', TargetKeyId: made.KeyId }));
  const names = [made.KeyId, made.Arn!, 'alias/app', `arn:aws:kms:us-east-1:${dev}:alias/app`];
  for (const KeyId of names) {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
    assert.deepEqual(KeyMetadata, made);
  }
  const { Keys, Truncated } = await kms.send(new ListKeysCommand({}));
  assert.deepEqual(Keys, [{ KeyId: made.KeyId, KeyArn: made.Arn }]);
  assert.equal(Truncated, false);
});

test('what is no key is not found, in AWS words', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
  const describe = (KeyId: string) => kms.send(new DescribeKeyCommand({ KeyId }));
  const arn = `arn:aws:kms:us-east-1:${dev}`;
  await assert.rejects(describe(id), refusal('NotFoundException', `Key '${arn}:key/${id}' does not exist`));
  await assert.rejects(describe('fake'), refusal('NotFoundException', "Invalid keyId 'fake'"));
  await assert.rejects(describe('mrk-fake'), refusal('NotFoundException', "Invalid keyId 'mrk-fake'"));
  await assert.rejects(describe('alias/no'), refusal('NotFoundException', `Alias ${arn}:alias/no is not found.`));
  const foreign = `arn:aws:kms:eu-west-1:${dev}:key/${id}`;
  await assert.rejects(describe(foreign), refusal('NotFoundException', 'Invalid arn eu-west-1'));
  await assert.rejects(describe('arn:aws:s3:::bucket'), { name: 'InvalidArnException' });
  await assert.rejects(kms.send(new EnableKeyCommand({ KeyId: 'alias/no' })), { name: 'NotFoundException' });
  const error = await describe(id).catch((caught: unknown) => caught as { $metadata: { httpStatusCode: number } });
  assert.equal((error as { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode, 400);
});

test('keys and aliases belong to a region', async () => {
  await using cloud = await startCloud();
  const [here, there] = [kmsOf(cloud), kmsOf(cloud, adminOf(cloud, dev), 'eu-west-1')];
  const { KeyId } = await newKey(here);
  await here.send(new CreateAliasCommand({ AliasName: 'alias/a', TargetKeyId: KeyId }));
  await assert.rejects(there.send(new DescribeKeyCommand({ KeyId })), { name: 'NotFoundException' });
  const other = await newKey(there);
  await there.send(new CreateAliasCommand({ AliasName: 'alias/a', TargetKeyId: other.KeyId }));
  const { Keys } = await there.send(new ListKeysCommand({}));
  assert.equal(Keys!.length, 1);
});

const badKeys: readonly [name: string, input: CreateKeyCommandInput, error: object][] = [
  [
    'an asymmetric key without usage',
    { KeySpec: 'RSA_2048' },
    refusal(
      'ValidationException',
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    ),
  ],
  [
    'a usage the spec has not',
    { KeySpec: 'RSA_2048', KeyUsage: 'KEY_AGREEMENT' },
    refusal('ValidationException', 'KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048'),
  ],
  ['a symmetric key that signs', { KeyUsage: 'SIGN_VERIFY' }, refusal('ValidationException')],
  [
    'two names of one member',
    { KeySpec: 'RSA_2048', CustomerMasterKeySpec: 'RSA_2048' },
    refusal('ValidationException'),
  ],
  ['an unknown spec', { KeySpec: 'AES' as 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }, refusal('ValidationException')],
  ['a tag given twice', { Tags: [tag('a', '1'), tag('a', '2')] }, refusal('TagException', 'Duplicate tag keys')],
  ['a tag of AWS', { Tags: [tag('AWS:a', '1')] }, refusal('TagException', 'Tags beginning with aws: are reserved')],
  [
    'too many tags',
    { Tags: Array.from({ length: 51 }, (_, index) => tag(`t${index}`, '')) },
    refusal('TagException', 'Too many tags'),
  ],
  [
    'a tag key too long',
    { Tags: [tag('a'.repeat(129), '')] },
    refusal(
      'ValidationException',
      `1 validation error detected: Value '${'a'.repeat(129)}' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 128`,
    ),
  ],
  ['no JSON', { Policy: '{' }, refusal('MalformedPolicyDocumentException')],
  [
    'a statement without a principal',
    { Policy: policyText({ Effect: 'Allow', Action: 'kms:*', Resource: '*' }) },
    refusal('MalformedPolicyDocumentException', 'Policy contains a statement with no principal.'),
  ],
  [
    'a policy over 32 KB',
    { Policy: JSON.stringify({ Version: '2012-10-17', Id: 'x'.repeat(33_000), Statement: [] }) },
    refusal('LimitExceededException'),
  ],
];

function tag(TagKey: string, TagValue: string) {
  return { TagKey, TagValue };
}

test('a key that cannot be is refused', async (t) => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  for (const [name, input, error] of badKeys) {
    await t.test(name, async () => {
      await assert.rejects(newKey(kms, input), error);
    });
  }
  const { Keys } = await kms.send(new ListKeysCommand({}));
  assert.deepEqual(Keys, []);
});

test('a disabled key does nothing until it is enabled', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId, Arn } = await newKey(kms);
  await kms.send(new DisableKeyCommand({ KeyId }));
  await kms.send(new DisableKeyCommand({ KeyId }));
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  assert.partialDeepStrictEqual(KeyMetadata, { Enabled: false, KeyState: 'Disabled' });
  const encrypt = () => kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('x') }));
  await assert.rejects(encrypt(), refusal('DisabledException', `${Arn} is disabled.`));
  await assert.rejects(kms.send(new RotateKeyOnDemandCommand({ KeyId })), { name: 'DisabledException' });
  await kms.send(new EnableKeyCommand({ KeyId }));
  await encrypt();
});

test('a scheduled deletion can be cancelled until it is due, then the key is gone with its aliases', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId, Arn } = await newKey(kms);
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/gone', TargetKeyId: KeyId }));
  const schedule = (PendingWindowInDays?: number) =>
    kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }));
  await assert.rejects(schedule(6), { name: 'ValidationException' });
  await assert.rejects(schedule(31), { name: 'ValidationException' });
  const cancel = () => kms.send(new CancelKeyDeletionCommand({ KeyId }));
  await assert.rejects(cancel(), refusal('KMSInvalidStateException', `${Arn} is not pending deletion.`));
  const scheduled = await schedule();
  assert.partialDeepStrictEqual(scheduled, { KeyId: Arn, KeyState: 'PendingDeletion', PendingWindowInDays: 30 });
  await assert.rejects(schedule(), refusal('KMSInvalidStateException', `${Arn} is pending deletion.`));
  const encrypt = kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('x') }));
  await assert.rejects(encrypt, refusal('KMSInvalidStateException', `${Arn} is pending deletion.`));
  assert.deepEqual((await cancel()).KeyId, Arn);
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  assert.equal(KeyMetadata!.KeyState, 'Disabled');
  await schedule(7);
  cloud.clock.advance(7 * day);
  await assert.rejects(
    kms.send(new DescribeKeyCommand({ KeyId })),
    refusal('NotFoundException', `Key '${Arn}' does not exist`),
  );
  await assert.rejects(kms.send(new DescribeKeyCommand({ KeyId: 'alias/gone' })), { name: 'NotFoundException' });
  const next = await newKey(kms);
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/gone', TargetKeyId: next.KeyId }));
  const { Keys } = await kms.send(new ListKeysCommand({}));
  assert.deepEqual(
    Keys!.map((key) => key.KeyId),
    [next.KeyId],
  );
  await kms.send(new DescribeKeyCommand({ KeyId: 'alias/gone' }));
});

test('aliases move between keys of one kind, and their names are checked', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const [one, two] = [await newKey(kms), await newKey(kms)];
  const mac = await newKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
  const create = (AliasName: string, TargetKeyId = one.KeyId) =>
    kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }));
  await create('alias/app');
  const arn = `arn:aws:kms:us-east-1:${dev}:alias/app`;
  await assert.rejects(
    create('alias/app'),
    refusal('AlreadyExistsException', `An alias with the name ${arn} already exists`),
  );
  await assert.rejects(
    create('app'),
    refusal(
      'ValidationException',
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    ),
  );
  await assert.rejects(create('alias/aws/s3'), { name: 'NotAuthorizedException' });
  await assert.rejects(create('alias/a b'), { name: 'ValidationException' });
  await assert.rejects(create('alias/b', 'alias/app'), { name: 'ValidationException' });
  const update = (TargetKeyId: string) => kms.send(new UpdateAliasCommand({ AliasName: 'alias/app', TargetKeyId }));
  await assert.rejects(update(mac.KeyId), { name: 'ValidationException' });
  await update(two.KeyId);
  const of = async (KeyId: string) => {
    const { Aliases } = await kms.send(new ListAliasesCommand({ KeyId }));
    return Aliases!.map((alias) => alias.AliasName);
  };
  assert.deepEqual(await of(one.KeyId), []);
  assert.deepEqual(await of(two.KeyId), ['alias/app']);
  await kms.send(new DeleteAliasCommand({ AliasName: 'alias/app' }));
  assert.deepEqual(await of(two.KeyId), []);
  await assert.rejects(
    kms.send(new DeleteAliasCommand({ AliasName: 'alias/app' })),
    refusal('NotFoundException', `Alias ${arn} is not found.`),
  );
});

test('aliases are listed in pages, those of AWS among them without a key', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms);
  for (const name of ['alias/a', 'alias/b', 'alias/zz'])
    await kms.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: KeyId }));
  const names: string[] = [];
  let Marker: string | undefined;
  do {
    const page = await kms.send(new ListAliasesCommand({ Limit: 4, Marker }));
    names.push(...page.Aliases!.map((alias) => alias.AliasName!));
    Marker = page.NextMarker;
    assert.equal(page.Truncated, Marker !== undefined);
  } while (Marker !== undefined);
  assert.deepEqual(names, [...names].sort());
  for (const name of ['alias/a', 'alias/aws/ebs', 'alias/aws/s3', 'alias/zz']) assert.ok(names.includes(name), name);
  assert.equal(new Set(names).size, names.length);
  const { Aliases } = await kms.send(new ListAliasesCommand({}));
  assert.equal(Aliases!.find((alias) => alias.AliasName === 'alias/aws/ebs')!.TargetKeyId, undefined);
  await assert.rejects(kms.send(new ListAliasesCommand({ Marker: 'x' })), { name: 'InvalidMarkerException' });
});

test('tags are put, replaced, taken away and listed', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms, { Tags: [tag('a', '1')] });
  await kms.send(new TagResourceCommand({ KeyId, Tags: [tag('a', '2'), tag('A', '3')] }));
  await kms.send(new UntagResourceCommand({ KeyId, TagKeys: ['a', 'none'] }));
  const { Tags } = await kms.send(new ListResourceTagsCommand({ KeyId }));
  assert.deepEqual(Tags, [tag('A', '3')]);
  await assert.rejects(kms.send(new TagResourceCommand({ KeyId, Tags: [tag('aws:x', '')] })), { name: 'TagException' });
});

test('the default policy is printed as AWS prints it, and principals as ARNs or ids', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const iam = iamOf(cloud, adminOf(cloud, dev));
  const { KeyId } = await newKey(kms);
  const policy = async () => (await kms.send(new GetKeyPolicyCommand({ KeyId }))).Policy!;
  assert.equal(
    await policy(),
    `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::${dev}:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`,
  );
  const { User } = await iam.send(new CreateUserCommand({ UserName: 'ann' }));
  const account = { Effect: 'Allow', Principal: { AWS: dev }, Action: 'kms:*', Resource: '*' } as const;
  const ann = { Effect: 'Allow', Principal: { AWS: User!.Arn }, Action: 'kms:Encrypt', Resource: '*' } as const;
  await kms.send(new PutKeyPolicyCommand({ KeyId, PolicyName: 'default', Policy: policyText(account, ann) }));
  const principals = async () => {
    const { Statement } = JSON.parse(await policy()) as { Statement: { Principal: { AWS: string } }[] };
    return Statement.map((statement) => statement.Principal.AWS);
  };
  assert.deepEqual(await principals(), [`arn:aws:iam::${dev}:root`, User!.Arn]);
  await iam.send(new DeleteUserCommand({ UserName: 'ann' }));
  assert.deepEqual(await principals(), [`arn:aws:iam::${dev}:root`, User!.UserId]);
  const { PolicyNames } = await kms.send(new ListKeyPoliciesCommand({ KeyId }));
  assert.deepEqual(PolicyNames, ['default']);
  await assert.rejects(
    kms.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'other' })),
    refusal('NotFoundException', 'No such policy exists'),
  );
});

test('a statement without a resource is kept and has no effect', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const account = { Effect: 'Allow', Principal: { AWS: dev }, Action: 'kms:*', Resource: '*' } as const;
  const inert = { Effect: 'Deny', Principal: '*', Action: 'kms:Encrypt' } as const;
  const { KeyId } = await newKey(kms, { Policy: policyText(account, inert) });
  await kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('x') }));
  const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId }));
  assert.match(Policy!, /kms:Encrypt/);
});

test('keys rotate on their schedule and on demand, and old ciphertexts stay readable', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId, Arn, CurrentKeyMaterialId } = await newKey(kms);
  const encrypt = async () => (await kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('old') }))).CiphertextBlob;
  const first = await encrypt();
  const status = () => kms.send(new GetKeyRotationStatusCommand({ KeyId }));
  assert.partialDeepStrictEqual(await status(), { KeyId: Arn, KeyRotationEnabled: false });
  await assert.rejects(kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 89 })), {
    name: 'ValidationException',
  });
  await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }));
  assert.partialDeepStrictEqual(await status(), { KeyRotationEnabled: true, RotationPeriodInDays: 90 });
  cloud.clock.advance(200 * day);
  await kms.send(new RotateKeyOnDemandCommand({ KeyId }));
  const { Rotations } = await kms.send(new ListKeyRotationsCommand({ KeyId }));
  assert.deepEqual(
    Rotations!.map((one) => one.RotationType),
    ['AUTOMATIC', 'AUTOMATIC', 'ON_DEMAND'],
  );
  const all = await kms.send(new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }));
  assert.equal(all.Rotations!.length, 4);
  assert.equal(all.Rotations![0]!.KeyMaterialId, CurrentKeyMaterialId);
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  assert.equal(KeyMetadata!.CurrentKeyMaterialId, all.Rotations![3]!.KeyMaterialId);
  const { Plaintext, KeyMaterialId } = await kms.send(new DecryptCommand({ CiphertextBlob: first }));
  assert.equal(textOf(Plaintext), 'old');
  assert.equal(KeyMaterialId, CurrentKeyMaterialId);
});

test('what cannot rotate is refused, and rotations on demand are counted', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const mac = await newKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
  const external = await newKey(kms, { Origin: 'EXTERNAL' });
  const status = (KeyId: string) => kms.send(new GetKeyRotationStatusCommand({ KeyId }));
  for (const { KeyId } of [mac, external]) {
    await assert.rejects(kms.send(new EnableKeyRotationCommand({ KeyId })), { name: 'UnsupportedOperationException' });
  }
  await assert.rejects(status(external.KeyId), { name: 'UnsupportedOperationException' });
  assert.equal((await status(mac.KeyId)).KeyRotationEnabled, false);
  const { KeyId, Arn } = await newKey(kms);
  for (let count = 0; count < 25; count++) await kms.send(new RotateKeyOnDemandCommand({ KeyId }));
  await assert.rejects(
    kms.send(new RotateKeyOnDemandCommand({ KeyId })),
    refusal(
      'LimitExceededException',
      `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${Arn}`,
    ),
  );
});

test('a multi-region key has an id of its own kind', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const key = await newKey(kms, { MultiRegion: true, Description: 'one' });
  assert.match(key.KeyId, /^mrk-[0-9a-f]{32}$/);
  assert.deepEqual(key.MultiRegionConfiguration, {
    MultiRegionKeyType: 'PRIMARY',
    PrimaryKey: { Arn: key.Arn, Region: 'us-east-1' },
    ReplicaKeys: [],
  });
  await kms.send(new UpdateKeyDescriptionCommand({ KeyId: key.KeyId, Description: 'two' }));
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('x') }));
  assert.equal((await kms.send(new DecryptCommand({ CiphertextBlob }))).KeyId, key.Arn);
});

test('keys and their material survive a restart', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'stint-kms-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  let blob: Uint8Array | undefined;
  {
    await using cloud = await startCloud({ state });
    const kms = kmsOf(cloud);
    const { KeyId } = await newKey(kms);
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/kept', TargetKeyId: KeyId }));
    blob = (await kms.send(new EncryptCommand({ KeyId: 'alias/kept', Plaintext: bytes('kept') }))).CiphertextBlob;
  }
  await using cloud = await startCloud({ state });
  const { Plaintext } = await kmsOf(cloud).send(new DecryptCommand({ CiphertextBlob: blob }));
  assert.equal(textOf(Plaintext), 'kept');
});
