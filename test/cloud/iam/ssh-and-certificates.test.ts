import * as Iam from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { certificateOf } from './certificates.ts';
import { allow, clientsOf, dev, makeUser, refused, rootKeys, type Clients } from './clients.ts';

let cloud: Cloud;
let admin: Clients;
let iam: Iam.IAMClient;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, dev);
  iam = admin.iam;
});
after(() => cloud.stop());

// The key of the examples in the API reference of UploadSSHPublicKey and GetSSHPublicKey.
const wire =
  'AAAAB3NzaC1yc2EAAAADAQABAAABAQCy75ak72GGaoZNy0cjUERIn+mrga0C30kmkiwOeN4H6YtvCdUksVppjPOhm485WFRzvIcxaMEuZ9ISAkp8AfefybxH0PdQWhELSu0pHaMnADAU7dOn3CCerO8+0sycbu4ES4P+cdK1qet3ptsG/zeQNLLmOK5zjIRa1MAS3KnwLwHEVPEe4JD+xfghuO0nwzUgpneGNwk7m7qihYLFnNCFdeU8OeIr9Fmc75g5olHm6ZoC/bccAHurHkfcDpanJTLNfLR5Oj14CZSsRP4kNdm+oe5+IPM78w4J9v4pXU4mizYDE21G4gUDVxOrs0X66lMihX6ArVgmEK+NK5GQgn9z';
const sshBody = `ssh-rsa ${wire} jane@example.com`;

function rsaPem(modulusLength: number): string {
  return generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

test('an SSH key is shown as it was sent, and given back in both encodings with the fingerprint of the documentation', async () => {
  const UserName = 'jane';
  await makeUser(admin, UserName);
  const { SSHPublicKey } = await iam.send(new Iam.UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody: sshBody }));
  assert.equal(SSHPublicKey!.Fingerprint, '7a:1d:ea:9e:b0:80:ac:f8:ec:d8:dc:e6:a7:2c:fc:51');
  assert.equal(SSHPublicKey!.SSHPublicKeyBody, sshBody);
  assert.match(SSHPublicKey!.SSHPublicKeyId!, /^APKA[A-Z2-7]{16}$/);
  const { SSHPublicKeyId } = SSHPublicKey!;
  const get = async (Encoding: 'SSH' | 'PEM') =>
    (await iam.send(new Iam.GetSSHPublicKeyCommand({ UserName, SSHPublicKeyId, Encoding }))).SSHPublicKey!;
  assert.equal((await get('SSH')).SSHPublicKeyBody, `ssh-rsa ${wire}`);
  const pem = (await get('PEM')).SSHPublicKeyBody!;
  assert.match(pem, /^-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsu\+WpO9hhmqGTctHI1BE\n/);
  await refused(
    iam.send(new Iam.UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody: pem })),
    'DuplicateSSHPublicKey',
    'Duplicate SSH public key uploaded.',
  );
  await iam.send(new Iam.UpdateSSHPublicKeyCommand({ UserName, SSHPublicKeyId, Status: 'Inactive' }));
  assert.equal((await get('SSH')).Status, 'Inactive');
  const { SSHPublicKeys } = await iam.send(new Iam.ListSSHPublicKeysCommand({ UserName }));
  assert.deepEqual(
    SSHPublicKeys!.map((key) => [key.SSHPublicKeyId, key.Status]),
    [[SSHPublicKeyId, 'Inactive']],
  );
  await iam.send(new Iam.DeleteSSHPublicKeyCommand({ UserName, SSHPublicKeyId }));
  await refused(get('SSH'), 'NoSuchEntity', `User has no Public Key with id ${SSHPublicKeyId}.`);
});

test('what is no RSA key of 2048 to 16384 bits is refused as SSH key', async () => {
  const UserName = 'no-keys';
  await makeUser(admin, UserName);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const cases: readonly (readonly [body: string, code: string])[] = [
    ['not a key', 'UnrecognizedPublicKeyEncoding'],
    ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0Rz0Jf', 'UnrecognizedPublicKeyEncoding'],
    ['-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----', 'UnrecognizedPublicKeyEncoding'],
    [certificateOf({ name: 'x' }).pem, 'UnrecognizedPublicKeyEncoding'],
    [rsaPem(1024), 'InvalidPublicKey'],
    [publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'InvalidPublicKey'],
    [`ssh-rsa ${wire.slice(0, 40)}`, 'InvalidPublicKey'],
    ['ssh-rsa AAAA', 'InvalidPublicKey'],
  ];
  for (const [SSHPublicKeyBody, code] of cases) {
    await refused(iam.send(new Iam.UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody })), code);
  }
  for (let count = 0; count < 5; count++) {
    await iam.send(new Iam.UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody: rsaPem(2048) }));
  }
  await refused(
    iam.send(new Iam.UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody: rsaPem(2048) })),
    'LimitExceeded',
    'Cannot exceed quota for SSHPublicKeysPerUser: 5',
  );
});

test('a signing certificate is of one user of the account; sent again it is found again', async () => {
  const [UserName, other] = ['signer', 'signer-too'];
  await makeUser(admin, UserName);
  await makeUser(admin, other);
  const upload = (user: string, CertificateBody: string) =>
    iam.send(new Iam.UploadSigningCertificateCommand({ UserName: user, CertificateBody }));
  const first = certificateOf({ name: 'one' }).pem;
  const { Certificate } = await upload(UserName, first);
  const { CertificateId } = Certificate!;
  assert.match(CertificateId!, /^[A-Z2-7]{32}$/);
  assert.equal(Certificate!.CertificateBody, first);
  const setStatus = (Status: Iam.StatusType) =>
    iam.send(new Iam.UpdateSigningCertificateCommand({ UserName, CertificateId, Status }));
  await setStatus('Inactive');
  await refused(setStatus('Expired'), 'InvalidInput', 'Operation does not support status Expired');
  assert.equal((await upload(UserName, first)).Certificate!.CertificateId, CertificateId);
  const list = async () => (await iam.send(new Iam.ListSigningCertificatesCommand({ UserName }))).Certificates!;
  assert.deepEqual(
    (await list()).map((one) => one.Status),
    ['Inactive'],
  );
  await refused(upload(other, first), 'DuplicateCertificate', 'Duplicate certificate uploaded.');
  await refused(upload(UserName, 'not a certificate'), 'MalformedCertificate', 'not a certificate');
  await refused(upload(UserName, certificateOf({ name: 'old', days: -1 }).pem), 'MalformedCertificate');
  await upload(UserName, certificateOf({ name: 'two', key: 'ec' }).pem);
  await refused(
    upload(UserName, certificateOf({ name: 'three' }).pem),
    'LimitExceeded',
    'Cannot exceed quota for CertificatesPerUser: 2',
  );
  await refused(
    iam.send(new Iam.DeleteSigningCertificateCommand({ UserName: other, CertificateId })),
    'NoSuchEntity',
    `The Certificate with id ${CertificateId} cannot be found.`,
  );
  await iam.send(new Iam.DeleteSigningCertificateCommand({ UserName, CertificateId }));
  await upload(other, first);
  assert.equal((await list()).length, 1);
});

test('the root user has signing certificates of its own', async () => {
  const root = clientsOf(cloud, rootKeys(cloud, dev)).iam;
  await root.send(new Iam.UploadSigningCertificateCommand({ CertificateBody: certificateOf({ name: 'root' }).pem }));
  const { Certificates } = await root.send(new Iam.ListSigningCertificatesCommand({}));
  assert.equal(Certificates!.length, 1);
  const { SummaryMap } = await iam.send(new Iam.GetAccountSummaryCommand({}));
  assert.equal(SummaryMap!.AccountSigningCertificatesPresent, 1);
});

test('a server certificate is kept with its chain and tags, renamed and moved, and its key is checked', async () => {
  const ca = certificateOf({ name: 'ca' });
  const leaf = certificateOf({ name: 'leaf', issuer: ca });
  const name = 'Prod';
  const upload = (ServerCertificateName: string, more: Partial<Iam.UploadServerCertificateRequest> = {}) =>
    iam.send(
      new Iam.UploadServerCertificateCommand({
        ServerCertificateName,
        CertificateBody: `${leaf.pem}\r\n`.replaceAll('\n', '\r\n'),
        PrivateKey: pemOf(leaf.privateKey),
        CertificateChain: ca.pem,
        ...more,
      }),
    );
  const Tags = [
    { Key: 'Team', Value: 'one' },
    { Key: 'team', Value: 'two' },
  ];
  const made = await upload(name, { Path: '/cloudfront/', Tags });
  const { ServerCertificateMetadata: metadata } = made;
  assert.deepEqual(made.Tags, Tags);
  assert.match(metadata!.ServerCertificateId!, /^ASCA[A-Z2-7]{17}$/);
  assert.equal(metadata!.Arn, `arn:aws:iam::${dev}:server-certificate/cloudfront/Prod`);
  assert.equal(metadata!.Expiration!.getTime(), leaf.validTo);
  await refused(upload('PROD'), 'EntityAlreadyExists', 'The Server Certificate with name PROD already exists.');
  await refused(
    upload('x', { PrivateKey: pemOf(ca.privateKey) }),
    'KeyPairMismatch',
    'The private key did not match the public key provided. Please verify the key material and try again.',
  );
  await refused(
    upload('x', { CertificateBody: 'no' }),
    'MalformedCertificate',
    'Unable to parse certificate. Please ensure the certificate is in PEM format.',
  );
  const stranger = certificateOf({ name: 'stranger' });
  await refused(
    upload('x', { CertificateChain: stranger.pem }),
    'MalformedCertificate',
    /The index within the chain of the invalid certificate is: -1$/,
  );
  await refused(
    upload('x', { CertificateChain: `${ca.pem}\n${leaf.pem}` }),
    'MalformedCertificate',
    /The index within the chain of the invalid certificate is: 0$/,
  );
  const old = certificateOf({ name: 'old', days: -1 });
  await refused(
    upload('x', { CertificateBody: old.pem, PrivateKey: pemOf(old.privateKey), CertificateChain: undefined }),
    'MalformedCertificate',
    "Certificate is no longer valid. The 'Not After' date restriction on the certificate has passed.",
  );
  const update = { ServerCertificateName: name, NewServerCertificateName: 'Next', NewPath: '/next/' };
  await iam.send(new Iam.UpdateServerCertificateCommand(update));
  await refused(
    iam.send(new Iam.GetServerCertificateCommand({ ServerCertificateName: name })),
    'NoSuchEntity',
    'The Server Certificate with name Prod cannot be found.',
  );
  const { ServerCertificate } = await iam.send(new Iam.GetServerCertificateCommand({ ServerCertificateName: 'next' }));
  assert.equal(ServerCertificate!.CertificateBody, leaf.pem.trim());
  assert.equal(ServerCertificate!.CertificateChain, ca.pem.trim());
  assert.equal(ServerCertificate!.ServerCertificateMetadata!.ServerCertificateId, metadata!.ServerCertificateId);
  await iam.send(new Iam.UntagServerCertificateCommand({ ServerCertificateName: 'Next', TagKeys: ['TEAM', 'team'] }));
  const tags = await iam.send(new Iam.ListServerCertificateTagsCommand({ ServerCertificateName: 'Next' }));
  assert.deepEqual(tags.Tags, [Tags[0]]);
  const list = (PathPrefix: string) => iam.send(new Iam.ListServerCertificatesCommand({ PathPrefix }));
  assert.equal((await list('/next/')).ServerCertificateMetadataList!.length, 1);
  assert.equal((await list('/other/')).ServerCertificateMetadataList!.length, 0);
  await iam.send(new Iam.DeleteServerCertificateCommand({ ServerCertificateName: 'Next' }));
  await upload(name);
});

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

test('tagging a server certificate at its upload needs the permission to tag it', async () => {
  const { pem, privateKey } = certificateOf({ name: 'tagged' });
  const keys = await makeUser(admin, 'uploader', allow('iam:UploadServerCertificate'));
  const upload = (ServerCertificateName: string, Tags?: Iam.Tag[]) =>
    clientsOf(cloud, keys).iam.send(
      new Iam.UploadServerCertificateCommand({
        ServerCertificateName,
        CertificateBody: pem,
        PrivateKey: pemOf(privateKey),
        ...(Tags === undefined ? {} : { Tags }),
      }),
    );
  await upload('plain');
  await refused(upload('tagged', [{ Key: 'a', Value: 'b' }]), 'AccessDenied', 'iam:TagServerCertificate');
});
