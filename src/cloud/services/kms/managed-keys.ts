// The keys that AWS makes and manages in every account: `alias/aws/s3` and the like. Such a key comes into being when
// it is first used; until then its alias stands without one.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
import { createHash } from 'node:crypto';
import type { Millis } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import type { World } from '../../world.ts';
import { newMaterial } from './material.ts';
import { keys, rowOf, saveKey, type Key } from './model.ts';

interface ManagedService {
  /** The first part of `kms:ViaService`. */
  readonly via: string;
  /** As the statement of its policy names it. */
  readonly title: string;
  readonly grants: boolean;
}

const services: Readonly<Record<string, ManagedService>> = {
  dynamodb: { via: 'dynamodb', title: 'Amazon DynamoDB', grants: true },
  ebs: { via: 'ec2', title: 'EBS', grants: true },
  elasticfilesystem: { via: 'elasticfilesystem', title: 'EFS', grants: true },
  es: { via: 'es', title: 'Elasticsearch', grants: true },
  glue: { via: 'glue', title: 'Glue', grants: true },
  kinesisvideo: { via: 'kinesisvideo', title: 'Kinesis Video Streams', grants: true },
  rds: { via: 'rds', title: 'RDS', grants: true },
  redshift: { via: 'redshift', title: 'Redshift', grants: true },
  s3: { via: 's3', title: 'S3', grants: false },
  ssm: { via: 'ssm', title: 'SSM', grants: false },
  xray: { via: 'xray', title: 'X-Ray', grants: false },
};

const prefix = 'alias/aws/';

/** Aliases that only AWS makes. */
export function isAwsAlias(name: string): boolean {
  return name.startsWith(prefix);
}

export function managedAliases(): readonly string[] {
  return Object.keys(services).map((name) => prefix + name);
}

/** The managed key behind an alias of AWS, as it is stored or as it would be made. */
export function managedKey(world: World, account: string, region: string, alias: string, now: Millis): Key | undefined {
  if (!Object.hasOwn(services, alias.slice(prefix.length))) return undefined;
  const id = managedId(world, account, region, alias);
  return world.table(keys).get(account, rowOf({ region, id })) ?? unmade(world, account, region, alias, now);
}

export function managedKeyById(
  world: World,
  account: string,
  region: string,
  id: string,
  now: Millis,
): Key | undefined {
  const alias = managedAliases().find((name) => managedId(world, account, region, name) === id);
  return alias === undefined ? undefined : unmade(world, account, region, alias, now);
}

/** Stores a managed key that is used for the first time. */
export function madeKey(call: Call, key: Key): Key {
  if (key.managedAlias === undefined || key.materials.length > 0) return key;
  const made: Key = { ...key, materials: [newMaterial(call.random, 32)] };
  saveKey(call.world, made);
  return made;
}

// INVARIANT: the id follows from account, region and alias, so that authorization, which only reads, can name a key
// that does not exist yet.
function managedId(world: World, account: string, region: string, alias: string): string {
  const hex = createHash('sha256').update(`${world.organizationId}/${account}/${region}/${alias}`).digest('hex');
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-a$4-$5');
}

function unmade(world: World, account: string, region: string, alias: string, now: Millis): Key {
  const name = alias.slice(prefix.length);
  const service = services[name]!;
  return {
    account,
    region,
    id: managedId(world, account, region, alias),
    description: `Default key that protects my ${service.title} data when no other key is defined`,
    spec: 'SYMMETRIC_DEFAULT',
    usage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    managedAlias: alias,
    createdAt: now,
    enabled: true,
    policy: managedPolicy(world, account, region, name, service),
    tags: [],
    materials: [],
    // "AWS rotates AWS managed keys every year."
    rotation: { periodDays: 365, nextAt: now + 365 * 86_400_000 },
  };
}

/** Key policy of a managed key: its service for everyone in the account, and metadata for the account. */
function managedPolicy(
  world: World,
  account: string,
  region: string,
  name: string,
  { via, title, grants }: ManagedService,
): string {
  const use = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*'];
  return JSON.stringify({
    Version: '2012-10-17',
    Id: `auto-${name}-2`,
    Statement: [
      {
        Sid: `Allow access through ${title} for all principals in the account that are authorized to use ${title}`,
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [...use, ...(grants ? ['kms:CreateGrant'] : []), 'kms:DescribeKey'],
        Resource: '*',
        Condition: {
          StringEquals: { 'kms:CallerAccount': account, 'kms:ViaService': `${via}.${region}.amazonaws.com` },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: `arn:${world.partition}:iam::${account}:root` },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*'],
        Resource: '*',
      },
    ],
  });
}
