// What `can --live` answers is what the call gets: policies of resources, guard rails at every level, boundaries, keys.
// The table is test/cases/access/live.json.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { IAM } from '@aws-sdk/client-iam';
import { KMS } from '@aws-sdk/client-kms';
import { Organizations, type PolicyType } from '@aws-sdk/client-organizations';
import { S3 } from '@aws-sdk/client-s3';
import { STS } from '@aws-sdk/client-sts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { runStint, type Finished } from '../cli/support.ts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

interface Placed {
  readonly in: string;
  readonly policy?: readonly object[];
  readonly restricted?: boolean;
}

interface Cases {
  readonly roles: Readonly<Record<string, object | null>>;
  readonly boundary: Readonly<Record<string, string>>;
  readonly buckets: Readonly<Record<string, Placed>>;
  readonly keys: Readonly<Record<string, Placed>>;
  readonly tables: Readonly<Record<string, Placed>>;
  readonly guardrails: Readonly<Record<string, { type: PolicyType; on: string; statement: object }>>;
  readonly told: readonly (readonly string[])[];
}

const source = new URL('../cases/access/live.json', import.meta.url);
const cases = JSON.parse(readFileSync(source, 'utf8')) as Cases;
const ids: Readonly<Record<string, string>> = { central: '111111111111', dev: '222222222222', prod: '444444444444' };
const region = 'us-east-1';

const folder = mkdtempSync(join(tmpdir(), 'stint-live-'));
let cloud: Cloud;
const sessions: Record<string, Keys> = {};
const keyIds: Record<string, string> = {};

const admin = (account: string): Keys => cloud.credentials.accounts[ids[account]!]!;
const documentOf = (statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

const options = ({ accessKeyId, secretAccessKey, sessionToken }: Keys) => ({
  endpoint: cloud.endpoint,
  region,
  maxAttempts: 1,
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
});

function stint(keys: Keys, ...args: readonly string[]): Promise<Finished> {
  const env = {
    PATH: process.env['PATH'],
    STINT_HOME: join(folder, 'home'),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
  return runStint(args, { cwd: folder, env });
}

const split = (name: string): [string, string] => name.split('/') as [string, string];

async function makeRole(name: string, statement: object | null): Promise<void> {
  const [account, RoleName] = split(name);
  const iam = new IAM(options(admin(account)));
  const trust = { Effect: 'Allow', Principal: { AWS: ids['central'] }, Action: 'sts:AssumeRole' };
  const boundary = cases.boundary[name];
  await iam.createRole({
    RoleName,
    AssumeRolePolicyDocument: documentOf([trust]),
    ...(boundary === undefined ? {} : { PermissionsBoundary: `arn:aws:iam::aws:policy/${boundary}` }),
  });
  if (statement !== null) {
    const PolicyDocument = documentOf([{ Effect: 'Allow', ...statement }]);
    await iam.putRolePolicy({ RoleName, PolicyName: 'own', PolicyDocument });
  }
  const RoleArn = `arn:aws:iam::${ids[account]}:role/${RoleName}`;
  const sts = new STS(options(admin('central')));
  const { Credentials } = await sts.assumeRole({ RoleArn, RoleSessionName: 'test' });
  const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!;
  sessions[name] = { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken };
}

async function makeBucket(Bucket: string, { in: account, policy, restricted }: Placed): Promise<void> {
  const s3 = new S3(options(admin(account)));
  await s3.createBucket({ Bucket });
  await s3.putObject({ Bucket, Key: 'x', Body: 'x' });
  if (policy !== undefined) {
    await s3.deletePublicAccessBlock({ Bucket });
    await s3.putBucketPolicy({ Bucket, Policy: documentOf(policy) });
  }
  if (restricted === true) {
    const PublicAccessBlockConfiguration = { RestrictPublicBuckets: true };
    await s3.putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration });
  }
}

async function makeKey(name: string, { in: account, policy }: Placed): Promise<void> {
  const kms = new KMS(options(admin(account)));
  const { KeyMetadata } = await kms.createKey(policy === undefined ? {} : { Policy: documentOf(policy) });
  keyIds[name] = KeyMetadata!.Arn!;
  await kms.createAlias({ AliasName: `alias/${name}`, TargetKeyId: KeyMetadata!.KeyId! });
}

async function makeTable(TableName: string, { in: account, policy }: Placed): Promise<void> {
  const dynamodb = new DynamoDB(options(admin(account)));
  await dynamodb.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  });
  const ResourceArn = `arn:aws:dynamodb:${region}:${ids[account]}:table/${TableName}`;
  if (policy !== undefined) await dynamodb.putResourcePolicy({ ResourceArn, Policy: documentOf(policy) });
}

async function nodeOf(client: Organizations, path: string): Promise<string> {
  const { Roots } = await client.listRoots({});
  let id = Roots![0]!.Id!;
  if (path === 'root') return id;
  for (const Name of path.split('/')) {
    const { OrganizationalUnits } = await client.listOrganizationalUnitsForParent({ ParentId: id });
    const found = OrganizationalUnits!.find((unit) => unit.Name === Name);
    id = (found ?? (await client.createOrganizationalUnit({ ParentId: id, Name })).OrganizationalUnit)!.Id!;
  }
  return id;
}

async function makeGuardrails(): Promise<void> {
  const client = new Organizations(options(admin('central')));
  const root = await nodeOf(client, 'root');
  await client.enablePolicyType({ RootId: root, PolicyType: 'RESOURCE_CONTROL_POLICY' });
  const unit = await nodeOf(client, 'Workloads/Dev');
  const { Parents } = await client.listParents({ ChildId: ids['dev']! });
  const from = Parents![0]!.Id!;
  if (from !== unit) {
    await client.moveAccount({ AccountId: ids['dev']!, SourceParentId: from, DestinationParentId: unit });
  }
  for (const [Name, { type: Type, on, statement }] of Object.entries(cases.guardrails)) {
    const made = await client.createPolicy({ Name, Description: '', Type, Content: documentOf([statement]) });
    const TargetId = /^\d/.test(on) ? on : await nodeOf(client, on);
    await client.attachPolicy({ PolicyId: made.Policy!.PolicySummary!.Id!, TargetId });
  }
}

before(async () => {
  cloud = await startCloud();
  const accounts = Object.entries(ids).map(([name, id]) => [
    name,
    { id, stage: name, ...(name === 'central' ? { central: true } : {}) },
  ]);
  const definition = { version: 1, accounts: Object.fromEntries(accounts) as object };
  writeFileSync(join(folder, 'stint.config.json'), JSON.stringify(definition));
  for (const [name, statement] of Object.entries(cases.roles)) await makeRole(name, statement);
  for (const [name, bucket] of Object.entries(cases.buckets)) await makeBucket(name, bucket);
  for (const [name, key] of Object.entries(cases.keys)) await makeKey(name, key);
  for (const [name, table] of Object.entries(cases.tables)) await makeTable(name, table);
  await makeGuardrails();
});
after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

const accountOf = (places: Readonly<Record<string, Placed>>, name: string): string => ids[places[name]!.in]!;

/** The ARN that a case means: an alias or a table of the account that it is made in. */
function arnOf(text: string): string {
  const [kind, name = ''] = text.split('/');
  if (kind === 'alias') return `arn:aws:kms:${region}:${accountOf(cases.keys, name)}:alias/${name}`;
  return kind === 'table' ? `arn:aws:dynamodb:${region}:${accountOf(cases.tables, name)}:table/${name}` : text;
}

const s3Call =
  (call: (s3: S3, input: { readonly Bucket: string; readonly Key: string }) => Promise<unknown>) =>
  (keys: Keys, arn: string): Promise<unknown> =>
    call(new S3(options(keys)), { Bucket: arn.split(':').at(-1)!.split('/')[0]!, Key: 'x' });
const kmsCall =
  (call: (kms: KMS, KeyId: string) => Promise<unknown>) =>
  (keys: Keys, arn: string): Promise<unknown> =>
    call(new KMS(options(keys)), keyIds[arn.slice(arn.lastIndexOf('/') + 1)]!);
const Key = { id: { S: '1' } };
const tableCall =
  (call: (dynamodb: DynamoDB, TableName: string) => Promise<unknown>) =>
  (keys: Keys, arn: string): Promise<unknown> =>
    call(new DynamoDB(options(keys)), arn);

type Call = (keys: Keys, arn: string) => Promise<unknown>;
const calls: Readonly<Record<'buckets' | 'keys' | 'tables', Readonly<Record<string, Call>>>> = {
  buckets: {
    's3:GetObject': s3Call((s3, input) => s3.getObject(input)),
    's3:PutObject': s3Call((s3, input) => s3.putObject({ ...input, Body: 'x' })),
    's3:DeleteObject': s3Call((s3, input) => s3.deleteObject(input)),
  },
  keys: {
    'kms:DescribeKey': kmsCall((kms, KeyId) => kms.describeKey({ KeyId })),
    'kms:Encrypt': kmsCall((kms, KeyId) => kms.encrypt({ KeyId, Plaintext: Buffer.from('x') })),
    'kms:GenerateDataKey': kmsCall((kms, KeyId) => kms.generateDataKey({ KeyId, KeySpec: 'AES_256' })),
    'kms:GetKeyRotationStatus': kmsCall((kms, KeyId) => kms.getKeyRotationStatus({ KeyId })),
    'kms:UpdateKeyDescription': kmsCall((kms, KeyId) => kms.updateKeyDescription({ KeyId, Description: 'x' })),
  },
  tables: {
    'dynamodb:GetItem': tableCall((dynamodb, TableName) => dynamodb.getItem({ TableName, Key })),
    'dynamodb:PutItem': tableCall((dynamodb, TableName) => dynamodb.putItem({ TableName, Item: Key })),
    'dynamodb:DeleteItem': tableCall((dynamodb, TableName) => dynamodb.deleteItem({ TableName, Key })),
  },
};

async function isAllowed(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    assert.ok(error instanceof Error && /^(?:AccessDenied|AccessDeniedException)$/.test(error.name), String(error));
    return false;
  }
}

interface Told {
  readonly answer: string;
  readonly by?: { readonly policyType: string; readonly policy: string; readonly attachedTo: string };
  readonly missing?: string;
  readonly unknownPolicies: readonly string[];
  readonly findings: readonly { readonly code: string }[];
}

async function ask(
  principal: string,
  action: string,
  resource: string,
): Promise<Told & { readonly code: number | null }> {
  const asked = await stint(admin('central'), 'can', principal, action, resource, '--live', '--json');
  assert.notEqual(asked.stdout, '', asked.stderr);
  return { ...(JSON.parse(asked.stdout) as Told), code: asked.code };
}

const things = {
  buckets: Object.keys(cases.buckets).map((name) => `arn:aws:s3:::${name}/x`),
  keys: Object.keys(cases.keys).map((name) => `alias/${name}`),
  tables: Object.keys(cases.tables).map((name) => `table/${name}`),
} as const;

for (const kind of ['buckets', 'keys', 'tables'] as const) {
  test(`what can --live answers about ${kind} is what the call gets`, async () => {
    const seen = { allowed: 0, denied: 0 };
    for (const principal of Object.keys(cases.roles)) {
      for (const [action, call] of Object.entries(calls[kind])) {
        for (const thing of things[kind]) {
          // Of writes a bucket of either account says all.
          if (/Put|Delete/.test(action) && kind === 'buckets' && !/dev-open|prod-shared/.test(thing)) continue;
          const arn = arnOf(thing);
          const told = await ask(principal, action, arn);
          // Deletes come last in the table of calls, so what others read is still there.
          const allowed = await isAllowed(call(sessions[principal]!, arn));
          assert.equal(
            told.answer,
            allowed ? 'allowed' : 'denied',
            `${principal} ${action} ${thing}: ${JSON.stringify(told)}`,
          );
          assert.equal(told.code, allowed ? 0 : 1);
          assert.deepEqual(told.findings, []);
          seen[allowed ? 'allowed' : 'denied'] += 1;
        }
      }
    }
    assert.ok(seen.allowed >= 6 && seen.denied >= 6, JSON.stringify(seen));
  });
}

for (const [principal = '', action = '', resource = '', answer, type, ...names] of cases.told) {
  test(`${principal} ${action} ${resource}: ${answer} by ${type} ${names[0]}`, async () => {
    const told = await ask(principal, action, arnOf(resource));
    assert.equal(told.answer, answer, JSON.stringify(told));
    if (type === 'missing') assert.equal(told.missing, names[0]);
    else {
      assert.equal(told.by!.policyType, type);
      assert.match(told.by!.policy, new RegExp(`^${names[0]}$`));
      assert.match(told.by!.attachedTo, new RegExp(`^${names[1]}$`));
    }
  });
}
