// config/root and config/lease of the AWS engine: the AWS the engine acts in, and how long IAM users
// are lent. The secret key goes in and never comes out.
import { formatGoDuration, isFailure, parseDuration } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import { readFields } from '../../fields.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import { defaultUsernameTemplate } from './names.ts';

export interface RootConfig {
  readonly version: 1;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly iamEndpoint: string;
  readonly stsEndpoint: string;
  /** -1: the SDK's default. */
  readonly maxRetries: number;
  readonly usernameTemplate: string;
}

export interface LeaseConfig {
  readonly version: 1;
  readonly leaseSeconds: number;
  readonly leaseMaxSeconds: number;
}

const unset: RootConfig = {
  version: 1,
  accessKey: '',
  secretKey: '',
  region: '',
  iamEndpoint: '',
  stsEndpoint: '',
  maxRetries: -1,
  usernameTemplate: defaultUsernameTemplate,
};

export const rootFields = {
  access_key: 'string',
  secret_key: 'string',
  region: 'string',
  iam_endpoint: 'string',
  sts_endpoint: 'string',
  max_retries: 'int',
  username_template: 'string',
  role_arn: 'string',
  identity_token_audience: 'string',
} as const;

/** The configuration, or what holds when nothing was configured: the ordinary AWS environment. */
export async function loadRootConfig(folder: Folder): Promise<{ config: RootConfig; revision: string }> {
  const found = await folder.get<RootConfig>('config/root');
  return { config: found?.value ?? unset, revision: found?.version ?? 'unset' };
}

export async function handleRootConfig({ operation, body, folder }: EngineCall): Promise<EngineAnswer> {
  if (operation !== 'read') {
    await folder.change<RootConfig>('config/root', (before) => changedRoot(before ?? unset, body));
    return {};
  }
  const found = await folder.get<RootConfig>('config/root');
  if (found === undefined) return {};
  const { accessKey, region, iamEndpoint, stsEndpoint, maxRetries, usernameTemplate } = found.value;
  return {
    data: {
      access_key: accessKey,
      region,
      iam_endpoint: iamEndpoint,
      sts_endpoint: stsEndpoint,
      max_retries: maxRetries,
      username_template: usernameTemplate,
      sts_region: '',
      sts_fallback_endpoints: [],
      sts_fallback_regions: [],
      role_arn: '',
      identity_token_audience: '',
      identity_token_ttl: 0,
    },
  };
}

// As newer Vault: left-out fields keep their value, but a left-out template becomes the default one.
function changedRoot(before: RootConfig, body: Readonly<Record<string, unknown>>): RootConfig {
  const fields = readFields(rootFields, body);
  if (fields.identity_token_audience || fields.role_arn) {
    throw brokerFailure('bad-request', 'workload identity federation is not supported', {
      hint: 'give `access_key` and `secret_key`, or neither to use the AWS environment of the server',
    });
  }
  const changed: RootConfig = {
    version: 1,
    accessKey: fields.access_key ?? before.accessKey,
    secretKey: fields.secret_key ?? before.secretKey,
    region: fields.region ?? before.region,
    iamEndpoint: checkEndpoint('iam_endpoint', fields.iam_endpoint ?? before.iamEndpoint),
    stsEndpoint: checkEndpoint('sts_endpoint', fields.sts_endpoint ?? before.stsEndpoint),
    maxRetries: fields.max_retries ?? before.maxRetries,
    usernameTemplate: checkTemplate(fields.username_template),
  };
  if ((changed.accessKey === '') !== (changed.secretKey === '')) {
    throw brokerFailure('bad-request', '`access_key` and `secret_key` belong together: give both or neither');
  }
  return changed;
}

function checkEndpoint(field: string, text: string): string {
  if (text === '' || (URL.canParse(text) && /^https?:\/\//.test(text))) return text;
  throw brokerFailure('bad-request', `${field}: \`${text}\` is not an http or https address`);
}

function checkTemplate(template: string | undefined): string {
  if (template === undefined || template === '' || template === defaultUsernameTemplate) return defaultUsernameTemplate;
  throw brokerFailure('bad-request', 'unable to initialize username template: only the default template is supported', {
    hint: 'leave `username_template` out',
  });
}

/** The lease times of IAM users; zeros when not configured, for the mount's own. */
export async function loadLeaseConfig(folder: Folder): Promise<LeaseConfig> {
  const found = await folder.get<LeaseConfig>('config/lease');
  return found?.value ?? { version: 1, leaseSeconds: 0, leaseMaxSeconds: 0 };
}

export const leaseFields = { lease: 'string', lease_max: 'string' } as const;

export async function handleLeaseConfig({ operation, body, folder }: EngineCall): Promise<EngineAnswer> {
  if (operation !== 'read') {
    const fields = readFields(leaseFields, body);
    const leaseSeconds = readLease('lease', fields.lease);
    const leaseMaxSeconds = readLease('lease_max', fields.lease_max);
    const config: LeaseConfig = { version: 1, leaseSeconds, leaseMaxSeconds };
    await folder.change<LeaseConfig>('config/lease', () => config);
    return {};
  }
  const found = await folder.get<LeaseConfig>('config/lease');
  if (found === undefined) return {};
  const { leaseSeconds, leaseMaxSeconds } = found.value;
  return { data: { lease: formatGoDuration(leaseSeconds), lease_max: formatGoDuration(leaseMaxSeconds) } };
}

/** What Go's durations can hold, which Vault's clients read. */
const longestSeconds = 1e10;

function readLease(field: string, text: string | undefined): number {
  if (text === undefined || text === '') throw brokerFailure('bad-request', `'${field}' is a required parameter`);
  try {
    const seconds = Math.floor(parseDuration(text));
    if (seconds < longestSeconds) return seconds;
    throw brokerFailure('bad-request', `Invalid ${field}: \`${text}\` is longer than 300 years`);
  } catch (error) {
    if (!isFailure(error) || error.code !== 'invalid-duration') throw error;
    throw brokerFailure('bad-request', `Invalid ${field}: ${error.message}`, { hint: error.hint });
  }
}
