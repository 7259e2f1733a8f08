import * as Iam from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { control } from '../support.ts';
import { certificateOf } from './certificates.ts';
import { allow, clientsOf, dev, makeUser, refused, type Clients } from './clients.ts';

let cloud: Cloud;
let admin: Clients;
let iam: Iam.IAMClient;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, dev);
  iam = admin.iam;
});
after(() => cloud.stop());

const create = async (UserName: string, ServiceName: string, CredentialAgeDays?: number) => {
  const input = { UserName, ServiceName, ...(CredentialAgeDays === undefined ? {} : { CredentialAgeDays }) };
  return (await iam.send(new Iam.CreateServiceSpecificCredentialCommand(input))).ServiceSpecificCredential!;
};

test('a Git credential has a user name of user and account, and a password that is shown once', async () => {
  const UserName = 'gitta';
  await makeUser(admin, UserName);
  const first = await create(UserName, 'CodeCommit.amazonaws.com');
  assert.equal(first.ServiceName, 'codecommit.amazonaws.com');
  assert.equal(first.ServiceUserName, `gitta-at-${dev}`);
  assert.equal(first.ServicePassword!.length, 60);
  assert.match(first.ServiceSpecificCredentialId!, /^ACCA[A-Z2-7]{17}$/);
  assert.equal((await create(UserName, 'codecommit.amazonaws.com')).ServiceUserName, `gitta+1-at-${dev}`);
  await refused(
    create(UserName, 'codecommit.amazonaws.com'),
    'LimitExceeded',
    'Cannot exceed quota for ContextSpecificCredentialsPerUserPerContext: 2',
  );
  await create(UserName, 'cassandra.amazonaws.com');
  const list = async (ServiceName?: string) =>
    (await iam.send(new Iam.ListServiceSpecificCredentialsCommand({ UserName, ServiceName })))
      .ServiceSpecificCredentials!;
  assert.equal((await list()).length, 3);
  assert.equal((await list('codecommit.amazonaws.com')).length, 2);
  assert.ok((await list()).every((one) => !('ServicePassword' in one)));
  const { ServiceSpecificCredentialId } = first;
  const update = (Status: Iam.StatusType) =>
    iam.send(new Iam.UpdateServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId, Status }));
  await update('Inactive');
  await refused(update('Expired'), 'InvalidInput', 'Operation does not support status Expired');
  const { ServiceSpecificCredential: reset } = await iam.send(
    new Iam.ResetServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId }),
  );
  assert.notEqual(reset!.ServicePassword, first.ServicePassword);
  const { ServicePassword: _, ...same } = reset!;
  const { ServicePassword: __, ...before } = first;
  assert.deepEqual(same, { ...before, Status: 'Inactive' });
  await iam.send(new Iam.DeleteServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId }));
  assert.equal((await create(UserName, 'codecommit.amazonaws.com')).ServiceUserName, `gitta-at-${dev}`);
});

test('an API key has a secret that names it, and ends by itself', async () => {
  const UserName = 'keys';
  await makeUser(admin, UserName);
  const key = await create(UserName, 'bedrock.amazonaws.com', 3);
  assert.equal(key.ServiceCredentialAlias, `keys-at-${dev}`);
  assert.equal(key.ExpirationDate!.getTime() - key.CreateDate!.getTime(), 3 * 86_400_000);
  const secret = key.ServiceCredentialSecret!;
  assert.ok(secret.startsWith('ABSK'));
  assert.match(Buffer.from(secret.slice(4), 'base64').toString(), new RegExp(`^keys-at-${dev}:.{60}$`));
  for (const days of [0, 36_601]) await refused(create(UserName, 'bedrock.amazonaws.com', days), 'ValidationError');
  await control(cloud, 'POST', 'clock', { advance: '73h' });
  const { ServiceSpecificCredentials } = await iam.send(new Iam.ListServiceSpecificCredentialsCommand({ UserName }));
  assert.deepEqual(
    ServiceSpecificCredentials!.map((one) => one.Status),
    ['Expired'],
  );
});

test('services without such credentials, strange ids and credentials of others are refused', async () => {
  const [UserName, other] = ['mine', 'theirs'];
  await makeUser(admin, UserName);
  await makeUser(admin, other);
  const unsupported = 'No such service lambda.amazonaws.com is supported for Service Specific Credentials';
  await refused(create(UserName, 'lambda.amazonaws.com'), 'NoSuchEntity', unsupported);
  await refused(create('nobody', 'lambda.amazonaws.com'), 'NoSuchEntity', 'The user with name nobody cannot be found.');
  const { ServiceSpecificCredentialId } = await create(other, 'codecommit.amazonaws.com');
  const reset = (id: string | undefined, user = UserName) =>
    iam.send(new Iam.ResetServiceSpecificCredentialCommand({ UserName: user, ServiceSpecificCredentialId: id }));
  await refused(
    reset(ServiceSpecificCredentialId),
    'ValidationError',
    `User mine does not have a service specific credential with id ${ServiceSpecificCredentialId}`,
  );
  await refused(
    reset('satisfiesregexbutstillinvalid'),
    'NoSuchEntity',
    'No such credential satisfiesregexbutstillinvalid exists',
  );
  await iam.send(new Iam.UpdateUserCommand({ UserName: other, NewUserName: 'renamed' }));
  const { ServiceSpecificCredential } = await reset(ServiceSpecificCredentialId, 'renamed');
  assert.deepEqual(
    [ServiceSpecificCredential!.UserName, ServiceSpecificCredential!.ServiceUserName],
    ['renamed', `theirs-at-${dev}`],
  );
});

test('all credentials of an account are listed page by page, for who may see every user', async () => {
  await makeUser(admin, 'page-a');
  await makeUser(admin, 'page-b');
  for (const user of ['page-a', 'page-b']) await create(user, 'logs.amazonaws.com');
  const filter = { AllUsers: true, ServiceName: 'logs.amazonaws.com', MaxItems: 1 };
  const first = await iam.send(new Iam.ListServiceSpecificCredentialsCommand(filter));
  assert.equal(first.IsTruncated, true);
  const second = await iam.send(new Iam.ListServiceSpecificCredentialsCommand({ ...filter, Marker: first.Marker }));
  assert.deepEqual(
    [...first.ServiceSpecificCredentials!, ...second.ServiceSpecificCredentials!].map((one) => one.UserName),
    ['page-a', 'page-b'],
  );
  assert.equal(second.IsTruncated, false);
  const own = allow('iam:ListServiceSpecificCredentials', `arn:aws:iam::${dev}:user/page-own`);
  const narrow = clientsOf(cloud, await makeUser(admin, 'page-own', own)).iam;
  await narrow.send(new Iam.ListServiceSpecificCredentialsCommand({}));
  await refused(
    narrow.send(new Iam.ListServiceSpecificCredentialsCommand({ AllUsers: true })),
    'AccessDenied',
    `on resource: arn:aws:iam::${dev}:user/*`,
  );
});

test('policies may say for which service and for how long credentials are made', async () => {
  const Condition = {
    StringEquals: { 'iam:ServiceSpecificCredentialServiceName': 'bedrock.amazonaws.com' },
    NumericLessThanEquals: { 'iam:ServiceSpecificCredentialAgeDays': '30' },
  };
  const keys = await makeUser(admin, 'short', allow('iam:CreateServiceSpecificCredential', '*', { Condition }));
  const make = (ServiceName: string, CredentialAgeDays?: number) =>
    clientsOf(cloud, keys).iam.send(
      new Iam.CreateServiceSpecificCredentialCommand({
        UserName: 'short',
        ServiceName,
        ...(CredentialAgeDays === undefined ? {} : { CredentialAgeDays }),
      }),
    );
  await make('Bedrock.amazonaws.com', 30);
  await refused(make('bedrock.amazonaws.com', 31), 'AccessDenied');
  await refused(make('bedrock.amazonaws.com'), 'AccessDenied');
  await refused(make('codecommit.amazonaws.com', 1), 'AccessDenied');
});

test('a user is deleted when nothing hangs on it any more; what hangs on it is named one after the other', async () => {
  const UserName = 'leaver';
  const { accessKeyId: AccessKeyId } = await makeUser(admin, UserName, allow('s3:*'));
  await iam.send(new Iam.CreateLoginProfileCommand({ UserName, Password: 'Secret-123456' }));
  const { CertificateId } = (
    await iam.send(
      new Iam.UploadSigningCertificateCommand({ UserName, CertificateBody: certificateOf({ name: 'leaver' }).pem }),
    )
  ).Certificate!;
  const { ServiceSpecificCredentialId } = await create(UserName, 'codecommit.amazonaws.com');
  const remove = () => iam.send(new Iam.DeleteUserCommand({ UserName }));
  const steps: readonly (readonly [what: string, gone: () => Promise<unknown>])[] = [
    ['delete login profile', () => iam.send(new Iam.DeleteLoginProfileCommand({ UserName }))],
    ['delete access keys', () => iam.send(new Iam.DeleteAccessKeyCommand({ UserName, AccessKeyId }))],
    ['delete certificates', () => iam.send(new Iam.DeleteSigningCertificateCommand({ UserName, CertificateId }))],
    [
      'remove referenced objects',
      () => iam.send(new Iam.DeleteServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId })),
    ],
    ['delete policies', () => iam.send(new Iam.DeleteUserPolicyCommand({ UserName, PolicyName: 'own' }))],
  ];
  for (const [what, gone] of steps) {
    await refused(remove(), 'DeleteConflict', `Cannot delete entity, must ${what} first.`);
    await gone();
  }
  await remove();
});
