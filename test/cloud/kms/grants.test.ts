import assert from 'node:assert/strict';
import {
  CreateGrantCommand,
  EncryptCommand,
  ListGrantsCommand,
  ListRetirableGrantsCommand,
  PutKeyPolicyCommand,
  RetireGrantCommand,
  RevokeGrantCommand,
  type CreateGrantCommandInput,
} from '@aws-sdk/client-kms';
import { CreateUserCommand, DeleteUserCommand } from '@aws-sdk/client-iam';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { policyText } from '../clients.ts';
import { adminOf, central, control, dev, iamOf } from '../support.ts';
import { bytes, kmsAs, kmsOf, newKey } from './support.ts';

test('grants are listed as they were made, and by grantee and id', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId, Arn } = await newKey(kms);
  const { User } = await iamOf(cloud, adminOf(cloud, dev)).send(new CreateUserCommand({ UserName: 'ann' }));
  const root = `arn:aws:iam::${dev}:root`;
  const { GrantId, GrantToken } = await kms.send(
    new CreateGrantCommand({
      KeyId,
      GranteePrincipal: User!.Arn,
      RetiringPrincipal: root,
      Operations: ['Decrypt', 'Encrypt'],
      Name: 'reading',
      Constraints: { EncryptionContextEquals: { a: 'b' } },
    }),
  );
  assert.match(GrantId!, /^[0-9a-f]{64}$/);
  assert.match(GrantToken!, /^[A-Za-z0-9+/=]+$/);
  await kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal: root, Operations: ['DescribeKey'] }));
  const list = async (filter: object = {}) => (await kms.send(new ListGrantsCommand({ KeyId, ...filter }))).Grants!;
  assert.equal((await list()).length, 2);
  const [grant] = await list({ GranteePrincipal: User!.Arn });
  assert.partialDeepStrictEqual(grant, {
    KeyId: Arn,
    GrantId,
    Name: 'reading',
    GranteePrincipal: User!.Arn,
    RetiringPrincipal: root,
    IssuingAccount: root,
    Operations: ['Decrypt', 'Encrypt'],
    Constraints: { EncryptionContextEquals: { a: 'b' } },
  });
  assert.equal((await list({ GrantId })).length, 1);
  await iamOf(cloud, adminOf(cloud, dev)).send(new DeleteUserCommand({ UserName: 'ann' }));
  assert.equal((await list({ GrantId }))[0]!.GranteePrincipal, User!.UserId);
  await assert.rejects(list({ GrantId: 'x' }), { name: 'InvalidGrantIdException' });
});

test('a name makes a repeated request find its grant', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms);
  const create = (input: Partial<CreateGrantCommandInput> = {}) =>
    kms.send(
      new CreateGrantCommand({
        KeyId,
        GranteePrincipal: `arn:aws:iam::${dev}:root`,
        Operations: ['Decrypt', 'Encrypt'],
        ...input,
      }),
    );
  const one = await create({ Name: 'n' });
  const again = await create({ Name: 'n', Operations: ['Encrypt', 'Decrypt'] });
  assert.equal(again.GrantId, one.GrantId);
  assert.notEqual(again.GrantToken, one.GrantToken);
  assert.notEqual((await create({ Name: 'n', Operations: ['Encrypt'] })).GrantId, one.GrantId);
  assert.notEqual((await create()).GrantId, (await create()).GrantId);
  await kms.send(new RetireGrantCommand({ GrantToken: again.GrantToken }));
  await assert.rejects(kms.send(new RetireGrantCommand({ GrantToken: one.GrantToken })), {
    name: 'InvalidGrantTokenException',
  });
  await assert.rejects(kms.send(new RevokeGrantCommand({ KeyId, GrantId: one.GrantId })), {
    name: 'NotFoundException',
  });
});

test('a grant is refused for strangers to the key: operations and principals', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms);
  const create = (input: Partial<CreateGrantCommandInput>) =>
    kms.send(
      new CreateGrantCommand({
        KeyId,
        GranteePrincipal: `arn:aws:iam::${dev}:root`,
        Operations: ['Decrypt'],
        ...input,
      }),
    );
  await assert.rejects(create({ Operations: ['Sign'] }), { name: 'ValidationException' });
  await assert.rejects(create({ Operations: ['PutKeyPolicy' as 'Sign'] }), { name: 'ValidationException' });
  await assert.rejects(create({ GranteePrincipal: undefined }), { name: 'ValidationException' });
  for (const GranteePrincipal of [`arn:aws:iam::${dev}:user/none`, 's3.amazonaws.com', 'x']) {
    await assert.rejects(create({ GranteePrincipal }), { name: 'InvalidArnException' });
  }
  const mac = await newKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
  const constrained = {
    KeyId: mac.KeyId,
    Operations: ['GenerateMac' as const],
    Constraints: { EncryptionContextSubset: {} },
  };
  await assert.rejects(create(constrained), { name: 'ValidationException' });
});

test('retirable grants are listed over accounts, in pages', async () => {
  await using cloud = await startCloud();
  const [mine, theirs] = [kmsOf(cloud), kmsOf(cloud, adminOf(cloud, central))];
  const retirer = await kmsAs(cloud, dev, 'retirer', { Effect: 'Allow', Action: 'kms:*', Resource: '*' });
  const RetiringPrincipal = `arn:aws:iam::${dev}:user/retirer`;
  for (const kms of [mine, mine, theirs]) {
    const { KeyId } = await newKey(kms);
    const GranteePrincipal = `arn:aws:iam::${central}:root`;
    await kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal, RetiringPrincipal, Operations: ['Decrypt'] }));
  }
  const first = await retirer.send(new ListRetirableGrantsCommand({ RetiringPrincipal, Limit: 2 }));
  assert.equal(first.Grants!.length, 2);
  assert.equal(first.Truncated, true);
  const rest = await retirer.send(
    new ListRetirableGrantsCommand({ RetiringPrincipal, Limit: 2, Marker: first.NextMarker }),
  );
  const grants = [...first.Grants!, ...rest.Grants!];
  assert.equal(grants.length, 3);
  for (const { KeyId, GrantId } of grants) await retirer.send(new RetireGrantCommand({ KeyId, GrantId }));
  const none = await retirer.send(new ListRetirableGrantsCommand({ RetiringPrincipal }));
  assert.deepEqual(none.Grants, []);
  await assert.rejects(theirs.send(new ListRetirableGrantsCommand({ RetiringPrincipal })), {
    name: 'AccessDeniedException',
  });
});

test('while writes propagate, a grant counts by its token only and a new policy not yet', async () => {
  await using cloud = await startCloud();
  const kms = kmsOf(cloud);
  const { KeyId } = await newKey(kms);
  const grantee = await kmsAs(cloud, dev, 'grantee');
  await control(cloud, 'POST', 'propagation', { kms: '60s' });
  const GranteePrincipal = `arn:aws:iam::${dev}:user/grantee`;
  const { GrantToken = '' } = await kms.send(
    new CreateGrantCommand({ KeyId, GranteePrincipal, Operations: ['Encrypt'] }),
  );
  const encrypt = (GrantTokens?: string[]) =>
    grantee.send(new EncryptCommand({ KeyId, Plaintext: bytes('x'), GrantTokens }));
  await assert.rejects(encrypt(), { name: 'AccessDeniedException' });
  await encrypt([GrantToken]);
  const stranger = await kmsAs(cloud, dev, 'stranger');
  const borrowed = stranger.send(new EncryptCommand({ KeyId, Plaintext: bytes('x'), GrantTokens: [GrantToken] }));
  await assert.rejects(borrowed, { name: 'AccessDeniedException' });
  const account = { Effect: 'Allow', Principal: { AWS: dev }, Action: 'kms:*', Resource: '*' } as const;
  const deny = { Effect: 'Deny', Principal: '*', Action: 'kms:Encrypt', Resource: '*' } as const;
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: policyText(account, deny) }));
  await kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('x') }));
  cloud.clock.advance(60_000);
  await assert.rejects(encrypt(), {
    name: 'AccessDeniedException',
    message: /explicit deny in a resource-based policy/,
  });
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: policyText(account) }));
  cloud.clock.advance(60_000);
  await encrypt();
});
