import * as Iam from '@aws-sdk/client-iam';
import * as Sts from '@aws-sdk/client-sts';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import {
  allow,
  central,
  clientsOf,
  dev,
  document,
  keysOf,
  makeUser,
  refused,
  rootKeys,
  trust,
  type Clients,
} from '../iam/clients.ts';

let cloud: Cloud;
let admin: Clients;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, dev);
});
after(() => cloud.stop());

const everything = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];

async function makeRole(RoleName: string, principal: unknown, more: Parameters<typeof trust>[1] = {}): Promise<string> {
  const AssumeRolePolicyDocument = trust(principal, more);
  const { Role } = await admin.iam.send(
    new Iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument, MaxSessionDuration: 7200 }),
  );
  return Role!.Arn!;
}

function assume(clients: Clients, RoleArn: string, more: Partial<Sts.AssumeRoleCommandInput> = {}) {
  return clients.sts.send(new Sts.AssumeRoleCommand({ RoleArn, RoleSessionName: 'alice', ...more }));
}

const whoAmI = (clients: Clients) => clients.sts.send(new Sts.GetCallerIdentityCommand({}));

test('in one account, a trust policy that names the user is enough; one that names the account wants an Allow too', async () => {
  const user = clientsOf(cloud, await makeUser(admin, 'plain'));
  const named = await makeRole('named', { AWS: `arn:aws:iam::${dev}:user/plain` });
  const delegating = await makeRole('delegating', { AWS: dev });
  await assume(user, named);
  await refused(assume(user, delegating), 'AccessDenied', 'no identity-based policy allows the sts:AssumeRole action');
  await assume(admin, delegating);
  await refused(assume(admin, named), 'AccessDenied', 'no role trust policy allows the sts:AssumeRole action');
});

test('across accounts both sides must allow', async () => {
  const away = clientsOf(cloud, await makeUser(clientsOf(cloud, central), 'traveller'));
  const named = await makeRole('abroad', { AWS: `arn:aws:iam::${central}:user/traveller` });
  await refused(assume(away, named), 'AccessDenied', 'sts:AssumeRole');
  const allowed = clientsOf(
    cloud,
    await makeUser(clientsOf(cloud, central), 'visitor', allow('sts:AssumeRole', `arn:aws:iam::${dev}:role/open`)),
  );
  const open = await makeRole('open', { AWS: central });
  const { AssumedRoleUser, Credentials } = await assume(allowed, open);
  assert.match(AssumedRoleUser!.AssumedRoleId!, /^AROA[A-Z2-7]{17}:alice$/);
  const { Arn, Account, UserId } = await whoAmI(clientsOf(cloud, keysOf(Credentials!)));
  assert.deepEqual(
    [Arn, Account, UserId],
    [`arn:aws:sts::${dev}:assumed-role/open/alice`, dev, AssumedRoleUser!.AssumedRoleId],
  );
});

test('a role that does not exist, an ARN that is none and the root user are refused as AWS does', async () => {
  const missing = `arn:aws:iam::${dev}:role/missing`;
  await refused(
    assume(admin, missing),
    'AccessDenied',
    new RegExp(
      `^User: arn:aws:iam::${dev}:user/admin is not authorized to perform: sts:AssumeRole on resource: ${missing}$`,
    ),
  );
  await refused(assume(admin, `arn:aws:iam::${dev}:user/admin`), 'ValidationError', 'is invalid');
  const root = clientsOf(cloud, rootKeys(cloud, dev));
  await refused(assume(root, missing), 'AccessDenied', 'Roles may not be assumed by root accounts.');
});

test('an external id, a session name and a source identity may be demanded', async () => {
  const Condition = {
    StringEquals: { 'sts:ExternalId': 'acme', 'sts:SourceIdentity': 'alice' },
    StringLike: { 'sts:RoleSessionName': 'al*' },
  };
  const role = await makeRole('demanding', { AWS: dev }, { Action: everything, Condition });
  const good = { ExternalId: 'acme', SourceIdentity: 'alice' };
  const { SourceIdentity } = await assume(admin, role, good);
  assert.equal(SourceIdentity, 'alice');
  const wrong: Partial<Sts.AssumeRoleCommandInput>[] = [
    { ...good, ExternalId: 'other' },
    { SourceIdentity: 'alice' },
    { ...good, RoleSessionName: 'bob' },
    { ExternalId: 'acme', SourceIdentity: 'bob' },
  ];
  for (const input of wrong) await refused(assume(admin, role, input), 'AccessDenied', 'sts:AssumeRole');
});

test('session tags and source identity need their own permissions in the trust policy', async () => {
  const role = await makeRole('untaggable', { AWS: dev });
  await refused(assume(admin, role, { Tags: [{ Key: 'team', Value: 'blue' }] }), 'AccessDenied', 'sts:TagSession');
  await refused(assume(admin, role, { SourceIdentity: 'alice' }), 'AccessDenied', 'sts:SetSourceIdentity');
});

test('a duration is bounded by the role, and by an hour in a chain', async () => {
  const first = await makeRole('first', { AWS: dev });
  const second = await makeRole('second', { AWS: first });
  const { Credentials } = await assume(admin, first, { DurationSeconds: 7200 });
  assert.equal(Math.round((Credentials!.Expiration!.getTime() - cloud.clock.now()) / 60_000), 120);
  await refused(
    assume(admin, first, { DurationSeconds: 7201 }),
    'ValidationError',
    'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
  );
  const session = clientsOf(cloud, keysOf(Credentials!));
  await assume(session, second, { DurationSeconds: 3600 });
  await refused(
    assume(session, second, { DurationSeconds: 3601 }),
    'ValidationError',
    'exceeds the 1 hour session limit for roles assumed by role chaining',
  );
});

test('transitive tags and the source identity stay along a chain', async () => {
  const first = await makeRole('start', { AWS: dev }, { Action: everything });
  const onTag = (value: string) => ({
    Action: everything,
    Condition: { StringEquals: { 'aws:PrincipalTag/Team': value, 'aws:SourceIdentity': 'alice' } },
  });
  const second = await makeRole('middle', { AWS: first }, onTag('blue'));
  const third = await makeRole('end', { AWS: second }, onTag('blue'));
  const passed = {
    SourceIdentity: 'alice',
    Tags: [
      { Key: 'Team', Value: 'blue' },
      { Key: 'Shift', Value: 'night' },
    ],
  };
  const loose = await assume(admin, first, passed);
  const kept = await assume(admin, first, { ...passed, TransitiveTagKeys: ['team'] });
  assert.ok(kept.PackedPolicySize! > 0);
  const inMiddle = async (start: Sts.AssumeRoleCommandOutput) =>
    clientsOf(cloud, keysOf((await assume(clientsOf(cloud, keysOf(start.Credentials!)), second)).Credentials!));
  await refused(assume(await inMiddle(loose), third), 'AccessDenied', 'sts:AssumeRole');
  const middle = await inMiddle(kept);
  const { SourceIdentity } = await assume(middle, third);
  assert.equal(SourceIdentity, 'alice');
  await refused(assume(middle, third, { SourceIdentity: 'bob' }), 'AccessDenied', 'source identity');
  await refused(
    assume(middle, third, { Tags: [{ Key: 'TEAM', Value: 'red' }] }),
    'InvalidParameterValue',
    'conflicts with a transitive tag key from the calling session',
  );
});

test('a chained role must let in the transitive tags that come along', async () => {
  const first = await makeRole('tagging', { AWS: dev }, { Action: everything });
  const second = await makeRole('untagged', { AWS: first });
  const Tags = [{ Key: 'Team', Value: 'blue' }];
  const sessionWith = async (TransitiveTagKeys: string[]) =>
    clientsOf(cloud, keysOf((await assume(admin, first, { Tags, TransitiveTagKeys })).Credentials!));
  await assume(await sessionWith([]), second);
  await refused(assume(await sessionWith(['Team']), second), 'AccessDenied', 'sts:TagSession');
});

test('tags are refused that repeat, or are transitive without being there', async () => {
  const role = await makeRole('tagged', { AWS: dev }, { Action: everything });
  const twice = [
    { Key: 'a', Value: '1' },
    { Key: 'A', Value: '2' },
  ];
  await refused(assume(admin, role, { Tags: twice }), 'InvalidParameterValue', 'Duplicate tag keys found.');
  await refused(
    assume(admin, role, { Tags: [{ Key: 'a', Value: '1' }], TransitiveTagKeys: ['b'] }),
    'InvalidParameterValue',
    'The specified transitive tag key must be included in the requested tags.',
  );
});

test('session policies take away, inline and by ARN, and must be there and fit', async () => {
  const role = await makeRole('wide', { AWS: dev });
  const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
  await admin.iam.send(new Iam.AttachRolePolicyCommand({ RoleName: 'wide', PolicyArn }));
  const Policy = document(allow('iam:ListUsers'));
  const limited = clientsOf(cloud, keysOf((await assume(admin, role, { Policy })).Credentials!));
  await limited.iam.send(new Iam.ListUsersCommand({}));
  await refused(limited.iam.send(new Iam.ListRolesCommand({})), 'AccessDenied', 'no session policy allows');
  const PolicyArns = [{ arn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' }];
  const byArn = clientsOf(cloud, keysOf((await assume(admin, role, { PolicyArns })).Credentials!));
  await refused(byArn.iam.send(new Iam.ListUsersCommand({})), 'AccessDenied', 'no session policy allows');
  await refused(assume(admin, role, { Policy: '{' }), 'MalformedPolicyDocument');
  await refused(
    assume(admin, role, { PolicyArns: [{ arn: `arn:aws:iam::${dev}:policy/none` }] }),
    'MalformedPolicyDocument',
  );
  await refused(
    assume(admin, role, { Policy: document(allow('s3:*', `arn:aws:s3:::${'x'.repeat(2048)}`)) }),
    'ValidationError',
    'policy',
  );
});

test('policies and tags that do not fit together are too large, and say by how much', async () => {
  const role = await makeRole('packed', { AWS: dev }, { Action: everything });
  const digits = (seed: number) => createHash('sha512').update(String(seed)).digest('hex').repeat(2);
  const Tags = Array.from({ length: 50 }, (_, index) => ({ Key: `key-${index}`, Value: digits(index) }));
  await refused(assume(admin, role, { Tags }), 'PackedPolicyTooLarge', /PackedPolicySize is \d{3,}%/);
  const { PackedPolicySize } = await assume(admin, role, { Tags: Tags.slice(0, 5) });
  assert.ok(PackedPolicySize! > 0 && PackedPolicySize! <= 100);
});

test('what a role loses, its running sessions lose at once, those with session policies too', async () => {
  const role = await makeRole('shrinking', { AWS: dev });
  const put = (...statements: Parameters<typeof document>) =>
    admin.iam.send(
      new Iam.PutRolePolicyCommand({
        RoleName: 'shrinking',
        PolicyName: 'own',
        PolicyDocument: document(...statements),
      }),
    );
  await put(allow('iam:ListUsers'));
  const plain = clientsOf(cloud, keysOf((await assume(admin, role)).Credentials!));
  const Policy = document(allow('*'));
  const narrowed = clientsOf(cloud, keysOf((await assume(admin, role, { Policy })).Credentials!));
  for (const { iam } of [plain, narrowed]) await iam.send(new Iam.ListUsersCommand({}));
  await put({ Effect: 'Deny', Action: '*', Resource: '*' });
  for (const { iam } of [plain, narrowed]) {
    await refused(iam.send(new Iam.ListUsersCommand({})), 'AccessDenied', 'explicit deny in an identity-based policy');
  }
});

test('GetSessionToken needs no permission and reaches neither IAM nor the rest of STS', async () => {
  const user = clientsOf(cloud, await makeUser(admin, 'bare', { Effect: 'Deny', Action: 'sts:*', Resource: '*' }));
  const { Credentials } = await user.sts.send(new Sts.GetSessionTokenCommand({}));
  assert.equal(Math.round((Credentials!.Expiration!.getTime() - cloud.clock.now()) / 3_600_000), 12);
  const session = clientsOf(cloud, keysOf(Credentials!));
  assert.equal((await whoAmI(session)).Arn, `arn:aws:iam::${dev}:user/bare`);
  await refused(session.iam.send(new Iam.GetUserCommand({})), 'InvalidClientTokenId');
  await refused(
    session.sts.send(new Sts.GetSessionTokenCommand({})),
    'AccessDenied',
    'Cannot call GetSessionToken with session credentials',
  );
  await refused(
    session.sts.send(new Sts.GetFederationTokenCommand({ Name: 'fed' })),
    'AccessDenied',
    'session credentials',
  );
});

test('a session of the root user lasts an hour at most', async () => {
  const root = clientsOf(cloud, rootKeys(cloud, dev));
  const { Credentials } = await root.sts.send(new Sts.GetSessionTokenCommand({ DurationSeconds: 43_200 }));
  assert.equal(Math.round((Credentials!.Expiration!.getTime() - cloud.clock.now()) / 60_000), 60);
});

test('a federated user has what user and session policy both allow, and neither IAM nor STS', async () => {
  const keys = await makeUser(admin, 'issuer', allow(['sts:GetFederationToken', 's3:ListAllMyBuckets']));
  const issuer = clientsOf(cloud, keys);
  const Policy = document(allow(['s3:*', 'sts:*', 'iam:*', 'organizations:*']));
  const made = await issuer.sts.send(new Sts.GetFederationTokenCommand({ Name: 'guest', Policy }));
  assert.deepEqual(made.FederatedUser, {
    FederatedUserId: `${dev}:guest`,
    Arn: `arn:aws:sts::${dev}:federated-user/guest`,
  });
  const guest = clientsOf(cloud, keysOf(made.Credentials!));
  assert.equal((await whoAmI(guest)).UserId, `${dev}:guest`);
  await refused(guest.iam.send(new Iam.ListUsersCommand({})), 'InvalidClientTokenId');
  await refused(assume(guest, `arn:aws:iam::${dev}:role/any`), 'AccessDenied', 'Cannot call AssumeRole');
  const { S3Client, ListBucketsCommand, CreateBucketCommand } = await import('@aws-sdk/client-s3');
  const { accessKeyId, secretAccessKey, sessionToken } = keysOf(made.Credentials!);
  const credentials = { accessKeyId, secretAccessKey, sessionToken: sessionToken! };
  const s3 = new S3Client({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials,
  });
  await s3.send(new ListBucketsCommand({}));
  await refused(s3.send(new CreateBucketCommand({ Bucket: 'guests-own' })), 'AccessDenied', 'no identity-based policy');
  const bare = await issuer.sts.send(new Sts.GetFederationTokenCommand({ Name: 'bare' }));
  const bareKeys = keysOf(bare.Credentials!);
  const bareS3 = new S3Client({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { ...bareKeys, sessionToken: bareKeys.sessionToken! },
  });
  await refused(bareS3.send(new ListBucketsCommand({})), 'AccessDenied', 'no session policy');
  await refused(
    issuer.sts.send(new Sts.GetFederationTokenCommand({ Name: 'tagged', Tags: [{ Key: 'a', Value: 'b' }] })),
    'AccessDenied',
    'sts:TagSession',
  );
});

test('sessions of a role get no session and no federation token', async () => {
  const role = await makeRole('tokenless', { AWS: dev });
  const session = clientsOf(cloud, keysOf((await assume(admin, role)).Credentials!));
  await refused(session.sts.send(new Sts.GetSessionTokenCommand({})), 'AccessDenied', 'Cannot call GetSessionToken');
  await refused(
    session.sts.send(new Sts.GetFederationTokenCommand({ Name: 'fed' })),
    'AccessDenied',
    'Cannot call GetFederationToken',
  );
});

test('GetCallerIdentity answers whatever is denied', async () => {
  const keys = await makeUser(admin, 'denied', { Effect: 'Deny', Action: '*', Resource: '*' });
  assert.equal((await whoAmI(clientsOf(cloud, keys))).Arn, `arn:aws:iam::${dev}:user/denied`);
});

test('a key id of no account and a message that is none are refused', async () => {
  await refused(
    admin.sts.send(new Sts.GetAccessKeyInfoCommand({ AccessKeyId: 'AKIA0000000000000000' })),
    'ValidationError',
  );
  await refused(
    admin.sts.send(new Sts.DecodeAuthorizationMessageCommand({ EncodedMessage: 'made-up' })),
    'InvalidAuthorizationMessage',
  );
});
