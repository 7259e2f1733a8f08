import assert from 'node:assert/strict';
import { request } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  CreateKeyPairCommand,
  DescribeInstancesCommand,
  DisassociateIamInstanceProfileCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  ModifyInstanceMetadataOptionsCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { adminOf, clientsFor, dev, policyText } from './clients.ts';

const ttl = 'x-aws-ec2-metadata-token-ttl-seconds';
const trust = (service: string): string =>
  policyText({ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' });

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly ttl: string | undefined;
}

/** With Node's own client, because `fetch` sets Host and Origin itself. */
function ask(endpoint: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(endpoint + path, { method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body, ttl: response.headers[ttl]?.toString() }));
    });
    sent.on('error', reject).end();
  });
}

async function tokenOf(endpoint: string, seconds = '21600'): Promise<Record<string, string>> {
  const { body } = await ask(endpoint, '/latest/api/token', { [ttl]: seconds }, 'PUT');
  return { 'x-aws-ec2-metadata-token': body };
}

async function endpoints(
  cloud: Cloud,
): Promise<readonly { instanceId: string; metadataEndpoint: string; profileArn: string | null }[]> {
  const headers = { 'x-stint-control': cloud.credentials.controlToken };
  const { instances } = JSON.parse((await ask(cloud.endpoint, '/_stint/instances', headers)).body) as {
    instances: { instanceId: string; metadataEndpoint: string; profileArn: string | null }[];
  };
  return instances;
}

/** An instance whose role may list buckets. */
async function launch(cloud: Cloud, HttpTokens: 'required' | 'optional' = 'required') {
  const { iam, ec2 } = adminOf(cloud, dev);
  await iam.send(new CreateRoleCommand({ RoleName: 'app', AssumeRolePolicyDocument: trust('ec2.amazonaws.com') }));
  const PolicyDocument = policyText({ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' });
  await iam.send(new PutRolePolicyCommand({ RoleName: 'app', PolicyName: 'list', PolicyDocument }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'test_profile' }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: 'test_profile', RoleName: 'app' }));
  const { Instances } = await ec2.send(
    new RunInstancesCommand({
      ImageId: 'ami-12345678',
      InstanceType: 't3.micro',
      MinCount: 1,
      MaxCount: 1,
      IamInstanceProfile: { Name: 'test_profile' },
      MetadataOptions: { HttpTokens },
    }),
  );
  const [view] = await endpoints(cloud);
  return { iam, ec2, id: Instances![0]!.InstanceId!, endpoint: view!.metadataEndpoint, view: view! };
}

const roles = '/latest/meta-data/iam/security-credentials';

interface RoleCredentials {
  readonly Code: string;
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly Token: string;
  readonly Expiration: string;
}

async function roleCredentials(endpoint: string): Promise<RoleCredentials> {
  return JSON.parse((await ask(endpoint, `${roles}/app`, await tokenOf(endpoint))).body) as RoleCredentials;
}

function keysOf({ AccessKeyId, SecretAccessKey, Token }: RoleCredentials) {
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token };
}

test('a running instance gives the keys of its role to who asks for a token first', async () => {
  await using cloud = await startCloud();
  const { endpoint, id, view } = await launch(cloud);
  assert.equal(view.profileArn, `arn:aws:iam::${dev}:instance-profile/test_profile`);
  const token = await tokenOf(endpoint);
  for (const path of [roles, `${roles}/`]) assert.equal((await ask(endpoint, path, token)).body, 'app');
  const given = await roleCredentials(endpoint);
  assert.equal(given.Code, 'Success');
  const credentials = keysOf(given);
  const sts = new STSClient({ endpoint: cloud.endpoint, region: 'us-east-1', credentials });
  const { Arn, UserId } = await sts.send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, `arn:aws:sts::${dev}:assumed-role/app/${id}`);
  assert.match(UserId!, new RegExp(`^AROA[A-Z0-9]{17}:${id}$`));
});

test('what the role may do follows its policies at once', async () => {
  await using cloud = await startCloud();
  const { endpoint, iam } = await launch(cloud);
  const { s3 } = clientsFor(cloud, keysOf(await roleCredentials(endpoint)));
  await s3.send(new ListBucketsCommand({}));
  await iam.send(new DeleteRolePolicyCommand({ RoleName: 'app', PolicyName: 'list' }));
  await assert.rejects(s3.send(new ListBucketsCommand({})), { name: 'AccessDenied' });
});

test('a policy can tell whether keys are used as the instance they came from', async () => {
  await using cloud = await startCloud();
  const { endpoint, id, iam, ec2 } = await launch(cloud);
  const { s3 } = clientsFor(cloud, keysOf(await roleCredentials(endpoint)));
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const { VpcId, PrivateIpAddress } = Reservations![0]!.Instances![0]!;
  const allowWhen = (keys: Record<string, string>) => {
    const statement = { Effect: 'Allow', Action: 's3:*', Resource: '*', Condition: { StringEquals: keys } } as const;
    const policy = { RoleName: 'app', PolicyName: 'list', PolicyDocument: policyText(statement) };
    return iam.send(new PutRolePolicyCommand(policy));
  };
  const keys = {
    'ec2:SourceInstanceARN': `arn:aws:ec2:us-east-1:${dev}:instance/${id}`,
    'aws:Ec2InstanceSourceVpc': VpcId!,
    'aws:Ec2InstanceSourcePrivateIPv4': PrivateIpAddress!,
  };
  await allowWhen(keys);
  await s3.send(new ListBucketsCommand({}));
  for (const key of Object.keys(keys)) {
    await allowWhen({ ...keys, [key]: 'other' });
    await assert.rejects(s3.send(new ListBucketsCommand({})), { name: 'AccessDenied' }, key);
  }
});

test('a policy can refuse keys that were given by version 1', async () => {
  await using cloud = await startCloud();
  const { endpoint, id, iam, ec2 } = await launch(cloud);
  await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, HttpTokens: 'optional' }));
  const allow = { Effect: 'Allow', Action: 's3:*', Resource: '*' } as const;
  const condition = { NumericLessThan: { 'ec2:RoleDelivery': '2.0' } };
  const deny = { Effect: 'Deny', Action: '*', Resource: '*', Condition: condition } as const;
  await iam.send(
    new PutRolePolicyCommand({ RoleName: 'app', PolicyName: 'list', PolicyDocument: policyText(allow, deny) }),
  );
  const { body } = await ask(endpoint, '/latest/meta-data/iam/security-credentials/app');
  const byVersion1 = JSON.parse(body) as RoleCredentials;
  await clientsFor(cloud, keysOf(await roleCredentials(endpoint))).s3.send(new ListBucketsCommand({}));
  await assert.rejects(clientsFor(cloud, keysOf(byVersion1)).s3.send(new ListBucketsCommand({})), {
    name: 'AccessDenied',
  });
});

test('tokens: the time is echoed, and what is missing, wrong or forwarded is refused', async () => {
  await using cloud = await startCloud();
  const { endpoint } = await launch(cloud);
  const put = (headers: Record<string, string>) => ask(endpoint, '/latest/api/token', headers, 'PUT');
  const good = await put({ [ttl]: '60' });
  assert.deepEqual([good.status, good.ttl], [200, '60']);
  assert.match(good.body, /^[\w-]{56}$/);
  for (const value of ['0', '21601', 'x', '-1']) assert.equal((await put({ [ttl]: value })).status, 400, value);
  assert.equal((await put({})).status, 400);
  assert.equal((await put({ [ttl]: '60', 'x-forwarded-for': '10.0.0.1' })).status, 403);
  assert.equal((await ask(endpoint, '/latest/api/token')).status, 405);
  assert.equal((await ask(endpoint, '/latest/meta-data/', {}, 'POST')).status, 405);
});

test('a token ends on the emulated clock and is good for its own instance only', async () => {
  await using cloud = await startCloud();
  const { endpoint, ec2 } = await launch(cloud);
  const token = await tokenOf(endpoint, '60');
  assert.equal((await ask(endpoint, '/latest/meta-data/instance-id', token)).ttl, '60');
  await ec2.send(new RunInstancesCommand({ ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1 }));
  const other = (await endpoints(cloud)).find(({ metadataEndpoint }) => metadataEndpoint !== endpoint)!;
  assert.equal((await ask(other.metadataEndpoint, '/latest/meta-data/instance-id', token)).status, 401);
  cloud.clock.advance(60_000);
  assert.equal((await ask(endpoint, '/latest/meta-data/instance-id', token)).status, 401);
});

test('version 1 answers only where tokens are optional, and a bad token never does', async () => {
  await using cloud = await startCloud();
  const { endpoint, ec2, id } = await launch(cloud);
  const bare = () => ask(endpoint, '/latest/meta-data/instance-id');
  assert.equal((await bare()).status, 401);
  await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, HttpTokens: 'optional' }));
  assert.equal((await bare()).body, id);
  assert.equal(
    (await ask(endpoint, '/latest/meta-data/instance-id', { 'x-aws-ec2-metadata-token': 'bad' })).status,
    401,
  );
  await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, HttpEndpoint: 'disabled' }));
  assert.equal((await bare()).status, 403);
});

test('a page of a browser gets nothing', async () => {
  await using cloud = await startCloud();
  const { endpoint } = await launch(cloud, 'optional');
  const path = '/latest/meta-data/instance-id';
  assert.equal((await ask(endpoint, path, { host: 'evil.example.com' })).status, 403);
  assert.equal((await ask(endpoint, path, { origin: 'http://evil.example.com' })).status, 403);
  assert.equal((await ask(endpoint, path, { 'sec-fetch-site': 'cross-site' })).status, 403);
  assert.equal((await ask(endpoint, path)).status, 200);
});

test('keys are kept until they near their end, then new ones come and the old ones die by the clock', async () => {
  await using cloud = await startCloud();
  const { endpoint } = await launch(cloud);
  const first = await roleCredentials(endpoint);
  assert.equal((await roleCredentials(endpoint)).AccessKeyId, first.AccessKeyId);
  cloud.clock.advance(5 * 3_600_000 + 60_000);
  const second = await roleCredentials(endpoint);
  assert.notEqual(second.AccessKeyId, first.AccessKeyId);
  const { s3 } = clientsFor(cloud, keysOf(first));
  await s3.send(new ListBucketsCommand({}));
  cloud.clock.advance(3_600_000);
  await assert.rejects(s3.send(new ListBucketsCommand({})), { name: 'ExpiredToken' });
  await clientsFor(cloud, keysOf(second)).s3.send(new ListBucketsCommand({}));
});

test('without profile, role or trust there are no keys', async () => {
  await using cloud = await startCloud();
  const { endpoint, iam, ec2 } = await launch(cloud);
  const token = await tokenOf(endpoint);
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'app', PolicyDocument: trust('lambda.amazonaws.com') }));
  assert.equal((await roleCredentials(endpoint)).Code, 'AssumeRoleUnauthorizedAccess');
  const member = { InstanceProfileName: 'test_profile', RoleName: 'app' };
  await iam.send(new RemoveRoleFromInstanceProfileCommand(member));
  assert.equal((await ask(endpoint, `${roles}/`, token)).status, 404);
  await iam.send(new AddRoleToInstanceProfileCommand(member));
  assert.equal((await ask(endpoint, `${roles}/`, token)).status, 200);
  const { IamInstanceProfileAssociations } = await ec2.send(new DescribeIamInstanceProfileAssociationsCommand({}));
  const { AssociationId } = IamInstanceProfileAssociations![0]!;
  await ec2.send(new DisassociateIamInstanceProfileCommand({ AssociationId }));
  assert.equal((await ask(endpoint, `${roles}/app`, token)).status, 404);
  assert.equal((await ask(endpoint, '/latest/meta-data/iam/info', token)).status, 404);
});

test('the probes and documents that SDKs read are there', async () => {
  await using cloud = await startCloud();
  const { endpoint, id } = await launch(cloud);
  const token = await tokenOf(endpoint);
  const read = async (path: string) => (await ask(endpoint, path, token)).body;
  assert.equal(await read('/latest/meta-data/placement/region'), 'us-east-1');
  assert.equal(await read('/latest/meta-data/placement/availability-zone/'), 'us-east-1a');
  const document = JSON.parse(await read('/latest/dynamic/instance-identity/document')) as Record<string, unknown>;
  assert.deepEqual([document['instanceId'], document['accountId'], document['region']], [id, dev, 'us-east-1']);
  const info = JSON.parse(await read('/latest/meta-data/iam/info')) as Record<string, unknown>;
  assert.match(String(info['InstanceProfileId']), /^AIPA/);
  assert.deepEqual((await read('/latest')).split('\n'), ['dynamic/', 'meta-data/']);
  assert.ok((await read('/latest/meta-data/')).split('\n').includes('iam/'));
  assert.equal((await ask(endpoint, '/latest/meta-data/none', token)).status, 404);
  assert.equal((await ask(endpoint, '/latest/meta-data/constructor', token)).status, 404);
});

test('a launch with a key pair shows its public half, and tags are shown where the instance allows it', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  await ec2.send(new CreateKeyPairCommand({ KeyName: 'ops', KeyType: 'ed25519' }));
  const launchTagged = (Key: string) =>
    ec2.send(
      new RunInstancesCommand({
        ImageId: 'ami-12345678',
        MinCount: 1,
        MaxCount: 1,
        KeyName: 'ops',
        MetadataOptions: { InstanceMetadataTags: 'enabled' },
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key, Value: 'core' }] }],
      }),
    );
  await assert.rejects(launchTagged('my/team'), { name: 'InvalidParameterValue', message: /is not a valid tag key/ });
  await launchTagged('team');
  const { metadataEndpoint } = (await endpoints(cloud))[0]!;
  const read = async (path: string) => (await ask(metadataEndpoint, `/latest/meta-data/${path}`)).body;
  assert.equal(await read('public-keys/'), '0=ops');
  assert.match(await read('public-keys/0/openssh-key'), /^ssh-ed25519 [\w+/=]+ ops\n$/);
  assert.equal(await read('tags/instance/team'), 'core');
});

test('the service ends with its instance, comes back with a start, and goes with a reset', async () => {
  await using cloud = await startCloud();
  const { endpoint, ec2, id } = await launch(cloud);
  await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  await assert.rejects(ask(endpoint, '/latest'), { code: 'ECONNREFUSED' });
  await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  const [again] = await endpoints(cloud);
  assert.equal(
    (await ask(again!.metadataEndpoint, '/latest/meta-data/instance-id', await tokenOf(again!.metadataEndpoint))).body,
    id,
  );
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  assert.deepEqual(await endpoints(cloud), []);
  await ec2.send(new RunInstancesCommand({ ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1 }));
  assert.equal((await endpoints(cloud)).length, 1);
  await ask(cloud.endpoint, '/_stint/reset', { 'x-stint-control': cloud.credentials.controlToken }, 'POST');
  assert.deepEqual(await endpoints(cloud), []);
});

test('a kept state has its instances and their services again', async () => {
  const state = mkdtempSync(join(tmpdir(), 'stint-imds-'));
  try {
    let before: RoleCredentials;
    {
      await using cloud = await startCloud({ state });
      before = await roleCredentials((await launch(cloud)).endpoint);
    }
    await using cloud = await startCloud({ state });
    const [view] = await endpoints(cloud);
    assert.equal((await roleCredentials(view!.metadataEndpoint)).AccessKeyId, before.AccessKeyId);
    const { Reservations } = await adminOf(cloud, dev).ec2.send(new DescribeInstancesCommand({}));
    assert.equal(Reservations![0]!.Instances![0]!.InstanceId, view!.instanceId);
  } finally {
    rmSync(state, { recursive: true });
  }
});
