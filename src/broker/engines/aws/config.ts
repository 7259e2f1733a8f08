// config/root of the AWS engine: the AWS the engine acts in, and with which key. The secret key goes in
// and never comes out. Facts: hashicorp/vault builtin/logical/aws/path_config_root.go, newest.
import type { Json } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import { type FieldSchema, type FieldValues } from '../../fields.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import type { KeyPair } from './clients.ts';
import type { KeyRotation } from './key-rotation.ts';
import { defaultUsernameTemplate, templateProblem } from './names.ts';

export interface RootConfig {
  readonly version: 2;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly iamEndpoint: string;
  readonly stsEndpoint: string;
  readonly stsRegion: string;
  readonly stsFallbackEndpoints: readonly string[];
  readonly stsFallbackRegions: readonly string[];
  /** -1: the SDK's default. 0: a call is made once. */
  readonly maxRetries: number;
  readonly usernameTemplate: string;
  readonly roleArn: string;
  readonly identityTokenTtlSeconds: number;
  readonly disableAutomatedRotation: boolean;
  readonly rotationPolicy: string;
  /** A rotation of the key that has begun and not ended. */
  readonly rotation: KeyRotation | null;
  /** Ids of keys that rotations replaced: of the same user, so of the same account. Newest last. */
  readonly formerKeys: readonly string[];
}

const unset: RootConfig = {
  version: 2,
  accessKey: '',
  secretKey: '',
  region: '',
  iamEndpoint: '',
  stsEndpoint: '',
  stsRegion: '',
  stsFallbackEndpoints: [],
  stsFallbackRegions: [],
  maxRetries: -1,
  usernameTemplate: defaultUsernameTemplate,
  roleArn: '',
  identityTokenTtlSeconds: 0,
  disableAutomatedRotation: false,
  rotationPolicy: '',
  rotation: null,
  formerKeys: [],
};

/** What earlier versions of the server stored; what they did not know is as if it were not given. */
type StoredRootConfig = RootConfig | (Partial<Omit<RootConfig, 'version'>> & { readonly version: 1 });

export const rootFields = {
  access_key: 'string',
  secret_key: 'string',
  region: 'string',
  iam_endpoint: 'string',
  sts_endpoint: 'string',
  sts_region: 'string',
  sts_fallback_endpoints: 'list',
  sts_fallback_regions: 'list',
  max_retries: 'int',
  username_template: 'string',
  role_arn: 'string',
  identity_token_audience: 'string',
  identity_token_ttl: 'seconds',
  rotation_schedule: 'string',
  rotation_window: 'seconds',
  rotation_period: 'seconds',
  rotation_policy: 'string',
  disable_automated_rotation: 'boolean',
} as const satisfies FieldSchema;

type RootFields = FieldValues<typeof rootFields>;

const rootKey = 'config/root';

function current(stored: StoredRootConfig): RootConfig {
  if (stored.version === 2) return stored;
  const old = stored.usernameTemplate;
  // Version 1 knew the default template only, with one blank where Vault's has two.
  return {
    ...unset,
    ...stored,
    version: 2,
    usernameTemplate: old === undefined ? unset.usernameTemplate : defaultUsernameTemplate,
  };
}

/** The configuration, or what holds when nothing was configured: the ordinary AWS environment. */
export async function loadRootConfig(folder: Folder): Promise<RootConfig> {
  const found = await folder.get<StoredRootConfig>(rootKey);
  return found === undefined ? unset : current(found.value);
}

/** True when clients made from one configuration serve for the other. */
export function reachesSame(one: RootConfig, other: RootConfig): boolean {
  return reached.every((field) => String(one[field]) === String(other[field]));
}

const reached = [
  'accessKey',
  'secretKey',
  'region',
  'iamEndpoint',
  'stsEndpoint',
  'stsRegion',
  'stsFallbackEndpoints',
  'stsFallbackRegions',
  'maxRetries',
] as const satisfies readonly (keyof RootConfig)[];

/** Whether something was configured: a first write is a `create`. */
export async function hasRootConfig(folder: Folder): Promise<boolean> {
  return (await folder.get(rootKey)) !== undefined;
}

/** Stores what `next` makes of the configuration; undefined when there is none, and then stays so. */
export async function changeRootConfig(
  folder: Folder,
  next: (before: RootConfig | undefined) => RootConfig | undefined,
): Promise<void> {
  await folder.change<StoredRootConfig>(rootKey, (stored) => next(stored === undefined ? undefined : current(stored)));
}

/**
 * The key of the configuration, or undefined for the environment's.
 * @throws Failure `bad-request` for half a key, and for a key or region that no header of HTTP can hold.
 */
export function ownKeys({ accessKey, secretKey, region, stsRegion }: RootConfig): KeyPair | undefined {
  const noRegion = [region, stsRegion].find((name) => !/^[\w-]*$/.test(name));
  if (noRegion !== undefined) {
    throw brokerFailure('bad-request', `\`${noRegion}\` is not the name of a region`, { hint: 'write `region` anew' });
  }
  if (accessKey === '' && secretKey === '') return undefined;
  if (/[^\x20-\x7e]/.test(accessKey)) {
    throw brokerFailure('bad-request', '`access_key` holds a character that cannot be sent', {
      hint: 'write it anew, without line ends and signs that are not ASCII',
    });
  }
  if (accessKey !== '' && secretKey !== '') return { accessKeyId: accessKey, secretAccessKey: secretKey };
  throw brokerFailure(
    'bad-request',
    "static AWS client credentials haven't been properly configured (the access key or secret key were provided but not both)",
    { hint: 'write both `access_key` and `secret_key` to config/root, or neither for the environment of the server' },
  );
}

export async function handleRootConfig({ operation, folder }: EngineCall, fields: RootFields): Promise<EngineAnswer> {
  if (operation !== 'read') {
    await changeRootConfig(folder, (before) => changedRoot(before ?? unset, fields));
    return {};
  }
  const found = await folder.get<StoredRootConfig>(rootKey);
  return found === undefined ? {} : { data: rootData(current(found.value)) };
}

function rootData(config: RootConfig): Readonly<Record<string, Json>> {
  return {
    access_key: config.accessKey,
    region: config.region,
    iam_endpoint: config.iamEndpoint,
    sts_endpoint: config.stsEndpoint,
    sts_region: config.stsRegion,
    sts_fallback_endpoints: config.stsFallbackEndpoints,
    sts_fallback_regions: config.stsFallbackRegions,
    max_retries: config.maxRetries,
    username_template: config.usernameTemplate,
    role_arn: config.roleArn,
    identity_token_ttl: config.identityTokenTtlSeconds,
    identity_token_audience: '',
    rotation_schedule: '',
    rotation_window: 0,
    rotation_period: 0,
    rotation_policy: config.rotationPolicy,
    disable_automated_rotation: config.disableAutomatedRotation,
  };
}

// As newer Vault: left-out fields keep their value, but a left-out template becomes the default one.
function changedRoot(before: RootConfig, fields: RootFields): RootConfig {
  const changed: RootConfig = {
    ...before,
    accessKey: fields.access_key ?? before.accessKey,
    secretKey: fields.secret_key ?? before.secretKey,
    region: fields.region ?? before.region,
    iamEndpoint: endpoint('iam_endpoint', fields.iam_endpoint ?? before.iamEndpoint),
    stsEndpoint: endpoint('sts_endpoint', fields.sts_endpoint ?? before.stsEndpoint),
    stsRegion: fields.sts_region ?? before.stsRegion,
    stsFallbackEndpoints: (fields.sts_fallback_endpoints ?? before.stsFallbackEndpoints).map((one) =>
      endpoint('sts_fallback_endpoints', one),
    ),
    stsFallbackRegions: fields.sts_fallback_regions ?? before.stsFallbackRegions,
    maxRetries: fields.max_retries ?? before.maxRetries,
    usernameTemplate: template(fields.username_template),
    roleArn: fields.role_arn ?? before.roleArn,
    identityTokenTtlSeconds: Math.floor(fields.identity_token_ttl ?? before.identityTokenTtlSeconds),
    disableAutomatedRotation: fields.disable_automated_rotation ?? before.disableAutomatedRotation,
    rotationPolicy: fields.rotation_policy ?? before.rotationPolicy,
  };
  checkFallbacks(changed);
  checkRotation(fields);
  checkIdentity(changed, fields);
  if (fields.rotation_schedule || fields.rotation_period) throw unsupportedRotation();
  // Keys that rotations replaced say nothing about the user of a key that was written by hand.
  return changed.accessKey === before.accessKey ? changed : { ...changed, formerKeys: [] };
}

function checkFallbacks({ stsFallbackEndpoints, stsFallbackRegions }: RootConfig): void {
  if (stsFallbackEndpoints.length === stsFallbackRegions.length) return;
  throw brokerFailure('bad-request', 'fallback endpoints and fallback regions must be the same length', {
    hint: 'name a region for each endpoint of `sts_fallback_endpoints`, in the same order, in `sts_fallback_regions`',
  });
}

// Texts of Vault's sdk/helper/automatedrotationutil.
function checkRotation({ rotation_schedule, rotation_period, rotation_window }: RootFields): void {
  const problem =
    rotation_schedule && rotation_period
      ? 'mutually exclusive fields rotation_schedule and rotation_period were both specified; only one of them can be provided'
      : rotation_window && rotation_period
        ? 'rotation_window does not apply to period'
        : rotation_window && rotation_schedule === undefined
          ? 'cannot use rotation_window without rotation_schedule'
          : undefined;
  if (problem !== undefined) throw brokerFailure('bad-request', problem);
}

function checkIdentity(config: RootConfig, { identity_token_audience: audience }: RootFields): void {
  if (!audience) return;
  if (config.accessKey !== '') {
    throw brokerFailure('bad-request', "only one of 'access_key' or 'identity_token_audience' can be set");
  }
  if (config.roleArn === '') {
    throw brokerFailure('bad-request', "missing required 'role_arn' when 'identity_token_audience' is set");
  }
  throw brokerFailure('bad-request', 'plugin workload identity not supported in Vault community edition', {
    hint: 'run the server where the AWS environment gives it a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`), and leave the keys out',
  });
}

function unsupportedRotation(): Error {
  return brokerFailure(
    'bad-request',
    'error registering rotation job: rotation manager capabilities not supported in Vault community edition',
    { hint: 'let a timer of yours write to config/rotate-root' },
  );
}

// Vault takes anything; what can never be called is refused here, since nobody sees the mistake later.
function endpoint(field: string, text: string): string {
  if (text === '' || URL.canParse(endpointUrl(text))) return text;
  throw brokerFailure('bad-request', `${field}: \`${text}\` is not an http or https address`);
}

/** The address of an endpoint that may be written without its scheme. */
export function endpointUrl(text: string): string {
  if (/^https?:\/\//.test(text)) return text;
  return /^[\w.-]+(?::\d+)?(?:\/.*)?$/.test(text) ? `https://${text}` : 'not an address';
}

function template(text: string | undefined): string {
  if (text === undefined || text === '') return defaultUsernameTemplate;
  const problem = templateProblem(text);
  if (problem === undefined) return text;
  throw brokerFailure('bad-request', problem, {
    hint: 'nothing was stored; the line is counted within `username_template`',
  });
}
