import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCredential, policiesOf, principalOf, scpsOf } from '../../../src/cloud/services/iam/index.ts';
import { central, dev, makeTestWorld } from './harness.ts';

const trustEverybody = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Principal: { AWS: central }, Action: 'sts:AssumeRole' },
});

test('the policies of a principal are the same object until something changes', async () => {
  const { world, run, keys, credential } = await makeTestWorld();
  const admin = credential(keys[dev]!.admin.accessKeyId);
  const before = policiesOf(admin, world);
  assert.equal(policiesOf(admin, world), before);
  await run(admin, 'iam', 'CreateRole', { RoleName: 'r', AssumeRolePolicyDocument: trustEverybody });
  assert.equal(policiesOf(admin, world), before);
  assert.equal(before.identity[0]!.arn, 'arn:aws:iam::aws:policy/AdministratorAccess');
});

test('service control policies bind members per level and not the management account', async () => {
  const { world } = await makeTestWorld();
  assert.equal(scpsOf(central, world).length, 0);
  const levels = scpsOf(dev, world);
  assert.equal(levels.length, 4);
  assert.ok(levels.every((level) => level[0]?.name === 'FullAWSAccess'));
});

test('sessions of a deleted role are refused, and of a namesake made later too', async () => {
  const { world, run, keys, credential } = await makeTestWorld();
  const admin = credential(keys[central]!.admin.accessKeyId);
  const role = { RoleName: 'r', AssumeRolePolicyDocument: trustEverybody };
  await run(admin, 'iam', 'CreateRole', role);
  const { Credentials } = await run<{ Credentials: { AccessKeyId: string } }>(admin, 'sts', 'AssumeRole', {
    RoleArn: `arn:aws:iam::${central}:role/r`,
    RoleSessionName: 'alice',
  });
  const session = findCredential(Credentials.AccessKeyId, world)!;
  assert.equal((principalOf(session, world) as { arn: string }).arn, `arn:aws:sts::${central}:assumed-role/r/alice`);
  await run(admin, 'iam', 'DeleteRole', { RoleName: 'r' });
  await run(admin, 'iam', 'CreateRole', role);
  assert.equal(findCredential(Credentials.AccessKeyId, world), undefined);
});

test('a session that ended long ago is forgotten when others are made, one of last week is not', async () => {
  const { world, run, keys, credential, clock } = await makeTestWorld();
  const admin = credential(keys[central]!.admin.accessKeyId);
  const make = async () => {
    const { Credentials } = await run<{ Credentials: { AccessKeyId: string } }>(admin, 'sts', 'GetSessionToken', {});
    return Credentials.AccessKeyId;
  };
  const day = 86_400_000;
  const first = await make();
  clock.advance(7 * day);
  const second = await make();
  assert.ok(findCredential(first, world));
  clock.advance(day);
  await make();
  assert.equal(findCredential(first, world), undefined);
  assert.ok(findCredential(second, world));
});
