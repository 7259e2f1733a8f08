import assert from 'node:assert/strict';
import {
  CreateKeyPairCommand,
  DeleteKeyPairCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  ImportKeyPairCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { adminOf, dev, userWith } from '../clients.ts';

test('an RSA pair is a real key whose fingerprint is the SHA-1 of the private key', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const made = await ec2.send(new CreateKeyPairCommand({ KeyName: 'deploy' }));
  const key = createPrivateKey(made.KeyMaterial!);
  const digest = createHash('sha1')
    .update(key.export({ format: 'der', type: 'pkcs8' }))
    .digest('hex');
  assert.equal(made.KeyFingerprint!.replaceAll(':', ''), digest);
  assert.match(made.KeyFingerprint!, /^(?:[0-9a-f]{2}:){19}[0-9a-f]{2}$/);
  const { KeyPairs } = await ec2.send(new DescribeKeyPairsCommand({ KeyNames: ['deploy'], IncludePublicKey: true }));
  assert.match(KeyPairs![0]!.PublicKey!, /^ssh-rsa [\w+/=]+ deploy\n$/);
  assert.equal(KeyPairs![0]!.KeyType, 'rsa');
});

test('an ED25519 pair comes as an OpenSSH key that holds its public half', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const made = await ec2.send(new CreateKeyPairCommand({ KeyName: 'ed', KeyType: 'ed25519' }));
  assert.match(made.KeyMaterial!, /^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  const bytes = Buffer.from(made.KeyMaterial!.split('\n').slice(1, -1).join(''), 'base64');
  const { KeyPairs } = await ec2.send(
    new DescribeKeyPairsCommand({ KeyPairIds: [made.KeyPairId!], IncludePublicKey: true }),
  );
  const blob = Buffer.from(KeyPairs![0]!.PublicKey!.split(' ')[1]!, 'base64');
  assert.ok(bytes.includes(blob));
  assert.equal(made.KeyFingerprint, createHash('sha256').update(blob).digest('base64'));
});

test('a public key is imported as OpenSSH or PEM, and its RSA fingerprint is the MD5 of the key', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const one = await ec2.send(new ImportKeyPairCommand({ KeyName: 'one', PublicKeyMaterial: Buffer.from(pem) }));
  const der = createPublicKey(pem).export({ format: 'der', type: 'spki' });
  assert.equal(one.KeyFingerprint!.replaceAll(':', ''), createHash('md5').update(der).digest('hex'));
  const { KeyPairs } = await ec2.send(new DescribeKeyPairsCommand({ KeyNames: ['one'], IncludePublicKey: true }));
  const line = Buffer.from(KeyPairs![0]!.PublicKey!);
  const two = await ec2.send(new ImportKeyPairCommand({ KeyName: 'two', PublicKeyMaterial: line }));
  assert.equal(two.KeyFingerprint, one.KeyFingerprint);
  await assert.rejects(
    ec2.send(new ImportKeyPairCommand({ KeyName: 'three', PublicKeyMaterial: Buffer.from('ssh-rsa AAAA') })),
    { name: 'InvalidKey.Format' },
  );
  await assert.rejects(ec2.send(new CreateKeyPairCommand({ KeyName: 'one' })), { name: 'InvalidKeyPair.Duplicate' });
});

test('a launch names a pair that is there, is asked for it, and deleting is free of failures', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  await ec2.send(new CreateKeyPairCommand({ KeyName: 'ops', KeyType: 'ed25519' }));
  const request = { ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1 };
  const launch = new RunInstancesCommand({ ...request, KeyName: 'ops' });
  const { Instances } = await ec2.send(launch);
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
  assert.equal(Reservations![0]!.Instances![0]!.KeyName, 'ops');
  const limited = await userWith(
    cloud,
    dev,
    'limited',
    { Effect: 'Allow', Action: 'ec2:RunInstances', Resource: '*' },
    { Effect: 'Deny', Action: 'ec2:RunInstances', Resource: `arn:aws:ec2:*:${dev}:key-pair/ops` },
  );
  await assert.rejects(limited.ec2.send(launch), { name: 'UnauthorizedOperation' });
  await limited.ec2.send(new RunInstancesCommand(request));
  await assert.rejects(ec2.send(new RunInstancesCommand({ ...request, KeyName: 'gone' })), {
    name: 'InvalidKeyPair.NotFound',
    message: "The key pair 'gone' does not exist",
  });
  await ec2.send(new DeleteKeyPairCommand({ KeyName: 'ops' }));
  await ec2.send(new DeleteKeyPairCommand({ KeyName: 'ops' }));
  await assert.rejects(ec2.send(new DescribeKeyPairsCommand({ KeyNames: ['ops'] })), {
    name: 'InvalidKeyPair.NotFound',
  });
});
