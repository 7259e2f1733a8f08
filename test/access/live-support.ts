// The accounts of test/cases/access/live.json on an embedded AWS: roles, buckets, keys, tables, and guard rails above.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { IAM } from '@aws-sdk/client-iam';
import { KMS, type CreateGrantRequest } from '@aws-sdk/client-kms';
import { Organizations, type PolicyType } from '@aws-sdk/client-organizations';
import { S3 } from '@aws-sdk/client-s3';
import { STS } from '@aws-sdk/client-sts';
import type { LiveScope } from '../../src/access/index.ts';
import { openAccounts, type AwsAccounts } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { runStint, type Finished } from '../cli/support.ts';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

interface Placed {
  readonly in: string;
  readonly policy?: readonly object[];
  readonly restricted?: boolean;
}

interface PlacedKey extends Placed {
  readonly grants?: readonly Omit<CreateGrantRequest, 'KeyId'>[];
}

/** A question about the key `dev-context`, whose grants hang on what the request says. */
interface Granted {
  readonly principal: string;
  /** Of the session that asks, where its name is told. */
  readonly session?: string;
  readonly action: string;
  /** The encryption context of the request. */
  readonly context?: Readonly<Record<string, string>>;
  /** What is to be made. */
  readonly grant?: Pick<CreateGrantRequest, 'Operations' | 'Constraints'>;
  readonly answer: 'allowed' | 'denied';
}

interface Guardrail {
  readonly type: PolicyType;
  readonly on: string;
  /** In place of what AWS attaches itself. */
  readonly instead?: boolean;
  readonly statement: object;
}

interface Cases {
  readonly roles: Readonly<Record<string, object | null>>;
  readonly boundary: Readonly<Record<string, string>>;
  readonly buckets: Readonly<Record<string, Placed>>;
  readonly keys: Readonly<Record<string, PlacedKey>>;
  readonly tables: Readonly<Record<string, Placed>>;
  readonly guardrails: Readonly<Record<string, Guardrail>>;
  readonly told: readonly (readonly string[])[];
  readonly granted: readonly Granted[];
}

const source = new URL('../cases/access/live.json', import.meta.url);
export const cases = JSON.parse(readFileSync(source, 'utf8')) as Cases;
export const ids: Readonly<Record<string, string>> = {
  central: '111111111111',
  dev: '222222222222',
  test: '333333333333',
  prod: '444444444444',
};
export const region = 'us-east-1';

export const documentOf = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

/** All accounts of the table, as a question about what AWS holds names them. */
export const scope: LiveScope = {
  partition: 'aws',
  accounts: Object.entries(ids).map(([name, id]) => ({ id, name, stage: name, resources: [], console: [] })),
};

export class LiveWorld {
  readonly cloud: Cloud;
  readonly folder: string;
  /** Sessions of the roles, as `dev/worker`. */
  readonly sessions = new Map<string, Keys>();
  readonly #keyArns = new Map<string, string>();

  private constructor(cloud: Cloud, folder: string) {
    this.cloud = cloud;
    this.folder = folder;
  }

  /** Makes everything in the table, and a definition in `folder` that only names the accounts. */
  static async start(folder: string): Promise<LiveWorld> {
    const world = new LiveWorld(await startCloud(), folder);
    const accounts = Object.entries(ids).map(([name, id]) => [
      name,
      { id, stage: name, ...(name === 'central' ? { central: true } : {}) },
    ]);
    const definition = { version: 1, accounts: Object.fromEntries(accounts) as object };
    writeFileSync(join(folder, 'stint.config.json'), JSON.stringify(definition));
    for (const [name, statement] of Object.entries(cases.roles)) await world.#makeRole(name, statement);
    for (const [name, bucket] of Object.entries(cases.buckets)) await world.#makeBucket(name, bucket);
    for (const [name, key] of Object.entries(cases.keys)) await world.#makeKey(name, key);
    for (const [name, table] of Object.entries(cases.tables)) await world.#makeTable(name, table);
    await world.#makeGuardrails();
    return world;
  }

  /** The administrator of an account. */
  admin(account: string): Keys {
    return this.cloud.credentials.accounts[ids[account]!]!;
  }

  /** The accounts, entered by the administrator of the central one. */
  accounts(): AwsAccounts {
    const [clock, random, env] = [systemClock, systemRandom, this.env(this.admin('central'))];
    return openAccounts({ env, clock, random, sleep: async () => undefined });
  }

  /** Settings of a client. */
  options({ accessKeyId, secretAccessKey, sessionToken }: Keys) {
    const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    return { endpoint: this.cloud.endpoint, region, maxAttempts: 1, forcePathStyle: true, credentials };
  }

  env({ accessKeyId, secretAccessKey, sessionToken }: Keys): Record<string, string> {
    return {
      STINT_HOME: join(this.folder, 'home'),
      AWS_ENDPOINT_URL: this.cloud.endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    };
  }

  /** A command line as whoever has these keys types it. */
  stint(keys: Keys, args: readonly string[], cwd = this.folder): Promise<Finished> {
    return runStint(args, { cwd, env: this.env(keys) });
  }

  /** The ARN that a case means: an alias, or a table of the account that it is made in. */
  arnOf(text: string): string {
    const [kind, name = ''] = text.split('/');
    if (kind === 'alias') return `arn:aws:kms:${region}:${ids[cases.keys[name]!.in]}:alias/${name}`;
    if (kind === 'table') return `arn:aws:dynamodb:${region}:${ids[cases.tables[name]!.in]}:table/${name}`;
    return text;
  }

  keyArn(name: string): string {
    return this.#keyArns.get(name)!;
  }

  /** A session of a role, made with a policy if one is given. */
  async sessionOf(keys: Keys, RoleArn: string, Policy?: string): Promise<Keys> {
    const sts = new STS(this.options(keys));
    const session = { RoleArn, RoleSessionName: 'test', ...(Policy === undefined ? {} : { Policy }) };
    const { Credentials } = await sts.assumeRole(session);
    const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!;
    return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken };
  }

  async #makeRole(name: string, statement: object | null): Promise<void> {
    const [account, RoleName] = name.split('/') as [string, string];
    const iam = new IAM(this.options(this.admin(account)));
    const trust = { Effect: 'Allow', Principal: { AWS: ids['central'] }, Action: 'sts:AssumeRole' };
    const boundary = cases.boundary[name];
    await iam.createRole({
      RoleName,
      AssumeRolePolicyDocument: documentOf(trust),
      ...(boundary === undefined ? {} : { PermissionsBoundary: `arn:aws:iam::aws:policy/${boundary}` }),
    });
    if (statement !== null) {
      const PolicyDocument = documentOf({ Effect: 'Allow', ...statement });
      await iam.putRolePolicy({ RoleName, PolicyName: 'own', PolicyDocument });
    }
    const arn = `arn:aws:iam::${ids[account]}:role/${RoleName}`;
    this.sessions.set(name, await this.sessionOf(this.admin('central'), arn));
  }

  async #makeBucket(Bucket: string, { in: account, policy, restricted }: Placed): Promise<void> {
    const s3 = new S3(this.options(this.admin(account)));
    await s3.createBucket({ Bucket });
    await s3.putObject({ Bucket, Key: 'x', Body: 'x' });
    if (policy !== undefined) {
      await s3.deletePublicAccessBlock({ Bucket });
      await s3.putBucketPolicy({ Bucket, Policy: documentOf(...policy) });
    }
    if (restricted !== true) return;
    await s3.putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration: { RestrictPublicBuckets: true } });
  }

  async #makeKey(name: string, { in: account, policy, grants = [] }: PlacedKey): Promise<void> {
    const kms = new KMS(this.options(this.admin(account)));
    const { KeyMetadata } = await kms.createKey(policy === undefined ? {} : { Policy: documentOf(...policy) });
    this.#keyArns.set(name, KeyMetadata!.Arn!);
    await kms.createAlias({ AliasName: `alias/${name}`, TargetKeyId: KeyMetadata!.KeyId! });
    for (const grant of grants) await kms.createGrant({ KeyId: KeyMetadata!.KeyId, ...grant });
  }

  async #makeTable(TableName: string, { in: account, policy }: Placed): Promise<void> {
    const dynamodb = new DynamoDB(this.options(this.admin(account)));
    await dynamodb.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    });
    const ResourceArn = this.arnOf(`table/${TableName}`);
    if (policy !== undefined) await dynamodb.putResourcePolicy({ ResourceArn, Policy: documentOf(...policy) });
  }

  async #makeGuardrails(): Promise<void> {
    const client = new Organizations(this.options(this.admin('central')));
    const root = await nodeOf(client, 'root');
    await client.enablePolicyType({ RootId: root, PolicyType: 'RESOURCE_CONTROL_POLICY' });
    const unit = await nodeOf(client, 'Workloads/Dev');
    const AccountId = ids['dev']!;
    const { Parents } = await client.listParents({ ChildId: AccountId });
    const SourceParentId = Parents![0]!.Id!;
    if (SourceParentId !== unit) await client.moveAccount({ AccountId, SourceParentId, DestinationParentId: unit });
    for (const [Name, { type: Type, on, instead, statement }] of Object.entries(cases.guardrails)) {
      const made = await client.createPolicy({ Name, Description: '', Type, Content: documentOf(statement) });
      const TargetId = /^\d/.test(on) ? on : await nodeOf(client, on);
      await client.attachPolicy({ PolicyId: made.Policy!.PolicySummary!.Id!, TargetId });
      if (instead === true) await client.detachPolicy({ PolicyId: 'p-FullAWSAccess', TargetId });
    }
  }
}

/** A unit by its path from the root, made where it is not there. */
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
