// What a mount of `aws` is configured with: the AWS it asks (`config/client`), what it tells of callers
// (`config/identity`), and roles to assume in other accounts (`config/sts/…`).
// Texts: OpenBao plugins `auth/aws/path_config_*.go`, `sdk/helper/authmetadata`.
import type { Json } from '../../../base/index.ts';
import { enginePath, type EngineAnswer, type EngineCall, type Folder, type PathRow } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import { listPath } from '../logins.ts';
import { canonicalName } from './signed-request.ts';

export interface ClientConfig {
  readonly version: 1;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly endpoint: string;
  readonly iamEndpoint: string;
  readonly stsEndpoint: string;
  readonly stsRegion: string;
  readonly useStsRegionFromClient: boolean;
  readonly serverId: string;
  readonly allowedHeaders: readonly string[];
  /** -1: the SDK's default. */
  readonly maxRetries: number;
}

const unset: ClientConfig = {
  version: 1,
  accessKey: '',
  secretKey: '',
  endpoint: '',
  iamEndpoint: '',
  stsEndpoint: '',
  stsRegion: '',
  useStsRegionFromClient: false,
  serverId: '',
  allowedHeaders: [],
  maxRetries: -1,
};

const clientFields = {
  access_key: 'string',
  secret_key: 'string',
  endpoint: 'string',
  iam_endpoint: 'string',
  sts_endpoint: 'string',
  sts_region: 'string',
  use_sts_region_from_client: 'boolean',
  iam_server_id_header_value: 'string',
  allowed_sts_header_values: 'list',
  max_retries: 'int',
} as const;

export const clientKey = 'config/client';

/** The configuration, or what holds without one: the ordinary AWS environment; and its revision. */
export async function loadClientConfig(folder: Folder): Promise<{ config: ClientConfig; revision: string }> {
  const found = await folder.get<ClientConfig>(clientKey);
  return { config: found?.value ?? unset, revision: found?.version ?? 'unset' };
}

async function handleClient(
  { operation, folder }: EngineCall,
  values: FieldValues<typeof clientFields>,
): Promise<EngineAnswer> {
  if (operation === 'read') {
    const found = await folder.get<ClientConfig>(clientKey);
    return found === undefined ? {} : { data: shownClient(found.value) };
  }
  await folder.change<ClientConfig>(clientKey, (before) =>
    operation === 'delete' ? undefined : writtenClient(before ?? unset, values),
  );
  return {};
}

function writtenClient(before: ClientConfig, values: FieldValues<typeof clientFields>): ClientConfig {
  return {
    version: 1,
    accessKey: values.access_key ?? before.accessKey,
    secretKey: values.secret_key ?? before.secretKey,
    endpoint: checkedEndpoint('endpoint', values.endpoint ?? before.endpoint),
    iamEndpoint: checkedEndpoint('iam_endpoint', values.iam_endpoint ?? before.iamEndpoint),
    stsEndpoint: checkedEndpoint('sts_endpoint', values.sts_endpoint ?? before.stsEndpoint),
    stsRegion: values.sts_region ?? before.stsRegion,
    useStsRegionFromClient: values.use_sts_region_from_client ?? before.useStsRegionFromClient,
    serverId: values.iam_server_id_header_value ?? before.serverId,
    allowedHeaders: values.allowed_sts_header_values?.map(canonicalName) ?? before.allowedHeaders,
    maxRetries: values.max_retries ?? before.maxRetries,
  };
}

function checkedEndpoint(field: string, text: string): string {
  if (text === '' || /^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw brokerFailure('bad-request', `${field}: \`${text}\` is not an http or https address`);
}

/** The secret key goes in and never comes out. */
function shownClient(config: ClientConfig): Readonly<Record<string, Json>> {
  return {
    access_key: config.accessKey,
    endpoint: config.endpoint,
    iam_endpoint: config.iamEndpoint,
    sts_endpoint: config.stsEndpoint,
    sts_region: config.stsRegion,
    use_sts_region_from_client: config.useStsRegionFromClient,
    iam_server_id_header_value: config.serverId,
    allowed_sts_header_values: config.allowedHeaders,
    max_retries: config.maxRetries,
  };
}

export interface IdentityConfig {
  readonly version: 1;
  readonly iamAlias: string;
  readonly iamMetadata: readonly string[];
  readonly ec2Alias: string;
  readonly ec2Metadata: readonly string[];
}

const usualMetadata = ['account_id', 'auth_type'];
const usualIdentity: IdentityConfig = {
  version: 1,
  iamAlias: 'role_id',
  iamMetadata: usualMetadata,
  ec2Alias: 'role_id',
  ec2Metadata: usualMetadata,
};

const iamAliases = ['role_id', 'unique_id', 'full_arn'];
const ec2Aliases = ['role_id', 'instance_id', 'image_id'];
const iamMetadata = [
  ...usualMetadata,
  'canonical_arn',
  'client_arn',
  'client_user_id',
  'inferred_aws_region',
  'inferred_entity_id',
  'inferred_entity_type',
];
const ec2Metadata = [...usualMetadata, 'ami_id', 'instance_id', 'region'];

const identityFields = {
  iam_alias: 'string',
  iam_metadata: 'list',
  ec2_alias: 'string',
  ec2_metadata: 'list',
} as const;

export async function loadIdentityConfig(folder: Folder): Promise<IdentityConfig> {
  return (await folder.get<IdentityConfig>('config/identity'))?.value ?? usualIdentity;
}

async function handleIdentity(
  { operation, folder }: EngineCall,
  values: FieldValues<typeof identityFields>,
): Promise<EngineAnswer> {
  if (operation === 'read') {
    const config = await loadIdentityConfig(folder);
    return {
      data: {
        iam_alias: config.iamAlias,
        iam_metadata: config.iamMetadata,
        ec2_alias: config.ec2Alias,
        ec2_metadata: config.ec2Metadata,
      },
    };
  }
  await folder.change<IdentityConfig>('config/identity', (before = usualIdentity) => ({
    version: 1,
    iamAlias: oneOf('iam_alias', values.iam_alias ?? before.iamAlias, iamAliases),
    iamMetadata: metadataOf(values.iam_metadata, iamMetadata) ?? before.iamMetadata,
    ec2Alias: oneOf('ec2_alias', values.ec2_alias ?? before.ec2Alias, ec2Aliases),
    ec2Metadata: metadataOf(values.ec2_metadata, ec2Metadata) ?? before.ec2Metadata,
  }));
  return {};
}

function oneOf(field: string, value: string, allowed: readonly string[]): string {
  if (allowed.includes(value)) return value;
  throw brokerFailure('bad-request', `${field} of "${value}" not in set of allowed values: [${allowed.join(' ')}]`);
}

function metadataOf(given: readonly string[] | undefined, available: readonly string[]): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const wanted = [...new Set(given.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))].sort();
  if (wanted.length === 1 && wanted[0] === 'default') return usualMetadata;
  if (wanted.includes('default')) {
    const quoted = wanted.map((name) => JSON.stringify(name)).join(' ');
    throw brokerFailure(
      'bad-request',
      `[${quoted}] contains default - default can't be used in combination with other fields`,
    );
  }
  if (wanted.every((name) => available.includes(name))) return wanted;
  throw brokerFailure(
    'bad-request',
    `"${wanted.join(', ')}" contains an unavailable field, please select from "${available.join(', ')}"`,
  );
}

export interface StsRole {
  readonly version: 1;
  readonly role: string;
  readonly externalId: string;
}

const stsFields = { account_id: 'string', sts_role: 'string', external_id: 'string' } as const;

/** The role through which the account is asked, if one was configured. */
export async function loadStsRole(folder: Folder, account: string): Promise<StsRole | undefined> {
  return (await folder.get<StsRole>(`config/sts/${account}`))?.value;
}

async function handleSts(
  { operation, folder, params }: EngineCall,
  values: FieldValues<typeof stsFields>,
): Promise<EngineAnswer> {
  const account = params['account_id']!;
  if (operation === 'read') {
    const found = await loadStsRole(folder, account);
    return found === undefined ? {} : { data: { sts_role: found.role, external_id: found.externalId } };
  }
  await folder.change<StsRole>(`config/sts/${account}`, (before) => {
    if (operation === 'delete') return undefined;
    const role = values.sts_role ?? before?.role;
    if (role === undefined) throw brokerFailure('bad-request', 'missing sts role');
    if (role === '') throw brokerFailure('bad-request', 'sts role cannot be empty');
    return { version: 1, role, externalId: values.external_id ?? before?.externalId ?? '' };
  });
  return {};
}

export const configPaths: readonly PathRow[] = [
  enginePath({
    pattern: 'config/client',
    operations: ['read', 'update', 'delete'],
    summary: 'The AWS that is asked about callers: keys, endpoints, and what a signed request must have.',
    fields: clientFields,
    exists: async ({ folder }) => (await folder.get(clientKey)) !== undefined,
    handle: handleClient,
  }),
  enginePath({
    pattern: 'config/identity',
    operations: ['read', 'update'],
    summary: 'Under which name callers are known, and what tokens tell of them.',
    fields: identityFields,
    handle: handleIdentity,
  }),
  listPath('config/sts', 'Lists the accounts that are asked through a role.', 'config/sts/'),
  enginePath({
    pattern: 'config/sts/:account_id',
    operations: ['read', 'update', 'delete'],
    summary: 'The role through which an account is asked.',
    fields: stsFields,
    exists: async ({ folder, params }) => (await loadStsRole(folder, params['account_id']!)) !== undefined,
    handle: handleSts,
  }),
];
