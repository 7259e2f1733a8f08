// Version 2 of the AWS CLI over the services, each call allowed and refused. One cloud; calls that need nothing of one
// another are made at once.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { dev, clientsOf, keyless, makePlaces, policy, webToken } from './places.ts';
import {
  run,
  skipWithout,
  startCloudProcess,
  temporaryFolder,
  type Environment,
  type Finished,
  type RunningCloud,
} from './support.ts';

function aws(env: Environment, ...args: readonly string[]): Promise<Finished> {
  return run('aws2', args, env);
}

async function json<Answer>(env: Environment, ...args: readonly string[]): Promise<Answer> {
  const done = await aws(env, ...args, '--output', 'json');
  assert.equal(done.code, 0, `aws ${args.join(' ')}: ${done.stderr}`);
  return JSON.parse(done.stdout === '' ? '{}' : done.stdout) as Answer;
}

/** The code of each refused call, `allowed` for the others. */
async function outcomes(env: Environment, calls: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const done = await Promise.all(calls.map((call) => aws(env, ...call.split(' '))));
  const outcome = ({ code, stderr }: Finished): string =>
    code === 0 ? 'allowed' : (/An error occurred \((\w+)\)/.exec(stderr)?.[1] ?? stderr);
  return Object.fromEntries(calls.map((call, index) => [call, outcome(done[index]!)]));
}

/** The environment of a new user of `dev` with these permissions. */
async function userWith(cloud: RunningCloud, name: string, ...statements: readonly object[]): Promise<Environment> {
  const { iam } = clientsOf(cloud);
  await iam.send(new CreateUserCommand({ UserName: name }));
  if (statements.length > 0) {
    const PolicyDocument = policy(...statements);
    await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: 'own', PolicyDocument }));
  }
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  return cloud.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! });
}

test('AWS CLI 2', { skip: skipWithout('aws2') }, async (t) => {
  const cloud = await startCloudProcess(t);
  const folder = temporaryFolder(t);
  const admin = cloud.admin('dev');
  const nobody = await userWith(cloud, 'nobody');
  const file = (name: string, content: string | Uint8Array = ''): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  await t.test('a profile with role_arn and source_profile exports the role’s credentials', async () => {
    const keys = cloud.accounts['111111111111']!;
    const own = `aws_access_key_id = ${keys.accessKeyId}\naws_secret_access_key = ${keys.secretAccessKey}\n`;
    const profile = (name: string, role: string): string =>
      `[profile ${name}]\nrole_arn = arn:aws:iam::${dev}:role/${role}\nsource_profile = central\nrole_session_name = me\n`;
    const config = profile('dev', 'OrganizationAccountAccessRole') + profile('none', 'NoSuchRole');
    const env = {
      ...keyless(admin),
      AWS_CONFIG_FILE: file('config', config),
      AWS_SHARED_CREDENTIALS_FILE: file('credentials', `[central]\n${own}`),
    };
    const exported = (name: string) =>
      aws(env, 'configure', 'export-credentials', '--profile', name, '--format', 'process');
    const [given, refused] = await Promise.all([exported('dev'), exported('none')]);
    const { AccessKeyId, SecretAccessKey, SessionToken } = JSON.parse(given.stdout) as Record<string, string>;
    const session = { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! };
    const { Arn } = await json<{ Arn: string }>(cloud.as(session), 'sts', 'get-caller-identity');
    assert.equal(Arn, `arn:aws:sts::${dev}:assumed-role/OrganizationAccountAccessRole/me`);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /AccessDenied.*user\/admin is not authorized to perform: sts:AssumeRole/);
  });

  await t.test('a token of a workflow becomes a session of the role that trusts its repository', async () => {
    const { roleArn } = await makePlaces(cloud);
    const subjects = ['repo:acme/app:ref:refs/heads/main', 'repo:acme/other:ref:refs/heads/main'];
    const [own, foreign] = await Promise.all(subjects.map((subject) => webToken(cloud, subject)));
    const assume = (token: string): Promise<Finished> => {
      const args = ['--role-arn', roleArn, '--role-session-name', 'run-7', '--web-identity-token', token];
      return aws(nobody, 'sts', 'assume-role-with-web-identity', ...args, '--output', 'json');
    };
    const forged = `${own!.slice(0, -8)}AAAAAAAA`;
    const [given, refused, broken] = await Promise.all([assume(own!), assume(foreign!), assume(forged)]);
    const answer = JSON.parse(given.stdout) as Record<string, unknown>;
    assert.equal((answer['AssumedRoleUser'] as { Arn: string }).Arn, `arn:aws:sts::${dev}:assumed-role/app/run-7`);
    assert.equal(answer['SubjectFromWebIdentityToken'], subjects[0]);
    assert.match(refused.stderr, /\(AccessDenied\).*Not authorized to perform sts:AssumeRoleWithWebIdentity/);
    assert.match(broken.stderr, /\(InvalidIdentityToken\)/);
  });

  await t.test('s3: large objects go up in parts and come back whole, by a presigned address too', async () => {
    const content = randomBytes(9 * 1024 * 1024);
    const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    await json(admin, 's3api', 'create-bucket', '--bucket', 'cli-objects');
    const local = file('large', content);
    assert.equal((await aws(admin, 's3', 'cp', '--quiet', local, 's3://cli-objects/a b/ü.bin')).code, 0);
    const head = ['s3api', 'head-object', '--bucket', 'cli-objects', '--key', 'a b/ü.bin'];
    const [{ ContentLength, ETag }, listed, back, address] = await Promise.all([
      json<{ ContentLength: number; ETag: string }>(admin, ...head),
      aws(admin, 's3', 'ls', '--recursive', 's3://cli-objects'),
      aws(admin, 's3', 'cp', '--quiet', 's3://cli-objects/a b/ü.bin', join(folder, 'back')),
      aws(admin, 's3', 'presign', 's3://cli-objects/a b/ü.bin', '--expires-in', '600'),
    ]);
    assert.equal(ContentLength, content.length);
    assert.match(ETag, /-2"$/);
    assert.match(listed.stdout, /9437184 a b\/ü\.bin/);
    assert.equal(back.code, 0, back.stderr);
    assert.equal(digest(readFileSync(join(folder, 'back'))), digest(content));
    const url = address.stdout.trim();
    assert.equal(digest(new Uint8Array(await (await fetch(url)).arrayBuffer())), digest(content));
    assert.equal((await fetch(url.replace(/X-Amz-Signature=.{8}/, 'X-Amz-Signature=00000000'))).status, 403);
    assert.deepEqual(await outcomes(nobody, ['s3 ls', 's3 ls s3://cli-objects', 's3 mb s3://not-for-nobody']), {
      's3 ls': 'AccessDenied',
      's3 ls s3://cli-objects': 'AccessDenied',
      's3 mb s3://not-for-nobody': 'AccessDenied',
    });
  });

  await t.test('kms: what a key enciphered is deciphered in its context only, by whom its policy lets', async () => {
    const { KeyMetadata } = await json<{ KeyMetadata: { KeyId: string } }>(admin, 'kms', 'create-key');
    await json(admin, 'kms', 'create-alias', '--alias-name', 'alias/cli', '--target-key-id', KeyMetadata.KeyId);
    const context = ['--encryption-context', 'stage=dev'];
    const plain = file('plain', 'a secret');
    const encrypt = ['kms', 'encrypt', '--key-id', 'alias/cli', '--plaintext', `fileb://${plain}`, ...context];
    const { CiphertextBlob } = await json<{ CiphertextBlob: string }>(admin, ...encrypt);
    const blob = `fileb://${file('blob', Buffer.from(CiphertextBlob, 'base64'))}`;
    const decrypt = `kms decrypt --ciphertext-blob ${blob}`;
    const [{ Plaintext }, wrong, refused] = await Promise.all([
      json<{ Plaintext: string }>(admin, ...decrypt.split(' '), ...context),
      outcomes(admin, [decrypt, `${decrypt} --encryption-context stage=prod`]),
      outcomes(nobody, [`${decrypt} ${context.join(' ')}`, 'kms list-keys']),
    ]);
    assert.equal(Buffer.from(Plaintext, 'base64').toString(), 'a secret');
    assert.deepEqual(Object.values(wrong), ['InvalidCiphertextException', 'InvalidCiphertextException']);
    assert.deepEqual(Object.values(refused), ['AccessDeniedException', 'AccessDeniedException']);
  });

  await t.test('dynamodb: a policy on leading keys lets a user have its own items', async () => {
    const table = ['--table-name', 'cli-items'];
    const key = ['--attribute-definitions', 'AttributeName=owner,AttributeType=S', '--key-schema'];
    const create = [...table, ...key, 'AttributeName=owner,KeyType=HASH', '--billing-mode', 'PAY_PER_REQUEST'];
    await json(admin, 'dynamodb', 'create-table', ...create);
    assert.equal((await aws(admin, 'dynamodb', 'wait', 'table-exists', ...table)).code, 0);
    const bob = await userWith(cloud, 'bob', {
      Effect: 'Allow',
      Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
      Resource: `arn:aws:dynamodb:*:${dev}:table/cli-items`,
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['${aws:username}'] } },
    });
    const put = (owner: string): string =>
      `dynamodb put-item --table-name cli-items --item {"owner":{"S":"${owner}"},"n":{"N":"7"}}`;
    assert.deepEqual(
      Object.values(await outcomes(bob, [put('bob'), put('alice'), 'dynamodb scan --table-name cli-items'])),
      ['allowed', 'AccessDeniedException', 'AccessDeniedException'],
    );
    const get = ['dynamodb', 'get-item', ...table, '--key', '{"owner":{"S":"bob"}}'];
    assert.deepEqual(await json(bob, ...get), { Item: { owner: { S: 'bob' }, n: { N: '7' } } });
  });

  await t.test('organizations: the management account sees all, a member itself', async () => {
    const central = cloud.admin('central');
    const [{ Accounts }, ofMember] = await Promise.all([
      json<{ Accounts: { Id: string }[] }>(central, 'organizations', 'list-accounts'),
      outcomes(admin, ['organizations list-accounts', 'organizations describe-organization']),
    ]);
    assert.deepEqual(Accounts.map(({ Id }) => Id).sort(), [
      '111111111111',
      '222222222222',
      '333333333333',
      '444444444444',
    ]);
    assert.deepEqual(Object.values(ofMember), ['AccessDeniedException', 'allowed']);
    assert.deepEqual(Object.values(await outcomes(nobody, ['organizations describe-organization'])), [
      'AccessDeniedException',
    ]);
  });

  await t.test('cloudtrail: who called what is looked up, refused calls too', async () => {
    const look = ['cloudtrail', 'lookup-events', '--lookup-attributes'];
    const [{ Events }, { Events: refused }, denied] = await Promise.all([
      json<{ Events: { Username: string }[] }>(admin, ...look, 'AttributeKey=EventName,AttributeValue=CreateKey'),
      json<{ Events: { EventName: string; CloudTrailEvent: string }[] }>(
        admin,
        ...look,
        'AttributeKey=Username,AttributeValue=nobody',
      ),
      outcomes(nobody, ['cloudtrail lookup-events']),
    ]);
    assert.deepEqual(
      Events.map(({ Username }) => Username),
      ['admin'],
    );
    const ofListKeys = refused.find(({ EventName }) => EventName === 'ListKeys');
    const record = JSON.parse(ofListKeys!.CloudTrailEvent) as Record<string, unknown>;
    assert.equal(record['errorCode'], 'AccessDenied');
    assert.match(String(record['userAgent']), /aws-cli\/2/);
    assert.deepEqual(Object.values(denied), ['AccessDeniedException']);
  });
});
