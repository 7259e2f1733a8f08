import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { childEnvironment, runStint, temporaryHome, type Ended } from './support.ts';

const central = '111111111111';
const dev = '222222222222';
const config = `[profile dev]
role_arn = arn:aws:iam::${dev}:role/test_role
source_profile = alice
role_session_name = alice
external_id = x-1
duration_seconds = 7200
[profile deep]
role_arn = arn:aws:iam::333333333333:role/deep
source_profile = dev
[profile closed]
role_arn = arn:aws:iam::${dev}:role/closed
source_profile = alice
[profile tagged]
role_arn = arn:aws:iam::${dev}:role/tagged
source_profile = alice
source_identity = alice
session_tags = team=blue, cost = 7
transitive_session_tags = team
[profile tagged-end]
role_arn = arn:aws:iam::333333333333:role/tagged-end
source_profile = tagged
source_identity = alice
session_tags = team=blue
`;

let cloud: Cloud;
let aliceKeys: string;

function iam(account: string): IAMClient {
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[account]!;
  return new IAMClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
  });
}

function trust(principal: string, condition?: object, action: string | readonly string[] = 'sts:AssumeRole'): string {
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: principal },
    Action: action,
    ...(condition === undefined ? {} : { Condition: condition }),
  };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

before(async () => {
  cloud = await startCloud();
  const people = iam(central);
  await people.send(new CreateUserCommand({ UserName: 'alice' }));
  const document = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: `arn:aws:iam::${dev}:role/test_role` },
      { Effect: 'Allow', Action: 'sts:*', Resource: `arn:aws:iam::${dev}:role/tagged` },
    ],
  };
  await people.send(
    new PutUserPolicyCommand({ UserName: 'alice', PolicyName: 'assume', PolicyDocument: JSON.stringify(document) }),
  );
  const { AccessKey } = await people.send(new CreateAccessKeyCommand({ UserName: 'alice' }));
  aliceKeys = `[alice]\naws_access_key_id = ${AccessKey?.AccessKeyId}\naws_secret_access_key = ${AccessKey?.SecretAccessKey}\n`;
  const roles = iam(dev);
  const external = { StringEquals: { 'sts:ExternalId': 'x-1' } };
  await roles.send(
    new CreateRoleCommand({
      RoleName: 'test_role',
      AssumeRolePolicyDocument: trust(`arn:aws:iam::${central}:root`, external),
      MaxSessionDuration: 7200,
    }),
  );
  await roles.send(
    new CreateRoleCommand({ RoleName: 'closed', AssumeRolePolicyDocument: trust(`arn:aws:iam::${central}:root`) }),
  );
  await createTaggedRoles(roles);
  people.destroy();
  roles.destroy();
});

/** Two roles in a chain: the second trusts nobody without the tag and the source identity that the first hands down. */
async function createTaggedRoles(roles: IAMClient): Promise<void> {
  const actions = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];
  const first = { StringEquals: { 'sts:SourceIdentity': 'alice', 'aws:RequestTag/cost': '7' } };
  await roles.send(
    new CreateRoleCommand({
      RoleName: 'tagged',
      AssumeRolePolicyDocument: trust(`arn:aws:iam::${central}:root`, first, actions),
    }),
  );
  const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
  await roles.send(
    new PutRolePolicyCommand({ RoleName: 'tagged', PolicyName: 'on', PolicyDocument: JSON.stringify(document) }),
  );
  const second = {
    StringEquals: { 'sts:SourceIdentity': 'alice', 'aws:PrincipalTag/team': 'blue' },
    Null: { 'aws:RequestTag/cost': 'true' },
  };
  const ends = iam('333333333333');
  await ends.send(
    new CreateRoleCommand({
      RoleName: 'tagged-end',
      AssumeRolePolicyDocument: trust(`arn:aws:iam::${dev}:root`, second, actions),
    }),
  );
  ends.destroy();
}

after(async () => cloud.stop());

async function stint(t: TestContext, args: readonly string[]): Promise<Ended> {
  const env = { ...childEnvironment(temporaryHome(t, config, aliceKeys)), AWS_ENDPOINT_URL: cloud.endpoint };
  return runStint('main', args, env);
}

test('an AWS that checks signatures and policies gives the session that was asked for', async (t) => {
  const { stdout, stderr } = await stint(t, ['whoami', 'dev', '--json']);
  const { account, arn, userId } = JSON.parse(stdout) as Record<string, string>;
  assert.deepEqual([account, arn, stderr], [dev, `arn:aws:sts::${dev}:assumed-role/test_role/alice`, '']);
  assert.match(userId ?? '', /^AROA.*:alice$/);
});

test('exec runs with a session that AWS accepts: whoami inside says so', async (t) => {
  const { stdout } = await stint(t, [
    'exec',
    'dev',
    '--',
    process.execPath,
    new URL('../../src/cli/main.ts', import.meta.url).pathname,
    'whoami',
  ]);
  assert.equal(stdout, `arn:aws:sts::${dev}:assumed-role/test_role/alice\n`);
});

test('a caller whose own policy does not allow the role is told both sides of the rule', async (t) => {
  const { code, stdout, stderr } = await stint(t, ['credentials', 'closed']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /^error\[access-denied\]: \S+config:\d+: `arn:aws:iam::111111111111:user\/alice` may not assume/,
  );
  assert.match(stderr, /a policy of `arn:aws:iam::111111111111:user\/alice` must allow sts:AssumeRole/);
});

test('a wrong external id is refused, and the hint names the conditions of the trust', async (t) => {
  const { code, stderr } = await stint(t, ['credentials', 'dev', '--external-id', 'wrong']);
  assert.equal(code, 1);
  assert.match(stderr, /error\[access-denied\](?:.|\n)*its conditions \(MFA, external id/);
});

test('a longer session than the role allows is refused with the cure', async (t) => {
  const { code, stderr } = await stint(t, ['credentials', 'dev', '--duration', '3h']);
  assert.equal(code, 1);
  assert.match(stderr, /error\[duration-refused\](?:.|\n)*MaxSessionDuration/);
});

test('a chained role is asked for within the hour AWS allows', async (t) => {
  const { stderr } = await stint(t, ['credentials', 'deep', '--duration', '2h', '--explain']);
  assert.match(stderr, /note: 1h instead of 2h/);
  assert.match(
    stderr,
    /error\[access-denied\]: \S+config:\d+: `arn:aws:sts::222222222222:assumed-role\/test_role\/alice` may not assume/,
  );
});

test('tags that are handed down and the source identity hold to the end of a chain, and are set once', async (t) => {
  const { stdout, stderr } = await stint(t, ['whoami', 'tagged-end', '--json', '--explain']);
  assert.match(
    stderr,
    /explain: 1\. AssumeRole \S+role\/tagged as alice for 1h with source identity alice, tags team \(handed down\), cost, from profile `alice`/,
  );
  assert.match(
    stderr,
    /explain: 2\. AssumeRole \S+role\/tagged-end as alice for 1h \(assumed with temporary credentials\)/,
  );
  assert.equal((JSON.parse(stdout) as { arn: string }).arn, 'arn:aws:sts::333333333333:assumed-role/tagged-end/alice');
});

test('a refusal says which policy refused, and the id by which the embedded AWS explains it', async (t) => {
  const { stderr } = await stint(t, ['credentials', 'closed']);
  assert.match(
    stderr,
    /hint: the identity policy refused, not the trust policy: a policy of .* must allow sts:AssumeRole/,
  );
  assert.match(stderr, /`stint cloud explain \w{20}` says which policy decided/);
  const external = await stint(t, ['credentials', 'dev', '--external-id', 'wrong']);
  assert.match(
    external.stderr,
    /hint: the trust policy refused: the trust policy of `arn:aws:iam::222222222222:role\/test_role`/,
  );
});

test('a wrong secret is refused as such', async (t) => {
  const home = temporaryHome(t, config, aliceKeys.replace(/(secret_access_key = ).*/, '$1wrong'));
  const env = { ...childEnvironment(home), AWS_ENDPOINT_URL: cloud.endpoint };
  const { stderr } = await runStint('main', ['whoami', 'alice'], env);
  assert.match(stderr, /^error\[credentials-refused\]/);
});
