// Which AWS is meant: the ordinary AWS environment turned into the settings of SDK clients.
// What is absent here (shared config files, SSO, instance credentials) the SDK's own chain finds.
import { readFileSync, statSync } from 'node:fs';
import { awsFailure } from './failures.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Settings of one service's client; members that are absent are left to the SDK. */
export interface ClientSettings {
  readonly region?: string;
  readonly endpoint?: string;
  readonly profile?: string;
  readonly credentials?: AwsKeys;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    /** Without it the SDK only warns of the time-out, and waits on. */
    readonly throwOnRequestTimeout: true;
    readonly httpsAgent?: { readonly ca: string };
  };
}

/** Services as `AWS_ENDPOINT_URL_…` names them. */
export type Service =
  | 'IAM'
  | 'STS'
  | 'ORGANIZATIONS'
  | 'CLOUDTRAIL'
  | 'S3'
  | 'KMS'
  | 'DYNAMODB'
  | 'SQS'
  | 'SNS'
  | 'SECRETS_MANAGER'
  | 'LAMBDA'
  | 'ECR'
  | 'KINESIS';

/**
 * `AWS_ENDPOINT_URL_IAM` before `AWS_ENDPOINT_URL`, as every AWS SDK reads them (SDK guide, "service-specific endpoints").
 * @throws Failure `invalid-aws-setting`.
 */
export function endpointOf(env: Env, service: Service): string | undefined {
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true') return undefined;
  const own = `AWS_ENDPOINT_URL_${service}`;
  const name = env[own] ? own : 'AWS_ENDPOINT_URL';
  const endpoint = env[name] || undefined;
  if (endpoint === undefined || /^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) return endpoint;
  throw awsFailure('invalid-aws-setting', `\`${name}\` is no address of a service: \`${endpoint}\``, {
    hint: 'write it like `http://127.0.0.1:4566`, or unset it to mean AWS itself',
  });
}

/** Keys of the environment count unless a profile is named: then the profile does, as in the AWS CLI. */
function keysOf(env: Env): AwsKeys | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env;
  if (env['AWS_PROFILE'] || !accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(token ? { sessionToken: token } : {}) };
}

/** Bundles that were read, as they were then. Each account has clients of its own, and a bundle is some 200 kB. */
const bundles = new Map<string, { readonly changed: string; readonly text: string }>();

function readBundle(file: string): string {
  const { mtimeMs, ctimeMs, size, ino } = statSync(file);
  const changed = `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  const known = bundles.get(file);
  if (known?.changed === changed) return known.text;
  const text = readFileSync(file, 'utf8');
  bundles.set(file, { changed, text });
  return text;
}

/** The certificates of `AWS_CA_BUNDLE`, read once for all clients until they change. @throws Failure `invalid-aws-setting`. */
export function caBundle(env: Env): string | undefined {
  const file = env['AWS_CA_BUNDLE'];
  if (!file) return undefined;
  try {
    return readBundle(file);
  } catch (cause) {
    throw awsFailure('invalid-aws-setting', `cannot read the CA bundle \`${file}\``, {
      hint: '`AWS_CA_BUNDLE` names a file of PEM certificates',
      cause,
    });
  }
}

/**
 * The settings of a service's client for an AWS environment.
 * @throws Failure `invalid-aws-setting`.
 */
export function clientSettings(env: Env, service: Service): ClientSettings {
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'];
  const endpoint = endpointOf(env, service);
  const keys = keysOf(env);
  const profile = env['AWS_PROFILE'];
  const ca = caBundle(env);
  return {
    ...(region ? { region } : {}),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile ? { profile } : {}),
    ...(keys === undefined ? {} : { credentials: keys }),
    requestHandler: {
      connectionTimeout: 5000,
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
      ...(ca === undefined ? {} : { httpsAgent: { ca } }),
    },
  };
}

/**
 * Whether the environment means an AWS on this machine, which has no request rates to spare.
 * @throws Failure `invalid-aws-setting`.
 */
export function isLoopback(env: Env): boolean {
  const endpoint = endpointOf(env, 'IAM');
  if (endpoint === undefined) return false;
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(endpoint).hostname);
}
