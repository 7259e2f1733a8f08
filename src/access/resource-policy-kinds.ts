// The kinds of resources whose policies `--live` reads: how to know one by its ARN, the call that gets its policy, what
// AWS answers where there is none, and which rights the call needs. Adding a kind is adding a row.
// Wire formats: the API references of the services, "GetResourcePolicy" and its like.
import type { Account, PlainCall } from '../aws/index.ts';
import type { NamedDocument } from '../policy/index.ts';
import { grantPolicy, type KeyGrant } from './key-grants.ts';

/** The parts of the ARN of what carries the policy. */
export interface CarrierArn {
  readonly arn: string;
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  /** What comes after the account. */
  readonly rest: string;
}

export interface FoundPolicy {
  /** The document as AWS has it; absent where there is none. */
  readonly text?: string | undefined;
  /** It counts for the owner's account only. */
  readonly ownOnly?: boolean | undefined;
}

export interface ResourcePolicyKind {
  /** In words: `bucket`, `key`. */
  readonly name: string;
  readonly service: string;
  /** What comes after the account in the ARN of a carrier. */
  readonly rest: RegExp;
  read(account: Account, arn: CarrierArn): Promise<FoundPolicy>;
  /** Policies beside the one of the resource, which only allow. */
  grants?(account: Account, arn: CarrierArn): Promise<readonly NamedDocument[]>;
  /** Codes by which AWS says that there is no policy. */
  readonly absent: readonly string[];
  /** Codes by which AWS says that there is no such resource. */
  readonly gone: readonly string[];
  readonly rights: readonly string[];
  /** On which ARNs, the partition left out. */
  readonly on: readonly string[];
}

const text = (value: unknown): FoundPolicy => (typeof value === 'string' && value !== '' ? { text: value } : {});

/** A call of a service that speaks JSON, and the answer. */
async function json(
  { resources }: Account,
  id: Parameters<Account['resources']['call']>[1],
  { region }: CarrierArn,
  call: Pick<PlainCall, 'service' | 'operation'> & { readonly target: string; readonly version: string },
  input: object,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await resources.call(
    {
      service: call.service,
      region,
      operation: call.operation,
      method: 'POST',
      path: '/',
      headers: {
        'content-type': `application/x-amz-json-${call.version}`,
        'x-amz-target': `${call.target}.${call.operation}`,
      },
      body: JSON.stringify(input),
    },
    id,
  );
  return JSON.parse(answer) as Readonly<Record<string, unknown>>;
}

/** Everybody, in a policy: only then may S3 call it public. */
const namesEverybody = (policy: string): boolean =>
  /"Principal"\s*:\s*(?:"\*"|\{[^}]*"\*")|"NotPrincipal"/.test(policy);

const bucket: ResourcePolicyKind = {
  name: 'bucket',
  service: 's3',
  rest: /^[^/:*?]+$/,
  rights: ['s3:GetBucketPolicy', 's3:GetBucketPolicyStatus', 's3:GetBucketPublicAccessBlock'],
  on: ['s3:::*'],
  absent: ['NoSuchBucketPolicy'],
  gone: ['NoSuchBucket', 'NotFound'],
  async read({ resources, id: ExpectedBucketOwner }, { rest: Bucket }) {
    const s3 = await resources.s3();
    const asked = { Bucket, ExpectedBucketOwner };
    const { Policy = '' } = await s3.getBucketPolicy(asked);
    if (!namesEverybody(Policy)) return { text: Policy };
    const { PolicyStatus } = await s3.getBucketPolicyStatus(asked);
    if (PolicyStatus?.IsPublic !== true) return { text: Policy };
    const block = await s3.getPublicAccessBlock(asked).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'NoSuchPublicAccessBlockConfiguration') return undefined;
      throw error;
    });
    return { text: Policy, ownOnly: block?.PublicAccessBlockConfiguration?.RestrictPublicBuckets === true };
  },
};

const kms = { service: 'kms', target: 'TrentService', version: '1.1' };

/** ARN of the key behind an alias, whose name decides nothing. @throws what AWS refuses. */
export async function keyOfAlias(account: Account, alias: string): Promise<string> {
  const call = { ...kms, operation: 'DescribeKey' };
  const { KeyMetadata } = await json(account, 'KMS', carrierArn(alias), call, { KeyId: alias });
  const { Arn } = (KeyMetadata ?? {}) as { readonly Arn?: unknown };
  return typeof Arn === 'string' ? Arn : alias;
}

const key: ResourcePolicyKind = {
  name: 'key',
  service: 'kms',
  rest: /^key\/[^*?]+$/,
  rights: ['kms:DescribeKey', 'kms:GetKeyPolicy', 'kms:ListGrants'],
  on: ['kms:*:*:key/*'],
  absent: [],
  gone: ['NotFoundException'],
  async read(account, arn) {
    const call = { ...kms, operation: 'GetKeyPolicy' };
    return text((await json(account, 'KMS', arn, call, { KeyId: arn.arn, PolicyName: 'default' }))['Policy']);
  },
  async grants(account, arn) {
    const call = { ...kms, operation: 'ListGrants' };
    const found: KeyGrant[] = [];
    for (let page: { readonly Marker?: unknown } | undefined = {}; page !== undefined;) {
      const input = { KeyId: arn.arn, Limit: 100, ...page };
      const { Grants = [], Truncated, NextMarker: Marker } = await json(account, 'KMS', arn, call, input);
      found.push(...(Grants as readonly KeyGrant[]));
      page = Truncated === true ? { Marker } : undefined;
    }
    return found.map(grantPolicy);
  },
};

const table: ResourcePolicyKind = {
  name: 'table',
  service: 'dynamodb',
  rest: /^table\/[^/*?]+(?:\/stream\/[^*?]+)?$/,
  rights: ['dynamodb:GetResourcePolicy'],
  on: ['dynamodb:*:*:table/*'],
  absent: ['PolicyNotFoundException'],
  gone: ['ResourceNotFoundException'],
  async read(account, arn) {
    const target = 'DynamoDB_20120810';
    const call = { service: 'dynamodb', operation: 'GetResourcePolicy', target, version: '1.0' };
    return text((await json(account, 'DYNAMODB', arn, call, { ResourceArn: arn.arn }))['Policy']);
  },
};

const queue: ResourcePolicyKind = {
  name: 'queue',
  service: 'sqs',
  rest: /^[^/:*?]+$/,
  rights: ['sqs:GetQueueAttributes'],
  on: ['sqs:*:*:*'],
  absent: [],
  gone: ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue', 'NonExistentQueue'],
  async read(account, arn) {
    const { region, rest } = arn;
    const call = { service: 'sqs', operation: 'GetQueueAttributes', target: 'AmazonSQS', version: '1.0' };
    const host = account.resources.endpoint({ service: 'sqs', region }, 'SQS');
    const input = { QueueUrl: `${host.replace(/\/$/, '')}/${arn.account}/${rest}`, AttributeNames: ['Policy'] };
    const { Attributes } = await json(account, 'SQS', arn, call, input);
    return text((Attributes as Readonly<Record<string, unknown>> | undefined)?.['Policy']);
  },
};

const entities: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' };

function unescapeXml(value: string): string {
  return value.replaceAll(
    /&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      return entities[name ?? ''] ?? whole;
    },
  );
}

const topic: ResourcePolicyKind = {
  name: 'topic',
  service: 'sns',
  rest: /^[^/:*?]+$/,
  rights: ['sns:GetTopicAttributes'],
  on: ['sns:*:*:*'],
  absent: [],
  gone: ['NotFound', 'NotFoundException'],
  async read({ resources }, { arn, region }) {
    const answer = await resources.call(
      {
        service: 'sns',
        region,
        operation: 'GetTopicAttributes',
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `Action=GetTopicAttributes&Version=2010-03-31&TopicArn=${encodeURIComponent(arn)}`,
      },
      'SNS',
    );
    const found = /<key>Policy<\/key>\s*<value>([^<]*)<\/value>/.exec(answer)?.[1];
    return text(found === undefined ? undefined : unescapeXml(found));
  },
};

const secret: ResourcePolicyKind = {
  name: 'secret',
  service: 'secretsmanager',
  rest: /^secret:[^*?]+$/,
  rights: ['secretsmanager:GetResourcePolicy'],
  on: ['secretsmanager:*:*:secret:*'],
  absent: [],
  gone: ['ResourceNotFoundException'],
  async read(account, arn) {
    const call = {
      service: 'secretsmanager',
      operation: 'GetResourcePolicy',
      target: 'secretsmanager',
      version: '1.1',
    };
    return text((await json(account, 'SECRETS_MANAGER', arn, call, { SecretId: arn.arn }))['ResourcePolicy']);
  },
};

const lambda: ResourcePolicyKind = {
  name: 'function',
  service: 'lambda',
  rest: /^function:[^:*?]+(?::[^:*?]+)?$/,
  rights: ['lambda:GetPolicy'],
  on: ['lambda:*:*:function:*'],
  // A function that is not there is answered in the same way.
  absent: ['ResourceNotFoundException'],
  gone: [],
  async read({ resources }, { rest, region }) {
    const [, name = '', qualifier] = rest.split(':');
    const answer = await resources.call(
      {
        service: 'lambda',
        region,
        operation: 'GetPolicy',
        method: 'GET',
        path: `/2015-03-31/functions/${encodeURIComponent(name)}/policy`,
        ...(qualifier === undefined ? {} : { query: { Qualifier: qualifier } }),
      },
      'LAMBDA',
    );
    return text((JSON.parse(answer) as { readonly Policy?: unknown }).Policy);
  },
};

const repository: ResourcePolicyKind = {
  name: 'repository',
  service: 'ecr',
  rest: /^repository\/[^*?]+$/,
  rights: ['ecr:GetRepositoryPolicy'],
  on: ['ecr:*:*:repository/*'],
  absent: ['RepositoryPolicyNotFoundException'],
  gone: ['RepositoryNotFoundException'],
  async read(account, arn) {
    const target = 'AmazonEC2ContainerRegistry_V20150921';
    const call = { service: 'ecr', operation: 'GetRepositoryPolicy', target, version: '1.1' };
    const input = { registryId: arn.account, repositoryName: arn.rest.slice('repository/'.length) };
    return text((await json(account, 'ECR', arn, call, input))['policyText']);
  },
};

const stream: ResourcePolicyKind = {
  name: 'stream',
  service: 'kinesis',
  rest: /^stream\/[^*?]+$/,
  rights: ['kinesis:GetResourcePolicy'],
  on: ['kinesis:*:*:stream/*'],
  absent: [],
  gone: ['ResourceNotFoundException'],
  async read(account, arn) {
    const call = { service: 'kinesis', operation: 'GetResourcePolicy', target: 'Kinesis_20131202', version: '1.1' };
    return text((await json(account, 'KINESIS', arn, call, { ResourceARN: arn.arn }))['Policy']);
  },
};

export const resourcePolicyKinds: readonly ResourcePolicyKind[] = [
  bucket,
  key,
  table,
  queue,
  topic,
  secret,
  lambda,
  repository,
  stream,
];

/** The parts of an ARN. */
export function carrierArn(arn: string): CarrierArn {
  const [, partition = '', , region = '', account = '', ...rest] = arn.split(':');
  return { arn, partition, region, account, rest: rest.join(':') };
}

/** The kind of what an ARN names; `undefined` where its policy is not read, or it has none. */
export function kindOfCarrier(arn: string): ResourcePolicyKind | undefined {
  const service = arn.split(':', 3)[2];
  const { rest, region } = carrierArn(arn);
  // SECURITY: calls go to the host of the region. A text that is none leads nowhere.
  if (!/^[a-z0-9-]*$/.test(region)) return undefined;
  return resourcePolicyKinds.find((kind) => kind.service === service && kind.rest.test(rest));
}
